"""A take's body on an armature."""
from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Vector

from addon.blender.apply import apply_take
from addon.blender.body_keys import find_armature, key_body
from addon.blender.keying import Placement
from addon.blender.scenes import ensure_character, open_scene
from addon.core.errors import SemblanceError
from addon.core.frames import BodyTrack
from addon.core.rig_profile import find_profile

from ..characters.gesturing import gesturing
from ..core.making import a_take

MIXAMO = {
    "mixamorig:Hips": (None, (0, 0, 1.0)), "mixamorig:Spine": ("Hips", (0, 0, 1.1)),
    "mixamorig:Spine1": ("Spine", (0, 0, 1.2)), "mixamorig:Spine2": ("Spine1", (0, 0, 1.35)),
    "mixamorig:Neck": ("Spine2", (0, 0, 1.5)), "mixamorig:Head": ("Neck", (0, 0, 1.6)),
    **{f"mixamorig:{side}{name}": (above if above in ("Hips", "Spine2") else side + above, (x * place[0], 0, place[1]))
       for side, x in (("Left", 1), ("Right", -1))
       for name, above, place in (
           ("Arm", "Spine2", (0.18, 1.45)), ("ForeArm", "Arm", (0.45, 1.45)), ("Hand", "ForeArm", (0.7, 1.45)),
           ("UpLeg", "Hips", (0.1, 1.0)), ("Leg", "UpLeg", (0.1, 0.55)), ("Foot", "Leg", (0.1, 0.1)))},
}


