"""What is being recorded: one take for each face that somebody plays.

Each says in its source which `face` it is, and how many seconds after the first face's first frame it begins
(`begins_s`).
"""
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..core.errors import SemblanceError
from ..core.files import write_bytes
from ..core.smoothing import Smoothing
from ..core.take import SUFFIX, read_take
from ..tracking.sources import SourceInfo
from .live_performance import LivePerformance, Moment
from .messages import Problem, Record, TakeDone
from .recording import Recorder, check_punch, recover

Tell = Callable[[Problem | TakeDone], None]


@dataclass(frozen=True)
class _Earlier:
    """The take of one face that a new part goes into."""

    path: Path
    begins_s: float
    """After the first frame of the first face."""


class Takes:
    """The takes of one recording, from the wish for it to its end."""

    def __init__(
        self, command: Record, source: SourceInfo, performances: Mapping[int, LivePerformance], tell: Tell
    ) -> None:
        """Begin; the first face's take is the one that was asked for.

        Raises:
            SemblanceError: as Recorder; or if the take to punch into cannot be read, or the part is not inside it.
        """
        if "\0" in command.path + command.punch_into:
            raise SemblanceError(f"'{command.path}' is no name of a file; choose another.")
        self._command, self._source, self._tell = command, source, tell
        self._performances = dict(performances)
        self._path = Path(command.path)
        self._first = min(self._performances)
        self._earlier = self._read_earlier()
        self._recorders = {self._first: self._recorder(self._first, 0.0)}

    @property
    def recorded_s(self) -> float:
        """Length so far."""
        return self._recorders[self._first].recorded_s

    @property
    def countdown_s(self) -> float:
        """What is left of the countdown."""
        return self._recorders[self._first].countdown_s

    def add(self, moments: Mapping[int, Moment]) -> None:
        """One more frame of everybody; a further face is recorded from when it is first seen.

        Raises:
            SemblanceError: if it cannot be written; `finish` still keeps what came before.
        """
        for face in sorted(moments.keys() & self._performances.keys()):
            begun_s = self._recorders[self._first].first_frame_time_s
            if face not in self._recorders and begun_s is not None and moments[face].raw.confidence > 0:
                self._recorders[face] = self._recorder(face, moments[face].time_s - begun_s)
            if face in self._recorders:
                self._recorders[face].add(moments[face])

    def mark(self, text: str) -> None:
        """A marker at the newest frame."""
        for recorder in self._recorders.values():
            recorder.mark(text)

    def finish(self) -> threading.Thread:
        """End and write the takes beside the playing (a long one takes seconds); TakeDone is told at the end."""
        for face, recorder in self._recorders.items():
            recorder.calibration = self._performances[face].recorded_calibration
            recorder.smoothing = Smoothing(self._performances[face].settings.smoothing)
        thread = threading.Thread(target=self._write, name="take", daemon=True)
        thread.start()
        return thread

    def _read_earlier(self) -> dict[int, _Earlier]:
        """Where the new parts go, of each face that the earlier take has."""
        command, found = self._command, {}
        if command.punch_into:
            path = Path(command.punch_into)
            check_punch(read_take(path), command.at_s, path)
            found[self._first] = _Earlier(path, 0.0)
            for face in self._performances.keys() - {self._first}:
                other = face_path(path, face)
                if other.is_file():
                    found[face] = _Earlier(other, float(read_take(other).source.get("begins_s", 0.0)))
        return found

    def _recorder(self, face: int, late_s: float) -> Recorder:
        """Of a face that is first seen so long after the recording's first frame."""
        command, performance, first = self._command, self._performances[face], face == self._first
        begins_s, earlier = command.at_s + late_s, self._earlier.get(face)
        return Recorder(
            self._path if first else face_path(self._path, face),
            asdict(self._source) | {"face": face, "begins_s": begins_s},
            performance.stamps, performance.recorded_calibration, command.countdown_s if first else 0.0,
            earlier.path if earlier else None, begins_s - earlier.begins_s if earlier else 0.0,
        )

    def _write(self) -> None:
        try:
            for face in self._earlier.keys() - self._recorders.keys():  # not seen this time: it stays as it was
                write_bytes(face_path(self._path, face), self._earlier[face].path.read_bytes())
        except (SemblanceError, OSError) as error:
            self._tell(Problem(str(error)))
        for face, recorder in sorted(self._recorders.items(), reverse=True):
            try:
                path, take = recorder.finish()
            except SemblanceError as error:
                self._tell(Problem(str(error)))
                continue
            if face == self._first:
                markers = tuple((each.time_s, each.text) for each in recorder.markers)
                seconds = float(take.times_s[-1] - take.times_s[0])
                self._tell(TakeDone(str(path), len(take), seconds, recorder.first_frame_time_s or 0.0, markers))


def face_path(path: Path, face: int) -> Path:
    """Where the take of a further face of the recording `path` is."""
    return path.with_name(f"{path.name.removesuffix(SUFFIX)} face {face + 1}{SUFFIX}")


def tell_recovered(folder: Path, tell: Tell) -> None:
    """Make takes of recordings that a crash left in `folder`; not while one of ours is being finished there."""
    takes, problems = recover(folder) if folder.is_dir() else ([], [])
    for take in takes:
        tell(Problem(f"'{take}' was recovered: it is of a recording that was cut off."))
    for sentence in problems:
        tell(Problem(sentence))
