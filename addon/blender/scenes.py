"""Opening, completing and saving scenes for work without a window."""
from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import bpy

from ..core.errors import SemblanceError
from ..core.files import replacing
from ..core.rig_profile import RigProfile
from .apply import add_character, stand_beside
from .binding import find_characters
from .rendering import set_stage

# How a compressed .blend ends: the footer of Zstandard's seekable format.
_END_OF_SEEK_TABLE = b"\xb1\xea\x92\x8f"


def open_scene(path: Path | None) -> bpy.types.Scene:
    """Load a .blend file, or, for None, an empty scene with Blender's factory rate and a stage of ours.

    Raises:
        SemblanceError: if the file is missing or is not one that this Blender reads.
    """
    if path is None:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        set_stage(bpy.context.scene)
        return bpy.context.scene
    if not path.is_file():
        raise SemblanceError(f"There is no scene '{path}'.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.absolute()), load_ui=False)
    except RuntimeError as error:
        raise SemblanceError(f"Blender {bpy.app.version_string} cannot open '{path}': {str(error).strip()}") from error
    return bpy.context.scene


def ensure_character(
    scene: bpy.types.Scene, profile: RigProfile, others: Sequence[bpy.types.Object] = ()
) -> bpy.types.Object:
    """The first character of that kind in the scene; appended from its own file, beside `others`, if there is none.

    Raises:
        SemblanceError: as `add_character`.
    """
    found = find_characters(scene, profile)
    if found:
        return found[0]
    root = add_character(profile, scene)
    stand_beside(root, others, scene)
    return root


def save_scene(path: Path) -> None:
    """Save what is open to `path`, whole or not at all; the open file keeps its own name. What was there is kept as
    .blend1, as Blender does: somebody may have worked on it.

    Raises:
        SemblanceError: if it cannot be written.
    """
    with replacing(path) as partial:
        try:
            # Blender tells the temporary name on stdout, which would only puzzle.
            with contextlib.redirect_stdout(io.StringIO()):
                bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, compress=True, check_existing=False)
        except RuntimeError as error:
            # Blender's own words name the temporary file; the cause is nearly always the folder.
            raise SemblanceError(f"Blender cannot save '{path}'; choose another folder or free some space.") from error
        # Blender does not notice when the disk fills up with the last bytes of a compressed file.
        with partial.open("rb") as file:
            file.seek(-min(len(_END_OF_SEEK_TABLE), file.seek(0, io.SEEK_END)), io.SEEK_END)
            whole = file.read() == _END_OF_SEEK_TABLE
        if not whole:
            raise SemblanceError(f"Blender could not write all of '{path}'; free some space or choose another folder.")
        if path.is_file():
            path.replace(path.with_name(f"{path.name}1"))


def open_file() -> Path | None:
    """The .blend file that is open; None for a scene that was never saved."""
    return Path(bpy.data.filepath) if bpy.data.filepath else None


def blender_program() -> str:
    """The Blender that runs this; empty where Blender is a module of Python."""
    return bpy.app.binary_path


def blender_version() -> str:
    """Of the Blender that runs this, such as "4.5.15 LTS"."""
    return bpy.app.version_string
