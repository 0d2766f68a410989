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
from pathlib import Path

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.posed_pairs import read_pairs_text
from ..characters.transfer import PAIRS, Transfer, read_transfer, train, write_transfer
from ..characters.transfer_pairs import PosePairs, check_poses
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile, find_profile
from ..core.take import SUFFIX
from ..live.performance import record_take
from .apply import require_bpy

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
    parser.add_argument("--save", type=Path, metavar="NPZ", help="keep what was learned")
    parser.add_argument("--use", type=Path, metavar="NPZ", help="use what was learned before")
    parser.add_argument("--scene", type=Path, metavar="BLEND", help="for a take: scene to start from (default: empty)")
    parser.add_argument("-o", "--output", type=Path, metavar="BLEND", help="file to write (default: <FILE>_<TO>.blend)")
    parser.add_argument("--start-frame", type=int, default=1, metavar="N", help="for a take: frame of its start (1)")
    parser.add_argument("--nla", action="store_true", help="an NLA strip instead of the active Action")


def run(args: argparse.Namespace) -> int:
    """Learn or read, transfer, save; returns the exit code."""
    if args.performance is None and args.save is None:
        raise SemblanceError("Name a performance to transfer, or a file for what is learned (--save).")
    source, target = find_profile(args.source), find_profile(args.target)
    if args.performance is not None:
        require_bpy()
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
        _carry(transfer, source, target, args)
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


def _carry(transfer: Transfer, source: RigProfile, target: RigProfile, args: argparse.Namespace) -> None:
    """Key the performance on the target and save the scene."""
    from ..blender.apply import extend_scene
    from ..blender.binding import bind
    from ..blender.keying import Placement
    from ..blender.scenes import ensure_character, open_scene, save_scene
    from ..blender.transfer_action import read_action, transfer_performance, transfer_track

    path, kind = args.performance, args.performance.suffix.lower()
    output = args.output or Path(f"{path.stem}_{target.name}.blend")
    if kind == ".blend":
        scene = open_scene(path)
        performance = read_action(bind(source, scene))
        binding = bind(target, scene, ensure_character(scene, target))
        done = transfer_performance(performance, transfer, binding, scene, args.nla)
    elif kind in (SUFFIX, ".csv"):
        take = record_take(str(path))
        track = act(take.smoothed, load_decoder(source), source.control_set)
        scene = open_scene(args.scene)
        binding = bind(target, scene, ensure_character(scene, target))
        placement = Placement(args.start_frame, nla_strip=args.nla)
        done = transfer_track(track, transfer, binding, scene, f"{path.stem} {source.name} to {target.name}", placement)
    else:
        raise SemblanceError(f"'{path}' is no performance; name a .blend, a .take or a Live Link .csv.")
    extend_scene(scene, done.keyed)
    save_scene(output.resolve())
    for note in done.notes:
        print(f"Note: {note}")
    frames, controls = done.keyed.frames, done.keyed.controls
    print(f"Keyed {controls} controls of {binding.root.name} on frames {frames[0]} to {frames[-1]}, "
          f"confidence {done.confidence:.0%}.")
    print(f"Wrote '{output}'.")
