"""Keys land where the source's clock says, in an Action of their own, and evaluate."""
from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras import anim_utils

from addon.blender.binding import bind
from addon.blender.keying import Placement, key_track
from addon.core.errors import SemblanceError
from addon.core.frames import ControlTrack


def ramp(profile, seconds: float = 2.0, rate: float = 25.0) -> ControlTrack:
    """Every control rises from minimum to maximum over `seconds`."""
    times = np.arange(int(seconds * rate) + 1) / rate
    share = (times / times[-1])[:, None]
    low, high = profile.control_set.minimum, profile.control_set.maximum
    return ControlTrack(100 + times, (low + share * (high - low)).astype(np.float32))


def curves_of(action, owner):
    return list(anim_utils.action_get_channelbag_for_slot(action, owner.animation_data.action_slot).fcurves)


def test_keys_are_generated_linear_one_per_frame_and_grouped(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    keyed = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "take", scene, Placement(start_frame=10))
    curves = curves_of(keyed.action, mixed_rig)
    assert keyed.controls == 6 and len(curves) == 5
    assert [c.group.name for c in curves] == ["brows", "brows", "head", "cheeks", "mouth"]
    for curve in curves:
        assert [p.co.x for p in curve.keyframe_points] == list(range(10, 10 + 48 + 1))
        assert {(p.type, p.interpolation) for p in curve.keyframe_points} == {("GENERATED", "LINEAR")}


def test_every_kind_evaluates_also_between_frames_and_after_reload(mixed_rig, mixed_profile, tmp_path: Path):
    scene = bpy.context.scene
    key_track(bind(mixed_profile, scene), ramp(mixed_profile), "take", scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "keyed.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "keyed.blend"))
    scene = bpy.context.scene
    scene.frame_set(12, subframe=0.5)
    share = (12.5 - 1) / 48
    low, high = mixed_profile.control_set.minimum, mixed_profile.control_set.maximum
    expected = low + share * (high - low)
    expected[4] = round(expected[4])  # an integer property
    np.testing.assert_allclose(bind(mixed_profile, scene).read(), expected, atol=1e-5)


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.001), (60, 1.0)])
def test_two_minutes_at_29_97_drift_less_than_a_frame_and_rate_stays(mixed_rig, mixed_profile, fps, base):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    track = ramp(mixed_profile, seconds=120, rate=30 / 1.001)
    keyed = key_track(bind(mixed_profile, scene), track, "take", scene)
    length_s = track.times_s[-1] - track.times_s[0]
    assert abs((keyed.frames[-1] - keyed.frames[0]) - length_s * fps / base) < 1
    assert (scene.render.fps, scene.render.fps_base) == (fps, pytest.approx(base))


