"""Lids that nearly meet meet, without a jump and without trembling."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.lid_contact import shutting
from addon.core import coefficients

BLINKS = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
values = hnp.arrays(np.float32, (3, coefficients.COUNT), elements=st.floats(0, 1, width=32))


def lids(seen: np.ndarray) -> np.ndarray:
    rows = np.zeros((len(seen), coefficients.COUNT), np.float32)
    rows[:, BLINKS] = np.asarray(seen)[:, None]
    return shutting(rows)[:, BLINKS[0]]


@given(values)
def test_only_lids_that_nearly_meet_change_and_each_eye_by_itself(rows):
    answer = shutting(rows)
    others = np.setdiff1d(np.arange(coefficients.COUNT), BLINKS)
    np.testing.assert_array_equal(answer[:, others], rows[:, others])
    assert (answer >= rows - 1e-6).all() and (answer <= 1 + 1e-6).all()
    np.testing.assert_array_equal(shutting(rows[:, coefficients.MIRROR])[:, coefficients.MIRROR], answer)


def test_open_stays_open_and_nearly_shut_is_shut():
    np.testing.assert_allclose(lids(np.array([0, 0.3, 0.6, 0.9, 0.95, 1])), [0, 0.3, 0.6, 1, 1, 1], atol=1e-6)


def test_smooth_rising_and_nowhere_steep():
    slope = np.diff(lids(np.linspace(0, 1, 2001)).astype(np.float64)) * 2000
    assert slope.min() > -1e-3 and slope.max() < 2
    assert np.abs(np.diff(slope)).max() < 0.05, "no corner"


@pytest.mark.parametrize("shape", [(54,), (2, 3, 54)])
def test_any_number_of_faces(shape):
    rows = np.full(shape, 0.9, np.float32)
    assert shutting(rows).shape == shape and (rows == np.float32(0.9)).all(), "a new array"
