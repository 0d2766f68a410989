"""Faces in a whole picture or a part of it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .networks import DetectorNetwork
from .region import Region, around

FOUND = 0.5
"""Least probability of a face."""
SAME_FACE = 0.3
"""Least overlap (intersection over union) of two boxes around one face."""


@dataclass(frozen=True)
class Detection:
    """A face in the whole picture; px."""

    low: np.ndarray
    """float [2]: upper left corner of its box."""
    high: np.ndarray
    """float [2]: lower right corner."""
    points: np.ndarray
    """float [6, 2]: right eye, left eye, nose, mouth, right and left ear."""
    score: float

    @property
    def region(self) -> Region:
        """What the mesh network should look at."""
        return around(self.low, self.high, self.points[0], self.points[1])


class Detector:
    """Finds faces."""

    def __init__(self) -> None:
        """Raises SemblanceError if onnxruntime or the network is missing."""
        self._network = DetectorNetwork()
        self.stamp = self._network.card.stamp

    def find(self, image: np.ndarray, where: Region, least: float = FOUND) -> list[Detection]:
        """All faces in an upright part of uint8 [H, W, 3] BGR whose probability is `least`, the likeliest first."""
        boxes, scores = self._network(where.cut(image, self._network.side, extend=False))
        likely = scores >= least
        return [_in_picture(row, score, where) for row, score in merge(boxes[likely], scores[likely])]


def overlap(low_a: np.ndarray, high_a: np.ndarray, low_b: np.ndarray, high_b: np.ndarray) -> float:
    """Intersection over union of two boxes given by their corners [2]."""
    shared = np.prod(np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None))
    return float(shared / (np.prod(high_a - low_a) + np.prod(high_b - low_b) - shared))


def merge(boxes: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
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
    points = square.project(row.reshape(8, 2)[2:])
    centre, size = square.project(row[None, :2])[0], row[2:4] * square.side
    return Detection(centre - size / 2, centre + size / 2, points, score)
