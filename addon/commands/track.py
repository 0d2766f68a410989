"""Follow the face (and body) in a video, webcam or stream and write the performance as a .take file.

SOURCE is a video file, a folder or numbered pattern of images, a webcam's number (0 is the first), an MJPEG or RTSP
address, a door for another tracker (livelink://, ifacialmocap://PHONE, vmc://, osc://; docs/live.md), a Live Link Face
.csv to import, or a .take to cut. The take keeps the raw performance beside the calibrated and smoothed one.

examples:
  semblance track clip.mp4
  semblance track clip.mp4 --start 2 --end 12 -o walk.take
  semblance track 0 --end 20 -o me.take          twenty seconds of the first webcam
  semblance track livelink://0.0.0.0:11111 --end 20 -o me.take       twenty seconds of an iPhone
  semblance track dance.mp4 --body               body and hands as well
  semblance track dog.mp4 --drawn                a drawn face, on which landmarks are of no use
  semblance track crowd.mp4 --box 30,10,20,25    the head in this part of the picture, in %
  semblance track MySlate_1_iPhone.csv           a Live Link Face recording becomes a take
  semblance track walk.take --start 3 --end 5 -o step.take       two seconds of a take
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import SemblanceError
from ..core.files import check_writable
from ..core.take import SUFFIX, Take, write_take
from ..live.body_reading import in_words
from ..live.doors import is_door
from ..live.performance import record_take
from .arguments import add_face_arguments, check_spared, file_ending, seconds
from .terminal import progress_display, write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance track` takes."""
    parser.add_argument("source", metavar="SOURCE", help="video, image folder, webcam number, address or .csv")
    parser.add_argument("-o", "--output", type=file_ending(SUFFIX), metavar="FILE",
                        help="take to write (default: <source>.take here)")
    parser.add_argument("--start", type=seconds, metavar="SECONDS", help="leave out what comes before")
    parser.add_argument("--end", type=seconds, metavar="SECONDS", help="leave out what comes after; a webcam needs it")
    parser.add_argument("--face", type=int, default=0, metavar="N", help="which face: 0 = the largest (default), 1 ...")
    add_face_arguments(parser)
    parser.add_argument("--body", action="store_true", help="follow body and hands too; a face may then be missing")
    parser.add_argument(
        "--progress", choices=("bar", "json", "none"), default="bar", help="json writes lines for a program to read"
    )


def run(args: argparse.Namespace) -> int:
    """Track and write; returns the exit code."""
    try:
        path = args.output or Path(default_name(args.source) + SUFFIX)
        check_spared(Path(args.source), path)
        check_writable(path.parent)
        take = _record(args)
        write_take(take, path)
    except SemblanceError as error:
        if args.progress != "json":
            raise
        write_json({"error": str(error)})
        return 1
    if args.progress == "json":
        write_json({"take": str(path), "found": " ".join([found(take), *take.source.get("warnings", [])])})
    else:
        print(f"{summary(take)}\nWrote '{path}'.")
    return 0


def _record(args: argparse.Namespace) -> Take:
    progress = progress_display(args.progress, "Tracking")
    try:
        return record_take(
            args.source, start_s=args.start, end_s=args.end, face=args.face, box=args.box, drawn=args.drawn,
            body=args.body, progress=progress,
        )
    finally:
        progress.close()


def default_name(source: str) -> str:
    """A file name without suffix for a source: its own stem, "webcam0", a door's kind, or the host of an address."""
    if source.isdigit():
        return f"webcam{source}"
    if is_door(source):
        return urlsplit(source).scheme
    if "://" in source:
        return urlsplit(source).hostname or "stream"
    return Path(source).resolve().stem.partition("%")[0].rstrip("_-. ") or "images"


def summary(take: Take) -> str:
    """What a take holds, in a line or two, with the source's warnings."""
    source: dict[str, Any] = take.source
    length_s = float(take.times_s[-1] - take.times_s[0])
    text = f"{len(take)} frames over {length_s:.1f} s. {found(take)}"
    return "\n".join([text, *(f"Note: {warning}" for warning in source.get("warnings", []))])


def found(take: Take) -> str:
    """Of how much of the source what was followed was seen."""
    face = f"A face in {take.found.mean():.1%} of the frames."
    return face if take.body is None else f"{face} {in_words(take.body)}"
