"""Gain, offset, mute and mirror on single controls, of Semblance's characters and of users' rigs."""
from __future__ import annotations

import bpy
import pytest
from bpy_extras import anim_utils

from addon.core.rig_profile import read_profile

from .test_control_panel import draw  # noqa: F401
from .test_own_rig import build_head
from .test_several import action, add, settings  # noqa: F401

CORNER = "corner_y.L"


@pytest.fixture
def listed(settings):  # noqa: F811
    """Pip's list of controls."""
    add("Pip")
    assert bpy.ops.semblance.controls_list() == {"FINISHED"}
    return settings.rigs[0]


def keyed_heights(root: bpy.types.Object) -> dict[str, float]:
    """Side → height of that mouth corner's bone half way, and whether it has keys, after Apply."""
    bpy.ops.semblance.take_apply()
    bpy.context.scene.frame_set(30)
    return {side: root.pose.bones[f"CTRL-mouth_corner.{side}"].location.y for side in "LR"}


def has_keys(root: bpy.types.Object, bone: str) -> bool:
    bag = anim_utils.action_get_channelbag_for_slot(action(root), root.animation_data.action_slot)
    return any(f'"{bone}"' in curve.data_path for curve in bag.fcurves)


def test_a_character_of_ours_plays_as_without_a_list_until_something_is_set(settings):  # noqa: F811
    root, = add("Pip")
    before = keyed_heights(root)
    bpy.ops.semblance.controls_list()
    rig = settings.rigs[0]
    assert rig.is_ours and len(rig.controls) == 53
    assert keyed_heights(root) == before
    rig.mirror = False
    rig.controls[CORNER].gain = 0.5
    assert keyed_heights(root) == pytest.approx({"L": before["L"] / 2, "R": before["R"]}, abs=1e-5)
    rig.controls[CORNER].gain, rig.controls[CORNER].offset = 1, -0.02
    assert keyed_heights(root)["L"] == pytest.approx(before["L"] - 0.02, abs=1e-5)
    rig.controls[CORNER].offset, rig.controls[CORNER].mirrored = 0, True
    assert keyed_heights(root) == pytest.approx({"L": before["R"], "R": before["R"]}, abs=1e-5)
    bpy.ops.semblance.controls_reset()
    assert keyed_heights(root) == before


def test_a_muted_control_rests_and_gets_no_keys(listed, settings):  # noqa: F811
    root = settings.character
    keyed_heights(root)
    assert has_keys(root, "CTRL-mouth_corner.L")
    listed.controls[CORNER].muted = True
    assert listed.controls["corner_y.R"].muted, "both sides are edited together"
    listed.controls["corner_x.L"].muted = True
    assert keyed_heights(root)["L"] == 0 and not has_keys(root, "CTRL-mouth_corner.L")


def test_what_is_switched_off_stays_as_the_animator_has_it(listed, settings):  # noqa: F811
    root = settings.character
    root.pose.bones["CTRL-mouth_corner.L"].location.y = 0.04
    listed.controls[CORNER].enabled = False
    assert keyed_heights(root)["L"] == pytest.approx(0.04)


def test_an_offset_of_a_mirrored_axis_goes_the_other_way_on_the_other_side(listed):
    flipped = next(item for item in listed.controls if item.mirror_sign < 0 and item.other_side() is not None)
    flipped.offset = 0.125
    assert flipped.other_side().offset == -0.125


def test_a_list_of_ours_is_no_preset_and_is_left_out_of_them(listed):
    assert not bpy.ops.semblance.preset_save.poll() and not bpy.ops.semblance.rig_forget.poll()
    bpy.ops.semblance.controls_enable(enabled=False)
    assert not any(listed.enabled())


def test_presets_of_ones_own_rig_keep_what_is_set(settings, presets_folder):  # noqa: F811
    build_head()
    bpy.ops.semblance.rig_use()
    rig = settings.rigs[0]
    rig.mirror = False
    smile = rig.controls["mouthSmile_L"]
    smile.offset, smile.muted, smile.mirrored = 0.1, True, True
    bpy.ops.semblance.preset_save()
    saved = read_profile(presets_folder / f"{rig.name}.toml").control_set
    control = saved.controls[saved.names.index("mouthSmile_L")]
    assert (control.offset, control.muted, control.mirrored) == (0.1, True, True)
    path = rig.preset
    bpy.ops.semblance.controls_reset()
    bpy.ops.semblance.preset_load(path=path)
    smile = settings.rigs[0].controls["mouthSmile_L"]
    assert (smile.offset, smile.muted, smile.mirrored) == (pytest.approx(0.1), True, True)


def test_the_panel_offers_the_list_and_shows_only_what_may_be_changed(draw, extension):  # noqa: F811
    bpy.ops.semblance.character_add(character="Pip")
    assert not draw(400).texts
    bpy.ops.semblance.controls_list()
    layout = draw(400)
    names = {name for name, _ in layout.shown}
    assert {"gain", "offset", "muted", "mirrored"} <= names and not {"minimum", "neutral", "pair"} & names
    assert "53 of 53 controls are on" in layout.texts
