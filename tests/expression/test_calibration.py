"""Calibration: rest becomes 0, full stays full, blinks live."""
from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.frames import ExpressionTrack
from addon.expression.calibration import Calibration, calibrate, find_neutral, neutral_from

BLINKS = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
OPPOSITES = [
    coefficients.indices(pair) for pair in (
        *([f"{one}{side}", f"{other}{side}"] for side in ("Left", "Right") for one, other in (
            ("eyeLookUp", "eyeLookDown"), ("eyeLookIn", "eyeLookOut"), ("browOuterUp", "browDown"),
        )),
        ["jawLeft", "jawRight"], ["mouthLeft", "mouthRight"],
    )
]
values = arrays(np.float32, (6, 54), elements=st.floats(0, 1, width=32))
neutrals = arrays(np.float32, 54, elements=st.floats(0, 0.875, width=32))


def track_of(rows: np.ndarray, fps: float = 25.0, head: np.ndarray | None = None) -> ExpressionTrack:
    """A track with these coefficients [T, 54], everything else at rest."""
    count = len(rows)
    return ExpressionTrack(
        np.arange(count) / fps, np.asarray(rows, np.float32), np.zeros((count, 128), np.float32),
        np.zeros((count, 2, 2), np.float32), np.zeros((count, 3), np.float32) if head is None else head,
        np.ones(count, np.float32),
    )


@given(values)
def test_the_default_changes_nothing(rows: np.ndarray) -> None:
    np.testing.assert_allclose(calibrate(track_of(rows), Calibration()).coefficients, rows, atol=1e-6)


@given(values, neutrals, st.floats(0, 3))
def test_values_stay_in_range(rows: np.ndarray, neutral: np.ndarray, gain: float) -> None:
    calibration = Calibration(neutral, gains=dict.fromkeys(coefficients.GROUPS, gain))
    answer = calibrate(track_of(rows), calibration).coefficients
    assert np.isfinite(answer).all() and answer.min() >= 0 and answer.max() <= 1


@given(neutrals)
def test_rest_becomes_nothing(neutral: np.ndarray) -> None:
    answer = calibrate(track_of(neutral[None]), Calibration(neutral)).coefficients
    assert answer.max() <= 0.02


@given(neutrals, st.integers(0, 53))
def test_one_stays_one(neutral: np.ndarray, channel: int) -> None:
    row = neutral.copy()
    row[channel] = 1
    for pair in OPPOSITES:  # nothing moves both ways
        if channel in pair:
            row[pair[pair != channel]] = 0
    assert calibrate(track_of(row[None]), Calibration(neutral)).coefficients[0, channel] >= 0.99


@given(st.floats(0, 0.6), st.floats(0.45, 1.0), st.floats(0, 1))
def test_a_blink_survives_the_resting_lid(rest: float, closed: float, wide: float) -> None:
    """What SnekStudio's calibration did wrong: the resting lid taken off, a full blink no longer closed the eye."""
    closed = max(closed, rest + 0.11)
    rows = np.zeros((40, 54), np.float32)
    rows[:, BLINKS] = rest
    rows[20, BLINKS] = closed
    neutral = rows[0].copy()
    neutral[coefficients.INDEX["eyeWideLeft"]] = wide * 0.5
    track = track_of(rows)
    peak = calibrate(track, Calibration(neutral, closed=np.full(2, closed, np.float32))).coefficients[20, BLINKS]
    assert (peak >= 0.99).all()
    if closed > 0.5:  # the same without knowing how far these eyes close
        assert (calibrate(track, neutral_from(track, 0.0)).coefficients[20, BLINKS] >= 0.9 * closed).all()
    full = rows.copy()
    full[20, BLINKS] = 1
    assert (calibrate(track_of(full), Calibration(neutral)).coefficients[20, BLINKS] >= 0.99).all()


@given(st.floats(0, 0.9), arrays(np.float32, 20, elements=st.floats(0, 1, width=32)))
def test_lids_keep_their_order(rest: float, blink: np.ndarray) -> None:
    rows = np.zeros((20, 54), np.float32)
    rows[:, BLINKS] = np.sort(blink)[:, None]
    neutral = np.zeros(54, np.float32)
    neutral[BLINKS] = rest
    answer = calibrate(track_of(rows), Calibration(neutral)).coefficients[:, BLINKS[0]]
    assert (np.diff(answer) >= -1e-6).all()


