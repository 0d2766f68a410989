"""The experts of the expression encoder: two networks that each read a face in their own way and answer everything.

Plain layers on the landmarks, which are sharp about what they cover; and a residual network (He et al., CVPR 2016) on
the crop, which sees the rest and learns where the face's points are as well.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.coefficients import COUNT, INDEX, MIRROR, NAMES
from addon.core.frames import EMBEDDING_SIZE
from addon.core.key_poses import CLASSES
from training.expression_data import COLUMNS, GREY, REGION, ROWS
from training.face_inputs import LANDMARK_INPUTS, ORIENTATIONS, LandmarkInputs, OrientedGradients
from training.face_points import POINT_COUNT, find_modes, mirrored_points
from training.triplets import ASYMMETRY, WEIGHTS

ANSWERS: Final = COUNT + 4 + 3 + len(CLASSES) + 1
"""Coefficients, gaze, head, logits of the classes, logit of the answer being right."""
_LID_OF: Final = np.array([INDEX["eyeBlink" + side] if name.startswith("eyeLook") else -1 for name, side in
                          ((name, "Left" if name.endswith("Left") else "Right") for name in NAMES)])
"""Which coefficient closes the eye that another one turns; -1: none."""
_WIDTHS: Final = (16, 32, 64, 128)
FEATURES: Final = 256
MODES: Final = 160


@dataclass(frozen=True)
class Answer:
    """What a network says of N faces."""

    coefficients: Tensor
    """[N, 54], not clipped: how far below 0 somebody rests tells calibration where a movement begins."""
    gaze: Tensor
    """[N, 2, 2] rad."""
    head: Tensor
    """[N, 3] rad."""
    embedding: Tensor
    """[N, 128]."""
    classes: Tensor
    """[N, 7]: logits in the order of core.key_poses.CLASSES."""
    confidence: Tensor
    """[N]: logit of the answer being right."""


def answer_of(values: Tensor) -> Answer:
    """What [N, ANSWERS] mean."""
    parts = values.split([COUNT, 4, 3, len(CLASSES), 1], 1)
    return Answer(parts[0], parts[1].reshape(-1, 2, 2), parts[2], embedding_of(parts[0]), parts[3], parts[4][:, 0])


def embedding_of(coefficients: Tensor) -> Tensor:
    """[N, 54] → [N, 128] that are as far apart as the faces look: `training.triplets.perceived`, then a 1 and zeros.

    The 1 leaves weak expressions near each other, whatever they are, when embeddings are brought to length 1. Spaces
    learned from the experts' features, by triplets or in closed form, ordered unseen people and characters worse.
    """
    shown = coefficients.clamp(0, 1)
    open_eyes = torch.where(torch.from_numpy(_LID_OF >= 0), 1 - shown[:, _LID_OF.clip(0)], 1.0)
    seen = shown * open_eyes * torch.from_numpy(WEIGHTS).float()
    mirrored = seen[:, MIRROR]
    places = [(seen + mirrored) / 2, ASYMMETRY * (seen - mirrored) / 2, torch.ones_like(seen[:, :1])]
    return functional.pad(torch.cat(places, 1), (0, EMBEDDING_SIZE - 2 * COUNT - 1))


def region(crops: Tensor) -> Tensor:
    """What is looked at of crops uint8 [N, 128, 128, 3]: float [N, 3, 112, 96], 0..255."""
    return crops[:, ROWS, COLUMNS].permute(0, 3, 1, 2).float()


def layer(inward: int, outward: int, dropout: float) -> nn.Sequential:
    """One plain layer."""
    return nn.Sequential(nn.Linear(inward, outward), nn.BatchNorm1d(outward), nn.ReLU(), nn.Dropout(dropout))


class LandmarkExpert(nn.Module):
    """Landmarks [N, 478, 3] px → answers [N, ANSWERS]."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = LandmarkInputs()
        self.body = nn.Sequential(layer(LANDMARK_INPUTS, 512, 0.3), layer(512, FEATURES, 0.2))
        self.answer = nn.Linear(FEATURES, ANSWERS)

    def forward(self, landmarks: Tensor) -> Tensor:
        """See the class."""
        return self.answer(self.body(self.inputs(landmarks)))


