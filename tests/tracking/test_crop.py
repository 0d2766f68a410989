"""The aligned crop: level, centred, of one size; unmoved by expression, whole at large angles."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.frames import Frame
from addon.tracking.crop import _POINTS, _POSITIONS, CENTRE, SPAN, aligned_crop, crop_transform, square_crop
from addon.tracking.region import Region
from addon.tracking.tracker import FaceTracker

BROWS = [46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 276, 282, 283, 285, 293, 295, 296, 300, 334, 336]
JAW = [13, 14, 17, 18, 61, 78, 82, 87, 148, 152, 176, 199, 200, 291, 308, 377, 400]


@pytest.fixture(scope="module")
def portrait(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture and the landmarks in it."""
    image = cv2.imread(str(shared / "data/portrait/business_person.png"))
    return image, FaceTracker().track(Frame(image, 0.0, 0)).landmarks


def average_head(scale: float = 100.0) -> np.ndarray:
    """float [478, 3]: the rigid points in their average places, the others at the origin."""
    landmarks = np.zeros((478, 3))
    landmarks[_POINTS] = _POSITIONS * scale
    return landmarks


def turned(landmarks: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The head turned in degrees around its middle."""
    rotation = np.eye(3)
    for angle, (a, b) in ((yaw, (2, 0)), (pitch, (1, 2)), (roll, (0, 1))):
        one = np.eye(3)
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        one[[a, a, b, b], [a, b, a, b]] = cos, -sin, sin, cos
        rotation = one @ rotation
    middle = landmarks[_POINTS].mean(0)
    return (landmarks - middle) @ rotation.T + middle


def placed(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points[:, :2] @ matrix[:, :2].T + matrix[:, 2]


def test_front_view_stands_upright_in_the_middle() -> None:
    matrix = crop_transform(average_head())
    eyes = placed(matrix, average_head()[[33, 133, 362, 263]])
    assert np.isclose(matrix[1, 0], 0, atol=1e-9) and matrix[0, 0] == pytest.approx(128 / 3.2 / 100)
    assert eyes[:, 0].mean() == pytest.approx(63.5) and eyes[:, 1].mean() == pytest.approx(63.5 - 0.68 * 40)


@given(
    st.floats(-500, 500), st.floats(-500, 500), st.floats(0.2, 5), st.floats(-np.pi, np.pi), st.integers(0, 2**32 - 1)
)
def test_crop_is_the_same_wherever_the_face_is(x: float, y: float, scale: float, roll: float, seed: int) -> None:
    """Moving, scaling and turning the picture changes nothing in the crop."""
    landmarks = average_head() + np.random.default_rng(seed).normal(0, 3, (478, 3))
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    moved = landmarks @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, scale]]).T + [x, y, 0]
    before, after = placed(crop_transform(landmarks), landmarks), placed(crop_transform(moved), moved)
    assert np.allclose(before[_POINTS], after[_POINTS], atol=1e-6)


def test_brows_and_jaw_do_not_move_it() -> None:
    landmarks = average_head()
    moved = landmarks.copy()
    moved[BROWS, 1] -= 30
    moved[JAW, 1] += 60
    assert np.array_equal(crop_transform(landmarks), crop_transform(moved))


@pytest.mark.parametrize("yaw", [-50, -25, 0, 25, 50])
@pytest.mark.parametrize("pitch", [-25, 0, 25])
@pytest.mark.parametrize("roll", [-40, 0, 40])
def test_turned_head_keeps_its_size_and_stays_whole(
    portrait: tuple[np.ndarray, np.ndarray], yaw: float, pitch: float, roll: float
) -> None:
    _, landmarks = portrait
    front, side = crop_transform(landmarks), crop_transform(turned(landmarks, yaw, pitch, roll))
    sizes = [np.hypot(*matrix[0, :2]) for matrix in (front, side)]
    assert sizes[1] == pytest.approx(sizes[0], rel=1e-3)
    inside = placed(side, turned(landmarks, yaw, pitch, roll))
    assert inside.min() > 0 and inside.max() < 127


def test_portrait_crop(portrait: tuple[np.ndarray, np.ndarray]) -> None:
    image, landmarks = portrait
    crop = aligned_crop(image, landmarks)
    assert crop.shape == (128, 128, 3) and crop.dtype == np.uint8
    points = placed(crop_transform(landmarks), landmarks)
    assert abs(points[33, 1] - points[263, 1]) < 3
    pupils = points[[468, 473]].round().astype(int)
    cheeks = points[[50, 280]].round().astype(int)
    assert crop[pupils[:, 1], pupils[:, 0]].mean() < 0.6 * crop[cheeks[:, 1], cheeks[:, 0]].mean()


def test_large_face_is_averaged_not_sampled() -> None:
    """A fine checkerboard becomes grey instead of a moiré."""
    checkered = (np.indices((600, 600)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(checkered[..., None], 3, axis=2)
    crop = aligned_crop(image, average_head(180.0) + [300, 200, 0])
    assert crop[40:90, 40:90].std() < 12


def test_a_square_is_the_crop_that_level_landmarks_there_give() -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    for scale in (30.0, 90.0):
        landmarks = average_head(scale) + [150, 120, 0]
        centre = CENTRE * scale + [150, 120, 0]
        square = square_crop(image, Region(centre[0], centre[1], SPAN * scale, 0.0))
        assert np.abs(square.astype(int) - aligned_crop(image, landmarks)).max() <= 1


def test_half_outside_is_black() -> None:
    crop = aligned_crop(np.full((400, 400, 3), 200, np.uint8), average_head(80.0) + [0, 200, 0])
    assert not crop[:, :50].any() and (crop[40:90, 80:120] == 200).all()
