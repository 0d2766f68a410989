"""The sidebar's part about bodies without a face: a body's motion gives the ticked characters the face for it."""
from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core.body_motion import BodyMotion
from ..core.bvh import read_bvh
from ..core.errors import SemblanceError
from ..expression.from_body import STRENGTH_MOST, FaceStyle, built_in_style, face_from_body, style_names, style_of
from ..live.performance import record_take
from .apply import Applied, key_each, take_name, told
from .body_action import read_body
from .character_choice import cast_characters
from .keying import Placement
from .operator_kinds import Reporting
from .operators import key_character
from .sidebar import Sidebar
from .translations import said

_OF_A_TAKE = "TAKE"


def _styles(settings: SEMBLANCE_PG_body_face, context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    return _ITEMS


_ITEMS = [(name, name.capitalize(), f"As somebody's face goes who is {name}") for name in style_names()]
_ITEMS.append((_OF_A_TAKE, "From a Take", "As the performer's face goes in a take or Live Link .csv"))


def _is_armature(settings: SEMBLANCE_PG_body_face, item: bpy.types.Object) -> bool:
    return item.type == "ARMATURE"


class SEMBLANCE_PG_body_face(bpy.types.PropertyGroup):
    """Which body, and how its face shall go."""

    body: EnumProperty(
        name="Body", description="Where the body's motion is",
        items=(
            ("ACTION", "Armature", "The active Action of an armature"), ("BVH", "BVH File", "A motion capture file"),
        ),
    )
    armature: PointerProperty(
        type=bpy.types.Object, name="Armature", poll=_is_armature,
        description="The armature whose active Action moves the body; bones named as in Rigify, Mixamo, MPFB or CMU",
    )
    bvh: StringProperty(
        name="BVH", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="A body's motion as .bvh",
    )
    style: EnumProperty(name="Style", items=_styles, description="How the face goes with the body")
    style_take: StringProperty(
        name="Style Take", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
        description="A .take or Live Link .csv of somebody in the wanted style; half a minute is enough",
    )
    strength: FloatProperty(
        name="Strength", default=1, min=0, max=STRENGTH_MOST, description="0 is calm, 1 the style, 2 far more of it",
    )
    own_head: BoolProperty(
        name="Head Follows Body", default=True,
        description="Turn the character's head as the body turns its own. Never done on the body's own armature",
    )
    seed: IntProperty(name="Seed", default=0, min=0, max=1_000_000, description="Another number gives other blinks")


class SEMBLANCE_OT_face_from_body(Reporting, bpy.types.Operator):
    """Make a face for the body's motion and key it on each ticked character as a new Action. The body is not touched"""

    bl_idname = "semblance.face_from_body"
    bl_label = "Make Face"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A body and a style."""
        settings = context.scene.semblance_body
        if settings.body == "ACTION" and settings.armature is None:
            cls.poll_message_set("Choose the armature that the body's motion is on")
        elif settings.body == "BVH" and not settings.bvh:
            cls.poll_message_set("Choose a BVH file first")
        elif settings.style == _OF_A_TAKE and not settings.style_take:
            cls.poll_message_set("Choose a take in the wanted style")
        else:
            return True
        return False

    def perform(self, context: bpy.types.Context) -> None:
        """Read the body, make the face, key it; one character's trouble does not keep the others from theirs."""
        keyed, failed = _key_faces(context.scene)
        for sentence in dict.fromkeys((*failed, *(note for applied in keyed for note in applied.notes))):
            self.report({"WARNING"}, said(sentence))
        frames = keyed[0].keyed.frames
        self.report({"INFO"}, said(f"Keyed {told(keyed)} on frames {frames[0]} to {frames[-1]}"))


class SEMBLANCE_PT_body_face(Sidebar, bpy.types.Panel):
    """A face for a body that has none."""

    bl_label = "Face from Body"
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Which body, which style, how much of it; the button."""
        layout, settings = self.layout, context.scene.semblance_body
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(settings, "body")
        column.prop(settings, "armature" if settings.body == "ACTION" else "bvh")
        column = layout.column(align=True)
        column.prop(settings, "style")
        if settings.style == _OF_A_TAKE:
            column.prop(settings, "style_take")
        column.prop(settings, "strength", slider=True)
        layout.prop(settings, "own_head")
        layout.prop(settings, "seed")
        row = layout.row()
        row.scale_y = 1.4
        row.operator(SEMBLANCE_OT_face_from_body.bl_idname, icon="ARMATURE_DATA")


def register() -> None:
    """Keep the settings in each scene."""
    bpy.types.Scene.semblance_body = PointerProperty(type=SEMBLANCE_PG_body_face)


def unregister() -> None:
    """Take them back."""
    if hasattr(bpy.types.Scene, "semblance_body"):
        del bpy.types.Scene.semblance_body


def _key_faces(scene: bpy.types.Scene) -> tuple[list[Applied], list[str]]:
    settings, placement = scene.semblance_body, scene.semblance.placement()
    roots = cast_characters(scene)
    if settings.body == "ACTION":
        if settings.armature is None:
            raise SemblanceError("Choose the armature that the body's motion is on.")
        motion, first = read_body(settings.armature, scene)
        placement = replace(placement, start_frame=first)
        name = settings.armature.animation_data.action.name
    else:
        path = Path(bpy.path.abspath(settings.bvh))
        motion, name = read_bvh(path), take_name(str(path))
    style = _chosen_style(settings)
    return key_each((root.name, partial(_key_face, scene, root, motion, style, f"{name} {style.name}", placement))
                    for root in roots)


def _key_face(
    scene: bpy.types.Scene, root: bpy.types.Object, motion: BodyMotion, style: FaceStyle, name: str,
    placement: Placement,
) -> Applied:
    """The face for one character; on the body's own armature beside its Action, and the head is left to the body."""
    settings = scene.semblance_body
    own = settings.body == "ACTION" and root == settings.armature
    take = face_from_body(motion, style, settings.strength, settings.own_head and not own, settings.seed)
    if own:
        placement = placement.beside_body()
    return key_character(scene, root, take, name, placement)


def _chosen_style(settings: SEMBLANCE_PG_body_face) -> FaceStyle:
    if settings.style != _OF_A_TAKE:
        return built_in_style(settings.style)
    path = bpy.path.abspath(settings.style_take)
    return style_of(record_take(path), take_name(path))
