from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from addon.core.gaps import bridge

from .making import a_track


def with_gaps(measured):
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.1, len(measured)))
    ramp = np.repeat(times[:, None], 54, 1)
    ramp[~np.array(measured)] = np.nan
    return replace(a_track(times), coefficients=ramp.astype(np.float32),
                   confidence=np.array(measured, np.float32))


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_gaps_become_straight_lines_and_ends_are_held(measured):
    track = with_gaps(measured)
    done = bridge(track)
    known = np.flatnonzero(measured)
    expected = np.clip(track.times_s, track.times_s[known[0]], track.times_s[known[-1]])
    assert np.allclose(done.coefficients[:, 0], expected, atol=1e-5)
    assert np.array_equal(done.confidence, track.confidence)


def test_a_track_without_any_face_is_left_alone():
    track = with_gaps([False, False])
    assert bridge(track) is track
