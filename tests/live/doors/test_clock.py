import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.live.doors.clock import RisingClock

A_TIME = st.none() | st.floats(-1e9, 1e9) | st.floats(0, 10)


@given(st.lists(st.tuples(A_TIME, st.floats(0, 5)), max_size=60))
def test_times_rise_whatever_the_sender_says(frames):
    clock, arrived, last = RisingClock(), 100.0, -1.0
    for own, gap in frames:
        arrived += gap
        time_s = clock.time(own, arrived)
        assert time_s is None or time_s > last
        last = last if time_s is None else time_s


@given(st.lists(st.floats(0.001, 0.1), min_size=1, max_size=60), st.floats(-0.05, 0.05), st.floats(0, 86_400))
def test_a_good_clock_is_kept_to_the_last_digit_whatever_the_network_does(steps, jitter, start):
    clock = RisingClock()
    own = start + np.concatenate([[0], np.cumsum(steps)])
    arrived = own + jitter * np.sin(np.arange(len(own)))
    times = [clock.time(o, a + 1000) for o, a in zip(own, np.maximum.accumulate(arrived), strict=True)]
    assert np.allclose(times, own - own[0], atol=1e-9)


def run(own, fps=60, seconds=10.0):
    """Times of frames that arrive at `fps`."""
    clock = RisingClock()
    return [clock.time(own(i), i / fps) for i in range(int(seconds * fps))]


@pytest.mark.parametrize("own", [lambda i: None, lambda i: 5.0, lambda i: -i / 60, lambda i: i / 600,
                                 lambda i: 0.5 * (i % 2)])
def test_a_wrong_clock_is_not_believed_for_long(own):
    times = [t for t in run(own) if t is not None]
    assert len(times) >= 590
    late = times[-1] - times[len(times) // 2]
    assert late == pytest.approx(5, abs=0.2)
    assert times[-1] == pytest.approx(10, abs=2.5)


def test_a_clock_passing_midnight_goes_on():
    times = run(lambda i: (86_395 + i / 60) % 86_400)
    assert all(t is not None for t in times)
    assert np.allclose(np.diff(times), 1 / 60, atol=1e-3)


def test_time_goes_on_with_the_next_sender():
    clock = RisingClock()
    clock.time(100.0, 1.0)
    clock.new_sender()
    assert clock.time(3.0, 1.5) == pytest.approx(0.5)
    assert clock.time(3.1, 1.7) == pytest.approx(0.6)
