"""The encoder's torch network: invariances, mirrors, and the exported file saying the same."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from addon.core import coefficients  # noqa: E402
from training.expression_data import LANDMARK_MIRROR  # noqa: E402
from training.expression_model import (  # noqa: E402
    BELIEVED,
    EXPERTS,
    WAYS,
    Deployed,
    ExpressionNetwork,
    doubted,
    export,
)
from training.face_inputs import RigidPose  # noqa: E402


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


def some_faces(random: np.random.Generator, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks float32 [N, 478, 3] and crops uint8 [N, 128, 128, 3]."""
    landmarks = np.stack([turned(a_face(random), a, 1.0) for a in np.linspace(-0.5, 0.5, count)]).astype(np.float32)
    return landmarks, random.integers(0, 256, (count, 128, 128, 3), np.uint8)


def a_network() -> ExpressionNetwork:
    """With statistics and weights that are not those of a new one."""
    torch.manual_seed(3)
    network = ExpressionNetwork().train()
    landmarks, crops = map(torch.from_numpy, some_faces(np.random.default_rng(4), 20))
    with torch.no_grad():
        network.landmarks.inputs.learn_scale(landmarks)
        network.weights *= torch.rand_like(network.weights) + 0.5
        network.offset.normal_(0, 0.1)
        for _ in range(3):
            network(landmarks, crops)
    return network.eval()


def test_the_exported_network_says_the_same(tmp_path: Path) -> None:
    network = a_network()
    export(network, tmp_path / "model.onnx")
    landmarks, crops = some_faces(np.random.default_rng(2), 4)
    landmarks[1], crops[2] = np.nan, 0  # either may be missing
    session = onnxruntime.InferenceSession((tmp_path / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    answers = session.run(list(Deployed.OUTPUTS), {"landmarks": landmarks, "crop": crops})
    with torch.no_grad():
        wanted = Deployed(network)(torch.from_numpy(landmarks), torch.from_numpy(crops))
    for answer, want in zip(answers, wanted, strict=True):
        assert np.isfinite(answer).all()
        np.testing.assert_allclose(answer, want, atol=1e-4)
    np.testing.assert_allclose(answers[4].sum(1), 1, atol=1e-5)
    assert (tmp_path / "model.onnx").stat().st_size < 8_000_000


def test_what_is_missing_does_not_matter() -> None:
    network = a_network()
    landmarks, crops = some_faces(np.random.default_rng(6))
    other_landmarks, other_crops = some_faces(np.random.default_rng(7))
    none, black = np.full_like(landmarks, np.nan), np.zeros_like(crops)

    def answer(points: np.ndarray, pictures: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            return network(torch.from_numpy(points), torch.from_numpy(pictures)).coefficients

    assert not torch.allclose(answer(landmarks, crops), answer(other_landmarks, crops), atol=1e-3)
    assert not torch.allclose(answer(landmarks, crops), answer(landmarks, other_crops), atol=1e-3)
    assert not torch.allclose(answer(none, crops), answer(landmarks, crops), atol=1e-3)
    assert not torch.allclose(answer(landmarks, black), answer(landmarks, crops), atol=1e-3)
    mixed = landmarks.copy()
    mixed[1] = np.nan
    rows = answer(mixed, crops)
    torch.testing.assert_close(rows[1], answer(none, crops)[1])
    torch.testing.assert_close(rows[[0, 2]], answer(landmarks, crops)[[0, 2]])


def test_a_larger_picture_of_the_face_changes_nothing() -> None:
    network = a_network()
    landmarks, crops = map(torch.from_numpy, some_faces(np.random.default_rng(8)))
    with torch.no_grad():
        here, there = network(landmarks, crops), network(landmarks * 2.5 + 40, crops)
    torch.testing.assert_close(here.coefficients, there.coefficients, atol=2e-3, rtol=0)


def test_a_mirrored_face_is_read_as_the_mirrored_expression() -> None:
    network = a_network()
    landmarks, crops = some_faces(np.random.default_rng(9))
    mirrored = (landmarks[:, LANDMARK_MIRROR] * [-1, 1, 1]).astype(np.float32)
    with torch.no_grad():
        here = network(torch.from_numpy(landmarks), torch.from_numpy(crops))
        there = network(torch.from_numpy(mirrored), torch.from_numpy(crops[:, :, ::-1].copy()))
    close = {"atol": 1e-4, "rtol": 0}
    torch.testing.assert_close(there.coefficients, here.coefficients[:, coefficients.MIRROR.tolist()], **close)
    torch.testing.assert_close(there.gaze, here.gaze.flip(1) * torch.tensor([-1.0, 1.0]), **close)
    torch.testing.assert_close(there.head, here.head * torch.tensor([-1.0, 1.0, -1.0]), **close)
    torch.testing.assert_close(there.confidence, here.confidence, **close)


def test_experts_that_cannot_know_are_not_asked() -> None:
    network = a_network()
    landmarks, crops = some_faces(np.random.default_rng(10))
    crops[1], landmarks[2] = 0, np.nan
    with torch.no_grad():
        way = network.opinions(torch.from_numpy(landmarks), torch.from_numpy(crops))[1]
    assert [WAYS[number] for number in way] == ["both", "landmarks", "crop"]
    for number in way:
        unasked = [i for i, name in enumerate(EXPERTS) if name not in BELIEVED[WAYS[number]]]
        assert not network.weights[number, unasked].any()


def test_small_answers_are_doubted_and_large_ones_hardly() -> None:
    said = torch.linspace(-0.5, 1.0, 301)
    kept = doubted(said)
    assert (kept.diff() > 0).all()  # the order stays
    assert torch.equal(kept[said <= 0], said[said <= 0])  # below 0 calibration learns where a movement begins
    assert kept[-1] == pytest.approx(1)
    assert doubted(torch.tensor([0.03, 0.5])).tolist() == pytest.approx([0.0106, 0.473], abs=1e-3)
