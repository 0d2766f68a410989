"""What each motion token is taught: to be near the same pose's of other people, and to say what there is to decode.

Every lesson draws pairs: one pose, two people, both varied in place, size, light and colour. Tokens are ordered by
InfoNCE (van den Oord et al. 2018) over the batch; each decoder answers for *the other* person of its pair: where that
one's joints are, how deep that one's figure is, from the bones that it is told.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .motion_token_data import (
    Columns,
    Pairs,
    as_pictures,
    body_bones,
    body_mirrored,
    boxes,
    coloured,
    depth_around,
    face_mirrored,
    figure_length,
    hand_bones,
    heat_of,
    moved,
    wrists,
)
from .motion_token_model import HEAT_SIDE, TokenDecoders, TokenEncoder, body_joints, cut_out, hand_points, turned
from .stage_runs import best_device

WITHOUT: Final = ("", "variation", "shared_poses", "auxiliary")
"""What a lesson may leave out, to measure what it is worth."""
_WARMTH: Final = 0.1
_SAME: Final = 0.003
"""Poses whose rotations or coefficients are nearer (mean square of all numbers) need not be told apart."""
_ALIKE: Final = 0.4
"""How much InfoNCE counts; the decoders' errors are about 1 at first."""


class Lesson(Protocol):
    """One part's."""

    count: int
    """Rows there are to learn from."""

    @staticmethod
    def modules(encoder: TokenEncoder, decoders: TokenDecoders) -> nn.ModuleList:
        """What learns."""

    def loss(self, encoder: TokenEncoder, decoders: TokenDecoders, random: np.random.Generator, batch: int) -> Tensor:
        """Of a batch that the generator draws."""


def alike_loss(tokens: Tensor, motion: Tensor) -> Tensor:
    """InfoNCE of tokens [2 P, D], rows i and P + i of one pose; `motion` [2 P, M] tells which others are the same."""
    count = len(tokens) // 2
    unit = functional.normalize(tokens, dim=1)
    scores = unit @ unit.T / _WARMTH
    flat = motion.detach()
    same = (flat[:, None] - flat[None]).square().mean(2) < _SAME
    partner = torch.arange(2 * count, device=tokens.device).roll(count)
    same[torch.arange(2 * count), partner] = False
    return functional.cross_entropy(scores.masked_fill(same, -1e4), partner)


