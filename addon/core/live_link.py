"""Live Link Face (Epic's iPhone app): what its 61 values mean, and its CSV files in and out.

A CSV has Timecode, BlendShapeCount, 52 ARKit channels and 9 angles, float32 with ten decimals, timecodes
HH:MM:SS:FF.fff at 30 or 60 fps; the app's packets carry the same 61 values. Angles are radians; yaw grows to the
person's right and pitch downwards (seen in takes: EyeLookInLeft comes with a positive yaw of the left eye, EyeLookDown
with a positive pitch), so both change sign here.

The file's header names jaw and mouth sideways the wrong way round: where it says MouthRight, Unreal's EARFaceBlendShape
has MouthLeft, and in takes the corner that is stretched, the raised lip and the squinting cheek are on that side
(correlation 0.95). What counts is the place, not the name.
"""
from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from . import coefficients
from .errors import SemblanceError
from .files import write_bytes
from .frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
from .take import Take

# The app's order, in packets and files.
ARKIT_CHANNELS: Final[tuple[str, ...]] = (
    "EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft",
    "EyeWideLeft", "EyeBlinkRight", "EyeLookDownRight", "EyeLookInRight", "EyeLookOutRight", "EyeLookUpRight",
    "EyeSquintRight", "EyeWideRight", "JawForward", "JawLeft", "JawRight", "JawOpen", "MouthClose", "MouthFunnel",
    "MouthPucker", "MouthLeft", "MouthRight", "MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft",
    "MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight",
    "MouthRollLower", "MouthRollUpper", "MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight",
    "MouthLowerDownLeft", "MouthLowerDownRight", "MouthUpperUpLeft", "MouthUpperUpRight", "BrowDownLeft",
    "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft",
    "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut",
)
_ANGLES: Final = ("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw",
                  "RightEyePitch", "RightEyeRoll")
_MISNAMED: Final = {"JawLeft": "JawRight", "JawRight": "JawLeft", "MouthLeft": "MouthRight", "MouthRight": "MouthLeft"}
COLUMNS: Final = ("Timecode", "BlendShapeCount", *(_MISNAMED.get(name, name) for name in ARKIT_CHANNELS), *_ANGLES)
VALUES: Final = len(ARKIT_CHANNELS) + len(_ANGLES)
# ARKit channel → our coefficients; browInnerUp and cheekPuff fill both sides.
_CHANNEL_OF: Final = np.array(
    [[c.lower() for c in ARKIT_CHANNELS].index(name.lower()) for name in coefficients.ARKIT_OF]
)
# yaw, pitch, roll: the app's direction in ours.
_DIRECTION: Final = np.array([-1, -1, 1], np.float32)
_TIMECODE: Final = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d):(\d{1,3}(?:\.\d+)?)$")


def meaning_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The app's values [..., 61] → coefficients [..., 54], gaze [..., 2, 2] and head [..., 3] as in core.frames."""
    gaze = np.stack([values[..., 55:57], values[..., 58:60]], axis=-2) * _DIRECTION[:2]
    return values[..., _CHANNEL_OF], gaze, values[..., 52:55] * _DIRECTION


def read_live_link(path: Path) -> Take:
    """Read a Live Link Face CSV as a Take (raw = smoothed = the file's values; no landmarks, no embedding).

    Rows whose timecode does not advance are left out and counted in `source["warnings"]`, and so is a last row that was
    not written to its end.

    Raises:
        SemblanceError: naming the file and the column or line that is wrong.
    """
    path = Path(path)
    rows, warnings = _rows(path)
    _check_columns(rows, path)
    parts, values = _parse(rows[1:], path)
    # Sixty frames a second unless no frame number needs it.
    rate = 60 if parts[:, 3].max() >= 30 else 30
    clock = _seconds(parts, rate)
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(clock)) > 0])
    source: dict[str, Any] = {
        "kind": "live link", "name": path.name, "frame_count": int(rising.sum()), "timecode_fps": rate,
        "timecode_start_s": float(clock[0]), "eye_roll": values[rising][:, [57, 60]].tolist(),
    }
    if not rising.all():
        warnings.append(f"{int((~rising).sum())} rows left out because their timecode does not advance.")
    if warnings:
        source["warnings"] = warnings
    track = _track(clock[rising] - clock[0], values[rising])
    nothing = np.empty((0, LANDMARK_COUNT, 3), np.float32)
    return Take(np.ones(len(track), bool), nothing, track, track, source)


