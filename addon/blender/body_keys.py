"""A take's body as keys on an armature: rotations of the bones that are known by their names, and the hips' path."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import bpy
import numpy as np
from mathutils import Euler, Matrix

from ..characters.body_pose import FINGERS, SIDES, Skeleton, decode, planted, skeleton_of
from ..characters.hanging_arms import hang_unseen, seen_arms
from ..characters.rigify_controls import SWITCHES
from ..characters.rigify_ik import find_ik, ik_moves
from ..core.errors import SemblanceError
from ..core.frames import BodyTrack
from ..core.point_filter import smooth_body
from ..core.timeline import resample
from .carriers import Carrier
from .keying import (
    Keyed,
    Placement,
    add_curves,
    check_unlocked,
    cropped,
    give_action,
    scene_rate,
    slot_of,
    write_action,
)

_LEGS: Final = ("hip", "knee", "ankle", "foot")
_FEET: Final = [27, 28]
"""The landmarks that tell whether legs are to be seen at all."""
_ELBOW, _WRIST = 13, 15
"""Left; the right ones follow."""
_SEEN: Final = 0.5
_GROUP: Final = "Body"
SWITCH: Final = "body"
"""The property of an armature that shows the character's body."""
_Curves = tuple[str, np.ndarray]
"""Data path and values [T, 3 or 4]."""


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


