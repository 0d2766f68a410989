"""The robot's two keys: Stop wherever the mouse is in Blender's window, and arming for as long as a key is held."""
from __future__ import annotations

from typing import Final

import bpy

STOP: Final = "semblance.robot_stop"
HOLD: Final = "semblance.robot_hold"
# Stop is one key alone, which the 3D view and the animation editors leave free; "Window" counts in all editors.
_KEYS: Final = ((STOP, "Window", "END", False), (HOLD, "Frames", "H", True))
"""Operator, keymap, key, and whether Ctrl and Shift belong to it."""
_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []
_words: dict[str, str] = {}


def register() -> None:
    """Add the keys; Blender without a window may have no keyboard."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    for operator, name, key, both in _KEYS:
        keymap = config.keymaps.new(name=name, space_type="EMPTY", region_type="WINDOW")
        _items.append((keymap, keymap.keymap_items.new(operator, key, "PRESS", ctrl=both, shift=both)))


def unregister() -> None:
    """Take them away."""
    for keymap, item in _items:
        keymap.keymap_items.remove(item)
    _items.clear()
    _words.clear()


def look() -> None:
    """See which keys the user has set; a look takes too long for drawing."""
    config = bpy.context.window_manager.keyconfigs.user
    for operator, name, _, _ in _KEYS:
        keymap = config.keymaps.get(name) if config is not None else None
        items = [item for item in (keymap.keymap_items if keymap else ()) if item.idname == operator]
        _words[operator] = next((item.to_string() for item in items if item.active), "")


def words(operator: str) -> str:
    """The key of STOP or HOLD as Blender calls it, at the last look; empty if there is none."""
    return _words.get(operator, "")
