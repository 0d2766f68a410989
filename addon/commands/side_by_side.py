"""Performer and characters next to each other: the pictures of a film, and a contact sheet of its best moments."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.errors import require

_FEATURE = "Composing pictures"
_GAP_PX = 6
_BACKGROUND = (32, 30, 29)
_LABEL = (235, 235, 235)


def beside(pictures: Sequence[np.ndarray], height: int, labels: Sequence[str]) -> np.ndarray:
    """Pictures uint8 [H, W, 3] BGR at one height with a gap between and a label at the foot of each.

    Width and height of the result are even, as video encoders need them.
    """
    gap = np.full((height, _GAP_PX, 3), _BACKGROUND, np.uint8)
    joined = np.hstack(_with_gaps([_labelled(fit(picture, height), label)
                                   for picture, label in zip(pictures, labels, strict=True)], gap))
    return joined[: height // 2 * 2, : joined.shape[1] // 2 * 2]


def contact_sheet(moments: Sequence[Sequence[np.ndarray]], width: int) -> np.ndarray:
    """Each moment as a column, its pictures one below the other, all `width` px wide and square."""
    below = np.full((_GAP_PX, width, 3), _BACKGROUND, np.uint8)
    columns = [np.vstack(_with_gaps([square(picture, width) for picture in each], below)) for each in moments]
    return np.hstack(_with_gaps(columns, np.full((columns[0].shape[0], _GAP_PX, 3), _BACKGROUND, np.uint8)))


def _with_gaps(parts: Sequence[np.ndarray], gap: np.ndarray) -> list[np.ndarray]:
    return [each for part in parts for each in (gap, part)][1:]


def telling_moments(track: np.ndarray, count: int) -> np.ndarray:
    """Indices, rising, of `count` frames of `track` [T, C] that differ most: each is the farthest from those before.

    Starts from the frame farthest from the mean (Gonzalez, "Clustering to minimize the maximum intercluster distance",
    1985).
    """
    distance = np.linalg.norm(track - track.mean(axis=0), axis=1)
    chosen = [int(distance.argmax())]
    nearest = np.linalg.norm(track - track[chosen[0]], axis=1)
    while len(chosen) < min(count, len(track)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(track - track[chosen[-1]], axis=1))
    return np.sort(chosen)


def fit(picture: np.ndarray, height: int) -> np.ndarray:
    """The picture scaled to `height` px, its proportions kept."""
    cv2 = require("cv2", _FEATURE)
    width = max(2, round(picture.shape[1] * height / picture.shape[0] / 2) * 2)
    smaller = height < picture.shape[0]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def square(picture: np.ndarray, side: int) -> np.ndarray:
    """The middle square of the picture, `side` px wide."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return fit(picture[top : top + edge, left : left + edge], side)[:, :side]


def _labelled(picture: np.ndarray, label: str) -> np.ndarray:
    cv2 = require("cv2", _FEATURE)
    scale = picture.shape[0] / 720
    at = (round(18 * scale), picture.shape[0] - round(20 * scale))
    for colour, thickness in (((0, 0, 0), 4), (_LABEL, 1.5)):
        cv2.putText(picture, label, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(thickness * scale)),
                    cv2.LINE_AA)
    return picture
