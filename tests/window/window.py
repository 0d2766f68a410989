"""What the scripts beside this one share: looking at the window, pressing its buttons, timing its drawing."""
from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from widgets import drawn_widgets

PICTURES = os.environ.get("SEMBLANCE_PICTURES", "")
EXTENSION = next(name for name in bpy.context.preferences.addons.keys() if name.endswith(".semblance"))  # noqa: SIM118
PATIENCE = float(os.environ.get("SEMBLANCE_PATIENCE", "1"))
"""Every wait may take so many times longer, on a busy machine."""
_ENOUGH_TICKS = 40
_drawn_s: dict[str, list[float]] = {}


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


def widen_sidebar(pixels: int) -> Iterator[float]:
    """Drag the sidebar's edge to the left."""
    edge, top = next(r for r in view().regions if r.type == "UI").x, 500
    for act in (f"mousemove {edge + 1} {top}", f"mousemove {edge} {top}", "mousedown 1",
                f"mousemove {edge - pixels // 2} {top}", f"mousemove {edge - pixels} {top}", "mouseup 1"):
        subprocess.run(["xdotool", *act.split()], check=False)
        yield 0.5


def picture(name: str, fleeting: bool = False) -> None:
    """Save what the screen shows and, unless that is gone at once, which widgets the sidebar has (see kept.py)."""
    if PICTURES:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1 if fleeting else 2)
        subprocess.run(["import", "-window", "root", str(Path(PICTURES) / f"{name}.png")], check=False)
        if not fleeting:
            widgets = drawn_widgets(view(), our_panels()) if view_is_there() else []
            Path(PICTURES, f"{name}.txt").write_text("".join(f"{widget}\n" for widget in widgets))


def view_is_there() -> bool:
    """No other editor has taken the place of the 3D view."""
    return any(area.type == "VIEW_3D" for area in bpy.context.window_manager.windows[0].screen.areas)


def our_panels() -> list[type[bpy.types.Panel]]:
    """Those of the extension, in their order."""
    return [cls for cls in sys.modules[f"{EXTENSION}.addon.blender.registration"].CLASSES
            if issubclass(cls, bpy.types.Panel)]


def check(what: str, holds: bool) -> None:
    """Say whether a step did what it should."""
    print(f"{'STEP' if holds else 'PROBLEM'} {what}", flush=True)


def timed(draw: Callable[..., None]) -> Callable[..., None]:
    """`draw`, with its time kept, without that of other programs; Blender insists on exactly two arguments."""

    def draw_timed(self: bpy.types.Panel, context: bpy.types.Context) -> None:
        start = time.thread_time()
        draw(self, context)
        _drawn_s.setdefault(type(self).__name__, []).append(time.thread_time() - start)

    return draw_timed


def time_drawing() -> None:
    """Measure every draw of our panels."""
    for cls in our_panels():
        cls.draw = timed(cls.draw)


def drawing_is_quick() -> Iterator[float]:
    """Redraw thirty times and judge the middle."""
    _drawn_s.clear()
    for _ in range(30):
        view().tag_redraw()
        yield 0.05
    middle_ms = sum(statistics.median(spent) for spent in _drawn_s.values()) * 1000
    most = ", ".join(f"{name} {max(spent) * 1000:.2f}" for name, spent in _drawn_s.items())
    check(f"drawing the sidebar takes {middle_ms:.3f} ms (the slowest of each: {most})", middle_ms < 1)


def wait_for(
    what: str, holds: Callable[[], object], seconds: float = 60, again: Callable[[], None] | None = None,
) -> Iterator[float]:
    """Until it holds, or for so long; `again` is done every three seconds, such as a key that a slow window missed."""
    begun = last = time.monotonic()
    while not holds() and time.monotonic() < begun + seconds * PATIENCE:
        yield 0.03
        if again is not None and time.monotonic() > last + 3:
            last = time.monotonic()
            again()
    check(f"{what} ({time.monotonic() - begun:.1f} s)", bool(holds()))


def start_live() -> Iterator[float]:
    """Press Start until the source runs; a computer too busy to start the worker in time gets two more tries."""
    live, end = module("blender.live_session").LIVE, time.monotonic() + 60 * PATIENCE
    for _ in range(3):
        if live.current is None:
            press(bpy.ops.semblance.live_toggle, "EXEC_DEFAULT")
        while live.current is not None and time.monotonic() < end:
            if live.current.status is not None and live.current.status.state == "running":
                check("the source runs", True)
                return
            yield 0.03
        print(f"STEP live ended: {live.farewell}", flush=True)
    check("the source runs", False)


class Ticks:
    """What each call of a session module's `tick` costs Blender's main thread."""

    def __init__(self, name: str) -> None:
        self.spent_ms: list[float] = []
        session = module(name)
        tick = session.tick

        def timed_tick() -> None:
            begun = time.thread_time()
            tick()
            self.spent_ms.append((time.thread_time() - begun) * 1000)

        session.tick = timed_tick

    def are_quick(self, what: str) -> Iterator[float]:
        """Wait for enough of them; 95 of 100 stay below 4 ms, where a slow screen leaves time for so many."""
        self.spent_ms.clear()
        end = time.monotonic() + 20 * PATIENCE
        while len(self.spent_ms) < _ENOUGH_TICKS and (time.monotonic() < end or len(self.spent_ms) < 3):
            yield 0.1
        spent = sorted(self.spent_ms)
        p95, middle = spent[int(len(spent) * 0.95)], statistics.median(spent)
        check(f"{what}: a tick takes {middle:.2f} ms, p95 {p95:.2f}, most {spent[-1]:.1f} ({len(spent)} ticks)",
              (p95 if len(spent) >= _ENOUGH_TICKS else middle) < 4)


def click(x: float, y: float, button: int = 1) -> None:
    """Click at a place of the screen, counted from its upper left corner."""
    subprocess.run(["xdotool", "mousemove", str(int(x)), str(int(y)), "click", str(button)], check=False)


def sidebar_place(across: float, down: float) -> tuple[float, float]:
    """A place of the sidebar on the screen: a share of its width, pixels below its upper edge."""
    region, window = next(r for r in view().regions if r.type == "UI"), bpy.context.window_manager.windows[0]
    return region.x + across * region.width, window.height - (region.y + region.height) + down


def module(name: str) -> object:
    """One of the extension's: "blender.tracking_job"."""
    return sys.modules[f"{EXTENSION}.addon.{name}"]


def known(is_known: bool = True) -> None:
    """Whether this user has seen the welcome."""
    bpy.context.preferences.addons[EXTENSION].preferences.is_known = is_known


def clear_view() -> Iterator[float]:
    """An empty scene with the sidebar open at our tab, and a calm view of what comes."""
    known()
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)
    render = bpy.context.scene.render
    render.use_simplify, render.simplify_subdivision = True, 1  # a screen without a graphics card is slow
    space = view().spaces.active
    space.show_region_ui = True
    space.shading.type, space.shading.color_type = "SOLID", "MATERIAL"
    space.shading.light, space.shading.studio_light = "STUDIO", "paint.sl"
    overlay = space.overlay
    overlay.show_cursor = overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
    yield 1
    next(r for r in view().regions if r.type == "UI").active_panel_category = "Semblance"
    yield 1


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


def start(steps: Iterator[float]) -> None:
    """Begin once the window is there."""
    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(lambda: run(steps), first_interval=2, persistent=True)
