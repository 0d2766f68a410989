"""Louder and calmer: shut stays shut at any strength, and nothing trembles, pops or changes sides."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.lip_contact import gap, touching
from addon.characters.style import LEAST, MOST, Style, styled
from addon.core import coefficients
from addon.core.coefficients import INDEX
from addon.core.errors import SemblanceError
from addon.core.frames import ExpressionTrack

from ..core.making import a_track

strengths = st.floats(LEAST, MOST)
values = hnp.arrays(np.float32, (3, coefficients.COUNT), elements=st.floats(0, 1, width=32))
BLINKS = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
FREE = [i for i, (name, group) in enumerate(zip(coefficients.NAMES, coefficients.GROUP_OF, strict=True))
        if group in ("brows", "cheeks") or "Smile" in name or "Frown" in name]


def track(rows: np.ndarray) -> ExpressionTrack:
    """A track with these coefficients [T, 54]."""
    return replace(a_track(np.arange(len(rows)) / 30), coefficients=np.asarray(rows, np.float32))


@pytest.mark.parametrize("strength", [0.49, 2.01, float("nan"), -1])
def test_a_strength_out_of_range_is_one_sentence(strength):
    with pytest.raises(SemblanceError, match=r"goes from 0\.5 to 2"):
        Style(strength)


@given(values)
def test_strength_one_changes_nothing(rows):
    assert styled(track(rows), Style()).coefficients is not None
    np.testing.assert_array_equal(styled(track(rows), Style()).coefficients, rows)


@given(values, strengths)
def test_values_stay_inside_and_rest_stays_rest(rows, strength):
    answer = styled(track(rows), Style(strength)).coefficients
    assert answer.dtype == np.float32 and (answer >= 0).all() and (answer <= 1 + 1e-6).all()
    assert (answer[rows == 0] == 0).all()


@given(values, strengths)
def test_touching_lips_touch_at_any_strength(rows, strength):
    closed = touching(np.where(np.arange(coefficients.COUNT) == INDEX["mouthClose"], rows, rows * 0.3))
    touch = gap(closed) <= 1e-4
    assert (gap(styled(track(closed), Style(strength)).coefficients)[touch] <= 1e-3).all()


@given(st.floats(0, 1, width=32), strengths)
def test_a_lowered_jaw_behind_closed_lips_stays_behind_them(jaw, strength):
    row = np.zeros((1, coefficients.COUNT), np.float32)
    row[:, [INDEX["jawOpen"], INDEX["mouthClose"]]] = jaw
    answer = styled(track(row), Style(strength)).coefficients[0]
    assert answer[INDEX["jawOpen"]] == pytest.approx(answer[INDEX["mouthClose"]], abs=1e-5)


@given(values, strengths)
def test_closed_lids_stay_closed_and_open_ones_open(rows, strength):
    rows = rows.copy()
    rows[0, BLINKS], rows[1, BLINKS], rows[2, BLINKS] = 1, 0, 0.97
    answer = styled(track(rows), Style(strength)).coefficients
    lids = coefficients.in_group("eyelids")
    np.testing.assert_allclose(answer[0, lids], rows[0, lids], atol=1e-6)
    assert (answer[1, BLINKS] == 0).all() and (answer[2, BLINKS] >= 0.968).all()


@pytest.mark.parametrize("strength", [LEAST, 0.8, 1.5, MOST])
def test_half_closed_lids_tremble_no_more_than_the_performers(strength):
    rows = np.zeros((1001, coefficients.COUNT))
    rows[:, BLINKS] = np.linspace(0, 1, 1001)[:, None]
    blink = styled(track(rows), Style(strength)).coefficients[:, BLINKS[0]]
    slope = np.diff(blink) * 1000
    assert (slope > 0.3).all() and slope.max() < 2.01
    assert slope[300:].max() < 1.2, "from a third on nearly as it was"


@given(values, strengths, strengths)
def test_louder_is_more_everywhere_and_left_stays_left(rows, one, other):
    calm, loud = (styled(track(rows), Style(s)).coefficients[:, FREE] for s in sorted((one, other)))
    assert (calm <= loud + 1e-6).all()
    mirrored = styled(track(rows[:, coefficients.MIRROR]), Style(one)).coefficients
    np.testing.assert_allclose(mirrored[:, coefficients.MIRROR], styled(track(rows), Style(one)).coefficients,
                               atol=1e-5)


def test_head_and_gaze_follow_only_when_asked():
    rows = a_track(np.arange(4) / 30)
    gaze = coefficients.in_group("gaze")
    alone, along = styled(rows, Style(2)), styled(rows, Style(2, head_and_gaze=True))
    for name in ("head", "gaze"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(rows, name))
        np.testing.assert_allclose(getattr(along, name), 2 * getattr(rows, name))
    np.testing.assert_array_equal(alone.coefficients[:, gaze], rows.coefficients[:, gaze])
    assert (along.coefficients[:, gaze] >= rows.coefficients[:, gaze]).all()
    np.testing.assert_array_equal(along.embedding, rows.embedding)
