"""FLAME's numbers back to our coefficients: a mixture of experts, after B2F (arXiv 2511.13988), in code of our own.

A gate looks at jaw and expressions and says how much each of eight small networks is to be believed; where the jaw is
wide open, say, others know more than on a closed mouth. B2F learned its mixture from iPhone takes that a published
matrix had turned into FLAME's numbers; here these come from a conversion of our own, and from faces of many people
that were fitted as scans are.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core import coefficients
from addon.expression.flame import EXPRESSIONS, JAW, NUMBERS

EXPERTS: Final = 8
HIDDEN: Final = 48
JAW_SCALE: Final = 10.0
"""rad brought to the size of expressions."""
_NOISE: Final = 0.05
"""Standard deviation of what is added to the scaled numbers while learning: no fit is exact."""
_ALL_USED: Final = 0.01
"""Price of experts that nobody asks."""
Network = TypeVar("Network", bound="WayBack")


@dataclass(frozen=True)
class Faces:
    """N faces in both forms."""

    numbers: np.ndarray
    """float32 [N, 53]: jaw, expressions."""
    coefficients: np.ndarray
    """float32 [N, 54]."""


class WayBack(nn.Module):
    """Jaw and expressions [N, 53] → coefficients [N, 54] in 0..1; who says `believed` says how."""

    scale: Tensor
    told: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor([JAW_SCALE] * JAW + [1.0] * EXPRESSIONS))
        self.register_buffer("told", torch.tensor([float(name != "tongueOut") for name in coefficients.NAMES]))

    def forward(self, numbers: Tensor) -> Tensor:
        """See the class; no number tells of the tongue, which stays 0."""
        return self.believed(numbers)[0].clamp(0, 1) * self.told

    def believed(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The answer before it is clipped, and how much each of its networks counts [N, E]."""
        raise NotImplementedError


class Single(WayBack):
    """One plain network: the mixture's rival, a little larger."""

    def __init__(self, wide: int = 210) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(NUMBERS, wide), nn.SiLU(), nn.Linear(wide, wide), nn.SiLU(),
                                  nn.Linear(wide, coefficients.COUNT))

    def believed(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `WayBack`."""
        return self.body(numbers * self.scale), torch.ones_like(numbers[:, :1])


class Mixture(WayBack):
    """Eight small networks, each a matrix and a hidden layer, and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(NUMBERS, 32), nn.SiLU(), nn.Linear(32, EXPERTS))
        self.enter = nn.Linear(NUMBERS, EXPERTS * HIDDEN)
        self.leave = nn.Parameter(torch.randn(EXPERTS, HIDDEN, coefficients.COUNT) * HIDDEN ** -0.5)
        self.straight = nn.Parameter(torch.zeros(EXPERTS, NUMBERS, coefficients.COUNT))
        self.rest = nn.Parameter(torch.zeros(EXPERTS, coefficients.COUNT))

    def believed(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `WayBack`."""
        scaled = numbers * self.scale
        shares = self.gate(scaled).softmax(-1)
        hidden = functional.silu(self.enter(scaled)).reshape(-1, EXPERTS, HIDDEN)
        said = torch.einsum("neh,ehc->nec", hidden, self.leave) + torch.einsum("nk,ekc->nec", scaled, self.straight)
        return ((said + self.rest) * shares[..., None]).sum(1), shares


def learn(network: Network, faces: Faces, steps: int, seed: int = 3, batch: int = 256) -> Network:
    """Fit it to faces; experts that nobody asks cost."""
    torch.manual_seed(seed)
    numbers, wanted = torch.tensor(faces.numbers), torch.tensor(faces.coefficients)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    noise = _NOISE / network.scale
    for _ in range(steps):
        rows = torch.randint(len(numbers), (batch,))
        found, shares = network.believed(numbers[rows] + noise * torch.randn(batch, NUMBERS))
        error = functional.smooth_l1_loss(found, wanted[rows], beta=0.05)
        used = shares.mean(0)
        loss = error + _ALL_USED * (used * (used * len(used)).clamp_min(1e-9).log()).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()
