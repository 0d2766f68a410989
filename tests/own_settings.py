"""Blender's settings in tests: a folder of their own, never those of whoever runs them."""
from __future__ import annotations

import atexit
import os
import shutil
import tempfile


def keep_apart() -> None:
    """To be called before bpy is imported, which looks for its settings then; the folder goes with this process."""
    if "BLENDER_USER_RESOURCES" not in os.environ:
        folder = tempfile.mkdtemp(prefix="semblance-blender-")
        os.environ["BLENDER_USER_RESOURCES"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
