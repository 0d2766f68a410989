"""A keyed performance on one character, read and carried to another; the first one is not touched."""
from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon.blender.apply import add_character
from addon.blender.binding import bind
from addon.blender.keying import Placement, key_track
from addon.blender.transfer_action import read_action, transfer_performance
from addon.characters.transfer import train
from addon.characters.transfer_pairs import decoded_pairs
from addon.core.control_set import BoneChannel
from addon.core.errors import SemblanceError
from addon.core.frames import ControlTrack
from addon.core.rig_profile import find_profile

from .conftest import build_armature, profile_of


def waving(profile, count: int = 12, seed: int = 1) -> ControlTrack:
    """Random poses at the scene's rate."""
    other = find_profile("Uno")
    values = decoded_pairs(profile, other, count, seed).source
    return ControlTrack(np.arange(count) / bpy.context.scene.render.fps, values)


@pytest.mark.parametrize("name", ["Mora", "Pip"])
def test_what_is_read_is_what_the_scene_shows(name):
    scene, profile = bpy.context.scene, find_profile(name)
    add_character(profile, scene)
    binding, track = bind(profile, scene), waving(profile)
    key_track(binding, track, "wave", scene, Placement(start_frame=11))
    scene.frame_set(3)
    found = read_action(binding)
    assert found.name == "wave" and found.frames.tolist() == list(range(11, 23)) and scene.frame_current == 3
    np.testing.assert_allclose(found.values, track.values, atol=1e-5)
    for frame in (11, 17, 22):
        scene.frame_set(frame)
        np.testing.assert_allclose(bind(profile, scene).read(), found.values[frame - 11], atol=1e-5)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION", "AXIS_ANGLE"])
def test_rotations_of_every_mode_are_read_and_put_back(mode):
    scene, bone = bpy.context.scene, build_armature("Rig", ("head",)).pose.bones["head"]
    bone.rotation_mode = mode
    profile = profile_of(*(BoneChannel("head", "rotation_euler", axis) for axis in range(3)), limits=(-0.6, 0.6))
    binding = bind(profile, scene)
    values = np.random.default_rng(0).uniform(-0.6, 0.6, (9, 3)).astype(np.float32)
    key_track(binding, ControlTrack(np.arange(9) / scene.render.fps, values), "turn", scene)
    scene.frame_set(5)
    binding = bind(profile, scene)
    before = binding.read()
    np.testing.assert_allclose(read_action(binding).values, values, atol=1e-4)
    np.testing.assert_allclose(binding.read(), before, atol=1e-6)


def test_a_control_without_a_curve_keeps_its_value():
    scene, profile = bpy.context.scene, find_profile("Mora")
    add_character(profile, scene)
    binding, track = bind(profile, scene), waving(profile)
    key_track(binding, track, "wave", scene, Placement(without_groups=("brows",)))
    brow = profile.control_set.names.index("browOuterUpLeft")
    values = binding.read()
    values[brow] = 0.7
    binding.write(values)
    found = read_action(bind(profile, scene))
    np.testing.assert_allclose(found.values[:, brow], 0.7, atol=1e-5)


def test_a_character_without_keys_is_one_sentence():
    scene, profile = bpy.context.scene, find_profile("Uno")
    add_character(profile, scene)
    with pytest.raises(SemblanceError, match="has no active Action that moves its controls"):
        read_action(bind(profile, scene))


def test_the_other_character_gets_new_keys_and_the_first_keeps_its_own():
    scene, mora, gus = bpy.context.scene, find_profile("Mora"), find_profile("Gus")
    for profile in (mora, gus):
        add_character(profile, scene)
    binding = bind(mora, scene)
    action = key_track(binding, waving(mora), "wave", scene, Placement(start_frame=5)).action
    owners = [owner.animation_data.action for owner in binding.owners]
    keys = [tuple(curve.range()) for layer in action.layers for strip in layer.strips
            for bag in strip.channelbags for curve in bag.fcurves]
    performance = read_action(binding)
    transfer = train(mora, gus, decoded_pairs(mora, gus, 700))
    done = transfer_performance(performance, transfer, bind(gus, scene), scene)
    assert done.keyed.action.name == "wave to Gus" and done.keyed.frames.tolist() == list(range(5, 17))
    assert 0 <= done.confidence <= 1 and any("tongue_side" in note for note in done.notes)
    assert [owner.animation_data.action for owner in binding.owners] == owners
    assert keys == [tuple(curve.range()) for layer in action.layers for strip in layer.strips
                    for bag in strip.channelbags for curve in bag.fcurves]
    expected = transfer.network(performance.values)
    for frame in (5, 10, 16):
        scene.frame_set(frame)
        np.testing.assert_allclose(bind(gus, scene).read(), expected[frame - 5], atol=1e-4)
