"""The digital twin: what was sent to a robot head, shown beside the characters.

A head whose actuators are the controls of one of our characters is shown by that character; any other by one labelled
bar for each actuator. All of it lies in a collection of its own, does not render, and is taken away as a whole;
nothing else of the scene is touched.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import bpy
import numpy as np
from mathutils import Vector

from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..robot.actuator_map import RobotMap
from . import readiness
from .binding import bind
from .live_puppet import Puppet

ROOT: Final = "*"
"""Name of the part that is the character's root; actuators have other names."""
_APART: Final = 0.3
_ROW: Final = 0.16
_TEXT: Final = 0.13
_HALF: Final = 0.9
"""Length of a bar at u = 1."""
_THICK: Final = 0.045
_COLORS: Final = (
    (0.95, 0.55, 0.15), (0.25, 0.65, 0.95), (0.45, 0.8, 0.35), (0.9, 0.35, 0.45), (0.7, 0.5, 0.9), (0.9, 0.8, 0.3),
    (0.3, 0.75, 0.7), (0.75, 0.6, 0.5),
)
_SEEN: Final = ("MESH", "CURVE", "FONT")
_puppets: dict[str, Puppet] = {}


def show(scene: bpy.types.Scene, robot: RobotMap) -> None:
    """Make the twin of `robot` to the right of all that is there; an earlier one is taken away.

    Raises:
        SemblanceError: if the character's file is missing or cannot be read.
    """
    remove(scene)
    edge = _right_edge(scene)
    collection = bpy.data.collections.new(f"Robot Twin {robot.name}")
    collection.hide_render = True
    scene.collection.children.link(collection)
    settings = scene.semblance_robot
    settings.twin = collection
    parts = build(robot, collection)
    if ROOT in parts:
        parts[ROOT].name, parts[ROOT].semblance_is_twin = f"Twin of {robot.name}", True
    names = {item: name for name, item in parts.items()}
    for item in list(collection.all_objects):
        part = settings.parts.add()
        part.name, part.item, item.hide_select = names.get(item, ""), item, True
    bpy.context.view_layer.update()
    left = min((span[0] for item in collection.all_objects if (span := _span(item))), default=0.0)
    for item in (parts[ROOT],) if ROOT in parts else tuple(collection.all_objects):
        item.location.x += edge + _APART - left


def remove(scene: bpy.types.Scene) -> None:
    """Take the twin away; what somebody else has put into its collection stays in the scene."""
    settings, collection = scene.semblance_robot, scene.semblance_robot.twin
    _puppets.clear()
    ours = [part.item for part in settings.parts if part.item is not None]
    data = {item.data for item in ours if item.data is not None}
    bpy.data.batch_remove(ours)
    bpy.data.batch_remove([each for each in data if each.users == 0])
    settings.parts.clear()
    if collection is not None:
        for item in list(collection.all_objects):
            if item.name not in scene.collection.objects:
                scene.collection.objects.link(item)
        children = list(collection.children_recursive)
        bpy.data.batch_remove([*children, collection])
    settings.twin = None


def play(scene: bpy.types.Scene, robot: RobotMap, u: np.ndarray) -> None:
    """Show what was sent, u [N]; nothing happens without a twin of this robot."""
    settings = scene.semblance_robot
    if settings.twin is None or len(u) != len(robot):
        return
    pose(scene, robot, {part.name: part.item for part in settings.parts if part.name and part.item is not None}, u)


