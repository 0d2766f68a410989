"""A take carried from one character to another in a real window, step by step; run by a person who looks at pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_SOURCE=clip.take blender --python tests/window/transfer.py

SEMBLANCE_SOURCE is a take or a Live Link CSV. Steps, pictures and what else the environment says are those of panel.py.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).parent))
from window import check, clear_view, drawing_is_quick, key, our_panels, picture, press, start, time_drawing, view

SOURCE = os.environ["SEMBLANCE_SOURCE"]
OPEN = ("SEMBLANCE_PT_performance", "SEMBLANCE_PT_transfer")


def action_of(name: str) -> str:
    """What animates the character; "" for nothing."""
    return getattr(getattr(bpy.data.objects[name].animation_data, "action", None), "name", "")


def open_only_transfer() -> None:
    """Panels cannot be opened by a script, but can be registered open, before the window first shows them."""
    for cls in our_panels():
        if getattr(cls, "bl_parent_id", ""):
            bpy.utils.unregister_class(cls)
            cls.bl_options = set() if cls.__name__ in OPEN else {"DEFAULT_CLOSED"}
            bpy.utils.register_class(cls)


def steps() -> Iterator[float]:
    """Apply to one, transfer to the other, set pose pairs, undo."""
    open_only_transfer()
    yield from clear_view()
    for name in ("Pip", "Gus"):
        press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character=name)
    time_drawing()
    settings = bpy.context.scene.semblance
    settings.source, settings.character = SOURCE, bpy.data.objects["Pip"]
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    was = action_of("Pip")
    check("the take is on Pip alone", bool(was) and not action_of("Gus"))
    region = view().spaces.active.region_3d
    region.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    region.view_location, region.view_distance = (bpy.data.objects["Gus"].location.x / 2 + 0.9, 0, -0.1), 9
    bpy.context.scene.frame_set(int(os.environ.get("SEMBLANCE_FRAME", 60)))
    yield 2
    picture("transfer_1_nobody_chosen")
    settings.transfer.source, settings.transfer.target = bpy.data.objects["Pip"], bpy.data.objects["Gus"]
    press(bpy.ops.semblance.take_transfer, "EXEC_DEFAULT")
    check(f"Gus plays '{action_of('Gus')}', Pip keeps '{was}'", bool(action_of("Gus")) and action_of("Pip") == was)
    yield 2
    picture("transfer_2_done")
    settings.transfer.pairs = "POSED"
    press(bpy.ops.semblance.pose_pair_add, "EXEC_DEFAULT")
    yield 2
    picture("transfer_3_pose_pairs")
    yield from drawing_is_quick()
    key("ctrl+z")
    yield 1
    key("ctrl+z")
    yield 2
    check("two steps back Gus has nothing and Pip his take", action_of("Pip") == was and not action_of("Gus"))


if __name__ == "__main__":
    start(steps())
