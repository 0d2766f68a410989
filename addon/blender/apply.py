"""From a take to keys on a character: what the panel, the batch and the command line share."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
from mathutils import Vector

from ..characters.acting import act
from ..characters.body_pose import mirrored
from ..characters.decoder import load_decoder
from ..characters.learned_rig import LearnedDecoder
from ..characters.style import Style
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..core.take import Take
from .binding import belongs_to, bind, find_characters
from .body_keys import BodyCurves, add_body, body_curves
from .comparison import Side, look
from .keying import Keyed, Placement, key_track, scene_rate
from .shape_keys import sculpted_since

# A source whose rate differs by less than this plays at the scene's rate for all that an eye can tell.
_SAME_RATE_FPS = 0.01
# The room between two characters, as a share of the width of the one that comes.
_APART = 0.1


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
    decoder = load_decoder(profile)
    body, told_of_body = _body(take, binding.root, placement, mirror)
    before = look(binding, body.carriers if body else ())
    if body is not None and body.turns_head:
        placement = replace(placement, without_groups={*placement.without_groups, "head"})
    keyed = key_track(binding, act(take.smoothed, decoder, profile.control_set, style, mirror), name, scene, placement)
    changed = sculpted_since(binding, decoder.rig.sizes) if isinstance(decoder, LearnedDecoder) else ()
    if body is not None:
        keyed = add_body(body, keyed, scene, placement)
    notes = (*binding.missing, *binding.notes, *changed, *told_of_body, *keyed.notes, *_notes(take, scene))
    return Applied(binding.root.name, keyed, decoder.stamp, notes, before)


def _body(
    take: Take, root: bpy.types.Object, placement: Placement, mirror: bool
) -> tuple[BodyCurves | None, tuple[str, ...]]:
    """What the character's bones do with the take's body if it is wanted, and why they do nothing if they cannot."""
    if not placement.body or take.body is None:
        return None, ()
    try:
        return body_curves(mirrored(take.body) if mirror else take.body, root), ()
    except SemblanceError as error:
        return None, (f"The body got no keys: {error}",)


def key_each(characters: Iterable[tuple[str, Callable[[], Applied]]]) -> tuple[list[Applied], list[str]]:
    """Key one character after the other: (its name, what keys it) of each.

    Returns:
        What was keyed, and a sentence for each character that got no keys, or not its own; the others get theirs all
        the same.

    Raises:
        SemblanceError: if nobody got keys.
    """
    keyed, failed, reasons = [], [], []
    for name, key in characters:
        try:
            keyed.append(key())
        except SemblanceError as error:
            failed.append(f"{name} got no keys: {error}")
            reasons.append(str(error))
    if not keyed:
        raise SemblanceError(reasons[0] if len(reasons) == 1 else " ".join(failed))
    return keyed, [*failed, *_sharing(keyed)]


def _sharing(keyed: Iterable[Applied]) -> Iterator[str]:
    """Who has one set of shape keys with somebody else, as linked duplicates do, so that the last one's keys count."""
    players: dict[bpy.types.ID, list[str]] = {}
    for applied in keyed:
        for owner, *_ in applied.before.actions:
            players.setdefault(owner, []).append(applied.armature)
    for first, *others in sorted({tuple(names) for names in players.values() if len(names) > 1}):
        yield (
            f"'{first}' has the same shape keys as '{others[-1]}' and plays what that plays; part them with Object > "
            "Relations > Make Single User > Object & Data."
        )


def told(keyed: Iterable[Applied]) -> str:
    """Who got keys, how many controls and bones each."""
    return ", ".join(
        f"{each.keyed.controls} controls and {each.keyed.bones} bones of {each.armature}" if each.keyed.bones
        else f"{each.keyed.controls} controls of {each.armature}" for each in keyed
    )


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
    wanted.collections[0].asset_clear()     # it is one in its own file, not in the user's
    scene.collection.children.link(wanted.collections[0])
    added = [armature for armature in find_characters(scene, profile) if armature not in before]
    if not added:
        raise SemblanceError(f"The collection '{profile.name}' of '{path}' lacks the character; build it again.")
    return added[0]


def stand_beside(root: bpy.types.Object, others: Iterable[bpy.types.Object], scene: bpy.types.Scene) -> None:
    """Move a character that was just added to the right of the `others`, if it stands in one of them."""
    bpy.context.view_layer.update()  # what was just appended has no place before
    own = _span(root, scene)
    taken = [span for other in others if other != root and (span := _span(other, scene)) is not None]
    if own is not None and any(low < own[1] and own[0] < high for low, high in taken):
        root.location.x += max(high for _, high in taken) - own[0] + _APART * (own[1] - own[0])


def _span(root: bpy.types.Object, scene: bpy.types.Scene) -> tuple[float, float] | None:
    """Lowest and highest x of a character's meshes and bones that are shown; sliders beside a face are bones."""
    meshes = [o for o in scene.objects if o.type == "MESH" and not o.hide_viewport and belongs_to(o, root)]
    across = [(item.matrix_world @ Vector(corner)).x for item in meshes for corner in item.bound_box]
    bones = root.data.bones if root.pose is not None else ()
    shown = {b.name for b in bones if not b.collections or any(layer.is_visible for layer in b.collections)}
    across += [(root.matrix_world @ root.pose.bones[name].head).x for name in shown]
    return (min(across), max(across)) if across else None


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
