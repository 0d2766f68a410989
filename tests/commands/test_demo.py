from __future__ import annotations

import argparse
import csv
import re

import cv2
import numpy as np
import pytest

from addon.commands import demo
from addon.commands.demo import correlations, read_truth
from addon.core import coefficients
from addon.core.errors import SemblanceError

from ..films import piece_of


def test_correlations_are_pearsons():
    random = np.random.default_rng(0)
    truth = random.random((200, 5))
    ours = truth * 0.5 + random.random((200, 5))
    expected = [np.corrcoef(ours[:, i], truth[:, i])[0, 1] for i in range(5)]
    assert np.allclose(correlations(ours, truth), expected)


def test_what_does_not_move_is_left_out_and_what_should_counts_as_nothing():
    truth = np.column_stack([np.zeros(50), np.linspace(0, 1, 50)])
    ours = np.column_stack([np.linspace(0, 1, 50), np.full(50, 0.3)])
    assert np.isnan(correlations(ours, truth)[0])
    assert correlations(ours, truth)[1] == 0


@pytest.fixture
def truth_file(tmp_path):
    path = tmp_path / "truth.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *reversed(coefficients.NAMES), "headYaw", "headPitch", "headRoll"])
        values = [[i + c / 100 for c in range(coefficients.COUNT)] for i in range(3)]
        writer.writerows([i / 25, *reversed(row), 0.1, 0.2, 0.3] for i, row in enumerate(values))
    return path


def test_truth_is_read_by_column_names(truth_file):
    truth, head = read_truth(truth_file)
    assert head.tolist() == [[0.1, 0.2, 0.3]] * 3
    assert truth.shape == (3, coefficients.COUNT)
    assert np.allclose(truth[2], 2 + np.arange(coefficients.COUNT) / 100)


@pytest.mark.parametrize(
    "damage",
    [lambda text: text.replace("jawOpen", "jaw"), lambda text: text[:-40], lambda text: text.replace("1.1", "x")],
)
def test_damaged_truth_is_named(truth_file, damage):
    truth_file.write_text(damage(truth_file.read_text()))
    with pytest.raises(SemblanceError, match=r"truth\.csv"):
        read_truth(truth_file)


@pytest.fixture
def short_clip(tmp_path, monkeypatch):
    """The beginning of the demo's clip, in which the performer rests, blinks and is surprised, with its truth."""
    first, last = 10, 38
    clip = piece_of(demo.CLIP, tmp_path / "short.mp4", first, last)
    header, *rows = demo.TRUTH.read_text().splitlines()
    clip.with_name("truth.csv").write_text("\n".join([header, *rows[first:last]]))
    monkeypatch.setattr(demo, "CLIP", clip)
    monkeypatch.setattr(demo, "TRUTH", clip.with_name("truth.csv"))
    return last - first


def test_the_whole_demo(short_clip, tmp_path, capsys, monkeypatch):
    bpy = pytest.importorskip("bpy")
    monkeypatch.setattr(demo, "HEIGHT_PX", 120)     # a sixteenth of what the renderer has to draw
    out = tmp_path / "out"
    assert demo.run(argparse.Namespace(out=out)) == 0
    shown = capsys.readouterr().out
    assert float(re.search(r"brows +(-?[\d.]+)", shown)[1]) > 0.8
    assert sorted(path.name for path in out.iterdir()) == ["demo.blend", "demo.mp4", "demo.png", "demo.take"]
    film = cv2.VideoCapture(str(out / "demo.mp4"))
    count = 0
    while (read := film.read())[0]:
        assert read[1].shape[0] == 120 and read[1].std() > 10
        count += 1
    assert count == short_clip
    bpy.ops.wm.open_mainfile(filepath=str(out / "demo.blend"))
    curves = bpy.data.actions["demo"].layers[0].strips[0].channelbags[0].fcurves
    assert {len(curve.keyframe_points) for curve in curves} == {short_clip}
    assert bpy.context.scene.render.fps == 25


def test_a_checkout_without_the_clip_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "CLIP", tmp_path / "performer.mp4")
    with pytest.raises(SemblanceError, match=r"performer\.mp4"):
        demo.run(argparse.Namespace(out=tmp_path / "out"))
