"""A simulated robot head in a real window, step by step; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_SOURCE=clip.mp4 blender --python tests/window/robot.py

SEMBLANCE_SOURCE is a video of a face, played in a loop as if it were a webcam. Steps, pictures and SEMBLANCE_STAY are
those of panel.py; the scene is saved beside the video as robot.blend. At the end Blender quits while the head moves.
SEMBLANCE_ROBOTS names the designs that are driven ("ameca_like,maestro_head"), SEMBLANCE_TAKE a .take to be played.
On a busy machine SEMBLANCE_PATIENCE makes every wait so many times longer.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Euler

sys.path.insert(0, str(Path(__file__).parent))
from window import (
    Ticks,
    check,
    clear_view,
    drawing_is_quick,
    key,
    module,
    our_panels,
    picture,
    press,
    start,
    start_live,
    time_drawing,
    view,
    wait_for,
)

SOURCE = os.environ["SEMBLANCE_SOURCE"]
TAKE = os.environ.get("SEMBLANCE_TAKE", "")
ROBOTS = os.environ.get("SEMBLANCE_ROBOTS", "ameca_like,maestro_head").split(",")


def head() -> object:
    """The session of the head."""
    return module("blender.robot_session").HEAD.current


def open_panels(*names: str) -> Iterator[float]:
    """Only these panels are there, and open; the others would be out of the window."""
    panels = our_panels()
    for cls in reversed(panels):
        if hasattr(bpy.types, cls.__name__) and getattr(cls, "bl_category", "") == "Semblance":
            bpy.utils.unregister_class(cls)
    view().tag_redraw()
    yield 1
    for cls in panels:
        if cls.__name__.removeprefix("SEMBLANCE_PT_") in names:
            cls.bl_options = set()
            bpy.utils.register_class(cls)
    yield 1
    region = next(r for r in view().regions if r.type == "UI")
    window = bpy.context.window_manager.windows[0]
    at = (region.x + 120, window.height - (region.y + region.height) + 14)
    subprocess.run(["xdotool", "mousemove", *map(str, at), "click", "1"], check=False)
    yield 1


def pointer_over_view() -> None:
    """Where the keys count."""
    subprocess.run(["xdotool", "mousemove", "500", "500"], check=False)


def state() -> str:
    """Of the head; "" without one."""
    return head().state if head() else ""


def steps() -> Iterator[float]:
    """Choose, connect, twin, live, arm, stop, play keys and a take, calibrate, kill, another file, quit."""
    yield from clear_view()
    press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character="Pip")
    region = view().spaces.active.region_3d
    region.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    region.view_location, region.view_distance = (2.2, 0, -0.1), 9.0
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(SOURCE).with_name("robot.blend")))
    live = bpy.context.scene.semblance_live
    live.kind, live.video = "VIDEO", f"//{Path(SOURCE).name}"
    yield from open_panels("robot", "robot_meters", "robot_process", "robot_calibration")
    time_drawing()
    ticks = Ticks("blender.robot_session")
    yield 1
    picture("robot_1_choice")
    settings = bpy.context.scene.semblance_robot
    settings.head = "REAL"
    yield 0.5
    picture("robot_2_real")
    try:
        press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT")
        check("a real head without a port is refused", False)
    except RuntimeError as error:
        check(f"a real head without a port is refused: {str(error).strip()}", head() is None)
    settings.head = "SIMULATED"
    for design in ROBOTS:
        yield from drive(design, ticks)
    yield from play_keys()
    if TAKE:
        yield from play_take()
    yield from calibrate()
    yield from interrupt()
    for cls in our_panels():
        if not hasattr(bpy.types, cls.__name__):
            bpy.utils.register_class(cls)  # those that open_panels took away, which Blender misses when it quits


def drive(design: str, ticks: Ticks) -> Iterator[float]:
    """Connect, twin, live, arm, stop."""
    press(bpy.ops.semblance.robot_design, "EXEC_DEFAULT", design=design)
    press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT")
    yield 0.2
    picture(f"robot_3_{design}_connecting", fleeting=True)
    yield from wait_for(f"{design} is connected and limp", lambda: state() == "LIMP")
    before = set(bpy.data.objects)
    press(bpy.ops.semblance.robot_twin, "EXEC_DEFAULT")
    check(f"the twin has {len(set(bpy.data.objects) - before)} objects", len(set(bpy.data.objects) - before) > 3)
    yield 1
    picture(f"robot_4_{design}_limp")
    yield from start_live()
    press(bpy.ops.semblance.robot_live, "EXEC_DEFAULT")
    yield 1
    check("nothing has moved without Arm", state() == "LIMP")
    pointer_over_view()
    press(bpy.ops.semblance.robot_arm)
    yield 1
    picture(f"robot_5_{design}_arm")
    key("Return")
    yield from wait_for("the question is answered, the head wakes", lambda: state() in ("ARMING", "LIVE"), 8,
                        lambda: key("Return"))
    yield 0.3
    picture(f"robot_6_{design}_waking", fleeting=True)
    yield from wait_for("the head follows", lambda: state() == "LIVE", 8)
    yield from ticks.are_quick(design)
    status = head().status
    check(f"{status.rate_hz:.0f} Hz, {status.jitter_ms:.1f} ms late (p99), {status.accepted} frames, {status.refused} "
          f"refused, follows {status.playing}", status.playing == "live")
    picture(f"robot_7_{design}_live")
    yield from drawing_is_quick()
    begun = time.monotonic()
    key("End")
    yield from wait_for("the key End stops it", lambda: state() == "STOPPED", 8, lambda: key("End"))
    print(f"STEP from the key to STOPPED on screen {1000 * (time.monotonic() - begun):.0f} ms", flush=True)
    picture(f"robot_8_{design}_stopped")
    press(bpy.ops.semblance.live_toggle, "EXEC_DEFAULT")
    press(bpy.ops.semblance.robot_twin, "EXEC_DEFAULT")
    check("the twin is gone, everything else is there", set(bpy.data.objects) == before)
    press(bpy.ops.semblance.robot_disconnect, "EXEC_DEFAULT")
    yield 0.3
    yield from wait_for("it has ended", lambda: not module("blender.robot_session").leaving(), 10)


def play_keys() -> Iterator[float]:
    """Pip's keys on the head that follows Pip."""
    pip = bpy.data.objects["Pip"]
    jaw = next(bone for bone in pip.pose.bones if "jaw" in bone.name.lower() and bone.name.startswith("CTRL"))
    for frame, value in ((1, 0.0), (25, -0.1), (50, 0.0)):
        jaw.location.y = value
        jaw.keyframe_insert("location", index=1, frame=frame)
    press(bpy.ops.semblance.robot_design, "EXEC_DEFAULT", design="maestro_by_pip")
    press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT")
    yield from wait_for("maestro_by_pip is connected", lambda: state() == "LIMP")
    yield from played("ACTION")
    yield from held()
    press(bpy.ops.semblance.robot_disconnect, "EXEC_DEFAULT")
    yield from wait_for("it has ended", lambda: not module("blender.robot_session").leaving(), 10)
    pip.animation_data_clear()


