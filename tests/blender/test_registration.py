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


def explained(description: str, label: str) -> bool:
    """A sentence that says more than the label, without a full stop at its end, which Blender adds."""
    words = description.split()
    return len(words) >= 2 and description != label and not description.endswith(".") and "\n" not in description


def test_every_button_setting_and_choice_explains_itself(extension):
    silent = []
    for cls in extension("blender.registration").CLASSES:
        shown = cls.bl_rna
        if issubclass(cls, bpy.types.Operator):
            shown = getattr(bpy.ops.semblance, cls.bl_idname.partition(".")[2]).get_rna_type()
            silent += [cls.__name__] * (not explained(shown.description, shown.name))
        own = [each for each in shown.properties if each.identifier in getattr(cls, "__annotations__", ())]
        for setting in (each for each in own if not each.is_hidden):
            choices = setting.enum_items_static if setting.type == "ENUM" else ()
            silent += [
                f"{cls.__name__}.{setting.identifier} {each.name}" for each in (setting, *choices)
                if not explained(each.description, each.name)
            ]
    assert silent == []
