"""Clips come whole or not at all, show the character, and need no screen."""
from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from addon.blender.apply import add_character, stand_beside
from addon.blender.binding import belongs_to, bind
from addon.blender.rendering import ensure_camera, render_clip
from addon.blender.scenes import open_scene, save_scene
from addon.core.control_set import Control, ControlSet, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.rig_profile import find_profile

SIZE = (96, 64)


@pytest.fixture
def stage(mixed_profile):
    """A scene of ours with the mixed rig, its jaw keyed to open within five frames, and a camera."""
    from .conftest import build_mixed_rig

    scene = open_scene(None)
    armature = build_mixed_rig()
    bpy.data.objects["Face"].rotation_euler[0] = 1.5708
    bpy.context.view_layer.update()
    ensure_camera(scene, armature)
    block = bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0), (5, 1)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    return scene


def test_video_has_each_frame_and_the_size(stage, tmp_path: Path):
    stage.render.fps = 25
    clip = tmp_path / "clip.mp4"
    render_clip(stage, clip, (1, 5), SIZE, video=True)
    video = cv2.VideoCapture(str(clip))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (5, 25)
    assert video.read()[1].shape == (SIZE[1], SIZE[0], 3)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".mp4")] == ["clip.mp4"]


def test_pictures_show_the_character_move_and_replace_older_ones(stage, tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    (folder / "old.png").write_bytes(b"old")
    render_clip(stage, folder, (1, 5), SIZE, video=False)
    assert sorted(p.name for p in folder.iterdir()) == [f"{n:04}.png" for n in range(1, 6)]
    first, last = (cv2.imread(str(folder / name)).astype(int) for name in ("0001.png", "0005.png"))
    backdrop = first[0, 0]
    covered = [np.abs(picture - backdrop).max(axis=2) > 12 for picture in (first, last)]
    assert 0.02 < covered[0].mean() < 0.95
    assert (covered[0] != covered[1]).mean() > 0.01


def test_no_camera_and_unwritable_folder_are_one_sentence(stage, tmp_path: Path):
    (tmp_path / "taken").write_bytes(b"")
    for video in (True, False):
        with pytest.raises(SemblanceError, match="Cannot write"):
            render_clip(stage, tmp_path / "taken" / "clip.mp4", (1, 2), SIZE, video=video)
    stage.camera = None
    with pytest.raises(SemblanceError, match="no camera"):
        render_clip(stage, tmp_path / "clip.mp4", (1, 2), SIZE, video=True)
    assert [p.name for p in tmp_path.iterdir() if "clip" in p.name] == []


def test_a_camera_of_the_scene_is_used(stage, mixed_profile):
    stage.camera = None
    for item in [o for o in stage.objects if o.type == "CAMERA"]:
        bpy.data.objects.remove(item)
    own = bpy.data.objects.new("Shot", bpy.data.cameras.new("Shot"))
    stage.collection.objects.link(own)
    assert ensure_camera(stage, bpy.data.objects["Mixed"]) == own


def test_a_new_camera_holds_a_character_of_meshes_only(stage, mixed_profile):
    face = bpy.data.objects["Face"]
    for item in [o for o in stage.objects if o != face]:
        bpy.data.objects.remove(item)
    controls = ControlSet((Control("jaw_open", ShapeKey(("Face",), "jawOpen"), 0, 1, 0, "jaw", "jaw_open", 1),))
    profile = dataclasses.replace(mixed_profile, armature="", control_set=controls)
    bpy.context.view_layer.update()
    camera = ensure_camera(stage, bind(profile, stage).root)
    bpy.context.view_layer.update()
    seen = [world_to_camera_view(stage, camera, face.matrix_world @ Vector(corner)) for corner in face.bound_box]
    assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 and point.z > 0 for point in seen)
    assert max(point.x for point in seen) - min(point.x for point in seen) > 0.5


@pytest.mark.parametrize("size", [(400, 100), (100, 400), (100, 100)])
def test_a_new_camera_holds_two_characters_in_a_picture_of_any_shape(size):
    scene = open_scene(None)
    roots = [add_character(find_profile(name), scene) for name in ("Uno", "Gus")]
    stand_beside(roots[1], roots[:1], scene)
    bpy.context.view_layer.update()
    camera = ensure_camera(scene, *roots, aspect=size[0] / size[1])
    scene.render.resolution_x, scene.render.resolution_y = size
    bpy.context.view_layer.update()
    corners = [item.matrix_world @ Vector(corner) for item in scene.objects if item.type == "MESH"
               and any(belongs_to(item, root) for root in roots) for corner in item.bound_box]
    seen = np.array([world_to_camera_view(scene, camera, corner) for corner in corners])
    assert (seen[:, :2] > 0).all() and (seen[:, :2] < 1).all()
    assert np.ptp(seen[:, :2], axis=0).max() > 0.75, "no smaller than need be"


def test_scenes_open_and_save_whole(tmp_path: Path):
    scene = open_scene(None)
    scene.name = "Kept"
    save_scene(tmp_path / "a.blend")
    assert open_scene(tmp_path / "a.blend").name == "Kept"
    (tmp_path / "broken.blend").write_bytes(b"BLENDER-v405" + b"\0" * 10)
    for name, words in (("broken.blend", "cannot open"), ("absent.blend", "There is no scene")):
        with pytest.raises(SemblanceError, match=words):
            open_scene(tmp_path / name)
    with pytest.raises(SemblanceError):
        save_scene(tmp_path / "a.blend" / "b.blend")
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix == ".blend") == ["a.blend", "broken.blend"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path):
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.blender.full_disk", str(tmp_path), "2000"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    said = [line for line in ended.stdout.splitlines() if line.startswith("SAID")]
    assert len(said) == 3, ended.stdout + ended.stderr
    for sentence, name in zip(said, ("scene.blend", "clip.mp4", "frames"), strict=True):
        assert name in sentence
    assert list(tmp_path.iterdir()) == []


def test_a_missing_graphics_library_is_told_before_blender_aborts(stage, tmp_path, monkeypatch):
    import ctypes

    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(sys, "platform", "linux")
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    with pytest.raises(SemblanceError, match="libegl1"):
        render_clip(stage, tmp_path / "clip.mp4", (1, 2), SIZE, video=True)
    assert not [path for path in tmp_path.iterdir() if "clip" in path.name]