@pytest.fixture
def armature() -> bpy.types.Object:
    """A T-pose with Mixamo's names, facing -Y."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    made = bpy.data.objects.new("Hero", bpy.data.armatures.new("Hero"))
    bpy.context.scene.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head) in MIXAMO.items():
        bone = made.data.edit_bones.new(name)
        bone.head = head
        bone.tail = Vector(head) + Vector((0, -0.01, 0.06))
        bone.parent = made.data.edit_bones[f"mixamorig:{parent}"] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return made


def waving(count: int = 6) -> BodyTrack:
    """The left forearm goes up from frame to frame; the rest is a T-pose. Metres as a camera in front sees them."""
    marks = {0: (0, -.62, -.1), 2: (.03, -.66, 0), 5: (-.03, -.66, 0), 7: (.08, -.62, 0), 8: (-.08, -.62, 0),
             9: (.02, -.58, 0), 10: (-.02, -.58, 0), 11: (.18, -.45, 0), 12: (-.18, -.45, 0), 13: (.45, -.45, 0),
             14: (-.45, -.45, 0), 15: (.7, -.45, 0), 16: (-.7, -.45, 0), 23: (.1, 0, 0), 24: (-.1, 0, 0),
             25: (.1, .45, 0), 26: (-.1, .45, 0), 27: (.1, .9, 0), 28: (-.1, .9, 0), 31: (.1, .92, -.1),
             32: (-.1, .92, -.1)}
    points = np.zeros((count, 33, 3), np.float32)
    for mark, place in marks.items():
        points[:, mark] = place
    for i in range(count):
        angle = 0.5 * np.pi * i / (count - 1)
        points[i, 15] = (.45 + .25 * np.cos(angle), -.45 - .25 * np.sin(angle), 0)
    hands = np.full((count, 2, 21, 3), np.nan, np.float32)
    return BodyTrack(np.arange(count) * 0.5, points, points, np.ones((count, 33)), np.ones(count), hands, hands,
                     np.zeros((count, 2)), np.full((count, 2), np.nan))


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ"])
def test_a_forearm_rises_as_the_persons_does(armature: bpy.types.Object, mode: str) -> None:
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    scene = bpy.context.scene
    keyed = key_body(waving(), armature, "wave", scene)
    assert armature.animation_data.action == keyed.action and keyed.frames[0] == 1

    def forearm(frame: int) -> Vector:
        scene.frame_set(frame)
        bones = armature.pose.bones
        return (bones["mixamorig:LeftHand"].head - bones["mixamorig:LeftForeArm"].head).normalized()

    assert forearm(1).dot((1, 0, 0)) > 0.98
    assert forearm(int(keyed.frames[-1])).dot((0, 0, 1)) > 0.98
    assert (armature.pose.bones["mixamorig:RightHand"].head - Vector((-0.7, 0, 1.45))).length < 0.05


def test_what_was_out_of_the_picture_gets_no_keys(armature: bpy.types.Object) -> None:
    half = waving()
    half.visibility[:, [14, 15, 16]] = half.visibility[:, 23:] = 0.1    # a right arm, a left hand, all below
    keyed = key_body(half, armature, "half", bpy.context.scene)
    names = {curve.data_path.split('"')[1] for curve in keyed.action.layers[0].strips[0].channelbags[0].fcurves}
    assert {"mixamorig:LeftArm", "mixamorig:Head", "mixamorig:Hips"} <= names
    assert not names & {"mixamorig:RightArm", "mixamorig:LeftForeArm", "mixamorig:LeftHand", "mixamorig:LeftUpLeg"}


def test_hands_without_a_body_only_turn_their_fingers() -> None:
    scene, profile = open_scene(None), find_profile("Pip")
    pip = ensure_character(scene, profile)
    close_up = hands_alone()
    keyed = key_body(close_up, pip, "hands", scene)
    names = {curve.data_path.split('"')[1] for curve in keyed.action.layers[0].strips[0].channelbags[0].fcurves}
    assert keyed.bones == 15 and all(name.endswith(".R") for name in names) and "DEF-f_index.02.R" in names
    assert keyed.notes == ("The take shows hands without a body: fingers were keyed, wrists and arms were not.",)


def hands_alone() -> BodyTrack:
    """A right hand in two frames, and nobody that it belongs to."""
    track = gesturing(2)
    track.landmarks[:] = track.world[:] = track.hands[:, 0] = track.hands_world[:, 0] = np.nan
    return track


def test_what_cannot_be_keyed_is_told(armature: bpy.types.Object) -> None:
    with pytest.raises(SemblanceError, match="no armature 'Villain' .*'Hero'"):
        find_armature("Villain")
    with pytest.raises(SemblanceError, match="has no body; track"):
        key_body(None, armature, "a", bpy.context.scene)
    armature.pose.bones["mixamorig:Head"].rotation_mode = "AXIS_ANGLE"
    with pytest.raises(SemblanceError, match="'mixamorig:Head' is turned by axis and angle"):
        key_body(waving(), armature, "a", bpy.context.scene)
    with pytest.raises(SemblanceError, match="shows only hands, and 'Hero' has no fingers"):
        key_body(hands_alone(), armature, "a", bpy.context.scene)


def test_an_ik_constraint_that_hides_keys_is_told(armature: bpy.types.Object) -> None:
    solver = armature.pose.bones["mixamorig:LeftForeArm"].constraints.new("IK")
    solver.target, solver.chain_count = bpy.data.objects.new("Target", None), 2
    bpy.context.scene.collection.objects.link(solver.target)
    (note,) = key_body(waving(), armature, "wave", bpy.context.scene).notes
    assert "'IK' of the bone 'mixamorig:LeftForeArm'" in note and "'mixamorig:LeftArm' and hides" in note
    solver.influence = 0
    assert key_body(waving(), armature, "wave", bpy.context.scene).notes == ()


@pytest.mark.parametrize("nla", [False, True])
def test_face_and_body_of_a_character_are_one_action(nla: bool) -> None:
    scene, profile = open_scene(None), find_profile("Pip")
    pip = ensure_character(scene, profile)
    assert pip["body"] is False
    take = a_take(6)
    applied = apply_take(replace(take, body=replace(waving(), times_s=take.times_s)), profile, scene, "dance",
                         Placement(body=True, nla_strip=nla), pip)
    curves = {curve.data_path for curve in applied.keyed.action.layers[0].strips[0].channelbags[0].fcurves}
    assert applied.keyed.bones >= 30 and pip["body"] is True
    assert 'pose.bones["DEF-forearm.L"].rotation_quaternion' in curves
    assert 'pose.bones["CTRL-jaw"].location' in curves and not any("CTRL-head" in path for path in curves)
    scene.frame_set(int(applied.keyed.frames[-1]))
    hand, elbow = (pip.pose.bones[name].head for name in ("DEF-hand.L", "DEF-forearm.L"))
    assert (hand - elbow).normalized().z > 0.95 and not bpy.data.objects["Pip-body"].hide_render


def test_a_character_without_a_body_says_so_and_gets_its_face() -> None:
    scene, profile = open_scene(None), find_profile("Uno")
    uno = ensure_character(scene, profile)
    take = a_take(6)
    applied = apply_take(replace(take, body=replace(waving(), times_s=take.times_s)), profile, scene, "dance",
                         Placement(body=True), uno)
    assert applied.keyed.bones == 0 and any("The body got no keys: 'Uno'" in note for note in applied.notes)
