"""The encoder's torch network: invariances, mirrors, and the exported file saying the same."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from training.expression_data import LANDMARK_MIRROR, find_mirror  # noqa: E402
from training.expression_model import (  # noqa: E402
    CELLS,
    GRADIENTS,
    ORIENTATIONS,
    Deployed,
    ExpressionNetwork,
    OrientedGradients,
    RigidPose,
    export,
    mirror_of_gradients,
)


def a_face(random: np.random.Generator) -> np.ndarray:
    """Landmarks [478, 3] px in which the skull's points stand as they should, the others anywhere near."""
    pose = RigidPose()
    points = random.normal(0, 0.5, (478, 3))
    points[pose.points.numpy()] = pose.places.numpy()
    return points * 80 + [160, 150, 0]


def turned(points: np.ndarray, angle: float, scale: float) -> np.ndarray:
    """Turned about y, then z, scaled and shifted."""
    c, s = np.cos(angle), np.sin(angle)
    about_y = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return points @ (about_z @ about_y).T * scale + [30, -10, 5]


def test_the_pose_is_taken_off_exactly() -> None:
    face = a_face(np.random.default_rng(1))
    seen = np.stack([face, turned(face, 0.7, 0.5), turned(face, -0.9, 3.0)]).astype(np.float32)
    points, rotation = RigidPose()(torch.from_numpy(seen))
    np.testing.assert_allclose(points[1], points[0], atol=2e-4)
    np.testing.assert_allclose(points[2], points[0], atol=2e-4)
    np.testing.assert_allclose(rotation @ rotation.transpose(1, 2), np.broadcast_to(np.eye(3), (3, 3, 3)), atol=1e-5)
    assert (torch.linalg.det(rotation) > 0.99).all()


def test_mirrored_gradients_are_those_of_the_mirrored_crop() -> None:
    grey = torch.rand(3, 1, 128, 128) * 255
    make, mirror = OrientedGradients(), mirror_of_gradients()
    np.testing.assert_allclose(make(grey.flip(3)), make(grey)[:, mirror], atol=1e-3)
    assert (mirror[mirror] == torch.arange(GRADIENTS)).all() and ORIENTATIONS * CELLS[0] * CELLS[1] == GRADIENTS


def test_gradients_ignore_light() -> None:
    grey = torch.rand(1, 1, 128, 128) * 100 + 50
    make = OrientedGradients()
    assert (make(grey) - make(grey * 1.5 + 20)).abs().max() < 0.2


def test_the_landmark_mirror_is_one() -> None:
    assert (LANDMARK_MIRROR[LANDMARK_MIRROR] == np.arange(478)).all()
    # Outer and inner eye corners, mouth corners, irises, tip of the nose.
    pairs = {33: 263, 133: 362, 61: 291, 468: 473, 1: 1}
    assert all(LANDMARK_MIRROR[one] == other for one, other in pairs.items())
    half = np.random.default_rng(0).normal(size=(478, 3))
    symmetric = half + half[LANDMARK_MIRROR] * [-1, 1, 1]
    assert (find_mirror(symmetric) == LANDMARK_MIRROR).all()


def test_the_exported_network_says_the_same(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = ExpressionNetwork().eval()
    network.linear_share.fill_(0.3)  # every part has its say, as in the shipped network
    network.eyes_share.fill_(0.8)
    export(network, tmp_path / "model.onnx")
    random = np.random.default_rng(2)
    landmarks = np.stack([turned(a_face(random), a, 1.0) for a in (0.0, 0.4, -0.5)]).astype(np.float32)
    crops = random.integers(0, 256, (3, 128, 128, 3), np.uint8)
    session = onnxruntime.InferenceSession((tmp_path / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    answers = session.run(["coefficients", "gaze", "head", "embedding"], {"landmarks": landmarks, "crop": crops})
    with torch.no_grad():
        wanted = Deployed(network)(torch.from_numpy(landmarks), torch.from_numpy(crops))
    for answer, want in zip(answers, wanted, strict=True):
        np.testing.assert_allclose(answer, want, atol=1e-4)
    assert (tmp_path / "model.onnx").stat().st_size < 10_000_000


def test_a_wink_is_seen_by_each_eye_alone() -> None:
    torch.manual_seed(4)
    eyes = ExpressionNetwork().eyes.eval()
    points, turn = torch.randn(1, 478, 3), torch.eye(3).reshape(1, 9)
    alone = eyes._one(points[:, eyes.left], turn)
    other = points.clone()
    other[:, eyes.right] += 1.0
    assert torch.equal(eyes._one(other[:, eyes.left], turn), alone)
    mirrored = points[:, LANDMARK_MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(eyes(mirrored, turn), eyes(points, turn).flip(1), atol=1e-5)
