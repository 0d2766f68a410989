"""Manifests: what is read, what each wrong line says, and a batch that runs one."""
from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.commands.__main__ import main
from addon.commands.manifest import Item, read_manifest
from addon.core.errors import SemblanceError
from addon.core.take import read_take, write_take

from ..conftest import ROOT
from ..core.making import a_take

CLIP = ROOT / "assets" / "demo" / "performer.mp4"


def read(folder: Path, text: str, name: str = "shots.csv") -> tuple[list[Item], list[str]]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_manifest(folder / name, folder / "out", Item())


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A manifest of two short takes and a short piece of video."""
    lines = ["video,name,end"]
    for number in range(2):
        write_take(a_take(12), tmp_path / f"shot{number}.take")
        lines.append(f"shot{number}.take,,")
    (tmp_path / "shots.csv").write_text("\n".join([*lines, f"{CLIP},clip,0.4"]))
    return tmp_path / "shots.csv"


def test_all_that_a_line_may_say(tmp_path: Path) -> None:
    (tmp_path / "shot.blend").write_bytes(b"")
    (tmp_path / "a.mp4").write_bytes(b"")
    items, wrong = read(tmp_path, (
        "Video;Name;Character;Scene;Start;End;Start_frame;Face;Box;Drawn;Style;Render;Size\r\n"
        'a.mp4;take 1;"Pip; Gus";shot.blend;1.5;3;101;1;10,20,30,40;yes;1.5;MP4;320x240\r\n'
        "\r\n"
        "a.mp4;;;;;;;;;;;;\r\n"
    ))
    assert not wrong
    assert items[0] == Item(
        str(tmp_path / "a.mp4"), str(tmp_path / "out" / "take 1"), ("Pip", "Gus"), str(tmp_path / "shot.blend"),
        1.5, 3.0, 101, 1, "10,20,30,40", True, 1.5, "mp4", (320, 240),
    )
    assert items[1] == Item(str(tmp_path / "a.mp4"), str(tmp_path / "out" / "a"))
    assert Item.from_json(items[0].to_json()) == items[0]
    told, wrong = read(tmp_path, json.dumps([
        {"video": "a.mp4", "name": "take 1", "character": ["Pip", "Gus"], "scene": "shot.blend", "start": 1.5, "end": 3,
         "start_frame": 101, "face": 1, "box": "10,20,30,40", "drawn": True, "style": 1.5, "render": "mp4",
         "size": "320x240"},
        {"video": "a.mp4", "drawn": None},
    ]), "shots.json")
    assert not wrong and told == items


def test_bodies_get_a_style_and_an_action_its_own_scene(tmp_path: Path) -> None:
    for name in ("walk.bvh", "shot.blend", "actor.take", "a.mp4"):
        (tmp_path / name).write_bytes(b"")
    items, wrong = read(tmp_path, (
        "body,armature,face_style,strength,still_head\n"
        "walk.bvh,,joyful,1.5,yes\n"
        "shot.blend,Rig,actor.take,,\n"
    ))
    assert not wrong
    walk, action = items
    assert (walk.face_style, walk.strength, walk.still_head, walk.scene) == ("joyful", 1.5, True, None)
    assert (action.armature, action.scene) == ("Rig", str(tmp_path / "shot.blend"))
    assert action.face_style == str(tmp_path / "actor.take")
    assert Item.from_json(action.to_json()) == action
    _, wrong = read(tmp_path, (
        "body,armature,face_style,start\n"
        "a.mp4,,joyful,\nwalk.bvh,Rig,,\nwalk.bvh,,furious,\nwalk.bvh,,gone.take,\nshot.blend,,,\nwalk.bvh,,,2\n"
    ))
    for said, words in zip(wrong, (
        "'face_style' is for a body in a .bvh or .blend", "'armature' is for a body in a .blend",
        "no face style 'furious'", "to take a style from", "Name the armature in 'shot.blend'",
        "a body is keyed as a whole",
    ), strict=True):
        assert words in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gone.mp4,,,,,", "There is no file"),
        (",,,,,", None),
        ("a.mp4,Nobody,,,,", "no character 'Nobody'"),
        ("a.mp4,,gone.blend,,,", "There is no scene"),
        ("a.mp4,,,soon,,", "In the column 'start', 'soon' is not a number of seconds"),
        ("a.mp4,,,3,2,", "start at 3 s must come before the end at 2 s"),
        ("a.take,,,1,,", "a take is keyed as a whole"),
        ("a.mp4,,,,,5", "In the column 'style', '5' is not a strength from 0.5 to 2"),
        ("a.mp4,,,,,,7", "7 cells under 6 names"),
        (",Pip,,,,", "It names no video"),
        ("first.mp4,,,,,", "'first' is what line 2 is called"),
        ("a\0.mp4,,,,,", "null"),
        ("~nobody-here/a.mp4,,,,,", "home"),
        (f"{'long' * 100}.mp4,,,,,", "too long"),
    ],
)
def test_a_wrong_line_is_one_sentence_with_its_number(line: str, words: str | None, tmp_path: Path) -> None:
    for name in ("first.mp4", "a.mp4", "a.take"):
        (tmp_path / name).write_bytes(b"")
    items, wrong = read(tmp_path, f"video,character,scene,start,end,style\nfirst.mp4,,,,,\n{line}\n")
    if words is None:  # nothing in a line is no line
        assert (len(items), wrong) == (1, [])
    else:
        assert len(items) == 1 and len(wrong) == 1
        assert wrong[0].startswith("Line 3 of 'shots.csv': ") and words in wrong[0] and "\n" not in wrong[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no items"),
        ("video\n", "no items"),
        ("video,colour\na.mp4,red\n", "unknown column 'colour'"),
        ("video,face,face\na.mp4,1,2\n", "names twice the column 'face'"),
        ("character\nPip\n", "needs one column 'video'"),
        ('video\n"a.mp4\n', "is no CSV"),
    ],
)
def test_a_table_that_is_none_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SemblanceError, match=words):
        read(tmp_path, text)


@settings(max_examples=60)
@given(st.binary(max_size=80), st.sampled_from([b"", b"video,character,end\n", b'[{"video": ']),
       st.sampled_from(["a.csv", "a.json"]))
def test_whatever_is_in_the_file_is_read_or_told(tmp_path_factory, data: bytes, head: bytes, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(head + data)
    try:
        items, wrong = read_manifest(path, path.parent / "out", Item())
        assert items or wrong
        assert not any("\n" in sentence for sentence in wrong)
    except SemblanceError as error:
        assert "\n" not in str(error)


def test_nothing_is_started_while_a_line_is_wrong(tmp_path: Path, capsys) -> None:
    (tmp_path / "shots.csv").write_text(f"video,end\n{CLIP},0.4\ngone.mp4,\n")
    assert main(["batch", "--manifest", str(tmp_path / "shots.csv"), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Line 3 of 'shots.csv'") and "1 of 2 lines are wrong" in said[1]
    assert not (tmp_path / "out").exists()


def started(shots: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """A batch as a user starts it, in a process group of its own so that all of it can be ended."""
    command = [sys.executable, "render_batch.py", "--manifest", str(shots), "--out", str(out), *more]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        # Where this suite runs in the background, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(process: subprocess.Popen[str], timeout_s: float = 240) -> str:
    """What it said; its whole group is gone afterwards."""
    try:
        return process.communicate(timeout=timeout_s)[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def first_worker(*batches: int) -> int:
    """A process that works on an item of one of the batches, as soon as there is one."""
    parents = ",".join(map(str, batches))
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", parents], capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            if "--item" in line:
                return int(line.split()[0])
        time.sleep(0.05)
    raise AssertionError("no item was begun")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="ps as Linux has it")
def test_two_starts_share_the_work_and_a_killed_worker_is_replaced(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    out = tmp_path / "out"
    both = [started(shots, out, "--jobs", "1", "--only", "1-2"), started(shots, out, "--jobs", "2")]
    try:
        os.kill(first_worker(*(process.pid for process in both)), signal.SIGKILL)
    finally:
        said = [ended(process) for process in both]
    assert "2 of 2 done" in said[0] and "3 of 3 done" in said[1], said
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["done"], summary["failed"]) == (3, 0)
    assert [row["name"] for row in summary["items"]] == ["shot0", "shot1", "clip"]
    assert not list(out.rglob(".*"))
    for folder in filter(Path.is_dir, out.iterdir()):
        assert sorted(path.suffix for path in folder.iterdir()) == [".blend", ".json", ".take"]
    assert 5 < len(read_take(out / "clip" / "clip.take")) < 13


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="ps as Linux has it")
def test_ctrl_c_begins_nothing_more(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    batch = started(shots, tmp_path / "out", "--jobs", "2")
    first_worker(batch.pid)
    os.killpg(batch.pid, signal.SIGINT)
    said = ended(batch, 60)
    assert batch.returncode == 130 and "stopped" in said and "Traceback" not in said, said
    # What was begun may have come to its end just before; of three, the third was not begun.
    assert len(list((tmp_path / "out").rglob("report.json"))) < 3
