"""Whom the sidebar animates: a character of Semblance's own, or a rig of the user's with its list of controls."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import bpy

from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from . import readiness
from .actors import cast_roots, drop_absent, find_actor, keep_actor, show
from .binding import (
    animatable,
    bind,
    find_characters,
    is_character,
    named_character,
    plain_name,
    refuse_instances,
    refuse_linked,
)
from .control_list import SEMBLANCE_PG_rig, find_rig, keep_rig
from .discovery import GENERIC, Proposal, propose
from .rig_presets import corrected, family, fitting, free_name, likeness, root_of

# A scene's object of the same name is one of Semblance's own characters if it has at least this share of its controls.
_LIKENESS = 0.5


@dataclass(frozen=True)
class Chosen:
    """A character and how it was found."""

    root: bpy.types.Object
    sentence: str
    notes: tuple[str, ...] = ()
    """What could not be used, one sentence each."""


def chosen_character(scene: bpy.types.Scene) -> tuple[bpy.types.Object, RigProfile, tuple[str, ...]]:
    """The character of the sidebar, or the first one of Semblance's own in the scene, and its profile.

    The sentences tell of controls of the list that cannot be and are left out.

    Raises:
        SemblanceError: if there is none, or it is no longer in the scene, or no control of it is left.
    """
    chosen = scene.semblance.character
    if chosen is not None:
        return known_character(chosen, scene)
    profiles = readiness.current().characters
    for profile in profiles:
        for root in find_characters(scene, profile):
            return root, profile, ()
    for profile in profiles:
        refuse_instances(scene, profile)
    raise SemblanceError(
        f"The scene '{scene.name}' has no character that Semblance knows; use 'Add Character', or select your own rig "
        "and press 'Use Selected Rig'."
    )


def cast_characters(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Whom Apply keys: those that are ticked in the list; without a list the chosen one, or the first of the scene.

    Raises:
        SemblanceError: if there is none, or nobody in the list is ticked.
    """
    settings = scene.semblance
    if not cast_roots(scene) and len(settings.actors) > 1 and settings.character is not None:
        raise SemblanceError("No character is ticked; tick those in the list that Apply shall key.")
    return cast_roots(scene) or [chosen_character(scene)[0]]


def find_cast(scene: bpy.types.Scene) -> None:
    """List every character of the scene that Semblance knows; those that are gone leave the list."""
    drop_absent(scene)
    for profile in readiness.current().characters:
        for root in find_characters(scene, profile):
            if root.is_editable:
                keep_actor(scene, root)
    for rig in scene.semblance.rigs:
        if rig.root is not None and rig.root.name in scene.objects:
            keep_actor(scene, rig.root)
    settings = scene.semblance
    if not cast_roots(scene) and len(settings.actors):
        known = find_actor(scene, settings.character)
        settings.character = (known or settings.actors[0]).root
    if settings.character is not None:
        show(scene, settings.character)


def list_controls(root: bpy.types.Object, scene: bpy.types.Scene) -> SEMBLANCE_PG_rig:
    """The list of controls of one of Semblance's own characters, made if there is none.

    Raises:
        SemblanceError: if it is none of them.
    """
    profile = next((each for each in readiness.current().characters if is_character(root, each)), None)
    if profile is None:
        raise SemblanceError(f"'{root.name}' is no character of ours; select it and press 'Use Selected Rig'.")
    rig = find_rig(scene, root) or keep_rig(scene, profile, root)
    rig.is_ours = True
    return rig


