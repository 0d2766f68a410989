"""Pictures of a robot's digital twin doing what was sent to the head, on a stage of its own."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import bpy
import numpy as np

from ..robot.actuator_map import RobotMap
from . import robot_twin
from .rendering import front_camera, render_clip
from .scenes import open_scene

_FILL: Final = 0.94
_CLOSER: Final = 1.5
_UPWARDS: Final = 0.1
"""Of a character the face is looked at, not the shoulders."""


def render_twin(
    robot: RobotMap, u: np.ndarray, folder: Path, side: int, progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """A square PNG picture, `side` px wide, of each row of u [T, N]; what was open in this Blender before is gone.

    Raises:
        SemblanceError: if the twin's file is missing, or nothing can be drawn or written here.
    """
    scene = open_scene(None)
    collection = bpy.data.collections.new(robot.name)
    scene.collection.children.link(collection)
    parts = robot_twin.build(robot, collection)
    bpy.context.view_layer.update()
    camera = scene.camera = front_camera(scene, *robot_twin.box(collection), _FILL)
    if robot_twin.ROOT in parts:
        camera.data.lens *= _CLOSER
        camera.data.shift_y = _UPWARDS

    def show(scene: bpy.types.Scene, *_: object) -> None:
        robot_twin.pose(scene, robot, parts, u[scene.frame_current - 1])

    robot_twin.forget()
    bpy.app.handlers.frame_change_pre.append(show)
    try:
        render_clip(scene, folder, (1, len(u)), (side, side), video=False, progress=progress)
    finally:
        bpy.app.handlers.frame_change_pre.remove(show)
    return sorted(folder.glob("*.png"))
