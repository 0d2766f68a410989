"""The landmarks of one hand, which is looked for where the body's wrist is.

The steps are those of MediaPipe's holistic graph (google-ai-edge/mediapipe, Apache-2.0): a rough square from three of
the body's landmarks, a small network that says where in it the hand is, the square of the frame before instead if the
hand has not moved far from it, and the hand network, which also says whether it is a hand at all.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .detection import FOUND
from .networks import BODY, PictureNetwork
from .pose import Pose, aligned, turned
from .region import Region

FROM_POSE: Final = ((15, 17, 19), (16, 18, 20))
"""Of the left and the right hand: the body's landmarks at wrist, little finger and index finger."""
PALM: Final = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
"""The landmarks that a hand's region is taken from: fingers may open and close without moving it."""
_SEEN: Final = 0.1
"""Least visibility of a wrist at which a hand is looked for."""
_IN_PICTURE: Final = 0.1
"""Least share of a rough region that must lie in the picture. Of 173 looks at the webcam video's hands 71 had less and
saw none; a fifth would have done."""
_UP, _DOWN = np.pi / 2, -np.pi / 2
_FORWARDS: Final = 0.1
"""How far a region is moved towards the fingers, as a share of its length."""
_ROUGH, _AROUND = 2.7, 2.0
"""How much larger a region is than the wrist's distance to the knuckles twice, and than the palm."""
_TURNED, _MOVED, _GROWN, _INSIDE = np.radians(40), 0.2, 0.4, 0.9
"""How much the region of the frame before may differ from the new one, and the part of the new one that all landmarks
of the frame before must lie in."""


_ONE_HAND: Final = 0.25
"""Two hands whose landmarks are, on average, nearer to each other than this share of their size are one hand."""


@dataclass(frozen=True)
class Hand:
    """A hand in one picture."""

    landmarks: np.ndarray
    """float32 [21, 3] px, z in the scale of x."""
    world: np.ndarray
    """float32 [21, 3] m."""
    presence: float
    right: float
    """0..1: probability that it looks like a right hand."""

    @property
    def found(self) -> bool:
        """It is a hand."""
        return self.presence >= FOUND


class HandReader:
    """What the networks see of hands; several trackers in several threads may share one."""

    def __init__(self) -> None:
        """Raises SemblanceError if onnxruntime or a network is missing."""
        self._recrop, self._network = PictureNetwork("hand_recrop", BODY), PictureNetwork("hand", BODY)

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of both networks, for a take's header."""
        return {"hand_recrop": self._recrop.card.stamp, "hand": self._network.card.stamp}

    def place(self, image: np.ndarray, rough: Region) -> Region:
        """Where in a rough region of uint8 [H, W, 3] BGR the hand is."""
        points = self._recrop(rough.cut(image, self._recrop.side, extend=True))["points"].astype(np.float64)
        middle, below = rough.project(points / self._recrop.side)
        return _forwards(aligned(middle, below, _DOWN, 1.0), 1.0)

    def look(self, image: np.ndarray, region: Region) -> Hand:
        """The hand in the region, also if it is hardly one."""
        seen = self._network(region.cut(image, self._network.side, extend=True))
        return Hand(
            region.project(seen["landmarks"] / self._network.side).astype(np.float32),
            turned(seen["world"], region.angle), float(seen["presence"][0]), float(seen["right"][0]),
        )


class HandTracker:
    """Follows the left (0) or the right (1) hand of the person whose poses it is given."""

    def __init__(self, side: int, reader: HandReader) -> None:
        self._side, self._reader = side, reader
        self.last: np.ndarray | None = None
        """float64 [21, 2] px: where the hand was in the frame before."""

    def reset(self) -> None:
        """Forget where the hand was."""
        self.last = None

    def track(self, image: np.ndarray, pose: Pose) -> Hand | None:
        """The hand in uint8 [H, W, 3] BGR, also if it is hardly one; None where wrist or hand are not to be seen."""
        wrist, little, index = FROM_POSE[self._side]
        last, self.last = self.last, None
        if not pose.visibility[wrist] > _SEEN:
            return None
        rough = rough_region(*pose.landmarks[[wrist, little, index], :2].astype(np.float64))
        if rough.share_in(image) < _IN_PICTURE:
            return None
        region = self._reader.place(image, rough)
        if last is not None and _still_there(palm_region(last), region, last):
            region = palm_region(last)
        hand = self._reader.look(image, region)
        self.last = hand.landmarks[:, :2].astype(np.float64) if hand.found else None
        return hand


def rough_region(wrist: np.ndarray, little: np.ndarray, index: np.ndarray) -> Region:
    """Where the hand should be, from the body's landmarks [2] px."""
    middle = (2 * index + little) / 3
    towards = aligned(middle, 2 * middle - wrist, _UP, 1.0)
    return _forwards(towards, _ROUGH)


def palm_region(landmarks: np.ndarray) -> Region:
    """The region around a hand of which landmarks [21, 2] px are known: wrist below, palm in the middle."""
    knuckles = (landmarks[5] + landmarks[13]) / 4 + landmarks[9] / 2
    angle = aligned(landmarks[0], knuckles, _UP, 1.0).angle
    level = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    palm = landmarks[PALM] @ level.T
    low, high = palm.min(0), palm.max(0)
    x, y = (low + high) / 2 @ level
    size = high - low
    moved = shifted(Region(float(x), float(y), float(size.max()), angle), _FORWARDS * float(size[1]))
    return replace(moved, side=moved.side * _AROUND)


def _forwards(region: Region, larger: float) -> Region:
    """Moved towards the fingers, then enlarged."""
    return replace(shifted(region, _FORWARDS * region.side), side=region.side * larger)


def shifted(region: Region, up: float) -> Region:
    """Moved upwards along its own axis by px."""
    return replace(region, x=region.x + up * np.sin(region.angle), y=region.y - up * np.cos(region.angle))


def one_hand(a: Hand, b: Hand) -> bool:
    """True if both are the same hand: on average nearer to each other than a share of their size."""
    size = max(np.ptp(hand.landmarks[:, :2], axis=0).max() for hand in (a, b))
    return bool(np.linalg.norm(a.landmarks[:, :2] - b.landmarks[:, :2], axis=1).mean() <= _ONE_HAND * size)


def _still_there(last: Region, new: Region, landmarks: np.ndarray) -> bool:
    """True if the region of the frame before is near enough to the new one to go on with it."""
    cos, sin = np.cos(new.angle), np.sin(new.angle)
    level = np.array([[cos, sin], [-sin, cos]])
    centre = np.array([new.x, new.y])
    moved = np.abs(level @ (np.array([last.x, last.y]) - centre)).max()
    turn = np.abs((last.angle - new.angle + np.pi) % (2 * np.pi) - np.pi)
    inside = np.abs((landmarks - centre) @ level.T).max() < _INSIDE * new.side / 2
    grown = abs(last.side - new.side)
    return bool(turn <= _TURNED and moved <= _MOVED * new.side and grown <= _GROWN * new.side and inside)
