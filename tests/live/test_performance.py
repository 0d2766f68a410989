from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.core.smoothing import Smoothing
from addon.core.take import write_take
from addon.expression.calibration import Calibration
from addon.live.performance import record_take, refine

CLIP = Path(__file__).resolve().parents[2] / "assets/demo/performer.mp4"


@pytest.fixture(scope="module")
def take():
    return record_take(str(CLIP), end_s=3.0)


def test_a_video_becomes_a_take_that_knows_where_it_came_from(take, tmp_path):
    assert take.found.all() and np.isfinite(take.landmarks).all()
    assert take.times_s[0] < 0.1 and abs(take.times_s[-1] - 3.0) < 0.1
    assert take.source["name"] == CLIP.name
    assert set(take.models) == {"face_detector", "face_mesh", "expression"}
    assert take.calibration["source"] == "auto"
    write_take(take, tmp_path / "a.take")
    again = record_take(str(tmp_path / "a.take"))
    assert np.array_equal(again.smoothed.coefficients, take.smoothed.coefficients)
    assert again.models == take.models


def test_refining_starts_from_the_raw_half_whatever_was_done_before(take):
    other = refine(take, Calibration(gains={"mouth": 0.0}), Smoothing(0))
    assert np.array_equal(other.raw.coefficients, take.raw.coefficients)
    raw = refine(other, Calibration(), Smoothing(0))
    assert np.allclose(raw.smoothed.coefficients, np.clip(take.raw.coefficients, 0, 1))
    back = refine(raw, Calibration.from_json(take.calibration), Smoothing.from_json(take.smoothing))
    assert np.allclose(back.smoothed.coefficients, take.smoothed.coefficients, atol=1e-6)


def test_smoothing_is_on_by_default_and_steadies_the_clip(take):
    calm = np.abs(np.diff(take.smoothed.coefficients, 2, axis=0)).mean()
    shaky = np.abs(np.diff(refine(take, Calibration.from_json(take.calibration), Smoothing(0)).smoothed.coefficients,
                           2, axis=0)).mean()
    assert calm < 0.7 * shaky


def test_progress_counts_every_frame_once():
    seen = []
    record_take(str(CLIP), end_s=0.5, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert abs(seen[-1][1] - len(seen)) <= 1  # an estimate, as video headers are


def test_frames_without_a_face_stay_in_the_take_and_are_bridged(tmp_path):
    reader = cv2.VideoCapture(str(CLIP))
    frames = [reader.read()[1] for _ in range(24)]
    for i in range(8, 14):
        frames[i] = np.zeros_like(frames[i])
    for i, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"f_{i:03d}.png"), frame)
    take = record_take(str(tmp_path))
    assert len(take) == 24
    assert not take.found[8:14].any() and take.found[:8].all()
    gap = np.flatnonzero(~take.found)
    assert np.isnan(take.landmarks[gap]).all() and (take.raw.confidence[gap] == 0).all()
    before, after = gap[0] - 1, gap[-1] + 1
    low = np.minimum(take.raw.head[before], take.raw.head[after]) - 1e-6
    high = np.maximum(take.raw.head[before], take.raw.head[after]) + 1e-6
    assert ((take.raw.head[gap] >= low) & (take.raw.head[gap] <= high)).all()


def test_a_video_without_any_face_says_so(tmp_path):
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"f_{i}.png"), np.full((120, 160, 3), 90, np.uint8))
    with pytest.raises(SemblanceError, match="No face was found in any of the 3 frames"):
        record_take(str(tmp_path))


def test_a_live_link_file_is_a_performance_too(shared):
    take = record_take(str(shared / "data/livelink_take/range_of_motion.csv"))
    assert len(take) == 4030 and take.landmarks.shape[0] == 0
    stronger = refine(take, Calibration(gains={"jaw": 2.0}), Smoothing())
    assert stronger.smoothed.coefficients.max() <= 1
    assert replace(stronger, smoothed=take.smoothed).calibration["gains"] == {"jaw": 2.0}
