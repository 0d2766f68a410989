"""Preferences: what is here and what is missing, in words; folders, what networks run on, the asset library, Try It."""
from __future__ import annotations

import os

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.network import PROVIDER
from . import asset_library, readiness
from .first_run import SEMBLANCE_OT_try_it
from .folders import ROOT_PACKAGE, made, places
from .operator_kinds import Reporting
from .operators import SEMBLANCE_OT_readiness_check
from .sentences import draw_sentence
from .translations import said
from .user_files import SEMBLANCE_OT_user_files_bring_back, SEMBLANCE_OT_user_files_keep

_ICONS = {"ok": "CHECKMARK", "note": "INFO", "PROBLEM": "ERROR"}
_WIDTH_PX = 700
"""Sentences wrap there; the window of preferences is seldom narrower."""
_LOST = (
    "Removing Semblance lets Blender delete presets, learned rigs, performers and robot heads; a newer zip keeps them."
)


def _provider_chosen(kept: SEMBLANCE_preferences, context: bpy.types.Context) -> None:
    kept.use_provider()
    readiness.forget_devices()


def _assets_wanted(kept: SEMBLANCE_preferences, context: bpy.types.Context) -> None:
    asset_library.show(context, kept.use_asset_library)


class SEMBLANCE_OT_folder_open(Reporting, bpy.types.Operator):
    """Show this folder in the system's file browser; it is made if nothing is in it yet"""

    bl_idname = "semblance.folder_open"
    bl_label = "Open Folder"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Folder", description="What is kept there, as the preferences call it", default="Takes")

    def perform(self, context: bpy.types.Context) -> None:
        """The system shows it."""
        bpy.ops.wm.path_open(filepath=str(made(places(context)[self.name])))


class SEMBLANCE_preferences(bpy.types.AddonPreferences):
    """Rarely needed settings."""

    bl_idname = ROOT_PACKAGE

    is_known: BoolProperty(
        name="Known", description="The welcome with Try It is over; all panels are shown", options={"HIDDEN"},
    )
    takes_folder: StringProperty(
        name="Takes Folder", subtype="DIR_PATH",
        description="Where tracked performances are kept; empty keeps them beside the .blend file in 'takes'",
    )
    provider: EnumProperty(
        name="Networks Run On", default="CPU", update=_provider_chosen,
        description="What computes. The processor is always there and is quick enough; where another one fails, the "
        "processor takes over",
        items=(     # the keys of network.PROVIDERS
            ("CPU", "Processor", "Always works; most networks here are too small to gain from a graphics card"),
            ("CUDA", "CUDA", "A graphics card of NVIDIA, with an onnxruntime that was built for it"),
            ("DIRECTML", "DirectML", "A graphics card on Windows, with an onnxruntime that was built for it"),
            ("COREML", "Core ML", "The graphics and neural cores of a Mac"),
        ),
    )
    use_asset_library: BoolProperty(
        name="Characters in the Asset Browser", update=_assets_wanted,
        description="List the five characters as an asset library: drag one from the asset browser into the 3D view",
    )

    def use_provider(self) -> None:
        """Tell this process and its children."""
        os.environ[PROVIDER] = self.provider

    def draw(self, context: bpy.types.Context) -> None:
        """Try It, what is here, folders, the asset library."""
        layout = self.layout
        layout.operator(SEMBLANCE_OT_try_it.bl_idname, icon="PLAY")
        _draw_readiness(layout.box(), context)
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(self, "takes_folder")
        column.prop(self, "provider")
        column.prop(self, "use_asset_library")
        box = layout.box().column(align=True)
        for name, folder in places(context).items():
            row = box.split(factor=0.3)
            row.label(text=name)
            row = row.row()
            row.label(text=str(folder), translate=False)
            row.operator(SEMBLANCE_OT_folder_open.bl_idname, text="", icon="FILE_FOLDER").name = name
        draw_sentence(box, context, _LOST, "INFO", _WIDTH_PX)
        row = box.row()
        row.operator(SEMBLANCE_OT_user_files_keep.bl_idname, icon="EXPORT")
        row.operator(SEMBLANCE_OT_user_files_bring_back.bl_idname, icon="IMPORT")


def register() -> None:
    """Called after the classes are registered: what the user chose counts from the start."""
    kept = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    if kept is not None:
        kept.preferences.use_provider()


def unregister() -> None:
    """Called before the classes are unregistered."""
    os.environ.pop(PROVIDER, None)
    readiness.forget_devices()


def _draw_readiness(box: bpy.types.UILayout, context: bpy.types.Context) -> None:
    found, devices = readiness.current(), readiness.devices()
    if not found.problems:
        names = ", ".join(profile.name for profile in found.characters)
        box.label(text=said(f"Everything is here. Characters: {names}."), icon="CHECKMARK")
    if found.presets:
        names = ", ".join(sorted(profile.name for profile in found.presets))
        box.label(text=said(f"Presets of your own rigs: {names}."), icon="PRESET")
    for sentence in (*(f"{problem}." for problem in found.problems), *found.unread):
        draw_sentence(box, context, sentence, "ERROR", _WIDTH_PX)
    for finding in devices:
        draw_sentence(box, context, f"{finding.text} {finding.advice}".strip(), _ICONS[finding.state], _WIDTH_PX)
    text = "Check Again" if devices else "Look for Cameras, Serial Ports and Graphics Cards"
    box.operator(SEMBLANCE_OT_readiness_check.bl_idname, text=text, icon="FILE_REFRESH")
