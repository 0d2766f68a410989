"""What the encoder sees of a face before it learns anything: landmarks without the head's pose, oriented gradients."""
from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.frames import LANDMARK_COUNT
from training.expression_data import REGION

_RIGID_POINTS = Path(__file__).parents[1] / "addon" / "tracking" / "rigid_points.toml"
ORIENTATIONS: Final = 8
CELL_PX: Final = 4
_FINE_PX: Final = 2
GRADIENTS: Final = ORIENTATIONS * (REGION[0] // CELL_PX) * (REGION[1] // CELL_PX)
LANDMARK_INPUTS: Final = LANDMARK_COUNT * 2 + 9
_POLAR_STEPS: Final = 16
_PUSH, _PUSH_REACH = 0.04, 0.35


class RigidPose(nn.Module):
    """Takes position, size and rotation off the landmarks by a least-squares fit to points that the skull carries.

    Umeyama (1991), with the rotation as the polar factor of the covariance by Newton–Schulz iteration, because ONNX has
    no singular value decomposition.
    """

    points: Tensor
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        with _RIGID_POINTS.open("rb") as file:
            table = tomllib.load(file)["position"]
        places = torch.tensor(list(table.values()), dtype=torch.float32)
        self.register_buffer("points", torch.tensor([int(key) for key in table]))
        self.register_buffer("places", places - places.mean(0))

    def forward(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 478, 3] px → points in head axes [N, 478, 3] (unit: distance of the eyes' centres), turn [N, 3, 3]."""
        seen = landmarks[:, self.points]
        middle = seen.mean(1, keepdim=True)
        covariance = (seen - middle).transpose(1, 2) @ self.places
        rotation = covariance / torch.sqrt((covariance * covariance).sum((1, 2), keepdim=True) + 1e-12)
        for _ in range(_POLAR_STEPS):
            rotation = 1.5 * rotation - 0.5 * rotation @ (rotation.transpose(1, 2) @ rotation)
        scale = (rotation * covariance).sum((1, 2), keepdim=True) / (self.places * self.places).sum()
        return (landmarks - middle) @ rotation / (scale + 1e-6), rotation


class OrientedGradients(nn.Module):
    """Gradient strength in 8 directions per cell of the grey region, relative to what is around the cell.

    After Dalal and Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005): skin and light stay out.
    """

    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        smooth, slope = torch.tensor([1.0, 2.0, 1.0]) / 4, torch.tensor([-1.0, 0.0, 1.0]) / 2
        across = smooth[:, None] * slope
        angles = [i * 2 * math.pi / ORIENTATIONS for i in range(ORIENTATIONS)]
        kernels = [math.cos(angle) * across + math.sin(angle) * across.T for angle in angles]
        self.register_buffer("kernels", torch.stack(kernels)[:, None])

    def forward(self, grey: Tensor) -> Tensor:
        """[N, 1, 112, 96], 0..255 → [N, GRADIENTS], in cells of 4 × 4 px."""
        cells = functional.avg_pool2d(self._strength(grey), CELL_PX)
        return torch.sqrt(cells / (_around(cells) + 4.0)).flatten(1)

    def fine(self, grey: Tensor) -> Tensor:
        """The same in cells of 2 × 2 px, as a map [N, 8, 56, 48]."""
        cells = functional.avg_pool2d(self._strength(grey), _FINE_PX)
        around = _around(functional.avg_pool2d(cells, CELL_PX // _FINE_PX))
        share = cells / (functional.interpolate(around, scale_factor=float(CELL_PX // _FINE_PX)) + 4.0)
        return torch.sqrt(share + 1e-12)  # flat pictures have a derivative too

    def _strength(self, grey: Tensor) -> Tensor:
        return functional.relu(functional.conv2d(grey, self.kernels, padding=1), inplace=True)


def _around(cells: Tensor) -> Tensor:
    """What all directions sum up to in 9 × 9 cells."""
    return functional.avg_pool2d(cells.sum(1, keepdim=True), 9, stride=1, padding=4, count_include_pad=False)


class OtherBones(nn.Module):
    """While training, gives every face a skull of its own: points [N, 478, 2] pushed softly around eight places.

    The synthetic people's bones are less varied than real ones, and landmark networks place real brows differently:
    with these pushes and without z, brows on a real face follow MediaPipe's with r 0.86 instead of 0.25.
    """

    centres: Tensor

    def __init__(self) -> None:
        super().__init__()
        places = [(-0.5, -0.6), (0.5, -0.6), (0, -0.9), (0, 0.2), (-0.6, 0.5), (0.6, 0.5), (0, 0.9), (0, 1.5)]
        self.register_buffer("centres", torch.tensor(places))

    def forward(self, points: Tensor) -> Tensor:
        """See the class; units are distances between the eyes' centres."""
        if not self.training:
            return points
        apart = ((points.detach()[:, :, None] - self.centres) ** 2).sum(-1)
        pushes = torch.randn(len(points), len(self.centres), 2, device=points.device) * _PUSH
        return points + torch.exp(-apart / (2 * _PUSH_REACH**2)) @ pushes


class LandmarkInputs(nn.Module):
    """Landmarks [N, 478, 3] px → [N, LANDMARK_INPUTS], centred and scaled; depth only helps to take the pose off."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.pose, self.bones = RigidPose(), OtherBones()
        self.register_buffer("mean", torch.zeros(LANDMARK_INPUTS))
        self.register_buffer("spread", torch.ones(LANDMARK_INPUTS))

    def learn_scale(self, landmarks: Tensor) -> None:
        """Set what the inputs are centred and scaled by, from [N, 478, 3] px."""
        inputs = self._unscaled(landmarks)
        self.mean.copy_(inputs.mean(0))
        self.spread.copy_(inputs.std(0).clamp_min(1e-3))

    def forward(self, landmarks: Tensor) -> Tensor:
        """See the class."""
        return ((self._unscaled(landmarks) - self.mean) / self.spread).clamp(-6, 6)

    def _unscaled(self, landmarks: Tensor) -> Tensor:
        """Points in head axes and rotation."""
        points, rotation = self.pose(landmarks)
        return torch.cat([self.bones(points[..., :2]).flatten(1), rotation.flatten(1)], 1)
