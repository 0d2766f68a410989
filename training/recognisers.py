"""ExprGen's recognisers (Aneja et al., WACV 2018, section 4.1): the perceptual yardstick of transfer and benchmark.

HCNN names the class of a person's expression, SCNN that of a character's; SCNN starts as a copy of HCNN. Both give the
64 numbers before their last layers, from which the f-CNN says how much a person's and a character's face look alike.

The paper's table 1: eleven convolutions of 64 channels (11, 5, 5, 3, 3 px wide, each followed by one of 1 px and stride
2, then a last one of 3 px) from 256 px down to 8, one average pooling in the end, two fully connected layers of 7.
A 1-px convolution of stride 2 reads one in four outputs of the layer before it, so only those are computed here: the
same function at a quarter of the work.

That wants a GPU. In the size "small" a residual network stands in the place of the convolutions, built like the
encoder's for crops, and sharing nothing that it learned: a yardstick must not see with the eyes of what it measures.
"""
from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.frames import CROP_SIZE
from addon.core.key_poses import CLASSES
from addon.core.network import Network
from training.expression_experts import FEATURES as WIDE
from training.expression_experts import ConvolutionExpert
from training.narrow_weights import narrow

MODELS: Final = Path(__file__).parent / "models"
"""Beside the programs and not in models/: users do not need a yardstick."""
PEOPLE, CHARACTERS, SIMILARITY = "recogniser_people", "recogniser_characters", "expression_similarity"
FEATURES: Final = 64
_DROPOUT: Final = 0.2
_HIDDEN: Final = 32
_BATCH: Final = 64


@dataclass(frozen=True)
class Size:
    """How large a recogniser is."""

    rows: slice
    columns: slice
    """The part of the 128-px crop that is looked at."""
    zoom: int
    """Of that part."""
    widths: tuple[int, ...]
    """px of the convolutions that halve the picture; none: the residual network."""
    channels: int


SIZES: Final = {
    "small": Size(slice(0, 128), slice(0, 128), 1, (), 1),
    "paper": Size(slice(0, 128), slice(0, 128), 2, (11, 5, 5, 3, 3), 64),
}


