"""The aligned crop: the face level, centred and of one size, whatever the pose and the expression.

The scale, roll and place come from a rigid fit in three dimensions to landmarks that neither jaw nor brows move. So an
opening mouth does not shift the picture, and a head that turns to the side does not grow in it, as it would if the
distance between the eyes in the picture were the measure.
"""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import numpy as np

from ..core.errors import require
from ..core.frames import CROP_SIZE
from .region import Region

SPAN: Final = 3.2
"""Side of the crop in distances between the eyes' centres: raised brows and hair line to the chin of an open mouth."""
CENTRE: Final = np.array([0.0, 0.68, 0.1])
"""The point of the head at the crop's middle, in the axes of rigid_points.toml.

y moves the eyes up or down in the crop; z, a depth inside the head, decides how far the features wander sideways when
the head turns. Networks that take the crop are trained with SPAN and CENTRE as they are: whoever changes these trains
those anew. They hold the whole face from raised brows to a wide open jaw (ICT-FaceKit's chin: 2.2 below the eyes)."""


def _read_rigid_points() -> tuple[np.ndarray, np.ndarray]:
    with (Path(__file__).parent / "rigid_points.toml").open("rb") as file:
        table = tomllib.load(file)["position"]
    return np.array([int(key) for key in table]), np.array(list(table.values()))


_POINTS, _POSITIONS = _read_rigid_points()


def crop_transform(landmarks: np.ndarray) -> np.ndarray:
    """float64 [2, 3]: px of the picture → px of the crop, a similarity, for landmarks [478, 3].

    The rigid fit is Umeyama's (1991) closed form; the roll is that of the in-plane rotation nearest to it.
    """
    seen, canonical = landmarks[_POINTS].astype(np.float64), _POSITIONS
    seen_mean, canonical_mean = seen.mean(0), canonical.mean(0)
    spread = canonical - canonical_mean
    u, sizes, vt = np.linalg.svd((seen - seen_mean).T @ spread)
    proper = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u * proper @ vt
    scale = float((sizes * proper).sum() / (spread**2).sum())
    centre = seen_mean + scale * rotation @ (CENTRE - canonical_mean)
    roll = np.arctan2(rotation[1, 0] - rotation[0, 1], rotation[0, 0] + rotation[1, 1])
    zoom = CROP_SIZE / (SPAN * scale)
    cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.array([[cos, sin], [-sin, cos]])
    # Middle of the middle pixels: pixel centres are whole numbers in OpenCV.
    return np.column_stack([linear, (CROP_SIZE - 1) / 2 - linear @ centre[:2]])


def aligned_crop(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """uint8 [128, 128, 3]: the face of `landmarks` [478, 3] cut out of `image`, black outside it."""
    return _cut(image, crop_transform(landmarks))


def square_crop(image: np.ndarray, region: Region) -> np.ndarray:
    """uint8 [128, 128, 3]: an upright square of `image`, black outside it; the crop where no landmarks are known."""
    zoom, middle = CROP_SIZE / region.side, (CROP_SIZE - 1) / 2
    return _cut(image, np.array([[zoom, 0, middle - zoom * region.x], [0, zoom, middle - zoom * region.y]]))


def _cut(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The crop of a similarity [2, 3]; what is larger than the crop is averaged over the pixels of one, not sampled."""
    cv2 = require("cv2", "Face tracking")
    finer = int(np.clip(round(1 / np.hypot(*matrix[0, :2])), 1, 8))
    matrix = matrix * finer + [0, 0, (finer - 1) / 2]
    size = CROP_SIZE * finer
    crop = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return crop if finer == 1 else cv2.resize(crop, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_AREA)