def build(robot: RobotMap, collection: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    """Put the twin into `collection`, around the origin; returns what `pose` moves.

    Raises:
        SemblanceError: if the character's file is missing or cannot be read.
    """
    profile = _character(robot)
    return _bars(robot, collection) if profile is None else {ROOT: _append(profile, collection)}


def pose(scene: bpy.types.Scene, robot: RobotMap, parts: Mapping[str, bpy.types.Object], u: np.ndarray) -> None:
    """Show u [N] on the parts that `build` made, as far as they are still there."""
    if ROOT in parts:
        _pose(scene, robot, parts[ROOT], u)
        return
    for name, value in zip(robot.index, np.round(u, 4).tolist(), strict=True):
        item = parts.get(name)
        if item is not None and abs(item.scale.x - value * _HALF) > 1e-4:
            item.scale.x = value * _HALF


def forget() -> None:
    """Undo or another file: look everything up anew."""
    _puppets.clear()


def _character(robot: RobotMap) -> RigProfile | None:
    """The character that has a control for each actuator, in the same units."""
    names = {actuator.name for actuator in robot.actuators if actuator.travel.unit == "native"}
    if len(names) < len(robot):
        return None
    return next((each for each in readiness.current().characters if names <= set(each.control_set.names)), None)


def _pose(scene: bpy.types.Scene, robot: RobotMap, root: bpy.types.Object, u: np.ndarray) -> None:
    profile = _character(robot)
    if profile is None or root.mode == "EDIT":
        return
    puppet = _puppets.get(root.name)
    if puppet is None:
        try:
            puppet = _puppets[root.name] = Puppet(bind(profile, scene, root))
        except SemblanceError:  # its bones are gone
            return
    controls = profile.control_set
    values = controls.neutral.copy()
    values[[controls.names.index(name) for name in robot.index]] = robot.raw(u)
    puppet.play(values)


def _append(profile: RigProfile, collection: bpy.types.Collection) -> bpy.types.Object:
    path = profile.blend
    try:
        if path is None:
            raise OSError
        with bpy.data.libraries.load(str(path)) as (stored, wanted):
            wanted.collections = [name for name in stored.collections if name == profile.name]
        appended = wanted.collections[0]
    except (OSError, IndexError) as error:
        raise SemblanceError(f"'{path}' is missing or damaged; install Semblance again.") from error
    collection.children.link(appended)
    return next(item for item in appended.all_objects if item.type == "ARMATURE" and item.parent is None)


def _bars(robot: RobotMap, collection: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    """One bar for each actuator over a dark track, labelled; all in the plane that a front view sees."""
    top = (len(robot) - 1) * _ROW / 2
    rows = {name: top - i * _ROW for i, name in enumerate(robot.index)}
    still = [
        _mesh("Robot Tracks", [(-_HALF, _HALF, z, _THICK, 0.02) for z in rows.values()], (0.08, 0.08, 0.08)),
        _mesh("Robot Neutral", [(-0.008, 0.008, 0.0, top + _ROW, 0.0)], (0.5, 0.5, 0.5)),
        _label("\n".join(rows), (-_HALF - 0.1, top - _TEXT / 3), _TEXT, "RIGHT", _ROW / _TEXT),
        _label(f"{robot.name}: as sent", (-_HALF, top + 1.6 * _ROW), _TEXT * 1.4, "LEFT", 1),
    ]
    bars: dict[str, bpy.types.Object] = {}
    groups = list(robot.groups)
    for actuator in robot.actuators:
        color = _COLORS[groups.index(actuator.group) % len(_COLORS)]
        bar = _mesh(f"Robot {actuator.name}", [(0.0, 1.0, 0.0, _THICK, -0.01)], color)
        bar.location.z, bar.scale.x = rows[actuator.name], 0.0
        bars[actuator.name] = bar
    for item in (*still, *bars.values()):
        collection.objects.link(item)
    return bars


def _mesh(
    name: str, boxes: Iterable[tuple[float, float, float, float, float]], color: tuple[float, float, float]
) -> bpy.types.Object:
    """Boxes (from x, to x, middle z, half their height, y of the front) as one object."""
    points: list[tuple[float, float, float]] = []
    faces: list[tuple[int, ...]] = []
    for low, high, z, half, y in boxes:
        k = len(points)
        points += [(x, y + depth, z + side) for depth in (0, 0.02) for side in (-half, half) for x in (low, high)]
        faces += [tuple(k + i for i in face) for face in (
            (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    mesh.materials.append(_material(color))
    return bpy.data.objects.new(name, mesh)


def _label(text: str, at: tuple[float, float], size: float, align: str, spacing: float) -> bpy.types.Object:
    curve = bpy.data.curves.new("Robot Label", "FONT")
    curve.body, curve.size, curve.align_x, curve.space_line = text, size, align, spacing
    curve.materials.append(_material((0.85, 0.85, 0.85)))
    item = bpy.data.objects.new("Robot Label", curve)
    item.location.x, item.location.z, item.rotation_euler.x = *at, np.pi / 2
    return item


def _material(color: tuple[float, float, float]) -> bpy.types.Material:
    """One for each color, shared."""
    name = "Robot Twin " + "".join(f"{round(255 * part):02x}" for part in color)
    material = bpy.data.materials.get((name, None)) or bpy.data.materials.new(name)
    material.diffuse_color = (*color, 1.0)
    return material


def box(collection: bpy.types.Collection) -> tuple[Vector, Vector]:
    """Lowest and highest corner of what can be seen of a twin."""
    corners = [item.matrix_world @ Vector(corner) for item in collection.all_objects
               if item.type in _SEEN and not item.hide_viewport for corner in item.bound_box]
    low, high = (Vector(pick(corner[axis] for corner in corners) for axis in range(3)) for pick in (min, max))
    return low, high


def _right_edge(scene: bpy.types.Scene) -> float:
    return max((span[1] for item in scene.objects if (span := _span(item))), default=0.0)


def _span(item: bpy.types.Object) -> tuple[float, float] | None:
    """Lowest and highest x of what can be seen; the bones of a hidden armature do not count."""
    if item.type not in (*_SEEN, "ARMATURE") or item.hide_viewport:
        return None
    across = [(item.matrix_world @ Vector(corner)).x for corner in item.bound_box]
    return (min(across), max(across)) if max(across) > min(across) else None
