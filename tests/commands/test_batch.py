"""Many performances without a window: what is written, what is skipped, what failing ones say."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

bpy = pytest.importorskip("bpy")

from addon.commands import batch  # noqa: E402
from addon.commands.__main__ import main  # noqa: E402
from addon.core.rig_profile import find_profile, write_profile  # noqa: E402
from addon.core.take import read_take, write_take  # noqa: E402
from addon.tracking.region import FaceBox  # noqa: E402

from ..blender.test_body_face_panel import make_walker  # noqa: E402
from ..core.making import a_take  # noqa: E402
from ..core.test_bvh import SMALL  # noqa: E402
from ..films import piece_of  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    """The batch starts from the open scene, so none may be left from another test."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def takes(tmp_path: Path) -> list[str]:
    """Two good takes of the same name in two folders, a fifth of a second each."""
    paths = [tmp_path / "a" / "shot.take", tmp_path / "b" / "shot.take"]
    for path in paths:
        write_take(a_take(6), path)
    return [str(path) for path in paths]


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def render_batch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script as a user starts it."""
    return subprocess.run(
        [sys.executable, "render_batch.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "BLENDER_USER_RESOURCES": os.environ.get("BLENDER_USER_RESOURCES", "")},
    )


def test_each_gets_scene_take_clip_and_report_and_a_second_start_skips(takes, tmp_path, capsys):
    out, wildcard = tmp_path / "out", str(tmp_path / "?" / "shot.take")
    command = ["batch", "--take", wildcard, "--out", str(out), "--render", "png", "--size", "48x48", "--jobs", "1"]
    assert main(command) == 0
    assert sorted(p.name for p in out.iterdir()) == ["shot", "shot-2", "summary.json", "summary.txt"]
    for name in ("shot", "shot-2"):
        told = report(out / name)
        assert (told["status"], told["characters"]) == ("done", ["Pip"])
        assert [(each["name"], each["controls"]) for each in told["keyed"]] == [("Pip", 53)]
        assert len(read_take(out / name / f"{name}.take")) == 6
        first, last = told["frames"]
        assert len(list((out / name / f"{name}_frames").glob("*.png"))) == last - first + 1
        bpy.ops.wm.open_mainfile(filepath=str(out / name / f"{name}.blend"))
        armature = bpy.data.objects["Pip"]
        assert armature.animation_data.action.name == name and armature.animation_data.action_slot is not None
        assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (first, last)
    assert not list(out.rglob("*partial*"))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    bpy.ops.wm.read_homefile(use_empty=True)
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr().out.count("skipped") == 2
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_bodies_get_faces_from_a_bvh_and_from_an_action_that_is_not_touched(tmp_path):
    walk, out = tmp_path / "walk.bvh", tmp_path / "out"
    walk.write_text(SMALL)
    before = make_walker().animation_data.action.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    style = ["--face-style", "joyful", "--out", str(out)]
    assert main(["batch", "--body", str(walk), "--key-body", *style]) == 0
    told = report(out / "walk")
    assert told["face_style"] == "joyful" and [each["name"] for each in told["keyed"]] == ["Pip"]
    bpy.ops.wm.open_mainfile(filepath=str(out / "walk" / "walk.blend"))
    assert bpy.data.objects["Pip"]["body"] is True      # shown, because it has keys
    assert read_take(out / "walk" / "walk.take").source["style"] == "joyful"
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert main(["batch", "--body", str(tmp_path / "shot.blend"), "--armature", "Walker", *style]) == 0
    assert report(out / "shot")["frames"][0] == 11
    bpy.ops.wm.open_mainfile(filepath=str(out / "shot" / "shot.blend"))
    assert bpy.data.objects["Pip"].animation_data.action.name == "shot"
    assert bpy.data.objects["Walker"].animation_data.action.name == before
    assert main(["batch", "--body", str(tmp_path / "shot.blend"), "--armature", "Nobody", *style]) == 1
    assert "no armature 'Nobody'" in report(out / "shot")["error"]


def test_several_characters_play_the_same_take_side_by_side(takes, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["batch", "--take", takes[0], "--character", "Pip", "Gus", "pip", "--out", str(out)]
    assert main(command) == 0
    told = report(out / "shot")
    assert told["characters"] == ["Pip", "Gus"] and [each["name"] for each in told["keyed"]] == ["Pip", "Gus"]
    assert "53 controls of Pip, " in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(out / "shot" / "shot.blend"))
    pip, gus = bpy.data.objects["Pip"], bpy.data.objects["Gus"]
    assert {root.animation_data.action.name for root in (pip, gus)} == {"shot Pip", "shot Gus"}
    assert gus.location.x > pip.location.x and bpy.context.scene.camera is not None
    assert main([*command[:3], "--character", "Pip", "--out", str(out)]) == 0
    assert report(out / "shot")["characters"] == ["Pip"], "another cast is another request"


def test_changed_input_or_lost_output_is_done_again(takes, tmp_path, capsys):
    command = ["batch", "--take", takes[0], "--out", str(tmp_path / "out")]
    assert main(command) == 0
    write_take(a_take(20), Path(takes[0]))
    assert main(command) == 0
    assert report(tmp_path / "out" / "shot")["source_frames"] == 20
    (tmp_path / "out" / "shot" / "shot.blend").unlink()
    assert main(command) == 0
    assert (tmp_path / "out" / "shot" / "shot.blend").is_file()
    assert "skipped" not in capsys.readouterr().out


def test_bad_ones_are_reported_and_the_others_go_on(takes, tmp_path, capsys):
    data = Path(takes[0]).read_bytes()
    (tmp_path / "cut.take").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.mp4").write_text("not a film")
    (tmp_path / "columns.csv").write_text("Timecode,Nothing\n00:00:00:00.0,1\n")
    bad = [str(tmp_path / name) for name in ("cut.take", "columns.csv")]
    code = main(["batch", "--take", bad[0], takes[0], bad[1], "--video", str(tmp_path / "text.mp4"),
                 str(tmp_path / "absent.mp4"), "--out", str(tmp_path / "out"), "--jobs", "1"])
    assert code == 1
    said = capsys.readouterr()
    assert "1 of 5 done" in said.out
    for name in ("cut", "columns", "text", "absent"):
        told = report(tmp_path / "out" / name)
        assert told["status"] == "failed" and name in told["error"]
        assert told["error"] in said.err
        assert [p.name for p in (tmp_path / "out" / name).iterdir()] == ["report.json"]


def test_a_scene_keeps_its_rate_and_its_own_animation(takes, tmp_path):
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    prop = bpy.data.objects.new("Prop", None)
    scene.collection.objects.link(prop)
    prop.keyframe_insert("location", frame=7)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    before = (tmp_path / "shot.blend").read_bytes()
    out = tmp_path / "out"
    assert main(["batch", "--scene", str(tmp_path / "shot.blend"), "--take", takes[0], "--out", str(out)]) == 0
    assert (tmp_path / "shot.blend").read_bytes() == before
    bpy.ops.wm.open_mainfile(filepath=str(out / "shot" / "shot.blend"))
    render = bpy.context.scene.render
    assert (render.fps, render.fps_base) == (30, pytest.approx(1.001))
    assert bpy.data.objects["Prop"].animation_data.action is not None


def test_script_with_several_processes(takes, tmp_path):
    (tmp_path / "cut.take").write_bytes(b"PK\3\4")
    out = tmp_path / "out"
    ended = render_batch("--take", takes[0], str(tmp_path / "cut.take"), "--out", str(out), "--jobs", "2")
    said = ended.stdout + ended.stderr  # the children's own errors are in it
    assert ended.returncode == 1 and "1 of 2 done" in ended.stdout and "cut.take" in ended.stderr, said
    assert [report(out / name)["status"] for name in ("shot", "cut")] == ["done", "failed"], said
    again = render_batch("--take", takes[0], "--out", str(out), "--jobs", "2")
    assert again.returncode == 0 and again.stdout.count("skipped") == 1, again.stdout + again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to do"),
        (["--take", "x.take", "--character", "Nobody"], "no character 'Nobody'"),
        (["--take", "x.take", "--scene", "absent.blend"], "no scene 'absent.blend'"),
        (["--take", "x.take", "--check"], "about a manifest"),
        (["--manifest", "absent.csv"], "Cannot read the manifest 'absent.csv'"),
        (["--manifest", "absent.csv", "--take", "x.take"], "not in both places"),
    ],
)
def test_wrong_requests_are_one_sentence(arguments, words, tmp_path, capsys):
    assert main(["batch", *arguments, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) == 1


def test_a_rig_of_ones_own_needs_its_scene_before_anything_is_tracked(tmp_path, capsys):
    preset = tmp_path / "hero.toml"
    write_profile(replace(find_profile("Uno"), name="Hero", blend=None), preset)
    out = tmp_path / "out"
    assert main(["batch", "--video", "clip.mp4", "--character", str(preset), "--out", str(out)]) == 1
    assert "'Hero' is a rig of your own" in capsys.readouterr().err and not out.exists()


def test_an_output_folder_that_cannot_be_written_stops_before_the_work(takes, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    assert main(["batch", "--take", takes[0], "--out", str(tmp_path / "file" / "out")]) == 1
    assert "Cannot write" in capsys.readouterr().err


def test_where_the_face_is_reaches_the_tracker_and_a_change_is_done_again(takes, tmp_path, monkeypatch, capsys):
    asked = []

    def record(source, **settings):
        if settings:
            asked.append((settings["box"], settings["drawn"]))
        return read_take(Path(takes[0]))

    monkeypatch.setattr(batch, "record_take", record)
    (tmp_path / "dog.mp4").write_bytes(b"a film")
    command = ["batch", "--video", str(tmp_path / "dog.mp4"), "--out", str(tmp_path / "out")]
    assert main([*command, "--drawn", "--box", "10,20,30,40"]) == 0
    assert main([*command, "--drawn", "--box", "10,20,30,40"]) == 0
    assert main(command) == 0
    assert asked == [(FaceBox(0.1, 0.2, 0.3, 0.4), True), (None, False)]
    assert capsys.readouterr().out.count("skipped") == 1


def test_a_video_goes_all_the_way(shared, tmp_path):
    cv2 = pytest.importorskip("cv2")
    clip = piece_of(shared / "data" / "webcam_video" / "man_at_webcam.mp4", tmp_path / "piece.mp4", 0, 10)
    out = tmp_path / "out"
    assert main(["batch", "--video", str(clip), "--out", str(out), "--render", "mp4", "--size", "64x64"]) == 0
    told = report(out / "piece")
    assert told["found_share"] == 1 and told["source_frames"] == 10 and told["frames"] == [1, 9]
    film = cv2.VideoCapture(str(out / "piece" / "piece.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 9


def test_a_profile_naming_a_bone_that_is_gone_is_noted_and_the_rest_is_keyed(takes, tmp_path, capsys):
    pip = ROOT / "rigs" / "pip"
    text = (pip / "profile.toml").read_text().replace('blend = "pip.blend"', f"blend = '{pip / 'pip.blend'}'")
    (tmp_path / "profile.toml").write_text(text.replace('bone = "CTRL-brow_inner.L"', 'bone = "CTRL-lost.L"'))
    out = tmp_path / "out"
    assert main(["batch", "--take", takes[0], "--character", str(tmp_path / "profile.toml"), "--out", str(out)]) == 0
    told = report(out / "shot")
    assert told["keyed"][0]["controls"] == 52
    assert any("'Pip'" in note and "'brow_inner.L'" in note and "'CTRL-lost.L'" in note for note in told["notes"])
    assert "CTRL-lost.L" in capsys.readouterr().out
