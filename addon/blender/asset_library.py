"""Semblance's characters in Blender's asset browser, to be dragged into a scene; only for users who ask for it."""
from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy

from ..core.paths import RIGS
from .folders import preferences
from .translations import said

NAME: Final = "Semblance"


class SEMBLANCE_OT_asset_library_add(bpy.types.Operator):
    """List Semblance's characters as an asset library: drag one from the asset browser into the 3D view"""

    bl_idname = "semblance.asset_library_add"
    bl_label = "Show the Characters in the Asset Browser"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Once; Blender keeps it in its preferences."""
        _wish(context, True)
        add(context)
        self.report({"INFO"}, said(f"The asset browser has the library '{NAME}'"))
        return {"FINISHED"}


class SEMBLANCE_OT_asset_library_remove(bpy.types.Operator):
    """Take Semblance's characters out of the asset browser; what was dragged into scenes stays"""

    bl_idname = "semblance.asset_library_remove"
    bl_label = "Remove the Characters from the Asset Browser"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """The characters themselves stay installed."""
        _wish(context, False)
        remove(context)
        return {"FINISHED"}


def add(context: bpy.types.Context) -> None:
    """Let Blender know the folder of our characters; harmless when it does."""
    if _ours(context) is None:
        library = context.preferences.filepaths.asset_libraries.new(name=NAME, directory=str(RIGS))
        library.import_method = "APPEND"    # a character that is linked or packed cannot be animated


def remove(context: bpy.types.Context) -> None:
    """Let Blender forget it; harmless when it does not know it."""
    library = _ours(context)
    if library is not None:
        context.preferences.filepaths.asset_libraries.remove(library)


def register() -> None:
    """Called after the preferences are registered: the library is there for whoever wanted it."""
    kept = preferences(bpy.context)
    if kept is not None and kept.use_asset_library:
        add(bpy.context)


def unregister() -> None:
    """Called when the extension is disabled: no library that leads nowhere stays behind."""
    remove(bpy.context)


def _wish(context: bpy.types.Context, wanted: bool) -> None:
    kept = preferences(context)
    if kept is not None:
        kept.use_asset_library = wanted
    context.preferences.is_dirty = True


def _ours(context: bpy.types.Context) -> bpy.types.UserAssetLibrary | None:
    libraries = context.preferences.filepaths.asset_libraries
    return next((library for library in libraries if Path(library.path) == RIGS), None)
