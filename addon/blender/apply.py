"""From a take to keys on a character: what the panel, the batch and the command line share."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..characters.acting import act
from ..characters.decoder import load_decoder
from ..characters.style import Style
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..core.take import Take
from .binding import bind, find_characters
from .comparison import Side, look
from .keying import Keyed, Placement, key_track, scene_rate

# A source whose rate differs by less than this plays at the scene's rate for all that an eye can tell.
_SAME_RATE_FPS = 0.01


@dataclass(frozen=True)
class Applied:
    """A take on a character."""

    armature: str
    """Its name; the first mesh's for a character without one."""
    keyed: Keyed
    decoder: str
    """The stamp of the network that decoded it."""
    notes: tuple[str, ...]
    """Sentences for the user: controls that are missing, rates that differ, warnings of the source."""
    before: Side
    """What was on the character."""


def apply_take(
    take: Take,
    profile: RigProfile,
    scene: bpy.types.Scene,
    name: str,
    placement: Placement = Placement(),
    armature: bpy.types.Object | None = None,
    style: Style = Style(),
    mirror: bool = False,
) -> Applied:
    """Let the character play the take's smoothed half and key it; the scene's rate stays as it is.

    Args:
        mirror: as seen in a mirror.

    Raises:
        SemblanceError: if the character, its decoder or all of its controls are missing, or nothing is in range.
    """
    binding = bind(profile, scene, armature)
    decoder, before = load_decoder(profile), look(binding)
    keyed = key_track(binding, act(take.smoothed, decoder, profile.control_set, style, mirror), name, scene, placement)
    notes = (*binding.missing, *binding.notes, *_notes(take, scene))
    return Applied(binding.root.name, keyed, decoder.stamp, notes, before)


def extend_scene(scene: bpy.types.Scene, keyed: Keyed) -> None:
    """Let the scene's frame range reach the last key; it is never shortened."""
    scene.frame_end = max(scene.frame_end, int(keyed.frames[-1]))


def add_character(profile: RigProfile, scene: bpy.types.Scene) -> bpy.types.Object:
    """Append the character's collection from its .blend to `scene`; returns its armature (or first mesh) object.

    Raises:
        SemblanceError: if the profile names no file, or it is missing, damaged or has no such collection.
    """
    path = profile.blend
    if path is None:
        raise SemblanceError(
            f"The scene '{scene.name}' has no character '{profile.name}', and its profile names no file to append it "
            "from; open the scene that holds it (in a terminal: --scene)."
        )
    if not path.is_file():
        raise SemblanceError(f"'{path}' is missing; build the character with its build.py or install Semblance again.")
    before = set(find_characters(scene, profile))
    try:
        with bpy.data.libraries.load(str(path)) as (stored, wanted):
            if profile.name not in stored.collections:
                raise SemblanceError(f"'{path}' has no collection '{profile.name}'; build the character again.")
            wanted.collections = [profile.name]
    except OSError as error:
        raise SemblanceError(f"Blender cannot read '{path}'; install Semblance again.") from error
    scene.collection.children.link(wanted.collections[0])
    added = [armature for armature in find_characters(scene, profile) if armature not in before]
    if not added:
        raise SemblanceError(f"The collection '{profile.name}' of '{path}' lacks the character; build it again.")
    return added[0]


def _notes(take: Take, scene: bpy.types.Scene) -> Iterator[str]:
    source_fps = take.source.get("fps")
    if isinstance(source_fps, int | float) and abs(source_fps - scene_rate(scene)) > _SAME_RATE_FPS:
        yield (
            f"The source runs at {source_fps:.5g} frames per second and the scene at {scene_rate(scene):.5g}; "
            "the keys keep the source's timing."
        )
    warnings = take.source.get("warnings", [])
    if isinstance(warnings, list):
        yield from (f"Source: {warning}" for warning in warnings)


def take_name(address: str) -> str:
    """A name for the Action: the source's own name without folder and suffix."""
    return Path(address).stem or "take"
