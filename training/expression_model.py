"""The expression encoder as a torch network: landmarks and crop of one face → coefficients, gaze, head, embedding.

Everything that happens to the inputs happens inside, so that the exported network and this one agree. Landmarks, with
the rigid pose taken off, go through plain layers. The crop goes two ways: as oriented gradients (after Dalal and
Triggs, "Histograms of oriented gradients for human detection", CVPR 2005), which keep skin and light out and learn
fast, and through a small residual network (He et al., CVPR 2016), which sees what they lose. Either input may be
missing: landmarks that are NaN, a crop that is black.
"""
from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.coefficients import COUNT
from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT
from addon.core.key_poses import CLASSES
from training.expression_data import COLUMNS, GREY, REGION, ROWS

_RIGID_POINTS = Path(__file__).parents[1] / "addon" / "tracking" / "rigid_points.toml"
ORIENTATIONS = 8
CELL_PX = 4
CELLS = (REGION[0] // CELL_PX, REGION[1] // CELL_PX)
GRADIENTS = ORIENTATIONS * CELLS[0] * CELLS[1]
INPUTS = LANDMARK_COUNT * 2 + 9
_WIDTHS = (16, 32, 64, 128)
FEATURES = 256
_POLAR_STEPS = 16
_PUSH, _PUSH_REACH = 0.04, 0.35


@dataclass(frozen=True)
class Answer:
    """What the network says of N faces."""

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
    """Grey region [N, 1, 112, 96], 0..255 → [N, GRADIENTS]: gradient strength in 8 directions per cell of 4 × 4 px,
    relative to what is around the cell."""

    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        smooth, slope = torch.tensor([1.0, 2.0, 1.0]) / 4, torch.tensor([-1.0, 0.0, 1.0]) / 2
        across = smooth[:, None] * slope
        angles = [i * 2 * math.pi / ORIENTATIONS for i in range(ORIENTATIONS)]
        kernels = [math.cos(angle) * across + math.sin(angle) * across.T for angle in angles]
        self.register_buffer("kernels", torch.stack(kernels)[:, None])

    def forward(self, grey: Tensor) -> Tensor:
        """See the class."""
        strength = functional.relu(functional.conv2d(grey, self.kernels, padding=1), inplace=True)
        cells = functional.avg_pool2d(strength, CELL_PX)
        around = functional.avg_pool2d(cells.sum(1, keepdim=True), 9, stride=1, padding=4, count_include_pad=False)
        return torch.sqrt(cells / (around + 4.0)).flatten(1)


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


def _layer(inward: int, outward: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inward, outward), nn.BatchNorm1d(outward), nn.ReLU(), nn.Dropout(dropout))


