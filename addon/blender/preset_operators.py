"""The sidebar's buttons for presets of a rig: save, load, import, export, delete."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..characters.learned_rig import forget_learned
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile, read_profile, write_profile
from . import readiness
from .character_choice import Chosen, take_preset
from .folders import own_presets_folder
from .rig_operators import OnRig, chosen_rig, require_rig
from .rig_presets import family, fitted, free_name, likeness, preset_path, save_preset
from .translations import said


class SEMBLANCE_OT_preset_save(OnRig, bpy.types.Operator):
    """Save the list as a preset, which is found again when a rig like this one is used in any file"""

    bl_idname = "semblance.preset_save"
    bl_label = "Save Preset"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask before another rig's preset is replaced."""
        rig = require_rig(context)
        path = preset_path(own_presets_folder(), rig.name)
        if path.is_file() and str(path) != rig.preset:
            return context.window_manager.invoke_confirm(
                self, event, title="Replace Preset?", confirm_text="Replace",
                message=f"There is a preset '{rig.name}' that this list was not taken from.",
            )
        return self.execute(context)

    def perform(self, context: bpy.types.Context) -> None:
        """Write, and look again."""
        rig = require_rig(context)
        path = save_preset(rig.profile(), own_presets_folder(), [each.name for each in readiness.current().characters])
        rig.preset = str(path)
        readiness.refresh()
        self.report({"INFO"}, said(f"Saved '{rig.name}' to {path}"))


class SEMBLANCE_OT_preset_load(OnRig, bpy.types.Operator):
    """Take the list of controls from this preset"""

    bl_idname = "semblance.preset_load"
    bl_label = "Load Preset"
    bl_options = {"REGISTER", "UNDO"}

    path: StringProperty(name="File", subtype="FILE_PATH", description="One of the saved presets")

    def perform(self, context: bpy.types.Context) -> None:
        """Fit it to the rig."""
        self.tell(take_fitted(read_profile(Path(self.path)), require_rig(context).root, context.scene))


class SEMBLANCE_OT_preset_import(OnRig, bpy.types.Operator, ImportHelper):
    """Add a preset file (.toml) from someone else to yours, and use it if it fits the chosen rig"""

    bl_idname = "semblance.preset_import"
    bl_label = "Import Preset..."
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".toml"
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """At any time."""
        return True

    def perform(self, context: bpy.types.Context) -> None:
        """Copy under a free name; use it where it fits."""
        profile = read_profile(Path(bpy.path.abspath(self.filepath)))
        found = readiness.current()
        name = free_name(profile.name, [each.name for each in (*found.characters, *found.presets)])
        profile = replace(profile, name=name, blend=None)
        path = save_preset(profile, own_presets_folder(), ())
        readiness.refresh()
        rig = chosen_rig(context)
        try:
            if rig is not None:
                self.tell(take_fitted(replace(profile, path=path), rig.root, context.scene))
        except SemblanceError as error:
            self.report({"WARNING"}, str(error))
        self.report({"INFO"}, said(f"Imported '{name}'"))


class SEMBLANCE_OT_preset_export(OnRig, bpy.types.Operator, ExportHelper):
    """Write the list to a file (.toml) for someone else, or for the command line"""

    bl_idname = "semblance.preset_export"
    bl_label = "Export Preset..."

    filename_ext = ".toml"
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Propose the preset's own name."""
        self.filepath = preset_path(Path(), require_rig(context).name).name
        return super().invoke(context, event)

    def perform(self, context: bpy.types.Context) -> None:
        """Write."""
        path = Path(bpy.path.abspath(self.filepath))
        write_profile(require_rig(context).profile(), path)
        self.report({"INFO"}, said(f"Wrote {path}"))


class SEMBLANCE_OT_preset_delete(OnRig, bpy.types.Operator):
    """Delete the preset file that this list was taken from or saved to, and what was learned; the list here stays"""

    bl_idname = "semblance.preset_delete"
    bl_label = "Delete Preset..."

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A saved list."""
        rig = chosen_rig(context)
        if rig is None or not rig.preset:
            cls.poll_message_set("This list is not saved as a preset")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Files do not come back by undo."""
        return context.window_manager.invoke_confirm(
            self, event, title="Delete Preset?", message=require_rig(context).preset, confirm_text="Delete",
        )

    def perform(self, context: bpy.types.Context) -> None:
        """Remove the file."""
        rig = require_rig(context)
        forget_learned(Path(rig.preset))
        try:
            Path(rig.preset).unlink(missing_ok=True)
        except OSError as error:
            raise SemblanceError(f"Cannot delete '{rig.preset}': {error.strerror}.") from error
        rig.preset = ""
        readiness.refresh()


def take_fitted(profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene) -> Chosen:
    """Let the list of `root` be this preset, with the rig's own names.

    Raises:
        SemblanceError: if the rig has none of its controls.
    """
    objects = family([root], scene)
    if bool(profile.armature) != (root.type == "ARMATURE") or not likeness(profile, objects):
        raise SemblanceError(f"'{root.name}' has none of the controls of the preset '{profile.name}'.")
    return take_preset(fitted(profile, objects), root, scene)
