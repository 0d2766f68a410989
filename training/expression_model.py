"""The expression encoder as a torch network: landmarks and crop of one face → coefficients, gaze, head, embedding.

Everything that happens to the inputs happens inside, so that the exported network and this one agree: the rigid pose is
taken off the landmarks, the crop becomes oriented gradients (after Dalal and Triggs, "Histograms of oriented gradients
for human detection", CVPR 2005) before any learned layer sees it, which keeps skin and light out.
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

from addon.core.coefficients import COUNT, GROUP_OF, NAMES
from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT
from training.expression_data import LANDMARK_MIRROR

_RIGID_POINTS = Path(__file__).parents[1] / "addon" / "tracking" / "rigid_points.toml"
ORIENTATIONS = 8
CELL_PX = 4
# The cells of the crop that show the face, from above the brows to below the chin; even on both sides for mirroring.
ROWS, COLUMNS = slice(5, 32), slice(5, 27)
CELLS = (ROWS.stop - ROWS.start, COLUMNS.stop - COLUMNS.start)
GRADIENTS = ORIENTATIONS * CELLS[0] * CELLS[1]
INPUTS = LANDMARK_COUNT * 3 + 9 + GRADIENTS
ANSWERS = COUNT + 4 + 3
_POLAR_STEPS = 16
# The corners of the left eye, its lids in two rings, the iris, the brow.
_AROUND_LEFT_EYE = [
    362, 263, 382, 381, 380, 374, 373, 390, 249, 466, 388, 387, 386, 385, 384, 398, 463, 414, 286, 258, 257, 259, 260,
    467, 359, 255, 339, 254, 253, 252, 256, 341, 473, 474, 475, 476, 477, 336, 296, 334, 293, 300,
]
BLINKS = [NAMES.index("eyeBlinkLeft"), NAMES.index("eyeBlinkRight")]
_BLINK_NOISE = 0.1
REACH = {"brows": 2.0, "eyelids": 1.8, "cheeks": 1.4, "mouth": 1.4}
"""Group → spread of the truth over spread of the network's answers, within one person, median over the group; measured
on the performance curves of the unseen people (gaze and jaw: 1). Blinks are left alone: calibration measures them."""


@dataclass(frozen=True)
class Answer:
    """What the network says of N faces."""

    coefficients: Tensor
    """[N, 54], not clipped."""
    gaze: Tensor
    """[N, 2, 2] rad."""
    head: Tensor
    """[N, 3] rad."""
    embedding: Tensor
    """[N, 128]."""


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
    """Grey crop [N, 1, 128, 128], 0..255 → [N, GRADIENTS]: gradient strength in 8 directions per cell of 4 × 4 px,
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
        strength = functional.relu(functional.conv2d(grey, self.kernels, padding=1))
        cells = functional.avg_pool2d(strength, CELL_PX)
        around = functional.avg_pool2d(cells.sum(1, keepdim=True), 9, stride=1, padding=4, count_include_pad=False)
        return torch.sqrt(cells / (around + 4.0))[:, :, ROWS, COLUMNS].flatten(1)


def mirror_of_gradients() -> Tensor:
    """int [GRADIENTS]: `gradients[:, mirror]` are those of the crop in a mirror."""
    places = torch.arange(GRADIENTS).reshape(ORIENTATIONS, *CELLS)
    # A direction of angle a becomes π - a.
    turned = (ORIENTATIONS // 2 - torch.arange(ORIENTATIONS)) % ORIENTATIONS
    return places[turned].flip(2).flatten()


def _layer(inward: int, outward: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inward, outward), nn.BatchNorm1d(outward), nn.ReLU(), nn.Dropout(dropout))


