"""Turn videos into keyed scenes without a window: per video a .blend, the take, a clip if wanted, and a JSON report.

A body's motion (.bvh, or an armature's Action in a .blend) is turned into the face that goes with it.

Runs inside Blender or under a Python with the bpy module, through render_batch.py. A video that fails is reported and
the others go on; what an earlier start has finished is skipped; two starts at once share the work. docs/batch.md tells
of manifests, clusters and Flamenco.

examples:
  blender -b shot.blend -P render_batch.py -- --video a.mp4 b.mp4 --character Pip --out keyed
  python render_batch.py --scene shot.blend --video *.mp4 --out keyed --render mp4
  python render_batch.py --take a.take slate_iPhone.csv --character Pip Gus --out keyed
  python render_batch.py --body walk.bvh --face-style joyful --character Pip --out keyed
  python render_batch.py --manifest shots.csv --check --out keyed    only see whether each line is right
  python render_batch.py --manifest shots.csv --out keyed
  python render_batch.py --manifest shots.csv --out keyed --scheduler tcp://farm:8786    on a Dask cluster
"""
from __future__ import annotations

import argparse
import glob
import json
import os
import platform
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import __version__
from ..characters.body_landmarks import landmarks_of
from ..characters.style import Style
from ..core.body_motion import resampled
from ..core.bvh import read_bvh
from ..core.claims import claimed, is_claimed
from ..core.errors import SemblanceError, require
from ..core.files import check_writable, write_bytes
from ..core.paths import ROOT
from ..core.take import SUFFIX, Take, write_take
from ..expression.from_body import FPS, face_from_body
from ..live.performance import record_take
from ..tracking.opencv import opencv
from .apply import add_character_argument, key_cast, notes_of, require_bpy
from .arguments import add_face_arguments, face_box, whole_number
from .face import add_style_arguments, face_style
from .manifest import RENDERS, Item, check, is_performance, picture_size, profiles_of, read_manifest, style_strength
from .terminal import progress_display, without_chatter

if TYPE_CHECKING:
    from ..blender.keying import Placement

REPORT: Final = "report.json"
SUMMARY: Final = "summary"
"""The file beside the items' folders that tells of all of them, as .json and as a table."""
Report = dict[str, Any]
_CLAIM: Final = ".claim"
_SCHEMA: Final = 3
_ATTEMPTS: Final = 3
"""How often an item is begun whose process dies; one that dies each time is hardly unlucky."""
_STOPPED: Final = (130, -signal.SIGINT)
"""Exit codes of one that Ctrl-C in the terminal ended."""
_ENDED_BY_ITSELF: Final = (0, 1, 2)
"""... of one that was not killed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the batch takes."""
    parser.add_argument("--video", nargs="+", default=[], metavar="FILE", help="videos or image folders to track")
    parser.add_argument("--take", nargs="+", default=[], metavar="FILE", help=".take or Live Link .csv to key")
    parser.add_argument("--body", nargs="+", default=[], metavar="FILE",
                        help="bodies' motions, which get faces: .bvh or, with --armature, .blend")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help=".csv or .json with a line for each video")
    parser.add_argument("--only", type=_range, metavar="N-M", help="of the manifest only its N-th to M-th item")
    parser.add_argument("--check", action="store_true", help="only see whether each line of the manifest is right")
    parser.add_argument("--summary", action="store_true", help="do nothing, only write the summary of what is done")
    add_character_argument(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="gets one folder per video")
    parser.add_argument("--scene", type=Path, metavar="BLEND", help="scene to start from (default: the open one)")
    parser.add_argument("--style", type=style_strength, default=1.0, metavar="N", help="0.5 calmer to 2 louder (1)")
    parser.add_argument("--render", choices=RENDERS, help="also render a clip, at the scene's camera")
    parser.add_argument("--size", type=picture_size, default=(640, 640), metavar="WxH", help="of the clip (640x640)")
    add_face_arguments(parser)
    parser.add_argument("--key-body", action="store_true",
                        help="key bodies too, on characters that have one; in videos follow them for it")
    parser.add_argument("--armature", metavar="NAME", help="in a .blend after --body: whose Action is the motion")
    add_style_arguments(parser, "--face-style")
    parser.add_argument("--jobs", type=whole_number(1, 256), metavar="N",
                        help="videos at a time, each in its own process (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS",
                        help="tcp://… of a Dask cluster, or 'local' for one of --jobs workers on this computer")
    parser.add_argument("--item", help=argparse.SUPPRESS)  # how one item reaches a process of its own


