"""Pip's decoder: what an expression means on the character, and what is refused."""
from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.decoder import Decoder, check_controls, load_decoder
from addon.core import coefficients
from addon.core import network as network_module
from addon.core.control_set import ControlSet
from addon.core.errors import SemblanceError
from addon.core.frames import ExpressionTrack
from addon.core.model_card import load_network, read_card
from addon.core.paths import MODELS
from addon.core.rig_profile import RigProfile, find_profile

C = coefficients.INDEX


@pytest.fixture(scope="module")
def profile() -> RigProfile:
    return find_profile("pip")


@pytest.fixture(scope="module")
def decoder(profile) -> Decoder:
    return load_decoder(profile)


def track(*rows: dict[str, float], gaze=None, head=None) -> ExpressionTrack:
    shapes = np.zeros((len(rows), coefficients.COUNT), np.float32)
    for row, named in zip(shapes, rows, strict=True):
        for name, value in named.items():
            for side in ("Left", "Right") if name not in C else ("",):
                row[C[name + side]] = value
    return ExpressionTrack(
        np.arange(len(rows), dtype=np.float64), shapes, np.zeros((len(rows), 128), np.float32),
        np.zeros((len(rows), 2, 2), np.float32) if gaze is None else np.asarray(gaze, np.float32),
        np.zeros((len(rows), 3), np.float32) if head is None else np.asarray(head, np.float32),
        np.ones(len(rows), np.float32),
    )


def share(decoder: Decoder, values: np.ndarray, name: str) -> np.ndarray:
    """A control's way from neutral to its limit, -1..1."""
    i = decoder.controls.names.index(name)
    value = values[..., i] - decoder.controls.neutral[i]
    top, bottom = max(decoder.controls.maximum[i], 1e-9), max(-decoder.controls.minimum[i], 1e-9)
    return np.where(value > 0, value / top, value / bottom)


def test_no_expression_is_the_characters_neutral(decoder):
    values = decoder.decode(track({})).values
    span = decoder.controls.maximum - decoder.controls.minimum
    assert np.abs(values - decoder.controls.neutral).max() <= 0.02 * span.min()


def test_one_expression_is_a_row_of_a_track(decoder):
    both = track({"mouthSmile": 0.7}, {"jawOpen": 0.4})
    one = decoder.decode_one(both.row(1))
    assert one.time_s == 1.0
    np.testing.assert_allclose(one.values, decoder.decode(both).values[1], atol=1e-6)


@pytest.mark.parametrize("shape, control, sign", [
    ("eyeBlinkLeft", "lid_upper.L", -1), ("eyeWideRight", "lid_upper.R", 1), ("jawOpen", "jaw_open", -1),
    ("mouthSmileLeft", "corner_y.L", 1), ("mouthFrownRight", "corner_y.R", -1), ("browInnerUpLeft", "brow_inner.L", 1),
    ("cheekPuffRight", "cheek_puff.R", 1), ("noseSneerLeft", "nose_sneer.L", 1), ("mouthPucker", "pucker", 1),
    ("mouthFunnel", "funnel", 1), ("jawLeft", "jaw_side", 1), ("jawRight", "jaw_side", -1), ("mouthLeft", "mouth_x", 1),
    ("mouthRollUpper", "roll_upper", -1), ("mouthRollLower", "roll_lower", 1), ("jawForward", "jaw_forward", 1),
    ("mouthStretchLeft", "corner_x.L", 1), ("mouthDimpleRight", "dimple.R", 1), ("mouthPressLeft", "press.L", 1),
    ("mouthLowerDownLeft", "lower_lip.L", -1), ("tongueOut", "tongue_out", -1), ("mouthShrugLower", "chin_raise", 1),
])
def test_a_full_shape_is_the_characters_own_full_shape(decoder, shape, control, sign):
    values = decoder.decode(track({shape: 1.0})).values[0]
    assert share(decoder, values, control) * sign > 0.75
    if control.endswith((".L", ".R")):
        other = control[:-1] + {"L": "R", "R": "L"}[control[-1]]
        assert abs(share(decoder, values, other)) < 0.25, "the other side stays"


def test_a_full_blink_shuts_the_lids_whatever_the_rest_does(decoder):
    rng = np.random.default_rng(2)
    rows = track(*[{}] * 200)
    rows.coefficients[:] = rng.beta(0.5, 3, rows.coefficients.shape)
    rows.coefficients[:, [C["eyeBlinkLeft"], C["eyeBlinkRight"]]] = 1
    rows.coefficients[:, [C["eyeWideLeft"], C["eyeWideRight"]]] = 0
    values = decoder.decode(rows).values
    for side in (".L", ".R"):
        assert np.quantile(share(decoder, values, "lid_upper" + side), 0.95) < -0.97
    plain = decoder.decode(track({"eyeBlink": 1.0})).values[0]
    assert share(decoder, plain, "lid_upper.L") < -0.995


