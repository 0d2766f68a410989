"""Live in a real window, step by step; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_SOURCE=clip.mp4 blender --python tests/window/live.py

SEMBLANCE_SOURCE is a video of a face, played in a loop as if it were a webcam. Steps, pictures and SEMBLANCE_STAY are
those of panel.py; the scene is saved beside the video as live.blend, its takes in takes/. At the end Blender quits
while live. SEMBLANCE_CAST names the characters ("Pip,Ada"): the first alone, then both.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import addon_utils
import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).parent))
from window import (
    EXTENSION,
    Ticks,
    check,
    clear_view,
    drawing_is_quick,
    key,
    module,
    picture,
    press,
    start,
    start_live,
    time_drawing,
    view,
    wait_for,
)

SOURCE = os.environ["SEMBLANCE_SOURCE"]
NAMES = os.environ.get("SEMBLANCE_CAST", "Pip,Gus").split(",")


def session() -> object:
    """The live session."""
    return module("blender.live_session").LIVE.current


def open_panels() -> None:
    """Open the Live panel by its header, which is the first of the sidebar; what is in it will be open."""
    for name in ("performer", "recording"):
        cls = getattr(module("blender.live_panel"), f"SEMBLANCE_PT_live_{name}")
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)
    region = next(r for r in view().regions if r.type == "UI")
    top = bpy.context.window_manager.windows[0].height - region.y - region.height
    subprocess.run(["xdotool", "mousemove", str(region.x + 60), str(top + 14), "click", "1"], check=False)


def pose(name: str = "Pip") -> tuple[float, ...]:
    """Where its bones are."""
    return tuple(v for bone in bpy.data.objects[name].pose.bones for v in (*bone.location, *bone.rotation_euler))


def action(name: str = "Pip") -> bpy.types.Action | None:
    """What it is animated by."""
    return getattr(bpy.data.objects[name].animation_data, "action", None)


def steps() -> Iterator[float]:
    """Start, look, calibrate, scrub, record, retake, punch in, kill, stop, quit."""
    yield from clear_view()
    press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character=NAMES[0])
    look_at_all(NAMES[:1])
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(SOURCE).with_name("live.blend")))
    scene = bpy.context.scene
    live = scene.semblance_live
    live.kind, live.video = "VIDEO", f"//{Path(SOURCE).name}"
    scene.frame_end = 150
    scene.render.use_simplify, scene.render.simplify_subdivision = True, 0  # a screen without a graphics card is slow
    yield 1
    picture("live_1_closed")
    open_panels()
    time_drawing()
    ticks = Ticks("blender.live_session")
    yield 1
    picture("live_2_source")
    rest = pose(NAMES[0])
    press(bpy.ops.semblance.live_toggle)
    yield 0.3
    picture("live_3_starting", fleeting=True)
    yield from start_live()
    yield from wait_for("the first controls have come", lambda: pose(NAMES[0]) != rest)
    yield from ticks.are_quick(NAMES[0])
    check(f"{NAMES[0]} is moved, {session().status.fps:.0f} pictures a second, {session().latency_ms:.0f} ms",
          pose(NAMES[0]) != rest)
    picture("live_4_running")
    yield from drawing_is_quick()
    yield from calibrate()
    yield from play()
    yield from record()
    yield from several(ticks)
    yield from follow()
    yield from interrupt()
    check("no picture and no Action of live is left", not bpy.data.images.get("live"))
    yield from start_live()
    check("it runs while Blender quits", session() is not None)


def calibrate() -> Iterator[float]:
    """One button, and the guided range."""
    press(bpy.ops.semblance.live_neutral)
    yield 0.4
    picture("live_5_neutral", fleeting=True)
    yield from wait_for("Set Neutral takes a second", lambda: session().status.neutral == "set")
    press(bpy.ops.semblance.live_range)
    yield 4
    picture("live_5_range", fleeting=True)
    press(bpy.ops.semblance.live_range)
    yield 0.5


def play() -> Iterator[float]:
    """The timeline plays while the performer moves the character."""
    seen = set()
    press(bpy.ops.screen.animation_play)
    for _ in range(20):
        seen.add(pose(NAMES[0]))
        yield 0.1
    press(bpy.ops.screen.animation_play)
    check(f"while the timeline plays the character keeps moving ({len(seen)} poses)", len(seen) > 8)


def record() -> Iterator[float]:
    """Countdown, take, undo, retake, a part of it again."""
    name, scene = NAMES[0], bpy.context.scene
    scene.frame_set(11)
    scene.semblance_live.countdown = 2
    press(bpy.ops.semblance.live_record, "EXEC_DEFAULT", what="NEW")
    yield 0.7
    picture("live_6_countdown", fleeting=True)
    yield 4
    press(bpy.ops.semblance.live_mark)
    yield 0.5
    picture("live_7_recording")
    press(bpy.ops.semblance.live_record)
    yield from wait_for("the take is keyed", lambda: action(name) is not None)
    yield 1
    picture("live_8_take")
    first = action(name)
    check(f"'{first.name}' has frames {tuple(map(int, first.frame_range))}, markers "
          f"{[(marker.name, marker.frame) for marker in scene.timeline_markers]}", first.frame_range[0] >= 11)
    key("ctrl+z")
    yield 1
    check("one undo takes the keys away", action(name) is None)
    key("ctrl+shift+z")
    yield 1
    check("redo brings them back", action(name) is not None and session() is not None)
    before = action(name).name
    press(bpy.ops.semblance.live_record, "EXEC_DEFAULT", what="RETAKE")
    yield 5
    press(bpy.ops.semblance.live_record)
    yield from wait_for("a retake is an Action of its own", lambda: action(name).name != before)
    live = bpy.context.scene.semblance_live
    begins = live.take_frame
    live.punch_first, live.punch_last = begins + 20, begins + 50
    before = action(name).name
    press(bpy.ops.semblance.live_record, "EXEC_DEFAULT", what="PUNCH")
    yield from wait_for("a punch-in ends by itself", lambda: action(name).name != before)
    yield 1
    picture("live_9_punched")


def several(ticks: Ticks) -> Iterator[float]:
    """Two at once."""
    if len(NAMES) < 2:
        return
    press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character=NAMES[1])
    for actor in bpy.context.scene.semblance.actors:
        actor.use = True
    bpy.context.scene.semblance_live.show = "LIVE"
    look_at_all(NAMES)
    rest = pose(NAMES[1])
    yield from wait_for(f"{NAMES[1]} moves too", lambda: pose(NAMES[1]) != rest)
    yield from ticks.are_quick(" and ".join(NAMES))
    picture("live_10_two")


def follow() -> Iterator[float]:
    """The second takes over what the first plays; a take keys both."""
    if len(NAMES) < 2:
        return
    scene, (first, second) = bpy.context.scene, NAMES[:2]
    scene.semblance.actors[second_row()].leader = bpy.data.objects[first]
    yield 8  # it is learned
    seen = pose(second)
    yield from wait_for(f"{second} follows {first}", lambda: pose(second) != seen)
    picture("live_11_follows")
    before = action(first).name
    scene.semblance_live.countdown = 0
    press(bpy.ops.semblance.live_record, "EXEC_DEFAULT", what="NEW")
    yield 4
    press(bpy.ops.semblance.live_record)
    yield from wait_for("the take is keyed on the first", lambda: action(first).name != before)
    yield 0.5
    check(f"and on who follows: {session().news} {session().problem}", action(second) is not None)
    picture("live_12_follower_keyed")


def second_row() -> int:
    """Of the list of characters."""
    return next(i for i, actor in enumerate(bpy.context.scene.semblance.actors) if actor.root.name == NAMES[1])


def interrupt() -> Iterator[float]:
    """The worker is killed; another file; the extension is disabled."""
    os.kill(session().client.pid, signal.SIGKILL)
    yield from wait_for("a killed worker ends live", lambda: session() is None)
    farewell = module("blender.live_session").LIVE.farewell
    check(f"and it is said: {farewell}", bool(farewell))
    yield 1
    picture("live_13_killed")
    for what, act in (
        ("opening a file", lambda: bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)),
        ("disabling", lambda: addon_utils.disable(EXTENSION)),
    ):
        live = bpy.context.scene.semblance_live
        live.kind, live.video = "VIDEO", f"//{Path(SOURCE).name}"
        yield from start_live()
        process, live_session = session().client._process, module("blender.live_session")
        yield 1
        act()
        yield 1
        check(f"{what} ends the worker and the timer",
              process.poll() is not None and not bpy.app.timers.is_registered(live_session._tick))
    addon_utils.enable(EXTENSION)
    yield 1
    live = bpy.context.scene.semblance_live
    live.kind, live.video = "VIDEO", f"//{Path(SOURCE).name}"


def look_at_all(names: list[str]) -> None:
    """From the front, with room for the sidebar."""
    bpy.context.view_layer.update()
    places = [bpy.data.objects[name].location.x for name in names]
    region = view().spaces.active.region_3d
    region.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    region.view_location = ((min(places) + max(places)) / 2 + 0.8, 0, -0.1)
    region.view_distance = 6.6 + 1.2 * (max(places) - min(places))


if __name__ == "__main__":
    start(steps())