@dataclass(frozen=True)
class BodyCurves:
    """A take's body as an armature's curves."""

    armature: bpy.types.Object
    times_s: np.ndarray
    carriers: list[Carrier]
    values: np.ndarray
    """float [T, columns of the carriers]."""
    bones: int
    turns_head: bool
    notes: tuple[str, ...] = ()
    """Sentences for the user: what got no keys, and what hides them."""

    def cropped(self, scene: bpy.types.Scene, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
        """Scene frames and values there; see `keying.cropped`."""
        frames, values = resample(self.times_s, self.values, placement.start_frame, scene_rate(scene))
        return cropped(frames, values, placement)


def key_body(
    track: BodyTrack | None, armature: bpy.types.Object, name: str, scene: bpy.types.Scene,
    placement: Placement = Placement(),
) -> Keyed:
    """Write the body to a new Action `name` and give it to the armature; existing Actions keep their keys.

    Raises:
        SemblanceError: as `body_curves`, and if the take has no body or nothing is in range.
    """
    if track is None:
        raise SemblanceError("The take has no body; track its source again with --body.")
    curves = body_curves(track, armature)
    frames, values = curves.cropped(scene, placement)
    check_unlocked([armature])
    action = write_action(name, curves.carriers, [_GROUP] * len(curves.carriers), frames, values)
    give_action(action, [armature], placement)
    _make_ready(armature)
    track_name = action.name if placement.nla_strip else ""
    return Keyed(action, frames, len(curves.carriers), track_name, curves.bones, curves.notes)


def add_body(curves: BodyCurves, keyed: Keyed, scene: bpy.types.Scene, placement: Placement) -> Keyed:
    """Add the body to the Action that a face was `keyed` in, where their armature is the same."""
    armature, action = curves.armature, keyed.action
    frames, values = curves.cropped(scene, placement)
    groups = [_GROUP] * len(curves.carriers)
    if slot_of(action, armature) is not None:
        add_curves(action, curves.carriers, groups, frames, values)
    else:
        body = write_action(f"{action.name} body", curves.carriers, groups, frames, values)
        give_action(body, [armature], placement)
    _make_ready(armature)
    return replace(keyed, bones=curves.bones, notes=(*keyed.notes, *curves.notes))


def body_curves(track: BodyTrack, armature: bpy.types.Object) -> BodyCurves:
    """Decode the body onto the armature.

    Legs that were mostly out of the picture, arms and fingers that always were, are guesses and get no keys; without
    legs the hips stay in place. Of hands without a body only the fingers are keyed.

    Raises:
        SemblanceError: if it is no armature, its bones have no names that are known, or nothing of it was seen.
    """
    skeleton = _skeleton(armature)
    turns = decode(hang_unseen(smooth_body(track)), skeleton)
    hips = planted(turns, skeleton)
    seen = _seen(track)
    legs = bool(seen[_FEET].all())
    keyed = {bone for joint, bone in skeleton.joints.items() if _is_seen(joint, seen, track)}
    if not keyed:
        raise SemblanceError(f"The take shows only hands, and '{armature.name}' has no fingers that are known.")
    if not legs:
        hips = np.zeros_like(hips)
    curves = [*_forward(armature, turns, skeleton, keyed), *_inverse(armature, turns, hips, skeleton, keyed)]
    if legs:
        pelvis = armature.pose.bones[skeleton.joints["pelvis"]]
        rest = np.array(pelvis.bone.matrix_local.to_3x3())
        curves.append(_path(pelvis, hips @ skeleton.axes.T @ rest))
    firsts = np.cumsum([0, *(values.shape[1] for _, values in curves)])
    carriers = [_carrier(armature, path, first, values.shape[1])
                for first, (path, values) in zip(firsts.tolist(), curves, strict=False)]
    values = np.hstack([values for _, values in curves])
    notes = (*_told(track), *_overridden(armature, keyed))
    turns_head = skeleton.joints["head"] in keyed
    return BodyCurves(armature, track.times_s, carriers, values, len(keyed), turns_head, notes)


def _skeleton(armature: bpy.types.Object) -> Skeleton:
    """Its bones at rest; raises as `body_curves`."""
    if armature.type != "ARMATURE":
        raise SemblanceError(f"'{armature.name}' has no bones.")
    bones = list(armature.data.bones)  # parents before children
    numbers = {bone.name: number for number, bone in enumerate(bones)}
    parents = [numbers[bone.parent.name] if bone.parent else -1 for bone in bones]
    heads, tails = (np.array([getattr(bone, end) for bone in bones], float) for end in ("head_local", "tail_local"))
    return skeleton_of([bone.name for bone in bones], parents, heads, tails, armature.name)


def _told(track: BodyTrack) -> Iterator[str]:
    """What the take lacks."""
    if not track.found.any():
        yield "The take shows hands without a body: fingers were keyed, wrists and arms were not."


def _overridden(armature: bpy.types.Object, keyed: set[int]) -> Iterator[str]:
    """A sentence for each IK constraint that moves bones which got keys."""
    names = {armature.data.bones[bone].name for bone in keyed}
    for last in armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones:
        for solver in last.constraints:
            if solver.type == "IK" and not solver.mute and solver.influence > 0:
                chain = [last, *last.parent_recursive][:solver.chain_count or None]
                hidden = [f"'{bone.name}'" for bone in chain if bone.name in names]
                if hidden:
                    yield (
                        f"The IK constraint '{solver.name}' of the bone '{last.name}' moves {' and '.join(hidden)} and "
                        "hides their keys; mute it, or set its influence to 0."
                    )


def _forward(armature: bpy.types.Object, turns: np.ndarray, skeleton: Skeleton, keyed: set[int]) -> Iterator[_Curves]:
    """How each of the `keyed` bones turns."""
    delta = skeleton.axes @ turns @ skeleton.axes.T
    for bone in sorted(keyed):
        posed = armature.pose.bones[bone]
        yield _curves(posed, _local(delta, bone, skeleton.parents[bone], np.array(posed.bone.matrix_local.to_3x3())))


def _inverse(
    armature: bpy.types.Object, turns: np.ndarray, hips: np.ndarray, skeleton: Skeleton, keyed: set[int]
) -> Iterator[_Curves]:
    """The same for the IK controls of a generated Rigify rig, so that either way of its switches shows the body."""
    axes = np.eye(4)
    axes[:3, :3] = skeleton.axes
    for limb in find_ik(skeleton):
        if not {skeleton.joints[joint] for joint in limb.joints} <= keyed:
            continue
        hangs_on = {bone: _followed(armature, armature.pose.bones[bone]) for bone in (limb.end, limb.pole)}
        for moved in ik_moves(turns, hips, skeleton, limb, hangs_on):
            bone = armature.pose.bones[moved.bone]
            rest = np.array(bone.bone.matrix_local)
            local = np.linalg.inv(rest) @ axes @ np.linalg.inv(moved.above) @ moved.own @ axes.T @ rest
            if moved.bone != limb.pole:
                yield _curves(bone, local[:, :3, :3])
            if moved.bone != limb.upper:
                yield _path(bone, local[:, :3, 3])


def _path(bone: bpy.types.PoseBone, moves: np.ndarray) -> _Curves:
    """Data path and values of moves [T, 3] along the bone's own axes."""
    if not bone.bone.use_local_location:    # then along those of its parent
        above = np.array(bone.parent.bone.matrix_local.to_3x3()) if bone.parent else np.eye(3)
        moves = moves @ np.array(bone.bone.matrix_local.to_3x3()).T @ above
    return bone.path_from_id("location"), moves


def _followed(armature: bpy.types.Object, bone: bpy.types.PoseBone) -> str:
    """The bone that what `bone` hangs on is switched to follow; "" = none."""
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones[bone.name].parent
    switches = [each for each in (posed.constraints if posed else ()) if each.type == "ARMATURE" and not each.mute]
    targets = [each.subtarget for switch in switches for each in switch.targets if each.weight > 0.5]
    return targets[0] if targets else ""


def _seen(track: BodyTrack) -> np.ndarray:
    """bool [33]: landmarks that were mostly to be seen where a body was, of arms those that were for a while."""
    if not track.found.any():
        return np.zeros(track.visibility.shape[1], bool)
    seen, arms = np.median(track.visibility[track.found], 0) >= _SEEN, seen_arms(track)
    seen[[_ELBOW, _ELBOW + 1]] |= arms
    seen[[_WRIST, _WRIST + 1]] = arms
    return seen


def _is_seen(joint: str, seen: np.ndarray, track: BodyTrack) -> bool:
    """Whether a joint's bone was seen to turn; `seen` bool [33] says which landmarks were."""
    side, _, part = joint.partition("_")
    part = part.split("_")[0]
    if not part or part == "collar":
        return bool(track.found.any())
    if part.rstrip("123") in FINGERS:
        return bool(np.isfinite(track.hands_world[:, SIDES.index(side)]).all((1, 2)).any())
    if part in _LEGS:
        return bool(seen[_FEET].all())
    return bool(seen[(_ELBOW if part == "shoulder" else _WRIST) + (side == "right")])


def _make_ready(armature: bpy.types.Object) -> None:
    """Let a character show its body that hides it until there is a use for it; let a Rigify rig's FK controls turn with
    what they hang on."""
    for bone in armature.pose.bones:
        for name, value in SWITCHES.items():
            if isinstance(bone.get(name), float):
                bone[name] = value
    if armature.get(SWITCH) is False:
        armature[SWITCH] = True
        armature.update_tag()
        bpy.context.view_layer.update()


def _local(delta: np.ndarray, bone: int, parent: int, rest: np.ndarray) -> np.ndarray:
    """Rotations [T, 3, 3] of a bone against its parent, in its own axes."""
    above = np.swapaxes(delta[:, parent], 1, 2) if parent >= 0 else np.eye(3)
    return rest.T @ above @ delta[:, bone] @ rest


def _curves(bone: bpy.types.PoseBone, rotations: np.ndarray) -> _Curves:
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
