"""Recording a live performance: into a file from the first frame on, so that a crash loses nothing; then a take.

While it records there is a file `.<name>.<token>.recording` beside the take to be: a line of JSON, then one row per
frame. `finish` makes the take of it; `recover` makes takes of those that were left behind.
"""
from __future__ import annotations

import contextlib
import importlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.files import check_writable
from ..core.frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
from ..core.gaps import bridge
from ..core.smoothing import Smoothing
from ..core.take import SUFFIX, Take, read_take, write_take
from ..expression.calibration import Calibration
from ..tracking.sources import SourceInfo
from .live_performance import Moment
from .performance import refine
from .splicing import splice

UNFINISHED: Final = ".recording"
_FORMAT: Final = "semblance recording"
_VERSION: Final = 1
_MOST_HEADER: Final = 1 << 20
_BEHIND_ALL: Final = 1 << 40
_ROW: Final = [
    ("time_s", "<f8"), ("confidence", "<f4"), ("coefficients", "<f4", (coefficients.COUNT,)),
    ("embedding", "<f4", (EMBEDDING_SIZE,)), ("gaze", "<f4", (2, 2)), ("head", "<f4", (3,)),
]
_NUMBERS: Final = ("time_s", "coefficients", "embedding", "gaze", "head", "confidence")
"""In the order of ExpressionTrack."""
_LATEST_S: Final = 1e10
_POINTS: Final = ("landmarks", "<f4", (LANDMARK_COUNT, 3))


@dataclass(frozen=True)
class Marker:
    """A word at a time of the take."""

    time_s: float
    text: str


class Recorder:
    """One take while it is recorded; `calibration`, `smoothing` and `models` may be replaced until it ends."""

    def __init__(
        self, path: Path, source_info: SourceInfo | Mapping[str, Any], models: Mapping[str, str],
        calibration: Calibration, countdown_s: float = 0.0, punch_into: Path | None = None, at_s: float = 0.0,
    ) -> None:
        """Begin; frames count from the end of the countdown on, by the source's own clock.

        Args:
            path: the take to be; with `punch_into` it may be that take itself, of which only a part is replaced.
            at_s: where in `punch_into` the new part begins, seconds after its first frame; `check_punch` it before.

        Raises:
            SemblanceError: if the folder cannot be written.
        """
        path = Path(path)
        self.path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
        check_writable(self.path.parent)
        self.calibration, self.smoothing, self.models = calibration, Smoothing(), dict(models)
        self._info = dict(source_info) if isinstance(source_info, Mapping) else asdict(source_info)
        self._punch = (Path(punch_into), float(at_s)) if punch_into else None
        self._countdown_s = max(float(countdown_s), 0.0)
        self._begin_s: float | None = None
        self._now_s: float | None = None
        self._first_s: float | None = None
        self.markers: list[Marker] = []
        self.frames = 0
        self._unfinished = self.path.with_name(f".{self.path.stem}.{secrets.token_hex(4)}{UNFINISHED}")
        self._file: IO[bytes] | None = None
        self._dtype = np.dtype(_ROW)
        self._failed = False

    @property
    def countdown_s(self) -> float:
        """What is left of the countdown."""
        if self._begin_s is None or self._now_s is None:
            return self._countdown_s
        return max(self._begin_s - self._now_s, 0.0)

    @property
    def recorded_s(self) -> float:
        """Length so far."""
        return 0.0 if self._first_s is None or self._now_s is None else self._now_s - self._first_s

    @property
    def first_frame_time_s(self) -> float | None:
        """The source's time of the first frame, which is where sound belongs; None before it."""
        return self._first_s

    def add(self, moment: Moment) -> None:
        """One more frame; it is on the disk when this returns.

        Raises:
            SemblanceError: if it cannot be written; nothing more is then, and `finish` keeps what came before.
        """
        if self._failed:
            return
        if self._begin_s is None:
            self._begin_s = moment.time_s + self._countdown_s
        if self._now_s is not None and moment.time_s <= self._now_s:
            return
        self._now_s = moment.time_s
        if moment.time_s < self._begin_s:
            return
        try:
            self._file = self._file or self._open(moment)
            row = self._row(moment).tobytes()
            if self._file.write(row) != len(row):
                raise OSError("the disk is full")
        except OSError as error:
            self._failed = True
            raise SemblanceError(f"Cannot record '{self.path}' any further: {error.strerror or error}.") from error
        self._first_s = moment.time_s if self._first_s is None else self._first_s
        self.frames += 1

    def mark(self, text: str) -> None:
        """A marker at the newest frame."""
        if self._now_s is not None:
            self.markers.append(Marker(self._now_s, text))

    def finish(self) -> tuple[Path, Take]:
        """End, and write the take. This takes a while for a long one (compression): call it beside the live loop.

        Raises:
            SemblanceError: if nothing was recorded, no face was seen, or the take cannot be written; what was recorded
                then stays in its unfinished file.
        """
        if self._file is None:
            raise SemblanceError("Nothing was recorded: no frame came before the recording was stopped.")
        self._file.close()
        rows = _read_rows(self._unfinished, self._dtype)
        if rows is None:
            self._unfinished.unlink(missing_ok=True)
            raise SemblanceError("No face was seen while it was recorded, so there is no take.")
        take = _take(rows, self._header(), self.calibration, self.smoothing)
        write_take(take, self.path)
        self._unfinished.unlink(missing_ok=True)
        return self.path, take

    def _open(self, first: Moment) -> IO[bytes]:
        points = first.face is not None or bool(self._info.get("width"))
        self._dtype = np.dtype([*_ROW, *([_POINTS] if points else [])])
        file = self._unfinished.open("wb", buffering=0)
        with contextlib.suppress(OSError):  # a network drive may know no locks
            _lock(file)
        header = self._header() | {
            "format": _FORMAT, "version": _VERSION, "points": points, "path": str(self.path),
            "calibration": self.calibration.to_json(), "smoothing": self.smoothing.to_json(),
        }
        file.write(json.dumps(header).encode() + b"\n")
        return file

    def _header(self) -> dict[str, Any]:
        punch = {"punch_into": str(self._punch[0]), "at_s": self._punch[1]} if self._punch else {}
        return {
            "source": self._info, "models": self.models, **punch,
            "markers": [[max(mark.time_s, self._first_s or mark.time_s), mark.text] for mark in self.markers],
        }

    def _row(self, moment: Moment) -> np.ndarray:
        row, raw = np.zeros((), self._dtype), moment.raw
        row["time_s"], row["confidence"] = moment.time_s, raw.confidence
        for name in ("coefficients", "embedding", "gaze", "head"):
            row[name] = getattr(raw, name)
        if "landmarks" in (self._dtype.names or ()):
            row["landmarks"] = moment.face.landmarks if moment.face else np.nan
        return row


