"""Gaps of lips and lids are those of the character's own mesh."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("bpy")

from addon.characters.acting import act
from addon.characters.meaning_decoder import MeaningDecoder
from addon.characters.style import Style
from addon.core import coefficients
from training import bench_mouth, slits
from training.lip_weights import parting

from ..core.making import a_track


@pytest.fixture(scope="module")
def mora():
    return slits.CharacterSlits("mora")


def gaps(head: slits.Slits, **keys: float) -> np.ndarray:
    """Lips, left and right lids, for Mora's shape keys."""
    names, values = head.profile.control_set.names, head.profile.control_set.neutral.copy()
    for name, value in keys.items():
        values[names.index(name)] = value
    return head.gaps(values[None])[0]


def test_at_rest_lips_touch_and_eyes_are_open(mora):
    lips, left, right = gaps(mora)
    assert lips == pytest.approx(0, abs=0.05) and 10 < left < 20 and left == pytest.approx(right, abs=0.1)


def test_each_slit_opens_and_closes_by_itself(mora):
    assert 20 < gaps(mora, jawOpen=1)[0] < 30 and gaps(mora, jawOpen=0.5, mouthClose=0.5)[0] < 0.5
    lips, left, right = gaps(mora, eyeBlinkLeft=1)
    assert lips < 0.05 and left < 0.5 and right > 10


def test_one_row_is_as_good_as_many(mora):
    rest = mora.profile.control_set.neutral
    np.testing.assert_allclose(mora.gaps(np.stack([rest, rest]))[1], gaps(mora), atol=1e-4)
    assert mora.gaps(np.empty((0, len(rest)))).shape == (0, 3)


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_lips_and_lids_that_are_closed_are_closed_at_any_strength(mora, strength):
    rows = a_track(np.arange(2) / 30)
    shown = np.zeros((2, coefficients.COUNT), np.float32)
    shown[:, coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])] = 0.92
    shown[:, coefficients.indices(["eyeSquintLeft", "browDownRight", "mouthSmileLeft", "mouthSmileRight"])] = 0.3
    shown[:, coefficients.indices(["mouthLowerDownLeft", "mouthUpperUpRight"])] = 0.15
    shown[1, coefficients.indices(["jawOpen", "mouthClose"])] = 0.4
    rows = replace(rows, coefficients=shown, gaze=0 * rows.gaze, head=0 * rows.head)
    decoder = MeaningDecoder(mora.profile.control_set)
    lips, *lids = mora.gaps(act(rows, decoder, decoder.controls, Style(strength)).values).T
    assert lips.max() < 0.5 and np.max(lids) < 0.5
    assert mora.gaps(decoder.decode(rows).values)[:, 0].min() > 0.8, "without the rules they are not"


def test_the_performers_own_slit_knows_jaw_and_lips(shared):
    slit = parting()[1]
    by_name = dict(zip(coefficients.NAMES, slit, strict=False))
    assert by_name["jawOpen"] > 15 and by_name["mouthClose"] < -15 and abs(by_name["browDownLeft"]) < 0.1


def test_every_figure_has_a_measure():
    assert {name for names in bench_mouth.MEASURES for name in names} == {
        "animator.lip_gap", "animator.lid_gap", "animator.contact_costs"}


def test_a_one_eyed_head_has_two_slits():
    uno = slits.CharacterSlits("uno")
    rest, wide = uno.gaps(np.stack([uno.profile.control_set.neutral, uno.profile.control_set.maximum]))
    assert rest.shape == (2,) and rest[0] == pytest.approx(0, abs=0.05) and rest[1] > 10 and wide[0] > 5


def test_a_foreign_heads_edges_are_found_by_what_parts(shared):
    head = slits.HeadSlits()
    closed, lips, left = head.gaps(np.stack([head.profile.control_set.neutral, *(
        head._with(name) for name in ("jawOpen", "eyeBlink_L"))]))
    assert closed[0] == 0 and lips[0] > 15 and left[1] < 0.01 < 3 < closed[1] and left[2] == pytest.approx(closed[2])
