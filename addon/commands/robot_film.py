"""A film of a performance on a robot head: the performer, Pip with the keys, and the head's twin as it was sent.

All three follow the clock of the performer's video; what was sent is read from the log of the robot process.
"""
from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..core.errors import SemblanceError, require
from ..core.files import replacing
from ..core.take import Take
from ..robot.actuator_map import RobotMap
from ..robot.sent_log import sent_by_clip
from ..tracking.sources import open_source
from .apply import require_bpy
from .demo import CHARACTER, HEIGHT_PX, SHEET_CELL_PX, SHEET_COLUMNS, key_and_render, rate_of
from .side_by_side import beside, contact_sheet, telling_moments
from .terminal import progress_display, without_chatter


def require_film(path: Path, video: Path | None) -> Path:
    """What a film needs, looked at before anything moves; returns the performer's video.

    Raises:
        SemblanceError: if something is missing.
    """
    if video is None:
        raise SemblanceError("A film shows the performer too; name the video with --video.")
    if not video.is_file():
        raise SemblanceError(f"There is no video '{video}' of the performer.")
    if path.suffix.lower() != ".mp4":
        raise SemblanceError(f"The film '{path}' must be an .mp4 file.")
    require_bpy()
    return video


def film(take: Take, video: Path, robot: RobotMap, log: Path, path: Path) -> None:
    """Write the film of what `log` says was sent while `take` was played, and beside it a .png of some moments.

    Raises:
        SemblanceError: if a file cannot be read or written, or nothing can be drawn here.
    """
    from ..blender.movie import encode
    from ..blender.robot_film import render_twin

    cv2 = require("cv2", "Writing pictures")
    with tempfile.TemporaryDirectory() as name, without_chatter():
        folder = Path(name)
        puppet = key_and_render(take, folder / "pip.blend", folder / "pip")
        times_s = np.arange(len(puppet)) / rate_of(take)
        progress = progress_display("bar", "    ")
        try:
            twin = render_twin(robot, as_sent(robot, log, times_s), folder / "twin", HEIGHT_PX, progress)
        finally:
            progress.close()
        moments = set(telling_moments(take.smoothed.coefficients, SHEET_COLUMNS).tolist())
        seen = as_seen(video, times_s + take.times_s[0])
        joined: list[Path] = []
        chosen: list[Sequence[np.ndarray]] = []
        (folder / "film").mkdir()
        for i, pictures in enumerate(zip(seen, _read(puppet), _read(twin), strict=True)):
            if i in moments:
                chosen.append(pictures)
            joined.append(folder / "film" / f"{i:05}.png")
            labelled = beside(pictures, HEIGHT_PX, ("performer", CHARACTER, f"{robot.name} as sent"))
            cv2.imwrite(str(joined[-1]), labelled, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        encode(joined, path, rate_of(take))
        with replacing(path.with_suffix(".png")) as partial:
            cv2.imwrite(str(partial), contact_sheet(chosen, SHEET_CELL_PX))


def as_sent(robot: RobotMap, log: Path, times_s: np.ndarray) -> np.ndarray:
    """u float64 [T, N] that the head had been sent at each moment [T] of the performance; 0 where nothing was sent.

    Raises:
        SemblanceError: as sent_by_clip.
    """
    moments_s, raw = sent_by_clip(log, robot)
    at = raw[np.maximum(np.searchsorted(moments_s, times_s, "right") - 1, 0)]
    return np.where(np.isfinite(at), robot.u_of(np.nan_to_num(at)), 0.0)


def as_seen(video: Path, times_s: np.ndarray) -> Iterator[np.ndarray]:
    """The picture uint8 [H, W, 3] BGR that the video shows at each of the rising moments [T]."""
    with open_source(str(video)) as source:
        frames = iter(source)
        shown, coming = next(frames), next(frames, None)
        for time_s in times_s:
            while coming is not None and coming.time_s <= time_s + 1e-3:
                shown, coming = coming, next(frames, None)
            yield shown.image


def _read(pictures: Sequence[Path]) -> Iterator[np.ndarray]:
    cv2 = require("cv2", "Reading pictures")
    return (cv2.imread(str(picture)) for picture in pictures)
