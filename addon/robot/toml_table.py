"""Reads TOML files whose numbers can break plastic: every refusal names the file, the key and the line."""
from __future__ import annotations

import datetime
import difflib
import itertools
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

from ..core.errors import SemblanceError

Where = tuple[str | int, ...]
_HEADER: Final = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"\s*([\w.\"'-]+)\s*=")
_STRING: Final = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'|#[^\n]*")


class Table:
    """One table of the file: hands out its values checked, and says where one is wrong."""

    def __init__(self, data: dict[str, Any], lines: Lines, where: Where = (), label: str = "") -> None:
        """`label` is what sentences call the table, such as "actuator 'jaw'"; empty for the file itself."""
        self._data, self._lines, self._where, self.label = data, lines, where, label

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        """Its keys in the order of the file."""
        return iter(self._data)

    def only(self, *known: str) -> None:
        """Refuse a key that is none of `known`."""
        for key in self._data:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                self.refuse(key, "is unknown here; " + (
                    f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}."))

    def number(self, key: str, default: float | None = None, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number from `least` to `most`."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            self.refuse(key, f"must be a finite number (found {_shown(value)}).")
        if not least <= value <= most:
            bounds = f"at most {most:g}" if least == -math.inf else f"at least {least:g}"
            both = f"from {least:g} to {most:g}" if math.isfinite(least) and math.isfinite(most) else bounds
            self.refuse(key, f"must be {both} (found {_shown(value)}).")
        return float(value)

    def whole(self, key: str, default: int | None = None, least: int = 0, most: int = 1 << 31) -> int:
        """A whole number from `least` to `most`."""
        value = self._data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(key, f"must be a whole number from {least} to {most} (found {_shown(value)}).")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text; never empty unless the default is."""
        value = self._data.get(key, default)
        if not isinstance(value, str) or not (value or default == ""):
            self.refuse(key, f"must be a text (found {_shown(value)}).")
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        """One of `known`."""
        value = self.text(key, default)
        if value not in known:
            close = difflib.get_close_matches(value, known, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {_listed(known)}."
            self.refuse(key, f"names '{value}', which does not exist; {hint}")
        return value

    def truth(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"must be true or false (found {_shown(value)}).")
        return value

    def day(self, key: str) -> datetime.date | None:
        """A date such as 2026-11-18; None if it is absent."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, datetime.date):
            self.refuse(key, f"must be a date such as 2026-11-18 (found {_shown(value)}).")
        return value

    def points(self, key: str) -> list[tuple[float, float]]:
        """Pairs [x, y] with x strictly rising, two or more."""
        value = self._data.get(key)
        rows = value if isinstance(value, list) else []
        for row in rows:
            pair = isinstance(row, list) and len(row) == 2
            if not pair or any(isinstance(v, bool) or not isinstance(v, int | float) or not _finite(v) for v in row):
                self.refuse(key, f"needs pairs of finite numbers such as [[0, 0.0], [1, 1.0]] (found {_shown(row)}).")
        if len(rows) < 2:
            self.refuse(key, "needs two or more pairs such as [[0, 0.0], [1, 1.0]].")
        for before, after in itertools.pairwise(rows):
            if not before[0] < after[0]:
                self.refuse(key, f"must have its first numbers strictly rising ({after[0]} comes after {before[0]}).")
        return [(float(x), float(y)) for x, y in rows]

    def table(self, key: str, label: str = "") -> Table:
        """The table at `key`."""
        value = self._data.get(key)
        if not isinstance(value, dict):
            self.refuse(key, f"must be a table (found {_shown(value)}).")
        return Table(value, self._lines, (*self._where, key), label or self.label)

    def tables(self, key: str, needed: bool = True) -> list[Table]:
        """The tables of the list at `key`; none if it is not `needed` and absent."""
        value = self._data.get(key, None if needed else [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.refuse(key, f"must be a list of tables (found {_shown(value)}).")
        return [Table(row, self._lines, (*self._where, key, i), self.label) for i, row in enumerate(value)]

    def refuse(self, key: str, sentence: str) -> NoReturn:
        """Raise the one sentence about `key`; an empty key means the table itself."""
        line = self._lines.of((*self._where, key) if key else self._where)
        at = ", ".join(part for part in (self.label, f"key '{key}'" if key else "") if part)
        raise SemblanceError(f"'{self._lines.path}', line {line}: {at or 'the file'} {sentence}")


def read_table(path: Path, kind: str) -> Table:
    """The whole file; `kind` is what it should be, such as "robot map".

    Raises:
        SemblanceError: if it cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SemblanceError(f"Cannot read the {kind} '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise SemblanceError(f"The {kind} '{path}' is not a text file.") from error
    return parse_table(text, path, kind)


def parse_table(text: str, path: Path, kind: str) -> Table:
    """As `read_table`, of a text; `path` is only for sentences."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also endless digits and nesting
        raise SemblanceError(f"The {kind} '{path}' is not valid TOML: {error}.") from error
    return Table(data, Lines(text, path))


class Lines:
    """Which line of a TOML text a value stands on, or the nearest table above it."""

    def __init__(self, text: str, path: Path) -> None:
        """`path` is for sentences."""
        self.path = path
        self._at: dict[Where, int] = {}
        self._index(text)

    def of(self, where: Where) -> int:
        """The line, from 1."""
        while where and where not in self._at:
            where = where[:-1]
        return self._at.get(where, 1)

    def _index(self, text: str) -> None:
        # Strings and comments go first, so that brackets in them do not count.
        bare = _STRING.sub(lambda found: "x" * len(found[0]) if found[0][0] != "#" else "", text)
        counts: Counter[Where] = Counter()
        table: Where = ()
        value: Where = ()
        depth = items = 0
        for number, (line, plain) in enumerate(zip(text.split("\n"), bare.split("\n"), strict=True), 1):
            if depth == 0:
                header, key = _HEADER.match(line), _KEY.match(line)
                if header:
                    table = _parts(header[2])
                    if header[1] == "[[":
                        counts[table] += 1
                        table = (*table, counts[table] - 1)
                    self._at.setdefault(table, number)
                    continue
                if key:
                    value, items = (*table, *_parts(key[1])), 0
                    self._at.setdefault(value, number)
            for character in plain:
                if character == "{" and depth == 1:
                    self._at.setdefault((*value, items), number)
                    items += 1
                depth = max(0, depth + (character in "[{") - (character in "]}"))


def _parts(dotted: str) -> Where:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of any length is valid TOML
        return False


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    try:
        text = repr(value)
    except ValueError:  # more digits than Python prints
        text = "an endless number"
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:12]) + (" and others" if len(names) > 12 else "")
