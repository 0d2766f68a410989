"""The sidebar's settings and buttons, as a script calls them."""
from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from ..films import piece_of
from .conftest import EXTENSION, ROOT


@pytest.fixture
def settings(extension):
    return bpy.context.scene.semblance


def test_defaults_key_the_whole_take_from_frame_one(settings):
    placement = settings.placement()
    assert (placement.start_frame, placement.first_frame, placement.last_frame) == (1, None, None)
    assert not placement.without_groups and not placement.nla_strip and settings.smoothing().strength == 1


def test_settings_reach_the_placement(settings):
    settings.use_head, settings.use_nla, settings.use_range = False, True, True
    settings.start_frame, settings.first_frame, settings.last_frame = 101, 120, 130
    placement = settings.placement()
    assert (placement.start_frame, placement.first_frame, placement.last_frame) == (101, 120, 130)
    assert set(placement.without_groups) == {"head"} and placement.nla_strip


def test_a_performance_is_applied_and_anything_else_tracked_first(settings):
    assert not bpy.ops.semblance.take_apply.poll() and not bpy.ops.semblance.take_track.poll()
    settings.source = "/videos/clip.mp4"
    assert settings.performance() is None
    assert bpy.ops.semblance.take_track.poll() and not bpy.ops.semblance.take_apply.poll()
    settings.take = "/takes/clip.take"
    assert settings.performance() == Path("/takes/clip.take")
    settings.source = "/videos/slate_iPhone.CSV"
    assert settings.take == "" and settings.performance() == Path("/videos/slate_iPhone.CSV")
    assert bpy.ops.semblance.take_apply.poll() and not bpy.ops.semblance.take_track.poll()


def test_the_face_box_is_off_until_asked_for_and_must_lie_inside(settings, extension):
    assert settings.box() is None and not settings.use_drawn
    settings.use_box, settings.box_left = True, 10
    assert settings.box().percent == "10,20,40,60"
    settings.box_left = 70
    with pytest.raises(extension("core.errors").SemblanceError, match=r"70,20,40,60 .* must lie inside the picture"):
        settings.box()
    settings.source = str(ROOT / "assets" / "demo" / "performer.mp4")
    with pytest.raises(RuntimeError, match="must lie inside the picture"):
        bpy.ops.semblance.take_track()


def test_neutral_is_remembered_as_time_of_the_take(settings):
    scene = bpy.context.scene
    scene.render.fps, settings.start_frame = 25, 11
    scene.frame_set(36)
    bpy.ops.semblance.neutral_set()
    assert settings.neutral == "FRAME" and settings.neutral_s == pytest.approx(1.0)
    scene.frame_set(1)
    bpy.ops.semblance.neutral_set()
    assert settings.neutral_s == 0


def test_characters_are_found_added_and_chosen(settings, extension):
    operators = extension("blender.character_choice")
    scene = bpy.context.scene
    with pytest.raises(extension("core.errors").SemblanceError, match="Add Character"):
        operators.chosen_character(scene)
    bpy.ops.semblance.character_add(character="Pip")
    first = settings.character
    assert first.name == "Pip"
    bpy.ops.semblance.character_add(character="pip")
    assert settings.character.name == "Pip.001"
    assert operators.chosen_character(scene)[0].name == "Pip.001"
    settings.character = None
    assert operators.chosen_character(scene)[0] == first
    bpy.data.objects.remove(first)
    assert operators.chosen_character(scene)[0].name == "Pip.001"


def test_a_chosen_character_that_is_gone_is_not_replaced_by_another(settings, extension):
    choice, error = extension("blender.character_choice"), extension("core.errors").SemblanceError
    scene = bpy.context.scene
    bpy.ops.semblance.character_add(character="Pip")
    bpy.ops.semblance.character_add(character="Pip")
    for collection in list(settings.character.users_collection):
        collection.objects.unlink(settings.character)
    with pytest.raises(error, match="no longer in the scene"):
        choice.chosen_character(scene)


