"""The sidebar's buttons for characters and the list of a rig's controls."""
from __future__ import annotations

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from ..core.errors import required
from ..core.rig_profile import find_profile
from . import readiness
from .actors import forget_actor
from .apply import add_character, stand_beside
from .binding import bind
from .character_choice import Chosen, find_again, list_controls, shown_character, use_rig
from .control_list import SEMBLANCE_PG_control, SEMBLANCE_PG_rig, find_rig
from .operator_kinds import Reporting
from .translations import said

# More sentences than this about one rig are only counted.
_TOLD = 4


class OnRig(Reporting):
    """A button that needs the list of the chosen rig."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A rig with a list."""
        if chosen_rig(context) is None:
            cls.poll_message_set("Select your own rig and press 'Use Selected Rig' first")  # type: ignore[attr-defined]
            return False
        return True

    def tell(self, chosen: Chosen) -> None:
        """Report what was found, and what could not be used."""
        for note in chosen.notes[:_TOLD]:
            self.report({"WARNING"}, said(note))
        if len(chosen.notes) > _TOLD:
            self.report({"WARNING"}, said(f"{len(chosen.notes) - _TOLD} more such sentences are left out"))
        self.report({"INFO"}, said(chosen.sentence))


class SEMBLANCE_OT_character_add(Reporting, bpy.types.Operator):
    """Append this character to the scene"""

    bl_idname = "semblance.character_add"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(name="Character", description="Name of one of the installed characters", default="Pip")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Who it is."""
        known = (profile for profile in readiness.current().characters if profile.name == properties.character)
        return next((f"{profile.description}" for profile in known), cls.__doc__ or "")

    def perform(self, context: bpy.types.Context) -> None:
        """Append and choose it."""
        scene = context.scene
        root = add_character(find_profile(self.character), scene)
        stand_beside(root, [actor.root for actor in scene.semblance.actors if actor.root is not None], scene)
        scene.semblance.character = root
        self.report({"INFO"}, said(f"Added {root.name}"))


class SEMBLANCE_OT_rig_use(OnRig, bpy.types.Operator):
    """Animate the selected armature or mesh: its controls are found, or taken from a preset that fits, and listed"""

    bl_idname = "semblance.rig_use"
    bl_label = "Use Selected Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something that could be a rig."""
        if not any(item.type in ("ARMATURE", "MESH") for item in context.selected_objects):
            cls.poll_message_set("Select the armature of your character, or the mesh of its face")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> None:
        """Find, list, choose."""
        for sentence in readiness.current().unread:
            self.report({"WARNING"}, said(sentence))
        self.tell(use_rig(context.selected_objects, context.scene))


class SEMBLANCE_OT_rig_find_again(OnRig, bpy.types.Operator):
    """Look at the rig once more, for controls that are new or gone"""

    bl_idname = "semblance.rig_find_again"
    bl_label = "Find Controls Again"
    bl_options = {"REGISTER", "UNDO"}

    keep: BoolProperty(name="Keep Corrections", default=True, description="Keep what was set on controls in the list")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What happens to the corrections."""
        if properties.keep:
            return said(
                "Look at the rig once more, for controls that are new or gone; what you have set on others stays"
            )
        return said("Forget what was set in the list and take the controls as they are found on the rig")

    def perform(self, context: bpy.types.Context) -> None:
        """Propose anew."""
        self.tell(find_again(require_rig(context), context.scene, self.keep))


class SEMBLANCE_OT_rig_forget(OnRig, bpy.types.Operator):
    """Take the list of controls out of this scene; the rig, its animation and saved presets stay"""

    bl_idname = "semblance.rig_forget"
    bl_label = "Forget This Rig"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Drop the list."""
        settings, rig = context.scene.semblance, require_rig(context)
        forget_actor(context.scene, rig.root)
        settings.rigs.remove(list(settings.rigs).index(rig))
        settings.character = None


class SEMBLANCE_OT_controls_list(Reporting, bpy.types.Operator):
    """List this character's controls, to set a gain, an offset, mute or mirror on single ones"""

    bl_idname = "semblance.controls_list"
    bl_label = "Adjust Single Controls"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Of the shown character."""
        root = required(shown_character(context.scene), "Add or choose a character first.")
        list_controls(root, context.scene)
        context.scene.semblance.character = root


class SEMBLANCE_OT_controls_reset(Reporting, bpy.types.Operator):
    """Let every control of this character be as it came: gain 1, no offset, not muted, not mirrored"""

    bl_idname = "semblance.controls_reset"
    bl_label = "Reset All Controls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A list."""
        return chosen_list(context) is not None

    def perform(self, context: bpy.types.Context) -> None:
        """Nothing else changes."""
        rig = require_list(context)
        with rig.quietly():
            for item in rig.controls:
                item.gain, item.offset, item.muted, item.mirrored = 1, 0, False, False


