"""What the documents say: each command is one that the program takes, each example works, each file is there."""
from __future__ import annotations

import argparse
import doctest
import importlib.util
import re
import shlex
import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest

from addon.characters import rig_layouts
from addon.characters.posed_pairs import read_pairs_text
from addon.commands.__main__ import COMMANDS, parser_of
from addon.core.control_set import SIGNALS, Control
from addon.core.key_poses import FILE, read_key_poses
from addon.core.rig_profile import RigProfile, find_profile, parse_profile
from training.bench import collect

from .conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "training" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
RIGGING = ROOT / "docs" / "rigging.md"
SHARED_OPTIONS = ROOT / "training" / "stage_runs.py"


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


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def spoken(first: str) -> list[tuple[str, list[str]]]:
    """(page, words after the first) of every command in the middle of a text or table."""
    spans = rf"`({first} [^`\n<…]+)`"
    return [(page.name, shlex.split(span)[1:]) for page in PAGES for span in re.findall(spans, prose(page))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("page", "words"), commands("semblance"), ids=lambda part: " ".join(part)
                         if isinstance(part, list) else part)
def test_the_program_takes_what_the_documents_say(page: str, words: list[str]) -> None:
    if words[0] == "COMMAND":
        return
    assert words[0] in COMMANDS, f"{page}: there is no command '{words[0]}'"
    if "…" not in words and "..." not in words:
        parser_of(words[0]).parse_args(words[1:])


@pytest.mark.parametrize(("page", "words"), spoken("semblance"), ids=lambda part: " ".join(part)
                         if isinstance(part, list) else part)
def test_the_program_knows_what_sentences_say(page: str, words: list[str]) -> None:
    assert words[0] in COMMANDS, f"{page}: there is no command '{words[0]}'"
    unknown = [word for word in words if word.startswith("--") and word not in options(parser_of(words[0]))]
    assert not unknown, f"{page}: semblance {words[0]} has no {unknown[0]}"


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its parts."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= set().union(*map(options, action.choices.values()))
    return found


def test_programs_that_are_named_exist() -> None:
    for page, words in commands("python") + spoken("python"):
        if words[0] == "-m":
            found = importlib.util.find_spec(words[1])
            assert found is not None, f"{page}: python -m {words[1]}"
            source = "".join(path.read_text(encoding="utf-8") for path in (Path(found.origin), SHARED_OPTIONS))
            unknown = [word for word in words if word.startswith("--") and f'"{word}"' not in source]
            assert not unknown, f"{page}: python -m {words[1]} has no {unknown[0]}"
        else:
            assert (ROOT / words[0]).is_file(), f"{page}: python {words[0]}"


def test_batches_take_what_the_documents_say() -> None:
    inside = [words[words.index("--") + 1:] for _, words in commands("blender") if "render_batch.py" in words]
    outside = [words[1:] for _, words in commands("python") if words[0] == "render_batch.py"]
    assert inside and outside
    for words in inside + outside:
        parser_of("batch").parse_args(words)


def test_figures_that_are_named_exist() -> None:
    measures, absent = collect()
    figures = [name for names in measures for name in names]
    for page, words in commands("python") + spoken("python"):
        if words[:2] == ["-m", "training.bench"]:
            for name in words[2:]:
                there = name.startswith("--") or any(figure.startswith(name) for figure in figures)
                # A room that cannot be opened here, for want of torch, tells no names.
                assert there or absent, f"{page}: there is no figure '{name}'"


def test_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page, words in commands("make"):
        assert words[0] in targets, f"{page}: make {words[0]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", prose(page)):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to '{target}', which is not there"
    for path in re.findall(r"`((?:addon|docs|models|packaging|rigs|tests|training)/[\w./-]+)`", prose(page)):
        assert (ROOT / path).exists(), f"{page.name} names '{path}', which is not there"


def test_the_map_leads_to_every_page() -> None:
    pages = {page.name for page in ROOT.glob("docs/*.md")} - {"index.md"}
    assert pages <= set(re.findall(r"\((\w+\.md)\)", (ROOT / "docs" / "index.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def fox() -> RigProfile:
    """The rig that docs/rigging.md describes."""
    return parse_profile(blocks(RIGGING, "toml")[0], Path("fox.toml"))


def test_examples_for_riggers_are_what_their_readers_take(fox: RigProfile, tmp_path: Path) -> None:
    read = []
    for text in blocks(RIGGING, "toml"):
        kind = next(key for key in tomllib.loads(text) if key in ("control", "pose", "pair", "layout"))
        read.append(kind)
        if kind == "pose":
            (tmp_path / FILE).write_text(text, encoding="utf-8")
            poses = read_key_poses(replace(fox, path=tmp_path / "fox.toml"))
            assert len(poses.names) == text.count("[[pose]]") and poses.values.any(axis=1).all()
        elif kind == "pair":
            pairs = read_pairs_text(text, fox, find_profile("Gus"), "the example")
            assert len(pairs) == text.count("[[pair]]") and pairs.target.any(axis=1).all()
        elif kind == "layout":
            (layout,) = rig_layouts._read_layouts(text)
            assert layout.sliders
            assert all(signal in SIGNALS for slider in layout.sliders.values() for signal in slider.meaning)
    assert sorted(read) == ["control", "layout", "pair", "pose"]


def test_every_key_of_a_control_is_explained(fox: RigProfile) -> None:
    cells = re.findall(r"^\| (`.*?`) \|", RIGGING.read_text(encoding="utf-8"), re.MULTILINE)
    told = {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}
    known = {field.name for field in fields(Control)} - {"target"}
    assert known <= told
    used = {key for row in tomllib.loads(blocks(RIGGING, "toml")[0])["control"] for key in row}
    assert used <= told
    assert {type(control.target).__name__ for control in fox.control_set.controls} == {
        "BoneChannel", "CustomProperty", "ShapeKey"}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_examples_in_python_do_what_they_say(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "python")), {}, page.name, page.name, 0)
    told: list[str] = []
    ran = doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert ran.attempted and not ran.failed, "".join(told)


def test_buttons_that_are_named_are_in_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    from ui_strings import find

    labels = set(find())
    named = re.findall(r"\*\*(.+?)\*\*", (ROOT / "docs" / "panels.md").read_text(encoding="utf-8"))
    assert len(named) > 60 and [name for name in named if name not in labels] == []
