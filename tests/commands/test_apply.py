"""A performance becomes a keyed scene from the command line."""
from __future__ import annotations

import re
from dataclasses import replace

import pytest

bpy = pytest.importorskip("bpy")

from addon.commands.__main__ import main  # noqa: E402
from addon.core.live_link import write_live_link  # noqa: E402
from addon.core.rig_profile import find_profile, write_profile  # noqa: E402
from addon.core.take import write_take  # noqa: E402

from ..core.making import a_take  # noqa: E402


@pytest.mark.parametrize("suffix", [".take", ".csv"])
def test_a_performance_is_keyed_on_pip(suffix, tmp_path, capsys):
    path = tmp_path / f"slate{suffix}"
    (write_take if suffix == ".take" else write_live_link)(a_take(30), path)
    assert main(["apply", str(path), "-o", str(tmp_path / "keyed.blend"), "--start-frame", "101"]) == 0
    assert "53 controls of Pip on frames 101 to" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "keyed.blend"))
    action = bpy.data.objects["Pip"].animation_data.action
    assert action.frame_range[0] == 101 and action.name == "slate"


def test_nla_and_an_existing_scene_which_is_never_replaced_by_chance(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_take(a_take(12), tmp_path / "slate.take")
    (tmp_path / "slate.blend").write_bytes(b"two hours of work")
    assert main(["apply", "slate.take"]) == 0
    assert (tmp_path / "slate.blend1").read_bytes() == b"two hours of work"
    scene = (tmp_path / "slate.blend").read_bytes()
    assert main(["apply", "slate.take", "--scene", "slate.blend"]) == 1
    assert "would replace 'slate.blend'" in capsys.readouterr().err
    assert main(["apply", "slate.take", "--scene", "slate.blend", "-o", "two.blend", "--nla"]) == 0
    assert (tmp_path / "slate.blend").read_bytes() == scene
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two.blend"))
    data = bpy.data.objects["Pip"].animation_data
    assert data.action.name == "slate" and [t.strips[0].action.name for t in data.nla_tracks] == ["slate.001"]
    assert len([o for o in bpy.data.objects if o.type == "ARMATURE"]) == 1


def test_several_characters_and_one_that_is_not_in_the_scene(tmp_path, capsys):
    write_take(a_take(12), tmp_path / "slate.take")
    write_profile(replace(find_profile("Uno"), name="Hero", blend=None), tmp_path / "hero.toml")
    command = ["apply", str(tmp_path / "slate.take"), "-o", str(tmp_path / "two.blend"), "--character"]
    assert main([*command, "Pip", str(tmp_path / "hero.toml"), "Gus"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"Keyed 53 controls of Pip, \d+ controls of Gus on frames 1 to 11", said)
    assert "Note: Hero got no keys: The scene" in said
    assert main([*command, "Nobody", "Pip"]) == 1
    assert main([*command, str(tmp_path / "hero.toml")]) == 1
    assert "got no keys" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("absent.take", None, "Cannot read"), ("cut.take", b"PK\3\4", "damaged"), ("film.mp4", b"x", "track it first")],
)
def test_what_is_no_performance_is_one_sentence(name, content, words, tmp_path, capsys):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["apply", str(tmp_path / name), "-o", str(tmp_path / "x.blend")]) == 1
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) == 1
    assert not (tmp_path / "x.blend").exists()
