"""Learning a rig: the right control follows, sides stay apart, bad rigs are named, files are safe."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.characters import learned_rig
from addon.characters.decoder import load_decoder
from addon.characters.learned_rig import (
    INPUTS,
    LearnedDecoder,
    LearnedRig,
    inputs_of,
    learned_path,
    read_learned,
    told,
    with_meanings,
    write_learned,
)
from addon.characters.meaning_decoder import MeaningDecoder
from addon.characters.rig_learning import Shown, ends_of, fit, fit_poses, qualities
from addon.core import coefficients
from addon.core.control_set import SIGNALS, Control, ControlSet, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.frames import head_rotation
from addon.core.rig_profile import RigProfile

from ..core.making import a_track

POINTS = 60
RNG = np.random.default_rng(7)
REST = RNG.normal(size=(POINTS, 3))
REFERENCE = RNG.normal(size=(INPUTS, POINTS, 3)) * (RNG.random((INPUTS, POINTS, 1)) < 0.3)
FOLLOWS = {  # control → signal at its maximum, signal at its minimum
    "c0": ("jawOpen", ""), "c1": ("browInnerUpLeft", "browDownLeft"), "c2": ("browInnerUpRight", "browDownRight"),
    "c3": ("mouthSmileLeft", ""), "c4": ("mouthSmileRight", ""), "c5": ("headYaw", "-headYaw"),
}
PAIRS = {"c1": "c2", "c2": "c1", "c3": "c4", "c4": "c3"}


UNKNOWN = np.full(2, np.nan, np.float32)
NOTHING = LearnedRig(np.zeros((INPUTS, 2), np.float32), np.zeros(2, np.float32), np.ones(2, bool), (), UNKNOWN)


def row(signal: str) -> int:
    return INPUTS - 3 + SIGNALS.index(signal[1:]) - coefficients.COUNT if signal[0] == "-" else SIGNALS.index(signal)


def rig(*names: str, paired: bool = True, **more) -> ControlSet:
    pairs = {name: PAIRS[name] if paired and PAIRS.get(name) in names else name for name in names}
    return ControlSet(tuple(
        Control(name, ShapeKey(("Face",), name), -2.0 if FOLLOWS.get(name, ("", ""))[1] else 0.0, 4.0, 0.0, "",
                pairs[name], -1 if name == "c5" and paired else 1, **more)
        for name in names
    ))


def shown(controls: ControlSet, *, movements: bool = True, strange: str = "") -> Shown:
    """What a rig shows whose controls are the coefficients of FOLLOWS; the reading is faint and mixes the sides."""
    ends = ends_of(controls, np.ones(len(controls), bool))
    rng = np.random.default_rng(3)
    readings, moved, changes = [], [], []
    for column, sign in zip(ends.columns, ends.signs, strict=True):
        name = controls.names[column]
        signal = FOLLOWS.get(name, ("", ""))[0 if sign > 0 else 1]
        reading, movement = rng.normal(0, 0.01, INPUTS), rng.normal(size=(POINTS, 3)) * (name == strange)
        if signal:
            reading[row(signal)] += 0.3
            if row(signal) < coefficients.COUNT:
                reading[coefficients.MIRROR[row(signal)]] += 0.25
            movement = 0.5 * REFERENCE[row(signal)] + rng.normal(0, 0.01, (POINTS, 3))
            if signal.endswith("headYaw"):
                turn = np.array([-0.5 if signal[0] == "-" else 0.5, 0, 0])
                movement = REST @ head_rotation(turn).T - REST + rng.normal(0, 0.005, (POINTS, 3))
        readings.append(reading)
        moved.append(movement)
        changes.append(np.eye(20)[len(changes)] * 0.2)
    return Shown(np.array(readings), np.array(changes), np.array(moved) if movements else None, REST)


def learned(controls: ControlSet, **more) -> LearnedRig:
    return fit(controls, ends_of(controls, np.ones(len(controls), bool)), shown(controls, **more), REFERENCE)


def driven(controls: ControlSet, found: LearnedRig, **signals: float) -> dict[str, float]:
    """Control → share, for signals by name."""
    values = LearnedDecoder(controls, found).values(np.array([signals.get(name, 0.0) for name in SIGNALS], np.float32))
    return dict(zip(controls.names, controls.shares(values).tolist(), strict=True))


def test_each_control_follows_what_it_shows_to_its_end_and_nothing_else():
    controls = rig(*FOLLOWS)
    found = learned(controls)
    for name, (signal, other) in FOLLOWS.items():
        for each, sign in ((signal, 1.0), (other, -1.0)):
            if each and not each.endswith("headYaw"):
                shares = driven(controls, found, **{each: 1.0})
                assert shares[name] == pytest.approx(sign, abs=0.05), (name, each, shares)
                assert all(abs(share) < 0.1 for key, share in shares.items() if key != name), (each, shares)
    # Its ends turn the head by half a radian.
    for yaw in (0.25, -0.25):
        shares = driven(controls, found, headYaw=yaw)
        assert shares["c5"] == pytest.approx(2 * yaw, abs=0.02) and sum(map(abs, shares.values())) < 0.55
    assert driven(controls, found, jawOpen=0.4)["c0"] == pytest.approx(0.4, abs=0.05)


def test_a_rig_that_only_turns_its_head_is_learned_too():
    controls = rig("c5")
    assert driven(controls, learned(controls), headYaw=0.25, jawOpen=1.0)["c5"] == pytest.approx(0.5, abs=0.02)


def test_left_stays_left_also_without_names_that_tell_the_sides():
    for paired in (True, False):
        controls = rig(*FOLLOWS, paired=paired)
        shares = driven(controls, learned(controls), mouthSmileLeft=1.0, browInnerUpRight=1.0)
        assert shares["c3"] > 0.9 and abs(shares["c4"]) < 0.1 and shares["c2"] > 0.9 and abs(shares["c1"]) < 0.1


def test_readings_alone_tell_the_movement_where_no_landmarks_are_found():
    controls = rig("c0", "c3", "c4")
    found = learned(controls, movements=False)
    assert driven(controls, found, jawOpen=1.0)["c0"] > 0.9
    smile = driven(controls, found, mouthSmileLeft=1.0, mouthSmileRight=1.0)
    assert smile["c3"] > 0.9 and smile["c4"] > 0.9 and abs(smile["c0"]) < 0.2


def test_what_shows_nothing_that_a_face_does_stays_at_rest():
    controls = rig("c0", "c3", "odd")
    found = learned(controls, strange="odd")
    everything = LearnedDecoder(controls, found).values(RNG.random((200, len(SIGNALS))).astype(np.float32))
    assert np.abs(everything[:, 2]).max() < 0.2 and everything[:, 0].max() > 2


def test_controls_that_do_nothing_or_the_same_are_named():
    controls = rig("c0", "c3", "c4", "c1")
    evidence = shown(controls)
    changes = evidence.changes.copy()
    changes[2], changes[1] = changes[0] * 0.5, 0
    found = fit(controls, ends_of(controls, np.ones(4, bool)), replace(evidence, changes=changes), REFERENCE)
    assert found.faults == ("'c3' does nothing in the picture.",
                            "'c4' does the same as 'c0' and is left at its neutral.")
    assert not found.weights[:, 2].any()
    with pytest.raises(SemblanceError, match="None of the controls changes the picture"):
        fit(controls, ends_of(controls, np.ones(4, bool)), replace(evidence, changes=changes * 0), REFERENCE)


WHOLE = rig(*FOLLOWS)
DECODER = LearnedDecoder(WHOLE, learned(WHOLE))


@settings(max_examples=60)
@given(st.lists(st.floats(-2, 2, width=32), min_size=len(SIGNALS), max_size=len(SIGNALS)))
def test_values_keep_the_limits_and_a_mirrored_face_mirrors_the_rig(signals):
    controls, decoder = WHOLE, DECODER
    face = np.array(signals, np.float32)
    values = decoder.values(face)
    assert (values >= controls.minimum).all() and (values <= controls.maximum).all()
    mirrored = np.concatenate([face[:54][coefficients.MIRROR], face[54:] * [-1, 1, -1]]).astype(np.float32)
    assert np.allclose(decoder.values(mirrored), controls.mirrored(values), atol=1e-3)
    assert np.allclose(decoder.values(np.zeros_like(face)), controls.neutral)


def test_key_poses_are_met_mirrored_and_too_few_are_refused():
    controls = rig("c0", "c3", "c4", "c5")
    poses = {"jawOpen": (0.8, 0, 0, 0), "mouthSmileLeft": (0, 1, 0.2, 0), "headYaw": (0, 0, 0, 0.5)}
    signals = np.array([np.eye(len(SIGNALS))[SIGNALS.index(name)] for name in poses], np.float32)
    found = fit_poses(controls, signals, controls.from_shares(np.array(list(poses.values()))))
    decoder = LearnedDecoder(controls, found)
    for face, shares in zip(signals, poses.values(), strict=True):
        assert np.allclose(controls.shares(decoder.values(face)), shares, atol=1e-3)
        mirrored = np.concatenate([face[:54][coefficients.MIRROR], face[54:] * [-1, 1, -1]])
        if "headYaw" not in SIGNALS[int(face.argmax())]:
            assert np.allclose(decoder.values(mirrored), controls.mirrored(decoder.values(face)), atol=1e-3)
    assert "as the key poses show" in told(found)
    with pytest.raises(SemblanceError, match="2 key poses are too few"):
        fit_poses(controls, signals[:2], np.zeros((2, 4)))
    with pytest.raises(SemblanceError, match="No control is away from its neutral"):
        fit_poses(controls, signals, np.tile(controls.neutral, (3, 1)))


def test_quality_is_the_correlation_on_pictures_in_which_a_face_was_seen():
    controls = rig("c0", "c3")
    found = learned(controls)
    signals = np.zeros((40, len(SIGNALS)), np.float32)
    signals[:, [SIGNALS.index("jawOpen"), SIGNALS.index("mouthSmileLeft")]] = RNG.random((40, 2))
    poses, readings = LearnedDecoder(controls, found).values(signals), inputs_of(signals)
    readings[::5] = np.nan
    poses[::5] = 9
    assert np.allclose(qualities(found, controls, poses, readings), 1, atol=0.02)
    assert qualities(found, controls, poses, inputs_of(signals[::-1]))[0] < 0.5
    assert np.isnan(qualities(replace(found, learned=np.array([True, False])), controls, poses, readings)[1])


def test_the_file_gives_the_same_back_in_the_order_that_is_asked_for(tmp_path: Path):
    controls = rig("c0", "c3", "c4")
    found = replace(learned(controls), quality=np.array([0.5, np.nan, 0.1], np.float32), faults=("one",),
                    sizes=np.array([0.1, np.nan, 3.0], np.float32))
    path = learned_path(tmp_path / "Hero.toml")
    write_learned(path, found, controls)
    assert path.name == "Hero.learned.npz" and [file.name for file in tmp_path.iterdir()] == [path.name]
    again = read_learned(path, ControlSet(controls.controls[::-1]))
    assert np.array_equal(again.weights, found.weights[:, ::-1]) and again.faults == ("one",)
    assert np.array_equal(again.quality, found.quality[::-1], equal_nan=True)
    assert np.array_equal(again.sizes, found.sizes[::-1], equal_nan=True)
    moved = ControlSet(tuple(replace(c, target=ShapeKey(("Other mesh",), c.name), gain=2) for c in controls.controls))
    read_learned(path, moved)
    assert "3 of 3 controls" in told(found)


def test_what_was_learned_can_be_read_as_a_meaning_and_an_edited_meaning_wins(tmp_path: Path):
    controls = rig(*FOLLOWS, enabled=False)
    found = learned(controls)
    meant = with_meanings(controls, found)
    faces = np.eye(coefficients.COUNT, len(SIGNALS), dtype=np.float32) * 0.8
    assert np.allclose(MeaningDecoder(meant).values(faces), LearnedDecoder(controls, found).values(faces), atol=0.25)
    assert meant.controls[0].meaning.keys() == {"jawOpen"} and meant.controls[0].enabled
    path = tmp_path / "h.learned.npz"
    write_learned(path, found, meant)
    edited = replace(meant.controls[0], meaning={"mouthPucker": 1.0})
    assert read_learned(path, meant).learned.all()
    assert read_learned(path, ControlSet((edited, *meant.controls[1:]))).learned.tolist() == [False] + [True] * 5


def test_a_rig_that_has_changed_is_refused_and_the_control_named(tmp_path: Path):
    controls = rig("c0", "c3")
    path = tmp_path / "h.learned.npz"
    write_learned(path, learned(controls), controls)
    first, second = controls.controls
    for changed, words in (
        ((replace(first, maximum=5), second), "'c0' has another maximum"),
        ((first, replace(second, target=ShapeKey(("Face",), "else"))), "'c3' has another carrier"),
        ((first, second, *rig("c4", paired=False).controls), "'c4' is new"),
        ((first,), "'c3' is gone"),
    ):
        with pytest.raises(SemblanceError, match=words):
            read_learned(path, ControlSet(changed))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_one_sentence(tmp_path, data):
    controls = rig("c0", "c3")
    path = tmp_path / "h.learned.npz"
    write_learned(path, NOTHING, controls)
    before = read_learned(path, controls)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
    try:
        again = read_learned(path, controls)
    except SemblanceError as error:
        assert "h.learned.npz" in str(error)
    else:  # what the archive does not need, such as a date
        assert np.array_equal(again.weights, before.weights)


def test_a_file_of_another_version_says_so(tmp_path: Path, monkeypatch):
    path = tmp_path / "h.learned.npz"
    monkeypatch.setattr(learned_rig, "VERSION", 1)
    write_learned(path, NOTHING, rig("c0", "c3"))
    monkeypatch.undo()
    with pytest.raises(SemblanceError, match="has version 1, .* learn the rig again"):
        read_learned(path, rig("c0", "c3"))


def test_no_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(SemblanceError, match="Cannot read"):
        read_learned(tmp_path / "none.learned.npz", rig("c0"))


def test_a_learned_preset_is_decoded_so_and_what_was_not_learned_follows_its_meaning(tmp_path: Path):
    controls = rig("c0", "c3", meaning={"cheekPuffLeft": 1.0})
    profile = RigProfile("Hero", "", None, "", controls, tmp_path / "Hero.toml")
    assert load_decoder(profile).stamp == "meaning"
    write_learned(learned_path(profile.path), replace(learned(controls), learned=np.array([True, False])), controls)
    decoder, track = load_decoder(profile), a_track(np.arange(5) / 25)
    values = decoder.decode(track).values
    assert decoder.stamp == "learned" and values.shape == (5, 2)
    assert np.allclose(values[:, 1], np.clip(track.coefficients[:, coefficients.INDEX["cheekPuffLeft"]], 0, 4))
    assert np.allclose(values[:, 0], np.clip(track.coefficients[:, coefficients.INDEX["jawOpen"]], 0, 1) * 4, atol=0.3)
    assert np.array_equal(decoder.decode_one(track.row(2)).values, values[2])
