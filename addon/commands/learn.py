"""Learn a rig of your own: find out by pictures what its controls do, so that a performance moves it without names.

The rig's file is opened and never saved; everything is drawn by Workbench. Its controls come from a preset that the
panel saved, or a .toml. Controls that follow something already keep doing so, unless --all is given. What was learned
is kept beside the preset (<preset>.learned.npz) and used by the panel, 'semblance apply' and render_batch.py; the
preset tells what each control follows now, and a sheet shows the rig beside a performer. Needs Blender.

examples:
  semblance learn hero.blend --preset Hero
  semblance learn hero.blend --preset hero.toml --all --root HeroArmature --sheet hero.png
"""
from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ..characters.learned_rig import LearnedRig, learned_path, told, with_meanings, write_learned
from ..characters.rig_learning import wanted_controls
from ..core.control_set import ControlSet
from ..core.errors import SemblanceError, require
from ..core.files import check_writable, write_bytes
from ..core.rig_profile import RigProfile, find_profile, write_profile
from . import sheets
from .apply import require_bpy
from .arguments import file_ending, whole_number
from .terminal import progress_display, without_chatter, write_json

if TYPE_CHECKING:
    from ..blender.learning import Lesson

_HELD_OUT: Final = 240
_WORDS: Final = ((0.5, "well"), (0.3, "fairly"), (0.12, "faintly"), (-1.0, "hardly"))
"""Least correlation in held-out pictures → how it is told."""
_COLUMNS: Final = 4
_CELL_PX: Final = 256
_GAP_PX: Final = 14
_TITLE_PX: Final = 34
_TEXT_PX: Final = 13


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance learn` takes."""
    parser.add_argument("scene", type=Path, metavar="BLEND", help="the file that holds the rig")
    parser.add_argument("--preset", required=True, metavar="NAME", help="its preset, or a .toml with its controls")
    parser.add_argument("--root", default="", metavar="OBJECT", help="its armature, or its first mesh without one")
    parser.add_argument("--all", action="store_true", help="also controls that follow something already")
    parser.add_argument("--poses", type=whole_number(24, 5000), default=_HELD_OUT, metavar="N",
                        help=f"how many faces to try it on ({_HELD_OUT}; it stops earlier when time is up)")
    parser.add_argument("--sheet", type=file_ending(".png"), metavar="PNG",
                        help="where to draw it (default: beside the preset)")
    parser.add_argument("--progress", choices=("bar", "json", "none"), default="bar",
                        help="json writes lines for a program to read")


def run(args: argparse.Namespace) -> int:
    """Learn, write, tell; returns the exit code."""
    try:
        require_bpy()
        profile = find_profile(args.preset)
        if profile.blend is not None:
            raise SemblanceError(f"'{profile.name}' is a character with a file of its own, no rig of yours to learn.")
        sheet = args.sheet or learned_path(profile.path).with_suffix(".png")
        check_writable(profile.path.parent)
        lesson = _learn(profile, args)
        _keep(profile, lesson, sheet)
    except SemblanceError as error:
        if args.progress != "json":
            raise
        write_json({"error": str(error)})
        return 1
    path = learned_path(profile.path)
    if args.progress == "json":
        write_json({"take": str(path)})
        return 0
    for note in lesson.notes:
        print(f"Note: {note}")
    print(table(profile.control_set, lesson.rig))
    print(told(lesson.rig))
    print(f"Drew {lesson.pictures} pictures in {lesson.seconds:.0f} s. Wrote '{path}' and '{sheet}'.")
    return 0


def table(controls: ControlSet, rig: LearnedRig) -> str:
    """The learned controls by group, with how well pictures of this rig tell them."""
    width = max(map(len, controls.names))
    lines = []
    for column in np.flatnonzero(rig.learned):
        control, quality = controls.controls[column], float(rig.quality[column])
        word = next(word for least, word in _WORDS if quality >= least or least < 0)
        moved = "follows" if rig.weights[:, column].any() else "stays at rest"
        lines.append(f"  {control.name:<{width}}  {control.group:<8}  {quality:5.2f}  seen {word:<8}  {moved}")
    return "\n".join(lines)


def sheet_of(name: str, pairs: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> np.ndarray:
    """uint8 [H, W, 3] BGR: performer and rig beside each other for each expression, with its name."""
    down, across = _CELL_PX + _TITLE_PX, 2 * _CELL_PX + _GAP_PX
    rows = -(-len(pairs) // _COLUMNS)
    sheet = sheets.blank(_GAP_PX + across * _COLUMNS, _TITLE_PX + rows * down)
    sheets.write(sheet, f"Performer and {name}", _GAP_PX, _TITLE_PX - 10, _TEXT_PX + 2)
    for number, (words, performer, own) in enumerate(pairs):
        left, top = _GAP_PX + number % _COLUMNS * across, _TITLE_PX + number // _COLUMNS * down
        sheets.place(sheet, performer[..., ::-1], left, top)
        sheets.place(sheet, own[..., ::-1], left + _CELL_PX, top)
        sheets.write(sheet, words, left + 4, top + _CELL_PX + _TEXT_PX + 8, _TEXT_PX, sheets.DIM)
    return sheet


def _learn(profile: RigProfile, args: argparse.Namespace) -> Lesson:
    from ..blender.learning import learn

    if args.progress == "json":
        # Who reads along ends us by a signal: pictures on the way to the disk are still tidied up.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = wanted_controls(profile.control_set, args.all)
    with closing(progress_display(args.progress, profile.name)) as progress, without_chatter():
        return learn(profile, args.scene.resolve(), args.root, wanted, progress, held_out=args.poses)


def _keep(profile: RigProfile, lesson: Lesson, sheet: Path) -> None:
    """Write what was learned, and the preset with what its controls follow now."""
    cv2 = require("cv2", "Writing pictures")
    controls = with_meanings(profile.control_set, lesson.rig)
    write_bytes(sheet, cv2.imencode(".png", sheet_of(profile.name, lesson.pairs))[1].tobytes())
    write_profile(replace(profile, control_set=controls), profile.path)
    write_learned(learned_path(profile.path), lesson.rig, controls)
