"""Figures of live in Blender's window: what a tick of the timer and a drawing of the panel cost the main thread.

Blender runs in a process of its own, `python -m training.bench_live_panel`, so that its settings are nobody's.
"""
from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from addon.core.paths import ROOT

from .figures import Row

_CHARACTERS: Final = ("Pip", "Ada")
_TICKS: Final = 600
_PICTURE_EVERY: Final = 3
"""Pictures come at 12 a second, controls at 30."""
_EXTENSION: Final = "bl_ext.user_default.semblance"
_RNG_SEED: Final = 0


def measure_panel() -> dict[str, Row]:
    """Both figures, in a Blender of their own."""
    with tempfile.TemporaryDirectory(prefix="semblance-bench-") as folder:
        environment = {**os.environ, "BLENDER_USER_RESOURCES": folder}
        ended = subprocess.run(
            [sys.executable, "-m", "training.bench_live_panel"], cwd=ROOT, env=environment, capture_output=True,
            text=True, timeout=300,
        )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"Blender measured nothing: {ended.stderr.strip().splitlines()[-1:]}")
    found = json.loads(lines[-1])
    worst = max(found["ticks_ms"], key=found["ticks_ms"].get)
    each = ", ".join(f"{name} {ms:.2f}" for name, ms in found["ticks_ms"].items())
    nobody = "nobody tells"
    return {
        "live.main_thread_ms": Row(
            found["ticks_ms"][worst], None, f"{nobody}; p95 of {each}", "ms", "<= 4"
        ),
        "live.panel_ms": Row(found["panel_ms"], None, f"{nobody}; our part of all panels", "ms", "<= 1"),
    }


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("live.main_thread_ms", "live.panel_ms"): measure_panel,
}


class _Worker:
    """Says new controls for every tick, and a picture for some; the real one does so in a process of its own."""

    def __init__(self, package: str, name: str, count: int) -> None:
        self.state, self.sentence = "connected", ""
        self._messages = importlib.import_module(f"{package}.live.messages")
        self._update = importlib.import_module(f"{package}.live.client").Update
        self._random, self._name, self._count, self._ticks = np.random.default_rng(_RNG_SEED), name, count, 0

    def send(self, command: object) -> None:
        """Not needed here."""

    def stop(self) -> None:
        """Nothing to end."""

    def poll(self) -> Any:
        """Everything moves, farther than any face would in a thirtieth of a second."""
        self._ticks += 1
        now, values = time.monotonic(), self._random.uniform(-1, 1, self._count).astype(np.float32)
        update = self._update(
            self._messages.Status("running", fps=30.0, width=640, height=480, confidence=0.98),
            {self._name: self._messages.Controls(self._name, self._ticks / 30, now, values)},
        )
        if self._ticks % _PICTURE_EVERY == 0:
            image = np.full((240, 320, 3), self._ticks % 255, np.uint8)
            points = self._random.uniform(0, 240, (478, 2)).astype(np.float32)
            update.picture = self._messages.Picture(self._ticks / 30, 320, 240, image, points)
        return update


def _measured() -> dict[str, Any]:
    """In Blender: thread times of ticks and of drawing."""
    import bpy

    addon_utils = importlib.import_module("addon_utils")  # Blender's own, found once bpy is there
    sys.path.insert(0, str(ROOT / "packaging"))
    staging = importlib.import_module("staging")
    repository = next(r for r in bpy.context.preferences.extensions.repos if r.module == "user_default")
    staging.link(Path(repository.directory) / "semblance", [], ["linux-x64"])
    addon_utils.enable(_EXTENSION, default_set=True)
    package = f"{_EXTENSION}.addon"
    session = importlib.import_module(f"{package}.blender.live_session")
    picture = importlib.import_module(f"{package}.blender.live_picture")
    # Without a window there is no sidebar to show the picture in.
    session._sidebars = lambda: iter([SimpleNamespace(tag_redraw=lambda: None)])
    found: dict[str, Any] = {"ticks_ms": {}, "panel_ms": 0.0}
    for name in _CHARACTERS:
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.ops.semblance.character_add(character=name)
        scene = bpy.context.scene
        scene.semblance_live.kind = "CAMERA"
        profile = importlib.import_module(f"{package}.core.rig_profile").find_profile(name)
        live = session.start(scene, _Worker(package, name, len(profile.control_set)))
        spent = []
        for _ in range(_TICKS):
            spent.append(_thread_ms(session.tick))
            bpy.context.view_layer.update()
        if live is not session.LIVE.current or session.LIVE.farewell:
            raise RuntimeError(session.LIVE.farewell)
        found["ticks_ms"][name] = float(np.quantile(spent, 0.95))
        found["panel_ms"] = max(found["panel_ms"], _drawing_ms(package, bpy))
        session.stop()
    picture.clear()
    addon_utils.disable(_EXTENSION, default_set=True)
    return found


def _drawing_ms(package: str, bpy: Any) -> float:
    """All of our Live panels drawn once, open, onto a layout that looks up every setting; the median of thirty."""
    panel = importlib.import_module(f"{package}.blender.live_panel")
    context = SimpleNamespace(
        scene=bpy.context.scene, region=SimpleNamespace(width=280), preferences=bpy.context.preferences)
    panels = [each for name, each in vars(panel).items() if name.startswith("SEMBLANCE_PT_live")]

    def draw() -> None:
        for each in panels:
            each.draw(SimpleNamespace(layout=_Layout()), context)

    return float(np.median([_thread_ms(draw) for _ in range(30)]))


class _Layout:
    """Stands in for Blender's, which exists only while a window is drawn."""

    def __call__(self, *arguments: object, **options: object) -> _Layout:
        return self

    def __getattr__(self, name: str) -> _Layout:
        return self

    def prop(self, holder: Any, name: str, **options: object) -> None:
        """Look the setting up."""
        getattr(holder, name)


def _thread_ms(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return (time.thread_time() - begun) * 1000


if __name__ == "__main__":
    print(json.dumps(_measured()), flush=True)
    os._exit(0)  # Blender 4.5 as a module may hang when it ends
