"""A whole performance from a source to a Take, and a Take refined again without tracking."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from ..core.errors import SemblanceError
from ..core.frames import ExpressionTrack, FaceFrame, stack
from ..core.gaps import bridge
from ..core.live_link import read_live_link
from ..core.smoothing import Smoothing, smooth
from ..core.take import SUFFIX, Take, read_take
from ..expression.calibration import Calibration, calibrate, find_neutral
from ..expression.encoder import Encoder
from ..tracking.sources import open_source
from ..tracking.tracker import FaceTracker

Progress = Callable[[int, int | None], None]
"""Called with frames done and frames in all (None where the source does not know)."""
# Crops are 49 kB each; encoding as they come keeps memory constant whatever the clip's length.
_BATCH = 64


def record_take(
    address: str,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    face: int = 0,
    progress: Progress | None = None,
) -> Take:
    """Track and encode a whole source; the result is calibrated to its own neutral and smoothed by default.

    Args:
        address: video file, folder or pattern of images, stream address; or a `.take` or Live Link `.csv` to open.
        start_s, end_s: part of the source, in its own time.
        face: which face, 0 = the largest.

    Raises:
        SemblanceError: if the source cannot be read or no face is found in it.
    """
    suffix = Path(address).suffix.lower()
    if suffix == SUFFIX:
        return read_take(Path(address))
    if suffix == ".csv":
        return read_live_link(Path(address))
    with open_source(address, start_s=start_s, end_s=end_s) as source:
        tracker, encoder = FaceTracker(face=face), Encoder()
        faces = _reporting((tracker.track(frame) for frame in source), source.info.frame_count, progress)
        landmarks, raw = _encode(faces, encoder)
        info = {**vars(source.info), "warnings": list(source.warnings)}
    found = raw.confidence > 0
    if not found.any():
        raise SemblanceError(f"No face was found in any of the {len(found)} frames of '{address}'.")
    detector, mesh = tracker.stamps
    models = {"face_detector": detector, "face_mesh": mesh, "expression": encoder.card.stamp}
    take = Take(found, landmarks, raw, raw, info, models)
    return refine(take, find_neutral(raw), Smoothing())


def refine(take: Take, calibration: Calibration, smoothing: Smoothing) -> Take:
    """The take with its smoothed half made again from the raw one."""
    return replace(
        take,
        smoothed=smooth(calibrate(take.raw, calibration), smoothing),
        calibration=calibration.to_json(),
        smoothing=smoothing.to_json(),
    )


def _reporting(faces: Iterable[FaceFrame], total: int | None, progress: Progress | None) -> Iterator[FaceFrame]:
    for done, face in enumerate(faces, 1):
        yield face
        if progress:
            progress(done, total)


def _encode(faces: Iterator[FaceFrame], encoder: Encoder) -> tuple[np.ndarray, ExpressionTrack]:
    """Landmarks float32 [T, 478, 3] and the raw track with gaps bridged; confidence 0 where no face was found."""
    landmarks, rows = [], []
    while batch := list(islice(faces, _BATCH)):
        landmarks += [face.landmarks for face in batch]
        track = encoder.encode(batch)
        rows += [track.row(i) for i in range(len(track))]
    return np.stack(landmarks), bridge(stack(rows))
