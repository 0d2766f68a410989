"""X2CNet's mapping network (arXiv 2505.11146): a picture of the robot's face → its 30 controls.

"paper" is the authors' ResNet-18 (He et al., CVPR 2016) of 224 px with their head, written out here; they start from
ImageNet's weights, we do not: nothing is downloaded. It wants a GPU. "small" is for one core: a first look finds the
head (`x2c_look.py`), and plain layers read gradients and colours of eyes and mouth, straightened and at full size.
Both answer in -1..1 by the controls' limits: in raw units, as the authors train, gaze (±130) would outweigh all others.
"""
from __future__ import annotations

import copy
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.network import Network
from training.narrow_weights import narrow
from training.x2c_data import View
from training.x2c_look import EYE_CELLS, HEAD, MOUTH_CELLS, FirstLook, Straightened
from training.x2c_metric import CONTROLS

VIEWS: Final = {"small": View(0.75, 192), "paper": View(1.0, 224)}
"""Ada's head never leaves the middle three quarters of her pictures."""
_BATCH: Final = 64
_EYE, _MOUTH, _WIDE = 96, 192, 512
"""Numbers that are left of an eye and of a mouth; units of the layers after them."""


class Residual(nn.Module):
    """ResNet's basic block: two convolutions of 3 px around a shortcut, which is a 1-px one where the shape changes."""

    def __init__(self, inward: int, outward: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolution(inward, outward, 3, stride)
        self.second = nn.Sequential(nn.Conv2d(outward, outward, 3, 1, 1, bias=False), nn.BatchNorm2d(outward))
        self.shortcut = nn.Sequential() if stride == 1 and inward == outward else nn.Sequential(
            nn.Conv2d(inward, outward, 1, stride, bias=False), nn.BatchNorm2d(outward)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, inward, H, W] → [N, outward, H / stride, W / stride]."""
        return functional.relu(self.shortcut(x) + self.second(self.first(x)))


def _convolution(inward: int, outward: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inward, outward, size, stride, size // 2, bias=False), nn.BatchNorm2d(outward), nn.ReLU(inplace=True),
    )


def resnet18() -> nn.Sequential:
    """[N, 3, 224, 224] → [N, 512]."""
    stages = [Residual(inward if first else outward, outward, 2 if first and outward > 64 else 1)
              for inward, outward in ((64, 64), (64, 128), (128, 256), (256, 512)) for first in (True, False)]
    return nn.Sequential(
        _convolution(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def head(features: int) -> nn.Sequential:
    """The authors' layers: features - 256 - 256 - 30, without a function at the end."""
    return nn.Sequential(nn.Linear(features, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, CONTROLS))


class PaperNetwork(nn.Module):
    """Pictures [N, 224, 224, 3] RGB 0..255 → controls [N, 30], -1..1."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((3, 1, 1), 127.5))
        self.register_buffer("spread", torch.full((3, 1, 1), 64.0))
        self.top = nn.Sequential(resnet18(), head(512))

    def learn_colours(self, pictures: np.ndarray) -> None:
        """Set what colours are centred and scaled by, from some pictures."""
        colours = np.asarray(pictures[:: max(1, len(pictures) // 256)], np.float32).reshape(-1, 3)
        self.mean.copy_(torch.from_numpy(colours.mean(0))[:, None, None])
        self.spread.copy_(torch.from_numpy(colours.std(0)).clamp_min(1)[:, None, None])

    def bottom(self, pictures: Tensor) -> tuple[Tensor]:
        """What the layers get that learn: [N, 3, 224, 224]."""
        return ((pictures.permute(0, 3, 1, 2).float() - self.mean) / self.spread,)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.top(*self.bottom(pictures))


class Reading(nn.Module):
    """Cells [N, 16896] of a face and the first look's head [N, 5] → controls [N, 30], -1..1.

    Both eyes go through the same layer. What can be said linearly is said past the layers that bend.
    """

    heads: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("heads", torch.eye(CONTROLS)[HEAD], persistent=False)
        self.eye, self.mouth = nn.Linear(EYE_CELLS, _EYE), nn.Linear(MOUTH_CELLS, _MOUTH)
        seen = 2 * _EYE + _MOUTH + len(HEAD)
        self.straight = nn.Linear(seen, CONTROLS)
        self.bent = nn.Sequential(nn.Linear(seen, _WIDE), nn.SiLU(), nn.Linear(_WIDE, _WIDE), nn.SiLU(),
                                  nn.Linear(_WIDE, CONTROLS))

    def start_from(self, cells: Tensor, values: Tensor) -> None:
        """Begin with the principal components of some cells [N, 16896], and with the values [30] as the answer."""
        eyes, mouth = cells[:, :2 * EYE_CELLS].reshape(-1, EYE_CELLS), cells[:, 2 * EYE_CELLS:]
        with torch.no_grad():
            for layer, seen in ((self.eye, eyes), (self.mouth, mouth)):
                middle, count = seen.mean(0), min(layer.out_features, len(seen))
                _, spread, axes = torch.svd_lowrank(seen - middle, count)
                spread = (spread / len(seen) ** 0.5).clamp_min(1e-3)
                layer.weight[:count] = axes.T / spread.sqrt()[:, None] / spread.mean().sqrt()
                layer.bias.copy_(-layer.weight @ middle)
            for last, rest in ((self.straight, values), (self.bent[-1], torch.zeros_like(values))):
                last.weight.zero_()
                last.bias.copy_(rest)
            self.straight.bias[HEAD] = 0

    def forward(self, cells: Tensor, turned: Tensor) -> Tensor:
        """See the class."""
        left, right, mouth = cells.split([EYE_CELLS, EYE_CELLS, MOUTH_CELLS], 1)
        seen = torch.cat([self.eye(left), self.eye(right), self.mouth(mouth), turned], 1)
        return self.straight(seen) + self.bent(seen) + turned @ self.heads


class SmallNetwork(nn.Module):
    """Pictures [N, 192, 192, 3] RGB 0..255 → controls [N, 30], -1..1."""

    def __init__(self) -> None:
        super().__init__()
        self.look, self.straighten, self.top = FirstLook(), Straightened(), Reading()

    def bottom(self, pictures: Tensor, look: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What the layers get that learn, by a first look that stays as it is."""
        look = self.look(pictures) if look is None else look
        return self.straighten(pictures, look), look[:, :len(HEAD)]

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.top(*self.bottom(pictures))


MappingNetwork = PaperNetwork | SmallNetwork


def mapping_network(size: str) -> MappingNetwork:
    """A new network of a size of VIEWS."""
    return PaperNetwork() if size == "paper" else SmallNetwork()


def predict(network: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Controls float32 [N, 30] in -1..1 of pictures uint8 [N, S, S, 3] RGB."""
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [network(torch.from_numpy(np.array(pictures[first:first + _BATCH])).to(device)).cpu().numpy()
                 for first in range(0, len(pictures), _BATCH)]
    return np.concatenate(parts).clip(-1, 1)


def export(network: nn.Module, side: int, path: Path) -> None:
    """Write the network as ONNX (opset 17); plain layers keep two bytes a weight, and `network` is rounded to them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    network = network.cpu().eval()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(layer.weight.half())
    small = copy.deepcopy(network)
    narrow(small)
    torch.onnx.export(
        small, (torch.zeros(2, side, side, 3, dtype=torch.uint8),), str(path), dynamo=False, opset_version=17,
        do_constant_folding=False, input_names=["picture"], output_names=["controls"],
        dynamic_axes={"picture": {0: "n"}, "controls": {0: "n"}},
    )


def read_controls(model: Path, pictures: np.ndarray) -> np.ndarray:
    """What the kept network in the folder `model` says of pictures: controls float32 [N, 30] in -1..1.

    Raises:
        SemblanceError: if it is not there, or not what its card says.
    """
    network = Network(model, "Reading a robot's controls")
    parts = [network.run(["controls"], picture=np.ascontiguousarray(pictures[first:first + _BATCH]))[0]
             for first in range(0, len(pictures), _BATCH)]
    return np.concatenate(parts).clip(-1, 1)
