"""Learning a rig in a real window whose controls' names say nothing; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_RIG=head.fbx SEMBLANCE_SOURCE=clip.take blender --python tests/window/learn_rig.py

SEMBLANCE_RIG is what own_rig.py takes; its shape keys and bones are renamed to numbers. SEMBLANCE_SOURCE is a take or
Live Link CSV that is applied to what was learned; the scene is saved beside it as learn_rig.blend. Steps, pictures and
SEMBLANCE_STAY are those of panel.py.
"""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from own_rig import action, bring_in, look_at_face
from window import (
    EXTENSION,
    PATIENCE,
    check,
    clear_view,
    drawing_is_quick,
    key,
    our_panels,
    picture,
    press,
    start,
    time_drawing,
    wait_for,
)

SOURCE = os.environ["SEMBLANCE_SOURCE"]
_MOST_S = 400


def hide_names() -> None:
    """Rename all that has a telling name, select the armature with its meshes."""
    for item in bpy.context.scene.objects:
        keys = getattr(item.data, "shape_keys", None)
        for number, block in enumerate(keys.key_blocks[1:] if keys else ()):
            block.name = f"k{number:02}"
        if item.type == "ARMATURE":
            item.name = "Rig"
            for number, bone in enumerate(item.data.bones):
                bone.name = f"b{number}"
    for item in bpy.context.scene.objects:
        skinned = item.type == "MESH" and any(each.type == "ARMATURE" for each in item.modifiers)
        if item.visible_get():
            item.select_set(item.type == "ARMATURE" or skinned)


_BELOW = ("SEMBLANCE_PT_performer", "SEMBLANCE_PT_keys")


def _panels() -> dict[str, type[bpy.types.Panel]]:
    return {cls.__name__: cls for cls in our_panels()}


def open_panels() -> None:
    """Learn This Rig is opened; what would be below it, out of the window, is taken away."""
    panels = _panels()
    for name in (*_BELOW, "SEMBLANCE_PT_controls", "SEMBLANCE_PT_learn"):
        bpy.utils.unregister_class(panels[name])
    panels["SEMBLANCE_PT_learn"].bl_options = set()
    for name in ("SEMBLANCE_PT_learn", "SEMBLANCE_PT_controls"):
        bpy.utils.register_class(panels[name])


def steps() -> Iterator[float]:
    """Use, learn and stop, learn, look, apply."""
    yield from clear_view()
    scene = bpy.context.scene
    bring_in()
    hide_names()
    look_at_face()
    press(bpy.ops.semblance.rig_use, "EXEC_DEFAULT")
    open_panels()
    rig = scene.semblance.rigs[0]
    check(f"{len(rig.controls)} controls are listed and none follows anything", not rig.moves())
    path = str(Path(SOURCE).with_name("learn_rig.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    yield 2
    picture("learn_rig_1_listed")
    job = sys.modules[f"{EXTENSION}.addon.blender.learning_job"]
    press(bpy.ops.semblance.rig_learn)
    yield from wait_for("a child process learns", lambda: job.state().done or job.state().ended, 120)
    check("and goes on", job.current() is not None and not job.state().ended)
    key("Escape")
    yield 1
    check("Esc stops it", job.current() is None)
    time_drawing()
    press(bpy.ops.semblance.rig_learn)
    begun = time.monotonic()
    yield from wait_for("it draws the rig", lambda: job.state().done or job.state().ended, 120)
    picture("learn_rig_2_working", fleeting=True)
    yield from drawing_is_quick()
    while job.current() is not None and time.monotonic() - begun < _MOST_S * PATIENCE:
        yield 1
    rig = bpy.context.scene.semblance.rigs[0]
    check(f"learned in {time.monotonic() - begun:.0f} s: {sum(bool(item.follows) for item in rig.controls)} follow",
          rig.moves())
    yield 1
    picture("learn_rig_3_learned")
    bpy.context.scene.semblance.source = f"//{Path(SOURCE).name}"
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    check("Apply keys what was learned", action() is not None)
    bpy.context.scene.frame_set(92)
    yield 2
    picture("learn_rig_4_applied")
    press(bpy.ops.semblance.learned_forget, "EXEC_DEFAULT")
    press(bpy.ops.semblance.preset_delete, "EXEC_DEFAULT")
    for name in _BELOW:  # Blender unregisters them at its end
        bpy.utils.register_class(_panels()[name])


if __name__ == "__main__":
    start(steps())
