"""Finds a face, follows it from frame to frame and finds it again: Frame → FaceFrame.

The steps are those of MediaPipe's face mesh graph (google-ai-edge/mediapipe, Apache-2.0): detect in the whole picture,
let the mesh network look at the region around the face, take the next region from the points themselves for as long as
the network sees a face there. Values are raw; smoothing is a later step.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.errors import SemblanceError
from ..core.frames import CROP_SIZE, LANDMARK_COUNT, FaceFrame, Frame
from .crop import aligned_crop
from .networks import DetectorNetwork, MeshNetwork
from .region import Region, around, whole

FOUND = 0.5
"""Least probability of a detection, and of a face in the region."""
SAME_FACE = 0.3
"""Least overlap (intersection over union) of two boxes around one face."""
EYE_CORNERS = [33, 263]
"""Landmarks: outer corners of the right and the left eye."""


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


class FaceTracker:
    """Follows one face through the frames of one source.

    `face` chooses among several in the picture where tracking begins: 0 is the largest, 1 the second largest and so on.
    Later the same face is kept by overlap with where it was last seen.
    """

    def __init__(self, face: int = 0) -> None:
        """Raises SemblanceError for a number below 0, or if onnxruntime or a network is missing."""
        if face < 0:
            raise SemblanceError(f"The number of the face must be 0 (the largest) or more, not {face}.")
        self._detector, self._mesh = DetectorNetwork(), MeshNetwork()
        self._face = face
        self._region: Region | None = None
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def stamps(self) -> tuple[str, str]:
        """"name version sha256-prefix" of both networks, for a take's header."""
        return self._detector.card.stamp, self._mesh.card.stamp

    def reset(self) -> None:
        """Forget the face: the next frame is from somewhere else."""
        self._region = self._last = None

    def detect(self, image: np.ndarray) -> list[Detection]:
        """All faces in uint8 [H, W, 3] BGR, the likeliest first."""
        square = whole(image)
        boxes, scores = self._detector(square.cut(image, self._detector.side, extend=False))
        likely = scores >= FOUND
        return [_in_picture(row, score, square) for row, score in _merge(boxes[likely], scores[likely])]

    def track(self, frame: Frame) -> FaceFrame:
        """The followed face in `frame`; `found` is False where there is none."""
        region = self._region or self._find(frame.image)
        if region is None:
            return _nothing(frame, 0.0)
        landmarks, presence = self._look(frame.image, region)
        if not presence >= FOUND:
            self._region = None
            return _nothing(frame, presence)
        self._last = _box(landmarks)
        self._region = around(*self._last, *landmarks[EYE_CORNERS, :2])
        return FaceFrame(frame.time_s, True, landmarks, presence, aligned_crop(frame.image, landmarks))

    def _look(self, image: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Landmarks [478, 3] in px of the picture, probability of a face."""
        # The mesh network sees repeated edges, not black, where a face leaves the picture; so does MediaPipe's.
        landmarks, presence = self._mesh(region.cut(image, self._mesh.side, extend=True))
        return region.project(landmarks / self._mesh.side), presence

    def _find(self, image: np.ndarray) -> Region | None:
        """The region of the chosen face: the one that was followed before, or the `face`-th by size."""
        faces = self.detect(image)
        if self._last is not None and faces:
            low, high = self._last
            nearest = max(faces, key=lambda face: overlap(low, high, face.low, face.high))
            if overlap(low, high, nearest.low, nearest.high) > 0:
                return nearest.region
        if len(faces) > 1:
            faces.sort(key=lambda face: self._size(image, face.region), reverse=True)
        return faces[self._face].region if self._face < len(faces) else None

    def _size(self, image: np.ndarray, region: Region) -> float:
        """Area of the face in px², 0 if there is none; the detector's own boxes are too rough to compare."""
        landmarks, presence = self._look(image, region)
        low, high = _box(landmarks)
        return float(np.prod(high - low)) if presence >= FOUND else 0.0


def _box(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper left and lower right corner [2] of landmarks [478, 3]."""
    return landmarks[:, :2].min(0), landmarks[:, :2].max(0)


def overlap(low_a: np.ndarray, high_a: np.ndarray, low_b: np.ndarray, high_b: np.ndarray) -> float:
    """Intersection over union of two boxes given by their corners [2]."""
    shared = np.prod(np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None))
    return float(shared / (np.prod(high_a - low_a) + np.prod(high_b - low_b) - shared))


def _merge(boxes: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weighted non-maximum suppression: boxes of one face become their mean, weighted by score.

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


def _nothing(frame: Frame, confidence: float) -> FaceFrame:
    """What is told of a frame without a face."""
    return FaceFrame(
        frame.time_s, False, np.full((LANDMARK_COUNT, 3), np.nan, np.float32), confidence,
        np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8),
    )
