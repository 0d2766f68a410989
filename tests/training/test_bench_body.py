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


def test_agrees_on_whole_bodies_that_are_drawn(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_bodies, "shared_folder", lambda: shared)
    run = bench_body.compare(drawn_bodies.walk(40, 3))
    assert len(run.body) == 3 and np.mean(run.body) < 0.2 and np.mean(run.world) < 0.01


def test_every_fourth_frame_of_the_clip(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_tracking, "shared_folder", lambda: shared)
    assert [frame.index for frame in bench_body.clip(4, 3)] == [0, 4, 8]
