"""The sidebar in a real window, step by step; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_SOURCE=clip.mp4 blender --python tests/window/panel.py

SEMBLANCE_SOURCE is a video (tracked with progress, cancelled by Esc once, then tracked to its end), a take or a Live
Link CSV; the scene is saved beside it as panel.blend. Each step prints "STEP ..."; anything unexpected prints
"PROBLEM ...". SEMBLANCE_PICTURES names a folder for pictures of the window, SEMBLANCE_FRAME the scene frame that they
show; SEMBLANCE_STAY=1 leaves Blender open. Drawing is timed and must stay below 1 ms.
"""
from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import addon_utils
import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).parent))
from window import EXTENSION, check, clear_view, drawing_is_quick, key, picture, press, start, time_drawing, view

SOURCE = os.environ["SEMBLANCE_SOURCE"]


def steps() -> Iterator[float]:
    """The user's way through the panel; yields seconds to wait."""
    scene = bpy.context.scene
    settings = scene.semblance
    yield from clear_view()
    space = view().spaces.active
    picture("panel_1_empty")
    press(bpy.ops.wm.call_panel, name="SEMBLANCE_PT_cast")
    yield 5
    picture("panel_1_cast")
    key("Escape")
    press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character="Pip")
    check("Add Pip puts Pip into the scene and chooses it", settings.character == bpy.data.objects.get("Pip"))
    space.region_3d.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    space.region_3d.view_location, space.region_3d.view_distance = (0.8, 0, -0.1), 6.6
    time_drawing()
    settings.character.select_set(True)
    bpy.context.view_layer.objects.active = settings.character
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(SOURCE).with_name("panel.blend")))
    settings.source = f"//{Path(SOURCE).name}"
    yield 1
    picture("panel_2_source")
    if not settings.is_performance:
        yield from track_and_cancel(settings)
        yield from track(settings)
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    action = bpy.data.objects["Pip"].animation_data.action
    check(f"Apply keyed '{action.name}' on frames {tuple(map(int, action.frame_range))}", action.frame_range[1] > 1)
    scene.frame_set(int(os.environ.get("SEMBLANCE_FRAME", (scene.frame_end + 1) // 2)))
    yield 2
    picture("panel_3_applied")
    key("ctrl+z")
    yield 1
    check("one undo takes the keys away", not bpy.data.objects["Pip"].animation_data
          or not bpy.data.objects["Pip"].animation_data.action)
    key("ctrl+shift+z")
    yield 1
    check("redo brings them back", bpy.data.objects["Pip"].animation_data.action is not None)
    random.seed(0)
    for _ in range(100):
        key(random.choice(["ctrl+z", "ctrl+shift+z"]))
        yield 0.1
    for _ in range(12):
        key("ctrl+shift+z")
        yield 0.1
    check("100 random undo and redo steps end where they began",
          bpy.data.objects["Pip"].animation_data.action is not None)
    yield from drawing_is_quick()
    if not bpy.context.scene.semblance.is_performance:  # undo has made older handles invalid
        yield from interrupt()


def interrupt() -> Iterator[float]:
    """Another file, and disabling the extension, in the middle of tracking."""
    for what, act in (
        ("opening a file", lambda: bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)),
        ("disabling", lambda: addon_utils.disable(EXTENSION)),
    ):
        bpy.context.scene.semblance.source = f"//{Path(SOURCE).name}"
        press(bpy.ops.semblance.take_track)
        module = sys.modules[f"{EXTENSION}.addon.blender.tracking_job"]
        process = module.current()._process
        yield 1
        act()
        yield 1
        ended = process.poll() is not None and module.current() is None
        check(f"{what} ends the child process", ended)
        operators = sys.modules[f"{EXTENSION}.addon.blender.operators"]
        check(f"{what} ends the timer", operators.SEMBLANCE_OT_take_track.timer is None)
    addon_utils.enable(EXTENSION)
    yield 1
    check("the panel comes back", hasattr(bpy.context.scene, "semblance"))


def track_and_cancel(settings: bpy.types.PropertyGroup) -> Iterator[float]:
    """Esc ends the child and leaves nothing."""
    job = sys.modules[f"{EXTENSION}.addon.blender.tracking_job"]
    press(bpy.ops.semblance.take_track)
    while not job.state().done and not job.state().ended:
        yield 0.1
    yield 0.5
    check(f"Track shows progress: {job.state().done} of {job.state().total}", job.state().done > 0)
    process = job.current()._process
    picture("panel_2_tracking", fleeting=True)
    key("Escape")
    yield 1
    check("Esc ends the child process", process.poll() is not None and job.current() is None and not settings.take)


def track(settings: bpy.types.PropertyGroup) -> Iterator[float]:
    """To the end."""
    job = sys.modules[f"{EXTENSION}.addon.blender.tracking_job"]
    press(bpy.ops.semblance.take_track)
    while job.current() is not None:
        yield 0.2
    check(f"Track wrote '{settings.take}'", Path(settings.take).is_file())


if __name__ == "__main__":
    start(steps())
