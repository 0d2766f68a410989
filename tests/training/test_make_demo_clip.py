"""The demo clip is what its performance file says."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("moderngl")
cv2 = pytest.importorskip("cv2")
from addon.core import coefficients  # noqa: E402
from addon.core.paths import ROOT  # noqa: E402
from training.make_demo_clip import read_performance, truth_csv  # noqa: E402

DEMO = ROOT / "assets" / "demo"


def test_the_truth_beside_the_clip_is_the_performance() -> None:
    times, values, head = read_performance(ROOT / "training" / "demo_performance.toml")
    assert (DEMO / "truth.csv").read_text() == truth_csv(times, values, head)
    assert values.min() >= 0 and values.max() <= 1
    assert not values[0].any()
    blinks = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    closed = (values[:, blinks] > 0.95).all(1)
    assert np.diff(closed.astype(int)).clip(0).sum() == 4  # four blinks; the wink is of one eye only


def test_the_clip_is_small_and_whole() -> None:
    path = DEMO / "performer.mp4"
    assert path.stat().st_size <= 2_000_000
    video = cv2.VideoCapture(str(path))
    times, _, _ = read_performance(ROOT / "training" / "demo_performance.toml")
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == len(times)
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(1 / (times[1] - times[0]))
