"""Pip's armature: the face board, its limits and locks, and the drivers from controls to shape keys and bones."""
from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import surface
from shapes import JAW_FORWARD, JAW_OPEN, JAW_SIDE

TRAVEL = 0.1
BOARD = np.array([2.35, -0.9, 0.1])
GAZE_YAW, GAZE_PITCH = 0.61, 0.48
"""rad: how far the eyes turn at the sliders' ends."""
HOLDER = "CTRL-face"
MECHANISM = "MCH-lids"
HERE = Path(__file__).parent
_AXES = "XYZ"


@dataclass(frozen=True)
class Row:
    """One control of the table controls.toml, a side already chosen."""

    name: str
    kind: str
    """slider, property or rotation."""
    bone: str
    what: str
    """Axis, or the property's name."""
    minimum: float
    maximum: float
    group: str
    pair: str
    mirror_sign: int
    at: tuple[float, float]

    @property
    def outward(self) -> int:
        """-1 where the slider's axis points inwards on this side, seen as the left side sees it."""
        return -1 if self.name.endswith(".R") and self.mirror_sign < 0 else 1


def read_rows() -> list[Row]:
    """All controls in profile order."""
    with (HERE / "controls.toml").open("rb") as file:
        table = tomllib.load(file)["control"]
    rows = []
    for entry in table:
        for side in (".L", ".R") if entry.get("sided") else ("",):
            rows.append(_row(entry, side))
    return rows


def _row(entry: dict, side: str) -> Row:
    kind = next(k for k in ("slider", "property", "rotation") if k in entry)
    bone, what = (HOLDER, entry["property"] + side) if kind == "property" else (entry[kind][0] + side, entry[kind][1])
    sign = entry.get("mirror_sign", 1)
    low, high = entry["range"]
    x, y = entry.get("at", (0.0, 0.0))
    if side == ".R":
        x = -x
        low, high = (low, high) if sign > 0 else (-high + 0.0, -low + 0.0)
    other = {".L": ".R", ".R": ".L", "": ""}[side]
    return Row(entry["name"] + side, kind, bone, what, low, high, entry["group"], entry["name"] + other, sign, (x, y))


def build_armature(collection: bpy.types.Collection, widgets: bpy.types.Collection) -> bpy.types.Object:
    """The armature object "Pip" in rest pose, with limits, locks and custom shapes."""
    armature = bpy.data.objects.new("Pip", bpy.data.armatures.new("Pip"))
    collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    rows = read_rows()
    _edit_bones(armature, rows)
    bpy.ops.object.mode_set(mode="OBJECT")
    shapes = _widgets(widgets)
    for bone in armature.pose.bones:
        bone.rotation_mode = "ZXY"
        bone.lock_location = bone.lock_rotation = bone.lock_scale = (True, True, True)
        bone.lock_rotation_w = True
    for row in rows:
        if row.kind == "property":
            _property(armature, row)
    for name in dict.fromkeys(row.bone for row in rows if row.kind != "property"):
        _limits(armature.pose.bones[name], [row for row in rows if row.bone == name])
    _dress(armature, rows, shapes)
    _bone_drivers(armature, rows)
    armature.show_in_front = True
    return armature


def _edit_bones(armature: bpy.types.Object, rows: list[Row]) -> None:
    def bone(name: str, head: np.ndarray, length: float, parent: str = "", deform: bool = False) -> None:
        new = armature.data.edit_bones.new(name)
        new.head, new.tail, new.roll = head, np.add(head, [0, 0, length]), 0.0
        new.use_deform = deform
        if parent:
            new.parent = armature.data.edit_bones[parent]

    bone("root", [0, 0, -2.1], 0.4)
    bone("neck", [0, 0.18, -1.5], 0.7, "root", deform=True)
    bone("CTRL-head", [0, 0.14, -0.80], 0.5, "neck", deform=True)
    bone("DEF-jaw", surface.JAW_PIVOT, 0.2, "CTRL-head")
    bone(MECHANISM, [0, 0.5, 0.0], 0.2, "CTRL-head")
    for side, sign in ((".L", 1), (".R", -1)):
        bone("DEF-eye" + side, surface.EYE * [sign, 1, 1], 0.2, "CTRL-head")
    bone(HOLDER, BOARD + [0, 0, 1.5], 0.2, "root")
    for row in rows:
        if row.kind == "slider" and row.bone not in armature.data.edit_bones:
            place = BOARD + [row.at[0], 0, row.at[1]]
            bone("FRAME-" + row.bone.removeprefix("CTRL-"), place, TRAVEL, HOLDER)
            bone(row.bone, place, TRAVEL, "FRAME-" + row.bone.removeprefix("CTRL-"))


def _property(armature: bpy.types.Object, row: Row) -> None:
    holder = armature.pose.bones[row.bone]
    holder[row.what] = 0.0
    holder.id_properties_ui(row.what).update(
        min=row.minimum, max=row.maximum, soft_min=row.minimum, soft_max=row.maximum, default=0.0,
        description=f"{row.group}: {row.name}",
    )
    holder.property_overridable_library_set(f'["{row.what}"]', True)


