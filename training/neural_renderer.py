"""The neural renderer: controls of a character → its picture, with derivatives, so that the animator can be taught by
what its poses look like. FreeAvatar (SIGGRAPH Asia 2024, section 3.2): a DCGAN (Radford et al., ICLR 2016) that is
learned beforehand from pairs of controls and pictures, and is frozen while the animator learns.
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.stage_runs import Plan, run

_IDENTITY: Final = 16
_WIDTHS: Final = (256, 128, 64, 32, 16)
"""Channels at 4, 8, 16, 32 and 64 px; the picture has 128."""


class Renderer(nn.Module):
    """Shares [N, most controls] and characters int64 [N] → pictures [N, 3, 128, 128] BGR, -1..1; DCGAN's generator."""

    def __init__(self, characters: int, most: int) -> None:
        super().__init__()
        self.identity = nn.Embedding(characters, _IDENTITY)
        self.first = nn.Linear(most + _IDENTITY, _WIDTHS[0] * 16)
        layers: list[nn.Module] = [nn.BatchNorm2d(_WIDTHS[0]), nn.ReLU()]
        for inward, outward in itertools.pairwise(_WIDTHS):
            layers += [nn.ConvTranspose2d(inward, outward, 4, 2, 1, bias=False), nn.BatchNorm2d(outward), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(_WIDTHS[-1], 3, 4, 2, 1), nn.Tanh())

    def forward(self, shares: Tensor, character: Tensor) -> Tensor:
        """See the class."""
        seed = self.first(torch.cat([shares, self.identity(character)], 1))
        return self.body(seed.reshape(-1, _WIDTHS[0], 4, 4))


class Critic(nn.Module):
    """Pictures [N, 3, 128, 128] and characters [N] → logit [N] of being a true picture; DCGAN's discriminator, which
    knows the character by projection (Miyato & Koyama, ICLR 2018)."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inward, outward in itertools.pairwise((3, *reversed(_WIDTHS))):
            normal = [nn.BatchNorm2d(outward)] if layers else []
            layers += [nn.Conv2d(inward, outward, 4, 2, 1), *normal, nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.identity = nn.Embedding(characters, _WIDTHS[0])
        self.last = nn.Linear(_WIDTHS[0], 1)

    def forward(self, pictures: Tensor, character: Tensor) -> Tensor:
        """See the class."""
        found = self.body(pictures).mean((2, 3))
        return self.last(found)[:, 0] + (found * self.identity(character)).sum(1) / _WIDTHS[0] ** 0.5


class Looks(nn.Module):
    """Renderer and critic, so that one checkpoint holds both."""

    def __init__(self, characters: int, most: int) -> None:
        super().__init__()
        self.renderer, self.critic = Renderer(characters, most), Critic(characters)
        self.to(memory_format=torch.channels_last)  # a third faster on processors


@dataclass(frozen=True)
class Portraits:
    """Pictures of all characters with the controls that made them, N in all."""

    crops: np.ndarray
    """uint8 [N, 128, 128, 3] BGR."""
    shares: Tensor
    """[N, most controls]; 0 beyond a character's own."""
    character: Tensor
    """int64 [N]."""

    def pictures(self, rows: np.ndarray) -> Tensor:
        """[n, 3, 128, 128], -1..1, where the shares are."""
        chosen = torch.from_numpy(self.crops[rows]).to(self.shares.device)
        return chosen.permute(0, 3, 1, 2).float() / 127.5 - 1


def train_looks(looks: Looks, portraits: Portraits, plan: Plan, path: Path) -> int:
    """Learn to draw the characters and to tell drawn from true pictures; returns the steps still to do.

    Unlike DCGAN's generator the renderer is not to fool the critic: pictures are known to the pixel here, and with 0.02
    of that beside their error it came to draw noise.
    """
    renderer, critic = looks.renderer, looks.critic

    def loss(random: np.random.Generator) -> Tensor:
        rows = random.integers(len(portraits.crops), size=plan.batch)
        pictures, shares, character = portraits.pictures(rows), portraits.shares[rows], portraits.character[rows]
        drawn = renderer(shares, character)
        told = functional.softplus(critic(drawn.detach(), character)).mean()
        told = told + functional.softplus(-critic(pictures, character)).mean()
        return (drawn - pictures).abs().mean() + told

    return run(looks, loss, plan.steps(len(portraits.crops)), plan, path, {"network": "renderer"})


def as_crops(pictures: Tensor) -> Tensor:
    """[N, 3, 128, 128], -1..1 → crops float [N, 128, 128, 3], 0..255, as the expression network takes them."""
    return ((pictures + 1) * 127.5).permute(0, 2, 3, 1)
