"""The first minute in a real window, with clicks; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    blender --python tests/window/try_it.py

Pictures and SEMBLANCE_STAY are those of panel.py. Nothing else is needed: the clip comes with Semblance.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import check, click, drawing_is_quick, key, known, module, picture, sidebar_place, start, time_drawing, view

_BUTTON = (0.45, 160)
"""Where Try It is in the sidebar."""
_BACK = (0.45, 134)
_MOST_S = 200


def job() -> object:
    """The child process; None without one."""
    return module("blender.tracking_job").current()


def steps() -> Iterator[float]:
    """Welcome, Try It and Esc, Try It to its end, back, undo."""
    known(False)
    window = bpy.context.window_manager.windows[0]
    home = window.scene.name
    was = (bpy.context.scene.render.fps, bpy.context.scene.frame_end)
    space = view().spaces.active
    before = (space.region_3d.view_distance, space.shading.type)
    space.show_region_ui = True
    yield 1
    next(r for r in view().regions if r.type == "UI").active_panel_category = "Semblance"
    time_drawing()
    yield 2
    picture("try_it_1_welcome")
    click(*sidebar_place(*_BUTTON))
    yield 1
    check(f"one click makes '{window.scene.name}' and starts a child", window.scene.name != home and job() is not None)
    child = job()._process if job() else None
    key("Escape")
    yield 2
    check("Esc ends the child and the scene", job() is None and window.scene.name == home and len(bpy.data.scenes) == 1
          and child is not None and child.poll() is not None)
    check("and the view is as before", (space.region_3d.view_distance, space.shading.type) == before)
    begun = time.monotonic()
    click(*sidebar_place(*_BUTTON))
    yield 2.5
    picture("try_it_2_tracking", fleeting=True)
    while job() is not None and time.monotonic() - begun < _MOST_S:
        yield 0.2
    yield 3
    pip = bpy.data.objects.get("Pip")
    check(f"after {time.monotonic() - begun:.0f} s Pip plays", pip is not None and pip.animation_data is not None
          and bpy.context.screen.is_animation_playing)
    seen = set()
    for _ in range(10):
        seen.add(window.scene.frame_current)
        yield 0.3
    check(f"the frames run: {sorted(seen)}", len(seen) > 3)
    picture("try_it_3_plays", fleeting=True)
    key("Escape")   # stops playing, which leaves a screen without a graphics card no time for clicks
    yield 2
    bpy.context.window_manager.windows[0].scene.frame_set(66)
    picture("try_it_3_stopped")
    yield from drawing_is_quick()
    click(*sidebar_place(*_BACK))
    yield 2
    check("one click leads back, and nothing is left", window.scene.name == home and "Pip" not in bpy.data.objects
          and not bpy.data.actions and len(bpy.data.scenes) == 1)
    check("the user's rate and range are as they were",
          (window.scene.render.fps, window.scene.frame_end) == was and not bpy.context.screen.is_animation_playing)
    picture("try_it_4_back")
    key("ctrl+z")
    yield 2
    check("undo brings Pip back", "Pip" in bpy.data.objects)
    key("ctrl+z")
    yield 2
    check(f"one more takes the whole of Try It away: {[scene.name for scene in bpy.data.scenes]}",
          len(bpy.data.scenes) == 1 and "Pip" not in bpy.data.objects)
    picture("try_it_5_undone")


if __name__ == "__main__":
    start(steps())
