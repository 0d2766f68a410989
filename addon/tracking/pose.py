"""The body's landmarks: finds a person, follows them from frame to frame and finds them again.

The steps are those of MediaPipe's pose graph (google-ai-edge/mediapipe, Apache-2.0): detect in the whole picture, let
the pose network look at an upright square around the body, sharpen its answer by its heat map, and take the next
square from two further points that the network gives, held steady.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..core.frames import POSE_COUNT, Frame
from ..core.point_filter import PointFilter
from ..core.smoothing import OneEuro
from .company import Company
from .detection import FOUND, Detection, Detector
from .networks import BODY, PictureNetwork
from .region import Region, whole

MARGIN: Final = 1.25
"""How much larger than the circle around the body its region is; the pose network was trained so."""
_STEADY: Final = OneEuro(0.01, 10.0)
"""For the two points that the next region is taken from."""
_KERNEL: Final = 9
"""Side of the part of a heat map around a landmark that is looked at."""
_UP: Final = np.pi / 2
_NOSE, _HIPS = 0, [23, 24]
_DOUBT: Final = 0.2
"""Of bodies that differ by less in how much they look like who was followed, the nearest is taken."""


@dataclass(frozen=True)
class Pose:
    """A body in one picture."""

    landmarks: np.ndarray
    """float32 [33, 3] px, z in the scale of x."""
    world: np.ndarray
    """float32 [33, 3] m."""
    visibility: np.ndarray
    """float32 [33], 0..1."""
    presence: float


class PoseTracker:
    """Follows one person through the frames of one source."""

    def __init__(self) -> None:
        """Raises SemblanceError if onnxruntime or a network is missing."""
        self._detector, self._network = Detector("pose_detector", BODY), PictureNetwork("pose", BODY)
        self._steady = PointFilter(_STEADY)
        self._region: Region | None = None
        self._last: Region | None = None
        self.company = Company()

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of both networks, for a take's header."""
        return {"pose_detector": self._detector.stamp, "pose": self._network.card.stamp}

    def reset(self) -> None:
        """Forget the person: the next frame is from somewhere else."""
        self._region = self._last = None
        self.company.reset()

    @property
    def follows(self) -> bool:
        """True if the next frame is looked at where the person was."""
        return self._region is not None

    def track(self, frame: Frame, face: np.ndarray | None = None) -> Pose | None:
        """The followed person in `frame`, where it begins the one whose face is at [2] px; None where there is none."""
        region = self._region or self._find(frame.image, face)
        if region is None:
            return None
        pose, rim = self._look(frame.image, region)
        if pose.presence >= FOUND and (own := self._mistaken(frame, pose)) is not None:
            self._region = None
            pose, rim = self._look(frame.image, own)
        if not pose.presence >= FOUND:
            self._region = None
            return None
        if self._region is None:
            self._steady.restart()
        centre, edge = self._steady(frame.time_s, rim, aligned(rim[0], rim[1], _UP, 1.0).side)
        self._region = self._last = aligned(centre, edge, _UP, MARGIN)
        return pose

    def _mistaken(self, frame: Frame, pose: Pose) -> Region | None:
        """Where the followed person is, if this pose is somebody else's."""
        face, hips = pose.landmarks[_NOSE, :2], pose.landmarks[_HIPS, :2].mean(0)
        if not self.company.is_due(frame.image, frame.time_s, face, hips):
            return None
        bodies = self._detector.find(frame.image, whole(frame.image))
        own = self.company.mistaken(frame.image, frame.time_s, face, hips, bodies)
        return _region(own) if own is not None else None

    def _find(self, image: np.ndarray, face: np.ndarray | None) -> Region | None:
        """The person who was followed before, or whose face that is; else the largest."""
        bodies = self._detector.find(image, whole(image))
        if self._last is not None:
            last = np.array([self._last.x, self._last.y])
            likeness = [self.company.likeness(image, body) for body in bodies]
            bodies = [body for body, like in zip(bodies, likeness, strict=True) if like >= max(likeness) - _DOUBT]
            bodies.sort(key=lambda body: float(np.hypot(*(last - body.points[0]))))
        elif face is not None:
            bodies.sort(key=lambda body: float(np.hypot(*(face - body.middle))))
        else:
            bodies.sort(key=lambda body: _region(body).side, reverse=True)
        return _region(bodies[0]) if bodies else None

    def _look(self, image: np.ndarray, region: Region) -> tuple[Pose, np.ndarray]:
        """What the network sees in the region, and the two points [2, 2] px that the next one is taken from."""
        seen = self._network(region.cut(image, self._network.side, extend=True))
        points = seen["landmarks"] / self._network.side
        points[:, :2] = sharpened(points[:, :2], seen["heat"])
        points = region.project(points).astype(np.float32)
        pose = Pose(
            points[:POSE_COUNT], turned(seen["world"][:POSE_COUNT], region.angle), seen["visibility"][:POSE_COUNT],
            float(seen["presence"][0]),
        )
        return pose, points[POSE_COUNT:POSE_COUNT + 2, :2].astype(np.float64)


def _region(body: Detection) -> Region:
    """What the pose network should look at."""
    return aligned(body.points[0], body.points[1], _UP, MARGIN)


def aligned(centre: np.ndarray, edge: np.ndarray, direction: float, margin: float) -> Region:
    """The square around a circle through `edge` [2], enlarged; turned so that the edge lies in `direction` rad.

    π/2 is up: `direction` is counted counter-clockwise, as is usual.
    """
    dx, dy = edge - centre
    angle = direction - np.arctan2(-dy, dx)
    return Region(float(centre[0]), float(centre[1]), float(2 * np.hypot(dx, dy) * margin), float(angle))


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    """float32 [N, 3] of an upright crop → as they are in the picture whose region was turned by `angle` rad."""
    cos, sin = np.cos(angle), np.sin(angle)
    return (points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])).astype(np.float32)


def sharpened(points: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Points [N, 2], 0..1, moved to the weighted middle of what their heat maps [N, S, S] (logits) show around them.

    A point stays where it is if it lies outside or if its map is nowhere at least FOUND there.
    """
    size, reach = heat.shape[-1], _KERNEL // 2
    cells = np.trunc(points * size).astype(int)
    inside = ((cells >= 0) & (cells < size)).all(1)
    steps = np.arange(-reach, reach + 1)
    columns, rows = (np.where(inside, cells[:, i], 0)[:, None] + steps for i in (0, 1))
    valid = _within(rows, size)[:, :, None] & _within(columns, size)[:, None, :]
    maps = heat[np.arange(len(points))[:, None, None], rows.clip(0, size - 1)[:, :, None],
                columns.clip(0, size - 1)[:, None, :]]
    weights = np.where(valid, 1 / (1 + np.exp(-maps)), 0)
    total = np.maximum(weights.sum((1, 2)), 1e-9)
    middle = np.stack([(weights.sum(1) * columns).sum(1), (weights.sum(2) * rows).sum(1)], 1) / total[:, None] / size
    sure = inside & (weights.max((1, 2)) >= FOUND)
    return np.where(sure[:, None], middle, points)


def _within(places: np.ndarray, size: int) -> np.ndarray:
    return (places >= 0) & (places < size)
