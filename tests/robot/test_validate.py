from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.messages import Target
from addon.robot.validate import FARTHEST, Refused, Validator

NAMES = ("jaw", "lid", "brow")


@pytest.fixture
def validator():
    return Validator(NAMES, (0, 2), 0.1)


def _frame(values=(1, 2, 3), names=NAMES, sequence=1, time_s=10.0):
    return Target(tuple(names), time_s, sequence, np.array(values, np.float64))


def test_values_come_in_the_maps_order(validator):
    assert validator.check(_frame((1, 2, 3), ("brow", "jaw", "lid")), 10.0) == [2, 3, 1]
    assert validator.check(_frame((4, 5), ("jaw", "brow"), sequence=2), 10.0)[0::2] == [4, 5]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (_frame(names=("jaw", "lid", "braw")), "'braw', which the map does not know; did you mean 'brow'?"),
        (_frame((1, 2), ("jaw", "lid")), "misses the control 'brow'"),
        (_frame((1, 2, 3, 4), ("jaw", "lid", "brow", "jaw")), "names a control twice"),
        (_frame((1, np.nan, 3)), "'lid' is not a finite number"),
        (_frame((1, 2, -np.inf)), "'brow' is not a finite number"),
        (_frame((2 * FARTHEST, 2, 3)), "'jaw' is not a finite number within reason"),
        (_frame((1, 2)), "2 values for 3 names"),
        (_frame(time_s=9.8), "200 ms old; at most 100 may be"),
        (_frame(time_s=10.2), "-200 ms old"),
        (_frame(time_s=np.nan), "nan ms old"),
        (_frame(sequence=-1), "comes after -1, or again"),
    ],
)
def test_a_frame_that_is_wrong_is_refused_whole(validator, frame, sentence):
    with pytest.raises(Refused, match=sentence):
        validator.check(frame, 10.0)
    assert validator.check(_frame(), 10.0) == [1, 2, 3], "and spoils nothing"


def test_order_counts_until_a_new_source_begins(validator):
    validator.check(_frame(sequence=7), 10.0)
    for sequence in (7, 6):
        with pytest.raises(Refused, match=f"frame {sequence} comes after 7"):
            validator.check(_frame(sequence=sequence), 10.0)
    validator.restart()
    validator.check(_frame(sequence=0), 10.0)


@given(values=st.lists(st.floats(), max_size=4), time_s=st.floats(), sequence=st.integers(-5, 5),
       names=st.lists(st.sampled_from([*NAMES, "tail"]), max_size=4))
def test_whatever_passes_is_finite(values, time_s, sequence, names):
    try:
        passed = Validator(NAMES, (0, 2), 0.1).check(_frame(values, names, sequence, time_s), 10.0)
    except Refused:
        return
    assert np.abs(passed).max() <= FARTHEST and len(passed) == 3