def run(args: argparse.Namespace) -> int:
    """Do all items; 0 if every one is done, 1 if one failed."""
    if args.item:
        require_bpy()
        return 0 if _told(item := Item.from_json(args.item), do(item)) else 1
    items = _items(args)
    if args.check:
        print(f"{len(items)} items, nothing wrong.")
        return 0
    out = args.out.resolve()
    if args.summary:
        reports = [_finished(item) or _report_of(item) or {} for item in items]
    else:
        require_bpy()
        tracked = any(not (item.is_performance or item.is_body) for item in items)
        require("onnxruntime", "The batch")
        if tracked:
            opencv()
        check_writable(out)
        reports = _do_all(items, args)
    done = sum(report.get("status") == "done" for report in reports)
    if not args.only:
        write_summary(out, items, reports)
    print(f"{done} of {len(items)} done, in '{args.out}'.", flush=True)
    return 0 if done == len(items) else 1


def _do_all(items: list[Item], args: argparse.Namespace) -> list[Report]:
    """The reports of all items, in their order."""
    reports: dict[Item, Report] = {}
    for item in items:
        if finished := _finished(item):
            print(f"{item.source}: finished before, skipped", flush=True)
            reports[item] = finished
    left = [item for item in items if item not in reports]
    jobs = min(args.jobs or os.cpu_count() or 1, len(left))
    if args.scheduler and left:
        from .cluster import do_on_cluster

        results: Iterator[tuple[Item, Report]] = do_on_cluster(left, args.scheduler, jobs)
    elif jobs > 1:
        results = _in_processes(left, jobs, _launcher())
    else:
        results = ((item, do(item)) for item in left)
    for item, report in results:
        # Of a process that was killed, only whoever waited for it can tell.
        reports[item] = report if _report_of(item) == report else _written(item, report)
        _told(item, report)
    return [reports[item] for item in items]


def _in_processes(items: list[Item], jobs: int, launcher: list[str]) -> Iterator[tuple[Item, Report]]:
    """Each in a process of its own; what another start works on now comes last, because it is waited for."""
    pool = ThreadPoolExecutor(jobs)
    try:
        later = []
        first = pool.map(lambda item: None if is_claimed(_claim(item)) else do_in_own_process(item, launcher), items)
        for item, report in zip(items, first, strict=True):
            if report is None:
                later.append(item)
            else:
                yield item, report
        yield from zip(later, pool.map(lambda item: do_in_own_process(item, launcher), later), strict=True)
    finally:
        # After Ctrl-C nothing more is begun.
        pool.shutdown(cancel_futures=True)


def do(item: Item) -> Report:
    """Do one item here, alone among all processes that share its folder; returns its report, which is written too.

    Whoever waits until another has done it, takes over what the other reported.
    """
    before = _report_of(item)
    try:
        with claimed(_claim(item)):
            return _settled(item, before) or _reported(item, lambda: _perform(item))
    except SemblanceError as error:
        return failure(item, str(error))


