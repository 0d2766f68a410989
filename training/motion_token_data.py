"""What motion tokens learn from: drawn people in shared poses (training.body_pictures), by pairs, varied in 2-D.

Places in metres are turned to the frame of the rest pose, x to the picture's right, y up, z towards the camera; those
in the picture are counted in its side, 0..1.
"""
from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.characters.body_pose import TO_BODY
from addon.core import coefficients
from addon.core.body_motion import JOINTS, PARENTS
from addon.core.errors import SemblanceError

from .body_motion_sets import OPPOSITE
from .body_pictures import read_shards
from .motion_token_model import DEPTH_SIDE, SIDES, mirrored, turned

Columns = dict[str, np.ndarray]
_DEPTH_REACH: Final = 0.75
"""Half the side of what is cut out around the pelvis, in lengths of the figure."""
_SMALLEST: Final = 2
"""People that a pose needs, so that there is a pair."""


def read_bodies(folder: Path, kind: str, names: tuple[str, ...], most: int | None = None) -> Columns:
    """The columns `names` of the shards "train" or "test", at most the first `most`; places turned as the module says.

    Raises:
        SemblanceError: if there are none, or one is damaged.
    """
    columns = read_shards(folder, kind, names, most)
    for name in {"joints", "hands"} & set(columns):
        columns[name] = (columns[name] @ TO_BODY).astype(np.float32)
    if "points" in columns:
        columns["points"] = (columns["points"] + 0.5) / SIDES["picture"]
    return columns


def body_bones(columns: Columns) -> np.ndarray:
    """float32 [N, 22, 3]: each joint from the one above it, in the rest pose of whom it is; m."""
    joints, rotations = torch.from_numpy(columns["joints"]), torch.from_numpy(columns["rotations"])
    above = [max(parent, 0) for parent in PARENTS]
    along = joints - joints[:, above]
    return (turned(rotations)[:, above].transpose(2, 3) @ along[..., None])[..., 0].numpy()


def hand_bones(points: np.ndarray, wrist: np.ndarray, fingers: np.ndarray) -> np.ndarray:
    """The same of a hand's points [N, 21, 3] → float32 [N, 21, 3]; its wrist against the camera, fingers [N, 15]."""
    bones = np.zeros_like(points)
    for finger in range(5):
        whole, place = wrist, points[:, 0]
        for part in range(4):
            next_place = points[:, 1 + 4 * finger + part]
            bones[:, 1 + 4 * finger + part] = np.einsum("nji,nj->ni", whole, next_place - place)
            place = next_place
            if part < 3:
                whole = whole @ fingers[:, 3 * finger + part]
    return bones


def wrists(rotations: np.ndarray) -> np.ndarray:
    """float32 [N, 2, 3, 3]: how the hands are turned against the camera."""
    whole = turned(torch.from_numpy(rotations)).numpy()
    return whole[:, [JOINTS.index("left_wrist"), JOINTS.index("right_wrist")]]


def depth_around(columns: Columns, bones: np.ndarray) -> np.ndarray:
    """float32 [N, 16, 16]: the depth around the pelvis, in lengths of the figure; NaN where nobody is.

    It is cut out as large as the figure would be if it stood, so that it says nothing about the camera.
    """
    points, joints, depth = columns["points"], columns["joints"], columns["depth"].astype(np.float32)
    flat = joints[..., :2] * (1, -1)
    spread = [each - each.mean(1, keepdims=True) for each in (points, flat)]
    per_m = np.sqrt((spread[0] ** 2).sum((1, 2)) / np.maximum((spread[1] ** 2).sum((1, 2)), 1e-9))
    length = figure_length(bones)
    reach = (2 * _DEPTH_REACH * length * per_m).astype(np.float32)
    middle = (2 * points[:, 0] - 1).astype(np.float32)
    steps = (np.arange(DEPTH_SIDE, dtype=np.float32) + 0.5) / DEPTH_SIDE * 2 - 1
    grid = np.stack(np.meshgrid(steps, steps), -1)[None] * reach[:, None, None, None] + middle[:, None, None]
    there = np.isfinite(depth)
    both = torch.from_numpy(np.stack([np.where(there, depth, 0), there], 1).astype(np.float32))
    # Each place is the mean of what is drawn there; nothing is drawn outside of the picture.
    blurred = functional.avg_pool2d(both, 3, 1, 1)
    found = functional.grid_sample(blurred, torch.from_numpy(grid.astype(np.float32)), align_corners=False).numpy()
    share = found[:, 1]
    return np.where(share > 0.5, found[:, 0] / np.maximum(share, 1e-6) / length[:, None, None], np.nan)


def figure_length(bones: np.ndarray) -> np.ndarray:
    """float32 [N]: ankle to head, m."""
    chain = [JOINTS.index(name) for name in ("left_ankle", "left_knee", "spine1", "spine2", "spine3", "neck", "head")]
    return np.linalg.norm(bones[:, chain], axis=2).sum(1)


