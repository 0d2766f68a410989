"""Every kind of carrier is read, written and keyed; what cannot be moved says why."""
from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.blender.binding import Binding, bind
from addon.blender.keying import Placement, key_track
from addon.core.control_set import BoneChannel, CustomProperty, ShapeKey
from addon.core.frames import ControlTrack

from .conftest import build_armature, build_mesh, profile_of

EULER = ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
MODES = [*EULER, "QUATERNION", "AXIS_ANGLE"]
rig_settings = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def angles_of(bone: str) -> tuple[BoneChannel, ...]:
    return tuple(BoneChannel(bone, "rotation_euler", axis) for axis in range(3))


def keyed_values(binding: Binding, values: np.ndarray) -> np.ndarray:
    """What the scene shows on each frame after keying `values` [N, K] at its own rate."""
    scene = bpy.context.scene
    track = ControlTrack(np.arange(len(values)) / scene.render.fps, np.asarray(values, np.float32))
    keyed = key_track(binding, track, "keys", scene)
    shown = []
    for frame in keyed.frames:
        scene.frame_set(frame)
        shown.append(bind(binding.profile, scene, binding.root).read())
    return np.array(shown)


@pytest.fixture
def rig(empty_scene: None) -> bpy.types.Object:
    return build_armature("Rig", ("turn", "same", "other"))