def do_in_own_process(item: Item, launcher: list[str]) -> Report:
    """The same in a process that `launcher` starts; begun again if it is killed."""
    before = _report_of(item)
    for _ in range(_ATTEMPTS):
        ended = subprocess.run(
            [*launcher, "--out", item.folder, "--item", item.to_json()], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace",
        )
        # One that is killed here may have been done by another start meanwhile.
        if settled := _settled(item, before):
            return settled
        if ended.returncode in _STOPPED:
            raise KeyboardInterrupt
        if ended.returncode in _ENDED_BY_ITSELF:
            break
    said = (ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1]
    return failure(item, f"Its process ended with the code {ended.returncode}: {said}")


def _perform(item: Item) -> Report:
    """Everything for one item; what the report says about it."""
    from ..blender.keying import scene_rate
    from ..blender.rendering import ensure_camera, render_clip
    from ..blender.scenes import open_scene, save_scene

    take, placement = _performance(item)
    folder = Path(item.folder)
    take_path, blend = (folder / f"{item.stem}{suffix}" for suffix in (SUFFIX, ".blend"))
    write_take(take, take_path)
    outputs = {"take": take_path.name, "blend": blend.name}
    with without_chatter():
        scene = open_scene(Path(item.scene) if item.scene else None)
        keyed, failed = key_cast(
            take, profiles_of(item.characters), scene, item.stem, placement, Style(item.style)
        )
        frames = (int(keyed[0].keyed.frames[0]), int(keyed[0].keyed.frames[-1]))
        scene.frame_start, scene.frame_end = frames
        width, height = item.size
        ensure_camera(scene, *(scene.objects[applied.armature] for applied in keyed), aspect=width / height)
        save_scene(blend)
        if item.render:
            clip = folder / (f"{item.stem}.mp4" if item.render == "mp4" else f"{item.stem}_frames")
            with closing(progress_display("bar", f"{clip.name}: rendering")) as progress:
                render_clip(scene, clip, frames, item.size, video=item.render == "mp4", progress=progress)
            outputs["clip"] = clip.name
    return {
        "outputs": outputs, "notes": [*failed, *notes_of(keyed)], "frames": frames, "scene_fps": scene_rate(scene),
        "keyed": [
            {"name": each.armature, "controls": each.keyed.controls, "decoder": each.decoder} for each in keyed
        ],
        "source_frames": len(take), "found_share": round(float(take.found.mean()), 4), "models": take.models,
    }


def _performance(item: Item) -> tuple[Take, Placement]:
    """What is to be keyed, and where."""
    from ..blender.keying import Placement

    placement = Placement(item.start_frame, body=item.key_body)
    if item.is_body:
        return _face_of_body(item, placement)
    if item.is_performance:
        return record_take(item.source), placement
    with closing(progress_display("bar", f"{Path(item.source).name}: tracking")) as progress:
        return record_take(
            item.source, start_s=item.start_s, end_s=item.end_s, face=item.face,
            box=face_box(item.box) if item.box else None, drawn=item.drawn, body=item.key_body, progress=progress,
        ), placement


def _face_of_body(item: Item, placement: Placement) -> tuple[Take, Placement]:
    """The face that goes with a body; that of an Action begins where the Action does, and goes beside it on an NLA
    track where the armature is the character's own, whose head is then left to the body."""
    own = item.armature in [profile.armature for profile in profiles_of(item.characters)]
    style = face_style(item.face_style)
    if item.armature is None:
        motion = read_bvh(Path(item.source))
    else:
        from ..blender.body_action import read_body
        from ..blender.body_keys import find_armature
        from ..blender.scenes import open_scene

        with without_chatter():
            scene = open_scene(Path(item.source))
            motion, first = read_body(find_armature(item.armature), scene)
        placement = replace(placement, start_frame=first)
        if own:
            placement = placement.beside_body()
    take = face_from_body(motion, style, item.strength, own_head=not (item.still_head or own))
    return replace(take, body=landmarks_of(resampled(motion, FPS))) if placement.body else take, placement


def _reported(item: Item, perform: Callable[[], Report]) -> Report:
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
    seconds = round(time.monotonic() - start, 1)
    report = {**_request(item), **result, "seconds": seconds, "computer": platform.node(), "ended": time.time()}
    # As it is read again: tuples are lists then.
    return _written(item, json.loads(json.dumps(report)))


