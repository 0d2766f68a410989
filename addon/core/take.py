"""A Take: one performance on disk, complete enough to redo calibration, smoothing and decoding without tracking again.

File: a compressed .npz whose member `header` is UTF-8 JSON (uint8 array) and whose other members are the arrays named
in `_ARRAYS`, and with a body those in `_BODY_ARRAYS`. Nothing is pickled. `version` rises when an array or key changes
meaning; a take without a body is written as version 1, so that a Semblance that knows no bodies still reads it.
"""
from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import coefficients
from .arrays import opened_arrays, write_arrays
from .errors import SemblanceError
from .frames import EMBEDDING_SIZE, HAND_COUNT, LANDMARK_COUNT, POSE_COUNT, BodyTrack, ExpressionTrack

Track = TypeVar("Track", ExpressionTrack, BodyTrack)

VERSION = 2
_FACE_ONLY = 1
"""The version of a take without a body."""
SUFFIX = ".take"
_FORMAT = "semblance take"
# name → (dtype, shape after the frame axis)
_ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "times_s": ("float64", ()),
    "found": ("bool", ()),
    "landmarks": ("float32", (LANDMARK_COUNT, 3)),
    **{
        f"{half}_{name}": ("float32", shape)
        for half in ("raw", "smoothed")
        for name, shape in (
            ("coefficients", (coefficients.COUNT,)), ("embedding", (EMBEDDING_SIZE,)), ("gaze", (2, 2)), ("head", (3,)),
            ("confidence", ()),
        )
    },
}
_BODY_ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    f"body_{name}": ("float32", shape)
    for name, shape in (
        ("landmarks", (POSE_COUNT, 3)), ("world", (POSE_COUNT, 3)), ("visibility", (POSE_COUNT,)), ("confidence", ()),
        ("hands", (2, HAND_COUNT, 3)), ("hands_world", (2, HAND_COUNT, 3)), ("hands_confidence", (2,)),
        ("hands_right", (2,)),
    )
}
# A day of 120 fps video; anything above is a damaged or hostile file.
_MOST_FRAMES = 120 * 86_400


@dataclass(frozen=True)
class Take:
    """A performance over T frames, and where it came from."""

    found: np.ndarray
    """bool [T]: a face was seen."""
    landmarks: np.ndarray
    """float32 [T, 478, 3] px of the source, NaN where not known: no face, or a drawn one on which the landmark network
    finds nothing; [0, 478, 3] for a source without pictures."""
    raw: ExpressionTrack
    """As the encoder gave it."""
    smoothed: ExpressionTrack
    """Calibrated and smoothed."""
    source: dict[str, Any] = field(default_factory=dict)
    """kind, name, width, height, fps, frame count, warnings: whatever the source knows of itself."""
    models: dict[str, str] = field(default_factory=dict)
    """role → model stamp."""
    calibration: dict[str, Any] = field(default_factory=dict)
    smoothing: dict[str, Any] = field(default_factory=dict)
    body: BodyTrack | None = None
    """As the body tracker gave it, at the same times; None where no body was asked for."""

    @property
    def times_s(self) -> np.ndarray:
        """float64 [T], the source's own clock."""
        return self.raw.times_s

    def __len__(self) -> int:
        return len(self.raw)

    def between(self, start_s: float | None, end_s: float | None) -> Take:
        """The frames from `start_s` to `end_s` of the source's clock, both included; None = as far as it goes.

        Raises:
            SemblanceError: if none is left.
        """
        first = -math.inf if start_s is None else start_s
        last = math.inf if end_s is None else end_s
        inside = (self.times_s >= first) & (self.times_s <= last)
        if inside.all():
            return self
        if not inside.any():
            begin, end = self.times_s[0], self.times_s[-1]
            raise SemblanceError(f"Nothing is left of the take, which goes from {begin:.3g} s to {end:.3g} s.")
        return replace(
            self, found=self.found[inside], landmarks=self.landmarks[inside] if len(self.landmarks) else self.landmarks,
            raw=_rows(self.raw, inside), smoothed=_rows(self.smoothed, inside),
            body=None if self.body is None else _rows(self.body, inside),
        )


def _rows(track: Track, wanted: np.ndarray) -> Track:
    return replace(track, **{each.name: getattr(track, each.name)[wanted] for each in fields(track)})


