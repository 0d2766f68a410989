"""Hands found by their palms: where no body is seen, and where its wrists are only guessed.

The steps are those of MediaPipe's hand graph (google-ai-edge/mediapipe, Apache-2.0): detect palms in the whole picture,
let the hand network look at the region around each, take the next region from the landmarks themselves. Added to it:
palms are looked for only now and then, a hand keeps its side while it is followed, and hands that the wrists led to, or
that the body cannot reach, are left out.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..core.frames import Frame
from .detection import Detection, Detector, overlap
from .hands import Hand, HandReader, one_hand, palm_region, shifted
from .networks import BODY
from .pose import Pose, aligned
from .region import Region, whole

LOOK_S: Final = 0.25
"""So often palms are looked for while a hand is missing: it costs as much as a look at a hand."""
LONGEST_S: Final = 1.0
"""Where a body's wrists lead to its hands, each look in vain doubles the pause before the next one, up to this."""
_AROUND, _FORWARDS = 2.6, 0.5
"""How much larger a region is than the palm, and how far it lies towards the fingers, as a share of the palm."""
_SAME: Final = 0.5
"""Least overlap of two regions of one hand."""
_MEMORY: Final = 0.9
"""Weight of all frames before against this one when it is told whether a hand is a right one."""
_REACH_M: Final = 1.1
"""How far from its shoulder a hand may be seen: an arm, and what a lens makes of one that is stretched forwards."""
_SHOULDERS: Final = [11, 12]
_UP: Final = np.pi / 2


@dataclass(frozen=True)
class _Followed:
    """A hand of the frame before."""

    points: np.ndarray
    """float64 [21, 2] px."""
    right: float
    """0..1: how much it has looked like a right one so far."""


class PalmTracker:
    """Follows the hands that nothing else leads to, at most one of each side."""

    def __init__(self, reader: HandReader, every_s: float = LOOK_S) -> None:
        """Raises SemblanceError if onnxruntime or the network is missing."""
        self._detector, self._reader, self._every_s = Detector("palm_detector", BODY), reader, every_s
        self.reset()

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of the network, for a take's header."""
        return {"palm_detector": self._detector.stamp}

    def reset(self) -> None:
        """Forget the hands: the next frame is from somewhere else."""
        self._followed: list[_Followed] = []
        self._looked_s, self._pause_s, self._count = -np.inf, self._every_s, 0

    def track(self, frame: Frame, known: Sequence[Hand | None], pose: Pose | None = None) -> list[Hand | None]:
        """Left and right hand: the `known` ones, and for sides that are None what is seen; of that body if given."""
        there = [hand for hand in known if hand is not None]
        free = 2 - len(there)
        regions: list[tuple[Region, float | None]] = []
        if free:
            regions += [(palm_region(hand.points), hand.right) for hand in self._followed]
        if pose is None:    # nothing else leads to a hand
            self._pause_s = self._every_s
        if len(regions) < free and not 0 <= frame.time_s - self._looked_s < self._pause_s:
            self._looked_s, self._pause_s = frame.time_s, min(2 * self._pause_s, LONGEST_S)
            taken = [region for region, _ in regions] + [palm_region(hand.landmarks[:, :2]) for hand in there]
            regions += [(region, None) for region in self._find(frame.image, taken)]
        seen: list[tuple[Hand, float]] = []
        for region, before in regions:
            hand = self._reader.look(frame.image, region)
            if len(seen) < free and hand.found and in_reach(hand, pose) and not any(
                one_hand(hand, other) for other in (*there, *(each for each, _ in seen))
            ):
                right = hand.right if before is None else _MEMORY * before + (1 - _MEMORY) * hand.right
                seen.append((hand, right))
        self._followed = [_Followed(hand.landmarks[:, :2].astype(np.float64), right) for hand, right in seen]
        if len(there) + len(seen) < self._count:
            self._pause_s = self._every_s
        self._count = len(there) + len(seen)
        return _beside(known, seen)

    def _find(self, image: np.ndarray, taken: Sequence[Region]) -> list[Region]:
        """Regions of hands whose palms are seen, but for those that are `taken`."""
        found = (_around(palm) for palm in self._detector.find(image, whole(image)))
        return [each for each in found if all(overlap(*each.corners, *other.corners) < _SAME for other in taken)]


def in_reach(hand: Hand, pose: Pose | None) -> bool:
    """True if the hand can be that body's: not farther from its shoulders than an arm is long."""
    if pose is None:
        return True
    shoulders = pose.landmarks[_SHOULDERS]
    px_of_m = np.linalg.norm(shoulders[0] - shoulders[1]) / np.linalg.norm(np.subtract(*pose.world[_SHOULDERS]))
    return bool(np.linalg.norm(shoulders[:, :2] - hand.landmarks[0, :2], axis=1).min() <= _REACH_M * px_of_m)


def _around(palm: Detection) -> Region:
    """What the hand network should look at: wrist below, fingers up."""
    (x, y), size = palm.middle, palm.high - palm.low
    angle = aligned(palm.points[0], palm.points[2], _UP, 1.0).angle
    moved = shifted(Region(float(x), float(y), float(size.max()), angle), _FORWARDS * float(size[1]))
    return replace(moved, side=moved.side * _AROUND)


def _beside(known: Sequence[Hand | None], seen: Sequence[tuple[Hand, float]]) -> list[Hand | None]:
    """The known hands, and in the place of each missing one that which looks like it."""
    hands = list(known)
    if len(seen) == 2:  # both are free: one of each
        return [hand for hand, _ in sorted(seen, key=lambda each: each[1])]
    for hand, right in seen:
        side = int(right > 0.5)
        if hands[side] is None:
            hands[side] = hand
    return hands
