"""Training faces in memory, and how they are varied: shifted, turned, dimmed, blurred, partly covered, mirrored."""
from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.performers import gaze_of

with (Path(__file__).parent / "landmark_mirror.toml").open("rb") as _file:
    LANDMARK_MIRROR = np.array(tomllib.load(_file)["mirror"])


def find_mirror(mean_points: np.ndarray) -> np.ndarray:
    """int [478]: for each landmark the one nearest to its mirror image, in the mean face [478, 3] in head axes."""
    mirrored = mean_points * np.array([-1, 1, 1])
    return np.linalg.norm(mean_points[:, None] - mirrored[None], axis=-1).argmin(1)


@dataclass(frozen=True)
class Faces:
    """Columns of N faces."""

    landmarks: Tensor
    """float32 [N, 478, 3] px."""
    crops: Tensor
    """uint8 [N, 128, 128] grey."""
    coefficients: Tensor
    """float32 [N, 54]."""
    gaze: Tensor
    """float32 [N, 2, 2]."""
    head: Tensor
    """float32 [N, 3]."""

    def __len__(self) -> int:
        return len(self.landmarks)

    def __getitem__(self, rows: Tensor) -> Faces:
        return Faces(*(getattr(self, name)[rows] for name in Faces.__dataclass_fields__))


def faces_of(columns: dict[str, np.ndarray]) -> Faces:
    """The found faces of a shard or test set."""
    found = columns["found"]
    there = {name: columns[name][found] for name in ("landmarks", "crops", "coefficients", "head")}
    there["gaze"] = gaze_of(there["coefficients"])
    return Faces(**{name: torch.from_numpy(values) for name, values in there.items()})


def read_shards(paths: list[Path]) -> Faces:
    """All faces of the shards.

    Raises:
        SystemExit: if there is no shard.
    """
    if not paths:
        raise SystemExit("There are no training shards; make them with 'python -m training.make_expression_data'.")
    parts: list[Faces] = []
    for path in paths:
        with np.load(path) as data:
            parts.append(faces_of(dict(data)))
    return Faces(*(torch.cat([getattr(part, name) for part in parts]) for name in Faces.__dataclass_fields__))


def varied_landmarks(landmarks: Tensor, random: torch.Generator) -> Tensor:
    """Landmarks [N, 478, 3] px with a tracker's noise, up to 0.3 % of the eyes' span, and on slightly longer, shorter,
    deeper or flatter faces.
    """
    stretch = 1 + torch.randn(len(landmarks), 1, 3, generator=random) * torch.tensor([0.0, 0.01, 0.03])
    span = (landmarks[:, 263, :2] - landmarks[:, 33, :2]).norm(dim=1)[:, None, None]
    strength = torch.rand(len(landmarks), 1, 1, generator=random) * 0.003
    return landmarks * stretch + torch.randn(landmarks.shape, generator=random) * strength * span


def varied_crops(crops: Tensor, random: torch.Generator) -> Tensor:
    """Crops uint8 [N, 128, 128] → grey [N, 1, 128, 128] 0..255 as another camera and light might have given them."""
    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(len(crops), *shape, generator=random) * (high - low) + low

    grey = _covered(_moved(crops[:, None].float(), uniform, random), uniform)
    grey = grey * uniform(0.55, 1.45, 1, 1, 1) + uniform(-30, 30, 1, 1, 1)
    grey = 255 * (grey.clamp(0, 255) / 255) ** uniform(0.7, 1.4, 1, 1, 1)
    soft = functional.avg_pool2d(functional.avg_pool2d(grey, 3, 1, 1), 3, 1, 1)
    grey = torch.lerp(grey, soft, uniform(-0.3, 1.0, 1, 1, 1))
    return (grey + torch.randn(grey.shape, generator=random) * uniform(0, 6, 1, 1, 1)).clamp(0, 255)


def _moved(crops: Tensor, uniform: Callable[..., Tensor], random: torch.Generator) -> Tensor:
    """Turned by a few degrees, scaled by a few percent and shifted by a few pixels."""
    turn, size = uniform(-0.04, 0.04), uniform(0.97, 1.03)
    shift = torch.randn(len(crops), 2, generator=random) * 0.01
    rows = torch.stack([torch.cos(turn) * size, -torch.sin(turn) * size, shift[:, 0],
                        torch.sin(turn) * size, torch.cos(turn) * size, shift[:, 1]], 1).reshape(-1, 2, 3)
    grid = functional.affine_grid(rows, list(crops.shape), align_corners=False)
    return functional.grid_sample(crops, grid, align_corners=False)


def _covered(crops: Tensor, uniform: Callable[..., Tensor]) -> Tensor:
    """A fifth of the crops with a grey rectangle over a part: a hand, a microphone, hair."""
    side = torch.linspace(0, 1, crops.shape[-1])
    x, y, half = uniform(0, 1, 1, 1, 1), uniform(0, 1, 1, 1, 1), uniform(0.04, 0.16, 1, 1, 1)
    inside = ((side - x).abs() < half) & ((side[:, None] - y).abs() < half) & (uniform(0, 1, 1, 1, 1) < 0.2)
    return torch.where(inside, uniform(0, 255, 1, 1, 1), crops)
