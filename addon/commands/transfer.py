"""Carry a performance from one character to another, by a small network that learns in seconds.

Needs Blender, but for --save alone. From a .blend the active Action of the one character is read; a .take or Live Link
.csv is first played by the one character. The other one gets a new Action; what was animated before stays.

examples:
  semblance transfer mora.blend --from Mora --to Gus             Mora's Action to Gus, written to mora_Gus.blend
  semblance transfer clip.take --from Pip --to Ada               the take as Pip plays it, carried to Ada
  semblance transfer shot.blend --from hero.toml --to Gus --pairs hero_gus.toml     learned from poses of your own
  semblance transfer --from Mora --to Gus --save mora_gus.npz    only learn, and keep what was learned
  semblance transfer shot.blend --from Mora --to Gus --use mora_gus.npz             learned before
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.posed_pairs import read_pairs_text
from ..characters.transfer import PAIRS, Transfer, read_transfer, train, write_transfer
from ..characters.transfer_pairs import PosePairs, check_poses
from ..core.errors import SemblanceError
from ..core.files import check_writable
from ..core.rig_profile import RigProfile, find_profile
from ..core.take import SUFFIX
from ..live.performance import record_take
from .apply import require_bpy
from .arguments import file_ending

if TYPE_CHECKING:
    from ..blender.binding import Binding
    from ..blender.transfer_action import Transferred

    _Keying = Callable[[Transfer, Binding], Transferred]

_KINDS = {"decoders": "DECODERS", "poses": "KEY_POSES"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance transfer` takes."""
    parser.add_argument("performance", type=Path, nargs="?", metavar="FILE", help=".blend, .take or Live Link .csv")
    parser.add_argument("--from", dest="source", required=True, metavar="NAME", help="a character, preset or .toml")
    parser.add_argument("--to", dest="target", required=True, metavar="NAME", help="a character, preset or .toml")
    parser.add_argument(
        "--pairs", default="decoders", metavar="KIND",
        help="what is learned from: decoders (what the controls mean), poses (the key poses that come with both), or "
        "a .toml of pose pairs (default: decoders)",
    )
    parser.add_argument("--save", type=file_ending(".npz"), metavar="NPZ", help="keep what was learned")
    parser.add_argument("--use", type=Path, metavar="NPZ", help="use what was learned before")
    parser.add_argument("--scene", type=Path, metavar="BLEND", help="for a take: scene to start from (default: empty)")
    parser.add_argument("-o", "--output", type=file_ending(".blend"), metavar="BLEND",
                        help="file to write (default: <FILE>_<TO>.blend)")
    parser.add_argument("--start-frame", type=int, default=1, metavar="N", help="for a take: frame of its start (1)")
    parser.add_argument("--nla", action="store_true", help="an NLA strip instead of the active Action")


def run(args: argparse.Namespace) -> int:
    """Learn or read, transfer, save; returns the exit code."""
    if args.performance is None and args.save is None:
        raise SemblanceError("Name a performance to transfer, or a file for what is learned (--save).")
    source, target = find_profile(args.source), find_profile(args.target)
    # What cannot be written or carried is told before anything is learned.
    for path in {args.save, args.output} - {None}:
        check_writable(path.parent)
    if args.performance is not None:
        require_bpy()
        scene, key = _reading(source, target, args)
    if args.use is not None:
        transfer = read_transfer(args.use, source, target)
    else:
        begun = time.perf_counter()
        pairs = _pairs(args.pairs, source, target)
        transfer = train(source, target, pairs)
        print(f"Learned from {len(pairs)} pairs of poses in {time.perf_counter() - begun:.1f} s.")
    if args.save is not None:
        write_transfer(transfer, args.save)
        print(f"Wrote '{args.save}'.")
    if args.performance is not None:
        _carry(transfer, target, scene, key, args)
    return 0


def _pairs(kind: str, source: RigProfile, target: RigProfile) -> PosePairs:
    if kind in _KINDS:
        return PAIRS[_KINDS[kind]](source, target)
    path = Path(kind)
    if path.suffix != ".toml":
        raise SemblanceError(f"--pairs needs decoders, poses or a .toml of pose pairs (found '{kind}').")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SemblanceError(f"Cannot read the pose pairs '{path}': {error.strerror}.") from error
    except ValueError as error:
        raise SemblanceError(f"The pose pairs '{path}' are not text.") from error
    pairs = read_pairs_text(text, source, target, str(path))
    check_poses(pairs, source.control_set, target.control_set)
    return pairs


def _reading(source: RigProfile, target: RigProfile, args: argparse.Namespace) -> tuple[Any, _Keying]:
    """Open the scene and read the performance: the scene, and what keys it on the target there.

    Raises:
        SemblanceError: if there is none, or the scene cannot be opened.
    """
    from ..blender.binding import bind
    from ..blender.keying import Placement
    from ..blender.scenes import open_scene
    from ..blender.transfer_action import read_action, transfer_performance, transfer_track

    path, kind = args.performance, args.performance.suffix.lower()
    if kind == ".blend":
        scene = open_scene(path)
        performance = read_action(bind(source, scene))
        return scene, lambda transfer, binding: transfer_performance(performance, transfer, binding, scene, args.nla)
    if kind not in (SUFFIX, ".csv"):
        raise SemblanceError(f"'{path}' is no performance; name a .blend, a .take or a Live Link .csv.")
    take = record_take(str(path))
    track = act(take.smoothed, load_decoder(source), source.control_set)
    name, placement = f"{path.stem} {source.name} to {target.name}", Placement(args.start_frame, nla_strip=args.nla)
    scene = open_scene(args.scene)
    return scene, lambda transfer, binding: transfer_track(track, transfer, binding, scene, name, placement)


def _carry(transfer: Transfer, target: RigProfile, scene: Any, key: _Keying, args: argparse.Namespace) -> None:
    """Key the performance on the target and save the scene."""
    from ..blender.apply import extend_scene
    from ..blender.binding import bind
    from ..blender.scenes import ensure_character, save_scene

    output = args.output or Path(f"{args.performance.stem}_{target.name}.blend")
    binding = bind(target, scene, ensure_character(scene, target))
    done = key(transfer, binding)
    extend_scene(scene, done.keyed)
    save_scene(output.resolve())
    for note in done.notes:
        print(f"Note: {note}")
    frames, controls = done.keyed.frames, done.keyed.controls
    print(f"Keyed {controls} controls of {binding.root.name} on frames {frames[0]} to {frames[-1]}, "
          f"confidence {done.confidence:.0%}.")
    print(f"Wrote '{output}'.")
