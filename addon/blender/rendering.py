"""A clip of the animated character, rendered by Workbench, which needs neither a graphics card nor a screen."""
from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy
from mathutils import Vector

from ..core.errors import SemblanceError
from ..core.files import replacing
from . import compat
from .binding import belongs_to

# The character fills this much of the picture of a camera that we set up.
_FILL = 0.92
_LENS_MM = 85.0
_SENSOR_MM = 36.0
_CUT_SHORT = "Blender could not write all of '{}'; free some space or choose another folder."
_SUBDIVISION = 1
_BACKDROP = (0.30, 0.40, 0.46)


def render_clip(
    scene: bpy.types.Scene,
    path: Path,
    frames: tuple[int, int],
    size: tuple[int, int],
    *,
    video: bool,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Render frames first to last to an MP4 file, or to a folder of PNG pictures; whole or not at all.

    The scene's render settings are changed and stay so: call it last. `progress` is called with frames done and all.

    Raises:
        SemblanceError: if the pictures cannot be written, or there is no camera or no graphics library.
    """
    if scene.camera is None:
        raise SemblanceError(f"The scene '{scene.name}' has no camera to render with; add one.")
    check_graphics()
    scene.frame_start, scene.frame_end = frames
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.use_file_extension = not video
    render.use_sequencer = render.use_compositing = False
    # Without a graphics card each polygon costs: 1.5 s a frame of Pip at full subdivision, 0.3 s at the first level.
    render.use_simplify, render.simplify_subdivision_render = True, _SUBDIVISION
    if video:
        compat.use_video_output(render)
        with replacing(path) as partial:
            _render(scene, str(partial), progress)
            if not _is_whole_mp4(partial):
                raise SemblanceError(_CUT_SHORT.format(path))
    else:
        compat.use_image_output(render)
        with _replacing_folder(path) as partial:
            _render(scene, f"{partial}/", progress)
            whole = [is_whole_png(picture.read_bytes()) for picture in partial.glob("*.png")]
            if sum(whole) != frames[1] - frames[0] + 1:
                raise SemblanceError(_CUT_SHORT.format(path))


def set_stage(scene: bpy.types.Scene) -> None:
    """The look of a scene of our own: Workbench in soft light before a plain backdrop."""
    scene.view_settings.view_transform = "Standard"
    scene.display.render_aa = "FXAA"
    shading = scene.display.shading
    shading.light, shading.studio_light, shading.color_type = "STUDIO", "paint.sl", "MATERIAL"
    shading.show_cavity, shading.cavity_type = True, "SCREEN"
    scene.world = bpy.data.worlds.new("Semblance Backdrop")
    scene.world.color = _BACKDROP


def ensure_camera(scene: bpy.types.Scene, *roots: bpy.types.Object, aspect: float = 1) -> bpy.types.Object:
    """The scene's camera; without one any camera in it, or a new one in front of the characters.

    Args:
        aspect: width / height of the pictures.
    """
    if scene.camera is None:
        some = next((item for item in scene.objects if item.type == "CAMERA"), None)
        scene.camera = some or front_camera(scene, *_box(scene, roots), _FILL, aspect)
    return scene.camera


def front_camera(
    scene: bpy.types.Scene, low: Sequence[float], high: Sequence[float], fill: float, aspect: float = 1
) -> bpy.types.Object:
    """A new camera that looks along +Y (characters face -Y); the box `low` to `high` fills `fill` of its picture.

    Args:
        aspect: width / height of the picture.
    """
    data = bpy.data.cameras.new("Semblance Camera")
    data.lens, data.sensor_fit, data.sensor_height = _LENS_MM, "VERTICAL", _SENSOR_MM   # wide pictures show more
    camera = bpy.data.objects.new("Semblance Camera", data)
    scene.collection.objects.link(camera)
    extent = max((high[0] - low[0]) / aspect, high[2] - low[2]) / fill
    camera.location = ((low[0] + high[0]) / 2, low[1] - extent * _LENS_MM / _SENSOR_MM, (low[2] + high[2]) / 2)
    camera.rotation_euler = (1.5707963, 0, 0)
    return camera


def _box(scene: bpy.types.Scene, roots: Sequence[bpy.types.Object]) -> tuple[Vector, Vector]:
    """Lowest and highest corner of the shown meshes of characters, each known by its armature or first mesh."""
    corners = [
        item.matrix_world @ Vector(corner)
        for item in scene.objects
        if item.type == "MESH" and not item.hide_render and any(belongs_to(item, root) for root in roots)
        for corner in item.bound_box
    ] or [root.matrix_world.translation + Vector(corner) for root in roots for corner in ((-1, -1, 0), (1, 1, 2))]
    low, high = (Vector(pick(corner[axis] for corner in corners) for axis in range(3)) for pick in (min, max))
    return low, high


def check_graphics() -> None:
    """Without a screen Blender draws through EGL, and ends the whole process if that library is missing.

    Raises:
        SemblanceError: where it is.
    """
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    try:
        ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        raise SemblanceError(
            "Rendering without a screen needs the system library libEGL.so.1: sudo apt-get install libegl1."
        ) from error


def _render(scene: bpy.types.Scene, filepath: str, progress: Callable[[int, int], None] | None) -> None:
    scene.render.filepath = filepath
    total = scene.frame_end - scene.frame_start + 1

    def after_frame(*_: object) -> None:
        if progress:
            progress(scene.frame_current - scene.frame_start + 1, total)

    bpy.app.handlers.render_post.append(after_frame)
    try:
        bpy.ops.render.render(animation=True, scene=scene.name)
    except RuntimeError as error:
        raise SemblanceError(f"Blender cannot render: {str(error).strip()}") from error
    finally:
        bpy.app.handlers.render_post.remove(after_frame)


# Blender says nothing when the disk is full, so what it wrote is looked at.
def is_whole_png(data: bytes) -> bool:
    """True if the picture has its end mark (PNG specification, 11.2.5)."""
    return data.endswith(b"IEND\xaeB`\x82")


def _is_whole_mp4(path: Path) -> bool:
    """True if the boxes of the film fill the file exactly and its index is among them (ISO/IEC 14496-12, 4.2)."""
    if not path.is_file():
        return False
    kinds, at, end = set(), 0, path.stat().st_size
    with path.open("rb") as file:
        while at < end:
            file.seek(at)
            header = file.read(16)
            size, kind = int.from_bytes(header[:4], "big"), header[4:8]
            size = int.from_bytes(header[8:16], "big") if size == 1 else size
            if size < 8:
                return False
            kinds.add(kind)
            at += size
    return at == end and {b"moov", b"mdat"} <= kinds


@contextlib.contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """As `core.files.replacing`, for a folder of files."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.exists():
            shutil.rmtree(path)
        partial.rename(path)
    except OSError as error:
        raise SemblanceError(f"Cannot write '{path}': {error.strerror}; choose another folder.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
