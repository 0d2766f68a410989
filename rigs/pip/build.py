"""Builds Pip: `python rigs/pip/build.py` writes pip.blend, profile.toml, markers.toml and thumbnail.png beside itself.

Needs bpy 4.5 (a later Blender would write a file that 4.5 cannot open).
"""
from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import bpy
import face
import hair
import markers
import numpy as np
import parts
import rig
import shapes
from mathutils import Vector

HERE = Path(__file__).parent


def build(folder: Path) -> None:
    """Write pip.blend, profile.toml, markers.toml and thumbnail.png into `folder`."""
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Pip")
    widgets = bpy.data.collections.new("Pip-widgets")
    scene.collection.children.link(collection)
    collection.children.link(widgets)
    armature = rig.build_armature(collection, widgets)
    widgets.hide_viewport = widgets.hide_render = True
    form = face.build()
    _meshes(form, armature, collection)
    _studio(scene)
    (folder / "profile.toml").write_text(rig.profile_text(rig.read_rows()))
    (folder / "markers.toml").write_text(markers.markers_text(form))
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    # Blender writes a file's own place into it: nobody needs to know where Pip was built
    with tempfile.TemporaryDirectory() as elsewhere:
        bpy.ops.wm.save_as_mainfile(filepath=f"{elsewhere}/pip.blend", compress=True)
        scene.render.filepath = f"{elsewhere}/thumbnail.png"
        bpy.ops.render.render(write_still=True)
        for name in ("pip.blend", "thumbnail.png"):
            shutil.move(f"{elsewhere}/{name}", folder / name)


def _meshes(form: face.Face, armature: bpy.types.Object, collection: bpy.types.Collection) -> None:
    slots = parts.materials()
    rows = rig.read_rows()
    head = _head(form, slots, armature, rows)
    lip_line = form.points[form.rims["lip_upper"][len(form.rims["lip_upper"]) // 2]]
    tongue, tongue_keys = parts.tongue(lip_line, slots)
    _keys(tongue, tongue_keys, armature, rows)
    neck, shirt = parts.body(armature, slots)
    upper = parts.teeth("Pip-teeth-upper", True, lip_line, slots)
    lower = parts.teeth("Pip-teeth-lower", False, lip_line, slots)
    balls = {side: parts.eyeball("Pip-eye" + side, sign, slots) for side, sign in ((".L", 1), (".R", -1))}
    lights, ears, locks = parts.catchlights(slots), parts.ears(slots), hair.hair(slots)
    for part, bone in ((head, "CTRL-head"), (tongue, "DEF-jaw"), (upper, "CTRL-head"), (lower, "DEF-jaw"),
                       (balls[".L"], "DEF-eye.L"), (balls[".R"], "DEF-eye.R"), (lights, "CTRL-head"),
                       (ears, "CTRL-head"), (locks, "CTRL-head"), (shirt, "root")):
        parts.attach(part, armature, bone)
        collection.objects.link(part)
    collection.objects.link(neck)
    _guard_lids(head, form, balls)


def _head(form: face.Face, slots: dict[str, bpy.types.Material], armature: bpy.types.Object,
          rows: list[rig.Row]) -> bpy.types.Object:
    head = parts.mesh_object("Pip-head", form.points, form.faces, [slots[n] for n in parts.FACE_SLOTS], form.materials)
    partner = shapes.mirror_partners(form)
    keys = dict(shapes.central_keys(form))
    for name, displacement in shapes.left_keys(form).items():
        keys[name + ".L"] = displacement
        keys[name + ".R"] = shapes.mirrored(displacement, partner)
    _keys(head, keys, armature, rows)
    return head


def _keys(owner: bpy.types.Object, keys: dict[str, np.ndarray], armature: bpy.types.Object,
          rows: list[rig.Row]) -> None:
    """Shape keys from displacements, each with its driver."""
    rest = np.empty(len(owner.data.vertices) * 3, np.float32)
    owner.data.vertices.foreach_get("co", rest)
    owner.shape_key_add(name="Basis")
    expressions = rig.key_expressions()
    for name in sorted(keys, key=list(expressions).index):
        key = owner.shape_key_add(name=name)
        key.data.foreach_set("co", rest + keys[name].astype(np.float32).ravel())
        expression, side = expressions[name]
        rig.drive(key, "value", -1, expression, armature, rows, side)


def _guard_lids(head: bpy.types.Object, form: face.Face, balls: dict[str, bpy.types.Object]) -> None:
    """Keep the lids outside the balls whatever the mix of keys."""
    for side, ball in balls.items():
        sign = 1 if side == ".L" else -1
        centre = rig.surface.EYE * [sign, 1, 1]
        near = np.linalg.norm(form.points - centre, axis=1) < rig.surface.EYE_RADIUS * 1.35
        near &= ~form.free
        group = head.vertex_groups.new(name="lids" + side)
        group.add(np.flatnonzero(near).tolist(), 1.0, "REPLACE")
        guard = head.modifiers.new("Lids" + side, "SHRINKWRAP")
        guard.target, guard.vertex_group = ball, group.name
        guard.wrap_method, guard.wrap_mode, guard.offset = "NEAREST_SURFACEPOINT", "OUTSIDE", 0.004
        head.modifiers.move(len(head.modifiers) - 1, 0)


def _studio(scene: bpy.types.Scene) -> None:
    """Camera, lights, backdrop and render settings, so that the file renders as it is."""
    scene.render.fps, scene.frame_end = 24, 240
    for field in (name for name in dir(scene.render) if name.startswith("use_stamp")):
        setattr(scene.render, field, False)
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.view_settings.view_transform = "Standard"
    world = bpy.data.worlds.new("Pip-world")
    world.color = (0.30, 0.40, 0.46)
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.30, 0.40, 0.46, 1)
    scene.world = world
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.data.lens = (0, -9.0, -0.05), 85
    _aim(camera, (0, 0, -0.14))
    scene.collection.objects.link(camera)
    scene.camera = camera
    for name, place, power, size in (("Key", (-3.2, -4.5, 3.4), 260, 2.5), ("Fill", (4.2, -4.0, 0.6), 80, 3.5),
                                     ("Rim", (1.5, 4.0, 3.5), 260, 2.0)):
        light = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
        light.data.energy, light.data.size, light.location = power, size, place
        _aim(light, (0, 0, 0))
        scene.collection.objects.link(light)
    scene.render.engine = "BLENDER_WORKBENCH"
    display = scene.display
    display.render_aa = "8"
    shading = display.shading
    shading.light, shading.studio_light, shading.color_type = "STUDIO", "paint.sl", "MATERIAL"
    shading.show_cavity, shading.cavity_type = True, "BOTH"
    shading.show_specular_highlight = True
    shading.background_type, shading.background_color = "VIEWPORT", (0.30, 0.40, 0.46)


def _aim(thing: bpy.types.Object, target: tuple[float, float, float]) -> None:
    thing.rotation_euler = (Vector(target) - thing.location).to_track_quat("-Z", "Y").to_euler()


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
