"""Readers of the research sets that have bodies with faces, for whoever has them: BEAT2 (EMAGE) and Motion-X.

Neither set is free to ship, nor are the body and face models they are written for, so: bodies are posed on our own
skeleton, whose bones are a little longer or shorter, and faces stay FLAME's numbers until `coefficients_of` is given a
module that knows their basis: `training.flame` fits one to FLAME's files or to the matrix that EMAGE publishes.
"""
from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core import coefficients
from addon.core.body_motion import JOINTS, BodyMotion
from addon.core.errors import SemblanceError
from addon.core.network import Network
from addon.core.paths import ROOT
from addon.expression.flame import EXPRESSIONS, NUMBERS

from .body_motion_sets import posed, rotations

_BODY: Final = 3 * len(JOINTS)
_MOTION_X: Final = 322
_MOTION_X_FPS: Final = 30.0
_JAW: Final = slice(_BODY, _BODY + 3)
FLAME_TO_ARKIT: Final = ROOT / "training" / "models" / "flame_to_arkit"


@dataclass(frozen=True)
class BodyFace:
    """A body and the face that was recorded with it."""

    motion: BodyMotion
    jaw: np.ndarray
    """float32 [T, 3], axis · rad."""
    expression: np.ndarray
    """float32 [T, E], FLAME's expression parameters."""


def read_beat2(path: Path) -> BodyFace:
    """A BEAT2 .npz: `poses` [T, 165] axis · rad of SMPL-X's 55 joints, `expressions` [T, 100], `trans` [T, 3].

    Raises:
        SemblanceError: naming the file and what is not as it should be.
    """
    data = read_numpy(path)
    if not hasattr(data, "files"):
        raise SemblanceError(f"'{path}' is no BEAT2 file: it has no named arrays.")
    try:
        poses, expression, trans = (np.array(data[key], np.float64) for key in ("poses", "expressions", "trans"))
        fps = float(data["mocap_frame_rate"]) if "mocap_frame_rate" in data.files else 30.0
    except (KeyError, TypeError, ValueError) as error:
        raise SemblanceError(f"'{path}' is no BEAT2 file: {error}.") from error
    shapes = [poses.shape[1:], expression.shape[1:], trans.shape]
    if shapes != [(165,), (100,), (len(poses), 3)] or len(expression) != len(poses) or not 1 <= fps <= 1000:
        raise SemblanceError(f"'{path}' is no BEAT2 file: it needs poses [T, 165], expressions [T, 100], trans [T, 3].")
    return _assemble(path, fps, poses[:, :_BODY], trans, poses[:, _JAW], expression)


def read_motion_x(path: Path) -> BodyFace:
    """A Motion-X .npy: [T, 322] = root 3, body 63, hands 90, jaw 3, expression 50, shape 100, place 3, betas 10.

    Raises:
        SemblanceError: naming the file, if it has another shape.
    """
    data = read_numpy(path)
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != _MOTION_X or data.dtype.kind != "f":
        raise SemblanceError(f"'{path}' is no Motion-X file: an array [T, {_MOTION_X}] of numbers belongs there.")
    data = data.astype(np.float64)
    return _assemble(path, _MOTION_X_FPS, data[:, :66], data[:, 309:312], data[:, 156:159], data[:, 159:209])


def coefficients_of(face: BodyFace, module: Path = FLAME_TO_ARKIT) -> np.ndarray:
    """FLAME's numbers → our coefficients float32 [T, 54], by the mixture of experts that `training.flame` fitted to
    their basis; the one that is ours knows only our own basis.

    Raises:
        SemblanceError: if the module cannot be read, or the face has too few expression parameters for it.
    """
    if face.expression.shape[1] < EXPRESSIONS:
        raise SemblanceError(f"{EXPRESSIONS} expression parameters are needed (found {face.expression.shape[1]}).")
    network = Network(module, "FLAME's faces")
    network.expect("FLAME module", {"numbers": (-1, NUMBERS)}, {"coefficients": (-1, coefficients.COUNT)})
    numbers = np.concatenate([face.jaw, face.expression[:, :EXPRESSIONS]], 1)
    return network.run(["coefficients"], numbers=numbers)[0]


def read_numpy(path: Path) -> Any:
    """The array of an .npy, or the named ones of an .npz; never unpickled.

    Raises:
        SemblanceError: naming the file, if it cannot be read or is neither.
    """
    try:
        return np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False)
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    except Exception as error:  # numpy and zipfile fail on damaged bytes in a dozen ways of their own
        raise SemblanceError(f"'{path}' is damaged or no numpy file.") from error


def _assemble(
    path: Path, fps: float, axes: np.ndarray, place: np.ndarray, jaw: np.ndarray, expression: np.ndarray
) -> BodyFace:
    if not all(np.isfinite(each).all() for each in (axes, place, jaw, expression)):
        raise SemblanceError(f"'{path}' has values that are not finite numbers.")
    motion = posed(str(path), np.arange(len(axes)) / fps, rotations(axes.reshape(len(axes), -1, 3)), place)
    return BodyFace(motion, jaw.astype(np.float32), expression.astype(np.float32))