def test_values_are_held_inside_the_limits(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    track = ControlTrack(np.arange(3) / 24, np.full((3, 6), 99, np.float32))
    keyed = key_track(bind(mixed_profile, scene), track, "take", scene)
    assert curves_of(keyed.action, mixed_rig)[2].keyframe_points[0].co.y == pytest.approx(0.8)


def test_frame_range_and_groups_left_out(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    binding = bind(mixed_profile, scene)
    placement = Placement(start_frame=1, first_frame=20, last_frame=30, without_groups={"head"})
    keyed = key_track(binding, ramp(mixed_profile), "take", scene, placement)
    assert list(keyed.frames) == list(range(20, 31)) and keyed.controls == 5
    assert not any("rotation" in c.data_path for c in curves_of(keyed.action, mixed_rig))
    with pytest.raises(SemblanceError, match="frames 1 to 49"):
        key_track(binding, ramp(mixed_profile), "take", scene, Placement(first_frame=500))


def test_an_artists_action_is_kept_untouched_even_over_save(mixed_rig, mixed_profile, tmp_path: Path):
    scene = bpy.context.scene
    mixed_rig.location = (1, 2, 3)
    mixed_rig.keyframe_insert("location", frame=5)
    art = mixed_rig.animation_data.action
    art.name = "art"
    binding = bind(mixed_profile, scene)
    first = key_track(binding, ramp(mixed_profile), "take", scene).action.name
    second = key_track(binding, ramp(mixed_profile), "take", scene).action.name
    assert first != second and mixed_rig.animation_data.action.name == second
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    assert {"art", first, second} <= set(bpy.data.actions.keys())
    art = bpy.data.actions["art"]
    bag = art.layers[0].strips[0].channelbag(art.slots[0])
    assert [len(c.keyframe_points) for c in bag.fcurves] == [1, 1, 1]


def test_nla_strip_leaves_the_active_action_and_evaluates(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    mixed_rig.keyframe_insert("scale", frame=1)
    art = mixed_rig.animation_data.action
    keyed = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "take", scene, Placement(11, nla_strip=True))
    assert mixed_rig.animation_data.action == art
    for owner in bind(mixed_profile, scene).owners:
        strip = owner.animation_data.nla_tracks[0].strips[0]
        assert strip.action == keyed.action and strip.action_slot.name_display == owner.name
        assert (strip.frame_start, strip.frame_end) == (11, 59)
    scene.frame_set(11 + 48)
    values = bind(mixed_profile, scene).read()
    np.testing.assert_allclose(values, mixed_profile.control_set.maximum, atol=1e-5)


def test_keys_that_the_nla_does_not_show_are_told(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    strip = Placement(nla_strip=True)
    assert key_track(bind(mixed_profile, scene), ramp(mixed_profile), "strip", scene, strip).notes == ()
    assert key_track(bind(mixed_profile, scene), ramp(mixed_profile), "face", scene).notes == ()
    over = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "strip", scene, strip).notes
    assert len(over) == 1 and "'face' has keys of the same controls and plays over the new strip" in over[0]
    data = mixed_rig.animation_data
    data.action_influence = 0.5
    mixed = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "face", scene).notes
    assert mixed == ("The active Action of 'Mixed' is only mixed into its NLA; set it to Replace and 1 there.",)
    data.action, data.use_nla, data.nla_tracks[0].is_solo = None, False, True
    mixed_rig.data.pose_position = "REST"
    hidden = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "strip", scene, strip).notes
    words = ("'Mixed' shows its rest position", "'strip' of 'Mixed' plays solo", "The NLA of 'Mixed' is switched off")
    assert all(word in sentence for word, sentence in zip(words, hidden, strict=False))


def test_two_characters_play_their_own_takes(mixed_rig, mixed_profile):
    from .conftest import build_mixed_rig

    scene, second = bpy.context.scene, build_mixed_rig()
    key_track(bind(mixed_profile, scene, mixed_rig), ramp(mixed_profile), "one", scene)
    low = ControlTrack(np.arange(3) / 24, np.tile(mixed_profile.control_set.minimum, (3, 1)))
    key_track(bind(mixed_profile, scene, second), low, "two", scene)
    scene.frame_set(49)
    np.testing.assert_allclose(
        bind(mixed_profile, scene, mixed_rig).read(), mixed_profile.control_set.maximum, atol=1e-5)
    np.testing.assert_allclose(bind(mixed_profile, scene, second).read(), mixed_profile.control_set.minimum, atol=1e-5)


def test_inside_an_nla_strip_nothing_is_touched(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    mixed_rig.keyframe_insert("scale", frame=1)
    data = mixed_rig.animation_data
    track, art = data.nla_tracks.new(), data.action
    track.strips.new("art", 1, art).select = track.select = True
    data.action, data.nla_tracks.active, data.use_tweak_mode = None, track, True
    assert data.use_tweak_mode
    for nla_strip in (False, True):
        with pytest.raises(SemblanceError, match="'Mixed' is open in the NLA editor"):
            key_track(bind(mixed_profile, scene), ramp(mixed_profile), "take", scene, Placement(nla_strip=nla_strip))
    assert [*bpy.data.actions] == [art] and len(data.nla_tracks) == 1


def test_a_quaternion_has_four_curves_in_one_group(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    mixed_rig.pose.bones["head"].rotation_mode = "QUATERNION"
    keyed = key_track(bind(mixed_profile, scene), ramp(mixed_profile), "take", scene)
    curves = [c for c in curves_of(keyed.action, mixed_rig) if "rotation" in c.data_path]
    assert keyed.controls == 6
    assert [(c.data_path, c.array_index, c.group.name) for c in curves] == [
        ('pose.bones["head"].rotation_quaternion', index, "head") for index in range(4)]
    assert {(p.type, p.interpolation) for c in curves for p in c.keyframe_points} == {("GENERATED", "LINEAR")}


def test_a_value_that_is_no_number_is_keyed_as_neutral(mixed_rig, mixed_profile):
    scene = bpy.context.scene
    track = ControlTrack(np.arange(2) / 24, np.full((2, 6), np.nan, np.float32))
    key_track(bind(mixed_profile, scene), track, "take", scene)
    scene.frame_set(2)
    np.testing.assert_allclose(bind(mixed_profile, scene).read(), mixed_profile.control_set.neutral)
