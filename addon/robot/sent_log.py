"""Writes down what was really sent, so that every incident can be looked at again: JSON Lines.

The first line says what the columns are; then one line per frame that differs from the one before, and one per event.
"""
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from ..core.errors import SemblanceError
from .actuator_map import RobotMap

LARGEST_BYTES: Final = 64 << 20
"""Then the file before is forgotten and a new one begun."""
_FLUSH_S: Final = 1.0


class SentLog:
    """Appends to `path`; a full disk ends the log, never the motion."""

    def __init__(self, robot: RobotMap, path: Path) -> None:
        self.path, self.problem = path, ""
        self._head = {
            "schema": 1, "robot": robot.name, "map": str(robot.path), "actuators": [a.name for a in robot.actuators],
            "units": [a.travel.unit for a in robot.actuators],
        }
        self._file: IO[str] | None = None
        self._raw: list[float | None] = []
        self._flushed_s = 0.0
        self._written = 0
        self._open()

    def frame(
        self, now_s: float, state: str, wanted: np.ndarray, raw: np.ndarray, clip_s: float | None = None
    ) -> None:
        """u [N] that was wanted and raw values [N] that left; NaN where nothing did.

        Args:
            clip_s: which moment of a performance that is played; None: it is not from one.
        """
        sent = [None if value != value else value for value in np.round(raw, 4).tolist()]
        if sent != self._raw:
            self._raw = sent
            moment = {} if clip_s is None else {"clip": round(clip_s, 4)}
            self._write({"t": round(now_s, 4), "state": state, **moment, "wanted": np.round(wanted, 4).tolist(),
                         "raw": sent})
        if now_s - self._flushed_s > _FLUSH_S:
            self._flushed_s = now_s
            self._guard(lambda file: file.flush())

    def event(self, now_s: float, event: str, text: str) -> None:
        """Something happened; written through at once."""
        self._write({"t": round(now_s, 4), "event": event, "text": text})
        self._guard(lambda file: file.flush())

    def close(self) -> None:
        """End the file."""
        self._guard(lambda file: file.close())
        self._file = None

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.is_file():
                self.path.replace(self.path.with_suffix(".before.jsonl"))
            self._file = self.path.open("w", encoding="utf-8")
        except OSError as error:
            self._fail(error)
        self._written = 0
        now = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "monotonic": round(time.monotonic(), 4)}
        self._write(self._head | now)

    def _write(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, separators=(",", ":")) + "\n"
        self._guard(lambda file: file.write(line))
        self._written += len(line)
        if self._written > LARGEST_BYTES:
            self.close()
            self._open()

    def _guard(self, work: Any) -> None:
        if self._file:
            try:
                work(self._file)
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.problem = f"What is sent is not written down: cannot write '{self.path}' ({error.strerror})."
        self._file = None


def sent_by_clip(path: Path, robot: RobotMap) -> tuple[np.ndarray, np.ndarray]:
    """What the last performance that `path` tells of made the head do.

    Returns:
        Its moments float64 [T] s, not falling, and what was sent from each on: raw units float64 [T, N], NaN for
        nothing.

    Raises:
        SemblanceError: if the file cannot be read, is of another robot, or no performance was played.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if rows[0]["actuators"] != [actuator.name for actuator in robot.actuators]:
            raise SemblanceError(f"'{path}' tells of the robot '{rows[0]['robot']}', not of '{robot.name}'.")
        played = [(row["clip"], row["raw"]) for row in rows if "clip" in row]
        times_s = np.array([clip_s for clip_s, _ in played], np.float64)
        raw = np.array([sent for _, sent in played], np.float64).reshape(len(played), len(robot))
    except OSError as error:
        raise SemblanceError(f"Cannot read what was sent, '{path}': {error.strerror}.") from error
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise SemblanceError(f"'{path}' is not a whole log of what was sent to a head.") from error
    if not len(times_s):
        raise SemblanceError(f"'{path}' tells of no performance that was played.")
    begins = int(np.flatnonzero(np.diff(times_s, prepend=np.inf) < 0)[-1])
    return times_s[begins:], raw[begins:]
