"""`semblance transfer` as a user types it."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.characters.posed_pairs import pairs_text
from addon.characters.transfer import read_transfer
from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.commands.__main__ import main
from addon.core import coefficients
from addon.core.frames import ExpressionTrack
from addon.core.rig_profile import find_profile
from addon.core.take import Take, write_take

MORA, GUS = (find_profile(name) for name in ("Mora", "Gus"))


@pytest.fixture
def take(tmp_path: Path) -> Path:
    """A second of an opening jaw."""
    values = np.zeros((24, coefficients.COUNT), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = np.linspace(0, 1, 24)
    track = ExpressionTrack(np.arange(24) / 24, values, np.zeros((24, 128), np.float32),
                            np.zeros((24, 2, 2), np.float32), np.zeros((24, 3), np.float32), np.ones(24, np.float32))
    write_take(Take(np.ones(24, bool), np.zeros((0, 478, 3), np.float32), track, track), tmp_path / "jaw.take")
    return tmp_path / "jaw.take"


@pytest.mark.parametrize(("arguments", "words"), [
    (["--from", "Mora", "--to", "Gus"], "Name a performance"),
    (["--from", "Nobody", "--to", "Gus", "--save", "x.npz"], "no character 'Nobody'"),
    (["--from", "Mora", "--to", "Gus", "--save", "x.npz", "--pairs", "all"], "--pairs needs decoders, poses or"),
    (["--from", "Mora", "--to", "Gus", "--save", "x.npz", "--pairs", "none.toml"], "Cannot read the pose pairs"),
    (["--from", "Mora", "--to", "Gus", "--save", "file/x.npz"], "Cannot write 'file'"),
    (["none.blend", "--from", "Mora", "--to", "Gus", "--save", "x.npz"], "no scene 'none.blend'"),
])
def test_wrong_wishes_are_one_sentence(arguments, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert main(["transfer", *arguments]) == 1
    assert words in capsys.readouterr().err and not (tmp_path / "x.npz").exists()


def test_learning_needs_no_blender_and_is_kept(tmp_path, capsys):
    path = tmp_path / "t.npz"
    assert main(["transfer", "--from", "Mora", "--to", "Gus", "--pairs", "poses", "--save", str(path)]) == 0
    assert "Learned from 70 pairs" in capsys.readouterr().out
    assert read_transfer(path, MORA, GUS).source == "Mora"


def test_ones_own_pose_pairs_are_learned_from(tmp_path, capsys):
    pairs = decoded_pairs(MORA, GUS, 60)
    busy = np.argsort(-np.abs(MORA.control_set.shares(pairs.source)).sum(1))[:10]
    own = PosePairs(pairs.source[busy], pairs.target[busy], pairs.fit[busy], tuple(map(str, busy)))
    (tmp_path / "own.toml").write_text(pairs_text(own, MORA, GUS))
    wish = ["transfer", "--from", "Mora", "--to", "Gus", "--pairs", str(tmp_path / "own.toml")]
    assert main([*wish, "--save", str(tmp_path / "t.npz")]) == 0
    assert "Learned from 10 pairs" in capsys.readouterr().out
    few = PosePairs(own.source[:3], own.target[:3], own.fit[:3], own.names[:3])
    (tmp_path / "own.toml").write_text(pairs_text(few, MORA, GUS))
    assert main([*wish, "--save", str(tmp_path / "t.npz")]) == 1
    assert "There are 3 different pose pairs and 10 are needed" in capsys.readouterr().err


def test_a_take_and_then_a_scene_are_transferred(take, tmp_path, capsys, monkeypatch):
    bpy = pytest.importorskip("bpy")
    # A tenth of the time to learn.
    monkeypatch.setattr(decoded_pairs, "__defaults__", (400, *decoded_pairs.__defaults__[1:]))
    first, second, kept = tmp_path / "first.blend", tmp_path / "second.blend", tmp_path / "t.npz"
    wish = ["transfer", str(take), "--from", "Mora", "--to", "Gus", "-o", str(first)]
    assert main([*wish, "--start-frame", "5", "--save", str(kept)]) == 0
    told = capsys.readouterr().out
    assert "controls of Gus on frames 5 to 28, confidence" in told and f"Wrote '{first}'" in told
    assert main(["transfer", str(first), "--from", "Gus", "--to", "Mora", "-o", str(second)]) == 0
    assert "on frames 5 to 28" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(second), load_ui=False)
    assert {"jaw Mora to Gus", "jaw Mora to Gus to Mora"} <= set(bpy.data.actions.keys())
    assert main(["transfer", str(first), "--from", "Gus", "--to", "Mora", "--use", str(kept), "-o", str(second)]) == 1
    assert "was trained for 'Mora', not for 'Gus'" in capsys.readouterr().err
    assert main(["transfer", str(kept), "--from", "Gus", "--to", "Mora", "--pairs", "poses", "-o", str(second)]) == 1
    assert "is no performance" in capsys.readouterr().err
