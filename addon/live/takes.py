"""What is being recorded: one take for each face that somebody plays."""
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import SemblanceError
from ..core.smoothing import Smoothing
from ..tracking.sources import SourceInfo
from .live_performance import LivePerformance, Moment
from .messages import Problem, Record, TakeDone
from .recording import Recorder, recover

Tell = Callable[[Problem | TakeDone], None]


class Takes:
    """The takes of one recording, from the wish for it to its end."""

    def __init__(
        self, command: Record, source: SourceInfo, performances: Mapping[int, LivePerformance], tell: Tell
    ) -> None:
        """Begin; the first face's take is the one that was asked for.

        Raises:
            SemblanceError: as Recorder.
        """
        if "\0" in command.path + command.punch_into:
            raise SemblanceError(f"'{command.path}' is no name of a file; choose another.")
        self._command, self._source, self._tell = command, source, tell
        self._performances = dict(performances)
        self._path = Path(command.path)
        self._first = min(self._performances)
        self._recorders = {self._first: self._recorder(self._first, command.countdown_s)}

    @property
    def recorded_s(self) -> float:
        """Length so far."""
        return self._recorders[self._first].recorded_s

    @property
    def countdown_s(self) -> float:
        """What is left of the countdown."""
        return self._recorders[self._first].countdown_s

    def add(self, moments: Mapping[int, Moment]) -> None:
        """One more frame of everybody.

        Raises:
            SemblanceError: if it cannot be written; `finish` still keeps what came before.
        """
        for face in moments.keys() & self._performances.keys():
            if face not in self._recorders and moments[face].raw.confidence > 0:
                self._recorders[face] = self._recorder(face, self.countdown_s)
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

    def _recorder(self, face: int, countdown_s: float) -> Recorder:
        """A further face has a file of its own, and is recorded from when it is first seen."""
        command, performance = self._command, self._performances[face]
        first = face == self._first
        path = self._path if first else self._path.with_stem(f"{self._path.stem} face {face + 1}")
        punch_into = Path(command.punch_into) if command.punch_into and first else None
        return Recorder(
            path, self._source, performance.stamps, performance.recorded_calibration, countdown_s, punch_into,
            command.at_s,
        )

    def _write(self) -> None:
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


def tell_recovered(folder: Path, tell: Tell) -> None:
    """Make takes of recordings that a crash left in `folder`; not while one of ours is being finished there."""
    takes, problems = recover(folder) if folder.is_dir() else ([], [])
    for take in takes:
        tell(Problem(f"'{take}' was recovered: it is of a recording that was cut off."))
    for sentence in problems:
        tell(Problem(sentence))
