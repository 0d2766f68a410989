"""Sets of face images that a user may have on disk: their labels, one face after the other, read as they are asked for.

Each loader takes where the set lies and a `skipped` counter. What cannot be used (a missing image, a damaged row) is
left out and counted there by its reason (in X2C, whose values a robot will follow, each is told with its line); a set
that is not there at all is a SemblanceError when the first face is asked for. Nothing is downloaded. Pictures stay on
disk until `read_picture`.

What the formats are known from is said with each loader. Only X2C's card names an open licence (CC BY 4.0, with
attribution); AffectNet and FERG-DB are given on request, for research: what may be done with a network that learned
from them is between the user and their owners.
"""
from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from addon.core.control_set import Control, ControlSet
from addon.core.errors import SemblanceError
from addon.tracking.sources import MOST_PX, is_sound_png

_OVERSHOOT: Final = 0.05
"""A curve between keys leaves the limits a little; by more than this share of the range the value is a mistake."""
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_BEHIND: Final = 128
"""Grey level that shows where a picture is transparent."""
_FERG: Final = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
_AFFECTNET: Final = ("neutral", "joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt", "", "")
"""By AffectNet's number, in the words of core.key_poses; 8 (none of these) and 9 (uncertain) say nothing."""
_AFFECTNET_NO_FACE: Final = 10
_AFFECTNET_COLUMNS: Final = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height",
                             "facial_landmarks", "expression", "valence", "arousal")
_FEC_KINDS: Final = ("ONE_CLASS_TRIPLET", "TWO_CLASS_TRIPLET", "THREE_CLASS_TRIPLET")
_DAMAGED: Final = "row damaged"
_MISSING: Final = "image missing"


@dataclass(frozen=True)
class Box:
    """Where the face is in its picture."""

    left: float
    top: float
    right: float
    bottom: float
    relative: bool = False
    """True: shares of the picture's width and height; False: px."""

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in px, inside a picture of that size; may be empty."""
        across, down = (width, height) if self.relative else (1, 1)
        x = [min(max(round(side * across), 0), width) for side in (self.left, self.right)]
        y = [min(max(round(side * down), 0), height) for side in (self.top, self.bottom)]
        return x[0], y[0], x[1], y[1]


@dataclass(frozen=True)
class LabelledFace:
    """One image and what its set says about it."""

    path: Path
    box: Box | None = None
    """None: the whole picture."""
    expression: str = ""
    """One of core.key_poses.CLASSES or "contempt"; "" where nobody says."""
    valence: float | None = None
    """-1..1, unpleasant to pleasant."""
    arousal: float | None = None
    """-1..1, calm to excited."""
    character: str = ""
    """Whose face it is, where the set names it."""
    controls: tuple[float, ...] = ()
    """X2C: 30 control values in the robot's own units."""
    animation: str = ""
    """X2C: the animation that it is a frame of, where that is known; its frames look nearly the same."""


@dataclass(frozen=True)
class FaceTriplet:
    """Three images, and which of them people thought the odd one out."""

    faces: tuple[LabelledFace, LabelledFace, LabelledFace]
    kind: str
    """"one", "two" or "three": of how many classes of expression the three were drawn."""
    votes: tuple[int, ...]
    """0, 1 or 2 from each annotator: the face that is not of the most similar pair."""

    @property
    def odd(self) -> int:
        """The face that most annotators named (the first of them in a tie)."""
        return max(range(3), key=self.votes.count)

    @property
    def agreement(self) -> float:
        """Share of the annotators who named it; FreeAvatar drops triplets below 0.6."""
        return self.votes.count(self.odd) / len(self.votes)


def image_folder(folder: Path) -> Iterator[LabelledFace]:
    """All images in a folder and its subfolders, without labels, in the order of their paths.

    Raises:
        SemblanceError: if there is no such folder.
    """
    for path in sorted(_existing(folder).rglob("*")):
        if path.suffix.lower() in _PICTURES and path.is_file():
            yield LabelledFace(path)


def fec_triplets(table: Path, images: Path, skipped: Counter[str]) -> Iterator[FaceTriplet]:
    """Google's Facial Expression Comparison set (Vemulapalli and Agarwala, CVPR 2019; the files
    faceexp-comparison-data-{train,test}-public.csv), as far as its images have been downloaded into `images`.

    No header. A row is three times (URL, left, right, top, bottom as shares), the kind, then (annotator, vote) as often
    as there are annotators; vote 1, 2 or 3 is the image outside the most similar pair. An image's file is named like
    the last part of its URL. This is what public programs that read the set do; the owners' own description was not at
    hand, and they publish only the table: many URLs are dead.

    Raises:
        SemblanceError: if the table or the folder is not there.
    """
    _existing(images)
    for row in _rows(table, skipped):
        try:
            parts = [row[first:first + 5] for first in (0, 5, 10)]
            faces = [LabelledFace(images / _file_name(url), _fec_box(box)) for url, *box in parts]
            kind = ("one", "two", "three")[_FEC_KINDS.index(row[15].strip())]
            votes = tuple((1, 2, 3).index(int(vote)) for vote in row[17::2] if vote.strip())
        except (ValueError, IndexError):
            skipped[_DAMAGED] += 1
            continue
        if not votes:
            skipped[_DAMAGED] += 1
        elif not all(_is_file(face.path) for face in faces):
            skipped[_MISSING] += 1
        else:
            yield FaceTriplet((faces[0], faces[1], faces[2]), kind, votes)


