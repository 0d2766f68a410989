"""The strings of Blender's interface that the extension shows, found in its source, against the tables of translations.

    python packaging/ui_strings.py          what each table lacks and what it has too much

A sentence that Python fills with values is kept as "{0} of {1} frames". Strings that look like sentences and are none,
such as names of data, stand in the table under `leave`.
"""
from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = ROOT / "addon" / "blender"
TABLES: Final = SOURCES / "translations"

# Arguments that Blender shows, by their names; of functions, by their places.
_SHOWN: Final = ("text", "placeholder", "heading", "description", "title")
_PLACES: Final = {
    "report": (1,), "poll_message_set": (0,), "SemblanceError": (0,), "Finding": (1, 2), "draw_sentence": (2,),
    "said": (0,), "draw_progress": (2,), "required": (1,),
}
_LABELS: Final = ("bl_label", "bl_description")
_SENTENCE: Final = re.compile(r"(?:[A-Z'‘]|\{\d)[^\n]*[a-z):] \S.*", re.DOTALL)
_WORD: Final = re.compile(r"[^\W\d_]{2}")


def find(folder: Path = SOURCES) -> dict[str, str]:
    """Every string that is shown → where it was found first."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for text, line in _Texts(tree).all():
            if _WORD.search(re.sub(r"\{\d+\}", "", text)):
                found.setdefault(text, f"{path.name}:{line}")
    return found


class _Texts:
    """The strings of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.docstrings = {
            id(node.value) for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }

    def all(self) -> Iterator[tuple[str, int]]:
        """(string, line), some twice."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield from self._of_class(node)
            elif isinstance(node, ast.Call):
                yield from self._of_call(node)
        yield from self._sentences(self.tree)

    def _of_class(self, node: ast.ClassDef) -> Iterator[tuple[str, int]]:
        said = {
            line.targets[0].id: line.value for line in node.body
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        }
        for label in _LABELS:
            if label in said:
                yield from texts(said[label])
        if "_OT_" in node.name and "bl_description" not in said and (words := ast.get_docstring(node)):
            yield words, node.lineno

    def _of_call(self, node: ast.Call) -> Iterator[tuple[str, int]]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        is_property = name.endswith("Property")
        for argument in node.keywords:
            if argument.arg in _SHOWN or (is_property and argument.arg == "name"):
                yield from texts(argument.value)
            elif is_property and argument.arg == "items" and isinstance(argument.value, ast.Tuple | ast.List):
                for item in argument.value.elts:
                    if isinstance(item, ast.Tuple):
                        yield from (each for part in item.elts[1:3] for each in texts(part))
        for place in _PLACES.get(name, ()):
            if place < len(node.args):
                yield from texts(node.args[place])

    def _sentences(self, node: ast.AST) -> Iterator[tuple[str, int]]:
        """Whatever else reads like a sentence: constants, what functions return."""
        for child in ast.iter_child_nodes(node):
            if id(child) in self.docstrings:
                continue
            if isinstance(child, ast.Constant | ast.JoinedStr):
                yield from ((text, line) for text, line in texts(child) if _SENTENCE.fullmatch(text))
            if not isinstance(child, ast.JoinedStr):
                yield from self._sentences(child)
            else:
                for part in child.values:
                    if isinstance(part, ast.FormattedValue):
                        yield from self._sentences(part.value)


def texts(node: ast.expr) -> Iterator[tuple[str, int]]:
    """The strings that an expression may be, with numbered places for values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value, node.lineno
    elif isinstance(node, ast.JoinedStr):
        places = iter(range(len(node.values)))
        yield "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{next(places)}}}" for part in node.values
        ), node.lineno
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "said":
        yield from texts(node.args[0])


def compare(table: Path) -> tuple[dict[str, str], list[str]]:
    """What a table lacks (→ where it is) and what it has that is shown nowhere."""
    told, found = tomllib.loads(table.read_text(encoding="utf-8")), find()
    known = (*told["strings"], *told["leave"])
    missing = {text: place for text, place in found.items() if text not in known}
    return missing, [text for text in known if text not in found]


def main() -> int:
    """Print both lists of each table; 1 if one is not empty."""
    wrong = 0
    for table in sorted(TABLES.glob("*.toml")):
        missing, left_over = compare(table)
        wrong += len(missing) + len(left_over)
        for text, place in missing.items():
            print(f"{table.name} lacks ({place}): {text!r}")
        for text in left_over:
            print(f"{table.name} has, and nothing shows: {text!r}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