def test_closed_lips_stay_closed(decoder):
    """With mouthClose as far as jawOpen the lips meet although the jaw is down; without either nothing opens."""
    faces = track({"jawOpen": 0.6, "mouthClose": 0.6}, {"mouthSmile": 1.0}, {"browInnerUp": 1.0})
    values = decoder.decode(faces).values
    assert share(decoder, values[0], "jaw_open") < -0.4
    assert share(decoder, values[0], "mouth_close") > 0.85
    assert np.abs(share(decoder, values[1:], "jaw_open")).max() < 0.05


def test_gaze_and_head_go_to_their_controls(decoder):
    gaze = [[[0.3, 0.2], [0.3, 0.2]]]
    values = decoder.decode(track({"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookUp": 0.45}, gaze=gaze,
                                  head=[[0.4, 0.2, -0.1]])).values[0]
    for name, expected in (("eye_x.L", 0.3 / 0.61), ("eye_x.R", 0.3 / 0.61), ("eye_y.L", 0.2 / 0.48)):
        assert share(decoder, values, name) == pytest.approx(expected, abs=0.06)
    names = decoder.controls.names
    for name, expected in (("head_yaw", 0.4), ("head_pitch", -0.2), ("head_roll", -0.1)):
        assert values[names.index(name)] == pytest.approx(expected, abs=0.03)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_mirrored_faces_give_mirrored_controls_inside_the_limits(seed, strength):
    profile = find_profile("pip")
    decoder = load_decoder(profile)
    rng = np.random.default_rng(seed)
    face = track({}, gaze=rng.normal(0, 0.3, (1, 2, 2)), head=rng.normal(0, 0.4, (1, 3)))
    face.coefficients[:] = strength * rng.random(face.coefficients.shape)
    mirror = dataclasses.replace(
        face, coefficients=face.coefficients[:, coefficients.MIRROR],
        gaze=face.gaze[:, ::-1] * np.float32([-1, 1]), head=face.head * np.float32([-1, 1, -1]),
    )
    values, mirrored = decoder.decode(face).values, decoder.decode(mirror).values
    controls = profile.control_set
    np.testing.assert_allclose(controls.mirrored(values), mirrored, atol=1e-4)
    for found in (values, mirrored):
        assert (found >= controls.minimum - 1e-7).all() and (found <= controls.maximum + 1e-7).all()


def test_decoding_follows_a_rising_smile(decoder):
    values = decoder.decode(track(*[{"mouthSmile": s} for s in np.linspace(0, 1, 21)])).values
    rise = share(decoder, values, "corner_y.L")
    assert (np.diff(rise) > -0.01).all() and rise[-1] > 0.9 and 0.3 < rise[10] < 0.75


def test_the_card_tells_the_figures(profile):
    card = read_card(MODELS / "decoder_pip")
    quality = card.data["quality"]
    best = min(quality[name] for name in ("mae_mean", "mae_nearest", "mae_ridge"))
    assert quality["mae"] / best == pytest.approx(quality["mae_ratio"], abs=1e-3)
    assert quality["mae_ratio"] <= 0.5


def altered(profile: RigProfile, change) -> RigProfile:
    rows = list(profile.control_set.controls)
    change(rows)
    return dataclasses.replace(profile, control_set=ControlSet(tuple(rows)))


@pytest.mark.parametrize("change, said", [
    (lambda rows: rows.reverse(), "where 'head_roll' belongs it has 'brow_inner.L'"),
    (lambda rows: rows.pop(), "also has 'head_roll'"),
    (lambda rows: rows.append(dataclasses.replace(rows[-1], name="ears", pair="ears")), "'ears' belongs it has no"),
    (lambda rows: rows.__setitem__(-1, dataclasses.replace(rows[-1], maximum=2.0)), "'maximum' of 'head_roll' is 0.6"),
    (lambda rows: rows.__setitem__(-1, dataclasses.replace(rows[-1], neutral=0.1)), "'neutral' of 'head_roll' is 0"),
])
def test_other_controls_are_refused_in_one_sentence(profile, change, said):
    with pytest.raises(SemblanceError) as caught:
        load_decoder(altered(profile, change))
    assert said in str(caught.value) and "decoder_pip" in str(caught.value) and str(caught.value).count("\n") == 0


def test_a_card_without_limits_is_refused(profile):
    card = read_card(MODELS / "decoder_pip")
    bare = dataclasses.replace(card, data={k: v for k, v in card.data.items() if k != "minimum"})
    with pytest.raises(SemblanceError, match="lacks 'minimum'"):
        check_controls(bare, profile)


def test_a_character_without_a_decoder_is_refused(profile):
    with pytest.raises(SemblanceError, match="decoder_nobody"):
        load_decoder(dataclasses.replace(profile, name="Nobody"))


def test_a_changed_network_is_refused(profile, tmp_path):
    folder = tmp_path / "decoder_pip"
    shutil.copytree(MODELS / "decoder_pip", folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(SemblanceError, match="not the one its card.toml describes"):
        load_network(folder)


def test_a_missing_wheel_switches_one_feature_off(profile, monkeypatch):
    def absent(module: str, feature: str) -> None:
        raise SemblanceError(f"{feature} is off because the Python module '{module}' cannot be loaded")

    monkeypatch.setattr(network_module, "require", absent)
    with pytest.raises(SemblanceError, match="Decoding expressions"):
        load_decoder(profile)
