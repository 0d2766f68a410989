"""The sidebar's list of a rig's controls, with what an animator corrects; drawing reads no files and scans no scene."""
from __future__ import annotations

from math import degrees
from pathlib import Path

import bpy

from . import readiness
from .character_choice import shown_character
from .control_list import SEMBLANCE_PG_control, SEMBLANCE_PG_rig
from .discovery import GENERIC
from .preset_operators import (
    SEMBLANCE_OT_preset_delete,
    SEMBLANCE_OT_preset_export,
    SEMBLANCE_OT_preset_import,
    SEMBLANCE_OT_preset_load,
    SEMBLANCE_OT_preset_save,
)
from .rig_operators import (
    SEMBLANCE_OT_controls_enable,
    SEMBLANCE_OT_controls_list,
    SEMBLANCE_OT_controls_reset,
    SEMBLANCE_OT_follow_add,
    SEMBLANCE_OT_follow_remove,
    SEMBLANCE_OT_neutral_from_pose,
    SEMBLANCE_OT_rig_find_again,
    SEMBLANCE_OT_rig_forget,
    chosen_list,
)
from .sentences import draw_sentence
from .sidebar import Sidebar
from .translations import said

# Sidebars from this width on, at scale 1, have room for a column of gains.
_WIDE_PX = 320
# Of a line, narrow or wide, what the name takes; of the rest of a wide one, the value.
_NAME_SHARE = (0.68, 0.56)
_VALUE_SHARE = 0.54
_MUTED = "MUTE_IPO_OFF"
_ROWS = 5
"""Of the list; it can be dragged longer. Each line costs as much as a panel's button to draw."""
_UNKNOWN = (
    "The names of these controls do not say what they do. 'Learn This Rig' above finds it out. Or try one with its "
    "slider in the list; then press + beside 'Follows nothing' and choose which part of the performance moves it."
)


