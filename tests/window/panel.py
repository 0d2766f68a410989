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
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy
from mathutils import Euler

SOURCE = os.environ["SEMBLANCE_SOURCE"]
PICTURES = os.environ.get("SEMBLANCE_PICTURES", "")
EXTENSION = next(name for name in bpy.context.preferences.addons.keys() if name.endswith(".semblance"))  # noqa: SIM118
_drawn_s: list[float] = []


def view() -> bpy.types.Area:
    """The 3D view."""
    return next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D")


def press(operator: Callable[..., set[str]], how: str = "INVOKE_DEFAULT", **arguments: object) -> None:
    """Press a button of the sidebar."""
    region = next(r for r in view().regions if r.type == "UI")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=view(), region=region):
        operator(how, True, **arguments)  # with an undo step, as a click has


def key(name: str) -> None:
    """Press a key over the 3D view."""
    subprocess.run(["xdotool", "mousemove", "500", "500", "key", name], check=False)


def picture(name: str) -> None:
    """Save what the screen shows."""
    if PICTURES:
        subprocess.run(["import", "-window", "root", str(Path(PICTURES) / f"{name}.png")], check=False)


def check(what: str, holds: bool) -> None:
    """Say whether a step did what it should."""
    print(f"{'STEP' if holds else 'PROBLEM'} {what}", flush=True)


def timed(draw: Callable[..., None]) -> Callable[..., None]:
    """`draw`, with its time kept; Blender insists on exactly two arguments."""

    def draw_timed(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        start = time.perf_counter()
        draw(self, context)
        _drawn_s.append(time.perf_counter() - start)

    return draw_timed


def time_drawing() -> None:
    """Measure every draw of our panels."""
    for cls in sys.modules[f"{EXTENSION}.addon.blender.registration"].CLASSES:
        if issubclass(cls, bpy.types.Panel):
            cls.draw = timed(cls.draw)


def steps() -> Iterator[float]:
    """The user's way through the panel; yields seconds to wait."""
    scene = bpy.context.scene
    settings = scene.semblance
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    space = view().spaces.active
    space.show_region_ui = True
    space.shading.type, space.shading.color_type = "SOLID", "MATERIAL"
    space.shading.light, space.shading.studio_light = "STUDIO", "paint.sl"
    overlay = space.overlay
    overlay.show_cursor = overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
    yield 1
    next(r for r in view().regions if r.type == "UI").active_panel_category = "Semblance"
    yield 1
    picture("1_empty")
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
    picture("2_source")
    if not settings.is_performance:
        yield from track_and_cancel(settings)
        yield from track(settings)
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    action = bpy.data.objects["Pip"].animation_data.action
    check(f"Apply keyed '{action.name}' on frames {tuple(map(int, action.frame_range))}", action.frame_range[1] > 1)
    scene.frame_set(int(os.environ.get("SEMBLANCE_FRAME", (scene.frame_end + 1) // 2)))
    yield 2
    picture("3_applied")
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
    for _ in range(30):
        view().tag_redraw()
        yield 0.05
    middle_ms, most_ms = statistics.median(_drawn_s) * 1000, max(_drawn_s) * 1000
    check(f"drawing takes {middle_ms:.3f} ms (median of {len(_drawn_s)}; the slowest {most_ms:.3f})", middle_ms < 1)

    if not settings.is_performance:
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
        check(f"{what} ends the timer", sys.modules[f"{EXTENSION}.addon.blender.operators"]._timer is None)
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
    picture("2_tracking")
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


def run(pending: Iterator[float]) -> float | None:
    """One step per timer call, so that the window lives between them."""
    try:
        return next(pending)
    except StopIteration:
        print("STEP all done", flush=True)
    except Exception:
        traceback.print_exc()
        print("PROBLEM the script stopped", flush=True)
    if not os.environ.get("SEMBLANCE_STAY"):
        bpy.ops.wm.quit_blender()
    return None


if __name__ == "__main__":
    bpy.context.preferences.view.show_splash = False
    waiting = steps()
    bpy.app.timers.register(lambda: run(waiting), first_interval=2, persistent=True)