class Recogniser(nn.Module):
    """Crops [N, 128, 128, 3] BGR 0..255 → scores [N, 7]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.trunk = _convolutions(size) if size.widths else _Residuals()
        self.head = nn.Sequential(
            nn.Dropout(_DROPOUT), nn.Linear(FEATURES, len(CLASSES)), nn.BatchNorm1d(len(CLASSES)), nn.ReLU(),
            nn.Linear(len(CLASSES), len(CLASSES)),
        )

    def pictures(self, crops: Tensor) -> Tensor:
        """What is looked at of the crops: float [N, 3, H, W], 0..255."""
        seen = crops[:, self.size.rows, self.size.columns].permute(0, 3, 1, 2).float()
        zoom = self.size.zoom
        return functional.interpolate(seen, scale_factor=zoom, mode="bilinear") if zoom > 1 else seen

    def inputs(self, pictures: Tensor) -> Tensor:
        """What the layers get of pictures: these without their brightness; the residual network does that itself."""
        if not self.size.widths:
            return pictures
        middle = pictures.mean((1, 2, 3), keepdim=True)
        return (pictures - middle) / torch.sqrt(((pictures - middle) ** 2).mean((1, 2, 3), keepdim=True) + 25)

    def features(self, crops: Tensor) -> Tensor:
        """The pooled vector [N, 64]: the mean of the face's and of its mirror image's."""
        return torch.stack([self.trunk(self.inputs(self.pictures(each))) for each in (crops, crops.flip(2))]).mean(0)

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        return self.head(self.features(crops))


class _Residuals(nn.Module):
    """Pictures [N, 3, 128, 128], 0..255 → pooled vectors [N, 64]."""

    def __init__(self) -> None:
        super().__init__()
        self.network = ConvolutionExpert()
        self.network.answer = nn.Sequential(
            nn.Dropout(_DROPOUT), nn.Linear(WIDE, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.network(pictures.permute(0, 2, 3, 1))


def _convolutions(size: Size) -> nn.Sequential:
    layers, inward = [], 3
    for width in size.widths:
        layers += [_convolution(inward, size.channels, width, 2), _convolution(size.channels, size.channels, 1)]
        inward = size.channels
    return nn.Sequential(*layers, _convolution(inward, FEATURES, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _convolution(inward: int, outward: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, width, stride, width // 2, bias=False), nn.BatchNorm2d(outward), nn.ReLU(),
    )


def for_characters(people: Recogniser) -> Recogniser:
    """A recogniser that starts with the trunk of another and new last layers."""
    found = Recogniser(people.size)
    found.trunk.load_state_dict(people.trunk.state_dict())
    return found


class Similarity(nn.Module):
    """The end of the f-CNN: pooled vectors of a person and of a character, [N, 64] each → how alike they look [N].

    Above 0 they match; the hinge loss pulls matches to 1 and beyond, others to -1. (The paper counts the other way
    round, as a distance.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(2 * FEATURES)
        self.first, self.last = nn.Linear(2 * FEATURES, _HIDDEN), nn.Linear(_HIDDEN, 1)

    def forward(self, person: Tensor, character: Tensor) -> Tensor:
        """See the class."""
        both = self.scale(torch.cat([person, character], 1))
        return self.last(functional.relu(self.first(both)))[:, 0]


def varied(pictures: Tensor) -> Tensor:
    """Pictures [N, C, H, W], 0..255, each mirrored or not, turned, shifted, zoomed, brighter or darker, noisier."""
    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(len(pictures), *shape, device=pictures.device) * (high - low) + low

    turn, size = uniform(-0.15, 0.15), uniform(0.9, 1.1)
    flip = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    rows = torch.stack([torch.cos(turn) * size * flip, -torch.sin(turn) * size, uniform(-0.08, 0.08),
                        torch.sin(turn) * size * flip, torch.cos(turn) * size, uniform(-0.08, 0.08)], 1)
    grid = functional.affine_grid(rows.reshape(-1, 2, 3), list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, grid, align_corners=False, padding_mode="border")
    lit = 255 * (moved.clamp(0, 255) / 255) ** uniform(0.7, 1.4, 1, 1, 1)
    return lit + torch.randn_like(lit) * uniform(0, 6, 1, 1, 1)


class _Deployed(nn.Module):
    """A recogniser as it is kept: crop uint8 → probabilities, pooled vector, and what the paper measures with.

    "perception" is the last layer's output weighted by the probabilities, whose distances are the paper's d_perception.
    """

    def __init__(self, network: Recogniser) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        narrow(self.network)

    def forward(self, crop: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.network.features(crop)
        scores = self.network.head(features)
        classes = scores.softmax(1)
        return classes, features, scores * classes


def export(network: Recogniser | Similarity, path: Path) -> None:
    """Write the network as ONNX (opset 17)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(network, Recogniser):
        module: nn.Module = _Deployed(network)
        example: tuple[Tensor, ...] = (torch.zeros(2, CROP_SIZE, CROP_SIZE, 3, dtype=torch.uint8),)
        inputs, outputs = ["crop"], ["classes", "features", "perception"]
    else:
        module, example = network, (torch.zeros(2, FEATURES), torch.zeros(2, FEATURES))
        inputs, outputs = ["person", "character"], ["similarity"]
    torch.onnx.export(
        module.cpu().eval(), example, str(path), dynamo=False, opset_version=17, input_names=inputs,
        output_names=outputs, dynamic_axes={name: {0: "n"} for name in (*inputs, *outputs)},
    )


def recognise(crops: np.ndarray, name: str, models: Path = MODELS) -> dict[str, np.ndarray]:
    """What the kept recogniser PEOPLE or CHARACTERS sees in crops uint8 [N, 128, 128, 3] BGR.

    Returns:
        "classes" float32 [N, 7] in the order of CLASSES, "features" [N, 64] and "perception" [N, 7].

    Raises:
        SemblanceError: if there is no such recogniser, or it is not what its card says.
    """
    network, names = Network(models / name, "Recognising expressions"), ["classes", "features", "perception"]
    parts = [network.run(names, crop=crops[first:first + _BATCH]) for first in range(0, len(crops), _BATCH)]
    return {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}


def similarity(person: np.ndarray, character: np.ndarray, models: Path = MODELS) -> np.ndarray:
    """How alike persons and characters look, float32 [N], above 0 = they match, of their "features" [N, 64] each.

    Raises:
        SemblanceError: as `recognise`.
    """
    return Network(models / SIMILARITY, "Comparing expressions").run(
        ["similarity"], person=person.astype(np.float32), character=character.astype(np.float32))[0]
