"""The sidebar's "Learn This Rig": what a rig's controls do, from pictures or from key poses that the user sets."""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, nan
from pathlib import Path

import bpy
import numpy as np
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, PointerProperty

from ..characters.learned_rig import (
    LearnedRig,
    forget_learned,
    learned_path,
    read_learned,
    told,
    with_meanings,
    write_learned,
)
from ..characters.named_expressions import EXPRESSIONS
from ..characters.rig_learning import fit_poses, wanted_controls
from ..core.control_set import SIGNALS, ControlSet
from ..core.errors import SemblanceError
from ..core.rig_profile import read_profile
from . import learning_job, readiness
from .actors import SEMBLANCE_PG_value
from .binding import bind
from .control_list import SEMBLANCE_PG_rig, find_rig
from .folders import own_presets_folder
from .operator_kinds import BesideWindow, Cancelling, failure
from .rig_operators import OnRig, chosen_rig, require_rig
from .rig_presets import free_name, preset_path, save_preset
from .sentences import draw_sentence
from .sidebar import Sidebar, draw_progress
from .tracking_job import State
from .translations import said

_FAULTS = 5
"""So many sentences about controls are shown."""
_EXPLAINED = (
    "Draws this rig in a second Blender and finds out what each control does; its name does not matter. It takes some "
    "minutes, and Esc stops it."
)


@dataclass(frozen=True)
class _Result:
    """What the panel shows of a preset that was learned since Blender was started."""

    sentence: str
    faults: tuple[str, ...]
    sheet: str
    """Empty if there is none, as for key poses."""
    quality: dict[str, float]
    """Control → correlation in held-out pictures."""


_results: dict[str, _Result] = {}


class SEMBLANCE_PG_key_pose(bpy.types.PropertyGroup):
    """The values of a rig's controls for one expression, whose name is the property group's own."""

    root: PointerProperty(type=bpy.types.Object, name="Rig", description="The rig that has this pose")
    values: CollectionProperty(type=SEMBLANCE_PG_value, description="Where its controls stand in the pose")


