"""The expression teacher: a pre-trained vision transformer on the crop, fused with the landmarks.

It answers what the run-time network answers and has the same two halves, `features` and `fused`, so that it learns by
the same losses; too slow for the run time, it teaches that network on faces without labels (`answers`).
"""
from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.coefficients import COUNT
from addon.core.frames import EMBEDDING_SIZE
from addon.core.key_poses import CLASSES
from training.expression_data import COLUMNS, GREY, ROWS
from training.expression_experts import Answer, layer
from training.face_inputs import CELL_PX, LANDMARK_INPUTS, ORIENTATIONS, LandmarkInputs, OrientedGradients
from training.stage_runs import best_device, read_checkpoint
from training.vision_transformer import GRID, PATCH, PATCHES, SIZES, FaceTransformer, Size, face_region, to_patches

_LANDMARK_FEATURES: Final = 256
_PER_PATCH: Final = 32
_CELLS: Final = PATCH // CELL_PX
_BATCH: Final = 256


class CropTransformer(nn.Module):
    """Crop uint8 [N, 128, 128, 3] BGR → features [N, F].

    Each patch's token also gets its oriented gradients, which learn faster than pixels where labels are few; the
    pre-training does without, because they look a little into the patches beside. All tokens are read at their places:
    crops are aligned, so that a place says which part of the face it is.
    """

    grey: Tensor

    def __init__(self, size: Size, features: int) -> None:
        super().__init__()
        self.register_buffer("grey", GREY.clone())
        self.gradients = OrientedGradients()
        self.from_gradients = nn.Linear(ORIENTATIONS * _CELLS**2, size.width)
        self.encoder = FaceTransformer(size)
        self.each = nn.Linear(size.width, _PER_PATCH)
        self.whole = nn.Sequential(
            nn.LayerNorm(PATCHES * _PER_PATCH), nn.Dropout(0.1), nn.Linear(PATCHES * _PER_PATCH, features), nn.GELU(),
        )

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        tokens = self.encoder(to_patches(face_region(crops)), self.from_gradients(self._patch_gradients(crops)))
        return self.whole(self.each(tokens).flatten(1))

    def _patch_gradients(self, crops: Tensor) -> Tensor:
        """[N, 42, 8 directions × 4 × 4 cells]."""
        with torch.no_grad():
            cells = self.gradients((crops[:, ROWS, COLUMNS].float() @ self.grey)[:, None])
        cells = cells.reshape(-1, ORIENTATIONS, GRID[0], _CELLS, GRID[1], _CELLS)
        return cells.permute(0, 2, 4, 1, 3, 5).reshape(-1, PATCHES, ORIENTATIONS * _CELLS**2)