def recover(folder: Path) -> tuple[list[Path], list[str]]:
    """Takes of the recordings in `folder` that a crash left behind, and a sentence on each that is beyond help.

    A recording that is still going on is left alone; a damaged one gets the ending `.damaged`, to be named only once.
    """
    takes, sentences = [], []
    for unfinished in sorted(folder.glob(f".*{UNFINISHED}")):
        if _is_locked(unfinished):
            continue
        try:
            path = _recovered(unfinished)
        except SemblanceError as error:
            sentences.append(str(error))
            continue
        with contextlib.suppress(OSError):
            unfinished.unlink()
        takes += [path] if path else []
    return takes, sentences


def check_punch(take: Take, at_s: float, path: Path) -> None:
    """Raise SemblanceError unless `at_s` seconds after its first frame is inside the take."""
    length = take.times_s[-1] - take.times_s[0]
    if not 0 <= at_s <= length:
        raise SemblanceError(
            f"A new part of the take '{path}' must begin between 0 and {length:.2f} s after its first frame, "
            f"not at {at_s:.2f} s."
        )


def _recovered(unfinished: Path) -> Path | None:
    """The take; None if there is no face in it."""
    try:
        with unfinished.open("rb") as file:
            header = json.loads(file.readline(_MOST_HEADER))
        if header["format"] != _FORMAT or header["version"] != _VERSION:
            raise ValueError("of another Semblance")
        rows = _read_rows(unfinished, np.dtype([*_ROW, *([_POINTS] if header["points"] else [])]))
        if rows is None:
            return None
        calibration = Calibration.from_json(header["calibration"])
        if not Path(header.get("punch_into", "")).is_file():
            header.pop("punch_into", None)  # the part alone is better than nothing
        take = _take(rows, header, calibration, Smoothing.from_json(header["smoothing"]))
        path = _free(unfinished.with_name(Path(header["path"]).stem + " recovered" + SUFFIX))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SemblanceError) as error:
        damaged = unfinished.with_suffix(".damaged")
        with contextlib.suppress(OSError):
            unfinished.rename(damaged)
        raise SemblanceError(
            f"The recording '{unfinished}' was left by a crash and cannot be recovered ({type(error).__name__}); "
            f"it is now called '{damaged.name}'."
        ) from error
    write_take(take, path)
    return path


def _free(path: Path) -> Path:
    """The path, with a number if there is such a file already."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_stem(f"{path.stem} {number}"), number + 1
    return free


def _read_rows(path: Path, dtype: np.dtype) -> np.ndarray | None:
    """The sound rows of a recording; a last one that was cut off is left out. None if no row has a face."""
    with path.open("rb") as file:
        file.readline(_MOST_HEADER)
        data = file.read()
    rows = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
    sound = np.all([np.isfinite(rows[name].reshape(len(rows), -1)).all(1) for name in _NUMBERS], axis=0)
    rows = rows[sound & (np.abs(rows["time_s"]) < _LATEST_S)]
    latest = np.maximum.accumulate(np.concatenate([[-np.inf], rows["time_s"]]))[:-1]
    rows = rows[rows["time_s"] > latest]
    return rows if (rows["confidence"] > 0).any() else None


def _take(rows: np.ndarray, header: Mapping[str, Any], calibration: Calibration, smoothing: Smoothing) -> Take:
    raw = bridge(ExpressionTrack(*(np.array(rows[name]) for name in _NUMBERS)))
    points = rows["landmarks"] if "landmarks" in (rows.dtype.names or ()) else np.zeros((0, LANDMARK_COUNT, 3))
    info = dict(header["source"]) | {
        "frame_count": len(raw), "warnings": [], "markers": header["markers"],
        "first_frame_time_s": float(raw.times_s[0]),
    }
    found = raw.confidence > 0
    take = Take(found, np.array(points, np.float32), raw, raw, info, dict(header["models"]))
    take = refine(take, calibration, smoothing)
    if "punch_into" not in header:
        return take
    return splice(read_take(Path(header["punch_into"])), take, float(header["at_s"]))


def _lock(file: IO[bytes]) -> None:
    """Hold the file for as long as this process has it open; OSError if another one does."""
    if os.name == "nt":
        msvcrt = importlib.import_module("msvcrt")
        file.seek(_BEHIND_ALL)  # what is locked there cannot be read, so lock a byte that is never written
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
    else:
        fcntl = importlib.import_module("fcntl")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_locked(path: Path) -> bool:
    """True if a living process records into it."""
    try:
        with path.open("r+b") as file:
            _lock(file)
    except OSError:
        return True
    return False
