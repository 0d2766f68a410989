"""A take's body on an armature whose limbs may be moved forwards or by IK, named and constrained as Rigify's are."""
from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Vector

from addon.blender import body_keys
from addon.blender.body_keys import key_body

from ..characters.gesturing import gesturing

COUNT = 3
TRUNK = {"root": ("", (0, 0, 0)), "torso": ("", (0, 0, 1)), "spine_fk.003": ("torso", (0, 0, 1.3)),
         "neck": ("spine_fk.003", (0, 0, 1.5)), "head": ("neck", (0, -.02, 1.6))}
LIMBS = {"arm": (("upper_arm", "forearm", "hand"), "spine_fk.003", ((.2, 0, 1.4), (.48, .03, 1.3), (.75, 0, 1.2))),
         "leg": (("thigh", "shin", "foot"), "torso", ((.1, 0, 1), (.1, -.02, .55), (.1, 0, .1)))}
POLES = {"arm": (.48, .6, 1.3), "leg": (.1, -1, .55)}


@pytest.fixture
def rig() -> bpy.types.Object:
    """Arms and legs with FK and IK chains; IK ends and poles follow what `follow` says."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    made = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head) in TRUNK.items():
        add_bone(made, name, parent, head, Vector(head) + Vector((0, 0, .1)))
    for side, sign in (("L", 1), ("R", -1)):
        for kind, (names, root, places) in LIMBS.items():
            add_limb(made, kind, names, root, [Vector((sign * x, y, z)) for x, y, z in places], side)
    bpy.ops.object.mode_set(mode="POSE")
    for kind, (names, _, _) in LIMBS.items():
        for side in "LR":
            constrain(made, kind, names, side)
    bpy.ops.object.mode_set(mode="OBJECT")
    return made


def add_bone(made: bpy.types.Object, name: str, parent: str, head: Vector, tail: Vector) -> bpy.types.EditBone:
    bone = made.data.edit_bones.new(name)
    bone.head, bone.tail, bone.parent = head, tail, made.data.edit_bones.get(parent)
    return bone


def add_limb(
    made: bpy.types.Object, kind: str, names: tuple[str, ...], root: str, places: list[Vector], side: str
) -> None:
    upper, lower, end = names
    first, middle, last = places
    tip = last + (last - middle) * .3 if kind == "arm" else last + Vector((0, -.12, -.06))
    hinge = (middle - first).cross(last - middle)
    chains = ((f"{upper}_fk", root, first, middle), (f"{lower}_fk", f"{upper}_fk.{side}", middle, last),
              (f"{end}_fk", f"{lower}_fk.{side}", last, tip), (f"DEF-{end}", f"{lower}_fk.{side}", last, tip),
              (f"MCH-{end}_ik.parent", "", last, last + Vector((0, .05, 0))),
              (f"{end}_ik", f"MCH-{end}_ik.parent.{side}", last, tip),
              (f"MCH-{upper}_ik_target", f"{end}_ik.{side}", last, tip),
              (f"MCH-{upper}_ik_swing", root, first, first + (last - first) * .3),
              (f"{upper}_ik", f"MCH-{upper}_ik_swing.{side}", first, middle),
              (f"MCH-{lower}_ik", f"{upper}_ik.{side}", middle, last))
    for name, parent, head, tail in chains:
        add_bone(made, f"{name}.{side}", parent, head, tail).align_roll(hinge.cross(tail - head))
    x, y, z = POLES[kind]
    pole = Vector((x if side == "L" else -x, y, z))
    add_bone(made, f"MCH-{upper}_ik_target.parent.{side}", "", pole, pole + Vector((0, 0, .1)))
    bone = add_bone(made, f"{upper}_ik_target.{side}", f"MCH-{upper}_ik_target.parent.{side}", pole, pole * .9)
    bone.use_local_location = kind == "leg"     # both are to be seen to


def constrain(made: bpy.types.Object, kind: str, names: tuple[str, ...], side: str) -> None:
    upper, lower, end = names
    bones = made.pose.bones
    aim = bones[f"MCH-{upper}_ik_swing.{side}"].constraints.new("DAMPED_TRACK")
    aim.target, aim.subtarget = made, f"MCH-{upper}_ik_target.{side}"
    hinge = bones[f"MCH-{lower}_ik.{side}"]
    hinge.lock_ik_y = hinge.lock_ik_z = True
    for poled in (False, True):
        solver = hinge.constraints.new("IK")
        solver.target, solver.subtarget, solver.chain_count = made, f"MCH-{upper}_ik_target.{side}", 2
        solver.mute = poled
        if poled:
            solver.pole_target, solver.pole_subtarget = made, f"{upper}_ik_target.{side}"
            solver.pole_angle = -np.pi / 2
    for control in (f"MCH-{end}_ik.parent.{side}", f"MCH-{upper}_ik_target.parent.{side}"):
        bones[control].constraints.new("ARMATURE").targets.new()


def follow(made: bpy.types.Object, ends: str, poles: str) -> None:
    """Switch what IK ends and poles follow; "{}" in `poles` is the limb's upper part and side."""
    for names, _, _ in LIMBS.values():
        for side in "LR":
            for control, to in ((f"MCH-{names[2]}_ik.parent.{side}", ends),
                                (f"MCH-{names[0]}_ik_target.parent.{side}", poles.format(names[0], side))):
                target = made.pose.bones[control].constraints[0].targets[0]
                target.target, target.subtarget, target.weight = made if to else None, to, float(bool(to))


