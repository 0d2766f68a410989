"""Where Blender lets the extension keep the user's files."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import bpy

from ..core.errors import SemblanceError
from ..core.paths import preset_folders
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


def own_presets_folder() -> Path:
    """Where new presets of users' rigs go; it need not exist."""
    return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, path="presets"))


def all_presets_folders() -> list[Path]:
    """The own folder, then those of other Blender versions."""
    own = [own_presets_folder()] if ROOT_PACKAGE else []
    return list(dict.fromkeys([*own, *preset_folders()]))
