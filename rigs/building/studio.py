"""Where a character is put together: an empty scene, a camera and lights, and the files that come out."""
from __future__ import annotations

import shutil
import tempfile
import tomllib
from pathlib import Path

import bpy
from mathutils import Vector

_BACKDROP = (0.30, 0.40, 0.46)
_CATALOG = "6e1a6a4e-0f5b-4c39-9f0d-5a1c7d2f8b11"
"""Of rigs/blender_assets.cats.txt."""
_TAGS = ("character", "face", "rig", "stylized", "Semblance")


def new_character(name: str) -> tuple[bpy.types.Collection, bpy.types.Collection]:
    """An empty scene with a collection for the character and, hidden in it, one for bones' custom shapes."""
    bpy.ops.wm.read_homefile(use_empty=True)
    collection, hidden = bpy.data.collections.new(name), bpy.data.collections.new(f"{name}-widgets")
    bpy.context.scene.collection.children.link(collection)
    collection.children.link(hidden)
    hidden.hide_viewport = hidden.hide_render = True
    return collection, hidden


def save(folder: Path, name: str, aim: float = -0.14, distance: float = 9.0) -> None:
    """Write <name>.blend and thumbnail.png; the camera looks at height `aim` from `distance` in front.

    The folder's profile.toml must be there: what it says of the character is what the asset browser says.
    """
    _studio(name, aim, distance)
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    file = f"{name.lower()}.blend"
    # Blender writes a file's own place into it: nobody needs to know where a character was built
    with tempfile.TemporaryDirectory() as elsewhere:
        render = bpy.context.scene.render
        render.filepath = f"{elsewhere}/thumbnail.png"
        render.image_settings.color_mode, render.image_settings.compression = "RGB", 100  # it travels in the zip
        bpy.ops.render.render(write_still=True)
        render.filepath = ""
        mark_asset(bpy.data.collections[name], folder / "profile.toml", Path(elsewhere, "thumbnail.png"))
        bpy.ops.wm.save_as_mainfile(filepath=f"{elsewhere}/{file}", compress=True)
        for made in (file, "thumbnail.png"):
            shutil.move(f"{elsewhere}/{made}", folder / made)


def mark_asset(collection: bpy.types.Collection, profile: Path, picture: Path) -> None:
    """Let the asset browser list a character: who it is, by whom, under which licence, with its picture."""
    collection.asset_mark()
    about = collection.asset_data
    about.description = tomllib.loads(profile.read_text(encoding="utf-8"))["description"]
    about.author, about.license, about.copyright = "Semblance contributors", "GPL-3.0-or-later", "2026"
    about.catalog_id = _CATALOG
    for tag in _TAGS:
        about.tags.new(tag, skip_if_exists=True)
    with bpy.context.temp_override(id=collection):
        bpy.ops.ed.lib_id_load_custom_preview(filepath=str(picture))


def _studio(name: str, aim: float, distance: float) -> None:
    """Camera, lights, backdrop and render settings, so that the file renders as it is."""
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 240
    for field in (name for name in dir(scene.render) if name.startswith("use_stamp")):
        setattr(scene.render, field, False)
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.view_settings.view_transform = "Standard"
    world = bpy.data.worlds.new(f"{name}-world")
    world.color = _BACKDROP
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (*_BACKDROP, 1)
    scene.world = world
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.data.lens = (0, -distance, aim + 0.09), 85
    _aim(camera, (0, 0, aim))
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
    shading.background_type, shading.background_color = "VIEWPORT", _BACKDROP


def _aim(thing: bpy.types.Object, target: tuple[float, float, float]) -> None:
    thing.rotation_euler = (Vector(target) - thing.location).to_track_quat("-Z", "Y").to_euler()
