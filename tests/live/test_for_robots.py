"""Performances in what robot heads follow."""
from __future__ import annotations

import numpy as np
import pytest

from addon.core.coefficients import NAMES
from addon.core.frames import ExpressionTrack
from addon.live.for_robots import performance
from addon.robot import signals
from addon.robot.map_reading import find_map


@pytest.fixture
def smile():
    """Two frames: at rest, then a smile with the eyes to the left."""
    coefficients = np.zeros((2, 54), np.float32)
    coefficients[1, NAMES.index("mouthSmileLeft")] = coefficients[1, NAMES.index("mouthSmileRight")] = 0.8
    gaze = np.zeros((2, 2, 2), np.float32)
    gaze[1, :, 0] = 0.3
    embedding, head = np.zeros((2, 128), np.float32), np.zeros((2, 3), np.float32)
    return ExpressionTrack(np.array([0.0, 0.5]), coefficients, embedding, gaze, head, np.ones(2, np.float32))


def test_a_map_of_the_expression_gets_its_signals(smile):
    robot = find_map("maestro_head")
    play = performance(robot, smile)
    assert play.names == signals.NAMES and play.values.shape == (2, 61) and play.times_s.tolist() == [0.0, 0.5]
    found = dict(zip(play.names, play.values[1].tolist(), strict=True))
    assert found["mouthSmileLeft"] == pytest.approx(0.8) and found["gazeYawRight"] == pytest.approx(0.3)
    assert np.abs(robot.evaluate(play.values[1].tolist())).max() > 0.3


def test_a_map_of_a_character_gets_what_its_decoder_makes(smile):
    robot = find_map("ameca_by_ada")
    play = performance(robot, smile)
    assert play.names == robot.control_names and play.values.shape == (2, 30)
    assert np.abs(play.values[1] - play.values[0]).max() > 0.2
