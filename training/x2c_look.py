"""A first look at a robot's picture: how its head is held, and where eyes and mouth are; then these, straightened.

A head's turn moves a mouth by more than a mouth moves, and one convolution's stride is as much as a lip does. So the
head comes first, linearly from oriented gradients, in closed form; and the patches that are read afterwards lie still,
at the full size of the picture, whichever way the head is held.
"""
from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.expression_data import GREY
from training.face_inputs import CELL_PX, ORIENTATIONS, OrientedGradients
from training.x2c_metric import PARTS

HEAD: Final = list(PARTS["head and neck"])
PATCHES: Final = 3
"""The eye on the picture's left, the other one as in a mirror, the mouth."""
SIDE: Final = 64
"""px of a patch."""
EYE_CELLS: Final = (ORIENTATIONS + 3) * (SIDE // CELL_PX) ** 2
MOUTH_CELLS: Final = (ORIENTATIONS + 3) * (SIDE // 2) ** 2
"""A mouth is seen in cells of 2 px, as lips are thin; an eye in cells of 4."""
_BRIGHT: Final = 64.0
"""Colours divided by this vary about as much as gradients."""
_EYES_APART: Final = 50.0
"""px of a straightened face; and so far below them is the mouth."""
_LEFT_TOP: Final = ((-57.0, -43.0), (57.0, -43.0), (-32.0, 26.0))
"""Where the patches begin, px from the middle between the eyes; the second goes from right to left."""
_CORNERS: Final = ((33, 133), (362, 263), (61, 291))
"""Landmarks whose middles are the eyes and the mouth."""
_LOOK_PX: Final = 96
_INPUTS: Final = ORIENTATIONS * (_LOOK_PX // CELL_PX) ** 2
_DAMPING: Final = 0.01
"""Of ridge regression, as a share of the inputs' mean square."""
_DEGREE: Final = 3
_AT_REST: Final = np.array([-0.13, -0.04, 0.13, -0.04, 0, 0.22], np.float32)
"""Places before any landmark was seen."""


class FirstLook(nn.Module):
    """Pictures [N, S, S, 3] RGB 0..255 → [N, 11]: the head's controls in -1..1, then eyes and mouth (x, y) in shares
    of S from the picture's middle."""

    mean: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.gradients, answers = OrientedGradients(), len(HEAD) + 2 * len(_CORNERS)
        rest = np.concatenate([np.zeros(len(HEAD)), _AT_REST])
        for name, values in (("mean", torch.zeros(_INPUTS)), ("weight", torch.zeros(_INPUTS, answers)),
                             ("bias", torch.from_numpy(rest).float()), ("grey", GREY.flip(0).clone())):
            self.register_buffer(name, values)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.answer(self.inputs(pictures))

    def inputs(self, pictures: Tensor) -> Tensor:
        """[N, 4608]: oriented gradients at 96 px."""
        grey = (pictures.float() @ self.grey)[:, None]
        return self.gradients(functional.adaptive_avg_pool2d(grey, _LOOK_PX))

    def answer(self, inputs: Tensor) -> Tensor:
        """What they say."""
        return (inputs - self.mean) @ self.weight + self.bias

    def learn(self, inputs: Tensor, wanted: Tensor) -> Tensor:
        """Fit it by ridge regression to [N, 11] that are wanted of inputs [N, 4608].

        Returns:
            What it would say of each if it had learned from all others: that is how wrong it will be on new pictures.
        """
        self.mean.copy_(inputs.mean(0))
        self.bias.copy_(wanted.mean(0))
        weight, left_out = ridge_leaving_out(inputs - self.mean, wanted - self.bias)
        self.weight.copy_(weight)
        return left_out + self.bias


def ridge_leaving_out(inputs: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression from [N, D] to [N, K], both centred: weights [D, K], and what the fit to all other rows would
    say of each row, by its leverage."""
    gram = inputs.T @ inputs
    gram += _DAMPING * gram.diagonal().mean().clamp_min(1e-6) * torch.eye(len(gram), device=gram.device)
    root = torch.linalg.cholesky(gram)
    weight = torch.cholesky_solve(inputs.T @ wanted, root)
    leverage = torch.linalg.solve_triangular(root, inputs.T, upper=False).square().sum(0)[:, None]
    return weight, wanted - (wanted - inputs @ weight) / (1 - leverage).clamp_min(0.1)


def places_of(head: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """float32 [N, 6]: where eyes and mouth are at rest when the head's controls are `head` [N, 5], by a cubic through
    all landmarks [N, 478, 2]; those of a picture itself would move with what the face does. Rows may be NaN."""
    middles = np.stack([landmarks[:, corners].mean(1) for corners in _CORNERS], 1).reshape(len(head), -1)
    powers = np.stack([head[:, list(some)].prod(1) for degree in range(_DEGREE + 1)
                       for some in itertools.combinations_with_replacement(range(head.shape[1]), degree)], 1)
    seen = np.isfinite(middles).all(1)
    if not seen.any():
        return np.tile(_AT_REST, (len(head), 1))
    return (powers @ np.linalg.lstsq(powers[seen], middles[seen], rcond=None)[0]).astype(np.float32)


def mirrored_places(places: np.ndarray) -> np.ndarray:
    """The places [N, 6] in the mirror image."""
    return places[:, [2, 3, 0, 1, 4, 5]] * np.float32([-1, 1, -1, 1, -1, 1])


class Straightened(nn.Module):
    """Pictures [N, S, S, 3] and what the first look says [N, 11] → [N, 16896]: fine gradients and colours of both
    eyes, and of the mouth, as a face shows them that is looked at from the front."""

    grid: Tensor
    still: Tensor
    grey: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.gradients = OrientedGradients()
        step = np.arange(SIDE, dtype=np.float32)
        across, down = np.meshgrid(step, step)
        whole = [np.stack([left + across * (-1 if left > 0 else 1), top + down, np.ones_like(across)], -1)
                 for left, top in _LEFT_TOP]
        half = _EYES_APART / 2
        still = np.array([[-half, 0, 1], [half, 0, 1], [0, _EYES_APART, 1]], np.float32)
        self.register_buffer("grid", torch.from_numpy(np.concatenate(whole).reshape(-1, 3)))
        self.register_buffer("still", torch.from_numpy(np.linalg.inv(still)))
        self.register_buffer("grey", GREY.flip(0)[:, None, None].clone())

    def forward(self, pictures: Tensor, look: Tensor) -> Tensor:
        """See the class."""
        patches = self.patches(pictures, look).flatten(0, 1)
        fine = self.gradients.fine((patches * self.grey).sum(1, keepdim=True))
        seen = torch.cat([fine, functional.avg_pool2d(patches, 2) / _BRIGHT], 1).unflatten(0, (-1, PATCHES))
        eyes = functional.avg_pool2d(seen[:, :2].flatten(0, 1), 2).unflatten(0, (-1, 2))
        return torch.cat([eyes.flatten(1), seen[:, 2].flatten(1)], 1)

    def patches(self, pictures: Tensor, look: Tensor) -> Tensor:
        """[N, 3, 3, 64, 64], 0..255: both eyes, the second as in a mirror, and the mouth."""
        places = look[:, len(HEAD):].reshape(-1, len(_CORNERS), 2)
        grid = 2 * (self.grid @ (self.still @ places))
        seen = functional.grid_sample(pictures.permute(0, 3, 1, 2).float(), grid.reshape(-1, PATCHES * SIDE, SIDE, 2),
                                      padding_mode="border", align_corners=False)
        return seen.reshape(-1, 3, PATCHES, SIDE, SIDE).transpose(1, 2)
