"""Build and validate the extension's zips by Blender's own builder: `python packaging/build_zip.py [all | NAME ...]`.

Needs the bpy module, whose builder it runs. Without a name, this computer's zip. Into `out/`.
"""
from __future__ import annotations

import collections
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from fetch_wheels import fetch
from staging import copy
from wheel_lock import PYTHONS, ROOT, Edition, editions_named, wheels_of

MOST_MB: Final = 120
OUTPUT: Final = ROOT / "out"


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


def zip_name(version: str, edition: Edition) -> str:
    """What Blender's builder would call it; a zip for a distribution's Blender also names its Python."""
    python = "" if edition.pythons == PYTHONS else f"-python{edition.pythons[0]}"
    return f"semblance-{version}-{edition.platform.replace('-', '_')}{python}.zip"


def build(edition: Edition, output: Path) -> Path:
    """One zip in the folder `output`, validated.

    Raises:
        SystemExit: if a wheel cannot be fetched, or the builder or the validation refuses it.
    """
    output.mkdir(parents=True, exist_ok=True)
    wheels = wheels_of(edition)
    fetch(wheels)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "semblance"
        version = copy(source, wheels, [edition.platform])
        path = output / zip_name(version, edition)
        _blender_ext("build", "--source-dir", str(source), "--output-filepath", str(path))
    _blender_ext("validate", str(path))
    return path


def parts_mb(path: Path) -> dict[str, float]:
    """Megabytes in the zip by part: each wheel's name, each kind of file of ours."""
    sizes: collections.Counter[str] = collections.Counter()
    for entry in zipfile.ZipFile(path).infolist():
        top, _, rest = entry.filename.partition("/")
        sizes[rest.split("-")[0] if top == "wheels" else top if rest else "texts"] += entry.compress_size
    return {name: size / 1e6 for name, size in sizes.most_common()}


def _blender_ext(*arguments: str) -> None:
    ended = subprocess.run([sys.executable, str(builder()), *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"Blender's builder refused: {ended.stdout}{ended.stderr}")


def main() -> None:
    """Fetch, build, validate, tell the size."""
    for edition in editions_named(sys.argv[1:]).values():
        path = build(edition, OUTPUT)
        megabytes = path.stat().st_size / 1e6
        parts = ", ".join(f"{name} {size:.1f}" for name, size in parts_mb(path).items() if size >= 0.05)
        print(f"{path.relative_to(ROOT)}: {megabytes:.1f} MB ({parts})")
        if megabytes > MOST_MB:
            raise SystemExit(f"{path.name} is above {MOST_MB} MB.")


if __name__ == "__main__":
    main()
