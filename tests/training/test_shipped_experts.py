"""Checkpoints made from the shipped encoder: the same weights, and modes told along other directions."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from addon.core.errors import SemblanceError  # noqa: E402
from training.expression_experts import LandmarkExpert, PointExpert  # noqa: E402
from training.expression_model import EXPERTS, ExpressionNetwork, export  # noqa: E402
from training.face_points import POINT_COUNT  # noqa: E402
from training.shipped_experts import load_shipped, shipped_weights, turn_modes  # noqa: E402


@pytest.fixture(scope="module")
def network() -> ExpressionNetwork:
    """Not trained, but with every layer in use."""
    torch.manual_seed(5)
    made = ExpressionNetwork().eval()
    torch.nn.init.normal_(made.convolutions.correction.weight, std=0.1)
    for layer in made.modules():  # what is equal is exported once
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            for values in (layer.weight, layer.running_var):
                torch.nn.init.uniform_(values, 0.5, 2)
            for values in (layer.bias, layer.running_mean):
                torch.nn.init.normal_(values, std=0.1)
    return made


def test_weights_come_back_as_they_were_exported(network: ExpressionNetwork, tmp_path: Path) -> None:
    export(network, tmp_path / "model.onnx")
    for name in EXPERTS:
        expert = getattr(network, name)
        found = shipped_weights(name, tmp_path / "model.onnx")
        assert {name for name, _ in expert.named_parameters()} <= set(found)
        for key, values in found.items():
            true = expert.state_dict()[key]
            assert values.dtype == true.dtype
            torch.testing.assert_close(values, true, atol=float(true.abs().max()) / 250, rtol=2e-3)


def test_modes_are_told_along_other_directions_and_answers_stay(network: ExpressionNetwork) -> None:
    random, expert = np.random.default_rng(2), network.convolutions
    crops = random.integers(0, 256, (400, 128, 128, 3), np.uint8)
    with torch.no_grad():
        before, said = expert.both(torch.from_numpy(crops))
    # Points that are where the expert says, along directions of their own.
    directions = np.linalg.qr(random.normal(size=(2 * POINT_COUNT, said.shape[1])))[0]
    points = (said.numpy() @ directions.T * 300 + 64).reshape(400, POINT_COUNT, 2)
    turn_modes(expert, crops, points)
    with torch.no_grad():
        after, told = expert.both(torch.from_numpy(crops))
    meant = expert.modes_of(torch.from_numpy(points.astype(np.float32)))
    torch.testing.assert_close(told, meant, atol=0.02, rtol=0)
    torch.testing.assert_close(after, before, atol=0.02 * float(before.std()), rtol=0)


def test_the_shipped_encoder_is_built_as_it_is_taught() -> None:
    load_shipped(PointExpert(), "convolutions")
    load_shipped(LandmarkExpert(), "landmarks")
    with pytest.raises(SemblanceError, match="not built as"):
        load_shipped(LandmarkExpert(), "convolutions")
