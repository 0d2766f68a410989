"""What the token renderer learns from: drawn bodies cut out alike, each with its tokens and others of the person.

A figure stands in the middle of its square, as tall as every other, before grey; so nothing but who it is and what it
does is left to say. Pictures that do not show the whole figure are left out.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from addon.characters.body_pose import TO_BODY
from addon.core.body_motion import JOINT
from addon.core.files import replacing

from .body_people import person_of
from .body_pictures import read_shards
from .motion_token_model import load_tokens, turned
from .token_renderer_guide import MARKS
from .token_renderer_model import GREY

_TALL: Final = 1.25
"""Side of the square, in the person's heights."""
_PELVIS: Final = (0.5, 0.54)
_WRISTS: Final = (JOINT["left_wrist"], JOINT["right_wrist"])
_SEEN: Final = ("picture", "face", "left", "right")
_CROPPED: Final = ("picture", "depth", "points", "joints", "hands", "rotations", "person", "pose")
_CROWN: Final = 0.88
"""From the head's joint to the top, in heights of the head."""
_MIDDLE_TIP: Final = 12
"""Of a hand's 21 points."""


@dataclass(frozen=True)
class Figures:
    """N figures, cut out alike."""

    pictures: np.ndarray
    """uint8 [N, P, P, 3] RGB."""
    marks: np.ndarray
    """float32 [N, 25, 3]: as token_renderer_guide has them."""
    tokens: np.ndarray
    """float32 [N, 192]: what the kept encoder sees in the whole pictures."""
    person: np.ndarray
    pose: np.ndarray
    """int32 [N]."""

    def __len__(self) -> int:
        return len(self.person)


def read_figures(data: Path, kind: str, pixels: int, kept: Path) -> Figures:
    """The figures of "train" or "test". Cutting them out takes two minutes, so they stay in the folder `kept`.

    Raises:
        SemblanceError: if there are no pictures or no encoder.
    """
    path = kept / f"figures_{kind}_{pixels}_{len(list(data.glob(f'{kind}_*.npz')))}.npz"
    if not path.exists():
        columns = read_shards(data, kind, _CROPPED)
        whole = ((columns["points"] > 1) & (columns["points"] < 126)).all((1, 2))
        pictures, marks = cut_out(columns, pixels, np.flatnonzero(whole))
        seen = read_shards(data, kind, _SEEN)
        tokens = load_tokens()(*(seen[name][whole] for name in _SEEN))
        found = Figures(pictures, marks, tokens, columns["person"][whole], columns["pose"][whole])
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, **vars(found))
    with np.load(path) as kept_figures:
        return Figures(*(kept_figures[field.name] for field in fields(Figures)))


def cut_out(columns: dict[str, np.ndarray], pixels: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Figures of these rows [R, P, P, 3] before grey, and their marks [R, 25, 3]."""
    pictures = np.empty((len(rows), pixels, pixels, 3), np.uint8)
    marks = np.empty((len(rows), len(MARKS), 3), np.float32)
    for to, row in enumerate(rows):
        joints, seen = columns["joints"][row, :, :2], columns["points"][row].astype(np.float64)
        person = person_of(int(columns["person"][row]))
        apart, far = seen - seen[0], joints - joints[0]
        scale = float((apart * far).sum() / (far * far).sum())     # px for a metre
        zoom = pixels / (scale * _TALL * person.height)
        shift = (pixels - 1) * np.array(_PELVIS) - zoom * seen[0]
        matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
        stands = np.isfinite(columns["depth"][row]).astype(np.float32)
        figure = cv2.resize(stands, columns["picture"].shape[1:3], interpolation=cv2.INTER_LINEAR)
        layers = np.dstack([columns["picture"][row] * figure[..., None], figure]).astype(np.float32)
        soft = cv2.GaussianBlur(layers, (0, 0), max(0.35 / zoom, 0.3))     # so that nothing folds when made smaller
        cut = cv2.warpAffine(soft, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR)
        pictures[to] = np.clip(cut[..., :3] + GREY * (1 - cut[..., 3:]) + 0.5, 0, 255).astype(np.uint8)
        flat = (zoom * seen + shift + 0.5) / pixels
        deep = columns["joints"][row, :, 2:] / (_TALL * person.height)
        whole = np.concatenate([flat, deep], 1)
        beyond = _ends(columns, row, person.head_height) / (_TALL * person.height)
        marks[to] = np.concatenate([whole, whole[[JOINT["head"], *_WRISTS]] + beyond])
    return pictures, marks


def _ends(columns: dict[str, np.ndarray], row: int, head_height: float) -> np.ndarray:
    """Where crown and finger tips are, from the head's joint and the wrists, [3, 3]; m, as the shards' joints."""
    head = turned(torch.from_numpy(columns["rotations"][row:row + 1]))[0, JOINT["head"]].numpy()
    return np.concatenate([_CROWN * head_height * (head[:, 1] @ TO_BODY)[None], columns["hands"][row, :, _MIDDLE_TIP]])


def others(alike: np.ndarray) -> Callable[[np.random.Generator, np.ndarray], np.ndarray]:
    """A function that draws, for rows [B], another row whose entry of `alike` [N] is the same; itself if none is."""
    order = np.argsort(alike, kind="stable")
    _, first, count = np.unique(alike[order], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(first)), count)
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))

    def other(random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        of, at = group[place[rows]], place[rows] - first[group[place[rows]]]
        step = 1 + random.integers(0, np.maximum(count[of] - 1, 1))
        return order[first[of] + (at + step) % count[of]]

    return other


def recoloured(random: np.random.Generator, *pictures: Tensor) -> tuple[Tensor, ...]:
    """The same change of colours for all pictures of a row: people of colours that nobody has; grey stays grey."""
    count, device = len(pictures[0]), pictures[0].device
    order = torch.from_numpy(np.stack([random.permutation(3) for _ in range(count)])).to(device)
    gain = torch.from_numpy(random.uniform(0.75, 1.25, (count, 3, 1, 1)).astype(np.float32)).to(device)
    rows = torch.arange(count, device=device)[:, None]
    return tuple((each[rows, order] * gain).clamp(-1, 1) for each in pictures)