class EyeNetwork(nn.Module):
    """The blink of each eye from the landmarks around that eye alone, the same layers for both.

    A network that sees the whole face learns that eyes mostly close together, and half closes both in a wink.
    """

    left: Tensor
    right: Tensor
    flip: Tensor
    turned: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("left", torch.tensor(_AROUND_LEFT_EYE))
        self.register_buffer("right", torch.tensor(LANDMARK_MIRROR[_AROUND_LEFT_EYE]))
        self.register_buffer("flip", torch.tensor([-1.0, 1.0, 1.0]))
        self.register_buffer("turned", (self.flip[:, None] * self.flip).flatten())
        inward = 3 * len(_AROUND_LEFT_EYE) + 9
        self.body = nn.Sequential(
            nn.BatchNorm1d(inward), nn.Linear(inward, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
            nn.Linear(128, 1),
        )

    def forward(self, points: Tensor, turn: Tensor) -> Tensor:
        """Points in head axes [N, 478, 3], rotation [N, 9] → [N, 2], left and right."""
        left = self._one(points[:, self.left], turn)
        right = self._one(points[:, self.right] * self.flip, turn * self.turned)
        middle, apart = (left + right) / 2, (left - right) / 2
        if not self.training:
            # Eyes that differ a little differ by the landmarks' noise; only a wink is far apart.
            apart = apart * apart.abs() / (apart.abs() + _BLINK_NOISE)
        return torch.cat([middle + apart, middle - apart], 1)

    def _one(self, points: Tensor, turn: Tensor) -> Tensor:
        corners = points[:, :2].mean(1, keepdim=True)
        return self.body(torch.cat([(points - corners).flatten(1), turn], 1))


class ExpressionNetwork(nn.Module):
    """Landmarks and gradients of the crop side by side, through plain layers and one linear map, mixed.

    The two err differently. For the brows the linear map sees only landmarks and has more say, all of it for raised
    ones: how painted brows look in the crop does not carry over to real ones. Convolutions and separate branches
    learned less in the same time.
    """

    input_mean: Tensor
    linear_share: Tensor
    eyes_share: Tensor
    input_spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.pose, self.gradients = RigidPose(), OrientedGradients()
        self.register_buffer("input_mean", torch.zeros(INPUTS))
        self.register_buffer("input_spread", torch.ones(INPUTS))
        self.body = nn.Sequential(
            nn.Dropout(0.2), _layer(INPUTS, 640, 0.4), _layer(640, 512, 0.3), nn.Linear(512, EMBEDDING_SIZE),
        )
        self.answer = nn.Sequential(nn.BatchNorm1d(EMBEDDING_SIZE), nn.ReLU(), nn.Linear(EMBEDDING_SIZE, ANSWERS))
        self.head_from_pose = nn.Linear(9, 3)
        self.linear = nn.Linear(INPUTS, ANSWERS)
        self.register_buffer("linear_share", torch.zeros(ANSWERS))
        self.eyes = EyeNetwork()
        self.register_buffer("eyes_share", torch.tensor(0.0))

    def inputs(self, landmarks: Tensor, gradients: Tensor) -> Tensor:
        """[N, INPUTS]: points in head axes, rotation, gradients; as they are, not yet scaled."""
        points, rotation = self.pose(landmarks)
        return torch.cat([points.flatten(1), rotation.flatten(1), gradients], 1)

    def learn_scale(self, landmarks: Tensor, gradients: Tensor) -> None:
        """Set what the inputs are centred and scaled by, from [N, 478, 3] px and [N, GRADIENTS]."""
        inputs = self.inputs(landmarks, gradients)
        least = torch.full((INPUTS,), 1e-3)
        least[-GRADIENTS:] = 0.02
        self.input_mean.copy_(inputs.mean(0))
        self.input_spread.copy_(torch.maximum(inputs.std(0), least))

    def forward(self, inputs: Tensor) -> Answer:
        """The answer to what `inputs` gave."""
        scaled = self.scaled(inputs)
        embedding = self.body(scaled)
        points, turn = self.parts(inputs)
        answer = self.answer(embedding) + functional.pad(self.head_from_pose(turn), (COUNT + 4, 0))
        if self.linear_share.any():
            answer = torch.lerp(answer, self.linear(scaled), self.linear_share)
        if self.eyes_share:
            blinks = torch.lerp(answer[:, BLINKS], self.eyes(points, turn), self.eyes_share)
            answer = answer.index_copy(1, torch.tensor(BLINKS), blinks.to(answer.dtype))
        return Answer(answer[:, :COUNT], answer[:, COUNT:COUNT + 4].reshape(-1, 2, 2), answer[:, COUNT + 4:], embedding)

    def parts(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Points [N, 478, 3] and rotation [N, 9] of what `inputs` gave."""
        end = LANDMARK_COUNT * 3
        return inputs[:, :end].unflatten(1, (LANDMARK_COUNT, 3)), inputs[:, end:end + 9]

    def scaled(self, inputs: Tensor) -> Tensor:
        """[N, INPUTS] of `inputs`, centred and scaled."""
        return ((inputs - self.input_mean) / self.input_spread).clamp(-6, 6)

    def see(self, landmarks: Tensor, grey: Tensor) -> Answer:
        """Landmarks [N, 478, 3] px and grey crops [N, 1, 128, 128]."""
        return self(self.inputs(landmarks, self.gradients(grey)))


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
    """The network as it is shipped: crop uint8 [N, 128, 128, 3] BGR, 16-bit weights.

    Coefficients are not clipped: how far below 0 somebody rests tells calibration where a movement begins. They are
    stretched by REACH, because a squared error makes every answer shy.
    """

    grey: Tensor
    reach: Tensor

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = ExpressionNetwork().eval()
        self.network.load_state_dict(network.state_dict())
        self._halve(self.network)
        self.register_buffer("grey", torch.tensor([0.114, 0.587, 0.299]))
        self.register_buffer("reach", torch.tensor([
            1.0 if name.startswith("eyeBlink") else REACH.get(group, 1.0)
            for name, group in zip(NAMES, GROUP_OF, strict=True)
        ]))

    def _halve(self, module: nn.Module) -> None:
        for name, child in module.named_children():
            if isinstance(child, nn.Linear):
                setattr(module, name, HalfLinear(child))
            else:
                self._halve(child)

    def forward(self, landmarks: Tensor, crop: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See the class."""
        grey = (crop.to(torch.float32) * self.grey).sum(-1)[:, None]
        answer = self.network.see(landmarks, grey)
        return answer.coefficients * self.reach, answer.gaze, answer.head, answer.embedding


def export(network: ExpressionNetwork, path: Path) -> None:
    """Write the deployed network as ONNX (opset 17)."""
    random = np.random.default_rng(0)
    example = (torch.from_numpy(random.random((2, LANDMARK_COUNT, 3), np.float32)) * 100,
               torch.zeros(2, 128, 128, 3, dtype=torch.uint8))
    names = ["coefficients", "gaze", "head", "embedding"]
    torch.onnx.export(
        Deployed(network).eval(), example, str(path), dynamo=False, opset_version=17, do_constant_folding=False,
        input_names=["landmarks", "crop"], output_names=names,
        dynamic_axes={name: {0: "n"} for name in ("landmarks", "crop", *names)},
    )
