"""A rig of the user's own in a real window, step by step; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    SEMBLANCE_RIG=head.fbx SEMBLANCE_SOURCE=clip.take blender --python tests/window/own_rig.py

SEMBLANCE_RIG is an .fbx, a .glb or a .blend (with a collection of its own name) that has a face; without it a ball
gets 200 shape keys. SEMBLANCE_NAME is what its armature (or mesh) is renamed to, SEMBLANCE_SOURCE a take or Live Link
CSV; the scene is saved beside it as own_rig.blend. SEMBLANCE_WIDER drags the sidebar wider by so many pixels. Steps,
pictures and SEMBLANCE_STAY are those of panel.py.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from mathutils import Euler, Vector

sys.path.insert(0, str(Path(__file__).parent))
from window import (
    EXTENSION,
    check,
    clear_view,
    drawing_is_quick,
    key,
    picture,
    press,
    start,
    time_drawing,
    view,
    widen_sidebar,
)

RIG = Path(os.environ.get("SEMBLANCE_RIG", ""))
SOURCE = os.environ["SEMBLANCE_SOURCE"]


def bring_in() -> bpy.types.Object:
    """Import or append everything of RIG; the object with most shape keys, or the armature, is selected."""
    if not RIG.name:
        many_sliders(200)
    elif RIG.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(RIG))
    elif RIG.suffix in (".glb", ".gltf"):
        bpy.ops.import_scene.gltf(filepath=str(RIG))
    else:
        with bpy.data.libraries.load(str(RIG)) as (stored, wanted):
            wanted.collections = [name for name in stored.collections if name.lower() == RIG.stem.lower()]
        bpy.context.scene.collection.children.link(wanted.collections[0])
    armatures = [item for item in bpy.context.scene.objects if item.type == "ARMATURE"]
    chosen = armatures[0] if armatures else max(bpy.context.scene.objects, key=_keys)
    if "SEMBLANCE_NAME" in os.environ:
        chosen.name = os.environ["SEMBLANCE_NAME"]
    for item in bpy.context.selected_objects:
        item.select_set(False)
    chosen.select_set(True)
    bpy.context.view_layer.objects.active = chosen
    return chosen


def many_sliders(count: int) -> None:
    """A head with so many shape keys, some of them ARKit's, to time the list."""
    names = sys.modules[f"{EXTENSION}.addon.core.coefficients"].NAMES
    bpy.ops.mesh.primitive_uv_sphere_add()
    head = bpy.context.object
    head.shape_key_add(name="Basis")
    for index in range(count):
        head.shape_key_add(name=names[index] if index < len(names) else f"extra{index}").value = 0


def _keys(item: bpy.types.Object) -> int:
    keys = getattr(item.data, "shape_keys", None)
    return len(keys.key_blocks) if keys else 0


def look_at_face() -> None:
    """From the front, at the upper part of what has most shape keys."""
    face = max(bpy.context.scene.objects, key=_keys)
    corners = [face.matrix_world @ Vector(corner) for corner in face.bound_box]
    low, high = (Vector(map(choose, zip(*corners, strict=True))) for choose in (min, max))
    region = view().spaces.active.region_3d
    region.view_rotation = Euler((1.5708, 0, 0)).to_quaternion()
    size = max(high - low)
    region.view_location = (low + high) / 2 + Vector((0.45 * size, 0, 0))
    region.view_distance = 2.2 * size


def action() -> bpy.types.Action | None:
    """The one that is on the rig or on its meshes' keys."""
    for item in bpy.context.scene.objects:
        for owner in (item, getattr(item.data, "shape_keys", None)):
            if owner is not None and owner.animation_data and owner.animation_data.action:
                return owner.animation_data.action
    return None


def steps() -> Iterator[float]:
    """Bring in, use, search, correct, apply, undo, save, open again."""
    yield from clear_view()
    scene = bpy.context.scene
    chosen = bring_in()
    look_at_face()
    yield 1
    picture("own_rig_1_selected")
    if "SEMBLANCE_WIDER" in os.environ:
        yield from widen_sidebar(int(os.environ["SEMBLANCE_WIDER"]))
    time_drawing()
    press(bpy.ops.semblance.rig_use, "EXEC_DEFAULT")
    rig = scene.semblance.rigs[0]
    check(f"Use Selected Rig lists {len(rig.controls)} controls of '{chosen.name}' ({rig.layout})",
          len(rig.controls) > 0 and scene.semblance.character is not None)
    path = str(Path(SOURCE).with_name("own_rig.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    scene.semblance.source = f"//{Path(SOURCE).name}"
    yield 2
    picture("own_rig_2_listed")
    yield from drawing_is_quick()
    rig.search = "smile"
    rig.active = next((i for i, shown in enumerate(rig.shown()) if shown), 0)
    yield 2
    picture("own_rig_3_search")
    bpy.context.scene.semblance.rigs[0].search = ""
    rig.controls[rig.active].gain = 0.7
    press(bpy.ops.semblance.take_apply, "EXEC_DEFAULT")
    check(f"Apply keys '{action().name}' at once", action() is not None)
    scene.frame_set(int(os.environ.get("SEMBLANCE_FRAME", (scene.frame_end + 1) // 2)))
    rig.controls[rig.active].offset = 0.05
    bpy.context.preferences.view.ui_scale = 0.75    # all of the list is in one picture
    yield 2
    picture("own_rig_4_applied")
    bpy.context.preferences.view.ui_scale = 1
    yield 1
    key("ctrl+z")
    yield 1
    check("one undo takes the keys away", action() is None)
    key("ctrl+shift+z")
    yield 1
    check("redo brings them back", action() is not None)
    press(bpy.ops.semblance.preset_save, "EXEC_DEFAULT")
    for menu in ("presets", "rig"):
        press(bpy.ops.wm.call_menu, name=f"SEMBLANCE_MT_{menu}")
        yield 1
        picture(f"own_rig_5_{menu}")
        key("Escape")
        yield 1
    count = len(bpy.context.scene.semblance.rigs[0].controls)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 2
    check("the list survives saving and opening", len(bpy.context.scene.semblance.rigs[0].controls) == count)
    presets = sys.modules[f"{EXTENSION}.addon.blender.readiness"].current().presets
    check(f"the preset is kept: {[preset.name for preset in presets]}", len(presets) > 0)
    press(bpy.ops.semblance.preset_delete, "EXEC_DEFAULT")
    yield 1
    picture("own_rig_6_opened")


if __name__ == "__main__":
    start(steps())