def _limits(bone: bpy.types.PoseBone, rows: list[Row]) -> None:
    rotation = rows[0].kind == "rotation"
    limit = bone.constraints.new("LIMIT_ROTATION" if rotation else "LIMIT_LOCATION")
    limit.owner_space, limit.use_transform_limit = "LOCAL", True
    if rotation:
        limit.euler_order = "ZXY"
    ranges = {row.what: (row.minimum, row.maximum) for row in rows}
    locks = list(bone.lock_rotation if rotation else bone.lock_location)
    for axis, letter in enumerate(_AXES):
        low, high = ranges.get(letter, (0.0, 0.0))
        name = letter.lower()
        if rotation:
            setattr(limit, f"use_limit_{name}", True)
        else:
            setattr(limit, f"use_min_{name}", True)
            setattr(limit, f"use_max_{name}", True)
        setattr(limit, f"min_{name}", low)
        setattr(limit, f"max_{name}", high)
        locks[axis] = letter not in ranges
    if rotation:
        bone.lock_rotation = locks
    else:
        bone.lock_location = locks


def _widgets(collection: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = [(np.cos(a), np.sin(a), 0) for a in turn]
    square = [(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]
    ring = [(np.cos(a), 0, np.sin(a)) for a in turn]
    shapes = {}
    for name, points in (("knob", circle), ("frame", square), ("ring", ring)):
        mesh = bpy.data.meshes.new("WGT-" + name)
        count = len(points)
        mesh.from_pydata(points, [(i, (i + 1) % count) for i in range(count)], [])
        shapes[name] = bpy.data.objects.new("WGT-" + name, mesh)
        collection.objects.link(shapes[name])
    return shapes


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


def _bone_drivers(armature: bpy.types.Object, rows: list[Row]) -> None:
    bones = armature.pose.bones
    for side in (".L", ".R"):
        sign = "" if side == ".L" else "-"
        drive(bones["DEF-eye" + side], "rotation_euler", 0, f"-{GAZE_PITCH}*eye_y", armature, rows, side)
        drive(bones["DEF-eye" + side], "rotation_euler", 1, f"{sign}{GAZE_YAW}*eye_x", armature, rows, side)
        for name, expression in _table()["mechanism"].items():
            bones[MECHANISM][name + side] = 0.0
            drive(bones[MECHANISM], f'["{name}{side}"]', -1, expression, armature, rows, side)
    jaw = bones["DEF-jaw"]
    drive(jaw, "rotation_euler", 0, f"-{JAW_OPEN}*jaw_open", armature, rows)
    drive(jaw, "location", 0, f"{JAW_SIDE}*jaw_side", armature, rows)
    drive(jaw, "location", 2, f"{JAW_FORWARD}*jaw_forward", armature, rows)


def drive(owner: bpy.types.bpy_struct, path: str, index: int, expression: str, armature: bpy.types.Object,
          rows: list[Row], side: str = "") -> None:
    """Drive a channel by an expression in control names, each scaled to +-1."""
    by_name = {row.name: row for row in rows}
    curve = owner.driver_add(path, index) if index >= 0 else owner.driver_add(path)
    while curve.modifiers:
        curve.modifiers.remove(curve.modifiers[0])
    letters = iter("abcdefgh")

    def variable(name: str) -> str:
        row = by_name.get(name + side) or by_name.get(name)
        letter = next(letters)
        new = curve.driver.variables.new()
        new.name = letter
        target = new.targets[0]
        if row is None or row.kind == "property":
            bone, key = (row.bone, row.what) if row else (MECHANISM, name + side)
            new.type = "SINGLE_PROP"
            target.id, target.data_path = armature, f'pose.bones["{bone}"]["{key}"]'
            return letter
        new.type = "TRANSFORMS"
        target.id, target.bone_target = armature, row.bone
        target.transform_type, target.transform_space = f"LOC_{row.what}", "LOCAL_SPACE"
        return f"({row.outward * round(1 / TRAVEL)}*{letter})"

    names = sorted(set(re.findall(r"[a-z_]+", expression)) - {"max", "min", "abs", "clamp"})
    short = {name: variable(name) for name in names}
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = re.sub(r"[a-z_]+", lambda m: short.get(m.group(), m.group()), expression)


def key_expressions() -> dict[str, tuple[str, str]]:
    """Shape key → (expression in controls, side)."""
    table, keys = _table(), {}
    for name, expression in table["sided"].items():
        keys |= {name + side: (expression, side) for side in (".L", ".R")}
    return keys | {name: (expression, "") for name, expression in (table["central"] | table["tongue"]).items()}


def _table() -> dict[str, dict[str, str]]:
    with (HERE / "keys.toml").open("rb") as file:
        return tomllib.load(file)


def profile_text(rows: list[Row]) -> str:
    """profile.toml as the rig was built."""
    lines = [
        "# Written by build.py from controls.toml; change that and build again.", "schema = 1", 'name = "Pip"',
        'description = "A cartoon child: face-board sliders, custom properties and a head bone"', 'blend = "pip.blend"',
        'armature = "Pip"',
    ]
    for row in rows:
        lines += ["", "[[control]]", f'name = "{row.name}"', f'bone = "{row.bone}"']
        if row.kind == "property":
            lines.append(f'property = "{row.what}"')
        else:
            channel = "location" if row.kind == "slider" else "rotation_euler"
            lines += [f'channel = "{channel}"', f'axis = "{row.what}"']
        lines += [f"minimum = {row.minimum}", f"maximum = {row.maximum}", "neutral = 0.0", f'group = "{row.group}"',
                  f'pair = "{row.pair}"', f"mirror_sign = {row.mirror_sign}"]
    return "\n".join(lines) + "\n"
