"""Muon: gradient descent whose steps turn every direction of a layer's weights alike.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with steps as long as AdamW's (Liu et
al., "Muon is scalable for LLM training", 2025, section 2.2). torch.optim.Muon takes matrices only, not convolutions.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor

_SWEEPS: Final = 5
_FACTORS: Final = (3.4445, -4.7750, 2.0315)
"""Of X, X Xᵀ X and (X Xᵀ)² X: singular values go to 1 fast, and come to lie between 0.7 and 1.2."""
_MOMENTUM: Final = 0.95
_STEP_SIZE: Final = 0.2
"""Root mean square of AdamW's usual step, in units of the rate."""


def orthogonal(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The matrix [A, B] with all its singular values near 1, by Newton and Schulz, multiplied in `dtype`."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.T).to(dtype)
    x = x / (x.norm() + 1e-7)
    a, b, c = _FACTORS
    for _ in range(_SWEEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.T).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """For weights [A, ...] of hidden layers; a convolution's are seen as a matrix [A, inward x height x width]."""

    def __init__(self, weights: Iterable[Tensor], rate: float, weight_decay: float, dtype: torch.dtype) -> None:
        super().__init__(weights, {"lr": rate, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Go down the gradients, as far as the rate says."""
        for group in self.param_groups:
            for weight in (each for each in group["params"] if each.grad is not None):
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].mul_(_MOMENTUM).add_(weight.grad)
                ahead = (weight.grad + _MOMENTUM * state["momentum"]).flatten(1)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(orthogonal(ahead, self._dtype).reshape(weight.shape),
                            alpha=-group["lr"] * _STEP_SIZE * max(ahead.shape) ** 0.5)
