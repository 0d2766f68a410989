"""Pip's armature: the face board, its limits and locks, and the drivers from controls to shape keys and bones."""
from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ..building.body import add_bones, dress_bones
from ..building.rig import (
    Row,
    Wiring,
    add_bone,
    add_property,
    key_expressions,
    new_armature,
    read_keys,
    read_rows,
    widgets,
)
from . import body
from .form import EYE, JAW

TRAVEL = 0.1
BOARD = np.array([2.35, -0.9, 0.1])
GAZE_YAW, GAZE_PITCH = 0.61, 0.48
"""rad: how far the eyes turn at the sliders' ends."""
HOLDER = "CTRL-face"
MECHANISM = "MCH-lids"
FACE = ("DEF-jaw", "DEF-eye.L", "DEF-eye.R")
"""Bones that controls of the face move."""
SWITCH = "body"
"""The armature's property that shows the body instead of the bust."""
HERE = Path(__file__).parent
ROWS = read_rows(HERE / "controls.toml", HOLDER)
TABLE = read_keys(HERE / "keys.toml")
KEYS = key_expressions(TABLE, "central", "tongue")
"""Shape key → (expression in controls, side)."""


def build_armature(collection: bpy.types.Collection, hidden: bpy.types.Collection) -> bpy.types.Object:
    """The armature object "Pip" in rest pose, with limits, locks and custom shapes."""
    with new_armature("Pip", collection, ROWS) as armature:
        _edit_bones(armature)
    shapes = widgets(hidden)
    for row in ROWS:
        if row.kind == "property":
            add_property(armature.pose.bones[row.bone], row)
    _dress(armature, ROWS, shapes)
    _dress_body(armature, shapes)
    _bone_drivers(armature)
    armature.show_in_front = True
    return armature


def _edit_bones(armature: bpy.types.Object) -> None:
    add_bone(armature, "root", [0, 0, body.FLOOR], 0.4)
    add_bones(armature, body.bones())
    add_bone(armature, body.NECK, [0, 0.18, -1.5], 0.7, "DEF-spine.003", deform=True)
    add_bone(armature, body.HEAD, [0, 0.14, -0.80], 0.5, body.NECK)
    add_bone(armature, "CTRL-head", [0, 0.14, -0.80], 0.5, body.HEAD, deform=True)
    add_bone(armature, "DEF-jaw", JAW.pivot, 0.2, "CTRL-head")
    add_bone(armature, MECHANISM, [0, 0.5, 0.0], 0.2, "CTRL-head")
    for side, sign in ((".L", 1), (".R", -1)):
        add_bone(armature, "DEF-eye" + side, EYE.centre * [sign, 1, 1], 0.2, "CTRL-head")
    add_bone(armature, HOLDER, BOARD + [0, 0, 1.5], 0.2, "root")
    for row in ROWS:
        if row.kind == "slider" and row.bone not in armature.data.edit_bones:
            place, frame = BOARD + [row.at[0], 0, row.at[1]], "FRAME-" + row.bone.removeprefix("CTRL-")
            add_bone(armature, frame, place, TRAVEL, HOLDER)
            add_bone(armature, row.bone, place, TRAVEL, frame)


def _dress(armature: bpy.types.Object, rows: list[Row], shapes: dict[str, bpy.types.Object]) -> None:
    """Custom shapes, bone collections and colours."""
    data, bones = armature.data, armature.pose.bones
    layers = {name: data.collections.new(name) for name in ("Controls", "Board", "Deform")}
    layers["Deform"].is_visible = False
    colour = {"L": "THEME04", "R": "THEME01"}
    for bone in bones:
        kind = "Board" if bone.name.startswith("FRAME-") else "Controls" if bone.name.startswith("CTRL-") else "Deform"
        layers[kind].assign(data.bones[bone.name])
        bone.color.palette = colour.get(bone.name[-1], "THEME09") if kind == "Controls" else "DEFAULT"
        bone.use_custom_shape_bone_size = False
        if kind == "Board":
            own = {row.what: row for row in rows if row.bone == "CTRL-" + bone.name.removeprefix("FRAME-")}
            spans = [(own[a].minimum, own[a].maximum) if a in own else (0.0, 0.0) for a in "XY"]
            bone.custom_shape = shapes["frame"]
            bone.custom_shape_scale_xyz = [(high - low) / 2 + 0.02 for low, high in spans] + [1]
            bone.custom_shape_translation = [(high + low) / 2 for low, high in spans] + [0]
            data.bones[bone.name].hide_select = True
        elif bone.name == HOLDER:
            bone.custom_shape, bone.custom_shape_scale_xyz = shapes["knob"], (0.12, 0.12, 0.12)
        elif bone.name == "CTRL-head":
            bone.custom_shape, bone.custom_shape_scale_xyz = shapes["ring"], (1.25, 1.25, 1.25)
        elif kind == "Controls":
            bone.custom_shape, bone.custom_shape_scale_xyz = shapes["knob"], (0.028, 0.028, 0.028)


def _dress_body(armature: bpy.types.Object, shapes: dict[str, bpy.types.Object]) -> None:
    """A layer for the body's bones, and the switch that shows it."""
    names = [*(bone.name for bone in armature.data.bones if bone.name.startswith("DEF-") and bone.name not in FACE)]
    dress_bones(armature, names, shapes["ring"])
    armature.pose.bones["DEF-spine"].lock_location = (False, False, False)
    layer = armature.data.collections.new("Body")
    for name in names:
        armature.data.collections["Deform"].unassign(armature.data.bones[name])
        layer.assign(armature.data.bones[name])
    armature[SWITCH] = False
    armature.id_properties_ui(SWITCH).update(default=False, description="Show Pip's body and its bones, not the bust")
    armature.property_overridable_library_set(f'["{SWITCH}"]', True)
    shown_by(armature, armature.data, f'collections["{layer.name}"].is_visible', True)


def shown_by(armature: bpy.types.Object, owner: bpy.types.ID, path: str, as_it_is: bool) -> None:
    """Drive a switch of `owner` by that of the body, or by its opposite."""
    driver = owner.driver_add(path).driver
    driver.type, driver.expression = "SCRIPTED", "a" if as_it_is else "1 - a"
    variable = driver.variables.new()
    variable.name, target = "a", variable.targets[0]
    target.id, target.data_path = armature, f'["{SWITCH}"]'


def wiring(armature: bpy.types.Object) -> Wiring:
    """For drivers in Pip's controls."""
    return Wiring(armature, ROWS, MECHANISM)


def _bone_drivers(armature: bpy.types.Object) -> None:
    bones, wires = armature.pose.bones, wiring(armature)
    for side in (".L", ".R"):
        sign = "" if side == ".L" else "-"
        wires.drive(bones["DEF-eye" + side], "rotation_euler", 0, f"-{GAZE_PITCH}*eye_y", side)
        wires.drive(bones["DEF-eye" + side], "rotation_euler", 1, f"{sign}{GAZE_YAW}*eye_x", side)
        for name, expression in TABLE["mechanism"].items():
            bones[MECHANISM][name + side] = 0.0
            wires.drive(bones[MECHANISM], f'["{name}{side}"]', -1, expression, side)
    jaw = bones["DEF-jaw"]
    wires.drive(jaw, "rotation_euler", 0, f"-{JAW.open}*jaw_open")
    wires.drive(jaw, "location", 0, f"{JAW.side}*jaw_side")
    wires.drive(jaw, "location", 2, f"{JAW.forward}*jaw_forward")