def _written(item: Item, report: Report) -> Report:
    try:
        write_bytes(Path(item.folder) / REPORT, json.dumps(report, indent=1).encode())
        return report
    except SemblanceError as error:
        return failure(item, str(error))


def failure(item: Item, sentence: str) -> Report:
    """What is told of an item that nobody has reported."""
    return {**_request(item), "status": "failed", "error": sentence, "seconds": 0.0}


def _told(item: Item, report: Report) -> bool:
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


def _launcher() -> list[str]:
    """How to start render_batch.py again: by this Blender, or by this Python where Blender is a module."""
    from ..blender.scenes import blender_program

    script, program = str(ROOT / "render_batch.py"), blender_program()
    if not program:
        return [sys.executable, script]
    extension = __package__.rpartition(".addon")[0]
    addons = ["--addons", extension] if extension else []
    return [program, "-b", *addons, "--python-exit-code", "1", "-P", script, "--"]


def _items(args: argparse.Namespace) -> list[Item]:
    """What the command line asks for.

    Raises:
        SemblanceError: if that is nothing, or lines of the manifest are wrong; each is told before.
    """
    common = Item(
        characters=tuple(args.character), scene=_starting_scene(args.scene), box=args.box.percent if args.box else None,
        drawn=args.drawn, style=args.style, render=args.render, size=args.size, key_body=args.key_body,
        armature=args.armature, face_style=_face_style(args.face_style), strength=args.strength,
        still_head=args.still_head,
    )
    if args.manifest is None:
        if args.only or args.check or args.summary:
            raise SemblanceError("--only, --check and --summary are about a manifest; name it after --manifest.")
        return _named([*args.video, *args.take, *args.body], args.out.resolve(), common)
    if args.video or args.take or args.body:
        raise SemblanceError("Name files in the manifest, or after --video, --take and --body, not in both places.")
    items, wrong = read_manifest(args.manifest, args.out.resolve(), common)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        raise SemblanceError(f"{len(wrong)} of {len(items) + len(wrong)} lines are wrong; nothing was started.")
    first, last = args.only or (1, len(items))
    if last > len(items):
        raise SemblanceError(f"The manifest '{args.manifest}' has {len(items)} items; there is no item {last}.")
    return items[first - 1 : last]


def _named(sources: list[str], out: Path, common: Item) -> list[Item]:
    """One item per source; sources of the same name get numbered folders."""
    if not sources:
        raise SemblanceError("There is nothing to do: name files after --video, --take or --body, or a --manifest.")
    own = [profile.name for profile in profiles_of(common.characters) if profile.blend is None]
    items: list[Item] = []
    used: set[str] = set()
    for source in _expanded(sources):
        path = str(source) if "://" in source else str(Path(source).resolve())
        if path in {item.source for item in items}:
            continue
        stem = name = Path(path).stem or "take"
        number = 2
        while name.lower() in used:
            name, number = f"{stem}-{number}", number + 1
        used.add(name.lower())
        item = replace(common, source=path, folder=str(out / name)).complete()
        if own and item.scene is None:
            raise SemblanceError(f"'{own[0]}' is a rig of your own; name the scene that holds it with --scene.")
        if item.is_body:
            check(item)
        items.append(item)
    return items


def _expanded(sources: list[str]) -> Iterator[str]:
    """The files that wildcards mean, which the shells of Windows leave to the program."""
    for source in sources:
        yield from ("://" not in source and not Path(source).exists() and sorted(glob.glob(source))) or [source]


def _face_style(name: str) -> str:
    """A built-in style, or the absolute path of a performance."""
    return str(Path(name).resolve()) if is_performance(name) else name


