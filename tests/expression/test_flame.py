"""A face in FLAME's form: the explicit conversion, its file, and what is written."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import coefficients
from addon.core.arrays import write_arrays
from addon.core.errors import SemblanceError
from addon.core.frames import EMBEDDING_SIZE, ExpressionTrack, head_rotation
from addon.core.take import Take
from addon.expression.flame import EXPRESSIONS, MADE, NUMBERS, Conversion, _turn, read_conversion, write_flame
from training.body_motion_sets import rotations


def face(**values):
    found = np.zeros(coefficients.COUNT, np.float32)
    for name, value in values.items():
        found[coefficients.INDEX[name]] = value
    return found


def test_the_shipped_conversion_opens_the_jaw_and_leaves_a_face_at_rest():
    conversion = read_conversion()
    assert conversion.basis == MADE and not conversion(face()).any()
    opened = conversion(face(jawOpen=1.0))
    assert 0.3 < opened[0] < 0.5 and np.abs(opened[1:3]).max() < 0.02      # about 22° about x, the person's left
    left, right = conversion(face(jawLeft=1.0)), conversion(face(jawRight=1.0))
    np.testing.assert_allclose(left[1], -right[1], atol=0.02)
    smile = conversion(face(mouthSmileLeft=1.0, mouthSmileRight=1.0))
    assert np.abs(smile[:3]).max() < 0.05 and np.linalg.norm(smile[3:]) > 1


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=54, max_size=54))
def test_numbers_stay_within_what_faces_reach(values):
    conversion = read_conversion()
    numbers = conversion(np.array(values, np.float32))
    assert (numbers >= conversion.least).all() and (numbers <= conversion.most).all()


@given(st.floats(-1.2, 1.2), st.floats(-1.0, 1.0))
def test_eyes_turn_as_the_gaze_says(yaw, pitch):
    turned = rotations(_turn(np.array([[yaw, pitch]]))[0].astype(float))
    np.testing.assert_allclose(turned, head_rotation(np.array([yaw, pitch, 0])), atol=1e-5)


def test_what_is_written_is_thirty_frames_a_second_in_smplx_names(tmp_path):
    values, nothing = np.zeros((31, coefficients.COUNT), np.float32), np.zeros((31, 2, 2), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = np.linspace(0, 1, 31)
    embedding, head = np.zeros((31, EMBEDDING_SIZE)), np.zeros((31, 3))
    track = ExpressionTrack(np.arange(31) / 15, values, embedding, nothing, head, np.ones(31))
    take = Take(np.ones(31, bool), np.empty((0, 478, 3)), track, track)
    assert write_flame(take, tmp_path / "a.npz", read_conversion()) == 61
    with np.load(tmp_path / "a.npz", allow_pickle=False) as data:
        assert data["jaw_pose"].shape == (61, 3) and data["expression"].shape == (61, EXPRESSIONS)
        assert data["leye_pose"].shape == data["reye_pose"].shape == (61, 3)
        assert data["mocap_frame_rate"] == 30 and str(data["basis"]) == MADE
        assert (np.diff(data["jaw_pose"][:, 0]) > 0).all()


@pytest.mark.parametrize("spoil", ["missing", "text", "shape", "nan"])
def test_what_is_no_conversion_is_one_sentence(spoil, tmp_path):
    path = tmp_path / "c.npz"
    matrix = np.full((54, NUMBERS if spoil != "shape" else 9), np.nan if spoil == "nan" else 0)
    if spoil == "text":
        path.write_text("matrix")
    elif spoil != "missing":
        write_arrays(path, b"x", {"matrix": matrix, "least": np.zeros(NUMBERS), "most": np.ones(NUMBERS)})
    with pytest.raises(SemblanceError, match=r"Cannot read|is no conversion"):
        read_conversion(path)


def test_bounds_hold_where_a_face_goes_too_far():
    conversion = Conversion("x", np.ones((54, NUMBERS), np.float32), np.zeros(NUMBERS), np.full(NUMBERS, 2.0))
    assert (conversion(np.ones(54)) == 2).all()