def _convolution(inward: int, outward: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, size, stride, size // 2, bias=False), nn.BatchNorm2d(outward), nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)), inplace=True)


class ConvolutionExpert(nn.Module):
    """Crops uint8 [N, 128, 128, 3] → answers [N, ANSWERS].

    Beside its own first layer it gets fine oriented gradients, which it need not learn and which know no light.
    """

    grey: Tensor
    blocks: tuple[int, ...] = (1, 1, 1)
    """Residual blocks after each halving."""

    def __init__(self) -> None:
        super().__init__()
        a, *_, d = _WIDTHS
        self.register_buffer("grey", GREY[:, None, None].clone())
        self.gradients, self.scale = OrientedGradients(), nn.BatchNorm2d(ORIENTATIONS)
        self.first = _convolution(3, a, 2, 5)
        inward, stages = a + ORIENTATIONS, []
        for outward, blocks in zip(_WIDTHS[1:], self.blocks, strict=True):
            stages += [_convolution(inward, outward, 2), *(_Residual(outward) for _ in range(blocks))]
            inward = outward
        self.maps = nn.Sequential(*stages)
        self.features = nn.Sequential(
            nn.Flatten(), layer(d * (REGION[0] // 16) * (REGION[1] // 16), FEATURES, 0.1),
        )
        self.answer = nn.Linear(FEATURES, ANSWERS)

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        return self.answer(self.features(self.maps(self.seen(crops))))

    def seen(self, crops: Tensor) -> Tensor:
        """What the maps are made from: [N, a + ORIENTATIONS, 56, 48]."""
        seen = region(crops)
        fine = self.gradients.fine((seen * self.grey).sum(1, keepdim=True))
        middle = seen.mean((2, 3), keepdim=True)
        spread = torch.sqrt(((seen - middle) ** 2).mean((1, 2, 3), keepdim=True) + 25)
        return torch.cat([self.first((seen - middle) / spread), self.scale(fine)], 1)


class PointExpert(ConvolutionExpert):
    """Crops → answers, as the ConvolutionExpert, and where face_points are, by which the answers are corrected.

    Points are told as modes, the directions in which faces differ most.
    """

    blocks = (1, 3, 3)  # where maps are small they cost little
    mean: Tensor
    directions: Tensor
    size: Tensor
    """[MODES] px."""

    def __init__(self) -> None:
        super().__init__()
        cells = (REGION[0] // 16) * (REGION[1] // 16)
        self.places = nn.Sequential(_convolution(_WIDTHS[-1], 40, 1, 1), nn.Flatten(), layer(40 * cells, 384, 0.05))
        self.modes = nn.Linear(384, MODES)
        self.read = nn.Sequential(layer(FEATURES + 384 + MODES, 320, 0.05), layer(320, FEATURES, 0.05))
        self.correction = nn.Linear(FEATURES, ANSWERS)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        self.register_buffer("mean", torch.zeros(2 * POINT_COUNT))
        self.register_buffer("directions", torch.zeros(2 * POINT_COUNT, MODES))
        self.register_buffer("size", torch.ones(MODES))

    def learn_modes(self, points: np.ndarray) -> None:
        """Set what modes are, from points [N, POINT_COUNT, 2] px."""
        found = find_modes(np.concatenate([points, mirrored_points(points)]), MODES)
        for place, values in zip((self.mean, self.directions, self.size), found, strict=True):
            place.copy_(torch.from_numpy(values))

    def modes_of(self, points: Tensor) -> Tensor:
        """[N, MODES], each in units of its size, of points [N, POINT_COUNT, 2] px."""
        return (points.flatten(1) - self.mean) @ self.directions / self.size

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        return self.both(crops)[0]

    def both(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Answers [N, ANSWERS] and modes [N, MODES] of crops uint8 [N, 128, 128, 3]."""
        maps = self.maps(self.seen(crops))
        features, places = self.features(maps), self.places(maps)
        modes = self.modes(places)
        return self.answer(features) + self.correction(self.read(torch.cat([features, places, modes], 1))), modes
