"""Lips that are hardly apart touch; nothing pops, nothing else changes."""
from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.lip_contact import gap, held_to, touching
from addon.core import coefficients
from addon.core.coefficients import INDEX

values = hnp.arrays(np.float32, (3, coefficients.COUNT), elements=st.floats(0, 1, width=32))
PARTING = [i for i, name in enumerate(coefficients.NAMES)
           if name.startswith(("jawOpen", "mouthFunnel", "mouthShrugUpper", "mouthUpperUp", "mouthLowerDown"))]


def face(**shown: float) -> np.ndarray:
    """Coefficients float32 [54]."""
    row = np.zeros(coefficients.COUNT, np.float32)
    for name, value in shown.items():
        row[INDEX[name]] = value
    return row


def test_the_weights_are_those_of_a_mouth():
    assert gap(face()) == 0 and gap(face(mouthSmileLeft=1, eyeBlinkLeft=1, mouthRight=1)) == 0
    assert gap(face(jawOpen=1)) > gap(face(mouthFunnel=1)) > gap(face(mouthLowerDownLeft=1)) > 1
    assert gap(face(jawOpen=0.6, mouthClose=0.6)) == 0
    for name in coefficients.NAMES:
        assert gap(face(**{name: 1})) == gap(face()[coefficients.MIRROR] + face(**{name: 1})[coefficients.MIRROR])


def test_what_encoders_see_on_closed_lips_is_closed():
    seen = face(jawOpen=0.01, mouthLowerDownLeft=0.04, mouthLowerDownRight=0.05, mouthUpperUpLeft=0.04,
                mouthUpperUpRight=0.04, mouthSmileLeft=0.3)
    closed = touching(seen)
    assert gap(closed) <= 1e-5
    assert closed[INDEX["mouthSmileLeft"]] == seen[INDEX["mouthSmileLeft"]]


def test_lips_that_are_apart_stay_as_they_are():
    talking = face(jawOpen=0.2, mouthLowerDownLeft=0.2, mouthFunnel=0.3, mouthClose=0.02)
    np.testing.assert_array_equal(touching(talking), talking)


@given(values)
def test_only_what_parts_lips_shrinks_and_all_of_it_alike(rows):
    closed = touching(rows)
    others = np.setdiff1d(np.arange(coefficients.COUNT), PARTING)
    np.testing.assert_array_equal(closed[:, others], rows[:, others])
    assert (closed <= rows + 1e-6).all() and (closed >= 0).all()
    for row, before in zip(closed[:, PARTING], rows[:, PARTING], strict=True):
        shares = row[before > 1e-3] / before[before > 1e-3]
        assert not len(shares) or np.ptp(shares) < 1e-3


@settings(max_examples=60)
@given(hnp.arrays(np.float32, coefficients.COUNT, elements=st.floats(0, 0.25, width=32)), st.sampled_from(PARTING))
def test_the_shown_gap_rises_with_the_seen_one_without_a_jump(start, moved):
    rows = np.tile(start, (201, 1))
    rows[:, moved] = np.linspace(0, 1, 201)
    seen, shown = gap(rows), gap(touching(rows))
    steps = np.diff(shown)
    assert (steps >= -1e-4).all() and (shown <= np.maximum(seen, 0) + 2e-4).all()
    assert (steps <= 3 * np.diff(seen) + 1e-3).all(), "nowhere steeper than three times"


@given(values, st.floats(0, 30))
def test_lips_are_held_to_any_gap(rows, most):
    held = held_to(rows, np.full(3, most))
    assert (gap(held) <= np.maximum(most, gap(rows)) + 1e-3).all() and (gap(held) <= most + 1e-3).all()
    kept = gap(rows) <= most
    np.testing.assert_array_equal(held[kept], rows[kept])
