"""What the walk through the real window compares with (tests/window/kept): small, whole, of widgets that exist."""
from __future__ import annotations

from pathlib import Path

import bpy
import pytest

KEPT = Path(__file__).resolve().parents[1] / "window" / "kept"
STOPS = ("live", "learn_rig", "own_rig", "panel", "readiness", "robot", "several", "transfer", "try_it")


def test_every_stop_has_pictures_each_with_its_widgets_and_they_are_small():
    pictures, lists = ({path.stem for path in KEPT.glob(f"*{suffix}")} for suffix in (".jpg", ".txt"))
    assert pictures == lists
    assert {stop for stop in STOPS if any(name.startswith(f"{stop}_") for name in pictures)} == set(STOPS)
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 1_500_000


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.txt")), ids=lambda path: path.stem)
def test_the_widgets_of_a_kept_picture_are_still_in_the_interface(extension, path):
    """What was renamed or removed since has to be seen in the window again: walk.py --keep."""
    for line in path.read_text().splitlines():
        kind, _, name = line.partition(" ")
        if kind == "panel":
            assert hasattr(bpy.types, f"SEMBLANCE_PT_{name}"), line
        elif kind in ("menu", "popover", "template_list"):
            assert hasattr(bpy.types, name), line
        elif kind.startswith("operator") and name.startswith("semblance."):
            assert name.partition(".")[2] in dir(bpy.ops.semblance), line
