"""A body's motion gets the face for it: features, blinks, styles, the shipped networks."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import coefficients
from addon.core.body_motion import JOINT, BodyMotion
from addon.core.errors import SemblanceError
from addon.core.take import read_take, write_take
from addon.expression.body_features import COUNT, beats, energy, features
from addon.expression.from_body import (
    WINDOW,
    _windows,
    built_in_style,
    draw_blinks,
    face_from_body,
    style_names,
    style_of,
    with_blinks,
)

from ..core.making import a_take

BLINK = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
REST = np.zeros((22, 3), np.float32)
for _name, _place in {
    "left_hip": (.1, .9, 0), "right_hip": (-.1, .9, 0), "pelvis": (0, .95, 0), "neck": (0, 1.5, 0), "head": (0, 1.6, 0),
    "left_shoulder": (.2, 1.4, 0), "right_shoulder": (-.2, 1.4, 0), "left_wrist": (.3, .9, .1),
    "right_wrist": (-.3, .9, .1),
}.items():
    REST[JOINT[_name]] = _place


def a_body(seconds=6.0, beat_at=(2.0, 4.0), rate=30.0) -> BodyMotion:
    """One who stands and now and then throws an arm up."""
    times_s = np.arange(int(seconds * rate)) / rate
    joints = np.tile(REST, (len(times_s), 1, 1))
    for at in beat_at:
        joints[:, JOINT["left_wrist"], 1] += 0.6 * np.exp(-0.5 * np.square((times_s - at) / 0.12))
    return BodyMotion(times_s, joints.astype(np.float32), np.zeros((len(times_s), 3), np.float32), "arm.bvh")


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(-5, 5), st.floats(0.1, 50))
def test_features_do_not_know_where_the_body_stands_nor_its_size(yaw, place, size):
    body = a_body(2.0, (1.0,))
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    moved = replace(body, joints=((body.joints @ turn.T + (place, 0, 2 * place)) * size).astype(np.float32))
    assert features(body).shape == (60, COUNT)
    np.testing.assert_allclose(features(moved), features(body), atol=2e-2)


def test_beats_are_where_the_arm_is_fastest():
    found, weights = beats(energy(a_body()))
    assert {round(frame / 30, 1) for frame in found} <= {1.8, 1.9, 2.0, 2.1, 2.2, 3.8, 3.9, 4.0, 4.1, 4.2}
    assert len(found) >= 2 and weights.min() > 0.3
    assert len(beats(energy(a_body(beat_at=())))[0]) == 0


@given(st.integers(1, 400))
def test_windows_cover_every_frame_twice(count):
    values = np.arange(count, dtype=np.float32)[:, None]
    windows = _windows(values)
    assert windows.shape[1:] == (WINDOW, 1)
    inside = np.sort(windows.reshape(-1))
    assert all((inside == i).sum() >= 2 for i in range(count))


def test_blinks_shut_the_eyes_and_come_as_often_as_they_should():
    begun = draw_blinks(np.full(30 * 600, 0.25), seed=3)
    assert begun.sum() == pytest.approx(150, abs=15)
    assert np.diff(np.flatnonzero(begun)).std() < 0.7 * np.diff(np.flatnonzero(begun)).mean()
    once = with_blinks(np.zeros((60, 54)), np.arange(60) == 20, 0.3)
    assert once[:, BLINK].max() == pytest.approx(1) and not once[:20].any() and not once[30:].any()
    assert not np.delete(once, BLINK, axis=1).any()
    assert (draw_blinks(np.full(900, 0.3), 1) != draw_blinks(np.full(900, 0.3), 2)).any()


def test_each_built_in_style_makes_its_own_face(tmp_path):
    body = a_body()
    faces = {name: face_from_body(body, built_in_style(name)) for name in style_names()}
    assert len(faces) == 8 and style_names()[0] == "calm"
    smiles = {name: take.smoothed.coefficients[:, coefficients.INDEX["mouthSmileLeft"]].mean()
              for name, take in faces.items()}
    assert max(smiles, key=lambda name: smiles[name]) == "joyful" and smiles["joyful"] > 0.3
    joyful = faces["joyful"]
    assert len(joyful) == 180 and joyful.source["style"] == "joyful"
    assert joyful.smoothed.coefficients.min() >= 0 and joyful.smoothed.coefficients.max() <= 1
    write_take(joyful, tmp_path / "x.take")
    np.testing.assert_array_equal(read_take(tmp_path / "x.take").raw.head, joyful.raw.head)
    again = style_of(joyful, "again")
    assert (again.choices == built_in_style("joyful").choices).mean() >= 0.5


def test_strength_goes_from_calm_past_the_style():
    smile = coefficients.INDEX["mouthSmileLeft"]
    calm, half, full, more = (
        face_from_body(a_body(3.0), built_in_style("joyful"), strength).smoothed.coefficients[:, smile].mean()
        for strength in (0, 0.5, 1, 1.5)
    )
    assert calm < half < full < more
    same = face_from_body(a_body(3.0), built_in_style("calm"), 1).smoothed.coefficients
    np.testing.assert_allclose(np.delete(same, BLINK, 1), np.delete(
        face_from_body(a_body(3.0), built_in_style("joyful"), 0).smoothed.coefficients, BLINK, 1), atol=1e-6)


def test_the_bodys_own_head_is_added_where_it_is_wanted():
    body = a_body(3.0)
    body.head[:, 0] = 0.5
    calm = built_in_style("calm")
    with_head, without = (face_from_body(body, calm, own_head=own).smoothed.head for own in (True, False))
    np.testing.assert_allclose(with_head - without, np.tile((0.5, 0, 0), (90, 1)), atol=1e-6)


def test_a_body_that_stands_still_is_told():
    still = face_from_body(a_body(beat_at=()), built_in_style("joyful"))
    assert still.source["warnings"] == ["In 'arm.bvh' the body hardly moves, so its face hardly does."]
    assert face_from_body(a_body(), built_in_style("joyful")).source["warnings"] == []


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(SemblanceError, match="There is no face style 'furious'; use calm"):
        built_in_style("furious")
    with pytest.raises(SemblanceError, match="from 0 to 2"):
        face_from_body(a_body(), built_in_style("calm"), 3)
    with pytest.raises(SemblanceError, match=r"'arm.bvh' lasts less than"):
        face_from_body(a_body(0.02, rate=200), built_in_style("calm"))
    nobody = a_take(4)
    with pytest.raises(SemblanceError, match="'empty.take' shows no face"):
        style_of(replace(nobody, found=np.zeros(4, bool)), "empty.take")
