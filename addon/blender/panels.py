"""The "Semblance" tab of the 3D view's sidebar; drawing reads settings and what was found before, no files."""
from __future__ import annotations

from pathlib import Path

import bpy

from . import readiness, thumbnails, tracking_job
from .actors import SEMBLANCE_PG_actor, find_actor
from .character_choice import shown_character
from .comparison import can_swap
from .first_run import SEMBLANCE_MT_help, draw_trial, is_new, is_trial
from .operator_kinds import failure
from .operators import (
    SEMBLANCE_OT_cast_find,
    SEMBLANCE_OT_neutral_set,
    SEMBLANCE_OT_preferences_show,
    SEMBLANCE_OT_take_apply,
    SEMBLANCE_OT_take_cancel,
    SEMBLANCE_OT_take_compare,
    SEMBLANCE_OT_take_track,
)
from .rig_operators import SEMBLANCE_OT_character_add, SEMBLANCE_OT_rig_use
from .sentences import draw_sentence
from .sidebar import Sidebar, draw_progress
from .translations import OURS, said

_MOST_ROWS = 5
_TRIAL = "Pip plays in a scene of its own. Yours is as it was, one button away."


class SEMBLANCE_PT_performance(Sidebar, bpy.types.Panel):
    """From a source to keys."""

    bl_label = "Semblance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside the welcome."""
        return not is_new(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Readiness, source, Track, character, Apply: in the order in which they are used."""
        layout, settings = self.layout, context.scene.semblance
        _draw_readiness(layout)
        if is_trial(context.scene):
            draw_sentence(layout, context, _TRIAL, "INFO")
            draw_trial(layout)
        column = layout.column(align=True)
        column.label(text="Source")
        column.prop(settings, "source", text="", placeholder="Video, take or Live Link CSV")
        _draw_tracking(layout, context)
        _draw_character(layout, context.scene)
        row = layout.row()
        row.scale_y = 1.4
        row.operator(SEMBLANCE_OT_take_apply.bl_idname, icon="ACTION")
        _draw_result(layout, context.scene)


class SEMBLANCE_PT_cast(bpy.types.Panel):
    """Semblance's own characters, opened by 'Add Character'."""

    bl_label = "Add Character"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"INSTANCED"}
    bl_ui_units_x = 15

    def draw(self, context: bpy.types.Context) -> None:
        """A picture and a button for each."""
        grid = self.layout.grid_flow(row_major=True, columns=3, even_columns=True, align=False)
        for profile in readiness.current().characters:
            column = grid.column(align=True)
            column.template_icon(thumbnails.icon(profile), scale=4.5)
            column.operator(SEMBLANCE_OT_character_add.bl_idname, text=profile.name).character = profile.name


class SEMBLANCE_UL_actors(bpy.types.UIList):
    """One line for each character: keyed or not, its name, what its style is if it has one."""

    def draw_item(
        self, context: bpy.types.Context, layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup,
        item: SEMBLANCE_PG_actor, icon: int, active_data: bpy.types.PropertyGroup, active_property: str, index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """The tick is who is keyed; the highlighted line is whose settings are shown."""
        root, strength = item.root, item.strength
        layout.prop(item, "use", text="")
        layout.label(text=root.name if root is not None else "(gone)")
        if strength != 1:
            layout.label(text=f"×{strength:.3g}")
        if item.mirror:
            layout.label(text="", icon="MOD_MIRROR")


class SEMBLANCE_PT_style(Sidebar, bpy.types.Panel):
    """How the shown character plays the performance."""

    bl_label = "Style"
    bl_parent_id = "SEMBLANCE_PT_performance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A character in the list."""
        return find_actor(context.scene, shown_character(context.scene)) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Strength, then what it counts for, then the mirror."""
        layout, actor = self.layout, find_actor(context.scene, shown_character(context.scene))
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(actor, "strength", slider=True)
        layout.prop(actor, "head_and_gaze")
        layout.prop(actor, "mirror")


class SEMBLANCE_PT_face(Sidebar, bpy.types.Panel):
    """Help for Track where it does not find the face by itself; most sources need none of it."""

    bl_label = "Face in the Source"
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What kind of face, and where."""
        layout, settings = self.layout, context.scene.semblance
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.active = not settings.is_performance
        layout.prop(settings, "use_drawn")
        layout.prop(settings, "use_box")
        if settings.use_box:
            column = layout.column(align=True)
            for edge in ("left", "top", "width", "height"):
                column.prop(settings, f"box_{edge}")


class SEMBLANCE_PT_performer(Sidebar, bpy.types.Panel):
    """Smoothing and calibration; changed after tracking and applied again."""

    bl_label = "Performer"
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Smoothing, the neutral, gains."""
        layout, settings = self.layout, context.scene.semblance
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "strength")
        layout.prop(settings, "neutral")
        if settings.neutral == "FRAME":
            layout.prop(settings, "neutral_s")
        layout.operator(SEMBLANCE_OT_neutral_set.bl_idname)
        column = layout.column(align=True)
        column.prop(settings, "gain_brows", text="Strength  Brows")
        for group in ("eyes", "mouth", "jaw"):
            column.prop(settings, f"gain_{group}")


class SEMBLANCE_PT_keys(Sidebar, bpy.types.Panel):
    """Where keys go and which."""

    bl_label = "Keys"
    bl_translation_context = OURS
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Frames, then what is keyed, then where it is kept."""
        layout, settings = self.layout, context.scene.semblance
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "start_frame")
        layout.prop(settings, "use_range")
        if settings.use_range:
            column = layout.column(align=True)
            column.prop(settings, "first_frame")
            column.prop(settings, "last_frame")
        column = layout.column(heading="Include")
        column.prop(settings, "use_head")
        column.prop(settings, "use_gaze")
        column.prop(settings, "use_body_keys")
        column = layout.column(heading="Write")
        column.prop(settings, "use_nla")
        column.prop(settings, "use_extend")


