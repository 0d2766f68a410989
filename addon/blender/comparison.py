"""Before and after: what was on a character before the last Apply, and back to the new keys; nothing is lost.

A character's other side (an Action and slot for each of its data-blocks, and the values of its controls) is kept in the
scene; switching swaps it with what is on the character now, whatever the animator has made of that meanwhile.
"""
from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np

from ..core.errors import SemblanceError
from .actors import SEMBLANCE_PG_actor, SEMBLANCE_PG_kept
from .binding import Binding
from .body_keys import SWITCH
from .carriers import Carrier
from .keying import Keyed, check_unlocked, keep_alive

_SWITCH: Final = f'["{SWITCH}"]'


@dataclass(frozen=True)
class Side:
    """What is on a character at a moment."""

    names: tuple[str, ...]
    """Of the controls that are bound; data paths of numbers of the body's bones."""
    values: np.ndarray
    """float32 [len(names)], rig units."""
    actions: tuple[tuple[bpy.types.ID, bpy.types.Action | None, str], ...]
    """Each data-block that carries controls, its Action and the identifier of its slot."""


def look(binding: Binding, body: Iterable[Carrier] = ()) -> Side:
    """What is on the character now, its `body` included where that is to be keyed."""
    names = np.array(binding.profile.control_set.names)[binding.bound]
    paths = [f"{carrier.data_path}[{index}]" for carrier in body for index in carrier.indices]
    posed = _posed(binding.root, [*paths, _SWITCH] if paths else [])
    return Side((*names.tolist(), *posed), np.array([*binding.read()[binding.bound], *posed.values()]),
                tuple((owner, *_animation(owner)) for owner in binding.owners))


def remember(actor: SEMBLANCE_PG_actor, before: Side, keyed: Keyed) -> None:
    """Keep what was there before `keyed` came."""
    actor.kept.clear()
    for owner, action, slot in before.actions:
        row = actor.kept.add()
        _name_owner(row, owner)
        # Strips are found again by their Action: tracks are renamed, and strips moved to others.
        row.action, row.slot, row.track = keyed.action if keyed.track else action, slot, keyed.track
    _fill(actor, before.names, before.values)
    actor.shows_new = True


def can_swap(actor: SEMBLANCE_PG_actor) -> bool:
    """There is another side."""
    return len(actor.kept) > 0


def swap(actor: SEMBLANCE_PG_actor, binding: Binding) -> None:
    """Put the other side onto the character and keep what was on it.

    Raises:
        SemblanceError: if the artist is inside an NLA strip.
    """
    rows = [row for row in actor.kept if row.owner is not None]
    if not rows:
        raise SemblanceError(f"Nothing is kept of what was on '{binding.root.name}' before; press Apply first.")
    check_unlocked(row.owner for row in rows)
    now, names = binding.read(), binding.profile.control_set.names
    pose = {row.name: row.value for row in actor.values if row.name.startswith(("pose.bones[", _SWITCH))}
    posed = _posed(binding.root, pose)
    for row in rows:
        _swap_animation(row, row.owner, hide=actor.shows_new)
    values = now.copy()
    for column, name in enumerate(names):
        if name in actor.values:
            values[column] = actor.values[name].value
    for path in posed:
        _pose(binding.root, path, pose[path])
    binding.write(values)
    _fill(actor, [*np.array(names)[binding.bound].tolist(), *posed], np.array([*now[binding.bound], *posed.values()]))
    actor.shows_new = not actor.shows_new


def _posed(root: bpy.types.Object, paths: Iterable[str]) -> dict[str, float]:
    """The numbers at those data paths that there are."""
    found = {}
    for path in paths:
        with suppress(ValueError):
            found[path] = float(root.path_resolve(path))
    return found


def _pose(root: bpy.types.Object, path: str, value: float) -> None:
    if path == _SWITCH:
        root[SWITCH] = bool(value)
    else:
        holder, _, index = path.rpartition("[")
        root.path_resolve(holder)[int(index[:-1])] = value


def _swap_animation(row: SEMBLANCE_PG_kept, owner: bpy.types.ID, hide: bool) -> None:
    data = owner.animation_data_create()
    if row.track:
        for strip in (strip for track in data.nla_tracks for strip in track.strips):
            if strip.action == row.action:
                strip.mute = hide
        return
    action, slot = _animation(owner)
    keep_alive(action)
    data.action = row.action
    if row.action is not None:
        data.action_slot = row.action.slots.get(row.slot)
    row.action, row.slot = action, slot


def _animation(owner: bpy.types.ID) -> tuple[bpy.types.Action | None, str]:
    data = owner.animation_data
    if data is None or data.action is None:
        return None, ""
    return data.action, data.action_slot.identifier if data.action_slot else ""


def _name_owner(row: SEMBLANCE_PG_kept, owner: bpy.types.ID) -> None:
    if isinstance(owner, bpy.types.Key):
        row.keys = owner
    else:
        row.item = owner


def _fill(actor: SEMBLANCE_PG_actor, names: Iterable[str], values: np.ndarray) -> None:
    actor.values.clear()
    for name, value in zip(names, values.tolist(), strict=True):
        row = actor.values.add()
        row.name, row.value = name, value
