"""Turn videos into keyed scenes without a window: per video a .blend, the take, a clip if wanted, and a JSON report.

Runs inside Blender or under a Python with the bpy module, through render_batch.py. A video that fails is reported and
the others go on; what an earlier start has finished is skipped.

examples:
  blender -b shot.blend -P render_batch.py -- --video a.mp4 b.mp4 --character Pip --out keyed
  python render_batch.py --scene shot.blend --video *.mp4 --out keyed --render mp4 --jobs 2
  python render_batch.py --take a.take slate_iPhone.csv --character Pip Gus --out keyed
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import SemblanceError, require
from ..core.files import check_writable, write_bytes
from ..core.paths import ROOT
from ..core.rig_profile import RigProfile
from ..core.take import SUFFIX, Take, write_take
from ..live.performance import record_take
from .apply import add_character_argument, cast_profiles, key_cast, notes_of, require_bpy
from .arguments import add_face_arguments
from .terminal import progress_display, without_chatter

REPORT = "report.json"
_SCHEMA = 2


@dataclass(frozen=True)
class Item:
    """One performance to do, and the folder that everything about it goes to."""

    source: str
    folder: Path

    @property
    def stem(self) -> str:
        """What its files are called."""
        return self.folder.name

    @property
    def is_performance(self) -> bool:
        """A take or Live Link file, which needs no tracking."""
        return self.source.lower().endswith((SUFFIX, ".csv"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the batch takes."""
    parser.add_argument("--video", nargs="+", default=[], metavar="FILE", help="videos or image folders to track")
    parser.add_argument("--take", nargs="+", default=[], metavar="FILE", help=".take or Live Link .csv to key")
    add_character_argument(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets one folder per video")
    parser.add_argument("--scene", type=Path, metavar="BLEND", help="scene to start from (default: the open one)")
    parser.add_argument("--render", choices=("mp4", "png"), help="also render a clip, at the scene's camera")
    parser.add_argument("--size", type=_size, default=(640, 640), metavar="WxH", help="of the clip (default: 640x640)")
    add_face_arguments(parser)
    parser.add_argument("--folder-name", help=argparse.SUPPRESS)  # how a numbered folder reaches a process of --jobs
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="videos at a time, each in its own process")


def run(args: argparse.Namespace) -> int:
    """Do all items; 0 if every one is done, 1 if one failed."""
    require_bpy()
    for module in ("onnxruntime", "cv2") if args.video else ("onnxruntime",):
        require(module, "The batch")
    items = _items([*args.video, *args.take], args.out.resolve(), args.folder_name)
    if args.jobs < 1:
        raise SemblanceError(f"--jobs needs 1 or more (found {args.jobs}).")
    scene, profiles = _starting_scene(args.scene), cast_profiles(args.character)
    for profile in profiles:
        if scene is None and profile.blend is None:
            raise SemblanceError(f"'{profile.name}' is a rig of your own; name the scene that holds it with --scene.")
    check_writable(args.out.resolve())

    def work(item: Item) -> bool:
        wanted = _request(item, scene, profiles, args)
        if _is_finished(item, wanted):
            print(f"{item.source}: finished before, skipped", flush=True)
            return True
        if args.jobs > 1 and len(items) > 1:
            return _in_own_process(item, scene, args)
        return _told(item, _reported(item, wanted, lambda: _perform(item, scene, profiles, args)))

    if args.jobs > 1 and len(items) > 1:
        with ThreadPoolExecutor(args.jobs) as pool:
            done = list(pool.map(work, items))
    else:
        done = [work(item) for item in items]
    print(f"{sum(done)} of {len(done)} done, in '{args.out}'.", flush=True)
    return 0 if all(done) else 1


def _perform(
    item: Item, scene_path: Path | None, profiles: list[RigProfile], args: argparse.Namespace
) -> dict[str, Any]:
    """Everything for one item; what the report says about it."""
    from ..blender.keying import Placement, scene_rate
    from ..blender.rendering import ensure_camera, render_clip
    from ..blender.scenes import open_scene, save_scene

    take = _performance(item, args)
    take_path, blend = (item.folder / f"{item.stem}{suffix}" for suffix in (SUFFIX, ".blend"))
    write_take(take, take_path)
    outputs = {"take": take_path.name, "blend": blend.name}
    with without_chatter():
        scene = open_scene(scene_path)
        keyed, failed = key_cast(take, profiles, scene, item.stem, Placement())
        frames = (int(keyed[0].keyed.frames[0]), int(keyed[0].keyed.frames[-1]))
        scene.frame_start, scene.frame_end = frames
        width, height = args.size
        ensure_camera(scene, *(scene.objects[applied.armature] for applied in keyed), aspect=width / height)
        save_scene(blend)
        if args.render:
            clip = item.folder / (f"{item.stem}.mp4" if args.render == "mp4" else f"{item.stem}_frames")
            with closing(progress_display("bar", f"{clip.name}: rendering")) as progress:
                render_clip(scene, clip, frames, args.size, video=args.render == "mp4", progress=progress)
            outputs["clip"] = clip.name
    return {
        "outputs": outputs, "notes": [*failed, *notes_of(keyed)], "frames": frames, "scene_fps": scene_rate(scene),
        "keyed": [
            {"name": each.armature, "controls": each.keyed.controls, "decoder": each.decoder} for each in keyed
        ],
        "source_frames": len(take), "found_share": round(float(take.found.mean()), 4), "models": take.models,
    }


