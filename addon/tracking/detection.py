"""Faces, bodies or palms in a whole picture or a part of it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .networks import FACE, PictureNetwork
from .region import Region

FOUND = 0.5
"""Least probability of what is looked for."""
SAME_FACE = 0.3
"""Least overlap (intersection over union) of two boxes around one face, body or palm."""


@dataclass(frozen=True)
class Detection:
    """What was found in the whole picture; px."""

    low: np.ndarray
    """float [2]: upper left corner of its box."""
    high: np.ndarray
    """float [2]: lower right corner."""
    points: np.ndarray
    """float [N, 2]: those of the network's card, a face's right eye, left eye, nose, mouth, right and left ear."""
    score: float

    @property
    def middle(self) -> np.ndarray:
        """float [2]: of its box."""
        return (self.low + self.high) / 2


class Detector:
    """Finds faces, or what another detector network was trained for."""

    def __init__(self, name: str = "face_detector", feature: str = FACE) -> None:
        """Raises SemblanceError if onnxruntime or the network is missing; `feature` is what is off then."""
        self._network = PictureNetwork(name, feature)
        self.stamp = self._network.card.stamp

    def find(self, image: np.ndarray, where: Region, least: float = FOUND) -> list[Detection]:
        """All there are in an upright part of uint8 [H, W, 3] BGR whose probability is `least`, the likeliest first."""
        seen = self._network(where.cut(image, self._network.side, extend=False))
        likely = seen["scores"] >= least
        return [_in_picture(row, score, where) for row, score in _merge(seen["boxes"][likely], seen["scores"][likely])]


def overlap(low_a: np.ndarray, high_a: np.ndarray, low_b: np.ndarray, high_b: np.ndarray) -> float:
    """Intersection over union of two boxes given by their corners [2]."""
    shared = np.prod(np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None))
    return float(shared / (np.prod(high_a - low_a) + np.prod(high_b - low_b) - shared))


def _merge(boxes: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weighted non-maximum suppression: boxes of one thing become their mean, weighted by score.

    The published description is in Bazarevsky et al., "BlazeFace" (2019), section 3.3: blending instead of suppressing
    takes the jitter out of the detector's boxes.
    """
    order = np.argsort(-scores, kind="stable")
    corners = [(row[:2] - row[2:4] / 2, row[:2] + row[2:4] / 2) for row in boxes]
    merged = []
    while len(order):
        best = order[0]
        same = np.array([i == best or overlap(*corners[best], *corners[i]) > SAME_FACE for i in order])
        group = order[same]
        merged.append((np.average(boxes[group], axis=0, weights=scores[group]), float(scores[best])))
        order = order[~same]
    return merged


def _in_picture(row: np.ndarray, score: float, square: Region) -> Detection:
    points = square.project(row.reshape(-1, 2)[2:])
    centre, size = square.project(row[None, :2])[0], row[2:4] * square.side
    return Detection(centre - size / 2, centre + size / 2, points, score)
