"""What a batch is to do: items from a table (CSV or JSON), each line checked before anything is started."""
from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from ..characters.style import LEAST, MOST
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..core.take import SUFFIX
from ..expression.from_body import CALM, STRENGTH_MOST, built_in_style
from .apply import cast_profiles
from .arguments import face_box, number_in, seconds, whole_number

RENDERS: Final = ("mp4", "png")
BODIES: Final = (".bvh", ".blend")
_OF_BODIES: Final = ("armature", "face_style", "strength", "still_head")
_SOURCES: Final = ("source", "video", "take", "body")
"""What the column of the performance may be called."""
_MOST_BYTES: Final = 64_000_000
_MOST_FRAME: Final = 1_000_000
_NO_NAME: Final = set('/\\:*?"<>|') | {chr(code) for code in range(32)}
"""What no file name has on every system."""


@dataclass(frozen=True)
class Item:
    """One performance to do. The defaults leave everything as `semblance track` and `semblance apply` have it."""

    source: str = ""
    folder: str = ""
    """Where everything about it goes; its name is what its files are called."""
    characters: tuple[str, ...] = ("Pip",)
    scene: str | None = None
    """Scene to start from; None = an empty one."""
    start_s: float | None = None
    end_s: float | None = None
    start_frame: int = 1
    face: int = 0
    box: str | None = None
    """Where the head is, as FaceBox.percent."""
    drawn: bool = False
    style: float = 1.0
    render: str | None = None
    size: tuple[int, int] = (640, 640)
    key_body: bool = False
    """The performer's body is followed too, and keyed where the character has one."""
    armature: str | None = None
    """Of a .blend as the source: the one whose Action moves the body."""
    face_style: str = CALM
    """Of a body as the source: how its face goes, a built-in style or a performance's path."""
    strength: float = 1.0
    """Of that style."""
    still_head: bool = False
    """The head does not turn as the body's does, because it moves with the body already."""

    @property
    def stem(self) -> str:
        """What its files are called."""
        return Path(self.folder).name

    @property
    def is_performance(self) -> bool:
        """A take or Live Link file, which needs no tracking."""
        return is_performance(self.source)

    @property
    def is_body(self) -> bool:
        """A body's motion, which gets the face that goes with it."""
        return self.source.lower().endswith(BODIES)

    @property
    def is_action(self) -> bool:
        """That motion is an armature's Action."""
        return self.source.lower().endswith(BODIES[1])

    def complete(self) -> Item:
        """With what follows from its source: a .blend with a body is the scene to start from, unless another is."""
        return replace(self, scene=self.scene or self.source) if self.is_action else replace(self, armature=None)

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Item:
        """The inverse of `to_json`; of what this program wrote itself."""
        data = json.loads(text)
        return Item(**{**data, "characters": tuple(data["characters"]), "size": tuple(data["size"])})


def is_performance(name: str) -> bool:
    """Whether a file's name is that of a take or a Live Link Face recording."""
    return name.lower().endswith((SUFFIX, ".csv"))


