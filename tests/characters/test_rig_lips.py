"""A rig's own lips close by its own controls, and by no more of them than is needed."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.characters.learned_rig import LearnedRig, read_learned, write_learned
from addon.characters.lip_contact import parted
from addon.characters.meaning_decoder import MeaningDecoder
from addon.characters.rig_lips import RigLips, measure, read_lips, write_lips
from addon.core import coefficients
from addon.core.control_set import Control, ControlSet, CustomProperty
from addon.core.errors import SemblanceError
from addon.core.rig_profile import find_profile

from ..core.making import a_track

CONTROLS = ControlSet(tuple(
    Control(name, CustomProperty("", name), -1, 2, 0, "mouth", name, 1) for name in ("jaw", "sneer", "close", "brow")
))
LIPS = RigLips(np.zeros(2, np.float32), np.float32([
    [[20, 18], [0, 4], [-20, -18], [0, 0]],
    [[0, 0], [0, 0], [0, 0], [0, 0]],
]))
values = hnp.arrays(np.float32, (3, 4), elements=st.floats(-1, 2, width=32))


def gaps(rows: np.ndarray) -> np.ndarray:
    """What a mesh with these lips shows: edges that meet go no further."""
    return np.maximum(LIPS.gap(CONTROLS.shares(rows)), 0)


@given(values, hnp.arrays(np.float32, 3, elements=st.floats(0, 1, width=32)))
def test_the_gap_is_held_to_its_share_by_what_parts_the_lips_alone(rows, part):
    before, held = LIPS.gap(CONTROLS.shares(rows)), LIPS.held(rows, part, CONTROLS)
    after = LIPS.gap(CONTROLS.shares(held))
    assert (after <= part[:, None] * np.maximum(before, 0) + 0.06).all()
    np.testing.assert_array_equal(held[:, 2:], rows[:, 2:])
    was, now = CONTROLS.shares(rows), CONTROLS.shares(held)
    assert (np.abs(now) <= np.abs(was) + 1e-6).all() and (now * was >= 0).all(), "no control turns round"
    still = (before <= part[:, None] * np.maximum(before, 0)).all(axis=1)
    np.testing.assert_array_equal(held[still], rows[still])


def test_a_jaw_shuts_before_a_sneer_fades():
    shown = np.float32([[0.1, 1.0, 0, 0.3]])
    jaw, sneer, *_ = LIPS.held(shown, np.float32([0.8]), CONTROLS)[0]
    assert jaw < 0.07 and sneer > 0.98


def test_ends_are_measured_at_rest_and_what_closes_over_an_open_mouth():
    found = measure(CONTROLS, np.array([True, True, True, False]), gaps)
    np.testing.assert_allclose(found.effects, LIPS.effects, atol=1e-4)
    np.testing.assert_array_equal(found.rest, 0)


def test_written_lips_come_back(tmp_path):
    write_lips(tmp_path / "lips.toml", LIPS, CONTROLS, "a test")
    found = read_lips(tmp_path / "lips.toml", CONTROLS)
    np.testing.assert_allclose(found.effects, LIPS.effects, atol=0.005)


@pytest.mark.parametrize(("text", "told"), [
    ("rest = [0]", "lack 'maximum'"), ("rest = 0\n[maximum]\n[minimum]", "damaged"),
    ("rest = [nan]\n[maximum]\n[minimum]", "finite"), ("rest = [0]\n[maximum]\nchin = [1]\n[minimum]", "'chin'"),
    ("rest = [0, 0]\n[maximum]\njaw = [1, 2, 3]\n[minimum]", "damaged"), ("rest", "not valid TOML"),
])
def test_damaged_lips_are_named(tmp_path, text, told):
    path = tmp_path / "lips.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SemblanceError, match=told) as found:
        read_lips(path, CONTROLS)
    assert str(path) in str(found.value)


@settings(max_examples=40)
@given(st.binary(max_size=60))
def test_anything_is_refused_in_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    with pytest.raises(SemblanceError):
        read_lips(path, CONTROLS)


def test_what_was_learned_keeps_its_lips_and_their_order(tmp_path):
    unknown = np.full(4, np.nan, np.float32)
    rig = LearnedRig(np.zeros((60, 4), np.float32), unknown, np.ones(4, bool), (), unknown, LIPS)
    write_learned(tmp_path / "rig.npz", rig, CONTROLS)
    found = read_learned(tmp_path / "rig.npz", ControlSet(CONTROLS.controls[::-1])).lips
    np.testing.assert_array_equal(found.effects, LIPS.effects[:, ::-1])


@pytest.mark.parametrize("name", ["mora", "pip", "gus", "uno", "ada"])
def test_closed_lips_close_on_each_of_our_rigs_and_open_ones_stay(name):
    profile = find_profile(name)
    decoder, shown = load_decoder(profile), np.zeros((2, coefficients.COUNT), np.float32)
    shown[0, coefficients.indices(["noseSneerLeft", "noseSneerRight", "mouthFrownLeft", "mouthUpperUpLeft"])] = 0.2
    shown[1, coefficients.indices(["jawOpen", "noseSneerLeft"])] = 0.5
    track = a_track(np.arange(2) / 30)
    track.coefficients[:], track.gaze[:], track.head[:] = shown, 0, 0
    assert parted(shown).tolist() == [0, 1]
    played = act(track, decoder, profile.control_set).values
    gap = decoder.lips.gap(profile.control_set.shares(played))
    assert gap[0].max() < 0.1 and gap[1].max() > 5
    decoder.lips = None
    np.testing.assert_array_equal(played[1], act(track, decoder, profile.control_set).values[1])


def test_a_rig_of_the_users_own_has_no_lips_of_another(tmp_path):
    assert MeaningDecoder(CONTROLS).lips is None
