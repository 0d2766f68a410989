"""Where Blender lets the extension keep the user's files."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import bpy

from ..core.errors import SemblanceError
from ..core.paths import preset_folders, user_folder
from ..robot.one_writer import RUNNING, running_folder

# "bl_ext.<repository>.semblance", whatever the repository is called; empty in a checkout that is no extension.
ROOT_PACKAGE = __package__.rpartition(".addon")[0]

_USER: Final = "SEMBLANCE_USER"


def share_user_folder() -> None:
    """Let this Blender and its child processes keep what they learn of the user where extensions may write.

    Who drives which robot head is kept where terminals look too, so that two programs never drive one, and any of them
    can stop it.
    """
    if ROOT_PACKAGE and _USER not in os.environ:
        os.environ.setdefault(RUNNING, str(running_folder()))
        os.environ[_USER] = bpy.utils.extension_path_user(ROOT_PACKAGE)


def unshare_user_folder() -> None:
    """Forget that; a folder that the user named himself stays named."""
    if ROOT_PACKAGE and os.environ.get(_USER) == bpy.utils.extension_path_user(ROOT_PACKAGE):
        del os.environ[_USER]
        os.environ.pop(RUNNING, None)


def preferences(context: bpy.types.Context) -> bpy.types.AddonPreferences | None:
    """The user's settings of the extension; None in a checkout that is no extension."""
    kept = context.preferences.addons.get(ROOT_PACKAGE)
    return kept.preferences if kept is not None else None


def takes_folder(context: bpy.types.Context) -> Path:
    """The folder of the preferences; without one 'takes' beside the saved .blend, else the user's extension folder.

    Raises:
        SemblanceError: if it cannot be made.
    """
    return made(takes_place(context))


def takes_place(context: bpy.types.Context) -> Path:
    """As `takes_folder`; it need not exist."""
    kept = preferences(context)
    if kept is not None and kept.takes_folder:
        return Path(bpy.path.abspath(kept.takes_folder))
    return Path(bpy.data.filepath).parent / "takes" if bpy.data.filepath else own_takes_folder()


def own_takes_folder() -> Path:
    """For what belongs to no file of the user's; it need not exist."""
    return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="takes"))


def places(context: bpy.types.Context) -> dict[str, Path]:
    """What is kept for the user → its folder, which need not exist; quick enough for drawing."""
    return {
        "Takes": takes_place(context),
        "Presets and Learned Rigs": own_presets_folder(),
        "Performers": user_folder() / "performers",
        "Robot Heads": user_folder() / "calibration",
    }


def made(folder: Path) -> Path:
    """The folder, which exists now.

    Raises:
        SemblanceError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SemblanceError(f"Cannot make the folder '{folder}': {error.strerror}; choose another in the preferences "
                             "or allow Blender to write there.") from error
    return folder


def own_presets_folder() -> Path:
    """Where new presets of users' rigs go; it need not exist."""
    return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="presets"))


def all_presets_folders() -> list[Path]:
    """The own folder, then those of other Blender versions."""
    own = [own_presets_folder()] if ROOT_PACKAGE else []
    return list(dict.fromkeys([*own, *preset_folders()]))