def _draw_readiness(layout: bpy.types.UILayout) -> None:
    found = readiness.current()
    row = layout.row()
    row.label(text=said(found.sentence), icon="ERROR" if found.problems else "CHECKMARK")
    if found.problems:
        row.operator(SEMBLANCE_OT_preferences_show.bl_idname, text="", icon="PREFERENCES")
    row.menu(SEMBLANCE_MT_help.__name__, text="", icon="QUESTION")


def _draw_tracking(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.semblance
    if tracking_job.current() is not None and not is_trial(settings.id_data):
        state = tracking_job.state()
        counted = f"{state.done} of {state.total} frames" if state.total else f"{state.done} frames"
        draw_progress(layout, state, counted, SEMBLANCE_OT_take_cancel.bl_idname)
        return
    if not settings.is_performance:
        layout.prop(settings, "use_body")
    row = layout.row()
    row.scale_y = 1.4
    row.operator(SEMBLANCE_OT_take_track.bl_idname, icon="TRACKER")
    if sentence := failure(tracking_job):
        draw_sentence(layout, context, sentence, "ERROR")
    if settings.take:
        layout.label(text=Path(settings.take).name, icon="FILE_TICK")
        if settings.found:
            draw_sentence(layout, context, settings.found)


def _draw_character(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    column, settings = layout.column(align=True), scene.semblance
    several = len(settings.actors) > 1
    row = column.row(align=True)
    row.label(text=said("Characters" if several else "Character"))
    row.operator(SEMBLANCE_OT_cast_find.bl_idname, text="", icon="FILE_REFRESH", emboss=False)
    if several:
        rows = min(len(settings.actors), _MOST_ROWS)
        column.template_list(SEMBLANCE_UL_actors.__name__, "", settings, "actors", settings, "actor",
                             rows=rows, maxrows=_MOST_ROWS)
    else:
        column.prop(settings, "character", text="", icon="ARMATURE_DATA")
        found = shown_character(scene)
        if settings.character is None and found:
            column.label(text=said(f"Found: {found.name}"), icon="CHECKMARK")
    row = column.row(align=True)
    row.popover(SEMBLANCE_PT_cast.__name__, text="Add Character", icon="ADD")
    row.operator(SEMBLANCE_OT_rig_use.bl_idname, icon="RESTRICT_SELECT_OFF")


def _draw_result(layout: bpy.types.UILayout, scene: bpy.types.Scene) -> None:
    """What is on the shown character, and the way to what was on it before."""
    root = shown_character(scene)
    action, actor = _shown_action(root), find_actor(scene, root)
    if actor is not None and can_swap(actor):
        strips = next((row.action for row in actor.kept if row.track), None)
        if strips is not None and actor.shows_new:
            action = strips
        name = action.name if action is not None else "no keys"
        layout.operator(
            SEMBLANCE_OT_take_compare.bl_idname, depress=actor.shows_new, icon="ARROW_LEFTRIGHT",
            text=said(f"After: {name}") if actor.shows_new else said(f"Before: {name}"),
        )
    elif action is not None:
        layout.label(text=action.name, icon="ACTION_SLOT")


def _shown_action(root: bpy.types.Object | None) -> bpy.types.Action | None:
    """The Action of the character: of its bones, or of its own shape keys."""
    owners = () if root is None else (root, root.data.shape_keys) if root.type == "MESH" else (root,)
    data = (owner.animation_data for owner in owners if owner is not None)
    return next((each.action for each in data if each is not None and each.action is not None), None)
