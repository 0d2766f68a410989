"""One person, face and body, from one camera: Frame → FaceFrame and BodyFrame, on two cores at once."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from ..core.frames import BodyFrame, FaceFrame, Frame
from .body import BodyTracker
from .tracker import FaceTracker

_NOSE: Final = 0
_SURE: Final = 0.5
"""Least visibility of the nose at which it says whose face that is."""


class PersonTracker:
    """Follows one person: the body begins with the face that the face tracker chose, then leads it."""

    def __init__(self, face: FaceTracker, body: BodyTracker) -> None:
        self._face, self._body = face, body
        self._pool = ThreadPoolExecutor(1, "face")

    def track(self, frame: Frame) -> tuple[FaceFrame, BodyFrame]:
        """Both in `frame`; a face that is not the body's is not taken for it."""
        if not self._body.follows:
            face = self._face.track(frame)
            return face, self._body.track(frame, face.landmarks[:, :2].mean(0) if face.has_landmarks else None)
        looking = self._pool.submit(self._face.track, frame)
        body = self._body.track(frame)
        face = looking.result()
        return (face if _of_one_person(face, body) else self._other_face(frame)), body

    def _other_face(self, frame: Frame) -> FaceFrame:
        """Another face than the one that the face tracker follows; it had lost the person and found a neighbour."""
        wrong = self._face.place
        self._face.reset()
        return self._face.track(frame, [wrong] if wrong else [])


def _of_one_person(face: FaceFrame, body: BodyFrame) -> bool:
    """False if the body's nose is certainly not in that face."""
    if not (face.has_landmarks and body.found and body.visibility[_NOSE] >= _SURE):
        return True
    low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
    return bool((np.abs(body.landmarks[_NOSE, :2] - (low + high) / 2) <= high - low).all())
