"""Renders with a limit on the size of files, as a full disk would set it; run as a program, prints what was said."""
from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

import bpy

from addon.blender.rendering import render_clip
from addon.blender.scenes import open_scene, save_scene
from addon.core.errors import SemblanceError

if __name__ == "__main__":
    folder, most_bytes = Path(sys.argv[1]), int(sys.argv[2])
    scene = open_scene(None)
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.location = (0, 0, 5)
    bpy.ops.mesh.primitive_monkey_add()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    for write in (
        lambda: save_scene(folder / "scene.blend"),
        lambda: render_clip(scene, folder / "clip.mp4", (1, 3), (320, 320), video=True),
        lambda: render_clip(scene, folder / "frames", (1, 3), (320, 320), video=False),
    ):
        try:
            write()
        except SemblanceError as error:
            print(f"SAID {error}")
