"""What the token renderer learns from: drawn bodies cut out alike, each with its motion and others of the person.

A figure stands in the middle of its square, as tall as every other, before grey; so nothing but who it is and what it
does is left to say. Pictures that do not show the whole figure are left out.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from addon.core import coefficients
from addon.core.body_motion import JOINT, JOINTS
from addon.core.files import replacing

from .body_people import SIDES, person_of, pose_bones
from .body_pictures import read_shards
from .body_stage import BodyPose
from .motion_token_model import SLICES, TOKENS, load_decoders, load_tokens

_TALL: Final = 1.25
"""Side of the square, in the person's heights."""
_PELVIS: Final = (0.5, 0.54)
_GREY: Final = 128
_CROPPED: Final = ("picture", "depth", "points", "joints", "person", "pose", "rotations", "fingers", "coefficients")
_SEEN: Final = ("picture", "face", "left", "right")
_FOLDED: Final = tuple(JOINT[name] for name in ("left_hip", "right_hip", "spine1", "spine2"))
"""Joints whose places the others' tell."""


@dataclass(frozen=True)
class Figures:
    """N figures, cut out alike."""

    pictures: np.ndarray
    """uint8 [N, P, P, 3] RGB."""
    points: np.ndarray
    """float32 [N, 22, 2]: joints, px in `pictures`, whole numbers at the middles of pixels."""
    motion: np.ndarray
    """float32 [N, 192]."""
    person: np.ndarray
    pose: np.ndarray
    """int32 [N]."""
    row: np.ndarray
    """int [N], in the shards."""

    def __len__(self) -> int:
        return len(self.person)


def read_figures(data: Path, kind: str, pixels: int, kept: Path) -> Figures:
    """The figures of "train" or "test", their motion said by the true pose (`stand_in`).

    Cutting them out takes half a minute, so they stay in the folder `kept`.

    Raises:
        SemblanceError: if there are no pictures.
    """
    path = kept / f"{kind}_{pixels}_{len(list(data.glob(f'{kind}_*.npz')))}.npz"
    if not path.exists():
        columns = read_shards(data, kind, _CROPPED)
        whole = ((columns["points"] > 1) & (columns["points"] < 126)).all((1, 2))
        rows = np.flatnonzero(whole)
        pictures, points = cut_out(columns, pixels, rows)
        motion = np.stack([stand_in(BodyPose(*(columns[name][row] for name in _CROPPED[-3:]))) for row in rows])
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, pictures=pictures, points=points, motion=motion, person=columns["person"][whole],
                     pose=columns["pose"][whole], row=rows)
    with np.load(path) as found:
        return Figures(*(found[field.name] for field in fields(Figures)))


def by_tokens(figures: Figures, data: Path, kind: str) -> Figures:
    """The same figures, their motion said by the four tokens that the kept encoder sees in their pictures.

    Raises:
        SemblanceError: if there is no encoder.
    """
    seen = read_shards(data, kind, _SEEN)
    return replace(figures, motion=load_tokens()(*(seen[name][figures.row] for name in _SEEN)))


def by_decoded_tokens(figures: Figures, data: Path, kind: str) -> Figures:
    """The same figures, their motion said by the pose that the kept decoders make of their tokens: for a renderer that
    learned from true poses.

    Raises:
        SemblanceError: if there are no encoder and decoders.
    """
    decoded = load_decoders()(by_tokens(figures, data, kind).motion)
    return replace(figures, motion=np.stack([stand_in(BodyPose(*each)) for each in zip(*decoded, strict=True)]))


def cut_out(columns: dict[str, np.ndarray], pixels: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Figures of these rows [R, P, P, 3] before grey, and their joints [R, 22, 2]."""
    pictures = np.empty((len(rows), pixels, pixels, 3), np.uint8)
    points = np.empty((len(rows), len(JOINTS), 2), np.float32)
    for to, row in enumerate(rows):
        joints, seen = columns["joints"][row, :, :2], columns["points"][row].astype(np.float64)
        apart, far = seen - seen[0], joints - joints[0]
        scale = float((apart * far).sum() / (far * far).sum())     # px for a metre
        zoom = pixels / (scale * _TALL * person_of(int(columns["person"][row])).height)
        shift = (pixels - 1) * np.array(_PELVIS) - zoom * seen[0]
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
        stands = np.isfinite(columns["depth"][row]).astype(np.float32)
        figure = cv2.resize(stands, columns["picture"].shape[1:3], interpolation=cv2.INTER_LINEAR)
        layers = np.dstack([columns["picture"][row] * figure[..., None], figure]).astype(np.float32)
        soft = cv2.GaussianBlur(layers, (0, 0), max(0.35 / zoom, 0.3))     # so that nothing folds when made smaller
        cut = cv2.warpAffine(soft, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR)
        pictures[to] = np.clip(cut[..., :3] + _GREY * (1 - cut[..., 3:]) + 0.5, 0, 255).astype(np.uint8)
        points[to] = zoom * seen + shift
    return pictures, points


def stand_in(pose: BodyPose) -> np.ndarray:
    """The true pose in the shape of the tokens, float32 [192]: coefficients; joints of one average body and how its
    head is turned; how each joint of either hand is bent and turned aside."""
    person = person_of(0)
    matrices = pose_bones(person, pose.rotations, pose.fingers)
    places = np.einsum("bij,bj->bi", matrices[:22, :3, :3], person.rest[:22]) + matrices[:22, :3, 3]
    told = np.zeros(TOKENS, np.float32)
    told[SLICES["face"]][:coefficients.COUNT] = pose.coefficients
    kept = [i for i in range(1, len(JOINTS)) if i not in _FOLDED]
    body = np.concatenate([places[kept].ravel(), matrices[JOINT["head"], :3, 1:3].ravel()])
    told[SLICES["body"]][:len(body)] = body
    for side, name in enumerate(SIDES):
        turned = pose.fingers[side]
        told[SLICES[name]][:30] = np.concatenate([turned[:, 1, 0], turned[:, 0, 2]]) * (1, -1)[side]
    return told


def same_person(figures: Figures) -> Callable[[np.random.Generator, np.ndarray], np.ndarray]:
    """A function that draws, for rows [B], another row of the same person."""
    order = np.argsort(figures.person, kind="stable")
    _, first, count = np.unique(figures.person[order], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(first)), count)
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))

    def other(random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        of, at = group[place[rows]], place[rows] - first[group[place[rows]]]
        step = 1 + random.integers(0, np.maximum(count[of] - 1, 1))
        return order[first[of] + (at + step) % count[of]]

    return other


def as_values(pictures: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """uint8 [N, P, P, 3] → float32 [N, 3, P, P], grey = 0."""
    return (torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() - _GREY) / 127.5


def as_pictures(values: Tensor) -> np.ndarray:
    """The way back."""
    return (values.permute(0, 2, 3, 1) * 127.5 + _GREY).round().clamp(0, 255).byte().cpu().numpy()


def recoloured(random: np.random.Generator, *pictures: Tensor) -> tuple[Tensor, ...]:
    """The same change of colours for all pictures of a row: people of colours that nobody has; grey stays grey."""
    count, device = len(pictures[0]), pictures[0].device
    order = torch.from_numpy(np.stack([random.permutation(3) for _ in range(count)])).to(device)
    gain = torch.from_numpy(random.uniform(0.75, 1.25, (count, 3, 1, 1)).astype(np.float32)).to(device)
    rows = torch.arange(count, device=device)[:, None]
    return tuple((each[rows, order] * gain).clamp(-1, 1) for each in pictures)
