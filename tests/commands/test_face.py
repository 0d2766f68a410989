"""`semblance face`: a BVH and a style become a take, and keys."""
from __future__ import annotations

import numpy as np
import pytest

from addon.commands.__main__ import main
from addon.core.take import read_take

from ..core.test_bvh import SMALL


@pytest.fixture
def walk(tmp_path):
    path = tmp_path / "walk.bvh"
    path.write_text(SMALL)
    return path


def test_a_body_gets_a_take_and_the_take_is_a_style(walk, tmp_path, capsys):
    take = tmp_path / "joyful.take"
    assert main(["face", str(walk), "--style", "joyful", "-o", str(take)]) == 0
    said = capsys.readouterr().out
    assert "joyful" in said and "Note: " in said and "wrist on either side" in said and "joyful.take" in said
    assert read_take(take).source["style"] == "joyful"
    assert main(["face", str(walk), "--style", str(take), "--still-head", "-o", str(tmp_path / "b.take")]) == 0
    again = read_take(tmp_path / "b.take")
    assert again.source["style"] == "joyful.take" and np.abs(again.smoothed.head).max() < 0.5


@pytest.mark.parametrize(("words", "told"), [
    (["--style", "furious"], "no face style 'furious'"), (["--style", "nobody.take"], "Cannot read"),
    (["--flame", "x.npz", "--conversion", "no.npz"], "Cannot read"),
    (["--key-body"], "name one with --character"),
])
def test_what_cannot_be_is_one_sentence(words, told, walk, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["face", str(walk), *words]) == 1
    assert told in capsys.readouterr().err and list(tmp_path.glob("*.take")) == []


def test_a_face_is_written_in_flames_form(walk, tmp_path, capsys):
    take, written = tmp_path / "walk.take", tmp_path / "walk.npz"
    assert main(["face", str(walk), "-o", str(take), "--flame", str(written)]) == 0
    assert "Semblance's own, not FLAME's" in capsys.readouterr().out
    with np.load(written, allow_pickle=False) as data:
        assert len(data["jaw_pose"]) == len(read_take(take))
    assert main(["export", str(take), "-o", str(tmp_path / "b.npz")]) == 0
    with np.load(written) as one, np.load(tmp_path / "b.npz") as other:
        np.testing.assert_allclose(one["expression"], other["expression"], atol=1e-5)
    assert main(["export", str(take), "-o", str(tmp_path / "c.npz"), "--conversion", str(take)]) == 1
    assert "is no conversion" in capsys.readouterr().err


def test_pip_is_keyed(walk, tmp_path, capsys):
    bpy = pytest.importorskip("bpy")
    take = tmp_path / "walk.take"
    assert main(["face", str(walk), "-o", str(take), "--character", "Pip"]) == 0
    assert "controls of Pip" in capsys.readouterr().out
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    assert bpy.data.objects["Pip"].animation_data.action.name == "walk"
