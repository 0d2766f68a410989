"""Semblance's characters in Blender's asset browser, to be dragged into a scene; only for users who ask for it."""
from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy

from ..core.paths import RIGS
from .folders import preferences

NAME: Final = "Semblance"


def show(context: bpy.types.Context, wanted: bool) -> None:
    """Let Blender know the folder of our characters, or forget it; harmless when it does already."""
    libraries = context.preferences.filepaths.asset_libraries
    ours = next((library for library in libraries if Path(library.path) == RIGS), None)
    if wanted and ours is None:
        library = libraries.new(name=NAME, directory=str(RIGS))
        library.import_method = "APPEND"    # a character that is linked or packed cannot be animated
    elif ours is not None and not wanted:
        libraries.remove(ours)


def register() -> None:
    """Called after the preferences are registered: the library is there for whoever wanted it."""
    kept = preferences(bpy.context)
    if kept is not None and kept.use_asset_library:
        show(bpy.context, True)


def unregister() -> None:
    """Called when the extension is disabled: no library that leads nowhere stays behind."""
    show(bpy.context, False)
