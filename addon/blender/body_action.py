"""An armature's active Action as a BodyMotion: what its bones do on every frame, constraints and all."""
from __future__ import annotations

import bpy
import numpy as np

from ..core.body_motion import BodyMotion, find_joints, motion_of
from ..core.errors import SemblanceError
from .keying import scene_rate


def read_body(armature: bpy.types.Object, scene: bpy.types.Scene) -> tuple[BodyMotion, int]:
    """The body's motion over the Action's frames, and the first of them; the scene's frame is put back.

    Raises:
        SemblanceError: naming the armature: it has no Action, too few frames, or bones that nobody knows.
    """
    data = armature.animation_data
    if data is None or data.action is None:
        raise SemblanceError(
            f"'{armature.name}' has no active Action; choose the armature that the body's motion is keyed on."
        )
    first, last = (round(frame) for frame in data.action.frame_range)
    bones = list(armature.data.bones)
    number = {bone.name: i for i, bone in enumerate(bones)}
    parents = [number[bone.parent.name] if bone.parent else -1 for bone in bones]
    followed = sorted(set(find_joints([bone.name for bone in bones], parents).values()))
    count, now = last - first + 1, scene.frame_current
    placed = np.tile(np.eye(4), (count, len(bones), 1, 1))
    try:
        for i in range(count):
            scene.frame_set(first + i)
            posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
            for bone in followed:
                placed[i, bone] = posed.matrix_world @ posed.pose.bones[bones[bone].name].matrix
            if i == 0:
                stands = np.array(posed.matrix_world)
    finally:
        scene.frame_set(now)
    resting = stands @ np.array([bone.matrix_local for bone in bones])
    turned = _turn(placed) @ np.swapaxes(_turn(resting), 1, 2)
    return motion_of(
        armature.name, np.arange(count) / scene_rate(scene), [bone.name for bone in bones], parents,
        resting[:, :3, 3], placed[:, :, :3, 3], turned,
    ), first


def _turn(matrices: np.ndarray) -> np.ndarray:
    """The rotation [..., 3, 3] in matrices [..., 4, 4], without their scale."""
    columns = matrices[..., :3, :3]
    return columns / np.maximum(np.linalg.norm(columns, axis=-2, keepdims=True), 1e-12)
