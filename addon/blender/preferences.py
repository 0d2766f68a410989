"""Preferences: where takes are kept, and in words what is here and what is missing."""
from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ..core.errors import SemblanceError
from . import readiness

# "bl_ext.<repository>.semblance", whatever the repository is called.
ROOT_PACKAGE = __package__.rpartition(".addon")[0]


class SEMBLANCE_preferences(bpy.types.AddonPreferences):
    """Rarely needed settings."""

    bl_idname = ROOT_PACKAGE

    takes_folder: StringProperty(
        name="Takes Folder", subtype="DIR_PATH",
        description="Where tracked performances are kept; empty keeps them beside the .blend file in 'takes'",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Folder, then each part's state."""
        layout = self.layout
        layout.prop(self, "takes_folder")
        found = readiness.current()
        box = layout.box()
        if found.problems:
            for problem in found.problems:
                box.label(text=f"{problem}.", icon="ERROR")
        else:
            names = ", ".join(profile.name for profile in found.characters)
            box.label(text=f"Everything is here. Characters: {names}.", icon="CHECKMARK")
        box.operator("semblance.readiness_check", icon="FILE_REFRESH")


def takes_folder(context: bpy.types.Context) -> Path:
    """The folder of the preferences; without one 'takes' beside the saved .blend, else the user's extension folder.

    Raises:
        SemblanceError: if it cannot be made.
    """
    chosen = context.preferences.addons[ROOT_PACKAGE].preferences.takes_folder
    if chosen:
        folder = Path(bpy.path.abspath(chosen))
    elif bpy.data.filepath:
        folder = Path(bpy.data.filepath).parent / "takes"
    else:
        folder = Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="takes"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SemblanceError(
            f"Cannot make the folder for takes '{folder}': {error.strerror}; choose another in the preferences."
        ) from error
    return folder