def test_a_linked_character_is_told_from_one_that_can_be_animated(settings, extension):
    choice, error = extension("blender.character_choice"), extension("core.errors").SemblanceError
    scene = bpy.context.scene
    blend = extension("core.rig_profile").find_profile("Pip").blend
    with bpy.data.libraries.load(str(blend), link=True) as (_, wanted):
        wanted.collections = ["Pip"]
    shown = bpy.data.objects.new("Shown", None)
    shown.instance_type, shown.instance_collection = "COLLECTION", wanted.collections[0]
    scene.collection.objects.link(shown)
    with pytest.raises(error, match="'Shown' only shows the collection 'Pip'"):
        choice.chosen_character(scene)
    scene.collection.children.link(wanted.collections[0])
    with pytest.raises(error, match="linked from another file"):
        choice.use_rig([scene.objects["Pip"]], scene)
    # As the user is told: what was chosen before stands for its override.
    linked = settings.character = scene.objects["Pip"]
    wanted.collections[0].override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    root, *_ = choice.known_character(linked, scene)
    assert root != linked and root.override_library.reference == linked


def test_expected_failures_are_reports_not_tracebacks(settings, tmp_path):
    with pytest.raises(RuntimeError, match="There is no character 'Nobody'"):
        bpy.ops.semblance.character_add(character="Nobody")
    settings.source = str(tmp_path / "absent.mp4")
    with pytest.raises(RuntimeError, match=r"There is no '.*absent.mp4'"):
        bpy.ops.semblance.take_track()
    (tmp_path / "broken.take").write_bytes(b"PK\3\4 cut")
    bpy.ops.semblance.character_add()
    settings.source = str(tmp_path / "broken.take")
    with pytest.raises(RuntimeError, match="damaged"):
        bpy.ops.semblance.take_apply()
    assert not bpy.data.actions


def test_tracking_from_a_script_waits_and_says_why_it_failed(settings, tmp_path):
    bpy.context.preferences.addons[EXTENSION].preferences.takes_folder = str(tmp_path / "takes")
    (tmp_path / "clip.mp4").write_bytes(b"no video at all")
    settings.source = str(tmp_path / "clip.mp4")
    with pytest.raises(RuntimeError, match=r"clip\.mp4"):
        bpy.ops.semblance.take_track()
    assert settings.take == "" and list((tmp_path / "takes").iterdir()) == []


def test_tracking_again_keeps_the_older_take(extension, tmp_path):
    free_path = extension("blender.operators").free_path
    for name in ("clip.take", "clip-2.take", "clip-3.take"):
        path = free_path(tmp_path, "clip")
        assert path == tmp_path / name
        path.touch()


def test_takes_folder_follows_preferences_then_file_then_user(settings, extension, tmp_path):
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    takes_folder = extension("blender.folders").takes_folder
    preferences.takes_folder = ""
    assert EXTENSION.replace("bl_ext.", "").split(".")[1] in str(takes_folder(bpy.context))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert takes_folder(bpy.context) == tmp_path / "takes"
    preferences.takes_folder = str(tmp_path / "chosen")
    assert takes_folder(bpy.context) == tmp_path / "chosen"
    (tmp_path / "file").write_bytes(b"")
    preferences.takes_folder = str(tmp_path / "file" / "x")
    with pytest.raises(extension("core.errors").SemblanceError, match="Cannot make"):
        takes_folder(bpy.context)


def test_a_clip_is_tracked_by_the_child_and_applied(settings, tmp_path):
    bpy.context.preferences.addons[EXTENSION].preferences.takes_folder = str(tmp_path)
    bpy.ops.semblance.character_add(character="Pip")
    (tmp_path / "clip").mkdir()
    performer = ROOT / "assets" / "demo" / "performer.mp4"
    settings.source = str(piece_of(performer, tmp_path / "clip" / "performer.mp4", 0, 50))
    assert bpy.ops.semblance.take_track() == {"FINISHED"}
    assert settings.performance() == tmp_path / "performer.take"
    settings.start_frame, settings.use_head = 301, False
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    action = settings.character.animation_data.action
    assert tuple(action.frame_range) == (301, 301 + 47) and bpy.context.scene.frame_end == 348
    settings.use_nla = True
    bpy.ops.semblance.take_apply()
    assert settings.character.animation_data.action == action
    assert len(settings.character.animation_data.nla_tracks) == 1
