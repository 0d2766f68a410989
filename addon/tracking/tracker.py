"""Finds a face, follows it from frame to frame and finds it again: Frame → FaceFrame.

The steps are those of MediaPipe's face mesh graph (google-ai-edge/mediapipe, Apache-2.0): detect in the whole picture,
let the mesh network look at the region around the face, take the next region from the points themselves for as long as
the network sees a face there. Values are raw; smoothing is a later step.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..core.errors import SemblanceError
from ..core.frames import CROP_SIZE, FaceFrame, Frame, unknown_landmarks
from .crop import aligned_crop
from .detection import FOUND, SAME_FACE, Detection, Detector, overlap
from .following import Box, Course, nearer_to_another
from .networks import FACE, PictureNetwork
from .region import MARGIN, FaceBox, Region, around, whole

EYE_CORNERS = [33, 263]
"""Landmarks: outer corners of the right and the left eye."""
_EARLY: Final = 80
"""Of so many faces every fourth is checked, of the others every fortieth: a check costs as much as a frame."""
_STRAY: Final = 1 / 3
"""Share of the checks from which on landmarks are not believed. Measured: people 0, half hidden 0.27; Gus up to 0.05,
Uno 0.74 to 1."""
_ASIDE: Final = (0.1, 1.1, 0.2)
"""The region of a check: how far it is moved, as a share of its side, its size, and its turn in rad."""
_WANDERED: Final = 0.09
"""How far the points of a check may lie apart, as a share of the face's size. Measured: people 0.02, strongly blurred
0.04, half hidden 0.07; Gus 0.05; Uno, on whom they are wrong, 0.1 to 0.5."""


class FaceTracker:
    """Follows one face through the frames of one source.

    `face` chooses among several in the picture where tracking begins: 0 is the largest, 1 the second largest and so on.
    Later the same face is kept by overlap with where it was last seen. With a `box` only faces in it are looked for.
    Several trackers follow several faces of one picture by `following.follow_all`.
    """

    def __init__(self, face: int = 0, box: FaceBox | None = None) -> None:
        """Raises SemblanceError for a number below 0, or if onnxruntime or a network is missing."""
        check_face(face)
        self._detector, self._mesh = Detector(), PictureNetwork("face_mesh", FACE)
        self._face, self._box = face, box
        self._region: Region | None = None
        self.course = Course()
        self._seen = self._checked = self._wandered = 0

    @property
    def looks_drawn(self) -> bool:
        """True if no face was found so far, or landmarks that do not stay on what they should mark.

        The points of a person's face stay where they are when the network looks at a slightly other region. On a face
        unlike a person's they go along with the region, however sure the network says that it is.
        """
        return self._seen == 0 or self._wandered > self._checked * _STRAY

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of both networks, for a take's header."""
        return {"face_detector": self._detector.stamp, "face_mesh": self._mesh.card.stamp}

    @property
    def place(self) -> Box | None:
        """Where the face is that is followed now."""
        return self.course.last if self._region else None

    def reset(self) -> None:
        """Forget the face: the next frame is from somewhere else."""
        self._region, self.course = None, Course()

    def give_up(self, frame: Frame) -> FaceFrame:
        """What was found in this frame is somebody else: look for the own face again."""
        self._region = None
        self.course.unsee()
        return no_face(frame, 0.0)

    def detect(self, image: np.ndarray) -> list[Detection]:
        """All faces in uint8 [H, W, 3] BGR, or only those whose middle is in the box; the likeliest first."""
        if self._box is None:
            return self._detector.find(image, whole(image))
        square = self._box.square(image)
        faces = self._detector.find(image, self._box.surroundings(image))
        return [face for face in faces if square.holds(face.middle)]

    def track(self, frame: Frame, others: Sequence[Box] = (), sought: Sequence[Box] = ()) -> FaceFrame:
        """The followed face in `frame`; `found` is False where there is none.

        Args:
            others: faces that somebody else follows; it is none of them.
            sought: where lost faces may be that somebody else looks for; it is none that is nearer to one of these.
        """
        followed, region = self._region is not None, self._region or self._find(frame, others, sought)
        if region is None:
            return no_face(frame, 0.0)
        landmarks, presence = self._look(frame.image, region)
        taken = any(overlap(*_box(landmarks), *other) > SAME_FACE for other in others)
        if taken or not presence >= FOUND:
            self._region = None
            return no_face(frame, 0.0 if taken else presence)
        box = _box(landmarks)
        self.course.see(box, frame.time_s, found=not followed)
        self._region = around(*box, *landmarks[EYE_CORNERS, :2])
        if self._seen % (4 if self._seen < _EARLY else 40) == 0:
            self._checked += 1
            self._wandered += self._wander(frame.image, self._region, landmarks)
        self._seen += 1
        return FaceFrame(frame.time_s, True, landmarks, presence, aligned_crop(frame.image, landmarks))

    def _wander(self, image: np.ndarray, region: Region, landmarks: np.ndarray) -> bool:
        """True if the points go along with the region."""
        move, size, turn = _ASIDE
        step = move * region.side
        aside = Region(region.x + step, region.y + step, region.side * size, region.angle + turn)
        again, presence = self._look(image, aside)
        apart = np.linalg.norm(again[:, :2] - landmarks[:, :2], axis=1).mean()
        return not (presence >= FOUND and apart <= _WANDERED * region.side / MARGIN)

    def _look(self, image: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Landmarks [478, 3] in px of the picture, probability of a face."""
        # The mesh network sees repeated edges, not black, where a face leaves the picture; so does MediaPipe's.
        seen = self._mesh(region.cut(image, self._mesh.side, extend=True))
        return region.project(seen["landmarks"] / self._mesh.side), float(seen["presence"][0])

    def _find(self, frame: Frame, others: Sequence[Box], sought: Sequence[Box]) -> Region | None:
        """The region of the chosen face: the one that was followed before, or the `face`-th by size."""
        seen, last = self.detect(frame.image), self.course.expected(frame.time_s)
        faces = [
            face for face in seen if all(overlap(face.low, face.high, *other) <= SAME_FACE for other in others)
            and not nearer_to_another((face.low, face.high), last, sought)
        ]
        if last is not None and faces:
            low, high = last
            nearest = max(faces, key=lambda face: overlap(low, high, face.low, face.high))
            if overlap(low, high, nearest.low, nearest.high) > 0:
                return _region(nearest)
        if len(faces) > 1:
            faces.sort(key=lambda face: self._size(frame.image, _region(face)), reverse=True)
        rank = max(self._face - (len(seen) - len(faces)), 0)
        return _region(faces[rank]) if rank < len(faces) else None

    def _size(self, image: np.ndarray, region: Region) -> float:
        """Area of the face in px², 0 if there is none; the detector's own boxes are too rough to compare."""
        landmarks, presence = self._look(image, region)
        low, high = _box(landmarks)
        return float(np.prod(high - low)) if presence >= FOUND else 0.0


def _region(face: Detection) -> Region:
    """What the mesh network should look at."""
    return around(face.low, face.high, face.points[0], face.points[1])


def _box(landmarks: np.ndarray) -> Box:
    """Upper left and lower right corner [2] of landmarks [478, 3]."""
    return landmarks[:, :2].min(0), landmarks[:, :2].max(0)


def check_face(face: int) -> None:
    """Raise SemblanceError for a number below 0."""
    if face < 0:
        raise SemblanceError(f"The number of the face must be 0 (the largest) or more, not {face}.")


def no_face(frame: Frame, confidence: float) -> FaceFrame:
    """What is told of a frame without a face."""
    return FaceFrame(
        frame.time_s, False, unknown_landmarks(), confidence,
        np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8),
    )
