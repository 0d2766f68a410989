"""What the walk through the real window compares with (tests/window/kept): small, whole, of widgets that exist."""
from __future__ import annotations

from pathlib import Path

import bpy

KEPT = Path(__file__).resolve().parents[1] / "window" / "kept"
STOPS = ("live", "learn_rig", "own_rig", "panel", "readiness", "robot", "several", "transfer", "try_it")


def test_every_stop_has_pictures_each_with_its_widgets_and_they_are_small():
    pictures, lists = ({path.stem for path in KEPT.glob(f"*{suffix}")} for suffix in (".jpg", ".txt"))
    assert pictures == lists
    assert {stop for stop in STOPS if any(name.startswith(f"{stop}_") for name in pictures)} == set(STOPS)
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 1_500_000


def test_the_widgets_of_the_kept_pictures_are_still_in_the_interface(extension):
    """What was renamed or removed since has to be seen in the window again: walk.py --keep."""
    lines = {(path.stem, line) for path in KEPT.glob("*.txt") for line in path.read_text().splitlines()}
    assert not sorted(line for line in lines if not is_there(line[1]))


def is_there(widget: str) -> bool:
    """A line of a kept list, such as "operator semblance.take_apply"."""
    kind, _, name = widget.partition(" ")
    if kind == "panel":
        return hasattr(bpy.types, f"SEMBLANCE_PT_{name}")
    if kind in ("menu", "popover", "template_list"):
        return hasattr(bpy.types, name)
    if kind.startswith("operator") and name.startswith("semblance."):
        return name.partition(".")[2] in dir(bpy.ops.semblance)
    return True