class SEMBLANCE_UL_controls(bpy.types.UIList):
    """One line for each control: on or off, its name, the rig's own slider, its gain."""

    wide = False
    """There is room for gains: asked once for all lines, because this is drawn all the time."""

    def draw_item(
        self, context: bpy.types.Context, layout: bpy.types.UILayout, rig: SEMBLANCE_PG_rig,
        item: SEMBLANCE_PG_control, icon: int, active_data: SEMBLANCE_PG_rig, active_property: str, index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """Only the visible lines are drawn."""
        wide, gain = self.wide, item.gain
        layout.prop(item, "enabled", text="")
        line = layout.split(factor=_NAME_SHARE[wide], align=True)
        if item.muted or not item.enabled:
            line.active = False
        low, high = item.minimum, item.maximum
        if low == high or not low <= item.neutral <= high:
            line.alert = True
        louder = "" if wide or gain == 1 else f"×{gain:.3g}  "
        line.label(text=louder + item.name, icon=_mark(rig, item))
        numbers = line.split(factor=_VALUE_SHARE, align=True) if wide else line
        _draw_value(numbers, rig.root, item)
        if wide:
            numbers.prop(item, "gain", text="", emboss=gain != 1)

    def draw_filter(self, context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
        """The search stands above the list, where it is seen."""

    def filter_items(
        self, context: bpy.types.Context, rig: SEMBLANCE_PG_rig, property_name: str
    ) -> tuple[list[int], list[int]]:
        """Hide what the search does not find."""
        if not rig.search:
            return [], []
        return [self.bitflag_filter_item if shown else 0 for shown in rig.shown()], []


class SEMBLANCE_MT_presets(bpy.types.Menu):
    """Saved presets of the user's rigs."""

    bl_label = "Presets"

    def draw(self, context: bpy.types.Context) -> None:
        """All of them; two of one name are told apart by their files."""
        layout, presets = self.layout, readiness.current().presets
        names = [preset.name for preset in presets]
        for preset in presets:
            again = names.count(preset.name) > 1
            text = f"{preset.name} ({preset.path.stem})" if again else preset.name
            layout.operator(SEMBLANCE_OT_preset_load.bl_idname, text=text).path = str(preset.path)
        if not presets:
            layout.label(text="No preset is saved yet")
        layout.separator()
        layout.operator(SEMBLANCE_OT_preset_import.bl_idname, icon="IMPORT")
        layout.operator(SEMBLANCE_OT_preset_export.bl_idname, icon="EXPORT")
        layout.operator(SEMBLANCE_OT_preset_delete.bl_idname, icon="TRASH")


class SEMBLANCE_MT_rig(bpy.types.Menu):
    """What is done to the whole list."""

    bl_label = "Rig"

    def draw(self, context: bpy.types.Context) -> None:
        """Rarely needed."""
        layout = self.layout
        layout.operator(SEMBLANCE_OT_neutral_from_pose.bl_idname, icon="POSE_HLT")
        layout.separator()
        layout.operator(SEMBLANCE_OT_controls_reset.bl_idname, icon="RECOVER_LAST")
        layout.operator(SEMBLANCE_OT_rig_find_again.bl_idname, icon="FILE_REFRESH").keep = True
        layout.operator(SEMBLANCE_OT_rig_find_again.bl_idname, text="Start Over", icon="LOOP_BACK").keep = False
        layout.operator(SEMBLANCE_OT_rig_forget.bl_idname, icon="X")


class SEMBLANCE_PT_controls(Sidebar, bpy.types.Panel):
    """The controls of the chosen rig."""

    bl_label = "Controls"
    bl_parent_id = "SEMBLANCE_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A character."""
        return shown_character(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Preset, search, list, details; Semblance's own characters are set up already, so theirs are seldom listed."""
        layout, rig = self.layout, chosen_list(context)
        if rig is None:
            layout.operator(SEMBLANCE_OT_controls_list.bl_idname, icon="OPTIONS")
            return
        used, count = sum(rig.enabled()), len(rig.controls)
        if rig.is_ours:
            row = layout.row()
            row.label(text=said(f"{used} of {count} controls are on"))
            row.operator(SEMBLANCE_OT_controls_reset.bl_idname, text="", icon="LOOP_BACK")
        else:
            _draw_preset(layout, rig)
            found = "Unknown names" if rig.layout == GENERIC else rig.layout or "From a preset"
            layout.label(text=said(f"{found}: {used} of {count} controls are on"))
            if not rig.moves():
                draw_sentence(layout.box(), context, _UNKNOWN)
        _draw_list(layout, context, rig)
        control = rig.active_control()
        if control is not None:
            _draw_control(layout.box(), context, control, rig.is_ours)


def _draw_preset(layout: bpy.types.UILayout, rig: SEMBLANCE_PG_rig) -> None:
    row = layout.row(align=True)
    row.menu(SEMBLANCE_MT_presets.__name__, text="", icon="PRESET")
    row.prop(rig, "name", text="")
    saved = bool(rig.preset) and Path(rig.preset).stem == rig.name
    row.operator(SEMBLANCE_OT_preset_save.bl_idname, text="" if saved else "Save", icon="FILE_TICK")
    row.menu(SEMBLANCE_MT_rig.__name__, text="", icon="DOWNARROW_HLT")


def _draw_list(layout: bpy.types.UILayout, context: bpy.types.Context, rig: SEMBLANCE_PG_rig) -> None:
    row = layout.row(align=True)
    row.prop(rig, "search", text="", icon="VIEWZOOM", placeholder="Search")
    row.operator(SEMBLANCE_OT_controls_enable.bl_idname, text="", icon="CHECKBOX_HLT").enabled = True
    row.operator(SEMBLANCE_OT_controls_enable.bl_idname, text="", icon="CHECKBOX_DEHLT").enabled = False
    row.prop(rig, "mirror", text="", icon="MOD_MIRROR")
    column = layout.column(align=True)
    wide = SEMBLANCE_UL_controls.wide = _is_wide(context)
    head = column.split(factor=_NAME_SHARE[wide])
    head.scale_y, head.active = 0.7, False
    head.label(text="Control")
    numbers = head.split(factor=_VALUE_SHARE) if wide else head
    numbers.label(text="Now")
    if wide:
        numbers.label(text="Gain")
    column.template_list(SEMBLANCE_UL_controls.__name__, "", rig, "controls", rig, "active", rows=_ROWS, maxrows=_ROWS)


def _is_wide(context: bpy.types.Context) -> bool:
    return context.region.width >= _WIDE_PX * context.preferences.system.ui_scale


def _mark(rig: SEMBLANCE_PG_rig, item: SEMBLANCE_PG_control) -> str:
    """The icon of what is special about a control; the first that holds."""
    if item.muted:
        return _MUTED
    if item.mirrored:
        return "MOD_MIRROR"
    return "NONE" if rig.is_ours or item.follows else "UNLINKED"


def _draw_control(
    box: bpy.types.UILayout, context: bpy.types.Context, control: SEMBLANCE_PG_control, is_ours: bool
) -> None:
    """Everything about one control; of our own characters, what may be changed."""
    box.label(text=control.name, icon="SHAPEKEY_DATA" if control.key else "BONE_DATA" if control.bone else "PROPERTIES")
    draw_sentence(box, context, _carrier(control))
    unit = "_angle" if control.is_angle() else ""
    column = box.column(align=True)
    column.use_property_split, column.use_property_decorate = True, False
    for name in () if is_ours else ("minimum", "maximum", "neutral"):
        column.prop(control, name + unit)
    column.prop(control, "gain")
    column.prop(control, "offset" + unit)
    if not is_ours:
        column.prop(control, "pair")
    row = box.row(align=True)
    row.prop(control, "muted", toggle=True, icon=_MUTED)
    row.prop(control, "mirrored", toggle=True, icon="MOD_MIRROR")
    if is_ours:
        return
    problem = control.problem()
    if problem:
        draw_sentence(box, context, problem, "ERROR")
    row = box.row()
    row.label(text="Follows" if control.follows else "Follows nothing")
    row.operator(SEMBLANCE_OT_follow_add.bl_idname, text="", icon="ADD")
    column = box.column(align=True)
    for index, each in enumerate(control.follows):
        row = column.row(align=True)
        split = row.split(factor=0.66, align=True)
        split.prop(each, "signal", text="")
        split.prop(each, "amount" + unit, text="")
        row.operator(SEMBLANCE_OT_follow_remove.bl_idname, text="", icon="X").index = index


def _carrier(control: SEMBLANCE_PG_control) -> str:
    """In words, what carries it."""
    if control.key:
        return f"Shape key '{control.key}' of {', '.join(control.meshes.split(chr(10)))}"
    where = f"bone '{control.bone}'" if control.bone else f"object '{control.object}'" if control.object else "the rig"
    if control.property:
        return f"Property '{control.property}' of {where}"
    return f"{control.channel.removesuffix('_euler').capitalize()} {'XYZ'[control.axis]} of {where}"


def _draw_value(layout: bpy.types.UILayout, root: bpy.types.Object, item: SEMBLANCE_PG_control) -> None:
    """The rig's own slider, to see what the control does; its range where Blender has no single slider for it."""
    holder, name, index = _slider(root, item)
    if holder is not None:
        layout.prop(holder, name, index=index, text="", slider=bool(item.key))
    elif item.is_angle():
        layout.label(text=f"{degrees(item.minimum):.0f}° … {degrees(item.maximum):.0f}°")
    else:
        layout.label(text=f"{item.minimum:g} … {item.maximum:g}")


def _slider(root: bpy.types.Object, item: SEMBLANCE_PG_control) -> tuple[bpy.types.bpy_struct | None, str, int]:
    """(holder, property, index) of what carries the control; no holder if it is gone or is an angle of a quaternion."""
    if item.key:
        mesh = bpy.data.objects.get(item.meshes.partition("\n")[0])
        keys = mesh.data.shape_keys if mesh is not None and mesh.type == "MESH" else None
        return (keys.key_blocks.get(item.key) if keys else None), "value", -1
    owner = bpy.data.objects.get(item.object) if item.object else root
    if item.bone and owner is not None:
        owner = owner.pose.bones.get(item.bone) if owner.pose else None
    if item.property:
        there = owner is not None and item.property in owner.keys()  # noqa: SIM118 - a data-block is no mapping
        return (owner if there else None), f'["{bpy.utils.escape_identifier(item.property)}"]', -1
    turned = item.is_angle() and owner is not None and owner.rotation_mode in ("QUATERNION", "AXIS_ANGLE")
    return (None if turned else owner), item.channel, item.axis