@given(neutrals, st.dictionaries(st.sampled_from(coefficients.GROUPS), st.floats(0, 4)), st.floats(0, 1e5))
def test_json_round_trip(neutral: np.ndarray, gains: dict[str, float], time_s: float) -> None:
    head = np.array([0.1, -0.2, 0.3], np.float32)
    calibration = Calibration(neutral, head, gains=gains, source="frame", time_s=time_s)
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again.to_json() == calibration.to_json()
    np.testing.assert_allclose(again.neutral, neutral, atol=1e-7)


@pytest.mark.parametrize("data", [{"neutral": 3}, {"head": [1, 2]}, {"gains": {"brows": "loud"}}, {"time_s": "soon"},
                                  {"closed": [1, float("nan")]}, {"neutral": {"jawOpen": float("inf")}}])
def test_damaged_json_is_one_sentence(data: dict[str, object]) -> None:
    with pytest.raises(SemblanceError, match="calibrate again"):
        Calibration.from_json(data)


def test_unknown_groups_and_negative_gains_are_refused() -> None:
    with pytest.raises(SemblanceError, match="nostrils"):
        Calibration(gains={"nostrils": 1.0})
    with pytest.raises(SemblanceError, match="brows"):
        Calibration(gains={"brows": -1.0})


def test_gains_reach_their_group_only() -> None:
    rows = np.full((1, 54), 0.4, np.float32)
    answer = calibrate(track_of(rows), Calibration(gains={"brows": 2.0})).coefficients[0]
    brows = coefficients.in_group("brows")
    np.testing.assert_allclose(answer[brows], 0.8, atol=1e-6)
    np.testing.assert_allclose(answer[~brows], 0.4, atol=1e-6)


def a_performance(seed: int) -> tuple[ExpressionTrack, np.ndarray]:
    """Twenty seconds with a personal resting face, which it shows less than half of the time; and that face [54]."""
    random = np.random.default_rng(seed)
    rest = random.uniform(0, 0.25, 54).astype(np.float32)
    rows = np.tile(rest, (500, 1))
    for start in range(30, 470, 40):
        shape = random.choice(54, 6, replace=False)
        rows[start:start + 26, shape] = random.uniform(0.4, 1, 6)
    rows[::60][:, BLINKS] = 0.9
    return track_of(np.clip(rows + random.normal(0, 0.01, rows.shape), 0, 1)), rest


@pytest.mark.parametrize("seed", range(5))
def test_the_resting_face_is_found(seed: int) -> None:
    track, rest = a_performance(seed)
    found = find_neutral(track)
    assert found.source == "auto"
    assert np.abs(found.neutral - rest).max() < 0.05


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(0, 99))
def test_any_short_track_has_a_neutral(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    track = track_of(random.random((count, 54)))
    track.confidence[random.random(count) < 0.5] = 0
    calibration = find_neutral(track)
    assert np.isfinite(calibration.neutral).all()
    assert (calibration.source == "none") == (not track.confidence.any())


def test_a_lifted_low_brow_is_a_raised_brow() -> None:
    """A performer whose brows rest low: letting them up shows on the character, though the encoder saw no raise."""
    rows = np.zeros((2, 54), np.float32)
    down, up = coefficients.indices(["browDownLeft", "browOuterUpLeft"])
    rows[0, down] = 0.3
    rows[1, up] = 0.1
    answer = calibrate(track_of(rows), Calibration(rows[0])).coefficients
    assert answer[0, down] == answer[0, up] == 0
    assert answer[1, up] > 0.25


def test_a_chosen_frame() -> None:
    track, rest = a_performance(3)
    chosen = neutral_from(track, 0.2)
    assert (chosen.source, chosen.time_s) == ("frame", 0.2)
    np.testing.assert_allclose(chosen.neutral, rest, atol=0.03)
    with pytest.raises(SemblanceError, match=r"No face was seen at 99\.00 s"):
        neutral_from(track, 99.0)


def test_the_head_is_seen_from_its_rest() -> None:
    head = np.array([[0.3, -0.2, 0.1], [0.5, -0.2, 0.1]], np.float32)
    answer = calibrate(track_of(np.zeros((2, 54)), head=head), Calibration(head=head[0])).head
    np.testing.assert_allclose(answer[0], 0, atol=1e-6)
    assert answer[1, 0] == pytest.approx(0.2, abs=0.03)


def test_the_head_has_a_gain_too() -> None:
    head = np.array([[0.3, -0.2, 0.1], [0.5, -0.2, 0.1]], np.float32)
    answer = calibrate(track_of(np.zeros((2, 54)), head=head), Calibration(gains={"head": 0.5}))
    np.testing.assert_allclose(answer.head, head / 2)