def affectnet_table(table: Path, images: Path, skipped: Counter[str]) -> Iterator[LabelledFace]:
    """AffectNet (Mollahosseini et al. 2017) by its training.csv or validation.csv, with images below `images`.

    Columns: subDirectory_filePath, face_x, face_y, face_width, face_height (px), facial_landmarks, expression 0..10,
    valence, arousal (-2 where they are unknown); a table without a header has them in this order. All this is what
    public programs read. Images that show no face (10) are left out.

    Raises:
        SemblanceError: if the table or the folder is not there.
    """
    _existing(images)
    names: tuple[str, ...] = _AFFECTNET_COLUMNS
    for number, row in enumerate(_rows(table, skipped)):
        if number == 0 and _AFFECTNET_COLUMNS[0] in row:
            names = tuple(row)
            continue
        cells = dict(zip(names, row, strict=False))
        try:
            left, top, width, height = (_number(cells["face_" + name]) for name in ("x", "y", "width", "height"))
            code, path = int(cells["expression"]), _below(images, cells[_AFFECTNET_COLUMNS[0]])
            face = _affectnet_face(path, code, cells["valence"], cells["arousal"],
                                   Box(left, top, left + width, top + height))
        except (ValueError, KeyError):
            skipped[_DAMAGED] += 1
            continue
        yield from _usable(face, code, skipped)


def affectnet_folder(folder: Path, skipped: Counter[str]) -> Iterator[LabelledFace]:
    """AffectNet in its later form: images/<number>.jpg, already cut out, beside annotations/<number>_exp.npy, _val.npy
    and _aro.npy with one number each, as public programs read it; whether as number or as text is unconfirmed, so both
    do. `folder` is one part of the set, such as train_set or val_set.

    Raises:
        SemblanceError: if the folder or its annotations are not there.
    """
    for table in sorted(_existing(folder / "annotations").glob("*_exp.npy")):
        stem = table.name.removesuffix("_exp.npy")
        try:
            told = [str(np.load(table.with_name(f"{stem}_{what}.npy"), allow_pickle=False).item())
                    for what in ("exp", "val", "aro")]
            code = int(float(told[0]))
            face = _affectnet_face(folder / "images" / f"{stem}.jpg", code, told[1], told[2])
        except Exception:  # numpy fails on damaged files in many ways of its own
            skipped[_DAMAGED] += 1
            continue
        yield from _usable(face, code, skipped)


def ferg_folder(folder: Path, skipped: Counter[str]) -> Iterator[LabelledFace]:
    """FERG-DB (Aneja et al., ACCV 2016): <character>/<character>_<expression>/<character>_<expression>_<number>.png.

    The seven classes are those of its web page, the folders those that public programs read. It is given on request.

    Raises:
        SemblanceError: if there is no such folder.
    """
    for path in sorted(_existing(folder).rglob("*.png")):
        character, _, expression = path.parent.name.lower().rpartition("_")
        if not character or expression not in _FERG:
            skipped["folder names no expression"] += 1
        elif path.is_file():
            yield LabelledFace(path, expression=expression, character=character)


def x2c_set(folder: Path, controls: ControlSet, refused: list[str]) -> Iterator[LabelledFace]:
    """X2C (arXiv 2505.11146, CC BY 4.0): metadata.jsonl with `file_name` and the 30 values `ctrl_value` a line, in the
    alphabetical order of the controls; the image is in images<number // 10000>, as in the authors' own program, or
    directly in `folder`. The values are in the robot's units and clamped to the limits of `controls`.

    The animation that a frame is of is its "animation", where the line has one, or the folder that `file_name` names.
    A line that cannot be used is left out, and a sentence that names it is added to `refused`.

    Raises:
        SemblanceError: if there is no metadata.jsonl.
    """
    table = _existing(folder) / "metadata.jsonl"
    for number, line in _numbered_lines(table):
        try:
            yield _x2c_face(folder, line, controls)
        except _BadLineError as error:
            refused.append(f"'{table}', line {number}: {error}; correct or remove the line.")


class _BadLineError(ValueError):
    """What is wrong with a line, in words."""


