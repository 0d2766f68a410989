"""Who plays live: the ticked characters, bound to be moved, and what the worker is told of each."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import bpy
import numpy as np

from ..core.errors import SemblanceError
from ..live.messages import Character
from .actors import find_actor
from .binding import bind
from .character_choice import cast_characters, known_character
from .live_puppet import Puppet

_SET: Final = ("gain", "offset", "enabled", "muted", "mirrored", "minimum", "maximum", "neutral", "mirror_sign")
"""What a list of controls sets on each, besides what it follows."""


@dataclass(frozen=True)
class LiveCast:
    """The characters of a scene that can be moved."""

    puppets: dict[str, Puppet]
    """By the name of their root."""
    characters: tuple[Character, ...]
    problem: str
    """Why a ticked one cannot be moved; empty if all can."""


def bind_cast(scene: bpy.types.Scene) -> LiveCast:
    """Bind the ticked characters anew; nobody plays in a scene without one."""
    puppets, characters, problem = {}, [], ""
    for root in _roots(scene):
        try:
            _, profile, _ = known_character(root, scene)
            puppets[root.name] = Puppet(bind(profile, scene, root))
        except SemblanceError as error:
            problem = str(error)
            continue
        actor = find_actor(scene, root)
        strength, both = (actor.style().strength, actor.head_and_gaze) if actor else (1.0, False)
        mirror, face = (actor.mirror, actor.face - 1) if actor else (False, 0)
        leader = actor.leader.name if actor and actor.leader else ""
        character = Character.of(profile, root.name, strength, both, mirror, face)
        characters.append(replace(character, leader=leader))
    return LiveCast(puppets, tuple(characters), problem)


def cast_settings(scene: bpy.types.Scene) -> tuple[Any, ...]:
    """All that says who plays and how, cheap enough to be compared twice a second."""
    settings = scene.semblance
    actors = tuple(
        (actor.root.name, actor.use, actor.strength, actor.head_and_gaze, actor.mirror, actor.face,
         actor.leader.name if actor.leader else "")
        for actor in settings.actors if actor.root is not None and actor.root.name in scene.objects
    )
    chosen = settings.character.name if settings.character else ""
    return chosen, actors, tuple(_listed(rig) for rig in settings.rigs if rig.root is not None)


def _roots(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    try:
        return cast_characters(scene)
    except SemblanceError:
        return []


def _listed(rig: bpy.types.PropertyGroup) -> tuple[Any, ...]:
    """What a list says of each control."""
    numbers = np.empty((len(_SET), len(rig.controls)), np.float32)
    for name, row in zip(_SET, numbers, strict=True):
        rig.controls.foreach_get(name, row)
    follows = () if rig.is_ours else tuple(
        tuple((each.signal, each.amount) for each in control.follows) for control in rig.controls
    )
    return rig.root.name, numbers.tobytes(), follows