def play_take() -> Iterator[float]:
    """The sidebar's take on Ada's head, with Ada beside Pip."""
    bpy.context.scene.semblance.source = TAKE
    press(bpy.ops.semblance.robot_design, "EXEC_DEFAULT", design="ameca_like")
    press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT")
    yield from wait_for("ameca_like is connected", lambda: state() == "LIMP")
    press(bpy.ops.semblance.robot_twin, "EXEC_DEFAULT")
    yield from played("TAKE")
    press(bpy.ops.semblance.robot_twin, "EXEC_DEFAULT")
    press(bpy.ops.semblance.robot_disconnect, "EXEC_DEFAULT")
    yield from wait_for("it has ended", lambda: not module("blender.robot_session").leaving(), 10)


def played(what: str) -> Iterator[float]:
    """Armed, played from its beginning to its end, rested."""
    press(bpy.ops.semblance.robot_play, "EXEC_DEFAULT", what=what)
    press(bpy.ops.semblance.robot_arm, "EXEC_DEFAULT")
    yield from wait_for(f"{what} plays", lambda: head().status.playing == "clip" and state() == "LIVE", 15)
    for k in range(4):
        yield 1
        picture(f"robot_8_{what}_{k}", fleeting=True)
    yield from wait_for(f"{what} plays to its end", lambda: head().news == "Played to its end.", 60)
    picture(f"robot_8_{what}_played")
    yield from wait_for("it goes to rest", lambda: state() == "RESTING", 5)
    press(bpy.ops.semblance.robot_rest, "EXEC_DEFAULT")
    yield from wait_for("and limp", lambda: state() == "LIMP", 8)


