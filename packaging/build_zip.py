"""Build the extension's zip by Blender's own builder, and validate it: `python packaging/build_zip.py [PLATFORM ...]`.

Needs the bpy module, whose builder it runs. Default: the platform of this computer; "all" for every one. Into `out/`.
"""
from __future__ import annotations

import importlib.util
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from fetch_wheels import fetch
from staging import copy
from wheel_lock import PLATFORMS, ROOT, Wheel, read_lock

MOST_MB = 120


def here() -> str:
    """Blender's name for this computer's platform."""
    return {"Linux": "linux-x64", "Windows": "windows-x64", "Darwin": "macos-arm64"}[platform.system()]


def builder() -> Path:
    """Blender's extension builder inside the bpy module.

    Raises:
        SystemExit: if there is no bpy.
    """
    spec = importlib.util.find_spec("bpy")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in Path(folder).rglob("bl_pkg/cli/blender_ext.py"):
            return found
    raise SystemExit("The zip is built by Blender's own builder: run this with a Python that has the bpy module.")


def build(target: str, wheels: list[Wheel], output: Path) -> Path:
    """One platform's zip in the folder `output`, validated.

    Raises:
        SystemExit: if the builder or the validation refuses it.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "semblance"
        copy(source, wheels, [target])
        _blender_ext("build", "--source-dir", str(source), "--output-dir", str(output), "--split-platforms")
    zips = sorted(output.glob(f"semblance-*-{target.replace('-', '_')}.zip"), key=lambda path: path.stat().st_mtime)
    _blender_ext("validate", str(zips[-1]))
    return zips[-1]


def _blender_ext(*arguments: str) -> None:
    ended = subprocess.run([sys.executable, str(builder()), *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"Blender's builder refused: {ended.stdout}{ended.stderr}")


def main() -> None:
    """Fetch, build, validate, tell the size."""
    wanted = sys.argv[1:] or [here()]
    wanted = list(PLATFORMS) if wanted == ["all"] else wanted
    lock = read_lock()
    for target in wanted:
        wheels = [wheel for wheel in lock if wheel.is_shipped and target in wheel.platforms]
        fetch(wheels)
        path = build(target, wheels, ROOT / "out")
        megabytes = path.stat().st_size / 1e6
        print(f"{path.relative_to(ROOT)}: {megabytes:.1f} MB")
        if megabytes > MOST_MB:
            raise SystemExit(f"{path.name} is above {MOST_MB} MB.")


if __name__ == "__main__":
    main()
