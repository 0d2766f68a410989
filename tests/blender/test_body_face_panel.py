"""Face from Body, as a user presses it: an armature's Action or a BVH, a style, and keys on the character's face."""
from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.blender.body_action import read_body
from addon.core.body_motion import JOINT
from addon.core.errors import SemblanceError

from ..core.test_body_motion import MIXAMO, MIXAMO_PARENTS
from ..core.test_bvh import SMALL

HEADS = {"Hips": (0, 0, 1), "Head": (0, 0, 1.6), "Neck": (0, 0, 1.5),
         "LeftArm": (.2, 0, 1.4), "RightArm": (-.2, 0, 1.4),
         "LeftHand": (.6, 0, 1.4), "RightHand": (-.6, 0, 1.4)}


@pytest.fixture
def walker():
    """See `make_walker`."""
    return make_walker()


def make_walker():
    """A body of Mixamo's names that faces -Y, as Blender's do, and beats with its left arm on frames 11 to 60."""
    armature = bpy.data.objects.new("Walker", bpy.data.armatures.new("Walker"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = [armature.data.edit_bones.new(name) for name in MIXAMO]
    for bone, parent in zip(bones, MIXAMO_PARENTS, strict=True):
        bone.parent = bones[parent] if parent >= 0 else None
        bone.head = HEADS.get(bone.name, (0, 0, 1.2))
        bone.tail = np.add(bone.head, (0, 0, 0.1))
    bpy.ops.object.mode_set(mode="OBJECT")
    arm, head = armature.pose.bones["LeftArm"], armature.pose.bones["Head"]
    arm.rotation_mode = head.rotation_mode = "XYZ"
    for frame, turn in ((11, 0.0), (25, 1.2), (40, 0.0), (60, 0.0)):
        arm.rotation_euler.x = turn
        arm.keyframe_insert("rotation_euler", frame=frame)
        head.rotation_euler.y = turn / 2
        head.keyframe_insert("rotation_euler", frame=frame)
    return armature


def test_an_action_becomes_a_body_wherever_it_stands(walker):
    scene = bpy.context.scene
    scene.frame_set(3)
    motion, first = read_body(walker, scene)
    assert first == 11 and len(motion) == 50 and scene.frame_current == 3
    np.testing.assert_allclose(motion.joints[0, JOINT["head"]], (0, 1.6, 0), atol=1e-5)
    assert motion.joints[0, JOINT["left_wrist"]][0] == pytest.approx(0.6, abs=1e-5)
    np.testing.assert_allclose(motion.head[14], (0.6, 0, 0), atol=1e-5)     # to its left
    walker.rotation_euler, walker.scale = (0.2, 0.1, 2.0), (3, 3, 3)
    turned, _ = read_body(walker, scene)
    np.testing.assert_allclose(turned.head, motion.head, atol=1e-5)


def test_a_body_without_an_action_or_with_one_frame_is_told(walker):
    scene = bpy.context.scene
    action = walker.animation_data.action
    walker.animation_data.action = None
    with pytest.raises(SemblanceError, match="'Walker' has no active Action"):
        read_body(walker, scene)
    action.use_frame_range, action.frame_start, action.frame_end = True, 11, 11
    walker.animation_data.action = action
    with pytest.raises(SemblanceError, match="'Walker' has only one frame"):
        read_body(walker, scene)


def test_pip_gets_the_face_of_a_body(extension, walker, tmp_path):
    bpy.ops.semblance.character_add(character="Pip")
    scene = bpy.context.scene
    settings, pip = scene.semblance_body, bpy.data.objects["Pip"]
    assert not bpy.ops.semblance.face_from_body.poll()
    settings.armature, settings.style = walker, "joyful"
    before = walker.animation_data.action
    assert bpy.ops.semblance.face_from_body() == {"FINISHED"}
    action = pip.animation_data.action
    assert action.name == f"{before.name} joyful" and tuple(action.frame_range) == (11, 60)
    assert walker.animation_data.action == before
    settings.body, settings.bvh, settings.style = "BVH", str(tmp_path / "small.bvh"), "weary"
    with pytest.raises(RuntimeError, match=r"Cannot read '.*small\.bvh'"):
        bpy.ops.semblance.face_from_body()
    (tmp_path / "small.bvh").write_text(SMALL)
    assert bpy.ops.semblance.face_from_body() == {"FINISHED"}
    assert pip.animation_data.action.name == "small weary" and action.name in bpy.data.actions
    settings.body, settings.armature = "ACTION", pip
    assert bpy.ops.semblance.face_from_body() == {"FINISHED"}
    assert pip.animation_data.action.name == "small weary", "the body's own Action stays, the face goes beside it"
    assert [track.strips[0].action.name for track in pip.animation_data.nla_tracks] == ["small weary weary"]
