"""What all decoders share: lips, style, and what the user sets on single controls."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.acting import act, adjusted
from addon.characters.decoder import load_decoder
from addon.characters.meaning_decoder import MeaningDecoder
from addon.characters.style import Style, styled
from addon.core import coefficients
from addon.core.control_set import Control, ControlSet, ShapeKey
from addon.core.frames import ControlTrack
from addon.core.rig_profile import find_profile

from ..core.making import a_track


def control(name: str, low=-1.0, high=2.0, neutral=0.5, pair="", sign=1.0, **more) -> Control:
    return Control(name, ShapeKey(("Face",), name), low, high, neutral, "mouth", pair or name, sign, **more)


def controls(**more: object) -> ControlSet:
    """brow.L, brow.R, shift; `more` is set on brow.L."""
    return ControlSet((control("L", pair="R", **more), control("R", pair="L"), control("shift", -1, 1, 0, sign=-1.0)))


def track(values: np.ndarray) -> ControlTrack:
    return ControlTrack(np.arange(len(values)) / 30, np.asarray(values, np.float32))


values = hnp.arrays(np.float32, (4, 3), elements=st.floats(-1, 1, width=32))


@given(values)
def test_nothing_set_changes_nothing(rows):
    np.testing.assert_allclose(adjusted(track(rows), controls()).values, rows, atol=1e-6)


@given(values, st.floats(0, 5), st.floats(-3, 3))
def test_gain_is_about_the_neutral_then_the_offset_then_the_limits(rows, gain, offset):
    found = adjusted(track(rows), controls(gain=gain, offset=offset)).values
    np.testing.assert_allclose(found[:, 0], np.clip(0.5 + gain * (rows[:, 0] - 0.5) + offset, -1, 2), atol=1e-4)
    np.testing.assert_allclose(found[:, 1:], rows[:, 1:], atol=1e-6)


@given(values)
def test_muted_is_neutral_whatever_else_is_set(rows):
    found = adjusted(track(rows), controls(muted=True, offset=1.0, gain=2.0, mirrored=True), mirror=True).values
    assert (found[:, 0] == 0.5).all()


@given(values)
def test_a_mirrored_control_takes_what_it_has_in_the_mirrored_pose(rows):
    found = adjusted(track(rows), controls(mirrored=True)).values
    np.testing.assert_allclose(found, np.stack([rows[:, 1], rows[:, 1], rows[:, 2]], axis=1), atol=1e-6)


@given(values)
def test_a_mirrored_performance_is_the_mirrored_pose_and_twice_mirrored_is_itself(rows):
    swapped = rows[:, [1, 0, 2]] * [1, 1, -1]
    np.testing.assert_allclose(adjusted(track(rows), controls(), mirror=True).values, swapped, atol=1e-5)
    both = adjusted(track(rows), controls(mirrored=True), mirror=True).values
    np.testing.assert_allclose(both[:, 0], rows[:, 0], atol=1e-6)


def test_a_gain_belongs_to_the_control_and_not_to_where_its_value_comes_from():
    found = adjusted(track([[0.6, 0.9, 0]]), controls(gain=2.0), mirror=True).values
    np.testing.assert_allclose(found, [[1.3, 0.6, 0]], atol=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.floats(0.5, 2), st.booleans())
def test_whatever_is_set_ends_inside_the_limits(seed, strength, mirror):
    profile = find_profile("uno")
    random = np.random.default_rng(seed)
    wild = ControlSet(tuple(
        replace(each, gain=random.uniform(0, 9), offset=random.normal(0, 5), muted=random.random() < 0.3,
                mirrored=random.random() < 0.3)
        for each in profile.control_set.controls
    ))
    found = act(a_track(np.arange(5) / 30, seed), MeaningDecoder(wild), wild, Style(strength), mirror).values
    assert found.dtype == np.float32 and (found >= wild.minimum).all() and (found <= wild.maximum).all()


@pytest.mark.parametrize("name", ["pip", "mora"])
def test_the_chain_closes_lips_and_follows_the_strength_with_networks_and_meanings(name):
    profile = find_profile(name)
    decoder, plain = load_decoder(profile), a_track(np.arange(2) / 30)
    nearly, smile = np.zeros((2, coefficients.COUNT), np.float32), coefficients.INDEX["mouthSmileLeft"]
    for side in ("Left", "Right"):
        nearly[0, coefficients.indices([f"mouthLowerDown{side}", f"mouthUpperUp{side}"])] = 0.04
    nearly[1, smile] = 0.3
    plain = replace(plain, coefficients=nearly, gaze=0 * plain.gaze, head=0 * plain.head)
    rest = decoder.decode(replace(plain, coefficients=0 * nearly)).values[0]
    played = act(plain, decoder, profile.control_set).values
    np.testing.assert_allclose(played[0], rest, atol=1e-5)
    louder = act(plain, decoder, profile.control_set, Style(2)).values
    np.testing.assert_allclose(louder, decoder.decode(styled(plain, Style(2))).values * [[0], [1]] + rest * [[1], [0]],
                               atol=1e-5)
    assert np.abs(louder[1] - rest).max() > 1.2 * np.abs(played[1] - rest).max()
