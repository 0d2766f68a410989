"""Follows a drawn or rendered face, on which the landmark network finds nothing or the wrong places: Frame → FaceFrame.

Such a face is read from the picture alone: its place is the user's box, or what the face detector sees even faintly,
calmed over time because its boxes tremble; for as long as it sees nothing, the last place while it looks the same.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..core.errors import require
from ..core.frames import FaceFrame, Frame, unknown_landmarks
from .crop import square_crop
from .detection import FOUND, SAME_FACE, Detection, Detector, overlap
from .following import Box, Course, nearer_to_another
from .region import FaceBox, Region, whole
from .tracker import check_face, no_face

_FAINT: Final = 0.3
"""Least probability of a detection; drawn faces get less than people."""
_CLEAR: Final = 0.4
"""Of a detection that is hardly a chance pattern: Uno 0.45 to 0.75, nine of ten blurred backdrops less than 0.38."""
_HELD: Final = 0.1
"""Confidence of a face that is only held where it was."""
_ALIKE: Final = 0.7
"""Least correlation with how the place looked when a face was seen there."""
_LOOK_PX: Final = 32
_SPAN: Final = 1.55
"""Side of the crop in detected boxes. What tracking.crop shows of people and of our characters with two eyes is 1.35;
Uno's brow would be cut off then."""
_PLACE_S: Final = 0.15
_SIZE_S: Final = 0.6
"""Time constants of the calmed place and size; heads move faster than they come nearer."""
_JUMP: Final = 0.3
"""Least overlap of a detected square with the one before, below which the picture has cut to elsewhere."""


class DrawnFaceTracker:
    """Follows one drawn face through the frames of one source; its FaceFrames have a crop but no landmarks.

    `face` chooses by size among several where tracking begins, as for people. A `box` is taken as it is in all frames.
    """

    def __init__(self, face: int = 0, box: FaceBox | None = None) -> None:
        """Raises SemblanceError for a number below 0, or if onnxruntime or the network is missing."""
        check_face(face)
        self._detector = Detector()
        self._face, self._box = face, box
        self._region: Region | None = None
        self.course = Course()
        self._time_s = -math.inf
        self._look = np.zeros((_LOOK_PX, _LOOK_PX))
        self._frames = self._clear = 0

    @property
    def is_steady(self) -> bool:
        """True if most frames so far showed a face clearly, so that it is hardly a chance pattern."""
        return self._clear > self._frames / 2

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of the network, for a take's header."""
        return {"face_detector": self._detector.stamp}

    @property
    def place(self) -> Box | None:
        """Where the face is that is followed now."""
        return self._region.corners if self._region else None

    def give_up(self, frame: Frame) -> FaceFrame:
        """What was found in this frame is somebody else: look for the own face again."""
        self._region = None
        self.course.unsee()
        return no_face(frame, 0.0)

    def track(self, frame: Frame, others: Sequence[Box] = (), sought: Sequence[Box] = ()) -> FaceFrame:
        """The followed face in `frame`, with `others` and `sought` as for people; `found` is False without one."""
        region, confidence = self._place(frame, others, sought)
        self._frames += 1
        self._clear += confidence >= _CLEAR
        if region is None:
            return no_face(frame, 0.0)
        return FaceFrame(frame.time_s, True, unknown_landmarks(), confidence, square_crop(frame.image, region))

    def _place(self, frame: Frame, others: Sequence[Box], sought: Sequence[Box]) -> tuple[Region | None, float]:
        """The square of the face, None if there is none, and how sure that is."""
        if self._box:
            return self._box.square(frame.image), FOUND
        seen = self._detector.find(frame.image, whole(frame.image), _FAINT)
        places = [(face, _square(face).corners) for face in seen]
        last = self.course.expected(frame.time_s)
        face = self._choose([
            face for face, place in places if all(overlap(*place, *other) <= SAME_FACE for other in others)
            and not nearer_to_another(place, last, sought)
        ], len(seen), last)
        if face is not None:
            followed = self._region is not None
            self._region = self._calmed(_square(face), frame.time_s)
            self.course.see(self._region.corners, frame.time_s, found=not followed)
            self._time_s, self._look = frame.time_s, _look(frame.image, self._region)
            return self._region, face.score
        if self._region is not None and _correlation(self._look, _look(frame.image, self._region)) >= _ALIKE:
            return self._region, _HELD
        return None, 0.0

    def _choose(self, faces: list[Detection], seen: int, last: Box | None) -> Detection | None:
        """The face that was followed before, or the `face`-th by size of all that were `seen`."""
        if last is not None and faces:
            nearest = max(faces, key=lambda face: overlap(*_square(face).corners, *last))
            if overlap(*_square(nearest).corners, *last) > 0:
                return nearest
        faces = sorted(faces, key=lambda face: _square(face).side, reverse=True)
        rank = max(self._face - (seen - len(faces)), 0)
        return faces[rank] if rank < len(faces) else None

    def _calmed(self, new: Region, time_s: float) -> Region:
        """Between the place before and the new one; the new one after a cut."""
        last = self._region
        if last is None or _shared(last, new) < _JUMP:
            return new
        place, size = (1 - math.exp(-(time_s - self._time_s) / constant) for constant in (_PLACE_S, _SIZE_S))
        return Region(
            last.x + place * (new.x - last.x), last.y + place * (new.y - last.y),
            last.side + size * (new.side - last.side), 0.0,
        )


def _square(face: Detection) -> Region:
    """The upright square that the crop shows; drawn eyes tell the detector too little of the roll."""
    x, y = face.middle
    return Region(float(x), float(y), float((face.high - face.low).max()) * _SPAN, 0.0)


def _shared(a: Region, b: Region) -> float:
    """Overlap of two upright squares."""
    return overlap(*a.corners, *b.corners)


def _look(image: np.ndarray, region: Region) -> np.ndarray:
    """float [32, 32]: the place in grey, of mean 0 and length 1."""
    cv2 = require("cv2", "Face tracking")
    grey = cv2.cvtColor(square_crop(image, region), cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (_LOOK_PX, _LOOK_PX), interpolation=cv2.INTER_AREA).astype(float)
    small -= small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-6)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum())
