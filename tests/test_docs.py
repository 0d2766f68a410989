"""What the documents say: each command is one that the program takes, each file that they point to is there."""
from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from addon.commands.__main__ import COMMANDS, parser_of

from .conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "training" / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def code_lines(page: Path) -> list[str]:
    """The lines of a page's code blocks: fenced, or four spaces in."""
    found, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            found.append(line.strip())
    return found


def commands(first: str) -> list[tuple[str, list[str]]]:
    """(page, words after the first) of every command that begins with `first`, also in the programs' own examples."""
    lines = [(page.name, line) for page in PAGES for line in code_lines(page)]
    for name in COMMANDS:
        text = (ROOT / "addon" / "commands" / f"{name}.py").read_text(encoding="utf-8")
        lines += [(name, line.strip()) for line in text.split('"""')[1].splitlines()]
    said = []
    for page, line in lines:
        for part in map(str.strip, line.partition(" #")[0].split("&&")):
            if part.startswith(f"{first} ") and not part.startswith("python -c"):
                # what explains an example stands two spaces to its right
                said.append((page, shlex.split(re.split(r"  +(?=[^ -])", part)[0])[1:]))
    return said


@pytest.mark.parametrize(("page", "words"), commands("semblance"), ids=lambda part: " ".join(part)
                         if isinstance(part, list) else part)
def test_the_program_takes_what_the_documents_say(page: str, words: list[str]) -> None:
    if words[0] == "COMMAND":
        return
    assert words[0] in COMMANDS, f"{page}: there is no command '{words[0]}'"
    if "…" not in words and "..." not in words:
        parser_of(words[0]).parse_args(words[1:])


def test_programs_that_are_named_exist() -> None:
    for page, words in commands("python"):
        if words[0] == "-m":
            assert importlib.util.find_spec(words[1]) is not None, f"{page}: python -m {words[1]}"
        else:
            assert (ROOT / words[0]).is_file(), f"{page}: python {words[0]}"


def test_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page, words in commands("make"):
        assert words[0] in targets, f"{page}: make {words[0]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to '{target}', which is not there"
