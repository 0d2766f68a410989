"""One button shows the whole way in a scene of its own; the way back leaves nothing."""
from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from addon.core.take import write_take

from .conftest import EXTENSION
from .test_apply import performance
from .test_control_panel import PREFERENCES
from .test_panels import Sidebar

CHILD = """
import json, shutil, sys
shutil.copy(sys.argv[1], sys.argv[2])
print(json.dumps({"done": 48, "total": 48}), flush=True)
print(json.dumps({"take": sys.argv[2]}), flush=True)
"""


@pytest.fixture
def first_run(extension, monkeypatch, tmp_path):
    """The child copies a take instead of tracking one: the tracking has tests of its own."""
    write_take(performance("mouthSmileLeft"), tmp_path / "played.take")
    monkeypatch.setattr(
        extension("blender.tracking_job"), "track_command",
        lambda clip, take: [sys.executable, "-c", CHILD, str(tmp_path / "played.take"), str(take)],
    )
    module = extension("blender.first_run")
    module.preferences(bpy.context).is_known = False
    extension("blender.folders").own_takes_folder().mkdir(parents=True, exist_ok=True)
    return module


def everything() -> dict[str, set[str]]:
    """The names of all data, by kind; interface data aside, which Blender keeps by itself."""
    kinds = ("scenes", "objects", "collections", "meshes", "armatures", "materials", "actions", "shape_keys", "texts")
    return {kind: {item.name for item in getattr(bpy.data, kind)} for kind in kinds}


def test_pip_plays_the_clip_in_a_scene_of_its_own_and_leaves_without_a_trace(first_run):
    home = bpy.context.scene
    home.render.fps, home.frame_end = 60, 77
    own = bpy.data.objects.new("Pip", bpy.data.meshes.new("Pip-head"))  # a name that Pip has too
    home.collection.objects.link(own)
    before = everything()
    assert first_run.is_new(bpy.context)
    assert bpy.ops.semblance.try_it() == {"FINISHED"}
    trial, = set(bpy.data.scenes) - {home}
    assert trial.name == "Semblance: Try It" and trial.render.fps == 25 and trial.frame_start == 1
    pip = trial.semblance.character
    assert trial.frame_end == pip.animation_data.action.frame_range[1]
    assert pip.name == "Pip.001" and Path(trial.semblance.take).is_file()
    assert not first_run.is_new(bpy.context)
    first_run.leave(bpy.context, trial)
    assert everything() == before
    assert (home.render.fps, home.frame_end, list(home.objects)) == (60, 77, [own])


def test_a_trial_of_a_trial_leads_home(first_run):
    home = bpy.context.scene
    bpy.ops.semblance.try_it()
    first = bpy.data.scenes["Semblance: Try It"]
    with bpy.context.temp_override(scene=first):
        bpy.ops.semblance.try_it()
    assert [scene.semblance.home for scene in bpy.data.scenes if first_run.is_trial(scene)] == [home.name] * 2


@pytest.mark.parametrize("words", ["No face is seen.", "Tracking was cancelled."])
def test_what_fails_or_is_stopped_leaves_nothing_and_is_told(first_run, extension, monkeypatch, words):
    failing = [sys.executable, "-c", f"print('{{\"error\": \"{words}\"}}', flush=True)"]
    monkeypatch.setattr(extension("blender.tracking_job"), "track_command", lambda clip, take: failing)
    before = everything()
    if "cancelled" in words:
        assert bpy.ops.semblance.try_it() == {"CANCELLED"}
    else:
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.semblance.try_it()
    assert everything() == before and first_run.is_new(bpy.context)
    # by then the user looks at the panel
    failed = extension("blender.operator_kinds").failure(first_run.tracking_job)
    assert failed == ("" if "cancelled" in words else words)


def test_a_missing_clip_and_missing_parts_are_told_before_anything_is_made(first_run, extension, monkeypatch, tmp_path):
    readiness = extension("blender.readiness")
    monkeypatch.setattr(first_run, "DEMO_CLIP", tmp_path / "absent.mp4")
    with pytest.raises(RuntimeError, match="absent.mp4' is missing; install Semblance again"):
        bpy.ops.semblance.try_it()
    assert len(bpy.data.scenes) == 1
    monkeypatch.setattr(readiness, "_found", readiness.Readiness(("Tracking is off, 'onnxruntime' is missing",), ()))
    assert not bpy.ops.semblance.try_it.poll()


def test_the_welcome_is_one_button_until_semblance_is_used(first_run, extension, monkeypatch):
    panel, others = first_run.SEMBLANCE_PT_welcome, [
        extension(f"blender.{room}").__dict__[f"SEMBLANCE_PT_{name}"]
        for room, name in (("panels", "performance"), ("live_panel", "live"), ("robot_panel", "robot"))
    ]
    assert panel.poll(bpy.context) and not any(other.poll(bpy.context) for other in others)
    assert bpy.ops.semblance.welcome_skip() == {"FINISHED"} and bpy.context.preferences.is_dirty
    assert not panel.poll(bpy.context) and all(other.poll(bpy.context) for other in others)
    kept = bpy.context.preferences.addons[EXTENSION].preferences
    kept.is_known = False
    bpy.ops.semblance.character_add(character="Uno")    # whoever knows the buttons needs no welcome
    assert not panel.poll(bpy.context)


def test_the_welcome_says_what_is_missing(first_run, extension, monkeypatch):
    readiness = extension("blender.readiness")
    monkeypatch.setattr(readiness, "_found", readiness.Readiness(("Reading videos is off, 'cv2' is missing",), ()))
    layout = Sidebar(first_run)
    layout.region = SimpleNamespace(width=400)
    context = SimpleNamespace(region=layout.region, preferences=PREFERENCES, scene=bpy.context.scene)
    first_run.SEMBLANCE_PT_welcome.draw(SimpleNamespace(layout=layout), context)
    assert "Reading videos is off, 'cv2' is missing." in " ".join(layout.texts)
