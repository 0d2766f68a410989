"""What is measured on real video, on made-up curves whose answer is known."""
from __future__ import annotations

import tomllib
from itertools import pairwise

import numpy as np
import pytest

from addon.core import coefficients

pytest.importorskip("cv2")
from training import bench_real
from training.bench_real import find_blinks, jitter, judge, lag_frames, moving, read_blinks, still_windows

FPS = 25
LIDS = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
BLINK = [0.3, 0.8, 1.0, 0.6, 0.2]


def a_track_of_lids(*blinks: int, rest: float = 0.1) -> np.ndarray:
    """Coefficients [300, 54] with a blink of both eyes from each of the frames on."""
    values = np.zeros((300, coefficients.COUNT), np.float32)
    values[:, LIDS] = rest
    for start in blinks:
        values[start:start + 5, LIDS] = np.maximum(np.array(BLINK)[:, None], rest)
    return values


def test_jitter_counts_bends_in_still_windows_only() -> None:
    landmarks = np.zeros((90, 478, 3))
    landmarks[30:, :, 0] = np.random.default_rng(0).normal(0, 5, (60, 1))
    windows = still_windows(landmarks, 30)
    assert windows == [slice(0, 30)]
    values = np.linspace(0, 1, 90)[:, None]
    assert jitter(values, windows) == pytest.approx(0, abs=1e-9)
    values[30:60] += np.random.default_rng(1).normal(0, 0.2, (30, 1))
    assert jitter(values, windows) == pytest.approx(0, abs=1e-9)
    values[:30:2] += 0.05
    assert jitter(values, windows) > 0.05


@pytest.mark.parametrize("lag", [-2.0, 0.0, 1.0, 2.5])
def test_lag_is_what_one_curve_follows_another_by(lag: float) -> None:
    time = np.arange(200.0)
    curves = [np.stack([np.sin((time - shift) / 9), np.sin((time - shift) / 23 + 1)], 1) for shift in (lag, 0)]
    assert lag_frames(*curves) == pytest.approx(lag, abs=0.1)


def test_blinks_are_found_and_nothing_else() -> None:
    values = a_track_of_lids(50, 120, 135)
    values[200:, LIDS] = 0.9  # eyes shut for good are no blink
    values[150:155, LIDS[0]] = BLINK  # nor is a wink
    values[20:25, LIDS] += np.array([0.05, 0.1, 0.2, 0.1, 0.05])[:, None]  # nor lids that sink a little
    assert find_blinks(values, FPS) == [52, 122, 137]


def test_a_face_that_is_lost_is_no_blink() -> None:
    values = a_track_of_lids(rest=0.0)
    values[100:110] = np.nan
    assert find_blinks(values, FPS) == []


def test_blinks_are_judged_by_what_was_counted() -> None:
    counted, doubtful = [(50, 54), (120, 124)], [(200, 210)]
    assert judge([52, 122], counted, doubtful) == (2, 0)
    assert judge([52, 205], counted, doubtful) == (1, 0)
    assert judge([51, 53, 122, 250], counted, doubtful) == (2, 2)


def test_the_counted_blinks_lie_apart_in_the_video() -> None:
    counted, doubtful = read_blinks(bench_real._BLINKS)
    spans = sorted(counted + doubtful)
    assert all(0 <= first <= last < 1337 for first, last in spans)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    with bench_real._BLINKS.open("rb") as file:
        assert all(entry["why"] for entry in tomllib.load(file)["doubtful"])


def test_channels_that_the_rival_never_moves_say_nothing() -> None:
    rival = np.random.default_rng(2).random((100, coefficients.COUNT))
    rival[:, coefficients.INDEX["mouthPucker"]] *= 0.01
    assert "mouthPucker" not in moving(rival) and "jawOpen" in moving(rival)


def test_angles_between_gazes() -> None:
    from training.bench_expression import angle_deg

    ahead, left, up = np.zeros(2), np.radians([30.0, 0.0]), np.radians([0.0, 20.0])
    assert angle_deg(left, ahead) == pytest.approx(30)
    assert angle_deg(np.stack([up, left]), up) == pytest.approx([0, 35.53], abs=0.01)  # cos 30° · cos 20°
