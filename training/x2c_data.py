"""Pictures of a robot's face with the 30 values that made them: Ada's pairs, or X2C itself where a user has it."""
from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from addon.core.control_set import ControlSet
from addon.core.errors import SemblanceError
from addon.core.files import replacing
from addon.core.frames import LANDMARK_COUNT, FaceFrame, Frame
from addon.core.pair_set import read_pairs
from addon.tracking.crop import aligned_crop
from addon.tracking.tracker import FaceTracker, no_face
from training.expression_data import LANDMARK_MIRROR
from training.face_sets import LabelledFace, read_picture, x2c_set

_HELD_OUT: Final = 5
"""One animation in so many is asked about and not learned from: X2C's 80 to 20."""
_BLOCK: Final = 500
"""Frames that count as one animation where nobody says of which one they are: X2C's images are numbered in the order
of recording, and the frames of an animation look nearly the same."""
_LOOKED_AT: Final = 2000
"""Pictures that our tracker looks at where nobody did."""


@dataclass(frozen=True)
class View:
    """What a network sees of a picture."""

    part: float
    """The share of the picture's smaller side that the square in its middle has."""
    side: int
    """px of that square when it is seen."""

    def of(self, picture: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] → uint8 [side, side, 3]."""
        height, width = picture.shape[:2]
        square = max(1, round(self.part * min(height, width)))
        top, left = (height - square) // 2, (width - square) // 2
        shape = (self.side, self.side)
        smaller = cv2.INTER_AREA if square > self.side else cv2.INTER_LINEAR
        return cv2.resize(picture[top:top + square, left:left + square], shape, interpolation=smaller)


@dataclass(frozen=True)
class Renders:
    """N pictures and what made them."""

    pictures: np.ndarray
    """uint8 [N, S, S, 3] RGB; may lie on the disk."""
    controls: np.ndarray
    """float32 [N, 30], the robot's units."""
    faces: list[FaceFrame]
    """What our tracker sees in the whole pictures, a second apart; empty where nobody looked."""
    width: int = 0
    """px of the whole pictures that the faces are from."""

    def __len__(self) -> int:
        return len(self.controls)

    def __getitem__(self, rows: slice) -> Renders:
        return Renders(self.pictures[rows], self.controls[rows], self.faces[rows], self.width)


def ada_renders(folder: Path, purpose: str, view: View, most: int | None = None) -> Renders:
    """Ada's pairs, all or the first `most`.

    Raises:
        SemblanceError: if there are none, they are damaged, of another character or for another purpose.
    """
    header, shards = read_pairs(folder, purpose)
    if header.character != "Ada":
        raise SemblanceError(f"'{folder}' has pairs of {header.character}; X2CNet learns Ada's 30 controls.")
    pictures: list[np.ndarray] = []
    controls: list[np.ndarray] = []
    faces: list[FaceFrame] = []
    for shard in shards:
        for image, values, landmarks, confidence in zip(
            shard.images, shard.controls, shard.landmarks, shard.confidence, strict=True
        ):
            pictures.append(view.of(image))
            controls.append(values)
            faces.append(_face(len(faces), image, landmarks, float(confidence)))
        if most is not None and len(controls) >= most:
            break
    return Renders(np.stack(pictures), np.stack(controls), faces, header.size)[:most]


def _face(index: int, image: np.ndarray, landmarks: np.ndarray, confidence: float) -> FaceFrame:
    """As the tracker told it when the pair was made; `image` is RGB."""
    bgr = np.ascontiguousarray(image[..., ::-1])
    if not np.isfinite(landmarks).all():
        return no_face(Frame(bgr, float(index), index), confidence)
    return FaceFrame(float(index), True, landmarks, confidence, aligned_crop(bgr, landmarks))


