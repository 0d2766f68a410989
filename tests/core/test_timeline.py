import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.core.timeline import frame_of, resample

rates = st.sampled_from([12, 23.976, 24, 25, 30 / 1.001, 30, 50, 59.94, 60, 120])
steps = st.lists(st.floats(1e-3, 0.5), min_size=1, max_size=60)


@given(steps, rates, st.integers(-100, 5000))
def test_straight_lines_stay_straight_and_inside_the_take(step, fps, start):
    times = np.cumsum([3.0, *step])
    frames, values = resample(times, np.stack([times, -2 * times], 1), start, fps)
    assert frames[0] == start
    assert (np.diff(frames) == 1).all()
    expected = times[0] + (frames - start) / fps
    assert np.allclose(values[:, 0], np.minimum(expected, times[-1]), atol=1e-4)
    assert np.allclose(values[:, 1], -2 * values[:, 0], atol=1e-4)
    assert expected[-1] <= times[-1] + 1e-5 < expected[-1] + 1 / fps + 2e-5


@given(steps, rates)
def test_resampling_never_overshoots(step, fps):
    times = np.cumsum([0.0, *step])
    samples = np.random.default_rng(len(step)).random((len(times), 3))
    _, values = resample(times, samples, 1, fps)
    assert (values >= samples.min(0) - 1e-6).all() and (values <= samples.max(0) + 1e-6).all()


def test_two_minutes_of_2997_on_24_drift_less_than_a_frame():
    times = np.arange(int(120 * 30 / 1.001)) * 1.001 / 30
    frames, values = resample(times, times[:, None], 1, 24)
    assert abs(values[-1, 0] - (frames[-1] - 1) / 24) < 1 / 24
    assert abs(frame_of(times[-1], 1, 24) - frames[-1]) < 1


def test_the_same_rate_keeps_every_sample():
    times = np.arange(100) / 25
    samples = np.random.default_rng(0).random((100, 2)).astype(np.float32)
    frames, values = resample(times, samples, 10, 25)
    assert frames.tolist() == list(range(10, 110))
    assert np.allclose(values, samples, atol=1e-5)


def test_one_sample_is_one_key():
    frames, values = resample(np.array([7.0]), np.ones((1, 4)), 3, 24)
    assert frames.tolist() == [3] and values.tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize(("times", "fps"), [([], 24), ([0, 0], 24), ([1, 0], 24), ([0, 1], 0), ([0, 1], float("nan"))])
def test_impossible_timelines_are_refused(times, fps):
    with pytest.raises(SemblanceError):
        resample(np.array(times, float), np.zeros((len(times), 1)), 1, fps)