class SEMBLANCE_OT_rig_learn(BesideWindow, OnRig, bpy.types.Operator):
    """Find out by pictures what the controls do. Blender stays free meanwhile; Esc stops it"""

    bl_idname = "semblance.rig_learn"
    bl_label = "Learn This Rig"
    bl_options = {"REGISTER", "UNDO"}
    job = learning_job

    everything: BoolProperty(
        name="All Controls", description="Also those that follow something already; what they follow is replaced",
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Which controls."""
        if properties.everything:
            return said("Find out by pictures what all controls do, also those that follow something already. "
                        "Blender stays free meanwhile; Esc stops it")
        return said("Find out by pictures what the controls do that follow nothing yet. Blender stays free meanwhile; "
                    "Esc stops it")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A rig with a list, and nothing being learned."""
        if learning_job.current() is not None:
            cls.poll_message_set("A rig is being learned already")
            return False
        return super().poll(context)

    def start(self, context: bpy.types.Context) -> None:
        """Learn on a copy of the open file."""
        rig = require_rig(context)
        wanted_controls(rig.profile().control_set, self.everything)
        learning_job.start(saved_preset(rig), rig.root.name, self.everything)
        self._scene, self._root = context.scene.name, rig.root.name

    def finish(self, context: bpy.types.Context, state: State) -> str:
        """Let the rig follow what was learned."""
        scene = bpy.data.scenes.get(self._scene)
        rig = find_rig(scene, bpy.data.objects.get(self._root)) if scene else None
        if rig is None or state.take is None:
            raise SemblanceError("The rig that was being learned is gone.")
        profile = read_profile(Path(rig.preset))
        sentence = take_learned(rig, profile.control_set, read_learned(state.take, profile.control_set))
        readiness.refresh()
        return sentence


class SEMBLANCE_OT_rig_learn_cancel(Cancelling, bpy.types.Operator):
    """Stop learning; nothing is kept (Esc does the same)"""

    bl_idname = "semblance.rig_learn_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}
    job = learning_job


class SEMBLANCE_OT_learned_forget(OnRig, bpy.types.Operator):
    """Delete what was learned of this rig; its controls follow what the list says"""

    bl_idname = "semblance.learned_forget"
    bl_label = "Forget What Was Learned"

    def perform(self, context: bpy.types.Context) -> None:
        """Remove the file and the sheet beside the preset."""
        rig = require_rig(context)
        _results.pop(rig.preset, None)
        there = bool(rig.preset) and forget_learned(Path(rig.preset))
        self.report({"INFO"}, "What was learned is forgotten" if there else "Nothing was learned of this rig")


class SEMBLANCE_OT_key_pose_set(OnRig, bpy.types.Operator):
    """Keep the pose that the rig has now as its pose for an expression"""

    bl_idname = "semblance.key_pose_set"
    bl_label = "Set Key Pose"
    bl_options = {"REGISTER", "UNDO"}

    expression: EnumProperty(
        name="Expression", items=[(name, name, f"The rig shows: {name.lower()}") for name in EXPRESSIONS],
        description="What the pose shows",
    )

    def perform(self, context: bpy.types.Context) -> None:
        """Read all controls; those that are switched off too."""
        rig = require_rig(context)
        profile = rig.profile()
        controls = ControlSet(tuple(replace(control, enabled=True) for control in profile.control_set.controls))
        binding = bind(replace(profile, control_set=controls), context.scene, rig.root)
        same = (each for each in key_poses(context.scene, rig) if each.name == self.expression)
        pose = next(same, None) or context.scene.semblance_key_poses.add()
        pose.name, pose.root = self.expression, rig.root
        pose.values.clear()
        for name, value in zip(controls.names, controls.clamped(binding.read()).tolist(), strict=True):
            item = pose.values.add()
            item.name, item.value = name, value
        count = len(key_poses(context.scene, rig))
        self.report({"INFO"}, said(f"'{self.expression}' is set; {count} key poses in all"))


class SEMBLANCE_OT_key_poses_clear(OnRig, bpy.types.Operator):
    """Forget all key poses of this rig"""

    bl_idname = "semblance.key_poses_clear"
    bl_label = "Clear Key Poses"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Those of other rigs stay."""
        rig, poses = require_rig(context), context.scene.semblance_key_poses
        for index in reversed(range(len(poses))):
            if poses[index].root in (rig.root, None):
                poses.remove(index)


class SEMBLANCE_OT_key_poses_learn(OnRig, bpy.types.Operator):
    """Let the controls follow the performance as the key poses show; without drawing anything"""

    bl_idname = "semblance.key_poses_learn"
    bl_label = "Learn from Key Poses"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Fit, keep beside the preset, list."""
        rig = require_rig(context)
        controls = rig.profile().control_set
        poses = key_poses(context.scene, rig)
        values = [[each.values[name].value if name in each.values else neutral for name, neutral in
                   zip(controls.names, controls.neutral.tolist(), strict=True)] for each in poses]
        signals = np.array([EXPRESSIONS[each.name] for each in poses]).reshape(len(poses), len(SIGNALS))
        learned = fit_poses(controls, signals, np.array(values).reshape(len(poses), len(controls)))
        forget_learned(saved_preset(rig))
        sentence = take_learned(rig, with_meanings(controls, learned), learned)
        path = saved_preset(rig)
        write_learned(learned_path(path), learned, read_profile(path).control_set)
        self.report({"INFO"}, said(sentence))


class SEMBLANCE_PT_learn(Sidebar, bpy.types.Panel):
    """Learning what the controls of the chosen rig do."""

    bl_label = "Learn This Rig"
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A rig of the user's own."""
        return chosen_rig(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The button or how far it is, what came out, key poses."""
        layout, rig = self.layout, require_rig(context)
        if learning_job.current() is not None:
            state = learning_job.state()
            done = f"{state.done} of {state.total} pictures"
            draw_progress(layout, state, done, SEMBLANCE_OT_rig_learn_cancel.bl_idname)
        else:
            _draw_buttons(layout, context, rig)
        _draw_key_poses(layout, context, rig)


def saved_preset(rig: SEMBLANCE_PG_rig) -> Path:
    """The list saved as a preset, under a free name if another rig's preset has its own.

    Raises:
        SemblanceError: as `save_preset`.
    """
    folder, found = own_presets_folder(), readiness.current()
    path = preset_path(folder, rig.name)
    if path.is_file() and str(path) != rig.preset:
        rig.name = free_name(rig.name, [each.name for each in (*found.characters, *found.presets)])
    path = save_preset(rig.profile(), folder, [each.name for each in found.characters])
    rig.preset = str(path)
    readiness.refresh()
    return path


def take_learned(rig: SEMBLANCE_PG_rig, controls: ControlSet, learned: LearnedRig) -> str:
    """List what the learned controls follow now, and tell how it went."""
    found = {control.name: control for column, control in enumerate(controls.controls) if learned.learned[column]}
    with rig.quietly():
        for item in rig.controls:
            if item.name in found:
                item.set_follows(found[item.name].meaning)
                item.enabled = found[item.name].enabled
    sentence, sheet = told(learned), learned_path(Path(rig.preset)).with_suffix(".png")
    quality = dict(zip(controls.names, learned.quality.tolist(), strict=True))
    _results[rig.preset] = _Result(sentence, learned.faults, str(sheet) if sheet.is_file() else "", quality)
    return sentence


def key_poses(scene: bpy.types.Scene, rig: SEMBLANCE_PG_rig) -> list[SEMBLANCE_PG_key_pose]:
    """Those of this rig whose expression is known."""
    return [each for each in scene.semblance_key_poses if each.root == rig.root and each.name in EXPRESSIONS]


def register() -> None:
    """Called after the classes are registered."""
    bpy.types.Scene.semblance_key_poses = CollectionProperty(type=SEMBLANCE_PG_key_pose)


def unregister() -> None:
    """Called before the classes are unregistered, also while a rig is being learned."""
    SEMBLANCE_OT_rig_learn.stop()
    _results.clear()
    if hasattr(bpy.types.Scene, "semblance_key_poses"):
        del bpy.types.Scene.semblance_key_poses


def _draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, rig: SEMBLANCE_PG_rig) -> None:
    unknown = sum(not item.follows for item in rig.controls)
    row = layout.row(align=True)
    row.scale_y = 1.2
    column = row.column(align=True)
    if unknown:
        text = f"Learn {unknown} Unknown Controls" if unknown < len(rig.controls) else "Learn This Rig"
        column.operator(SEMBLANCE_OT_rig_learn.bl_idname, text=text, icon="VIEWZOOM").everything = False
    if unknown < len(rig.controls):
        column.operator(SEMBLANCE_OT_rig_learn.bl_idname, text="Learn All Controls").everything = True
    row.operator(SEMBLANCE_OT_learned_forget.bl_idname, text="", icon="TRASH")
    if sentence := failure(learning_job):
        draw_sentence(layout, context, sentence, "ERROR")
    result = _results.get(rig.preset)
    if result is None:
        draw_sentence(layout, context, _EXPLAINED)
        return
    draw_sentence(layout, context, result.sentence, "CHECKMARK")
    for sentence in result.faults[:_FAULTS]:
        draw_sentence(layout, context, sentence, "ERROR")
    if len(result.faults) > _FAULTS:
        layout.label(text=said(f"{len(result.faults) - _FAULTS} more such controls"))
    control = rig.active_control()
    if control is not None and isfinite(quality := result.quality.get(control.name, nan)):
        layout.label(text=said(f"{control.name}: correlation {quality:.2f}"))
    if result.sheet:
        layout.operator("wm.path_open", text="Show Sheet", icon="IMAGE_DATA").filepath = result.sheet


def _draw_key_poses(layout: bpy.types.UILayout, context: bpy.types.Context, rig: SEMBLANCE_PG_rig) -> None:
    count = len(key_poses(context.scene, rig))
    column = layout.column(align=True)
    column.label(text=said(f"Key Poses: {count}") if count else "Key Poses (where pictures do not tell)")
    column.operator_menu_enum(SEMBLANCE_OT_key_pose_set.bl_idname, "expression", text="Set Present Pose As")
    if count:
        row = column.row(align=True)
        row.operator(SEMBLANCE_OT_key_poses_learn.bl_idname, icon="POSE_HLT")
        row.operator(SEMBLANCE_OT_key_poses_clear.bl_idname, text="", icon="X")
