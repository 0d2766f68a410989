"""Where the points of a synthetic face are in its crop, and the modes that tell them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl")
from addon.core.coefficients import INDEX
from training.face_points import POINT_COUNT, find_modes, mirrored_points, points_in_crop
from training.make_expression_data import draw_crops, training_samples
from training.performers import PerformanceCurves, random_person, random_shot
from training.render_performers import FaceRenderer

UPRIGHT = np.array([[0.4, 0.0, 0.0], [0.0, 0.4, 0.0]])


@pytest.fixture(scope="module")
def renderer(shared: Path) -> FaceRenderer:
    return FaceRenderer(192)


def straight(renderer: FaceRenderer, **coefficients: float) -> np.ndarray:
    """Points [POINT_COUNT, 2] px of a mean person who looks into the camera."""
    random = np.random.default_rng(1)
    values = np.zeros(54, np.float32)
    for name, value in coefficients.items():
        values[INDEX[name]] = value
    person, shot = random_person(random), random_shot(random, values)
    person.identity[:] = 0
    shot.head[:], shot.offset[:] = 0, 0
    middle = UPRIGHT + [[0, 0, 63.5 - 0.4 * 95.5], [0, 0, 63.5 - 0.4 * 95.5]]
    return points_in_crop(renderer, renderer.model.person(person.identity), shot, middle).astype(np.float32)


def test_a_mirrored_face_has_mirrored_points(renderer: FaceRenderer) -> None:
    rest = straight(renderer)
    assert rest.shape == (POINT_COUNT, 2)
    np.testing.assert_allclose(mirrored_points(rest[None])[0], rest, atol=0.1)
    left, right = straight(renderer, eyeBlinkLeft=1), straight(renderer, eyeBlinkRight=1)
    np.testing.assert_allclose(mirrored_points(left[None])[0], right, atol=0.1)
    assert np.abs(left - rest).max() > 1


def test_points_lie_on_the_face_in_the_crop(renderer: FaceRenderer) -> None:
    samples = [sample for sample, _ in zip(training_samples("crops", 3, PerformanceCurves()), range(3), strict=False)]
    columns = draw_crops(iter(samples), renderer, 3)
    jaw = straight(renderer, jawOpen=1) - straight(renderer)
    assert columns["points"].shape == (3, POINT_COUNT, 2) and np.isfinite(columns["points"]).all()
    middle = np.median(columns["points"].astype(np.float32), axis=1)
    np.testing.assert_allclose(middle, 64, atol=20)
    assert jaw[:, 1].max() > 2 and jaw[:, 1].min() > -0.5  # an open jaw goes down


def test_modes_tell_the_points_again() -> None:
    random = np.random.default_rng(2)
    hidden = random.normal(size=(400, 5)) * [9, 5, 3, 2, 1]
    points = (hidden @ random.normal(size=(5, 2 * POINT_COUNT)) + 64).reshape(400, POINT_COUNT, 2).astype(np.float32)
    mean, directions, size = find_modes(points, 5)
    flat = points.reshape(400, -1)
    np.testing.assert_allclose((flat - mean) @ directions @ directions.T + mean, flat, atol=0.05)
    np.testing.assert_allclose(((flat - mean) @ directions / size).std(0), 1, atol=0.01)