def is_known(item: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """True for a character of Semblance's own and for a rig of the user's that `scene` has a list for."""
    known = any(is_character(item, profile) for profile in readiness.current().characters)
    return known or find_rig(scene, item) is not None


def known_character(
    chosen: bpy.types.Object, scene: bpy.types.Scene
) -> tuple[bpy.types.Object, RigProfile, tuple[str, ...]]:
    """A character, its profile with what the user has set, and a sentence for each control that is left out.

    Raises:
        SemblanceError: if it is no longer in the scene, not set up, or no control of it is left.
    """
    chosen = animatable(chosen, scene)
    if chosen.name not in scene.objects:
        raise SemblanceError(f"'{chosen.name}' is no longer in the scene '{scene.name}'; choose another character.")
    rig = find_rig(scene, chosen)
    if rig is not None and not rig.is_ours:
        if not rig.moves():
            raise SemblanceError(f"No control of '{chosen.name}' is on and follows something; correct the list.")
        return chosen, *rig.usable()
    for profile in readiness.current().characters:
        if is_character(chosen, profile):
            return chosen, rig.set_on(profile) if rig is not None else profile, ()
    raise SemblanceError(f"'{chosen.name}' is not set up yet; select it and press 'Use Selected Rig'.")


def shown_character(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The chosen character, or one of Semblance's own that is found by its name; quick enough for drawing."""
    found = (named_character(scene, profile) for profile in readiness.current().characters)
    return scene.semblance.character or next((item for item in found if item), None)


def use_rig(selected: Iterable[bpy.types.Object], scene: bpy.types.Scene) -> Chosen:
    """Choose the character that the selected objects belong to.

    It is one of Semblance's own; or the scene already has the list of its controls; or a saved preset fits; or its
    controls are looked for.

    Raises:
        SemblanceError: if nothing there can be controlled, or it is linked without an override.
    """
    objects = family(selected, scene)
    chosen = _own(objects) or _listed(objects, scene) or _preset(objects, scene) or _found(objects, scene)
    scene.semblance.character = chosen.root
    return chosen


def find_again(rig: SEMBLANCE_PG_rig, scene: bpy.types.Scene, keep: bool) -> Chosen:
    """Look for the controls of a listed rig once more; `keep` what the user has set on those that are still there.

    Raises:
        SemblanceError: as `use_rig`.
    """
    root, name, preset = rig.root, rig.name, rig.preset
    proposal = _proposed([root], scene)
    profile = corrected(proposal.profile, rig.profile()) if keep else replace(proposal.profile, name=name)
    kept = keep_rig(scene, profile, root)
    kept.layout, kept.preset = proposal.layout, preset if keep else ""
    return Chosen(root, _counted(kept), (*proposal.notes, *_troubles(profile, root, scene)))


def take_preset(profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene) -> Chosen:
    """Let the list of `root` be this preset, whose names are the rig's already."""
    refuse_linked(root)
    rig = keep_rig(scene, profile, root)
    rig.layout, rig.preset = "", str(profile.path)
    return Chosen(root, f"Took the preset '{profile.name}' for '{root.name}'", _troubles(profile, root, scene))


def _own(objects: list[bpy.types.Object]) -> Chosen | None:
    for profile in readiness.current().characters:
        for item in objects:
            if plain_name(item.name) == profile.armature and likeness(profile, objects) >= _LIKENESS:
                refuse_linked(item)
                return Chosen(item, f"'{item.name}' is Semblance's own {profile.name}, which is set up already")
    return None


def _listed(objects: list[bpy.types.Object], scene: bpy.types.Scene) -> Chosen | None:
    rig = next((rig for item in objects if (rig := find_rig(scene, item))), None)
    return Chosen(rig.root, f"Using the controls that this scene keeps for '{rig.root.name}'") if rig else None


def _preset(objects: list[bpy.types.Object], scene: bpy.types.Scene) -> Chosen | None:
    profile = fitting(readiness.current().presets, objects)
    return take_preset(profile, root_of(profile, objects), scene) if profile else None


def _found(objects: list[bpy.types.Object], scene: bpy.types.Scene) -> Chosen:
    proposal = _proposed(objects, scene)
    profile, root = proposal.profile, root_of(proposal.profile, objects)
    refuse_linked(root)
    rig = keep_rig(scene, profile, root)
    rig.layout = proposal.layout
    known = (*readiness.current().characters, *readiness.current().presets)
    rig.name = free_name(profile.name, [each.name for each in known])
    return Chosen(root, _counted(rig), (*proposal.notes, *_troubles(profile, root, scene)))


def _proposed(objects: list[bpy.types.Object], scene: bpy.types.Scene) -> Proposal:
    """What is found there; what follows nothing is off, because keys that never change would only be in the way."""
    proposal = propose(objects, scene)
    controls = proposal.profile.control_set.controls
    moving = tuple(replace(each, enabled=each.enabled and bool(each.meaning)) for each in controls)
    return replace(proposal, profile=replace(proposal.profile, control_set=ControlSet(moving)))


def _counted(rig: SEMBLANCE_PG_rig) -> str:
    found = f"Found {len(rig.controls)} controls on '{rig.root.name}'"
    if not rig.moves():
        return f"{found}, but their names do not say what they do: choose what each follows in the list"
    used = sum(rig.enabled())
    layout = "" if rig.layout == GENERIC else f" ({rig.layout})"
    others = ", choose what others follow" if rig.layout == GENERIC and used < len(rig.controls) else ""
    return f"{found}{layout}; Apply moves {used} of them{others}"


def _troubles(profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene) -> tuple[str, ...]:
    """What binding says about controls that cannot be keyed."""
    if not any(control.enabled for control in profile.control_set.controls):
        return ()
    binding = bind(profile, scene, root)
    return (*binding.missing, *binding.notes)