class Pairs:
    """Draws rows in pairs: one pose, two people."""

    def __init__(self, pose: np.ndarray) -> None:
        order = np.argsort(pose, kind="stable")
        starts = np.flatnonzero(np.diff(pose[order], prepend=pose[order[0]] - 1))
        self._rows = [rows for rows in np.split(order, starts[1:]) if len(rows) >= _SMALLEST]
        if not self._rows:
            raise SemblanceError("No pose of these bodies is drawn with two people; draw them with shared poses.")

    def draw(self, random: np.random.Generator, count: int) -> np.ndarray:
        """int [2 · count]: `count` different poses, if there are so many, then the same ones on other people."""
        poses = random.permutation(len(self._rows))[:count]
        pairs = [random.choice(self._rows[pose], 2, replace=False) for pose in poses]
        return np.array(pairs).T.ravel()


def boxes(marks: Tensor) -> Tensor:
    """The middle and half the side [B, 3] of the square around all joints [B, 22, 2] that are in the picture, 0..1."""
    inside = ((marks > 0) & (marks < 1)).all(2, keepdim=True)
    low, high = marks.masked_fill(~inside, 2).amin(1), marks.masked_fill(~inside, -1).amax(1)
    # Heads, hands and feet go on beyond their joints.
    return torch.cat([(low + high) / 2, 0.6 * (high - low).amax(1, keepdim=True) + 0.03], 1)


def heat_of(marks: Tensor, side: int) -> Tensor:
    """Places [B, M, 2] in 0..1 → shares of the four nearest of side · side cells, [B, M, side · side]; 0 if outside."""
    cells = torch.arange(side, device=marks.device)
    across, down = ((1 - (side * marks[..., axis, None] - 0.5 - cells).abs()).clamp_min(0) for axis in (0, 1))
    return (down[..., :, None] * across[..., None, :]).flatten(2)


def moved(pictures: Tensor, most: float, marks: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [B, 3, S, S] shifted by up to the share `most` and zoomed by twice as much; places [B, M, 2] in 0..1."""
    size = 1 + 2 * most * (2 * torch.rand(len(pictures), 1) - 1)
    shift = 2 * most * (2 * torch.rand(len(pictures), 2) - 1)
    frame = torch.cat([torch.diag_embed(size.expand(-1, 2)), shift[..., None]], 2)
    grid = functional.affine_grid(frame.to(pictures.device), list(pictures.shape), align_corners=False)
    out = functional.grid_sample(pictures, grid, align_corners=False, padding_mode="border")
    return out, ((2 * marks - 1 - shift[:, None].to(marks.device)) / size[:, None].to(marks.device) + 1) / 2


def coloured(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, S, S], 0..1, in other light: channels mixed, brighter, darker, noisier, partly hidden."""
    count, device = len(pictures), pictures.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return (torch.rand(count, *shape) * (high - low) + low).to(device)

    mix = torch.eye(3, device=device) + uniform(-0.35, 0.35, 3, 3)
    mixed = torch.einsum("bij,bjhw->bihw", mix / mix.sum(2, keepdim=True).clamp_min(0.3), pictures)
    bent = uniform(-0.6, 0.6, 1, 1, 1)
    lit = mixed * ((1 + bent) - bent * mixed) * uniform(0.7, 1.2, 1, 1, 1) + uniform(-0.1, 0.1, 3, 1, 1)
    # One grain for all, each its own strength: random numbers are half of the time otherwise.
    grain = torch.randn(pictures.shape[1:], device=device)
    noisy = torch.addcmul(lit, grain, uniform(-0.04, 0.04, 1, 1, 1)).clamp_(0, 1)
    return _partly_hidden(noisy)


def _partly_hidden(pictures: Tensor) -> Tensor:
    """A third of the pictures with a rectangle of one colour in them."""
    count, _, side, _ = pictures.shape
    at, size = torch.rand(2, count, 1) * side, side * (0.05 + 0.2 * torch.rand(2, count, 1))
    size = size * (torch.rand(count, 1) < 0.33)
    cells = torch.arange(side)
    inside = (cells - at).abs() < size / 2
    hidden = (inside[0, :, None, :] & inside[1, :, :, None])[:, None].to(pictures.device)
    return torch.where(hidden, torch.rand(count, 3, 1, 1).to(pictures.device), pictures)


def as_pictures(rows: np.ndarray) -> Tensor:
    """uint8 [B, S, S, 3] → float [B, 3, S, S], 0..1."""
    return torch.from_numpy(rows).permute(0, 3, 1, 2).float() / 255


def body_mirrored(rotations: Tensor, bones: Tensor, joints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rotations [B, 22, 3, 3], bones and joints [B, 22, 3] of the same people in a mirror."""
    across = torch.tensor([-1.0, 1.0, 1.0])
    return mirrored(rotations)[:, OPPOSITE], bones[:, OPPOSITE] * across, joints[:, OPPOSITE] * across


def face_mirrored(values: Tensor) -> Tensor:
    """Coefficients [B, 54] of the same faces in a mirror."""
    return values[:, coefficients.MIRROR]
