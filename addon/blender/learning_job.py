"""Learning a rig in a child process, with a Blender of its own on a copy of the open file: the window stays free."""
from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from ..characters.learned_rig import learned_path
from .scenes import blender_program, save_scene
from .tracking_job import State, TrackingJob

CANCELLED: Final = "Learning was cancelled."
_PACKAGE: Final = __package__.rpartition(".")[0]
_IN_BLENDER: Final = (
    f"import importlib, sys; sys.exit(importlib.import_module('{_PACKAGE}.commands.__main__')"
    ".main(sys.argv[sys.argv.index('--') + 1:]))"
)

_current: TrackingJob | None = None
_folder: tempfile.TemporaryDirectory[str] | None = None


def learn_command(scene: Path, preset: Path, root: str, everything: bool) -> list[str]:
    """The command line of the child: the `learn` command in this Blender, or in this Python where bpy is a module."""
    arguments = ["learn", str(scene), "--preset", str(preset), "--root", root, "--progress", "json",
                 *(["--all"] if everything else [])]
    program = blender_program()
    if not program:
        return [sys.executable, "-m", "addon.commands", *arguments]
    return [program, "--background", "--python-exit-code", "1", "--python-expr", _IN_BLENDER, "--", *arguments]


def start(preset: Path, root: str, everything: bool) -> None:
    """Begin to learn the rig `root` of the open file; an earlier job is ended.

    Raises:
        SemblanceError: if the copy of the file cannot be written.
        OSError: if the process cannot be started.
    """
    global _current, _folder
    stop()
    _folder = tempfile.TemporaryDirectory(prefix="semblance-learning-")
    scene = Path(_folder.name, "rig.blend")
    save_scene(scene)
    _current = TrackingJob(learn_command(scene, preset, root, everything), learned_path(preset), "Learning")


def current() -> TrackingJob | None:
    """The job that was started and not yet stopped."""
    return _current


def state() -> State:
    """Where the current job is; an ended state if there is none."""
    return _current.poll() if _current else State(error="Nothing is being learned.")


def stop() -> None:
    """End the job, forget it and remove its copy of the file; harmless when there is none."""
    global _current, _folder
    if _current is not None:
        _current.cancel()
        _current = None
    if _folder is not None:
        _folder.cleanup()
        _folder = None