def _starting_scene(path: Path | None) -> str | None:
    """The scene file that each item starts from: that of the command line, or the open one."""
    if path is None:
        if "bpy" not in sys.modules:
            return None
        from ..blender.scenes import open_file

        return str(opened) if (opened := open_file()) else None
    if not path.is_file():
        raise SemblanceError(f"There is no scene '{path}'.")
    return str(path.resolve())


def write_summary(out: Path, items: Sequence[Item], reports: Sequence[Report]) -> None:
    """Write what became of all items, as JSON and as a table."""
    kept = ("status", "error", "source_frames", "found_share", "seconds", "computer", "notes")
    rows = [
        {"name": item.stem, "source": item.source, "status": "missing", **{key: r[key] for key in kept if key in r}}
        for item, r in zip(items, reports, strict=True)
    ]
    count = {status: sum(row["status"] == status for row in rows) for status in ("done", "failed", "missing")}
    seconds = round(sum(row.get("seconds", 0) for row in rows), 1)
    text = json.dumps({**count, "seconds": seconds, "items": rows}, indent=1)
    head = ("name", "status", "frames", "face", "seconds", "error")
    table = [head, *(
        (row["name"], row["status"], str(row.get("source_frames", "")),
         f"{row['found_share']:.1%}" if "found_share" in row else "", f"{row.get('seconds', 0):.1f}",
         row.get("error", "")) for row in rows
    )]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    for suffix, content in ((".json", text), (".txt", "\n".join([*lines, ""]))):
        path = out / f"{SUMMARY}{suffix}"
        # A start that finds everything finished changes nothing.
        if not (path.is_file() and path.read_text(encoding="utf-8") == content):
            write_bytes(path, content.encode())


def _request(item: Item) -> Report:
    """What was asked for, so that a second start knows whether it is still the same."""
    profiles = profiles_of(item.characters)
    return {
        "schema": _SCHEMA, "semblance": __version__, "source": _stamp(Path(item.source)),
        "scene": _stamp(Path(item.scene)) if item.scene else None, "characters": [profile.name for profile in profiles],
        "profiles": [_stamp(profile.path) for profile in profiles], "range": [item.start_s, item.end_s],
        "start_frame": item.start_frame, "face": item.face, "box": item.box, "drawn": item.drawn, "style": item.style,
        "render": item.render, "size": list(item.size), **(_body_request(item) if item.is_body else {}),
        **({"key_body": True} if item.key_body else {}),
    }


def _body_request(item: Item) -> Report:
    style = _stamp(Path(item.face_style)) if is_performance(item.face_style) else item.face_style
    return {"armature": item.armature, "face_style": style, "strength": item.strength, "still_head": item.still_head}


def _stamp(path: Path) -> Report:
    try:
        facts = path.stat()
        return {"path": str(path), "bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}
    except OSError:
        return {"path": str(path)}


def _claim(item: Item) -> Path:
    return Path(item.folder) / _CLAIM


def _report_of(item: Item) -> Report | None:
    """What was reported of exactly this item; None if nothing was."""
    try:
        report = json.loads((Path(item.folder) / REPORT).read_bytes())
        same = all(report.get(key) == value for key, value in _request(item).items())
        return report if same and report["status"] in ("done", "failed") else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _finished(item: Item) -> Report | None:
    """Its report if it is done and everything is still there."""
    report = _report_of(item)
    try:
        if report and report["status"] == "done" and all(
            (Path(item.folder) / name).exists() for name in report["outputs"].values()
        ):
            return report
    except (KeyError, TypeError, AttributeError):
        pass
    return None


def _settled(item: Item, before: Report | None) -> Report | None:
    """Its report if it is finished, or has been reported since `before`."""
    report = _report_of(item)
    return _finished(item) or (report if report and report["status"] == "failed" and report != before else None)


def _range(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if first.isdecimal() and (last.isdecimal() or not dash) and 1 <= int(first) <= int(last or first):
        return int(first), int(last or first)
    raise argparse.ArgumentTypeError(f"'{text}' is not an item such as 3 or a range such as 3-8")