class LandmarkNetwork(nn.Module):
    """Landmarks [N, 478, 3] px → features [N, 256]."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = LandmarkInputs()
        self.body = nn.Sequential(
            nn.Dropout(0.05), layer(LANDMARK_INPUTS, 384, 0.1), layer(384, _LANDMARK_FEATURES, 0.0),
        )

    def forward(self, landmarks: Tensor) -> Tensor:
        """See the class."""
        return self.body(self.inputs(landmarks))


class TeacherNetwork(nn.Module):
    """Both inputs' features, or what stands for a missing one, fused; embedding and answers are read from that."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width = 3 * size.width
        self.landmarks, self.crop = LandmarkNetwork(), CropTransformer(size, width)
        self.no_landmarks = nn.Parameter(torch.zeros(_LANDMARK_FEATURES))
        self.no_crop = nn.Parameter(torch.zeros(width))
        self.fuse = nn.Sequential(
            nn.Linear(_LANDMARK_FEATURES + width, 512), nn.LayerNorm(512), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(512, 384), nn.GELU(),
        )
        self.embedding = nn.Linear(384, EMBEDDING_SIZE)
        self.answer = nn.Linear(384, COUNT + 4 + 3 + len(CLASSES) + 1)

    def features(self, landmarks: Tensor, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of landmarks float32 [N, 478, 3] px, whether they are known [N, 1]; of crops uint8 [N, 128, 128, 3] BGR,
        whether they are known: NaN and black are not. Rows of which something is unknown cost nothing."""
        there, seen = ~landmarks[:, 0, :1].isnan(), crops[:, ROWS, COLUMNS].amax((1, 2, 3))[:, None] > 0
        return (self._of_known(self.landmarks, landmarks, there, self.no_landmarks), there,
                self._of_known(self.crop, crops, seen, self.no_crop), seen)

    def _of_known(self, part: nn.Module, inputs: Tensor, known: Tensor, missing: Tensor) -> Tensor:
        rows = torch.nonzero(known[:, 0]).flatten()
        features = missing.expand(len(inputs), -1)
        if len(rows) == 0:
            return features
        found = part(inputs[rows].to(missing.device))
        return features.to(found.dtype).index_copy(0, rows.to(missing.device), found)

    def fused(self, of_landmarks: Tensor, there: Tensor, of_crop: Tensor, seen: Tensor) -> Answer:
        """The answer to what `features` gave, where the inputs are; its embedding has length 1."""
        device = of_crop.device
        hidden = self.fuse(torch.cat([
            torch.where(there.to(device), of_landmarks, self.no_landmarks),
            torch.where(seen.to(device), of_crop, self.no_crop),
        ], 1))
        embedding = functional.normalize(self.embedding(hidden), dim=1).float().to(there.device)
        parts = self.answer(hidden).float().to(there.device).split([COUNT, 4, 3, len(CLASSES), 1], 1)
        return Answer(parts[0], parts[1].reshape(-1, 2, 2), parts[2], embedding, parts[3], parts[4][:, 0])

    def forward(self, landmarks: Tensor, crops: Tensor) -> Answer:
        """See `features`."""
        return self.fused(*self.features(landmarks, crops))


def answer_each_way(
    network: TeacherNetwork, of_landmarks: Tensor, there: Tensor, of_crop: Tensor, seen: Tensor
) -> tuple[Answer, np.ndarray]:
    """The answers to `network.features`: to all faces, then to those that have both once without the crop and once
    without the landmarks; and which face each answer is about, int [A]."""
    both = (there & seen)[:, 0].nonzero()[:, 0]
    rows = torch.cat([torch.arange(len(there)), both, both])
    way = torch.cat([torch.zeros(len(there)), torch.ones(len(both)), torch.full((len(both),), 2)])[:, None]
    answer = network.fused(of_landmarks[rows], there[rows] & (way != 2), of_crop[rows], seen[rows] & (way != 1))
    return answer, rows.numpy()


def load_teacher(checkpoint: Path) -> TeacherNetwork:
    """The trained teacher, on the best device.

    Raises:
        SemblanceError: if the checkpoint is not there or damaged.
    """
    kept = read_checkpoint(checkpoint)
    network = TeacherNetwork(SIZES[kept["about"]["size"]])
    network.load_state_dict(kept["network"])
    return network.to(best_device()).eval()


def answers(network: TeacherNetwork, crops: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the network says of faces of any number, for another one to learn from.

    Args:
        crops: uint8 [N, 128, 128, 3] BGR; black where not known.
        landmarks: float32 [N, 478, 3] px; NaN where not known.

    Returns:
        Coefficients float32 [N, 54], not clipped, and embedding float32 [N, 128] of length 1.
    """
    network.eval()
    values, places = np.zeros((len(crops), COUNT), np.float32), np.zeros((len(crops), EMBEDDING_SIZE), np.float32)
    with torch.no_grad():
        for first in range(0, len(crops), _BATCH):
            part = slice(first, first + _BATCH)
            answer = network(torch.from_numpy(landmarks[part]), torch.from_numpy(crops[part]))
            values[part], places[part] = answer.coefficients.numpy(), answer.embedding.numpy()
    return values, places
