"""A whole performance from a source to a Take, and a Take refined again without tracking."""
from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeVar

import numpy as np

from ..core.errors import SemblanceError
from ..core.frames import LANDMARK_COUNT, BodyTrack, Expression, ExpressionTrack, FaceFrame, stack
from ..core.gaps import bridge
from ..core.live_link import read_live_link
from ..core.smoothing import Smoothing, smooth
from ..core.take import SUFFIX, Take, read_take
from ..expression.calibration import Calibration, calibrate, find_neutral
from ..expression.encoder import Encoder
from ..tracking.drawn import DrawnFaceTracker
from ..tracking.region import FaceBox, middle_box
from ..tracking.sources import Source, open_source
from ..tracking.tracker import FaceTracker
from .body_reading import BodyReading, check_body
from .doors import is_door, open_door

_Item = TypeVar("_Item")
Progress = Callable[[int, int | None], None]
"""Called with frames done and frames in all (None where the source does not know)."""
# Crops are 49 kB each; encoding as they come keeps memory constant whatever the clip's length.
_BATCH = 16
_NOBODY_S: Final = 30.0
"""So long a door waits for its first frame,"""
_GONE_S: Final = 5.0
"""and for the next one."""
_ONCE: Final = ("camera", "stream")
"""Kinds of sources that cannot be read again."""
_READ_AS_DRAWN: Final = (
    "Landmarks do not fit this face, so it was read as a drawn one, from the picture alone."
)
_DOUBTFUL: Final = "Landmarks do not fit this face; if it is a drawn one, record it as a drawn one."


def record_take(
    address: str,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    face: int = 0,
    box: FaceBox | None = None,
    drawn: bool = False,
    body: bool = False,
    progress: Progress | None = None,
) -> Take:
    """Track and encode a whole source; the result is calibrated to its own neutral and smoothed by default.

    A face that the landmark network does not find, or on which its points go astray, is read once more as a drawn one,
    if the source can be read again.

    Args:
        address: video file, folder or pattern of images, stream address, door for another tracker; or a `.take` or
            Live Link `.csv` to open.
        start_s, end_s: part of the source, in its own time; a webcam and a door need an end.
        face: which face, 0 = the largest.
        box: where the head is; None = find it.
        drawn: the face is a drawn one, to be read from the picture alone.
        body: follow body and hands too; a face may then be missing.

    Raises:
        SemblanceError: if the source cannot be read, or no face (with `body`: no body) is found in it.
    """
    suffix = Path(address).suffix.lower()
    if suffix in (SUFFIX, ".csv"):
        take = read_take(Path(address)) if suffix == SUFFIX else read_live_link(Path(address))
        return take.between(start_s, end_s)
    if end_s is None and (address.isdigit() or is_door(address)):
        raise SemblanceError(f"'{address}' has no end; say how long to record: semblance track {address} --end 20.")
    if is_door(address):
        return _heard(address, start_s or 0.0, end_s or 0.0, progress)
    encoder = Encoder(busy=True)

    def read(tracker: FaceTracker | DrawnFaceTracker) -> _Reading:
        with open_source(address, start_s=start_s, end_s=end_s) as source:
            return _read(source, tracker, encoder, progress, BodyReading() if body else None)

    reading = _read_drawn(read, face, box) if drawn else _read_any(read, face, box)
    if reading.body is not None:
        check_body(reading.body, address)
    elif not reading.found.any():
        who = f"No face number {face}" if face else "No face"
        raise SemblanceError(
            f"{who} was found in any of the {len(reading.found)} frames of '{address}'; if it shows one, say where "
            f"(face box){'' if drawn else ' or that it is a drawn one'}."
        )
    where = {"box": box.percent if box else None, "drawn": reading.drawn}
    take = Take(
        reading.found, reading.landmarks, reading.raw, reading.raw, reading.info | where, reading.models,
        body=reading.body,
    )
    return refine(take, find_neutral(take.raw), Smoothing())


def refine(take: Take, calibration: Calibration, smoothing: Smoothing) -> Take:
    """The take with its smoothed half made again from the raw one."""
    return replace(
        take,
        smoothed=smooth(calibrate(take.raw, calibration), smoothing),
        calibration=calibration.to_json(),
        smoothing=smoothing.to_json(),
    )


