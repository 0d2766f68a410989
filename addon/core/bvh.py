"""BVH files (Biovision hierarchy, what CMU, Mixamo converters and most mocap tools write) as a BodyMotion.

Strict: a file that leaves room for doubt is told in one sentence with its line. A rotation's channels are applied in
the order in which the file names them, which any of the six may be.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from .body_motion import BodyMotion, motion_of
from .errors import SemblanceError

_MOST_BYTES: Final = 400_000_000
_MOST_BONES: Final = 2000
_MOST_DEPTH: Final = 200
_CHANNELS: Final = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")


@dataclass
class _Bone:
    name: str
    parent: int
    offset: tuple[float, ...] = ()
    channels: list[str] = field(default_factory=list)
    closed: bool = False


def read_bvh(path: Path) -> BodyMotion:
    """Read the motion of a BVH file.

    Raises:
        SemblanceError: naming the file, and the line where something is wrong.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SemblanceError(f"'{path}' is larger than {_MOST_BYTES // 1_000_000} MB; cut the motion into parts.")
        data = path.read_bytes()
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    if b"\0" in data:
        raise SemblanceError(f"'{path}' is not a text file; a BVH is needed.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")   # bones' names of older programs
    return parse_bvh(text, str(path))


def parse_bvh(text: str, name: str) -> BodyMotion:
    """The motion of a BVH text; `name` is its file's, for sentences.

    Raises:
        SemblanceError: as `read_bvh`.
    """
    lines = _Lines(text, name)
    bones = _hierarchy(lines)
    step_s, rows = _motion(lines, sum(len(bone.channels) for bone in bones))
    parents = [bone.parent for bone in bones]
    offsets = np.array([bone.offset for bone in bones])
    positions, rotations = _forward(bones, offsets, rows)
    rest = np.zeros_like(offsets)
    for i, parent in enumerate(parents):
        rest[i] = offsets[i] + (rest[parent] if parent >= 0 else 0)
    times_s = np.arange(len(rows)) * step_s
    return motion_of(name, times_s, [bone.name for bone in bones], parents, rest, positions, rotations)


class _Lines:
    """Lines that say something, and where one is."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = [(i, line.split()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
        self._at, self._name = 0, name

    def next(self, wanted: str) -> list[str]:
        """The words of the next line."""
        if self._at == len(self._lines):
            raise SemblanceError(f"'{self._name}' ends where {wanted} belongs; the file is cut short or is no BVH.")
        self._at += 1
        return self._lines[self._at - 1][1]

    def rest(self) -> list[list[str]]:
        """The words of all lines to come."""
        return [words for _, words in self._lines[self._at:]]

    def wrong(self, wanted: str) -> SemblanceError:
        """What to raise about the line that was read last."""
        number, words = self._lines[self._at - 1]
        return SemblanceError(f"'{self._name}', line {number}: '{' '.join(words)[:40]}' stands where {wanted} belongs.")

    def numbers(self, words: list[str], count: int, wanted: str) -> tuple[float, ...]:
        """So many finite numbers, no more."""
        try:
            values = tuple(float(word) for word in words)
        except ValueError as error:
            raise self.wrong(wanted) from error
        if len(values) != count or not all(math.isfinite(value) and abs(value) < 1e9 for value in values):
            raise self.wrong(wanted)
        return values

    def row(self, index: int) -> int:
        """The line number of a row that `rest` gave."""
        return self._lines[self._at + index][0]

    @property
    def name(self) -> str:
        """The file's."""
        return self._name


def _hierarchy(lines: _Lines) -> list[_Bone]:
    if [word.upper() for word in lines.next("HIERARCHY")] != ["HIERARCHY"]:
        raise lines.wrong("HIERARCHY")
    bones: list[_Bone] = []
    open_: list[int] = []       # bones whose braces are open; -1 = an end site
    started = False
    while not started or open_:
        words = lines.next("a joint or '}'")
        kind = words[0].upper()
        if kind == "}" and open_:
            last = open_.pop()
            if last >= 0 and not bones[last].offset:
                raise lines.wrong(f"the OFFSET of '{bones[last].name}'")
        elif kind == "OFFSET" and open_:
            offset = lines.numbers(words[1:], 3, "OFFSET and three numbers")
            if open_[-1] >= 0:
                bones[open_[-1]].offset = offset
        elif kind == "CHANNELS" and open_ and open_[-1] >= 0 and not bones[open_[-1]].channels:
            bones[open_[-1]].channels = _channels(lines, words)
        elif (kind == "JOINT" and open_ and open_[-1] >= 0) or (kind == "ROOT" and not started):
            if len(words) < 2:
                raise lines.wrong(f"{kind} and a name")
            bones.append(_Bone(" ".join(words[1:]), open_[-1] if open_ else -1))
            _open(lines, open_, len(bones) - 1)
            started = True
        elif kind == "END" and open_ and open_[-1] >= 0:
            _open(lines, open_, -1)
        else:
            raise lines.wrong("a joint, an OFFSET, CHANNELS, an end site or '}'" if started else "ROOT and a name")
        if len(bones) > _MOST_BONES or len(open_) > _MOST_DEPTH:
            raise SemblanceError(f"'{lines.name}' has more bones than any body; it is damaged or no motion of a body.")
    return bones


