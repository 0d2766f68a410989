"""Punch-in: new keys of a few frames in a copy of the Action that was there; everything else in it stays."""
from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from .comparison import Side
from .keying import Keyed

# Of a key, what is copied → how many numbers it has.
_OF_A_KEY: Final = {
    "co": 2, "handle_left": 2, "handle_right": 2, "interpolation": 1, "easing": 1, "type": 1, "handle_left_type": 1,
    "handle_right_type": 1, "amplitude": 1, "back": 1, "period": 1,
}
_NUMBERS: Final = ("co", "handle_left", "handle_right", "amplitude", "back", "period")


def punch_in(before: Side, keyed: Keyed) -> None:
    """Give each data-block a copy of the Action that it had, with the new keys on their frames, by the new one's name.

    Args:
        before: what was on the character; what had no Action keeps the new one.
        keyed: what is on it now, only of the frames that were played again.
    """
    first, last = int(keyed.frames[0]), int(keyed.frames[-1])
    name = keyed.action.name
    copies: dict[bpy.types.Action, bpy.types.Action] = {}
    for owner, action, identifier in before.actions:
        data = owner.animation_data
        if action is None or data.action != keyed.action:
            continue
        if action not in copies:
            copies[action] = action.copy()
        copy = copies[action]
        slot = copy.slots.get(identifier)
        target, source = _bag(copy, slot), _bag(keyed.action, data.action_slot)
        for curve in source.fcurves:
            _replace(target, curve, first, last)
        data.action, data.action_slot = copy, slot
    if keyed.action.users == 0:
        bpy.data.actions.remove(keyed.action)
    for copy in copies.values():
        copy.name = name


def _bag(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> bpy.types.ActionChannelbag:
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _replace(bag: bpy.types.ActionChannelbag, fresh: bpy.types.FCurve, first: int, last: int) -> None:
    """Let the curve of the same place in `bag` have the keys of `fresh` from first to last, and its own elsewhere."""
    curve = bag.fcurves.find(fresh.data_path, index=fresh.array_index)
    if curve is None:
        curve = bag.fcurves.new(fresh.data_path, index=fresh.array_index)
    own, new = _keys(curve), _keys(fresh)
    frames = own["co"][:, 0]
    outside = (frames < first) | (frames > last)
    joined = {name: np.concatenate([own[name][outside], new[name]]) for name in _OF_A_KEY}
    order = np.argsort(joined["co"][:, 0], kind="stable")
    points = curve.keyframe_points
    points.clear()
    points.add(len(order))
    for name, values in joined.items():
        points.foreach_set(name, np.ascontiguousarray(values[order]).ravel())
    curve.update()


def _keys(curve: bpy.types.FCurve) -> dict[str, np.ndarray]:
    count, found = len(curve.keyframe_points), {}
    for name, width in _OF_A_KEY.items():
        found[name] = np.empty((count, width), np.float32 if name in _NUMBERS else np.int32)
        curve.keyframe_points.foreach_get(name, found[name].ravel())
    return found
