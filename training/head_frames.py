"""Where a head lies in its pictures, without a landmark: pictures of one character are laid over each other.

The controls that made a picture are known, the head's among them. So what is sought is one map from them to where the
face's square has gone, quadratic in the head's controls, that makes all pictures look like the one at rest, whatever
the face does: congealing (Learned-Miller, PAMI 2006). It serves a head with one eye like any other.
"""
from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

PICTURE_PX: Final = 64
"""Side of the pictures that are laid over each other; finer ones would hold the maps where they began."""
_FACE_PX: Final = 32
_DEGREE: Final = 2
_STEPS: Final = 500
_BATCH: Final = 96
_RATE: Final = 5e-3
_BLUR: Final = 3
_BRIGHT: Final = 64.0
_SMALL: Final = 0.1
"""Colours (of 0..4) that differ by less count less than in proportion."""


def head_frames(pictures: np.ndarray, head: np.ndarray, start: np.ndarray) -> np.ndarray:
    """float32 [N, 2, 3]: the face's square (-1..1) → the picture (-1..1), an affine map for each picture.

    `pictures` are uint8 [N, 64, 64, 3], `head` [N, H] the shares of the head's controls; `start` [2, 3] is the map at
    rest, which stays. At least one picture must be at rest (`head` 0).
    """
    shown = functional.avg_pool2d(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / _BRIGHT, _BLUR, 1, 1)
    powers = _powers(head)
    spread = powers.std(0).clamp_min(1e-3)
    spread[0] = 1
    powers, rest = powers / spread, torch.from_numpy(start).float().reshape(1, 6)
    still = torch.from_numpy(~np.abs(head).any(1))
    wanted = functional.grid_sample(shown[still].mean(0, keepdim=True), face_grid(rest.reshape(1, 2, 3), _FACE_PX),
                                    padding_mode="border", align_corners=False)
    moved = torch.zeros(powers.shape[1] - 1, 6, requires_grad=True)
    optimiser = torch.optim.Adam([moved], lr=_RATE)
    random = torch.Generator().manual_seed(0)
    for step in range(_STEPS):
        optimiser.param_groups[0]["lr"] = _RATE * (1 - step / _STEPS)
        rows = torch.randint(len(shown), (_BATCH,), generator=random)
        frames = (powers[rows] @ torch.cat([rest, moved])).reshape(-1, 2, 3)
        seen = functional.grid_sample(shown[rows], face_grid(frames, _FACE_PX), padding_mode="border",
                                      align_corners=False)
        optimiser.zero_grad()
        ((seen - wanted).square() + _SMALL ** 2).sqrt().mean().backward()
        optimiser.step()
    return (powers @ torch.cat([rest, moved.detach()])).reshape(-1, 2, 3).numpy()


def face_grid(frames: Tensor, side: int) -> Tensor:
    """Where to look [N, side, side, 2] in pictures, -1..1, for a face's square of `side` px and maps [N, 2, 3]."""
    steps = (torch.arange(side, device=frames.device) + 0.5) / side * 2 - 1
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    square = torch.stack([across, down, torch.ones_like(across)], -1).reshape(-1, 3)
    return (frames[:, None] * square[:, None]).sum(-1).reshape(frames.shape[0], side, side, 2)


def _powers(head: np.ndarray) -> Tensor:
    """[N, P]: all products of up to two of the head's controls, 1 first."""
    every = [head[:, list(some)].prod(1) for degree in range(_DEGREE + 1)
             for some in itertools.combinations_with_replacement(range(head.shape[1]), degree)]
    return torch.from_numpy(np.stack(every, 1)).float()
