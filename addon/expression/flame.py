"""A face in FLAME's form, as B2F (arXiv 2511.13988) writes it: the jaw's turn (3) and 50 expressions a frame.

The conversion is explicit: a matrix that the 54 coefficients are multiplied by, and bounds. FLAME's basis is not free
to ship, so the conversion that is shipped is to a basis of our own, made in the same way from ICT-FaceKit; whoever has
FLAME fits one to it (`python -m training.flame`). Gaze, which FLAME keeps apart, is written as the eyes' own turns.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.arrays import opened_arrays
from ..core.errors import SemblanceError
from ..core.files import replacing
from ..core.paths import MODELS
from ..core.take import Take
from ..core.timeline import resample

JAW, EXPRESSIONS = 3, 50
NUMBERS: Final = JAW + EXPRESSIONS
FPS: Final = 30
"""What Motion-X, BEAT2 and B2F have."""
FLAME_SUFFIX: Final = ".npz"
MADE: Final = "made"
"""The name of our own basis."""
SHIPPED: Final = MODELS / "arkit_to_flame" / "conversion.npz"


@dataclass(frozen=True)
class Conversion:
    """From coefficients to FLAME's numbers."""

    basis: str
    """Whose expressions they are."""
    matrix: np.ndarray
    """float32 [54, 53]."""
    least: np.ndarray
    most: np.ndarray
    """float32 [53]: what faces reach; numbers stay within."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Coefficients [..., 54] → jaw (axis · rad) and expressions, float32 [..., 53]; a face at rest is 0."""
        return np.clip(values @ self.matrix, self.least, self.most).astype(np.float32)


def read_conversion(path: Path = SHIPPED) -> Conversion:
    """A conversion that `training.flame` has written.

    Raises:
        SemblanceError: naming the file, if it cannot be read or is no conversion.
    """
    damaged = f"'{path}' is no conversion to FLAME; write one with 'python -m training.flame --basis ...'."
    with opened_arrays(path, f"the conversion '{path}'", damaged) as data:
        basis = data["header"].tobytes().decode()
        matrix, least, most = (np.array(data[key], np.float32) for key in ("matrix", "least", "most"))
        shapes = (coefficients.COUNT, NUMBERS), (NUMBERS,), (NUMBERS,)
        if (matrix.shape, least.shape, most.shape) != shapes or not all(
            np.isfinite(each).all() for each in (matrix, least, most)
        ):
            raise SemblanceError(damaged)
    return Conversion(basis, matrix, least, most)


def write_flame(take: Take, path: Path, conversion: Conversion) -> int:
    """Write a take's face as an .npz with the names that SMPL-X files have; returns how many frames at 30 a second.

    jaw_pose [T, 3], leye_pose, reye_pose [T, 3] (axis · rad, x to the person's left, y up, z to the front),
    expression [T, 50], mocap_frame_rate, and `basis`, whose expressions they are.

    Raises:
        SemblanceError: if the file cannot be written.
    """
    values, gaze = take.smoothed.coefficients, take.smoothed.gaze
    told = np.concatenate([values, gaze.reshape(len(gaze), 4)], 1)
    _, told = resample(take.times_s, told, 0, FPS)
    numbers = conversion(told[:, :coefficients.COUNT])
    left, right = (_turn(told[:, columns]) for columns in ([-4, -3], [-2, -1]))
    with replacing(Path(path)) as partial, partial.open("wb") as file:
        np.savez_compressed(file, jaw_pose=numbers[:, :JAW], expression=numbers[:, JAW:], leye_pose=left,
                            reye_pose=right, mocap_frame_rate=np.float32(FPS), basis=np.array(conversion.basis))
    return len(numbers)


def _turn(gaze: np.ndarray) -> np.ndarray:
    """Yaw and pitch rad [T, 2] → axis · rad float32 [T, 3] of Ry(yaw) · Rx(-pitch), by half angles."""
    (sy, sp), (cy, cp) = np.sin(gaze.T / 2), np.cos(gaze.T / 2)
    vector = np.stack([-cy * sp, sy * cp, sy * sp], 1)
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    angle = 2 * np.arctan2(length[:, 0], cy * cp)[:, None]
    return (vector / np.maximum(length, 1e-9) * angle).astype(np.float32)
