"""Enabling and disabling leave nothing behind, as often as one likes."""
from __future__ import annotations

import sys

import addon_utils
import bpy

from .conftest import EXTENSION


def traces() -> dict[str, object]:
    """Everything that a registered extension adds to Blender, by kind."""
    handlers = {
        name: len(value) for name in dir(bpy.app.handlers) if isinstance(value := getattr(bpy.app.handlers, name), list)
    }
    classes = {name for name in dir(bpy.types) if name.startswith("SEMBLANCE")}
    return {
        "classes": classes, "operators": dir(bpy.ops.semblance), "handlers": handlers,
        "scene": hasattr(bpy.types.Scene, "semblance"), "windows": len(bpy.context.window_manager.windows),
    }


def test_register_unregister_register(extension):
    registered = traces()
    assert registered["scene"] and len(registered["operators"]) >= 6
    addon_utils.disable(EXTENSION)
    gone = traces()
    assert not gone["scene"] and gone["classes"] == set() and gone["operators"] == []
    addon_utils.enable(EXTENSION)
    assert traces() == registered
    addon_utils.disable(EXTENSION)
    assert traces() == gone


def test_preferences_belong_to_the_extension(extension):
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.takes_folder = "/somewhere"
    assert preferences.bl_rna.properties["takes_folder"].description


def test_disabling_ends_a_running_child(extension, tmp_path):
    job = extension("blender.tracking_job")
    job.start([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "a.take")
    process = job.current()._process
    addon_utils.disable(EXTENSION)
    assert process.poll() is not None and job.current() is None


def test_no_timer_is_left(extension):
    # A timer still registered when bpy 4.5 ends hangs the process; ours belong to windows and end with their operator.
    assert extension("blender.operators").SEMBLANCE_OT_take_track.timer is None
    assert extension("blender.learn_panel").SEMBLANCE_OT_rig_learn.timer is None


def test_every_setting_and_button_explains_itself(extension):
    settings = bpy.context.scene.semblance.bl_rna.properties
    assert [p.identifier for p in settings if not p.description and p.identifier not in ("rna_type", "name")] == []
    for name in dir(bpy.ops.semblance):
        assert len(getattr(bpy.ops.semblance, name).get_rna_type().description) > 15, name
