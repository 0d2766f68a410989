"""A copy of what Semblance keeps for its user, in one zip: Blender deletes these files with the extension."""
from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..core.errors import SemblanceError
from ..core.files import write_bytes
from ..core.paths import user_folder
from . import readiness
from .operator_kinds import Reporting
from .translations import said

_FOLDERS: Final = ("presets", "performers", "calibration")
"""Presets with what was learned, calibrated performers, measured robot heads; takes are large and lie anywhere."""
_MOST_BYTES: Final = 500_000_000


class SEMBLANCE_OT_user_files_keep(Reporting, bpy.types.Operator, ExportHelper):
    """Put presets, learned rigs, performers and measured robot heads into one zip. Removing Semblance deletes them"""

    bl_idname = "semblance.user_files_keep"
    bl_label = "Keep a Copy of My Files"
    bl_options = {"INTERNAL"}

    filename_ext = ".zip"
    filter_glob: StringProperty(default="*.zip", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Propose a name."""
        self.filepath = "semblance files.zip"
        return super().invoke(context, event)

    def perform(self, context: bpy.types.Context) -> None:
        """Write the zip."""
        path = Path(bpy.path.abspath(self.filepath))
        self.report({"INFO"}, said(f"Kept {pack(user_folder(), path)} files in {path}"))


class SEMBLANCE_OT_user_files_bring_back(Reporting, bpy.types.Operator, ImportHelper):
    """Take presets, learned rigs, performers and robot heads out of a zip that was kept; what is here already stays"""

    bl_idname = "semblance.user_files_bring_back"
    bl_label = "Bring Back My Files"
    bl_options = {"INTERNAL"}

    filename_ext = ".zip"
    filter_glob: StringProperty(default="*.zip", options={"HIDDEN"})

    def perform(self, context: bpy.types.Context) -> None:
        """Read the zip, and look for presets again."""
        new, here = unpack(Path(bpy.path.abspath(self.filepath)), user_folder())
        readiness.refresh()
        self.report({"INFO"}, said(f"Brought back {new} files; {here} were here already"))


def pack(folder: Path, path: Path) -> int:
    """Write the user's files in `folder` to the zip `path`; returns how many they are.

    Raises:
        SemblanceError: if there is none, or the zip cannot be written.
    """
    files = [each for name in _FOLDERS for each in sorted((folder / name).rglob("*")) if each.is_file()]
    if not files:
        raise SemblanceError("There is nothing to keep yet: no preset, performer or measured robot head.")
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in files:
            archive.write(each, each.relative_to(folder).as_posix())
    write_bytes(path, kept.getvalue())
    return len(files)


def unpack(path: Path, folder: Path) -> tuple[int, int]:
    """Write what the zip `path` holds and `folder` does not; returns how many files are new and how many were here.

    Raises:
        SemblanceError: if it is no zip that `pack` wrote, or a file cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if sum(each.file_size for each in entries) > _MOST_BYTES or not all(_is_ours(each) for each in entries):
                raise zipfile.BadZipFile
            wanted = {each.filename: archive.read(each) for each in entries}
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    except Exception as error:  # zipfile and zlib fail on damaged bytes in several ways of their own
        raise SemblanceError(f"'{path}' is damaged, or no zip that 'Keep a Copy of My Files' wrote.") from error
    new = {name: data for name, data in wanted.items() if not (folder / name).exists()}
    for name, data in new.items():
        write_bytes(folder / name, data)
    return len(new), len(wanted) - len(new)


def _is_ours(entry: zipfile.ZipInfo) -> bool:
    """It leads into one of our folders and nowhere else, on any system."""
    parts = PurePosixPath(entry.filename).parts
    plain = not any(part in ("..", ".") or set(part) & set('\\:*?"<>|\0') for part in parts)
    return len(parts) > 1 and parts[0] in _FOLDERS and plain