def write_take(take: Take, path: Path) -> None:
    """Write a take, whole or not at all.

    Raises:
        SemblanceError: if the folder cannot be written.
    """
    header = {
        "format": _FORMAT, "version": _FACE_ONLY if take.body is None else VERSION,
        "source": take.source, "models": take.models, "calibration": take.calibration, "smoothing": take.smoothing,
        "coefficients": list(coefficients.NAMES),
    }
    arrays: dict[str, np.ndarray] = {"times_s": take.times_s, "found": take.found, "landmarks": take.landmarks}
    for half, track in (("raw", take.raw), ("smoothed", take.smoothed)):
        for name in ("coefficients", "embedding", "gaze", "head", "confidence"):
            arrays[f"{half}_{name}"] = getattr(track, name)
    formats = _formats(take.body is not None)
    if take.body is not None:
        arrays |= {name: getattr(take.body, name.removeprefix("body_")) for name in _BODY_ARRAYS}
    typed = {name: np.ascontiguousarray(arrays[name], dtype) for name, (dtype, _) in formats.items()}
    write_arrays(path, json.dumps(header).encode(), typed)


def read_take(path: Path) -> Take:
    """Read a take.

    Raises:
        SemblanceError: if it is missing, truncated, not a take, or written by a newer Semblance.
    """
    path = Path(path)
    damaged = f"'{path}' is damaged or is not a take; track its source again."
    with opened_arrays(path, f"the take '{path}'", damaged) as file:
        header = json.loads(_member(file, "header", "uint8", None, 1 << 24).tobytes())
        _check_header(header, path)
        count = math.prod(_declared(file, "times_s")[0])
        if count > _MOST_FRAMES:
            raise ValueError("too many frames")
        formats = _formats(header["version"] != _FACE_ONLY)
        arrays = {name: _member(file, name, dtype, (count, *shape), 0) for name, (dtype, shape) in formats.items()}
    if count == 0 or not np.all(np.diff(arrays["times_s"]) > 0) or not np.isfinite(arrays["times_s"]).all():
        raise SemblanceError(damaged)
    return _assemble(header, arrays)


def _formats(body: bool) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The arrays of a take with or without a body."""
    return _ARRAYS | _BODY_ARRAYS if body else _ARRAYS


def _declared(file: Any, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that a member says it has, read before any memory is given to it."""
    with file.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = reader(member)
    return shape, dtype


def _member(file: Any, name: str, dtype: str, shape: tuple[int, ...] | None, most_bytes: int) -> np.ndarray:
    """One array, only if it is declared as the format says; `landmarks` may have no rows."""
    declared, kind = _declared(file, name)
    allowed = [shape, (0, *shape[1:])] if name == "landmarks" and shape else [shape]
    if kind != np.dtype(dtype) or (shape is not None and declared not in allowed):
        raise ValueError(name)
    if shape is None and (len(declared) != 1 or declared[0] > most_bytes):
        raise ValueError(name)
    return file[name]


def _check_header(header: Any, path: Path) -> None:
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise SemblanceError(f"'{path}' is not a Semblance take.")
    version = header.get("version")
    if version not in (_FACE_ONLY, VERSION):
        raise SemblanceError(
            f"The take '{path}' has version {version!r}, this Semblance reads up to {VERSION}; update Semblance."
        )
    if header.get("coefficients") != list(coefficients.NAMES):
        raise SemblanceError(f"The take '{path}' names other coefficients than this Semblance; track its source again.")


def _assemble(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Take:
    tracks = [
        ExpressionTrack(
            arrays["times_s"],
            *(arrays[f"{half}_{name}"] for name in ("coefficients", "embedding", "gaze", "head", "confidence")),
        )
        for half in ("raw", "smoothed")
    ]
    extras = {key: value if isinstance(value := header.get(key), dict) else {} for key in (
        "source", "models", "calibration", "smoothing")}
    body = None
    if "body_world" in arrays:
        body = BodyTrack(arrays["times_s"], *(arrays[f"body_{part.name}"] for part in fields(BodyTrack)[1:]))
    return Take(arrays["found"], arrays["landmarks"], tracks[0], tracks[1], **extras, body=body)
