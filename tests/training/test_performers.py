"""Sampling and rendering of synthetic performers."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core import coefficients
from training.performers import GAZE_OUT, PerformanceCurves, gaze_of, random_mix, random_person, random_shot


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_random_mixes_are_as_defined(random: np.random.Generator) -> None:
    mixes = np.stack([random_mix(random) for _ in range(4000)])
    active = (mixes > 0).sum(1)
    assert abs((active == 0).mean() - 0.1) < 0.02
    assert active.max() <= 18 and mixes[:, coefficients.INDEX["tongueOut"]].max() == 0
    left, right = mixes[:, coefficients.INDEX["mouthSmileLeft"]], mixes[:, coefficients.INDEX["mouthSmileRight"]]
    both = (left > 0) & (right > 0)
    assert (np.abs(left - right)[both] <= 0.1 + 1e-6).mean() > 0.9
    assert 0.45 < mixes[mixes > 0].mean() < 0.55
    # Opposite central shapes are nobody's partners: together they are no likelier than by chance.
    jaw = mixes[:, coefficients.indices(["jawLeft", "jawRight"])] > 0
    assert jaw.all(1).mean() < 0.05


def test_gaze_follows_the_eye_look_coefficients() -> None:
    values = np.zeros(54, np.float32)
    values[coefficients.indices(["eyeLookOutLeft", "eyeLookInRight"])] = 1
    np.testing.assert_allclose(gaze_of(values), [[GAZE_OUT, 0], [GAZE_OUT, 0]], atol=1e-6)
    mirrored = gaze_of(values[coefficients.MIRROR])
    np.testing.assert_allclose(mirrored, [[-GAZE_OUT, 0], [-GAZE_OUT, 0]], atol=1e-6)


def test_held_out_curves_are_apart(shared: Path, random: np.random.Generator) -> None:
    curves = PerformanceCurves(shared / "data" / "livelink_take" / "range_of_motion.csv")
    assert len(curves.train) > 2 * len(curves.test) > 1000
    trained = {row.tobytes() for row in curves.train}
    assert not any(row.tobytes() in trained for row in curves.test)
    sample = np.stack([curves.sample(random) for _ in range(200)])
    assert sample.min() >= 0 and sample.max() <= 1 and sample.dtype == np.float32


def test_our_tracker_sees_a_rendered_person_with_the_right_signs(shared: Path, random: np.random.Generator) -> None:
    pytest.importorskip("moderngl")
    from dataclasses import replace

    from addon.core.frames import Frame
    from addon.tracking.tracker import FaceTracker
    from training.render_performers import FaceModel, FaceRenderer

    try:
        renderer = FaceRenderer(model=FaceModel(shared / "data" / "ict_facekit" / "ict_facekit.npz"))
    except Exception as error:
        pytest.skip(f"no OpenGL here: {error}")
    person, tracker = random_person(random), FaceTracker()
    shot = replace(random_shot(random, np.zeros(54)), face_px=120, head=np.zeros(3), offset=np.zeros(2))

    def points(**change: object) -> np.ndarray:
        tracker.reset()
        face = tracker.track(Frame(renderer.render(person, replace(shot, **change)), 0.0, 0))  # type: ignore[arg-type]
        assert face.found
        return face.landmarks

    def opened(points: np.ndarray) -> float:
        return float(points[14, 1] - points[13, 1])

    rest = points()
    assert np.linalg.norm(rest[33, :2] - rest[263, :2]) == pytest.approx(120, rel=0.15)
    assert abs(rest[:, :2].mean(0) - 160).max() < 40
    wide = np.zeros(54, np.float32)
    wide[coefficients.INDEX["jawOpen"]] = 1
    assert opened(points(coefficients=wide)) > opened(rest) + 15
    left_eye = points(coefficients=np.eye(54, dtype=np.float32)[coefficients.INDEX["eyeBlinkLeft"]])
    assert left_eye[374, 1] - left_eye[386, 1] < 0.5 * (rest[374, 1] - rest[386, 1])
    # To the person's left is to the right of the picture; up is up; the left ear rises.
    assert points(head=np.array([0.35, 0, 0]))[1, 0] > rest[1, 0] + 10
    assert points(head=np.array([0, 0.3, 0]))[1, 1] < rest[1, 1] - 5
    rolled = points(head=np.array([0, 0, 0.3]))
    assert rolled[263, 1] < rolled[33, 1] - 15
