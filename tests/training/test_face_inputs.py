"""What the encoder sees: the head's pose is taken off exactly, gradients know no light."""
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.training.test_expression_model import a_face, turned  # noqa: E402
from training.expression_data import REGION  # noqa: E402
from training.face_inputs import GRADIENTS, LandmarkInputs, OrientedGradients, RigidPose  # noqa: E402


def test_the_pose_is_taken_off_exactly() -> None:
    face = a_face(np.random.default_rng(1))
    seen = np.stack([face, turned(face, 0.7, 0.5), turned(face, -0.9, 3.0)]).astype(np.float32)
    points, rotation = RigidPose()(torch.from_numpy(seen))
    np.testing.assert_allclose(points[1], points[0], atol=2e-4)
    np.testing.assert_allclose(points[2], points[0], atol=2e-4)
    np.testing.assert_allclose(rotation @ rotation.transpose(1, 2), np.broadcast_to(np.eye(3), (3, 3, 3)), atol=1e-5)
    assert (torch.linalg.det(rotation) > 0.99).all()


def test_gradients_ignore_light() -> None:
    grey = torch.rand(1, 1, *REGION) * 100 + 50
    make = OrientedGradients()
    assert make(grey).shape == (1, GRADIENTS) and make.fine(grey).shape == (1, 8, REGION[0] // 2, REGION[1] // 2)
    for each in (make, make.fine):
        assert (each(grey) - each(grey * 1.5 + 20)).abs().max() < 0.2


def test_a_bright_edge_is_seen_in_its_direction_and_place() -> None:
    grey = torch.full((1, 1, *REGION), 60.0)
    grey[..., 48:] = 160  # the right half is brighter: strength only along +x, at the middle columns
    cells = OrientedGradients()(grey).reshape(8, REGION[0] // 4, REGION[1] // 4)[:, 1:-1, 1:-1]
    fine = OrientedGradients().fine(grey)[0, :, 1:-1, 1:-1]
    assert cells.sum((1, 2)).argmax() == 0 and fine.sum((1, 2)).argmax() == 0
    assert cells[0, 13].argmax() in (10, 11) and fine[0, 27].argmax() in (22, 23)
    assert cells[4].max() == 0 and fine[4].max() <= 2e-6  # what keeps the derivative of flat pictures finite


def test_only_while_learning_bones_differ() -> None:
    inputs = LandmarkInputs()
    faces = torch.from_numpy(np.stack([a_face(np.random.default_rng(seed)) for seed in range(20)])).float()
    inputs.learn_scale(faces)
    with torch.no_grad():
        torch.testing.assert_close(inputs.eval()(faces), inputs.eval()(faces))
        assert (inputs.train()(faces) - inputs.eval()(faces)).abs().mean() > 0.01
        assert inputs.eval()(faces * 3 + 5).std(0).mean() > 0.1
