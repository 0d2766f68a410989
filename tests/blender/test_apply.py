"""A take on Pip: decoded, keyed, applied again with other settings; nothing of the artist's is touched."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras import anim_utils

from addon.blender.apply import add_character, apply_take, extend_scene
from addon.blender.binding import bind
from addon.blender.keying import Placement
from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.control_set import CustomProperty
from addon.core.errors import SemblanceError
from addon.core.frames import ExpressionTrack
from addon.core.rig_profile import find_profile
from addon.core.take import Take, write_take

from .conftest import EXTENSION


def performance(name: str = "jawOpen", count: int = 48) -> Take:
    """A performer at 24 fps whose one coefficient rises from 0 to 1 and whose hand shakes a little."""
    values = np.full((count, coefficients.COUNT), 0.02, np.float32)
    values[:, coefficients.INDEX[name]] = np.linspace(0, 1, count)
    values += np.random.default_rng(0).uniform(0, 0.04, values.shape).astype(np.float32)
    track = ExpressionTrack(
        np.arange(count) / 24, values, np.zeros((count, 128), np.float32), np.zeros((count, 2, 2), np.float32),
        np.zeros((count, 3), np.float32), np.ones(count, np.float32),
    )
    return Take(np.ones(count, bool), np.zeros((0, 478, 3), np.float32), track, track, {"fps": 24.0})


def curve_values(action: bpy.types.Action, owner: bpy.types.ID, control: str) -> np.ndarray:
    """Key values of the bone channel that carries `control`."""
    profile = find_profile("Pip")
    column = profile.control_set.names.index(control)
    carrier = next(c for c in bind(profile, bpy.context.scene).carriers if c.columns == (column,))
    bag = anim_utils.action_get_channelbag_for_slot(action, owner.animation_data.action_slot)
    return np.array([p.co.y for p in bag.fcurves.find(carrier.data_path, index=carrier.indices[0]).keyframe_points])


def test_the_keys_are_what_the_decoder_says_after_lips_are_brought_together():
    scene, profile, take = bpy.context.scene, find_profile("Pip"), performance()
    add_character(profile, scene)
    applied = apply_take(take, profile, scene, "jaw")
    assert applied.notes == () and applied.keyed.controls == len(profile.control_set)
    assert applied.decoder == load_decoder(profile).stamp
    expected = act(take.smoothed, load_decoder(profile), profile.control_set).values
    for row in (0, 20, 47):
        scene.frame_set(1 + row)
        np.testing.assert_allclose(bind(profile, scene).read(), expected[row], atol=1e-5)


def test_other_rates_and_source_warnings_are_noted_and_the_rate_stays():
    scene, profile = bpy.context.scene, find_profile("Pip")
    add_character(profile, scene)
    take = replace(performance(), source={"fps": 30 / 1.001, "warnings": ["3 pictures were damaged"]})
    scene.render.fps, scene.render.fps_base = 25, 1.0
    notes = " ".join(apply_take(take, profile, scene, "jaw").notes)
    assert "29.97" in notes and "25" in notes and "3 pictures were damaged" in notes
    assert (scene.render.fps, scene.render.fps_base) == (25, 1.0)


def test_a_bone_that_is_gone_is_noted_and_the_others_are_keyed():
    scene, profile = bpy.context.scene, find_profile("Pip")
    armature = add_character(profile, scene)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    lost = next(c.target.bone for c in profile.control_set.controls if c.name == "brow_inner.L")
    armature.data.edit_bones.remove(armature.data.edit_bones[lost])
    bpy.ops.object.mode_set(mode="OBJECT")
    applied = apply_take(performance(), profile, scene, "jaw")
    assert applied.keyed.controls < len(profile.control_set)
    assert any(lost in note and "brow_inner.L" in note and "'Pip'" in note for note in applied.notes)


def test_a_control_that_works_only_in_part_is_noted():
    scene, profile = bpy.context.scene, find_profile("Pip")
    armature = add_character(profile, scene)
    puff = next(c.target for c in profile.control_set.controls if isinstance(c.target, CustomProperty))
    armature.pose.bones[puff.bone].id_properties_ui(puff.property).update(max=0.25)
    applied = apply_take(performance(), profile, scene, "jaw")
    assert applied.keyed.controls == len(profile.control_set)
    assert any(puff.property in note and "0.25" in note for note in applied.notes)


def test_a_rig_of_ones_own_is_not_appended():
    with pytest.raises(SemblanceError, match="no character 'Pip', and its profile names no file.*--scene"):
        add_character(replace(find_profile("Pip"), blend=None), bpy.context.scene)


def test_a_missing_or_damaged_character_file_is_one_sentence(tmp_path: Path):
    scene, profile = bpy.context.scene, find_profile("Pip")
    for content, words in ((None, "is missing"), (b"BLENDER", "cannot read"), ("empty", "no collection 'Pip'")):
        path = tmp_path / f"{words.split()[0]}.blend"
        if content == "empty":
            bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
        elif content:
            path.write_bytes(content)
        with pytest.raises(SemblanceError, match=words):
            add_character(replace(profile, blend=path), scene)
    assert len(scene.objects) == 0


def test_the_scene_is_extended_but_never_shortened():
    scene, profile = bpy.context.scene, find_profile("Pip")
    add_character(profile, scene)
    keyed = apply_take(performance(), profile, scene, "jaw", Placement(start_frame=230)).keyed
    extend_scene(scene, keyed)
    assert scene.frame_end == 230 + 47
    scene.frame_end = 900
    extend_scene(scene, keyed)
    assert scene.frame_end == 900


def test_applying_again_with_other_settings_needs_no_tracking(extension, tmp_path):
    scene = bpy.context.scene
    settings = scene.semblance
    bpy.ops.semblance.character_add(character="Pip")
    write_take(performance(), tmp_path / "jaw.take")
    settings.source = str(tmp_path / "jaw.take")
    armature, shakes, actions = settings.character, [], []
    for strength in (0, 3):
        settings.strength, settings.neutral = strength, "NONE"
        assert bpy.ops.semblance.take_apply() == {"FINISHED"}
        action = armature.animation_data.action
        actions.append(action.name)
        shakes.append(np.abs(np.diff(curve_values(action, armature, "brow_inner.L"), 2)).mean())
    assert actions == ["jaw", "jaw.001"] and shakes[1] < 0.5 * shakes[0]
    settings.gain_jaw = 0
    bpy.ops.semblance.take_apply()
    jaw = next(c.name for c in find_profile("Pip").control_set.controls if c.group == "jaw")
    last = curve_values(armature.animation_data.action, armature, jaw)
    assert np.ptp(last) < 0.3 * np.ptp(curve_values(bpy.data.actions["jaw"], armature, jaw))
    assert EXTENSION in bpy.context.preferences.addons


def test_neutral_from_a_frame_makes_that_face_the_rest(extension, tmp_path):
    scene = bpy.context.scene
    settings = scene.semblance
    bpy.ops.semblance.character_add(character="Pip")
    write_take(performance(), tmp_path / "jaw.take")
    settings.source, settings.strength = str(tmp_path / "jaw.take"), 0
    scene.frame_set(24)
    bpy.ops.semblance.neutral_set()
    bpy.ops.semblance.take_apply()
    profile = find_profile("Pip")
    decoded = bind(profile, scene)
    controls = profile.control_set
    away = []
    for frame in (24, 48):
        scene.frame_set(frame)
        away.append(np.abs(controls.scaled(decoded.read()) - controls.scaled(controls.neutral)).max())
    assert away[0] < 0.35 < away[1]
