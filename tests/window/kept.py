"""The pictures of an earlier walk, looked at by a person and kept in `kept/`, against those of this one.

Of each picture two things are compared: the widgets of our panels, which must be the same, and the picture itself,
small and blurred, where only a share of it may differ: fonts, versions of Blender and what a live performer does just
then are no change of ours.
"""
from __future__ import annotations

import difflib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

KEPT: Final = Path(__file__).parent / "kept"
MOST_DIFFERENT: Final = 0.25
"""Share of a picture's cells."""
_OF_THE_MOMENT: Final = "error The frame is"
"""A head says so whenever the computer is too busy to follow a face in time."""
_CELLS: Final = "80x50!"
_VISIBLE: Final = 24
"""Levels of 255 by which a cell differs."""


def keep(name: str, pictures: Path) -> None:
    """The picture `name` of the folder `pictures` is the one to compare with from now on."""
    KEPT.mkdir(exist_ok=True)
    command = ["convert", str(pictures / f"{name}.png"), "-resize", "640x400!", "-strip", "-quality", "55"]
    subprocess.run([*command, str(KEPT / f"{name}.jpg")], check=True)
    shutil.copy(pictures / f"{name}.txt", KEPT / f"{name}.txt")


def compare(name: str, pictures: Path) -> Iterator[str]:
    """Lines about one picture: STEP for what is as it was, PROBLEM for what is not."""
    if not (KEPT / f"{name}.jpg").is_file():
        yield f"PROBLEM no picture '{name}' is kept; look at it, then run the walk with --keep"
        return
    old, new = (_widgets(folder / f"{name}.txt") for folder in (KEPT, pictures))
    changed = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    differs = different(_cells(KEPT / f"{name}.jpg"), _cells(pictures / f"{name}.png"))
    if changed:
        yield f"PROBLEM the widgets of '{name}' have changed: {'; '.join(changed)}"
    elif differs > MOST_DIFFERENT:
        yield f"PROBLEM {differs:.0%} of '{name}' look different"
    else:
        yield f"STEP '{name}' has the same {len(new)} widgets, and {1 - differs:.0%} of it look the same"


def missing(stop: str, pictures: Path) -> Iterator[str]:
    """PROBLEM for each picture of the stop that is kept and was not taken."""
    for path in sorted(KEPT.glob(f"{stop}_*.jpg")):
        if not (pictures / f"{path.stem}.png").is_file():
            yield f"PROBLEM the picture '{path.stem}' was not taken"


def different(old: bytes, new: bytes) -> float:
    """Share of cells that differ visibly between two grey pictures of one size."""
    return sum(abs(one - other) > _VISIBLE for one, other in zip(old, new, strict=True)) / len(old)


def _widgets(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith(_OF_THE_MOMENT)]


def _cells(path: Path) -> bytes:
    """The picture as few grey cells."""
    command = ["convert", str(path), "-filter", "box", "-resize", _CELLS, "-colorspace", "gray", "-depth", "8"]
    return subprocess.run([*command, "gray:-"], check=True, capture_output=True).stdout