def _open(lines: _Lines, open_: list[int], bone: int) -> None:
    if lines.next("'{'") != ["{"]:
        raise lines.wrong("'{'")
    open_.append(bone)


def _channels(lines: _Lines, words: list[str]) -> list[str]:
    """A bone's channels, each at most once."""
    known = {name.lower(): name for name in _CHANNELS}
    names = [known.get(word.lower(), "") for word in words[2:]]
    if len(words) < 2 or words[1] != str(len(names)) or "" in names or len(set(names)) != len(names):
        raise lines.wrong("CHANNELS, their number and as many of " + ", ".join(_CHANNELS))
    return names


def _motion(lines: _Lines, columns: int) -> tuple[float, np.ndarray]:
    """Seconds a frame, and the values [T, C]."""
    if [word.upper() for word in lines.next("MOTION")] != ["MOTION"]:
        raise lines.wrong("MOTION")
    words = lines.next("Frames: and a number")
    if len(words) != 2 or words[0].lower() != "frames:" or not words[1].isdecimal():
        raise lines.wrong("Frames: and a number")
    count = int(words[1])
    words = lines.next("Frame Time: and a number")
    if [word.lower() for word in words[:2]] != ["frame", "time:"]:
        raise lines.wrong("Frame Time: and a number")
    (step_s,) = lines.numbers(words[2:], 1, "Frame Time: and a number of seconds")
    if not 1e-4 <= step_s <= 10:
        raise lines.wrong("a Frame Time from 0.0001 to 10 seconds")
    rows = lines.rest()
    if len(rows) != count:
        raise SemblanceError(
            f"'{lines.name}' says it has {count} frames and has {len(rows)}; it is cut short or damaged."
        )
    for i, row in enumerate(rows):
        if len(row) != columns:
            raise SemblanceError(
                f"'{lines.name}', line {lines.row(i)}: {len(row)} values where the channels need {columns}."
            )
    try:
        values = np.array(rows, np.float64).reshape(count, columns)
    except ValueError as error:
        raise SemblanceError(f"'{lines.name}': a value of its motion is not a number.") from error
    wrong = np.flatnonzero(~(np.abs(values) < 1e9).all(1))
    if len(wrong):
        raise SemblanceError(f"'{lines.name}', line {lines.row(int(wrong[0]))}: a value is not a finite number.")
    return step_s, values


def _forward(bones: list[_Bone], offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [T, J, 3] and rotations [T, J, 3, 3] of all bones in the world."""
    positions = np.zeros((len(rows), len(bones), 3))
    rotations = np.zeros((len(rows), len(bones), 3, 3))
    column = 0
    for i, bone in enumerate(bones):
        local, place = np.broadcast_to(np.eye(3), (len(rows), 3, 3)), np.tile(offsets[i], (len(rows), 1))
        for channel in bone.channels:
            axis, values = "XYZ".index(channel[0]), rows[:, column]
            column += 1
            if channel.endswith("rotation"):
                local = local @ _turned(axis, np.radians(values))
            else:
                place[:, axis] = values     # it takes the place of the offset, as every reader does
        if bone.parent < 0:
            positions[:, i], rotations[:, i] = place, local
        else:
            above = rotations[:, bone.parent]
            positions[:, i] = positions[:, bone.parent] + np.einsum("tij,tj->ti", above, place)
            rotations[:, i] = above @ local
    return positions, rotations


def _turned(axis: int, angles: np.ndarray) -> np.ndarray:
    """Rotations [T, 3, 3] by so many rad around an axis."""
    found = np.zeros((len(angles), 3, 3))
    b, c = (axis + 1) % 3, (axis + 2) % 3
    found[:, axis, axis] = 1
    found[:, b, b] = found[:, c, c] = np.cos(angles)
    found[:, c, b] = np.sin(angles)
    found[:, b, c] = -np.sin(angles)
    return found