@pytest.mark.parametrize(("ends", "poles"), [("root", "root"), ("torso", "MCH-{}_ik_target.{}"), ("", "head")])
def test_ik_controls_hold_limbs_where_the_forward_ones_do(
    rig: bpy.types.Object, ends: str, poles: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_keys, "smooth_body", lambda track: track)
    follow(rig, ends, poles)
    track = gesturing(COUNT)
    keyed = key_body(replace(track, times_s=np.arange(COUNT) / 24), rig, "poses", bpy.context.scene)
    assert list(keyed.frames) == [1, 2, 3] and abs(rig.pose.bones["hand_ik.L"].location.length) < 2
    for poled in (False, True):
        for lower in ("forearm", "shin"):
            for side in "LR":
                free, with_pole = rig.pose.bones[f"MCH-{lower}_ik.{side}"].constraints
                free.mute, with_pole.mute = poled, not poled
        for frame in keyed.frames:
            bpy.context.scene.frame_set(int(frame))
            assert_alike(rig)


def assert_alike(rig: bpy.types.Object) -> None:
    posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    for upper, lower, end in (names for names, _, _ in LIMBS.values()):
        for side in "LR":
            forward, inverse = posed[f"{lower}_fk.{side}"], posed[f"MCH-{lower}_ik.{side}"]
            assert (forward.tail - inverse.tail).length < 0.002, f"{end}.{side}"
            assert (forward.head - inverse.head).length < 0.03, f"{upper}.{side}"
            turned = posed[f"{end}_fk.{side}"].matrix.to_3x3() @ posed[f"{end}_ik.{side}"].matrix.to_3x3().inverted()
            assert turned.to_quaternion().angle < 0.01


def test_limbs_that_were_not_seen_and_switches_are_left_alone(rig: bpy.types.Object) -> None:
    rig.pose.bones["torso"]["IK_FK"] = 0.0
    track = gesturing(COUNT)
    track.visibility[:, [14, 16]] = 0.1
    keyed = key_body(track, rig, "poses", bpy.context.scene)
    paths = {curve.data_path for curve in keyed.action.layers[0].strips[0].channelbags[0].fcurves}
    assert 'pose.bones["hand_ik.L"].location' in paths and 'pose.bones["upper_arm_ik_target.L"].location' in paths
    assert not any("arm_ik" in path or "hand_ik" in path for path in paths if '.R"]' in path)
    assert 'pose.bones["foot_ik.R"].rotation_quaternion' in paths and rig.pose.bones["torso"]["IK_FK"] == 0
