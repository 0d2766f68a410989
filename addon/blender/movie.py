"""Pictures on disk become an H.264 film, by Blender's own encoder (OpenCV's wheel has none)."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ..core.errors import SemblanceError
from ..core.files import replacing
from . import compat


def encode(pictures: Sequence[Path], path: Path, fps: float) -> None:
    """Write `pictures`, all in one folder and of one size, as an .mp4 at `fps`; the open scenes stay as they are.

    Raises:
        SemblanceError: if the film cannot be written.
    """
    first = bpy.data.images.load(str(pictures[0]))
    width, height = first.size
    bpy.data.images.remove(first)
    scene = bpy.data.scenes.new("Film")
    try:
        _lay_out(scene, pictures, (width, height), fps)
        with replacing(path) as partial:
            scene.render.filepath = str(partial)
            bpy.ops.render.render(animation=True, scene=scene.name)
            if not partial.is_file():
                raise SemblanceError(f"Blender could not write the film '{path}'; look for its message above.")
    except RuntimeError as error:
        raise SemblanceError(f"Blender could not write the film '{path}': {error}") from error
    finally:
        bpy.data.scenes.remove(scene)


def _lay_out(scene: bpy.types.Scene, pictures: Sequence[Path], size: tuple[int, int], fps: float) -> None:
    """One strip of all pictures in an empty scene that renders to an .mp4 file."""
    # Blender's rate is a whole number over a base: 29.97 = 30 / 1.001.
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    strip = scene.sequence_editor_create().strips.new_image("pictures", str(pictures[0]), 1, 1)
    for picture in pictures[1:]:
        strip.elements.append(picture.name)
    scene.frame_start, scene.frame_end = 1, len(pictures)
    compat.use_video_output(scene.render)
