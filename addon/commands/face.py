"""Give a body's motion (.bvh) the face that goes with it, in a style: a .take, and with --character a keyed scene.

The style is a built-in one or a performance (.take or Live Link Face .csv) of somebody whose style it shall be: a few
seconds are enough, half a minute is better. Bodies of CMU, Mixamo, Rigify, MPFB and like names are understood.

examples:
  semblance face walk.bvh --style joyful                    writes walk.take
  semblance face walk.bvh --style weary --strength 1.5      more of it
  semblance face walk.bvh --style joyful --character Pip    and walk.blend, with Pip's face keyed
  semblance face walk.bvh --style joyful --character Pip --key-body    his whole body too
  semblance face walk.bvh --style actor.take -o shot.take   as the actor in that take would
  semblance face walk.bvh --style joyful --flame walk.npz   and walk.npz: jaw and expressions in FLAME's form
"""
from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ..characters.body_landmarks import landmarks_of
from ..core.body_motion import resampled
from ..core.bvh import read_bvh
from ..core.errors import SemblanceError
from ..core.files import check_writable
from ..core.rig_profile import RigProfile
from ..core.take import SUFFIX, Take, write_take
from ..expression.flame import FLAME_SUFFIX, read_conversion
from ..expression.from_body import (
    CALM,
    FPS,
    STRENGTH_MOST,
    FaceStyle,
    built_in_style,
    face_from_body,
    style_names,
    style_of,
)
from ..live.performance import record_take
from .apply import cast_profiles, key_cast, notes_of, require_bpy
from .arguments import file_ending, number_in, whole_number
from .export import add_flame_argument, tell_flame


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance face` takes."""
    parser.add_argument("motion", type=Path, metavar="BVH", help="the body's motion")
    add_style_arguments(parser)
    parser.add_argument("--seed", type=whole_number(0, 1_000_000), default=0, metavar="N", help="other blinks (0)")
    parser.add_argument("-o", "--output", type=file_ending(SUFFIX), metavar="FILE",
                        help="take to write (default: <BVH>.take here)")
    parser.add_argument("--flame", type=file_ending(FLAME_SUFFIX), metavar="NPZ",
                        help="also write it in FLAME's form, for SMPL-X")
    add_flame_argument(parser)
    parser.add_argument("--character", nargs="+", default=[], metavar="NAME",
                        help="also key it on these characters, in a .blend beside the take; needs Blender")
    parser.add_argument("--key-body", action="store_true", help="key the body's motion too, on characters with a body")
    parser.add_argument("--start-frame", type=int, default=1, metavar="N", help="scene frame of the first sample (1)")


def add_style_arguments(parser: argparse.ArgumentParser, flag: str = "--style") -> None:
    """Declare how a face goes with its body."""
    parser.add_argument(
        flag, dest="face_style", default=CALM, metavar="STYLE",
        help=f"{', '.join(style_names()) or CALM}, or a .take or Live Link .csv in the style (default: {CALM})",
    )
    parser.add_argument(
        "--strength", type=number_in(0, STRENGTH_MOST, "strength"), default=1.0, metavar="S",
        help=f"0 = calm, 1 = the style (default), up to {STRENGTH_MOST:g} = more of it",
    )
    parser.add_argument("--still-head", action="store_true",
                        help="leave the body's own head motion out: the character's head moves with its body already")


def run(args: argparse.Namespace) -> int:
    """Read, make the face, write; returns the exit code."""
    path = args.output or Path(args.motion.stem + SUFFIX)
    profiles = cast_profiles(args.character)
    if profiles:
        require_bpy()
    elif args.key_body:
        raise SemblanceError("--key-body keys the motion on a character; name one with --character.")
    conversion = read_conversion(args.conversion) if args.flame else None
    check_writable(path.parent)
    motion = read_bvh(args.motion)
    take = face_from_body(motion, face_style(args.face_style), args.strength, not args.still_head, args.seed)
    write_take(take, path)
    length_s = float(take.times_s[-1] - take.times_s[0])
    print(f"A face for {length_s:.1f} s of '{args.motion.name}', {args.face_style}.")
    for warning in take.source["warnings"]:
        print(f"Note: {warning}")
    print(f"Wrote '{path}'.")
    if conversion:
        tell_flame(take, args.flame, conversion)
    if profiles:
        if args.key_body:
            take = replace(take, body=landmarks_of(resampled(motion, FPS)))
        _key(take, profiles, path, args)
    return 0


def _key(take: Take, profiles: list[RigProfile], path: Path, args: argparse.Namespace) -> None:
    """Key the take in a scene of its own, beside `path`."""
    from ..blender.apply import extend_scene, told
    from ..blender.keying import Placement
    from ..blender.scenes import open_scene, save_scene

    scene = open_scene(None)
    placement = Placement(args.start_frame, body=args.key_body)
    keyed, failed = key_cast(take, profiles, scene, path.stem, placement)
    extend_scene(scene, keyed[0].keyed)
    blend = path.with_suffix(".blend")
    save_scene(blend.resolve())
    for note in (*failed, *notes_of(keyed)):
        print(f"Note: {note}")
    print(f"Keyed {told(keyed)}.\nWrote '{blend}'.")


def face_style(name: str) -> FaceStyle:
    """A built-in style, or the one that a performance shows.

    Raises:
        SemblanceError: if it is neither, or shows no face.
    """
    path = Path(name)
    if path.suffix.lower() in (SUFFIX, ".csv"):
        return style_of(record_take(name), path.name)
    return built_in_style(name)
