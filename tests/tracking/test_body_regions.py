"""The squares that the pose and hand networks look at, and what sharpens their answers."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.frames import POSE_COUNT
from addon.tracking.hands import Hand, HandTracker, palm_region, rough_region
from addon.tracking.pose import Pose, aligned, sharpened, turned
from addon.tracking.region import Region

angles = st.floats(-3.1, 3.1)
HAND = np.array([
    [0, 0], [30, -12], [50, -30], [60, -48], [68, -62], [22, -80], [24, -110], [25, -128], [26, -143], [4, -84],
    [4, -118], [4, -138], [4, -155], [-14, -80], [-15, -110], [-16, -128], [-17, -143], [-30, -70], [-35, -92],
    [-38, -105], [-40, -116],
], float)
"""Fingers up, px."""


def rotated(points: np.ndarray, angle: float) -> np.ndarray:
    """Clockwise as seen."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


@given(angles)
def test_an_edge_above_the_centre_makes_an_upright_square(angle: float) -> None:
    up = np.array([0.0, -50.0])
    region = aligned(np.zeros(2), rotated(up, angle), np.pi / 2, 1.25)
    assert region.side == pytest.approx(125)
    assert np.cos(region.angle - angle) == pytest.approx(1)


@given(angles, st.floats(0.2, 5))
def test_a_hands_region_turns_and_grows_with_it(angle: float, size: float) -> None:
    first, second = palm_region(HAND), palm_region(rotated(HAND, angle) * size + 7)
    assert second.side == pytest.approx(first.side * size)
    assert np.cos(second.angle - first.angle - angle) == pytest.approx(1)
    moved = rotated(np.array([[first.x, first.y]]), angle)[0] * size + 7
    assert np.allclose(moved, (second.x, second.y))


def test_a_hands_region_holds_the_whole_hand() -> None:
    inside = (HAND - palm_region(HAND).to_picture[:, 2]) / palm_region(HAND).side
    assert inside.min() > -0.2 and inside.max() < 1.2
    rough = rough_region(HAND[0], HAND[17], HAND[5])
    assert np.linalg.norm(HAND - (rough.x, rough.y), axis=1).max() < rough.side / 2


@given(angles)
def test_turning_keeps_lengths_and_depth(angle: float) -> None:
    points = np.random.default_rng(0).normal(size=(21, 3))
    there = turned(points, angle)
    assert np.allclose(there[:, 2], points[:, 2], atol=1e-6)
    assert np.allclose(np.linalg.norm(there, axis=1), np.linalg.norm(points, axis=1), atol=1e-5)
    assert np.allclose(turned(there, -angle), points, atol=1e-5)


def test_a_clear_heat_map_moves_its_point_and_a_faint_one_does_not() -> None:
    heat = np.full((3, 64, 64), -20.0, np.float32)
    heat[0, 33, 30] = heat[0, 33, 31] = 20.0  # two cells right of the guess, one below
    heat[1, 33, 30] = -1.0
    guess = np.array([[28.5, 32.5], [28.5, 32.5], [70.0, 10.0]]) / 64
    points = sharpened(guess, heat)
    assert np.allclose(points[0] * 64, [30.5, 33.0], atol=0.01)
    assert np.array_equal(points[1:], guess[1:])


class Looks:
    """Stands for the networks, and counts how often they are asked."""

    def __init__(self) -> None:
        self.count = 0

    def place(self, image: np.ndarray, rough: Region) -> Region:
        self.count += 1
        return rough

    def look(self, image: np.ndarray, region: Region) -> Hand:
        return Hand(np.zeros((21, 3), np.float32), np.zeros((21, 3), np.float32), 0.0, 0.0)


@pytest.mark.parametrize(("below", "count"), [(-60, 1), (20, 1), (200, 0)])
def test_a_hand_is_only_looked_for_where_the_picture_shows_something(below: float, count: int) -> None:
    image, reader = np.zeros((300, 400, 3), np.uint8), Looks()
    points = np.zeros((POSE_COUNT, 3), np.float32)
    points[[15, 17, 19], :2] = np.array([[0, 0], [-14, -40], [14, -40]]) + (200, 300 + below)
    pose = Pose(points, points, np.ones(POSE_COUNT, np.float32), 1.0)
    found = HandTracker(0, reader).track(image, pose)
    assert reader.count == count and (found is None) == (count == 0)