def _other(values: Tensor) -> Tensor:
    """The rows of the other person of each pair."""
    return values.roll(len(values) // 2, 0)


@dataclass
class _PairLesson:
    """Draws a batch in pairs, and varies pictures, unless it shall be done without."""

    columns: Columns
    without: str = ""
    device: torch.device = field(default_factory=best_device)
    MOVED: ClassVar[float] = 0.08
    """Share of the side by which pictures are shifted at most."""

    def __post_init__(self) -> None:
        self.count = len(self.columns["pose"])
        self._pairs = Pairs(self.columns["pose"])

    def _rows(self, random: np.random.Generator, batch: int) -> np.ndarray:
        rows = self._pairs.draw(random, batch // 2)
        return np.tile(rows[:len(rows) // 2], 2) if self.without == "shared_poses" else rows

    def _tensor(self, values: np.ndarray, rows: np.ndarray) -> Tensor:
        """float32."""
        return torch.from_numpy(values[rows].astype(np.float32)).to(self.device)

    def _pictures(self, name: str, rows: np.ndarray) -> Tensor:
        """float [B, 3, S, S], 0..1."""
        return as_pictures(self.columns[name][rows]).to(self.device)

    def _varied(self, pictures: Tensor, marks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The pictures moved and coloured, and where the marks [B, M, 2] are then."""
        if marks is None:
            marks = pictures.new_zeros(len(pictures), 1, 2)
        if self.without == "variation":
            return pictures, marks
        out, marks = moved(pictures, self.MOVED, marks)
        return coloured(out), marks


class BodyLesson(_PairLesson):
    """Rotations of 22 joints; with the joints' places in the picture, and depth."""

    NEEDS = ("picture", "pose", "person", "rotations", "joints", "points", "depth")

    def __post_init__(self) -> None:
        super().__post_init__()
        bones = body_bones(self.columns)
        self._values = {
            "rotations": self.columns["rotations"], "joints": self.columns["joints"], "bones": bones,
            "marks": self.columns["points"], "depth": depth_around(self.columns, bones),
            "length": figure_length(bones),
        }

    @staticmethod
    def modules(encoder: TokenEncoder, decoders: TokenDecoders) -> nn.ModuleList:
        return nn.ModuleList([encoder.body, decoders.body, decoders.depth])

    def loss(self, encoder: TokenEncoder, decoders: TokenDecoders, random: np.random.Generator, batch: int) -> Tensor:
        rows = self._rows(random, batch)
        truth = {name: self._tensor(values, rows) for name, values in self._values.items()}
        pictures = self._pictures("picture", rows)
        if random.random() < 0.5:
            pictures, truth = pictures.flip(3), self._mirrored(truth)
        loss = self._box_loss(encoder, pictures, truth["marks"])
        figures, marks = self._cut(pictures, truth["marks"])
        token, heat = encoder.body.read(figures)
        rotations = decoders.rotations(token)
        loss = loss + self._motion_loss(rotations, truth)
        loss = loss + _ALIKE * alike_loss(token, truth["rotations"].flatten(1))
        if self.without == "auxiliary":
            return loss
        missed = -(heat.log_softmax(2) * heat_of(marks, HEAT_SIDE)).sum(2)
        return loss + 0.3 * missed.mean() + self._look_loss(decoders, token, truth)

    def _box_loss(self, encoder: TokenEncoder, pictures: Tensor, marks: Tensor) -> Tensor:
        """How far off the figure is looked for."""
        small, marks = self._varied(functional.avg_pool2d(pictures, 4), marks)
        return 5 * (encoder.body.box(small) - boxes(marks)).abs().mean()

    def _cut(self, pictures: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        """The figures about where they truly are, and the marks in them."""
        box = boxes(marks)
        middle, half = box[:, :2], box[:, 2:]
        if self.without != "variation":
            jitter = self.MOVED * (2 * torch.rand(len(box), 3) - 1).to(box.device)
            middle, half = middle + 2 * half * jitter[:, :2], half * (1 + jitter[:, 2:] + 0.03)
        figures = cut_out(pictures, middle, half[:, 0])
        if self.without != "variation":
            figures = coloured(figures)
        return figures, (marks - middle[:, None]) / (2 * half[:, None]) + 0.5

    def _mirrored(self, truth: dict[str, Tensor]) -> dict[str, Tensor]:
        rotations, bones, joints = body_mirrored(truth["rotations"], truth["bones"], truth["joints"])
        flipped = torch.cat([1 - truth["marks"][..., :1], truth["marks"][..., 1:]], 2)
        _, _, marks = body_mirrored(rotations, bones, functional.pad(flipped, (0, 1)))
        marks = marks[..., :2] * torch.tensor([-1.0, 1.0], device=marks.device)
        return truth | {"rotations": rotations, "bones": bones, "joints": joints, "marks": marks,
                        "depth": truth["depth"].flip(2)}

    def _motion_loss(self, rotations: Tensor, truth: dict[str, Tensor]) -> Tensor:
        """Each rotation, what they add up to, and where the other person's joints come to be."""
        own = (rotations - truth["rotations"]).square().sum((2, 3)).mean()
        whole = (turned(rotations) - turned(truth["rotations"])).square().sum((2, 3)).mean()
        places = body_joints(rotations, _other(truth["bones"])) - _other(truth["joints"])
        off = (places.square().sum(2) + 1e-6).sqrt() / _other(truth["length"])[:, None]
        return 2 * own + whole + 5 * off.mean()

    def _look_loss(self, decoders: TokenDecoders, token: Tensor, truth: dict[str, Tensor]) -> Tensor:
        """Silhouette and depth of the other person."""
        there, depth = decoders.look(token, _other(truth["bones"]))
        true = _other(truth["depth"])
        seen = true == true
        off = ((depth - true.nan_to_num()).abs() * seen).sum() / seen.sum().clamp_min(1)
        return 0.3 * functional.binary_cross_entropy_with_logits(there, seen.float()) + 2 * off


class HandsLesson(_PairLesson):
    """Fingers and how the wrist is turned; right hands in a mirror."""

    NEEDS = ("left", "right", "pose", "person", "rotations", "fingers", "hands")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.count *= 2
        whole, across = wrists(self.columns["rotations"]), np.array([-1, 1, 1], np.float32)
        mirror = across[:, None] * across
        sides = {}
        for side, flip, turn in ((0, np.float32([1, 1, 1]), np.ones((3, 3), np.float32)), (1, across, mirror)):
            wrist, fingers = whole[:, side] * turn, self.columns["fingers"][:, side] * turn
            points = self.columns["hands"][:, side] * flip
            sides[side] = {"wrist": wrist, "fingers": fingers, "points": points,
                           "bones": hand_bones(points, wrist, fingers)}
        self._values = sides

    @staticmethod
    def modules(encoder: TokenEncoder, decoders: TokenDecoders) -> nn.ModuleList:
        return nn.ModuleList([encoder.hand, decoders.hand])

    def loss(self, encoder: TokenEncoder, decoders: TokenDecoders, random: np.random.Generator, batch: int) -> Tensor:
        side = int(random.integers(2))
        rows = self._rows(random, batch)
        truth = {name: self._tensor(values, rows) for name, values in self._values[side].items()}
        crops = self._pictures("right" if side else "left", rows)
        crops = self._varied(crops.flip(3) if side else crops)[0]
        token = encoder.hand(crops)
        wrist, fingers = decoders.hands(token)
        both, true = torch.cat([wrist[:, None], fingers], 1), torch.cat([truth["wrist"][:, None], truth["fingers"]], 1)
        error = (both - true).square().sum((2, 3))
        loss = 0.5 * error[:, 0].mean() + 2 * error[:, 1:].mean() + _ALIKE * alike_loss(token, true.flatten(1))
        if self.without == "auxiliary":
            return loss
        bones, points = _other(truth["bones"]), _other(truth["points"])
        size = bones.norm(dim=2).sum(1)[:, None] / 5
        off = ((hand_points(wrist, fingers, bones) - points).square().sum(2) + 1e-8).sqrt() / size
        return loss + 2 * off.mean()


class FaceLesson(_PairLesson):
    """54 coefficients, which know no person: they are what the other one does as well."""

    NEEDS = ("face", "pose", "person", "coefficients")
    MOVED = 0.06

    def __post_init__(self) -> None:
        super().__post_init__()
        self._spread = torch.from_numpy(self.columns["coefficients"].std(0) + 0.05).float().to(self.device)

    @staticmethod
    def modules(encoder: TokenEncoder, decoders: TokenDecoders) -> nn.ModuleList:
        return nn.ModuleList([encoder.face, decoders.face])

    def loss(self, encoder: TokenEncoder, decoders: TokenDecoders, random: np.random.Generator, batch: int) -> Tensor:
        rows = self._rows(random, batch)
        true, crops = self._tensor(self.columns["coefficients"], rows), self._pictures("face", rows)
        if random.random() < 0.5:
            crops, true = crops.flip(3), face_mirrored(true)
        crops = self._varied(crops)[0]
        token = encoder.face(crops)
        error = ((decoders.face(token) - _other(true)) / self._spread).square().mean()
        return error + _ALIKE * alike_loss(token, true)


LESSONS: Final = {"body": BodyLesson, "hands": HandsLesson, "face": FaceLesson}