def held() -> Iterator[float]:
    """Armed for as long as the keys are held, in a view that is drawn quickly: a Blender that hangs lets go too."""
    shown = list(bpy.context.view_layer.layer_collection.children)
    for each in shown:
        each.hide_viewport = True
    press(bpy.ops.semblance.robot_play, "EXEC_DEFAULT", what="ACTION")
    pointer_over_view()
    yield 1
    subprocess.run(["xdotool", "keydown", "ctrl", "keydown", "shift", "keydown", "h"], check=False)
    yield from wait_for("held keys arm it", lambda: state() == "LIVE", 8)
    yield 1
    check("held for seconds it stays armed", head().energised)
    subprocess.run(["xdotool", "keyup", "h", "keyup", "shift", "keyup", "ctrl"], check=False)
    yield from wait_for("let go, it rests and goes limp", lambda: state() == "LIMP", 8)
    for each in shown:
        each.hide_viewport = False


def calibrate() -> Iterator[float]:
    """Measure two servos of the hobby head and use the file."""
    press(bpy.ops.semblance.robot_design, "EXEC_DEFAULT", design="maestro_head")
    window = bpy.context.window_manager.semblance_robot
    window.unit = "window-1"
    press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT", calibrate=True)
    yield from wait_for("connected to be measured", lambda: state() == "LIMP")
    picture("robot_9_calibrate_limp")
    press(bpy.ops.semblance.robot_arm, "EXEC_DEFAULT")
    yield from wait_for("armed", lambda: state() == "LIVE", 8)
    for which, at in (("high", 0.6), ("low", -0.5), ("neutral", 0.05)):
        window.jog = at
        yield 4
        press(bpy.ops.semblance.robot_mark, "EXEC_DEFAULT", which=which)
    picture("robot_10_calibrate")
    press(bpy.ops.semblance.robot_step, "EXEC_DEFAULT", by="NEXT")
    yield 0.5
    press(bpy.ops.semblance.robot_unit_save, "EXEC_DEFAULT")
    yield 1
    settings = bpy.context.scene.semblance_robot
    check("the unit is chosen", settings.unit == "window-1" and settings.robot() is not None)
    picture("robot_11_unit")
    yield from wait_for("the process has ended", lambda: not module("blender.robot_session").leaving(), 10)


def interrupt() -> Iterator[float]:
    """The process is killed; another file; quitting while the head moves."""
    yield from moving()
    os.kill(head().status.pid, signal.SIGKILL)
    yield from wait_for("a killed process ends the session", lambda: head() is None, 6)
    check(f"and it is said: {module('blender.robot_session').HEAD.farewell}", True)
    picture("robot_12_killed")
    yield from moving()
    os.kill(head().status.pid, signal.SIGSTOP)
    yield from wait_for("a process that hangs is noticed", lambda: head() is None or head().hangs, 6)
    picture("robot_13_hangs", fleeting=True)
    yield from wait_for("and given up", lambda: head() is None, 8)
    yield from moving()
    pid = head().status.pid
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    yield from wait_for("another file lets the head go", lambda: not alive(pid), 10)
    yield from moving()
    print(f"STEP quits while process {head().status.pid} moves the head", flush=True)


def moving() -> Iterator[float]:
    """A head that plays the source's take."""
    live = bpy.context.scene.semblance_live
    live.kind, live.video = "VIDEO", f"//{Path(SOURCE).name}"
    bpy.context.scene.semblance_robot.design = "maestro_head"
    yield from wait_for("the head before has gone", lambda: not module("blender.robot_session").leaving(), 10)
    yield from start_live()
    press(bpy.ops.semblance.robot_connect, "EXEC_DEFAULT")
    yield from wait_for("connected", lambda: state() == "LIMP")
    press(bpy.ops.semblance.robot_live, "EXEC_DEFAULT")
    press(bpy.ops.semblance.robot_arm, "EXEC_DEFAULT")
    yield from wait_for("it moves", lambda: state() == "LIVE", 10)


def alive(pid: int) -> bool:
    """The process is there; a zombie is not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


if __name__ == "__main__":
    start(steps())
