"""The body tracker beside MediaPipe on a photograph."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from training import bench_body, bench_tracking, drawn_bodies


def test_agrees_with_mediapipe(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tracking, "shared_folder", lambda: shared)
    run = bench_body.compare(bench_body.portrait())
    assert len(run.body) == 3 and len(run.hands) == 6 and all(run.agreed)
    assert np.mean(run.body) < 0.2 and np.mean(run.hands) < 0.4 and np.mean(run.world) < 0.005
    assert len(run.steps) == 6 and np.mean(run.steps) < 0.2


def test_palms_agree_with_mediapipe(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tracking, "shared_folder", lambda: shared)
    run = bench_body.compare_palms(bench_body.portrait())
    assert len(run.apart) == 3 and max(run.apart) < 2


def test_touched_pictures_look_the_same() -> None:
    image = np.full((90, 120, 3), 255, np.uint8)
    image[:, :60] = 80
    other = bench_body.touched(image, np.random.default_rng(0))
    assert 0.003 < (other != image).mean() < 0.007 and (other.astype(int) - image).max() == 1
    assert (other[:, 60:] == 255).all()


def test_agrees_on_whole_bodies_that_are_drawn(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_bodies, "shared_folder", lambda: shared)
    run = bench_body.compare(drawn_bodies.walk(40, 3))
    assert len(run.body) == 3 and np.mean(run.body) < 0.2 and np.mean(run.world) < 0.01


def test_every_fourth_frame_of_the_clip(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tracking, "shared_folder", lambda: shared)
    assert [frame.index for frame in bench_body.clip(4, 3)] == [0, 4, 8]