def read_manifest(path: Path, out: Path, common: Item) -> tuple[list[Item], list[str]]:
    """The items of a manifest in its order, and a sentence for each line that is wrong.

    Args:
        out: the folder that gets one folder per item.
        common: what holds where a line says nothing.

    Raises:
        SemblanceError: if the file as a whole cannot be read.
    """
    items: list[Item] = []
    wrong: list[str] = []
    used: dict[str, str] = {}
    for place, row in _rows(path):
        try:
            item = _item(row, path.parent, out, common)
            known = used.setdefault(item.stem.lower(), place)
            if known != place:
                raise SemblanceError(f"'{item.stem}' is what {known.lower()} is called; name one in a column 'name'.")
            items.append(item)
        # What no file system takes as a name is told by Python in several ways.
        except (SemblanceError, OSError, ValueError, RuntimeError) as error:
            wrong.append(" ".join(f"{place} of '{path.name}': {error}".split()))
    if not items and not wrong:
        raise SemblanceError(f"The manifest '{path}' has no items; it needs a line for each video.")
    return items, wrong


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it is, what it says by column) of each item."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SemblanceError(f"The manifest '{path}' is larger than {_MOST_BYTES // 1_000_000} MB; split it.")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SemblanceError(f"Cannot read the manifest '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise SemblanceError(f"The manifest '{path}' is no text in UTF-8; save it again as CSV UTF-8.") from error
    rows = _json_rows if path.suffix.lower() == ".json" else _csv_rows
    yield from rows(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Commas, or what a spreadsheet in other languages writes instead."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    names: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [cell.strip().lower() for cell in cells]
                _check_columns(path, names)
                continue
            row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
            if len(cells) > len(names):
                row["?"] = f"{len(cells)} cells under {len(names)} names"
            yield f"Line {reader.line_num}", row
    except csv.Error as error:
        raise SemblanceError(f"Line {reader.line_num} of '{path}' is no CSV: {error}.") from error


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SemblanceError(f"The manifest '{path}' is no JSON: {error}.") from error
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise SemblanceError(f"The manifest '{path}' must be a list of objects such as {{\"video\": \"a.mp4\"}}.")
    for number, row in enumerate(data, 1):
        names = [name.strip().lower() for name in row]
        _check_columns(path, names)
        yield f"Item {number}", {
            name: text for name, value in zip(names, row.values(), strict=True) if (text := _plain(value))
        }


def _plain(value: Any) -> str:
    """A JSON value as a cell of a table would have it."""
    if isinstance(value, list):
        return ";".join(map(_plain, value))
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    return str(value).strip()


def _check_columns(path: Path, names: list[str]) -> None:
    known = [*_SOURCES, "name", *_READERS]
    for name in names:
        if name not in known or names.count(name) > 1:
            fault = "names twice the column" if names.count(name) > 1 else "has an unknown column"
            raise SemblanceError(f"The manifest '{path}' {fault} '{name}'; columns are {', '.join(known)}.")
    if sum(name in _SOURCES for name in names) != 1:
        raise SemblanceError(f"The manifest '{path}' needs one column '{_SOURCES[1]}', which names each performance.")


def _item(row: Mapping[str, str], base: Path, out: Path, common: Item) -> Item:
    """One line's item; SemblanceError for what is wrong with it."""
    if "?" in row:
        raise SemblanceError(f"There are {row['?']}; put a text with commas in quotes.")
    source = next((row[name] for name in _SOURCES if name in row), "")
    if not source:
        raise SemblanceError("It names no video.")
    source = _absolute(source, base)
    changes: dict[str, Any] = {}
    for column, (name, read) in _READERS.items():
        if column in row:
            try:
                changes[name] = read(row[column])
            except argparse.ArgumentTypeError as error:
                raise SemblanceError(f"In the column '{column}', {error}.") from error
    item = replace(common, source=source, folder=str(out / _name(row, source)), **changes)
    if "scene" in row:
        item = replace(item, scene=_absolute(row["scene"], base))
    if is_performance(item.face_style):
        item = replace(item, face_style=_absolute(item.face_style, base))
    for column in _OF_BODIES:
        if column in row and not (item.is_action if column == "armature" else item.is_body):
            whose = BODIES[1] if column == "armature" else " or ".join(BODIES)
            raise SemblanceError(f"The column '{column}' is for a body in a {whose} file; leave it empty here.")
    item = item.complete()
    check(item)
    return item


def _name(row: Mapping[str, str], source: str) -> str:
    name = row.get("name") or Path(source).stem or "take"
    if _NO_NAME & set(name) or name.startswith(".") or name.endswith((".", " ")):
        raise SemblanceError(f"'{name}' cannot be the name of a folder; write another in a column 'name'.")
    return name


def _absolute(text: str, base: Path) -> str:
    """Relative to the manifest; addresses stay as they are."""
    return text if "://" in text else str((base / Path(text).expanduser()).resolve())


def check(item: Item) -> None:
    """Raise SemblanceError if an item cannot be done as far as can be seen without doing it."""
    if "://" not in item.source and not Path(item.source).exists() and "%" not in item.source:
        raise SemblanceError(f"There is no file '{item.source}'; check its name and folder.")
    if item.scene and not Path(item.scene).is_file():
        raise SemblanceError(f"There is no scene '{item.scene}'.")
    if item.start_s is not None and item.end_s is not None and not item.start_s < item.end_s:
        raise SemblanceError(f"The start at {item.start_s:g} s must come before the end at {item.end_s:g} s.")
    if (item.is_performance or item.is_body) and (item.start_s, item.end_s) != (None, None):
        kind = "body" if item.is_body else "take"
        raise SemblanceError(f"Start and end are for videos; a {kind} is keyed as a whole.")
    if item.is_body:
        _check_body(item)
    for profile in profiles_of(item.characters):
        if item.scene is None and profile.blend is None:
            raise SemblanceError(f"'{profile.name}' is a rig of your own; name the scene that holds it.")


def _check_body(item: Item) -> None:
    if item.is_action and not item.armature:
        raise SemblanceError(
            f"Name the armature in '{Path(item.source).name}' whose Action moves the body (--armature, or a column)."
        )
    if not is_performance(item.face_style):
        built_in_style(item.face_style)
    elif not Path(item.face_style).is_file():
        raise SemblanceError(f"There is no take '{item.face_style}' to take a style from; check its name and folder.")


@lru_cache(64)
def profiles_of(characters: tuple[str, ...]) -> tuple[RigProfile, ...]:
    """The profiles of these characters, each once.

    Raises:
        SemblanceError: as `find_profile`.
    """
    return tuple(cast_profiles(characters))


def picture_size(text: str) -> tuple[int, int]:
    """A type for argparse: width and height of a clip in px."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 640x480 (16 to 8192 each)")
    return int(width), int(height)


def _yes(text: str) -> bool:
    answer = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(text.lower())
    if answer is None:
        raise argparse.ArgumentTypeError(f"'{text}' is neither yes nor no")
    return answer


def _one_of(choices: tuple[str, ...], text: str) -> str:
    if text.lower() not in choices:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(choices)}")
    return text.lower()


def _several(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(";") if (name := part.strip()))


style_strength: Final = number_in(LEAST, MOST, "strength")
style_share: Final = number_in(0, STRENGTH_MOST, "strength")
_READERS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "character": ("characters", _several),
    "scene": ("scene", str),
    "start": ("start_s", seconds),
    "end": ("end_s", seconds),
    "start_frame": ("start_frame", whole_number(-_MOST_FRAME, _MOST_FRAME)),
    "face": ("face", whole_number(0, 99)),
    "box": ("box", lambda text: face_box(text).percent),
    "drawn": ("drawn", _yes),
    "style": ("style", style_strength),
    "render": ("render", partial(_one_of, RENDERS)),
    "size": ("size", picture_size),
    "key_body": ("key_body", _yes),
    "armature": ("armature", str),
    "face_style": ("face_style", str),
    "strength": ("strength", style_share),
    "still_head": ("still_head", _yes),
}
"""Column → the item's field, and what reads a cell."""