@pytest.mark.parametrize("mode", MODES)
@rig_settings
@given(hnp.arrays(np.float32, (3,), elements=st.floats(-3, 3, width=32)))
def test_three_angles_of_a_bone_come_back_clamped_in_every_mode(mode, values):
    rig = bpy.data.objects.get("Rig") or build_armature("Rig", ("turn",))
    rig.pose.bones["turn"].rotation_mode = mode
    binding = bind(profile_of(*angles_of("turn"), limits=(-1.5, 1.5)), bpy.context.scene)
    assert binding.missing == () and len(binding.carriers) == (3 if mode in EULER else 1)
    binding.write(values)
    np.testing.assert_allclose(binding.read(), np.clip(values, -1.5, 1.5), atol=2e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limits", [(-3.1, 3.1), (-0.5, 5.5)])
@rig_settings
@given(st.sampled_from(range(3)), st.floats(-7, 7, width=32))
def test_one_angle_comes_back_over_the_whole_turn_in_every_mode(mode, limits, axis, value):
    rig = bpy.data.objects.get("Rig") or build_armature("Rig", ("turn",))
    bone = rig.pose.bones["turn"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0, 0, 0)
    bone.rotation_mode = mode
    bone.rotation_quaternion, bone.rotation_axis_angle = (1, 0, 0, 0), (0, 0, 1, 0)
    binding = bind(profile_of(BoneChannel("turn", "rotation_euler", axis), limits=limits), bpy.context.scene)
    binding.write(np.array([value]))
    np.testing.assert_allclose(binding.read(), np.clip([value], *limits), atol=1e-4)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE"])
@rig_settings
@given(hnp.arrays(np.float32, (6, 3), elements=st.floats(-1.5, 1.5, width=32)))
def test_keys_of_a_rotation_evaluate_like_an_euler_bones(mode, values):
    bpy.ops.wm.read_homefile(use_empty=True)
    rig = build_armature("Rig", ("turn", "same"))
    rig.pose.bones["turn"].rotation_mode, rig.pose.bones["same"].rotation_mode = mode, "XYZ"
    binding = bind(profile_of(*angles_of("turn"), *angles_of("same"), limits=(-1.5, 1.5)), bpy.context.scene)
    assert keyed_values(binding, np.tile(values, 2)) == pytest.approx(np.tile(values, 2), abs=2e-4)
    for frame in range(1, 7):
        bpy.context.scene.frame_set(frame)
        turned, same = (np.array(rig.pose.bones[name].matrix_basis) for name in ("turn", "same"))
        np.testing.assert_allclose(turned, same, atol=1e-4)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE"])
@pytest.mark.parametrize("axis", range(3))
def test_a_slow_full_turn_never_spins_back_between_keys(rig, mode, axis):
    rig.pose.bones["turn"].rotation_mode = mode
    rig.pose.bones["same"].rotation_mode = "XYZ"
    profile = profile_of(
        BoneChannel("turn", "rotation_euler", axis), BoneChannel("same", "rotation_euler", axis), limits=(-9, 9))
    scene = bpy.context.scene
    values = np.tile(np.linspace(-9, 9, 181)[:, None], 2)
    keyed_values(bind(profile, scene), values)
    for between in np.arange(1.25, 181):
        scene.frame_set(int(between), subframe=between % 1)
        turned, same = (np.array(rig.pose.bones[name].matrix_basis) for name in ("turn", "same"))
        np.testing.assert_allclose(turned, same, atol=2e-3)


def test_a_leap_of_more_than_half_a_turn_takes_the_short_way(rig):
    binding = bind(profile_of(*angles_of("turn"), limits=(-3, 3)), bpy.context.scene)
    leaps = np.array([[-3, 0, 0], [3, 0, 0], [3, 0, -3], [3, 0, 3], [-3, 1, -3]])
    quaternions = binding.carriers[0].key_values(leaps)
    assert ((quaternions[1:] * quaternions[:-1]).sum(1) >= 0).all()


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE"])
def test_angles_without_a_control_stay_as_the_animator_left_them(rig, mode):
    bone = rig.pose.bones["turn"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.4, 0.1, -0.3)
    posed = bone.rotation_euler.to_quaternion()
    bone.rotation_mode = mode
    bone.rotation_quaternion = posed
    axis, angle = posed.to_axis_angle()
    bone.rotation_axis_angle = (angle, *axis)
    profile = profile_of(BoneChannel("turn", "rotation_euler", 2), limits=(-1, 1))
    binding = bind(profile, bpy.context.scene)
    assert binding.read() == pytest.approx([-0.3], abs=1e-5)
    for value in (0.9, -0.9, 0.2):
        binding.write(np.array([value]))
    keyed_values(binding, np.array([[0.2], [0.5]]))
    assert tuple(bone.matrix_basis.to_euler("XYZ")) == pytest.approx((0.4, 0.1, 0.5), abs=1e-5)


@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE"])
def test_an_angle_of_a_group_left_out_or_disabled_is_not_keyed(rig, mode):
    rig.pose.bones["turn"].rotation_mode = mode
    profile, scene = profile_of(*angles_of("turn"), limits=(-1, 1)), bpy.context.scene
    first, second, third = profile.control_set.controls
    controls = (first, replace(second, group="head"), replace(third, enabled=False))
    profile = replace(profile, control_set=replace(profile.control_set, controls=controls))
    bind(profile_of(*angles_of("turn"), limits=(-1, 1)), scene).write(np.array([0, 0.3, 0.6]))
    track = ControlTrack(np.arange(2) / 24, np.full((2, 3), 0.9, np.float32))
    keyed = key_track(bind(profile, scene), track, "keys", scene, Placement(without_groups={"head"}))
    scene.frame_set(2)
    assert keyed.controls == 1
    assert tuple(rig.pose.bones["turn"].matrix_basis.to_euler("XYZ")) == pytest.approx((0.9, 0.3, 0.6), abs=1e-5)


def test_location_and_scale_of_every_axis(rig):
    rig.pose.bones["turn"].rotation_mode = "QUATERNION"
    targets = [BoneChannel("turn", channel, axis) for channel in ("location", "scale") for axis in range(3)]
    binding = bind(profile_of(*targets, limits=(-2, 2)), bpy.context.scene)
    values = np.array([0.1, 0.2, 0.3, 1.1, 1.2, 1.3])
    binding.write(values)
    assert tuple(rig.pose.bones["turn"].location) == pytest.approx((0.1, 0.2, 0.3))
    assert tuple(rig.pose.bones["turn"].scale) == pytest.approx((1.1, 1.2, 1.3))
    assert keyed_values(binding, np.array([values, -values]))[1] == pytest.approx(-values)


PROPERTIES = ('plain', 'quo"ted', "back\\slash")


@pytest.mark.parametrize("holder", ["bone", "armature", "other object", "bone of another object"])
@pytest.mark.parametrize("name", PROPERTIES)
def test_custom_properties_wherever_the_rigger_put_them(rig, holder, name):
    other = build_armature("Props", ("knob",))
    item, target = {
        "bone": (rig.pose.bones["turn"], CustomProperty("turn", name)),
        "armature": (rig, CustomProperty("", name)),
        "other object": (other, CustomProperty("", name, "Props")),
        "bone of another object": (other.pose.bones["knob"], CustomProperty("knob", name, "Props")),
    }[holder]
    item[name] = 0.0
    binding = bind(profile_of(target, limits=(-1, 2)), bpy.context.scene, rig)
    assert (binding.missing, binding.notes) == ((), ())
    binding.write(np.array([1.5]))
    assert item[name] == 1.5 and binding.read().tolist() == [1.5]
    assert keyed_values(binding, np.array([[-0.5], [0.25]])) == pytest.approx(np.array([[-0.5], [0.25]]))


def test_whole_numbers_and_switches_stay_what_they_are_live_and_keyed(rig):
    rig["steps"], rig["switch"] = 0, False
    profile = profile_of(CustomProperty("", "steps"), CustomProperty("", "switch"), limits=(0, 3))
    binding = bind(profile, bpy.context.scene)
    binding.write(np.array([1.6, 0.7]))
    assert (rig["steps"], rig["switch"]) == (2, True) and isinstance(rig["switch"], bool)
    shown = keyed_values(binding, np.array([[0.4, 0.4], [1.6, 0.7], [2.9, 0.2]]))
    assert shown.tolist() == [[0, 0], [2, 1], [3, 0]]


def test_one_control_moves_the_same_key_on_several_meshes(rig):
    face, lashes, teeth = (build_mesh(name, ("smile", "jaw"), rig) for name in ("Face", "Lashes", "Teeth"))
    profile = profile_of(ShapeKey(("Face", "Lashes", "Teeth"), "smile"), ShapeKey(("Face",), "jaw"))
    binding = bind(profile, bpy.context.scene)
    binding.write(np.array([0.5, 0.25]))
    blocks = [item.data.shape_keys.key_blocks for item in (face, lashes, teeth)]
    assert [b["smile"].value for b in blocks] == [0.5] * 3 and [b["jaw"].value for b in blocks] == [0.25, 0, 0]
    assert keyed_values(binding, np.array([[0, 0], [1, 0.5]])).tolist() == [[0, 0], [1, 0.5]]
    assert [b["smile"].value for b in blocks] == [1] * 3
    blocks[2]["smile"].value = 0.125
    assert bind(profile, bpy.context.scene).read().tolist() == [1, 0.5]
    lashes.shape_key_remove(blocks[1]["smile"])
    teeth.data.shape_keys.key_blocks["smile"].mute = True
    binding = bind(profile, bpy.context.scene)
    assert binding.missing == () and binding.bound.all()
    for note, words in zip(binding.notes, (("c0", "Lashes", "no shape key 'smile'"), ("Teeth", "muted")), strict=True):
        assert all(word in note for word in words), note


def test_two_objects_that_share_a_mesh_are_keyed_once(rig):
    face = build_mesh("Face", ("smile",), rig)
    twin = bpy.data.objects.new("Twin", face.data)
    twin.parent = rig
    bpy.context.scene.collection.objects.link(twin)
    binding = bind(profile_of(ShapeKey(("Face", "Twin"), "smile")), bpy.context.scene)
    assert (len(binding.carriers), binding.missing, binding.notes) == (1, (), ())


def lock(rig, face):
    rig.pose.bones["turn"].lock_location[1] = True
    return BoneChannel("turn", "location", 1), ("location Y", "'turn'", "locked")


def lock_scale(rig, face):
    rig.pose.bones["turn"].lock_scale[0] = True
    return BoneChannel("turn", "scale", 0), ("scale X", "'turn'", "locked")


def lock_quaternion(rig, face):
    rig.pose.bones["turn"].lock_rotation[2] = True
    return BoneChannel("turn", "rotation_euler", 2), ("rotation Z", "'turn'", "locked")


def lock_all_four(rig, face):
    rig.pose.bones["turn"].lock_rotations_4d = rig.pose.bones["turn"].lock_rotation_w = True
    return BoneChannel("turn", "rotation_euler", 0), ("rotation X", "'turn'", "locked")


def connect(rig, face):
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    bones["turn"].parent, bones["turn"].use_connect = bones["other"], True
    bpy.ops.object.mode_set(mode="OBJECT")
    return BoneChannel("turn", "location", 0), ("'turn'", "connected")


def drive_bone(rig, face):
    rig.pose.bones["turn"].driver_add("location", 2)
    return BoneChannel("turn", "location", 2), ("driver", '"turn"', "'Rig'")


def drive_quaternion(rig, face):
    rig.pose.bones["turn"].driver_add("rotation_quaternion", 3)
    return BoneChannel("turn", "rotation_euler", 0), ("driver", '"turn"')


def drive_property(rig, face):
    rig["puff"] = 0.0
    rig.driver_add('["puff"]')
    return CustomProperty("", "puff"), ("driver", '"puff"')


def drive_key(rig, face):
    face.data.shape_keys.key_blocks["smile"].driver_add("value")
    return ShapeKey(("Face",), "smile"), ("driver", '"smile"')


def mute_key(rig, face):
    face.data.shape_keys.key_blocks["smile"].mute = True
    return ShapeKey(("Face",), "smile"), ("'Face'", "'smile'", "muted")


def basis_key(rig, face):
    return ShapeKey(("Face",), "Basis"), ("'Face'", "'Basis'", "moves nothing")


def text_property(rig, face):
    rig["words"] = "not a number"
    return CustomProperty("", "words"), ("'words'", "number")


def text_bone(rig, face):
    return CustomProperty("gone", "words"), ("'Rig'", "no bone 'gone'")


def no_object(rig, face):
    return CustomProperty("", "words", "Nowhere"), ("'Nowhere'",)


def no_bone_there(rig, face):
    return CustomProperty("turn", "words", "Face"), ("'Face'", "no bone 'turn'")


def no_mesh(rig, face):
    return ShapeKey(("Beard",), "bristle"), ("'Beard'",)     # a mesh with the key would be taken for the beard, renamed


@pytest.mark.parametrize("spoil", [
    lock, lock_scale, lock_quaternion, lock_all_four, connect, drive_bone, drive_quaternion, drive_property, drive_key,
    mute_key, basis_key, text_property, text_bone, no_object, no_bone_there, no_mesh,
], ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_moved_is_told_left_alone_and_the_rest_works(rig, spoil):
    face = build_mesh("Face", ("smile",), rig)
    target, words = spoil(rig, face)
    binding = bind(profile_of(target, BoneChannel("same", "location", 0)), bpy.context.scene)
    (sentence,) = binding.missing
    assert sentence.startswith("Profile 'Own', control 'c0': ") and sentence.endswith(".")
    assert all(word in sentence for word in words), sentence
    assert binding.bound.tolist() == [False, True] and binding.notes == ()
    bone = rig.pose.bones["turn"]
    before = bone.matrix_basis.copy()
    binding.write(np.array([1, 0.5]))
    assert bone.matrix_basis == before and binding.read().tolist() == [0, 0.5]
    assert keyed_values(binding, np.array([[1, 0], [1, 1]])).tolist() == [[0, 0], [0, 1]]


def test_a_muted_driver_and_a_constraint_are_no_hindrance(rig):
    bone = rig.pose.bones["turn"]
    bone.driver_add("location", 0).mute = True
    limit = bone.constraints.new("LIMIT_LOCATION")
    binding = bind(profile_of(BoneChannel("turn", "location", 0)), bpy.context.scene)
    binding.write(np.array([0.5]))
    assert binding.missing == () and bone.location.x == 0.5
    assert [*bone.constraints] == [limit] and rig.animation_data.drivers[0].mute


def test_ranges_that_do_not_reach_the_profiles_are_noted(rig):
    build_mesh("Face", ("smile",), rig)
    rig["puff"], rig["wide"] = 0.0, 0.0
    rig.id_properties_ui("puff").update(min=0, max=0.5)
    binding = bind(profile_of(
        ShapeKey(("Face",), "smile"), CustomProperty("", "puff"), CustomProperty("", "wide"), limits=(-1, 1),
    ), bpy.context.scene)
    assert binding.missing == () and len(binding.notes) == 2
    for note, words in zip(binding.notes, (("'smile'", "'Face'", "0 to 1"), ("'puff'", "0 to 0.5")), strict=True):
        assert all(word in note for word in (*words, "-1 to 1")), note


def test_two_controls_of_one_property_are_told_and_the_first_has_it(rig):
    rig.pose.bones["same"].rotation_mode = "XYZ"
    targets = (BoneChannel("turn", "rotation_euler", 0), BoneChannel("turn", "rotation_euler", 1))
    same = BoneChannel("same", "rotation_euler", 0)
    binding = bind(profile_of(*targets, targets[0], same, same), bpy.context.scene)
    assert binding.bound.tolist() == [True, True, False, True, False]
    assert ["'c0'" in binding.missing[0], "'c3'" in binding.missing[1]] == [True, True]
    binding.write(np.array([0.1, 0.2, 0.9, 0.3, 0.9]))
    assert binding.read() == pytest.approx([0.1, 0.2, 0, 0.3, 0], abs=1e-6)