class SEMBLANCE_OT_controls_enable(Reporting, bpy.types.Operator):
    """Switch all listed controls on or off; with a search, those that it finds"""

    bl_idname = "semblance.controls_enable"
    bl_label = "Switch Listed Controls"
    bl_options = {"UNDO", "INTERNAL"}

    enabled: BoolProperty(name="Use", default=True, description="On or off")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """On or off."""
        if properties.enabled:
            return said("Switch all listed controls on; while you search, only those that are found")
        return said("Switch all listed controls off; while you search, only those that are found")

    def perform(self, context: bpy.types.Context) -> None:
        """Switch exactly what is listed, not the other side of it."""
        rig = require_list(context)
        rig.enable([
            self.enabled if shown else item.enabled for item, shown in zip(rig.controls, rig.shown(), strict=True)
        ])


class SEMBLANCE_OT_follow_add(OnRig, bpy.types.Operator):
    """Let the control follow one more part of the performance, and switch it on"""

    bl_idname = "semblance.follow_add"
    bl_label = "Follow"
    bl_options = {"UNDO", "INTERNAL"}

    def perform(self, context: bpy.types.Context) -> None:
        """An empty row that goes to the far end of the range."""
        control = active_control(context)
        far = control.maximum if control.maximum > control.neutral else control.minimum
        control.follows.add().amount = far - control.neutral
        control.enabled = True


class SEMBLANCE_OT_follow_remove(OnRig, bpy.types.Operator):
    """Let the control no longer follow this"""

    bl_idname = "semblance.follow_remove"
    bl_label = "Follow No More"
    bl_options = {"UNDO", "INTERNAL"}

    index: IntProperty(name="Row", description="Place in the list of what the control follows")

    def perform(self, context: bpy.types.Context) -> None:
        """Remove the row."""
        control = active_control(context)
        control.follows.remove(self.index)
        control.mirror_follows()


class SEMBLANCE_OT_neutral_from_pose(OnRig, bpy.types.Operator):
    """Take the values that the controls have now as their neutral, the resting face"""

    bl_idname = "semblance.neutral_from_pose"
    bl_label = "Neutral from Current Pose"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Read all controls that are carried."""
        rig = require_rig(context)
        profile = rig.profile()
        binding = bind(profile, context.scene, rig.root)
        values = profile.control_set.clamped(binding.read())
        with rig.quietly():
            for item, value, bound in zip(rig.controls, values.tolist(), binding.bound, strict=True):
                if bound:
                    item.neutral = value
        self.report({"INFO"}, said(f"The present pose is the neutral of {int(binding.bound.sum())} controls"))


def chosen_rig(context: bpy.types.Context) -> SEMBLANCE_PG_rig | None:
    """The list of the chosen rig; None for a character of Semblance's own."""
    rig = chosen_list(context)
    return None if rig is None or rig.is_ours else rig


def chosen_list(context: bpy.types.Context) -> SEMBLANCE_PG_rig | None:
    """The list of controls of the chosen character, also of one of Semblance's own; None without one."""
    return find_rig(context.scene, context.scene.semblance.character)


def require_list(context: bpy.types.Context) -> SEMBLANCE_PG_rig:
    """The list of controls of the chosen character.

    Raises:
        SemblanceError: if there is none.
    """
    sentence = "The chosen character has no list of controls yet; press 'Adjust Single Controls'."
    return required(chosen_list(context), sentence)


def require_rig(context: bpy.types.Context) -> SEMBLANCE_PG_rig:
    """The list of the chosen rig.

    Raises:
        SemblanceError: if there is none.
    """
    return required(chosen_rig(context), "No rig of your own is chosen; select it and press 'Use Selected Rig'.")


def active_control(context: bpy.types.Context) -> SEMBLANCE_PG_control:
    """The control whose details are shown.

    Raises:
        SemblanceError: if there is none.
    """
    return required(require_rig(context).active_control(), "Select a control in the list first.")
