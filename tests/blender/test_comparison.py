"""Before and after Apply: one button, nothing lost, also for strips, shape keys and what the animator does between."""
from __future__ import annotations

from dataclasses import fields, replace

import bpy
import pytest
from mathutils import Quaternion

from addon.core.frames import BodyTrack
from addon.core.take import write_take

from .test_apply import performance
from .test_body_keys import hands_alone
from .test_own_rig import build_head
from .test_several import action, add, settings, tick  # noqa: F401

BONE = "CTRL-mouth_corner.L"


def height(root: bpy.types.Object) -> float:
    """Of the left mouth corner's bone on frame 40, where the smile is wide."""
    bpy.context.scene.frame_set(40)
    return root.pose.bones[BONE].location.y


@pytest.fixture
def pip(settings):  # noqa: F811
    """Pip, keyed by hand on one bone and posed on another."""
    root, = add("Pip")
    bone = root.pose.bones[BONE]
    bone.location.y = -0.05
    bone.keyframe_insert("location", index=1, frame=1)
    root.animation_data.action.name = "by hand"
    root.pose.bones["CTRL-mouth_corner.R"].location.y = -0.03
    return root


def test_there_is_nothing_to_compare_before_apply(pip):
    assert not bpy.ops.semblance.take_compare.poll()


def test_back_and_forth(pip, settings):  # noqa: F811
    bpy.ops.semblance.take_apply()
    new = action(pip)
    smile = height(pip)
    assert smile > 0.02 and settings.actors[0].shows_new
    for _ in range(2):
        bpy.ops.semblance.take_compare()
        assert action(pip).name == "by hand" and not settings.actors[0].shows_new
        assert height(pip) == pytest.approx(-0.05)
        assert pip.pose.bones["CTRL-mouth_corner.R"].location.y == pytest.approx(-0.03), "what had no keys is back too"
        bpy.ops.semblance.take_compare()
        assert action(pip) == new and height(pip) == pytest.approx(smile)
        assert pip.animation_data.action_slot is not None


def test_bones_of_a_body_go_back_to_how_they_were_posed(pip, settings, tmp_path):  # noqa: F811
    body, smile = hands_alone(), performance("mouthSmileLeft")
    body = BodyTrack(**{field.name: getattr(body, field.name)[[0] * len(smile)] for field in fields(BodyTrack)})
    write_take(replace(smile, body=replace(body, times_s=smile.times_s)), tmp_path / "smile.take")
    finger = pip.pose.bones["DEF-f_index.02.R"]
    finger.rotation_quaternion = posed = Quaternion((1, 0, 0), 0.3)
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    for _ in range(2):
        height(pip)
        bent = finger.rotation_quaternion.copy()
        assert bent.rotation_difference(posed).angle > 0.1 and pip["body"] is True
        bpy.ops.semblance.take_compare()
        height(pip)
        assert finger.rotation_quaternion.rotation_difference(posed).angle < 1e-3 and pip["body"] is False
        bpy.ops.semblance.take_compare()


def test_no_action_before_is_none_again(settings):  # noqa: F811
    root, = add("Pip")
    bpy.ops.semblance.take_apply()
    bpy.ops.semblance.take_compare()
    assert action(root) is None and height(root) == 0
    bpy.ops.semblance.take_compare()
    assert action(root).name == "smile" and height(root) > 0.02


def test_shape_keys_are_swapped_too(settings):  # noqa: F811
    head = build_head()
    bpy.ops.semblance.rig_use()
    keys = head.data.shape_keys
    keys.key_blocks["mouthSmile_L"].value = 0.25
    bpy.ops.semblance.take_apply()
    bpy.ops.semblance.take_compare()
    assert action(keys) is None and keys.key_blocks["mouthSmile_L"].value == pytest.approx(0.25)


def test_a_strip_is_muted_and_heard_again_whatever_tracks_are_called(pip, settings):  # noqa: F811
    settings.use_nla = True
    pip.animation_data.nla_tracks.new().name = "smile"
    bpy.ops.semblance.take_apply()
    artist, ours = pip.animation_data.nla_tracks
    ours.name = "Face layer"
    for muted in (True, False):
        bpy.ops.semblance.take_compare()
        assert ours.strips[0].mute == muted and not artist.mute and action(pip).name == "by hand"


def test_what_is_done_to_either_side_is_kept(pip):
    bpy.ops.semblance.take_apply()
    bpy.ops.semblance.take_compare()
    pip.animation_data.action = None
    pip.pose.bones[BONE].location.y = 0.01
    bpy.ops.semblance.take_compare()
    assert action(pip).name == "smile"
    bpy.ops.semblance.take_compare()
    assert action(pip) is None and height(pip) == pytest.approx(0.01)


def test_nothing_is_lost_when_the_file_is_saved_on_either_side(pip, tmp_path):
    bpy.ops.semblance.take_apply()
    for side in ("new", "old"):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"{side}.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / f"{side}.blend"))
        assert {"smile", "by hand"} <= {each.name for each in bpy.data.actions}
        bpy.ops.semblance.take_compare()
    bpy.ops.semblance.take_compare()
    bpy.ops.semblance.take_apply()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "again.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "again.blend"))
    assert {"smile", "smile.001", "by hand"} <= {each.name for each in bpy.data.actions}


def test_all_ticked_ones_switch_together(settings):  # noqa: F811
    pip, gus, uno = add("Pip", "Gus", "Uno")
    tick(pip, gus)
    bpy.ops.semblance.take_apply()
    settings.actor = 0
    bpy.ops.semblance.take_compare()
    assert action(pip) is action(gus) is None
    bpy.ops.semblance.take_compare()
    assert action(pip) and action(gus) and not action(uno)


def test_inside_a_strip_it_is_one_sentence(pip, settings):  # noqa: F811
    bpy.ops.semblance.take_apply()
    data = pip.animation_data
    strip = data.nla_tracks.new().strips.new("strip", 1, bpy.data.actions["by hand"])
    data.action = None
    strip.select = True
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    with pytest.raises(RuntimeError, match="tweak mode"):
        bpy.ops.semblance.take_compare()
