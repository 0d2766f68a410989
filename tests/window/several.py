"""Several characters from one take in a real window, step by step; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_SOURCE=clip.take blender --python tests/window/several.py

SEMBLANCE_SOURCE is a take or a Live Link CSV; the scene is saved beside it as several.blend. SEMBLANCE_CAST names the
characters ("Pip,Gus"), SEMBLANCE_WIDER drags the sidebar wider by so many pixels. Steps, pictures, SEMBLANCE_FRAME and
SEMBLANCE_STAY are those of panel.py.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).parent))
from window import check, clear_view, drawing_is_quick, key, picture, press, start, time_drawing, view, widen_sidebar

SOURCE = os.environ["SEMBLANCE_SOURCE"]
NAMES = os.environ.get("SEMBLANCE_CAST", "Pip,Gus").split(",")


def keyed() -> list[str]:
    """Who has an Action."""
    return [name for name in NAMES if getattr(bpy.data.objects[name].animation_data, "action", None)]


def steps() -> Iterator[float]:
    """Add, tick, apply, compare, style, single controls, undo."""
    scene = bpy.context.scene
    yield from clear_view()
    for name in NAMES:
        press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character=name)
    settings = scene.semblance
    look_at_all()
    if "SEMBLANCE_WIDER" in os.environ:
        yield from widen_sidebar(int(os.environ["SEMBLANCE_WIDER"]))
    time_drawing()
    check("only the last one added is ticked", [actor.use for actor in settings.actors][-1:] == [True]
          and sum(actor.use for actor in settings.actors) == 1)
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(SOURCE).with_name("several.blend")))
    settings.source = f"//{Path(SOURCE).name}"
    yield 2
    picture("several_1_listed")
    for actor in settings.actors:
        actor.use = True
    settings.actors[1].strength = 1.6
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    check(f"one Apply keys {', '.join(keyed())}", keyed() == NAMES)
    scene.frame_set(int(os.environ.get("SEMBLANCE_FRAME", (scene.frame_end + 1) // 2)))
    yield 2
    picture("several_2_applied")
    press(bpy.ops.semblance.take_compare, "EXEC_DEFAULT")
    yield 1
    check("Before takes the keys off", keyed() == [])
    picture("several_3_before")
    press(bpy.ops.semblance.take_compare, "EXEC_DEFAULT")
    yield 1
    check("After brings them back", keyed() == NAMES)
    press(bpy.ops.semblance.controls_list, "EXEC_DEFAULT")
    settings = bpy.context.scene.semblance
    settings.rigs[0].search = "corner"
    settings.rigs[0].active = next(i for i, shown in enumerate(settings.rigs[0].shown()) if shown)
    settings.rigs[0].active_control().muted = True
    yield 2
    picture("several_4_controls")
    yield from drawing_is_quick()
    states = []
    for _ in range(4):
        key("ctrl+z")
        yield 1
        states.append(keyed())
    check("the list, After, Before and Apply are one undo step each, for all characters together",
          states == [NAMES, [], NAMES, []])


def look_at_all() -> None:
    """From the front, all characters and room for the sidebar."""
    bpy.context.view_layer.update()
    places = [bpy.data.objects[name].location.x for name in NAMES]
    region = view().spaces.active.region_3d
    region.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    region.view_location = ((min(places) + max(places)) / 2 + 0.5, 0, -0.1)
    region.view_distance = 5 + 1.2 * (max(places) - min(places))


if __name__ == "__main__":
    start(steps())
