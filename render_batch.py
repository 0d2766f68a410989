"""Videos to keyed scenes without a window:

    blender -b scene.blend -P render_batch.py -- --video a.mp4 b.mp4 --character Pip --out folder [--render mp4|png]
    python render_batch.py --scene scene.blend --video a.mp4 ...      where the bpy module is installed

`-- --help` lists everything. Blender takes the code from the installed extension; otherwise this checkout is used.
"""
from __future__ import annotations

import importlib
import sys
from pathlib import Path


def _package() -> str:
    """The extension's package as Blender named it, or the checkout's `addon` beside this script."""
    try:
        import bpy

        enabled = [name for name in bpy.context.preferences.addons.keys() if name.endswith(".semblance")]  # noqa: SIM118
    except ImportError:
        enabled = []
    if enabled:
        return f"{enabled[0]}.addon"
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    return "addon"


def main() -> int:
    """Hand the arguments after `--` (all of them outside Blender) to the batch command."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    return importlib.import_module(f"{_package()}.commands.__main__").main(["batch", *arguments])


if __name__ == "__main__":
    sys.exit(main())
