"""`semblance learn`: what it writes and says; the learning itself is tested in tests/blender/test_learning.py."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("bpy")

from addon.blender import learning
from addon.blender.learning import Lesson
from addon.characters.decoder import load_decoder
from addon.characters.learned_rig import INPUTS, LearnedRig
from addon.commands.__main__ import main
from addon.commands.learn import sheet_of
from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.rig_profile import read_profile

PRESET = """
schema = 1
name = "Hero"
armature = ""
[[control]]
name = "q1"
mesh = "Face"
shape_key = "q1"
minimum = 0
maximum = 1
enabled = false
[[control]]
name = "known"
mesh = "Face"
shape_key = "known"
minimum = 0
maximum = 1
meaning = { jawOpen = 1 }
"""
GREY = np.full((256, 256, 3), 90, np.uint8)


@pytest.fixture
def preset(tmp_path: Path, monkeypatch) -> Path:
    """A preset with one unknown and one known control; learning answers at once that the unknown one is a smile."""
    def learn(profile, path, root, wanted, progress, *, held_out):
        if not path.is_file():
            raise SemblanceError(f"There is no scene '{path}'.")
        weights = np.zeros((INPUTS, 2), np.float32)
        weights[coefficients.INDEX["mouthSmileLeft"], wanted] = 1
        rig = LearnedRig(weights, np.array([0.6, 0.1], np.float32), wanted, ("'q7' does nothing in the picture.",),
                         np.full(2, np.nan, np.float32))
        progress(1, held_out)
        none = np.zeros((0, 2), np.float32)
        return Lesson(rig, (("Smile", GREY, GREY), ("Frown", GREY, GREY)), rig.faults, none, none, 12, 3.0)

    monkeypatch.setattr(learning, "learn", learn)
    path = tmp_path / "Hero.toml"
    path.write_text(PRESET)
    (tmp_path / "hero.blend").write_bytes(b"")
    return path


def test_what_was_learned_is_kept_beside_the_preset_and_used(preset: Path, capsys):
    assert main(["learn", str(preset.with_name("hero.blend")), "--preset", str(preset)]) == 0
    told = capsys.readouterr().out
    assert "Note: 'q7' does nothing in the picture." in told and "seen well" in told and "known" not in told
    assert {file.name for file in preset.parent.iterdir()} == {
        "Hero.toml", "hero.blend", "Hero.learned.npz", "Hero.learned.png"
    }
    profile = read_profile(preset)
    assert load_decoder(profile).stamp == "learned"
    first, known = profile.control_set.controls
    assert dict(first.meaning) == {"mouthSmileLeft": 1.0} and first.enabled and dict(known.meaning) == {"jawOpen": 1.0}
    assert cv2.imread(str(preset.with_name("Hero.learned.png"))).shape[1] > 4 * 256


def test_all_also_learns_what_follows_something(preset: Path, capsys):
    assert main(["learn", str(preset.with_name("hero.blend")), "--preset", str(preset), "--all"]) == 0
    assert "known" in capsys.readouterr().out
    assert dict(read_profile(preset).control_set.controls[1].meaning) == {"mouthSmileLeft": 1.0}
    assert main(["learn", str(preset.with_name("hero.blend")), "--preset", str(preset)]) == 1
    assert "follows something already" in capsys.readouterr().err


def test_our_own_characters_are_left_alone(preset: Path, capsys):
    assert main(["learn", str(preset.with_name("hero.blend")), "--preset", "Pip", "--all"]) == 1
    assert "'Pip' is a character with a file of its own" in capsys.readouterr().err


def test_a_program_reads_lines_and_a_failure_changes_nothing(preset: Path, capsys):
    scene = str(preset.with_name("hero.blend"))
    assert main(["learn", scene, "--preset", str(preset), "--progress", "json", "--poses", "30"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"done": 1, "total": 30}, {"take": str(preset.with_name("Hero.learned.npz"))}]
    before = preset.read_bytes()
    assert main(["learn", scene + "x", "--preset", str(preset), "--all", "--progress", "json"]) == 1
    assert "There is no scene" in json.loads(capsys.readouterr().out)["error"] and preset.read_bytes() == before


def test_the_sheet_has_both_beside_each_other_in_their_own_colours():
    red, blue = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 200
    sheet = sheet_of("Hero", [("Smile", red, blue)] * 5)
    columns = np.flatnonzero((sheet == (0, 0, 200)).all(axis=2).any(axis=0))
    assert len(columns) == 4 * 256 and (sheet == (200, 0, 0)).all(axis=2).sum() == 5 * 256 * 256
