"""Key a performance (.take or Live Link Face .csv) on a character and save the scene as a .blend file.

Needs Blender: run it with a Python that has the bpy module, or use the panel. The character is taken from the scene,
or added to it if the scene has none; what was animated before stays in its own Action.

examples:
  semblance apply clip.take                              Pip in an empty scene, written to clip.blend
  semblance apply clip.take --character Gus              another of the five
  semblance apply clip.take --character hero.toml --scene hero.blend    a rig of your own, by its exported preset
  semblance apply dance.take --character Pip --body                      face and body (track --body) together
  semblance apply dance.take --scene shot.blend --body Armature          only the body, on an armature of its own
  semblance apply clip.take --scene shot.blend -o shot_keyed.blend --start-frame 101
"""
from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..characters.style import Style
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile, find_profile
from ..core.take import SUFFIX, Take
from ..live.performance import record_take
from .arguments import check_spared, file_ending

if TYPE_CHECKING:
    from ..blender.apply import Applied
    from ..blender.keying import Placement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance apply` takes."""
    parser.add_argument("performance", type=Path, metavar="FILE", help=".take or Live Link Face .csv")
    add_character_argument(parser)
    parser.add_argument("--scene", type=Path, metavar="BLEND", help="scene to start from (default: an empty one)")
    parser.add_argument("-o", "--output", type=file_ending(".blend"), metavar="BLEND",
                        help="file to write (default: <FILE>.blend)")
    parser.add_argument("--body", nargs="?", const="", metavar="ARMATURE",
                        help="key the take's body too; with a name: only the body, on this armature")
    parser.add_argument("--start-frame", type=int, default=1, metavar="N", help="scene frame of the first sample (1)")
    parser.add_argument("--nla", action="store_true", help="an NLA strip instead of the active Action")


def run(args: argparse.Namespace) -> int:
    """Open, key, save; returns the exit code."""
    require_bpy()
    from ..blender.apply import extend_scene, told
    from ..blender.keying import Placement
    from ..blender.scenes import open_scene, save_scene

    if args.performance.suffix.lower() not in (SUFFIX, ".csv"):
        raise SemblanceError(f"'{args.performance}' is no performance yet; track it first: semblance track.")
    placement = Placement(args.start_frame, nla_strip=args.nla, body=args.body is not None)
    output = args.output or Path(args.performance.stem + ".blend")
    if args.output is None and args.scene is not None:
        check_spared(args.scene, output)
    if args.body:
        return _key_body(args, placement, output)
    profiles = cast_profiles(args.character)
    take = record_take(str(args.performance))
    if placement.body and take.body is None:
        raise SemblanceError(f"'{args.performance}' has no body; track its source again with --body.")
    scene = open_scene(args.scene)
    keyed, failed = key_cast(take, profiles, scene, args.performance.stem, placement)
    extend_scene(scene, keyed[0].keyed)
    save_scene(output.resolve())
    for note in (*failed, *notes_of(keyed)):
        print(f"Note: {note}")
    frames = keyed[0].keyed.frames
    print(f"Keyed {told(keyed)} on frames {frames[0]} to {frames[-1]}.")
    print(f"Wrote '{output}'.")
    return 0


def _key_body(args: argparse.Namespace, placement: Placement, output: Path) -> int:
    """Key the body instead; returns the exit code."""
    from ..blender.apply import extend_scene
    from ..blender.body_keys import find_armature, key_body
    from ..blender.scenes import open_scene, save_scene

    take = record_take(str(args.performance))
    scene = open_scene(args.scene)
    keyed = key_body(take.body, find_armature(args.body), f"{args.performance.stem} body", scene, placement)
    extend_scene(scene, keyed)
    save_scene(output.resolve())
    for note in keyed.notes:
        print(f"Note: {note}")
    print(f"Keyed {keyed.controls} channels of {args.body} on frames {keyed.frames[0]} to {keyed.frames[-1]}.")
    print(f"Wrote '{output}'.")
    return 0


def add_character_argument(parser: argparse.ArgumentParser) -> None:
    """Declare who plays."""
    parser.add_argument(
        "--character", nargs="+", default=["Pip"], metavar="NAME",
        help="characters, presets or .toml files; each plays the whole performance; files go before it (default: Pip)",
    )


def cast_profiles(names: Iterable[str]) -> list[RigProfile]:
    """The profiles of these characters, each once.

    Raises:
        SemblanceError: as `find_profile`.
    """
    return list({profile.path: profile for profile in map(find_profile, names)}.values())


def key_cast(
    take: Take, profiles: Sequence[RigProfile], scene: Any, name: str, placement: Placement, style: Style = Style()
) -> tuple[list[Applied], list[str]]:
    """Key the take on a character of each profile in Blender's `scene`, new ones side by side; as `key_each`."""
    from ..blender.apply import apply_take, key_each
    from ..blender.scenes import ensure_character

    there: list[Any] = []

    def key(profile: RigProfile) -> Applied:
        root = ensure_character(scene, profile, there)
        there.append(root)
        named = f"{name} {root.name}" if len(profiles) > 1 else name
        return apply_take(take, profile, scene, named, placement, root, style)

    return key_each((profile.name, partial(key, profile)) for profile in profiles)


def notes_of(keyed: Iterable[Applied]) -> list[str]:
    """What there is to say about each, what holds for all of them once."""
    return list(dict.fromkeys(note for applied in keyed for note in applied.notes))


def require_bpy() -> None:
    """Raises:
        SemblanceError: where this Python has no Blender in it.
    """
    try:
        importlib.import_module("bpy")
    except ImportError as error:
        raise SemblanceError(
            "This needs Blender: run 'blender -b -P render_batch.py -- ...', or a Python with the bpy module "
            "(pip install 'semblance[blender]')."
        ) from error
