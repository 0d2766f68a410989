"""Narrow weights: the same answers to within their rounding, in a file of a part of the size."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from training.narrow_weights import NarrowLayer, narrow  # noqa: E402


def a_network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=2), nn.Flatten(),
                         nn.Sequential(nn.Linear(16 * 6 * 6, 40), nn.ReLU(), nn.Linear(40, 4)))


@pytest.mark.parametrize(("most", "error"), [(float("inf"), 2e-3), (200, 0.02)])
def test_answers_stay_within_the_rounding(most: float, error: float) -> None:
    network, x = a_network(), torch.randn(5, 3, 16, 16)
    wanted = network(x).detach()
    narrow(network, most)
    layers = [layer for layer in network.modules() if isinstance(layer, NarrowLayer)]
    assert len(layers) == 4
    for layer in layers:
        assert layer.weight.dtype == (torch.int8 if layer.weight.numel() > most else torch.float16)
    assert 0 < (network(x) - wanted).abs().max() < error * wanted.abs().max()


def test_a_layer_of_nothing_stays_nothing() -> None:
    layer = nn.Linear(6, 3, bias=False)
    nn.init.zeros_(layer.weight)
    assert NarrowLayer(layer, as_bytes=True)(torch.randn(2, 6)).abs().max() == 0
