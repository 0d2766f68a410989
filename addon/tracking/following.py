"""Who is who when several faces are followed in one picture: by where each was seen last and how it moved."""
from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from ..core.frames import FaceFrame, Frame
from .detection import SAME_FACE, overlap

Box = tuple[np.ndarray, np.ndarray]
"""Upper left and lower right corner [2] px."""
_GOES_ON_S: Final = 0.4
"""So long a face that is lost is taken to move on as it did."""
_SWERVE_S: Final = 0.04
"""Time constant of its speed: points slide along for a frame or two when another face comes in front."""
_NOWHERE: Final[tuple[float, Box | None, np.ndarray]] = (-np.inf, None, np.zeros(2))


class Course:
    """Where a face was seen last, and how it moved there."""

    def __init__(self) -> None:
        self._now = _NOWHERE
        """Time, box, px per second."""
        self._before = self._now
        self.surprise = np.inf
        """How far from where it had to be expected it was seen last, as a share of its size; infinite if it was just
        found."""

    @property
    def last(self) -> Box | None:
        """Where it was seen last."""
        return self._now[1]

    def expected(self, time_s: float) -> Box | None:
        """Where it may be at a later time; None if it was never seen."""
        then_s, last, velocity = self._now
        way = velocity * min(max(time_s - then_s, 0.0), _GOES_ON_S)
        return None if last is None else (last[0] + way, last[1] + way)

    def see(self, box: Box, time_s: float, found: bool) -> None:
        """It is here now; `found` says that it was not followed to here."""
        expected = self.expected(time_s)
        then_s, last, before = self._before = self._now
        self.surprise, velocity = np.inf, np.zeros(2)
        if last is not None and expected is not None and not found and time_s > then_s:
            self.surprise = float(np.linalg.norm(_middle(box) - _middle(expected)) / np.ptp(box, axis=0).max())
            share = 1 - math.exp((then_s - time_s) / _SWERVE_S)
            velocity = before + share * ((_middle(box) - _middle(last)) / (time_s - then_s) - before)
        self._now = time_s, box, velocity

    def unsee(self) -> None:
        """What was seen last was something else."""
        self._now, self.surprise = self._before, np.inf


class Follows(Protocol):
    """A tracker of one face."""

    @property
    def place(self) -> Box | None:
        """Where the face is that is followed now."""

    @property
    def course(self) -> Course:
        """How it came there, or to where it was lost."""

    def track(self, frame: Frame, others: Sequence[Box] = (), sought: Sequence[Box] = ()) -> FaceFrame:
        """The face in `frame`: none of the `others`, and none that is nearer to where a `sought` one may be."""

    def give_up(self, frame: Frame) -> FaceFrame:
        """What was found in this frame is somebody else: look for the own face again."""


def follow_all(trackers: Sequence[Follows], frame: Frame) -> list[FaceFrame]:
    """The face of each in one picture; no two of them are the same.

    Where two meet on one face, as when one passes behind the other, it is that of the one which was to be expected
    there; the other is looked for again. A face that turns up is that of the lost one which may be nearest to it.
    """
    found: dict[int, FaceFrame] = {
        i: tracker.track(frame) for i, tracker in enumerate(trackers) if tracker.place is not None
    }
    for one, other in itertools.combinations(found, 2):
        places = trackers[one].place, trackers[other].place
        if places[0] is not None and places[1] is not None and overlap(*places[0], *places[1]) > SAME_FACE:
            wrong = max(one, other, key=lambda i: trackers[i].course.surprise)
            found[wrong] = trackers[wrong].give_up(frame)
    for i, tracker in enumerate(trackers):
        if i not in found:
            rest = [other for other in trackers if other is not tracker]
            others = [other.place for other in rest if other.place is not None]
            sought = [other.course.expected(frame.time_s) for other in rest if other.place is None]
            found[i] = tracker.track(frame, others, [place for place in sought if place is not None])
    return [found[i] for i in range(len(trackers))]


def nearer_to_another(face: Box, own: Box | None, sought: Sequence[Box]) -> bool:
    """True if one of the `sought` places is nearer to `face` than our `own`; None = we have none."""
    middle = _middle(face)
    away = np.inf if own is None else np.linalg.norm(middle - _middle(own))
    return any(np.linalg.norm(middle - _middle(box)) < away for box in sought)


def _middle(box: Box) -> np.ndarray:
    return (box[0] + box[1]) / 2
