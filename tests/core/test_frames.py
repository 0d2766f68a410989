import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.frames import FaceFrame, angles_of, head_rotation


@pytest.mark.parametrize(("spoiled", "known"), [((), True), ((3, 1), False), (..., False)])
def test_landmarks_are_known_only_if_all_are(spoiled, known):
    landmarks = np.ones((478, 3), np.float32)
    landmarks[spoiled] = landmarks[spoiled] if known else np.nan
    assert FaceFrame(0.0, True, landmarks, 1.0, np.zeros((128, 128, 3), np.uint8)).has_landmarks == known


def about(axis, angle):
    """Right-handed rotation about one axis, from its definition."""
    one, two = [i for i in range(3) if i != axis] if axis != 1 else (2, 0)
    turn = np.eye(3)
    turn[one, one] = turn[two, two] = np.cos(angle)
    turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
    return turn


def test_head_angles_turn_as_the_conventions_say():
    heads = np.random.default_rng(0).uniform(-1, 1, (4, 2, 3))
    for index in np.ndindex(4, 2):
        yaw, pitch, roll = heads[index]
        assert np.allclose(head_rotation(heads)[index], about(1, yaw) @ about(0, -pitch) @ about(2, roll))
    forward = head_rotation(np.array([0.3, 0.2, 0.0])) @ [0, 0, 1]
    assert forward[0] > 0 and forward[1] > 0  # to the person's left, and up
    assert (head_rotation(np.array([0.0, 0.0, 0.3])) @ [1, 0, 0])[1] > 0  # the left ear lifts


@given(st.tuples(*[st.floats(-1.4, 1.4)] * 3))
def test_angles_are_the_inverse_of_the_head_rotation(head):
    np.testing.assert_allclose(angles_of(head_rotation(np.array(head))), head, atol=1e-5)