def _x2c_face(folder: Path, line: str, controls: ControlSet) -> LabelledFace:
    try:
        data = json.loads(line)
        name, values = data["file_name"], data["ctrl_value"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _BadLineError("it is no JSON object with 'file_name' and 'ctrl_value'") from error
    if not isinstance(values, list) or len(values) != len(controls):
        count = len(values) if isinstance(values, list) else "no list of"
        raise _BadLineError(f"it has {count} control values instead of {len(controls)}")
    given = [_control_value(value, control) for value, control in zip(values, controls.controls, strict=True)]
    return LabelledFace(_x2c_image(folder, name), controls=tuple(controls.clamped(np.array(given)).tolist()),
                        animation=_animation(data.get("animation"), Path(name).parent.as_posix()))


def _control_value(value: object, control: Control) -> float:
    try:
        number = _number(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _BadLineError(f"its '{control.name}' is no finite number") from error
    over = _OVERSHOOT * (control.maximum - control.minimum)
    if not control.minimum - over <= number <= control.maximum + over:
        limits = f"{control.minimum:g} to {control.maximum:g}"
        raise _BadLineError(f"its '{control.name}' is {number:g}, outside {limits}")
    return number


def _x2c_image(folder: Path, name: object) -> Path:
    try:
        if not isinstance(name, str):
            raise ValueError(name)
        plain = _below(folder, name)
    except ValueError as error:
        raise _BadLineError(f"its file_name {name!r:.80} leads out of the folder or is none") from error
    number = re.fullmatch(r"(\d{1,12})\.\w+", name)
    inside = folder / f"images{int(number[1]) // 10_000}" / name if number else plain
    for path in (inside, plain):
        if _is_file(path):
            return path
    raise _BadLineError(f"its image '{inside}' is not there")


def _animation(named: object, parent: str) -> str:
    if isinstance(named, str) and named:
        return named
    return "" if parent == "." or re.fullmatch(r"images\d+", parent) else parent


def read_picture(path: Path) -> np.ndarray:
    """uint8 [H, W, 3] BGR of any image: upright, 16 bits cut to 8, grey as colour, what is transparent over grey.

    Raises:
        SemblanceError: if it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SemblanceError(f"Cannot read the image '{path}': {error.strerror}.") from error
    if not is_sound_png(data):
        raise SemblanceError(f"The image '{path}' is damaged or has more than {MOST_PX // 1_000_000} million pixels.")
    try:
        image = _decoded(data, cv2.IMREAD_COLOR)
        # Only then does OpenCV tell of transparency, but not of how the camera was held.
        whole = None if data[:2] == b"\xff\xd8" else _decoded(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise SemblanceError(f"'{path}' is not an image that can be read.") from error
    if image is None or image.dtype != np.uint8 or image.ndim != 3:
        raise SemblanceError(f"'{path}' is not an image that can be read.")
    if whole is not None and whole.shape == (*image.shape[:2], 4):
        share = whole[..., 3:] / np.float32(255 if whole.dtype == np.uint8 else 65_535)
        image = np.rint(image * share + _BEHIND * (1 - share)).astype(np.uint8)
    return image


def _decoded(data: bytes, flags: int) -> np.ndarray | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def read_face(face: LabelledFace) -> np.ndarray:
    """The part of the picture [h, w, 3] that the set says is the face.

    Raises:
        SemblanceError: if the picture cannot be read or the box has nothing of it.
    """
    image = read_picture(face.path)
    if face.box is None:
        return image
    left, top, right, bottom = face.box.pixels(image.shape[1], image.shape[0])
    if right <= left or bottom <= top:
        raise SemblanceError(f"The face's box lies outside the image '{face.path}'.")
    return image[top:bottom, left:right]


def _usable(face: LabelledFace, code: int, skipped: Counter[str]) -> Iterator[LabelledFace]:
    if code == _AFFECTNET_NO_FACE:
        skipped["no face"] += 1
    elif not _is_file(face.path):
        skipped[_MISSING] += 1
    else:
        yield face


def _affectnet_face(path: Path, code: int, valence: str, arousal: str, box: Box | None = None) -> LabelledFace:
    """ValueError for what cannot be."""
    if not 0 <= code <= _AFFECTNET_NO_FACE or (box and (box.right <= box.left or box.bottom <= box.top)):
        raise ValueError(code)
    told = [_number(value) for value in (valence, arousal)]
    known = [value if -1 <= value <= 1 else None for value in told]
    return LabelledFace(path, box, (*_AFFECTNET, "")[code], known[0], known[1])


def _fec_box(cells: list[str]) -> Box:
    left, right, top, bottom = (_number(cell) for cell in cells)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("no box inside the picture")
    return Box(left, top, right, bottom, relative=True)


def _file_name(url: str) -> str:
    name = re.split(r"[?#]", url.strip())[0].rsplit("/", 1)[-1]
    if not name or name in (".", "..") or "\\" in name or "\0" in name:
        raise ValueError(url)
    return name


def _below(folder: Path, name: str) -> Path:
    """`folder` / name; ValueError for a name that leads elsewhere."""
    path = Path(name)
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts or path.drive:
        raise ValueError(name)
    return folder / path


def _number(value: object) -> float:
    """A finite number; ValueError or TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise SemblanceError(f"There is no folder '{folder}'.")
    return folder


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not empty, counted from 1; what is not UTF-8 becomes replacement signs.

    Raises:
        SemblanceError: if it cannot be read.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error


def _rows(path: Path, skipped: Counter[str]) -> Iterator[list[str]]:
    """The rows of a CSV table; those that are none are counted."""
    reader = csv.reader(line for _, line in _numbered_lines(path))
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            skipped[_DAMAGED] += 1