def landmarks_seen(renders: Renders, view: View) -> np.ndarray:
    """float32 [N, 478, 2]: landmarks in shares of the view's side from its middle; NaN where no face was found.

    Where nobody looked, our tracker does, at some of the pictures.
    """
    if renders.faces:
        whole = np.stack([face.landmarks[:, :2] for face in renders.faces])
        return (whole / renders.width - 0.5) / view.part
    found = np.full((len(renders), LANDMARK_COUNT, 2), np.nan, np.float32)
    tracker = FaceTracker()
    for row in np.unique(np.linspace(0, len(renders) - 1, _LOOKED_AT).astype(int)):
        tracker.reset()
        picture = np.ascontiguousarray(renders.pictures[row][..., ::-1])
        found[row] = tracker.track(Frame(picture, 0.0, 0)).landmarks[:, :2] / view.side - 0.5
    return found


def with_mirror_images(renders: Renders, controls: ControlSet, width: int) -> Renders:
    """The renders and then all of them as seen in a mirror; `width` px have the pictures that the faces are from."""
    flipped = [
        FaceFrame(face.time_s + len(renders), face.found,
                  face.landmarks[LANDMARK_MIRROR] * np.float32([-1, 1, 1]) + np.float32([width - 1, 0, 0]),
                  face.confidence, face.crop[:, ::-1]) for face in renders.faces
    ]
    return Renders(np.concatenate([renders.pictures, renders.pictures[:, :, ::-1]]),
                   np.concatenate([renders.controls, controls.mirrored(renders.controls)]), renders.faces + flipped,
                   width)


def x2c_renders(folder: Path, controls: ControlSet, view: View, kept: Path) -> tuple[Renders, Renders, list[str]]:
    """X2C's frames to learn from and those to ask about, which are of other animations, and the lines refused.

    The pictures are read once and kept in the folder `kept`.

    Raises:
        SemblanceError: if there is no set, a picture is damaged, or there are fewer than two animations.
    """
    refused: list[str] = []
    faces = list(x2c_set(folder, controls, refused))
    aside = held_out([animation_of(face, number) for number, face in enumerate(faces)])
    if aside.all() or not aside.any():
        told = f" The first line that was refused: {refused[0]}" if refused else ""
        raise SemblanceError(
            f"'{folder}' has {len(faces)} frames of fewer than two animations, one of which must be kept for the test: "
            f"frames of one look nearly the same; add more of the set.{told}"
        )
    values = np.array([face.controls for face in faces], np.float32)
    learned, asked = (
        Renders(_kept_pictures([faces[row].path for row in rows], view, kept), values[rows], [])
        for rows in (np.flatnonzero(~aside), np.flatnonzero(aside))
    )
    return learned, asked, refused


def _kept_pictures(paths: list[Path], view: View, folder: Path) -> np.ndarray:
    """The pictures uint8 [N, S, S, 3] RGB, on the disk: as large as X2C is, they need not fit into memory."""
    named = f"{view}" + "".join(f"\n{path} {path.stat().st_mtime_ns}" for path in paths)
    path = folder / f"x2c_{hashlib.sha256(named.encode()).hexdigest()[:12]}.npy"
    if not path.exists():
        with replacing(path) as partial:
            pictures = np.lib.format.open_memmap(
                partial, mode="w+", dtype=np.uint8, shape=(len(paths), view.side, view.side, 3)
            )
            for number, each in enumerate(paths):
                pictures[number] = view.of(read_picture(each))[..., ::-1]
            pictures.flush()
    return np.load(path, mmap_mode="r", allow_pickle=False)


def animation_of(face: LabelledFace, number: int) -> str:
    """A name for the frames that look nearly like this one, which is the `number`-th of the set."""
    if face.animation:
        return face.animation
    stem = face.path.stem
    return f"frames from {(int(stem) if stem.isdecimal() else number) // _BLOCK * _BLOCK}"


def held_out(animations: list[str]) -> np.ndarray:
    """bool [N]: of an animation for the test. It depends on the names alone, so that a set may grow; where chance
    takes none or all of them, it is the last one."""
    names = sorted(set(animations))
    chosen = {name for name in names if hashlib.sha256(name.encode()).digest()[0] % _HELD_OUT == 0}
    if not chosen or len(chosen) == len(names):
        chosen = set(names[-1:])
    return np.array([animation in chosen for animation in animations], bool)
