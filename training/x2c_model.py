"""X2CNet's mapping network (arXiv 2505.11146): a picture of the robot's face → its 30 controls.

"paper" is the authors' ResNet-18 (He et al., CVPR 2016) of 224 px with their head, written out here; they start from
ImageNet's weights, we do not: nothing is downloaded. It wants a GPU. "small" is for one core: the convolutions of our
expression encoder, with whose weights it may start as the authors do with ImageNet's, and a small map in place of the
pooled vector, because where a mouth's corner is says more than that there is one. Both answer in -1..1 by the controls'
limits: in raw units, as the authors train, gaze (±130) would outweigh all others.
"""
from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.errors import SemblanceError
from addon.core.network import Network
from training.expression_data import GREY
from training.face_inputs import ORIENTATIONS, OrientedGradients
from training.x2c_data import View
from training.x2c_metric import CONTROLS

VIEWS: Final = {"small": View(0.75, 128), "paper": View(1.0, 224)}
"""Ada's head never leaves the middle three quarters of her pictures."""
_BATCH: Final = 64


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

    def bottom(self, pictures: Tensor) -> Tensor:
        """What the layers get that learn: [N, 3, 224, 224]."""
        return (pictures.permute(0, 3, 1, 2).float() - self.mean) / self.spread

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.top(self.bottom(pictures))


class SmallNetwork(nn.Module):
    """Pictures [N, 128, 128, 3] RGB 0..255 → controls [N, 30], -1..1."""

    grey: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grey", GREY.flip(0)[:, None, None].clone())
        self.gradients, self.scale = OrientedGradients(), nn.BatchNorm2d(ORIENTATIONS)
        self.first = _convolution(3, 16, 5, 2)
        self.middle = nn.Sequential(
            _convolution(16 + ORIENTATIONS, 32, 3, 2), Residual(32, 32), _convolution(32, 64, 3, 2), Residual(64, 64)
        )
        self.top = nn.Sequential(
            _convolution(64, 128, 3, 2), Residual(128, 128), _convolution(128, 32, 1, 1), nn.Flatten(), nn.Dropout(0.1),
            head(32 * (VIEWS["small"].side // 16) ** 2),
        )

    def start_from(self, expert: dict[str, Tensor]) -> None:
        """Take over the convolutions of the encoder's expert, given its state (training.expression_experts).

        Raises:
            SemblanceError: if they are of another shape.
        """
        named = {"first.": "first.", "scale.": "scale."}
        named |= {f"body.{i}.": f"middle.{i}." for i in range(4)} | {f"body.{i}.": f"top.{i - 4}." for i in (4, 5)}
        weights = {new + name.removeprefix(old): value for name, value in expert.items()
                   for old, new in named.items() if name.startswith(old)}
        try:
            weights["first.0.weight"] = weights["first.0.weight"].flip(1)  # the expert sees BGR
            unknown = self.load_state_dict(weights, strict=False).unexpected_keys
        except (KeyError, RuntimeError) as error:
            raise SemblanceError("These convolutions have another shape than X2CNet's; start without them.") from error
        if unknown:
            raise SemblanceError(f"These convolutions have '{unknown[0]}', X2CNet has not; start without them.")

    def bottom(self, pictures: Tensor) -> Tensor:
        """What the layers get that learn, where the others are the encoder's: [N, 64, 16, 16]."""
        seen = pictures.permute(0, 3, 1, 2).float()
        fine = self.gradients.fine((seen * self.grey).sum(1, keepdim=True))
        middle = seen.mean((2, 3), keepdim=True)
        spread = torch.sqrt(((seen - middle) ** 2).mean((1, 2, 3), keepdim=True) + 25)
        return self.middle(torch.cat([self.first((seen - middle) / spread), self.scale(fine)], 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        return self.top(self.bottom(pictures))


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
    """Write the network as ONNX (opset 17)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        network.cpu().eval(), (torch.zeros(2, side, side, 3, dtype=torch.uint8),), str(path), dynamo=False,
        opset_version=17, input_names=["picture"], output_names=["controls"],
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