def write_live_link(take: Take, path: Path) -> None:
    """Write the smoothed half of a take as Live Link Face CSV.

    A take that came from such a file and was not changed gives the same text again.

    Raises:
        SemblanceError: if the file cannot be written.
    """
    track, source = take.smoothed, take.source
    rate = int(source.get("timecode_fps", 60))
    start_s = float(source.get("timecode_start_s", 0.0))
    values = np.zeros((len(track), VALUES), np.float32)
    for channel in range(len(ARKIT_CHANNELS)):
        values[:, channel] = track.coefficients[:, channel == _CHANNEL_OF].mean(axis=1)
    values[:, 52:55] = track.head * _DIRECTION
    values[:, [55, 56]] = track.gaze[:, 0] * _DIRECTION[:2]
    values[:, [58, 59]] = track.gaze[:, 1] * _DIRECTION[:2]
    roll = np.asarray(source.get("eye_roll", []), np.float32)
    if roll.shape == (len(track), 2):
        values[:, [57, 60]] = roll
    lines = [",".join(COLUMNS)]
    for time_s, row in zip(track.times_s, values + np.float32(0), strict=True):
        lines.append(",".join([_timecode(start_s + time_s, rate), str(VALUES), *(f"{v:.10f}" for v in row)]))
    write_bytes(Path(path), ("\n".join(lines) + "\n").encode())


def _rows(path: Path) -> tuple[list[list[str]], list[str]]:
    """The file's rows that have something in them, and what there is to say about those that are missing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SemblanceError(f"'{path}' is not a text file; a Live Link Face CSV is needed.") from error
    separator = ";" if ";" in text.partition("\n")[0] else ","
    if separator == ";":    # as Excel saves it where numbers have a comma
        text = text.replace(",", ".")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except csv.Error as error:
        raise SemblanceError(f"'{path}' is not a CSV file: {error}.") from error
    if not text.endswith("\n") and len(rows) > 2 and len(rows[-1]) < len(COLUMNS):
        return rows[:-1], ["The last row is cut off and was left out."]
    return rows, []


def _check_columns(rows: list[list[str]], path: Path) -> None:
    if len(rows) < 2:
        raise SemblanceError(f"'{path}' has no rows; a Live Link Face CSV is needed.")
    header = [name.strip() for name in rows[0]]
    for expected, found in zip(COLUMNS, [*header, *[""] * len(COLUMNS)], strict=False):
        if expected.lower() != found.lower():
            raise SemblanceError(
                f"'{path}' is not a Live Link Face CSV: where the column '{expected}' belongs it has '{found[:40]}'."
            )
    if len(header) > len(COLUMNS):
        raise SemblanceError(f"'{path}' is not a Live Link Face CSV: the column '{header[len(COLUMNS)]}' is unknown.")


def _parse(rows: list[list[str]], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Timecode parts float64 [T, 4] and values float32 [T, 61]."""
    parts = np.empty((len(rows), 4))
    values = np.empty((len(rows), VALUES), np.float32)
    for i, row in enumerate(rows):
        where = f"'{path}', line {i + 2}"
        if len(row) != len(COLUMNS):
            raise SemblanceError(f"{where}: {len(row)} fields instead of {len(COLUMNS)}.")
        match = _TIMECODE.match(row[0].strip())
        if not match:
            raise SemblanceError(f"{where}: '{row[0]}' is not a timecode like 13:13:04:31.652.")
        parts[i] = [float(part) for part in match.groups()]
        try:
            numbers = [float(cell) for cell in row[2:]]
        except ValueError as error:
            raise SemblanceError(f"{where}: {error}.") from error
        if not all(math.isfinite(number) and abs(number) < 1e6 for number in numbers):
            raise SemblanceError(f"{where}: a value is not a finite number.")
        values[i] = numbers
    return parts, values


def _seconds(parts: np.ndarray, rate: int) -> np.ndarray:
    """Seconds since midnight of the first day, float64 [T]; a take may pass midnight."""
    clock = parts[:, 0] * 3600 + parts[:, 1] * 60 + parts[:, 2] + parts[:, 3] / rate
    days = np.concatenate([[0], np.cumsum(np.diff(clock) < -43_200)])
    return clock + days * 86_400


def _timecode(seconds: float, rate: int) -> str:
    thousandths = round(seconds * rate * 1000)
    whole, frame = divmod(thousandths, rate * 1000)
    return f"{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}:{frame / 1000:06.3f}"


def _track(times_s: np.ndarray, values: np.ndarray) -> ExpressionTrack:
    coefficient, gaze, head = meaning_of(values)
    embedding = np.zeros((len(values), EMBEDDING_SIZE), np.float32)
    return ExpressionTrack(times_s, coefficient, embedding, gaze, head, np.ones(len(values), np.float32))
