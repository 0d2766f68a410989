"""Muon: steps are orthogonal, as long as AdamW's, and lead down."""
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from training.muon import Muon, orthogonal  # noqa: E402


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16), (1, 9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_direction_counts_alike(shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(0, -1, shape[1]))
    found = orthogonal(matrix, dtype)
    left, sizes, right = torch.linalg.svd(matrix, full_matrices=False)
    along = torch.diagonal(left.T @ found @ right.T)
    assert found.dtype == matrix.dtype and found.shape == matrix.shape
    assert (along[sizes > 0.02 * sizes.max()] > 0.5).all() and (along < 1.35).all()


def test_nothing_leads_nowhere() -> None:
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))


def test_steps_are_as_long_as_those_of_adamw() -> None:
    torch.manual_seed(3)
    weight = torch.nn.Parameter(torch.zeros(32, 8, 3, 3))
    descent = Muon([weight], 1e-2, 0.0, torch.float32)
    weight.grad = torch.randn(weight.shape)
    descent.step()
    assert weight.square().mean().sqrt().item() == pytest.approx(0.2e-2, rel=0.25)


def test_it_finds_the_weights_of_a_convolution() -> None:
    torch.manual_seed(3)
    taught, learner = torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.Conv2d(3, 8, 3, bias=False)
    descent = Muon(learner.parameters(), 0.05, 0.0, torch.float32)
    for step in range(200):
        descent.param_groups[0]["lr"] = 0.05 * (1 - step / 200)
        seen = torch.randn(16, 3, 6, 6)
        descent.zero_grad()
        (learner(seen) - taught(seen)).square().mean().backward()
        descent.step()
    assert (learner.weight - taught.weight).abs().max() < 0.02


def test_weights_decay() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.zeros(2, 2)
    Muon([weight], 0.1, 0.5, torch.float32).step()
    assert torch.allclose(weight, torch.full((2, 2), 0.95))
