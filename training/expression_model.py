"""The expression encoder as a torch network: landmarks and crop of one face → coefficients, gaze, head, embedding.

Two experts read the face (training.expression_experts), and the answer is their weighted mean; faces are seen again in
a mirror, so that what happens on the left is read like what happens on the right. All that happens to the inputs
happens inside: the exported network and this one agree. Landmarks may be NaN or the crop black: not known.
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from addon.core.coefficients import COUNT, MIRROR
from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT
from training.expression_data import COLUMNS, LANDMARK_MIRROR, ROWS
from training.expression_experts import ANSWERS, Answer, LandmarkExpert, PointExpert, answer_of, embedding_of
from training.narrow_weights import narrow

EXPERTS: Final = ("landmarks", "convolutions")
WAYS: Final = ("both", "crop", "landmarks")
"""What is known of a face."""
BELIEVED: Final = {"both": EXPERTS, "crop": ("convolutions",), "landmarks": ("landmarks",)}
"""Which experts can tell something when only so much is known."""
_GAZE: Final = COUNT
_DOUBT: Final = 0.06
"""On faces kept aside this takes a tenth off the mean error and nothing off r; more would take from small movements."""
_NOISE, _ONE_SIDED, _WEAK = 0.03, 1.5, 0.7
"""Of an embedding: what is smaller is left out, what one side does alone counts so many times, and the constant. Chosen
for the order of triplets, on people kept aside."""
_LARGE: Final = 100_000
"""Layers of more weights keep them as bytes."""


class ExpressionNetwork(nn.Module):
    """See the module."""

    weights: Tensor
    """[ways, experts, ANSWERS]: how much each expert counts."""
    offset: Tensor
    """[ways, ANSWERS]: added to their weighted sum."""
    directions: Tensor
    """[EMBEDDING_SIZE, EMBEDDING_SIZE]: what the embedding tells of `compared`, a column for each of its numbers."""
    opposite: Tensor
    sign: Tensor
    landmark_mirror: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.landmarks, self.convolutions = LandmarkExpert(), PointExpert()
        believed = torch.tensor([[float(name in BELIEVED[way]) for name in EXPERTS] for way in WAYS])
        self.register_buffer("weights", (believed / believed.sum(1, keepdim=True))[..., None].repeat(1, 1, ANSWERS))
        self.register_buffer("offset", torch.zeros(len(WAYS), ANSWERS))
        self.register_buffer("directions", torch.eye(EMBEDDING_SIZE))
        opposite, sign = np.arange(ANSWERS), np.ones(ANSWERS, np.float32)
        opposite[:COUNT] = MIRROR
        opposite[_GAZE:_GAZE + 4] = _GAZE + np.array([2, 3, 0, 1])
        sign[[_GAZE, _GAZE + 2, _GAZE + 4, _GAZE + 6]] = -1  # yaw of eyes and head, roll
        self.register_buffer("opposite", torch.from_numpy(opposite))
        self.register_buffer("sign", torch.from_numpy(sign))
        self.register_buffer("landmark_mirror", torch.from_numpy(LANDMARK_MIRROR))

    def forward(self, landmarks: Tensor, crops: Tensor) -> Answer:
        """Landmarks float32 [N, 478, 3] px, NaN if unknown; crops uint8 [N, 128, 128, 3] BGR, black if unknown."""
        both = self.agreed(*self.seen_twice(landmarks, crops))
        answer = answer_of(torch.cat([doubted(both[:, :COUNT]), both[:, COUNT:]], 1))
        return replace(answer, embedding=compared(both[:, :COUNT]) @ self.directions)

    def seen_twice(self, landmarks: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """`opinions` on N faces and then on their mirror images."""
        mirrored = landmarks[:, self.landmark_mirror] * torch.tensor([-1.0, 1.0, 1.0])
        return self.opinions(torch.cat([landmarks, mirrored]), torch.cat([crops, crops.flip(2)]))

    def agreed(self, answers: Tensor, way: Tensor) -> Tensor:
        """Answers [N, ANSWERS] that those of `seen_twice` make together."""
        here, there = ((answers * self.weights[way]).sum(1) + self.offset[way]).chunk(2)
        return (here + there[:, self.opposite] * self.sign) / 2

    def opinions(self, landmarks: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """What every expert says of N faces [N, experts, ANSWERS], and how each is known, int [N] in WAYS."""
        there = landmarks[:, :1, 0] == landmarks[:, :1, 0]
        seen = (crops[:, ROWS, COLUMNS].float().amax((1, 2, 3)) > 0)[:, None]
        points = torch.where(there[..., None], landmarks, torch.ones_like(landmarks))
        answers = torch.stack([self.landmarks(points), self.convolutions(crops)], 1)
        return answers, torch.where(seen, torch.where(there, 0, 1), 2)[:, 0]


def doubted(coefficients: Tensor) -> Tensor:
    """Small answers made smaller, of the same shape: x → (1 + c) x² / (x + c) above 0; 0 and 1 stay, and so does what
    is below 0.

    Of all coefficients of a face most are 0, so a small answer is more often an error than a small movement.
    """
    shown = coefficients.clamp_min(0)
    return torch.where(coefficients > 0, (1 + _DOUBT) * shown * shown / (shown + _DOUBT), coefficients)


def compared(coefficients: Tensor) -> Tensor:
    """What faces are compared by [N, 128], of undoubted coefficients [N, 54]: small movements tell them apart too.

    What one side does alone is read as less than it is, so it counts more than in `embedding_of`.
    """
    scale = torch.ones(EMBEDDING_SIZE)
    scale[COUNT:2 * COUNT], scale[2 * COUNT] = _ONE_SIDED, _WEAK
    return embedding_of(coefficients - _NOISE) * scale


class Deployed(nn.Module):
    """The network as it is shipped: small weights, classes and confidence as probabilities."""

    OUTPUTS = ("coefficients", "gaze", "head", "embedding", "classes", "confidence")

    def __init__(self, network: ExpressionNetwork) -> None:
        super().__init__()
        self.network = ExpressionNetwork().eval()
        self.network.load_state_dict(network.state_dict())
        narrow(self.network, _LARGE)

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
