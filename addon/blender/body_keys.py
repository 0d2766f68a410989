"""A take's body as keys on an armature: rotations of the bones that are known by their names, and the hips' path."""
from __future__ import annotations

from itertools import pairwise
from typing import Final

import bpy
import numpy as np
from mathutils import Euler, Matrix

from ..characters.body_pose import decode, planted, skeleton_of
from ..core.errors import SemblanceError
from ..core.frames import BodyTrack
from ..core.point_filter import smooth_body
from ..core.timeline import resample
from .carriers import Carrier
from .keying import Keyed, Placement, check_unlocked, cropped, give_action, scene_rate, write_action

_LEGS: Final = (["hip"], ["knee"], ["ankle"], ["foot"])
_FEET: Final = [27, 28]
"""The landmarks that tell whether legs are to be seen at all."""
_GROUP: Final = "Body"


def find_armature(name: str) -> bpy.types.Object:
    """The armature of that name in the open file.

    Raises:
        SemblanceError: if there is none; it names those that there are.
    """
    found = bpy.data.objects.get(name)
    if found is not None and found.type == "ARMATURE":
        return found
    there = ", ".join(f"'{each.name}'" for each in bpy.data.objects if each.type == "ARMATURE") or "none"
    raise SemblanceError(f"The scene has no armature '{name}' (its armatures: {there}).")


def key_body(
    track: BodyTrack | None, armature: bpy.types.Object, name: str, scene: bpy.types.Scene,
    placement: Placement = Placement(),
) -> Keyed:
    """Write the body to a new Action `name` and give it to the armature; existing Actions keep their keys.

    Legs that were mostly out of the picture get no keys, and the hips stay where they are.

    Raises:
        SemblanceError: if the take has no body, the bones have no names that are known, or nothing is in range.
    """
    if track is None:
        raise SemblanceError("The take has no body; track its source again with --body.")
    bones = list(armature.data.bones)  # parents before children
    numbers = {bone.name: number for number, bone in enumerate(bones)}
    parents = [numbers[bone.parent.name] if bone.parent else -1 for bone in bones]
    heads, tails = (np.array([getattr(bone, end) for bone in bones], float) for end in ("head_local", "tail_local"))
    skeleton = skeleton_of([bone.name for bone in bones], parents, heads, tails, armature.name)
    turns = decode(smooth_body(track), skeleton)
    legs = bool(np.median(track.visibility[track.found][:, _FEET]) >= 0.5)
    keyed = {bone for joint, bone in skeleton.joints.items() if legs or joint.split("_")[1:2] not in _LEGS}
    carriers: list[Carrier] = []
    columns: list[np.ndarray] = []
    delta = skeleton.axes @ turns @ skeleton.axes.T
    for bone in sorted(keyed):
        values = _local(delta, bone, parents[bone], np.array(bones[bone].matrix_local.to_3x3()))
        path, curves = _curves(armature.pose.bones[bone], values)
        carriers.append(_carrier(armature, path, sum(each.shape[1] for each in columns), curves.shape[1]))
        columns.append(curves)
    if legs:
        pelvis = skeleton.joints["pelvis"]
        rest = np.array(bones[pelvis].matrix_local.to_3x3())
        columns.append(planted(turns, skeleton) @ skeleton.axes.T @ rest)
        path = armature.pose.bones[pelvis].path_from_id("location")
        carriers.append(_carrier(armature, path, sum(each.shape[1] for each in columns[:-1]), 3))
    frames, values = resample(track.times_s, np.hstack(columns), placement.start_frame, scene_rate(scene))
    frames, values = cropped(frames, values, placement)
    check_unlocked([armature])
    action = write_action(name, carriers, [_GROUP] * len(carriers), frames, values)
    give_action(action, [armature], placement)
    return Keyed(action, frames, len(carriers), action.name if placement.nla_strip else "")


def _local(delta: np.ndarray, bone: int, parent: int, rest: np.ndarray) -> np.ndarray:
    """Rotations [T, 3, 3] of a bone against its parent, in its own axes."""
    above = np.swapaxes(delta[:, parent], 1, 2) if parent >= 0 else np.eye(3)
    return rest.T @ above @ delta[:, bone] @ rest


def _curves(bone: bpy.types.PoseBone, rotations: np.ndarray) -> tuple[str, np.ndarray]:
    """Data path and values [T, 3 or 4] of rotations [T, 3, 3], in the bone's own rotation mode.

    Raises:
        SemblanceError: for a bone that is turned by axis and angle.
    """
    if bone.rotation_mode == "AXIS_ANGLE":
        raise SemblanceError(f"The bone '{bone.name}' is turned by axis and angle; choose quaternions or Euler angles.")
    turns = [Matrix(each.tolist()).to_quaternion() for each in rotations]
    if bone.rotation_mode == "QUATERNION":
        values = np.array(turns)
        for before, now in pairwise(values):
            if before @ now < 0:  # the same rotation, and no detour between two keys
                now *= -1
        return bone.path_from_id("rotation_quaternion"), values
    last, rows = Euler((0, 0, 0), bone.rotation_mode), []
    for turn in turns:
        last = turn.to_euler(bone.rotation_mode, last)
        rows.append(tuple(last))
    return bone.path_from_id("rotation_euler"), np.array(rows)


def _carrier(armature: bpy.types.Object, path: str, first: int, count: int) -> Carrier:
    """Curves that columns first..first + count - 1 are written to as they are."""
    columns = tuple(range(first, first + count))
    return Carrier(armature, path, tuple(range(count)), columns, lambda: (), lambda values: None)
