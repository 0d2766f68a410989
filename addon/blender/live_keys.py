"""The Live panel's keyboard shortcuts, in the 3D view and the timeline; users change them in Blender's preferences."""
from __future__ import annotations

from typing import Final

import bpy

from .live_operators import (
    SEMBLANCE_OT_live_mark,
    SEMBLANCE_OT_live_neutral,
    SEMBLANCE_OT_live_record,
    SEMBLANCE_OT_live_show,
    SEMBLANCE_OT_live_toggle,
)

# With Ctrl and Shift, which no keymap of Blender's uses with these letters where a face is animated.
_KEYS: Final = (
    (SEMBLANCE_OT_live_toggle, "L"), (SEMBLANCE_OT_live_record, "R"), (SEMBLANCE_OT_live_neutral, "N"),
    (SEMBLANCE_OT_live_mark, "K"), (SEMBLANCE_OT_live_show, "U"),
)
_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register() -> None:
    """Add the keys; Blender without a window may have no keyboard."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    # "Frames" is at work wherever the space bar plays the timeline.
    keymap = config.keymaps.new(name="Frames", space_type="EMPTY", region_type="WINDOW")
    for operator, letter in _KEYS:
        _items.append((keymap, keymap.keymap_items.new(operator.bl_idname, letter, "PRESS", ctrl=True, shift=True)))


def unregister() -> None:
    """Take them away."""
    for keymap, item in _items:
        keymap.keymap_items.remove(item)
    _items.clear()


def shortcuts() -> list[tuple[str, str]]:
    """What each does and the keys that do it, as the user has set them."""
    config = bpy.context.window_manager.keyconfigs.user
    keymap = config.keymaps.get("Frames") if config is not None else None
    found = []
    for operator, _ in _KEYS:
        items = keymap.keymap_items if keymap else ()
        item = next((item for item in items if item.idname == operator.bl_idname), None)
        if item is not None and item.active:
            found.append((operator.bl_label, item.to_string()))
    return found