class CropNetwork(nn.Module):
    """Crop uint8 [N, 128, 128, 3] → features [N, 512] and the scaled gradients [N, GRADIENTS] behind them."""

    grey: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("grey", GREY[:, None, None].clone())
        self.gradients = OrientedGradients()
        self.scale = nn.BatchNorm1d(GRADIENTS, affine=False)
        self.from_gradients = nn.Sequential(
            nn.Dropout(0.1), _layer(GRADIENTS, 512, 0.2), _layer(512, FEATURES, 0.0),
        )
        a, b, c, d = _WIDTHS
        self.convolutions = nn.Sequential(
            _convolution(3, a, 2, 5), _convolution(a, b, 2), _convolution(b, c, 2), _Residual(c),
            _convolution(c, d, 2), _Residual(d), nn.Flatten(),
            _layer(d * (REGION[0] // 16) * (REGION[1] // 16), FEATURES, 0.0),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        seen = self.region(crops)
        middle = seen.mean((2, 3), keepdim=True)
        spread = torch.sqrt(((seen - middle) ** 2).mean((1, 2, 3), keepdim=True) + 25)
        scaled = self.scale(self.gradients_of(seen))
        return torch.cat([self.from_gradients(scaled), self.convolutions((seen - middle) / spread), scaled], 1)

    def region(self, crops: Tensor) -> Tensor:
        """What is looked at, float [N, 3, 112, 96], 0..255."""
        return crops[:, ROWS, COLUMNS].permute(0, 3, 1, 2).float()

    def gradients_of(self, seen: Tensor) -> Tensor:
        """[N, GRADIENTS] of `region`."""
        return self.gradients((seen * self.grey).sum(1, keepdim=True))


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


class LandmarkNetwork(nn.Module):
    """Landmarks [N, 478, 3] px → features [N, 256]; depth only helps to take the pose off."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.pose, self.bones = RigidPose(), OtherBones()
        self.register_buffer("mean", torch.zeros(INPUTS))
        self.register_buffer("spread", torch.ones(INPUTS))
        self.body = nn.Sequential(nn.Dropout(0.05), _layer(INPUTS, 384, 0.1), _layer(384, FEATURES, 0.0))

    def inputs(self, landmarks: Tensor) -> Tensor:
        """[N, INPUTS]: points in head axes and rotation."""
        points, rotation = self.pose(landmarks)
        return torch.cat([self.bones(points[..., :2]).flatten(1), rotation.flatten(1)], 1)

    def learn_scale(self, landmarks: Tensor) -> None:
        """Set what the inputs are centred and scaled by, from [N, 478, 3] px."""
        inputs = self.inputs(landmarks)
        self.mean.copy_(inputs.mean(0))
        self.spread.copy_(inputs.std(0).clamp_min(1e-3))

    def forward(self, landmarks: Tensor) -> Tensor:
        """See the class."""
        return self.body(self.scaled(landmarks))

    def scaled(self, landmarks: Tensor) -> Tensor:
        """`inputs`, centred and scaled."""
        return ((self.inputs(landmarks) - self.mean) / self.spread).clamp(-6, 6)


class LinearPart(nn.Module):
    """Scaled landmarks [N, INPUTS] and gradients [N, GRADIENTS] → coefficients [N, 54], fitted by ridge regression.

    One map for each way that a face may be known: both, the crop alone, the landmarks alone. What they leave is for the
    layers, which need many times as long to learn what a line can tell.
    """

    both: Tensor
    crop: Tensor
    landmarks: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, inputs in (("both", INPUTS + GRADIENTS), ("crop", GRADIENTS), ("landmarks", INPUTS)):
            self.register_buffer(name, torch.zeros(inputs + 1, COUNT))

    def forward(self, landmarks: Tensor, there: Tensor, gradients: Tensor, seen: Tensor) -> Tensor:
        """See the class; `there` and `seen`, bool [N, 1], say what is known."""
        ways = ((self.both, torch.cat([landmarks, gradients], 1), there & seen), (self.crop, gradients, seen & ~there),
                (self.landmarks, landmarks, there & ~seen))
        found = torch.zeros(1, COUNT)
        for weights, inputs, known in ways:
            found = torch.where(known, inputs @ weights[:-1].float() + weights[-1].float(), found)
        return found


class ExpressionNetwork(nn.Module):
    """Both inputs' features, or what stands for a missing one, fused into the embedding that all answers come from."""

    def __init__(self) -> None:
        super().__init__()
        self.landmarks, self.crop, self.linear = LandmarkNetwork(), CropNetwork(), LinearPart()
        self.no_landmarks = nn.Parameter(torch.zeros(FEATURES))
        self.no_crop = nn.Parameter(torch.zeros(2 * FEATURES))
        self.fuse = nn.Sequential(_layer(3 * FEATURES, 384, 0.1), nn.Linear(384, EMBEDDING_SIZE))
        self.answer = nn.Sequential(
            nn.BatchNorm1d(EMBEDDING_SIZE), nn.Linear(EMBEDDING_SIZE, 256), nn.ReLU(),
            nn.Linear(256, COUNT + 4 + 3 + len(CLASSES) + 1),
        )

    def features(self, landmarks: Tensor, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of landmarks [N, 478, 3], and whether they are known [N, 1]; of crops [N, 128, 128, 3], and the same."""
        seen = (crops[:, ROWS, COLUMNS].float().amax((1, 2, 3)) > 0)[:, None]
        return *self.landmark_features(landmarks), self.crop(crops), seen

    def landmark_features(self, landmarks: Tensor) -> tuple[Tensor, Tensor]:
        """Of landmarks [N, 478, 3], with their scaled inputs behind; and whether they are known [N, 1]."""
        there = landmarks[:, :1, 0] == landmarks[:, :1, 0]
        scaled = self.landmarks.scaled(torch.where(there[..., None], landmarks, torch.ones_like(landmarks)))
        if not self.training:
            return torch.cat([self.landmarks.body(scaled), scaled], 1), there
        # What stands for unknown landmarks must not count for the batch's statistics.
        rows = there[:, 0].nonzero()[:, 0]
        features = torch.zeros(len(landmarks), FEATURES).index_copy(0, rows, self.landmarks.body(scaled[rows]))
        return torch.cat([features, scaled], 1), there

    def fused(self, of_landmarks: Tensor, there: Tensor, of_crop: Tensor, seen: Tensor) -> Answer:
        """The answer to what `features` gave."""
        linear = self.linear(of_landmarks[:, FEATURES:], there, of_crop[:, 2 * FEATURES:], seen)
        of_landmarks = torch.where(there, of_landmarks[:, :FEATURES], self.no_landmarks)
        of_crop = torch.where(seen, of_crop[:, :2 * FEATURES], self.no_crop)
        embedding = self.fuse(torch.cat([of_landmarks, of_crop], 1))
        parts = self.answer(embedding).split([COUNT, 4, 3, len(CLASSES), 1], 1)
        return Answer(parts[0] + linear, parts[1].reshape(-1, 2, 2), parts[2], embedding, parts[3], parts[4][:, 0])

    def forward(self, landmarks: Tensor, crops: Tensor) -> Answer:
        """Landmarks float32 [N, 478, 3] px, NaN if unknown; crops uint8 [N, 128, 128, 3] BGR, black if unknown."""
        return self.fused(*self.features(landmarks, crops))


class HalfLinear(nn.Module):
    """A linear layer that keeps its weights as 16-bit floats, for a smaller file."""

    weight: Tensor
    bias: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", linear.weight.detach().half())
        self.register_buffer("bias", linear.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        """As nn.Linear."""
        return functional.linear(x, self.weight.float(), self.bias)


class Deployed(nn.Module):
    """The network as it is shipped: 16-bit weights, classes and confidence as probabilities."""

    OUTPUTS = ("coefficients", "gaze", "head", "embedding", "classes", "confidence")

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = ExpressionNetwork().eval()
        self.network.load_state_dict(network.state_dict())
        self._halve(self.network)
        self.network.linear.half()

    def _halve(self, module: nn.Module) -> None:
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, HalfLinear(child))
            else:
                self._halve(child)

    def forward(self, landmarks: Tensor, crop: Tensor) -> tuple[Tensor, ...]:
        """In the order of OUTPUTS."""
        answer = self.network(landmarks, crop)
        return (answer.coefficients, answer.gaze, answer.head, answer.embedding, answer.classes.softmax(1),
                answer.confidence.sigmoid())


def export(network: ExpressionNetwork, path: Path) -> None:
    """Write the deployed network as ONNX (opset 17)."""
    random = np.random.default_rng(0)
    example = (torch.from_numpy(random.random((2, LANDMARK_COUNT, 3), np.float32)) * 100,
               torch.zeros(2, 128, 128, 3, dtype=torch.uint8))
    names = list(Deployed.OUTPUTS)
    torch.onnx.export(
        Deployed(network).eval(), example, str(path), dynamo=False, opset_version=17, do_constant_folding=False,
        input_names=["landmarks", "crop"], output_names=names,
        dynamic_axes={name: {0: "n"} for name in ("landmarks", "crop", *names)},
    )