def _performance(item: Item, args: argparse.Namespace) -> Take:
    if item.is_performance:
        return record_take(item.source)
    with closing(progress_display("bar", f"{Path(item.source).name}: tracking")) as progress:
        return record_take(item.source, box=args.box, drawn=args.drawn, progress=progress)


def _reported(item: Item, wanted: dict[str, Any], perform: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run `perform` and write the report, whatever comes."""
    start = time.monotonic()
    try:
        result = {"status": "done", **perform()}
    except SemblanceError as error:
        result = {"status": "failed", "error": str(error)}
    except Exception as error:
        # One broken video must not take the others with it; the traceback tells a developer more.
        traceback.print_exc()
        result = {"status": "failed", "error": f"Unexpected {type(error).__name__}: {error}"}
    report = {**wanted, **result, "seconds": round(time.monotonic() - start, 1)}
    try:
        write_bytes(item.folder / REPORT, json.dumps(report, indent=1).encode())
    except SemblanceError as error:
        report = {**report, "status": "failed", "error": str(error)}
    return report


def _told(item: Item, report: dict[str, Any]) -> bool:
    done = report["status"] == "done"
    if done:
        first, last = report["frames"]
        who = ", ".join(f"{each['controls']} controls of {each['name']}" for each in report["keyed"])
        print(f"{item.source}: {who} on frames {first} to {last} ({report['seconds']} s)")
        for note in report["notes"]:
            print(f"  Note: {note}")
    else:
        print(f"{item.source}: FAILED. {report['error']}", file=sys.stderr)
    sys.stdout.flush()
    return done


def _in_own_process(item: Item, scene: Path | None, args: argparse.Namespace) -> bool:
    """The same script once more, for one item; its report says how it went."""
    kind = "--take" if item.is_performance else "--video"
    command = [
        *_launcher(), kind, item.source, "--character", *args.character, "--out", str(item.folder.parent),
        "--folder-name", item.folder.name, "--size", "{}x{}".format(*args.size),
        *(("--scene", str(scene)) if scene else ()),
        *(("--render", args.render) if args.render else ()),
        *(("--box", args.box.percent) if args.box else ()), *(("--drawn",) if args.drawn else ()),
    ]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if ended.returncode == 0:
        print(f"{item.source}: done", flush=True)
        return True
    try:
        reason = json.loads((item.folder / REPORT).read_bytes())["error"]
    except (OSError, ValueError, KeyError):
        reason = (ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1]
    print(f"{item.source}: FAILED. {reason}", file=sys.stderr, flush=True)
    return False


def _launcher() -> list[str]:
    """How to start render_batch.py again: by this Blender, or by this Python where Blender is a module."""
    from ..blender.scenes import blender_program

    script, program = str(ROOT / "render_batch.py"), blender_program()
    if not program:
        return [sys.executable, script]
    extension = __package__.rpartition(".addon")[0]
    addons = ["--addons", extension] if extension else []
    return [program, "-b", *addons, "--python-exit-code", "1", "-P", script, "--"]


def _items(sources: list[str], out: Path, folder_name: str | None) -> list[Item]:
    """One item per source; sources of the same name get numbered folders."""
    if not sources:
        raise SemblanceError("There is nothing to do: name files after --video or --take.")
    items: list[Item] = []
    used: set[str] = set()
    for source in sources:
        path = str(source) if "://" in source else str(Path(source).resolve())
        if path in {item.source for item in items}:
            continue
        stem = name = folder_name or Path(path).stem or "take"
        number = 2
        while name.lower() in used:
            name, number = f"{stem}-{number}", number + 1
        used.add(name.lower())
        items.append(Item(path, out / name))
    return items


def _starting_scene(path: Path | None) -> Path | None:
    """The scene file that each item starts from; None = an empty scene."""
    from ..blender.scenes import open_file

    if path is None:
        return open_file()
    if not path.is_file():
        raise SemblanceError(f"There is no scene '{path}'.")
    return path.resolve()


def _request(
    item: Item, scene: Path | None, profiles: list[RigProfile], args: argparse.Namespace
) -> dict[str, Any]:
    """What was asked for, so that a second start knows whether it is still the same."""
    return {
        "schema": _SCHEMA, "semblance": __version__, "source": _stamp(Path(item.source)),
        "scene": _stamp(scene) if scene else None, "characters": [profile.name for profile in profiles],
        "profiles": [_stamp(profile.path) for profile in profiles],
        "render": args.render, "size": list(args.size), "box": args.box.percent if args.box else None,
        "drawn": args.drawn,
    }


def _stamp(path: Path) -> dict[str, Any]:
    try:
        facts = path.stat()
        return {"path": str(path), "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}
    except OSError:
        return {"path": str(path)}


def _is_finished(item: Item, wanted: dict[str, Any]) -> bool:
    try:
        report = json.loads((item.folder / REPORT).read_bytes())
        return (
            report["status"] == "done"
            and all(report.get(key) == value for key, value in wanted.items())
            and all((item.folder / name).exists() for name in report["outputs"].values())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size such as 640x480 (16 to 8192 each)")
    return int(width), int(height)