def _heard(address: str, start_s: float, end_s: float, progress: Progress | None) -> Take:
    """What another tracker sends from its first frame on, part of it by its own clock.

    Raises:
        SemblanceError: if nobody sends, nothing in that time, or no face.
    """
    rows: list[Expression] = []
    with open_door(address) as door:
        name, warnings, heard_s = door.info.name, [], time.monotonic()
        for expression in door:
            now_s = time.monotonic()
            if expression is None:
                if now_s - heard_s < (_GONE_S if rows else _NOBODY_S):
                    continue
                if not rows:
                    raise SemblanceError(f"Nothing came from '{name}' for {_NOBODY_S:g} s. {door.hint}".strip())
                warnings.append(f"'{name}' fell silent after {rows[-1].time_s:.1f} s.")
                break
            if expression.time_s > end_s:
                break
            heard_s = now_s
            rows.append(expression)
            if progress:
                progress(len(rows), None)
        info = {**vars(door.info), "warnings": [*warnings, *door.warnings]}
    rows = [row for row in rows if row.time_s >= start_s]
    if not any(row.confidence > 0 for row in rows):
        raise SemblanceError(f"'{name}' sent no face between {start_s:g} and {end_s:g} s.")
    raw = bridge(stack(rows))
    take = Take(raw.confidence > 0, np.zeros((0, LANDMARK_COUNT, 3), np.float32), raw, raw, info, {})
    return refine(take, find_neutral(take.raw), Smoothing())


def _reporting(faces: Iterable[FaceFrame], total: int | None, progress: Progress | None) -> Iterator[FaceFrame]:
    for done, face in enumerate(faces, 1):
        yield face
        if progress:
            progress(done, total)


@dataclass(frozen=True)
class _Reading:
    """A source read once."""

    landmarks: np.ndarray
    raw: ExpressionTrack
    """Gaps bridged; confidence 0 where no face was found or could be read."""
    info: dict[str, Any]
    models: dict[str, str]
    drawn: bool
    body: BodyTrack | None = None

    @property
    def found(self) -> np.ndarray:
        """bool [T]"""
        return self.raw.confidence > 0


_Read = Callable[[FaceTracker | DrawnFaceTracker], _Reading]


def _read_any(read: _Read, face: int, box: FaceBox | None) -> _Reading:
    """As a person's face; as a drawn one if that is what it shows."""
    tracker = FaceTracker(face, box)
    reading = read(tracker)
    from_behind = reading.body is not None and reading.body.found.any() and not reading.found.any()
    if from_behind or not tracker.looks_drawn:
        return reading
    if reading.info["kind"] in _ONCE:
        reading.info["warnings"].append(_DOUBTFUL)
        return reading
    drawn = DrawnFaceTracker(face, box)
    again = read(drawn)
    if not (drawn.is_steady and again.found.any()):
        return reading
    again.info["warnings"].append(_READ_AS_DRAWN)
    return again


def _read_drawn(read: _Read, face: int, box: FaceBox | None) -> _Reading:
    """As a drawn face; if none is found, one that fills the picture."""
    reading = read(DrawnFaceTracker(face, box))
    if reading.found.any() or reading.info["kind"] in _ONCE:
        return reading
    return read(DrawnFaceTracker(face, middle_box(reading.info["width"], reading.info["height"])))


def _ahead(items: Iterable[_Item], pool: Executor) -> Iterator[_Item]:
    """The same items; the next one is made in a thread of the pool while whoever asks works on one."""
    made = iter(items)
    coming = pool.submit(next, made, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, made, None)
        yield item


def _keep(landmarks: np.ndarray, file: IO[bytes]) -> None:
    try:
        file.write(landmarks.tobytes())
        file.flush()
    except OSError as error:
        raise SemblanceError(
            f"Cannot write to '{tempfile.gettempdir()}', where landmarks are kept while a clip is read: "
            f"{error.strerror}; free some space there."
        ) from error


def _read(
    source: Source, tracker: FaceTracker | DrawnFaceTracker, encoder: Encoder, progress: Progress | None,
    body: BodyReading | None = None,
) -> _Reading:
    rows, follow = [], body.beside(tracker) if body else tracker.track
    # Three stages beside one another: what takes longest is all that a picture takes, given the cores. Landmarks are
    # six times all else that is kept of a frame; on disk they do not fill the memory, however long the clip is.
    with tempfile.TemporaryFile() as landmarks, ThreadPoolExecutor(2) as pool:
        faces = _reporting(map(follow, _ahead(source, pool)), source.info.frame_count, progress)
        for batch in _ahead(iter(lambda: list(islice(faces, _BATCH)), []), pool):
            _keep(np.stack([face.landmarks for face in batch], dtype=np.float32), landmarks)
            track = encoder.encode(batch)
            rows += [track.row(i) for i in range(len(track))]
        kept = np.memmap(landmarks, np.float32, "c", shape=(len(rows), LANDMARK_COUNT, 3))
    info = {**vars(source.info), "warnings": list(source.warnings)}
    models = {**tracker.stamps, "expression": encoder.card.stamp}
    drawn = isinstance(tracker, DrawnFaceTracker)
    if body is None:
        return _Reading(kept, bridge(stack(rows)), info, models, drawn)
    seen = body.track
    info["warnings"] += body.warnings(seen)
    return _Reading(kept, bridge(stack(rows)), info, models | body.stamps, drawn, seen)
