"""The extension as a folder: what is shipped of this checkout, with a manifest for chosen wheels."""
from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wheel_lock import HERE, ROOT, WHEELS, Wheel, manifest_wheels

SHIPPED: Final = (
    "__init__.py", "render_batch.py", "LICENSE", "NOTICE.md", "README.md", "addon", "assets", "models", "rigs",
)
FIRST_PAGE: Final = HERE / "first_page.md"
"""README.md of what is installed: that of the checkout leads to pages that are not in it."""


def source_of(name: str) -> Path:
    """Where what is shipped as `name` lies in the checkout."""
    return FIRST_PAGE if name == "README.md" else ROOT / name


def manifest_for(wheels: Sequence[Wheel], platforms: Sequence[str]) -> str:
    """The checkout's manifest with only these wheels and platforms."""
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    text = re.sub(r"^wheels = \[.*?\]", lambda _: manifest_wheels(wheels), text, flags=re.M | re.S)
    names = ", ".join(f'"{platform}"' for platform in platforms)
    return re.sub(r"^platforms = \[.*?\]", f"platforms = [{names}]", text, flags=re.M | re.S)


def link(folder: Path, wheels: Sequence[Wheel], platforms: Sequence[str]) -> None:
    """Make `folder` an extension whose code, models and rigs are links into this checkout.

    Raises:
        SystemExit: if something that is no link of ours lies there.
    """
    if folder.is_symlink():
        folder.unlink()
    if folder.exists() and not (folder / "addon").is_symlink():
        raise SystemExit(f"'{folder}' holds an installed Semblance; remove it in Blender's preferences first.")
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    (folder / "blender_manifest.toml").write_text(manifest_for(wheels, platforms), encoding="utf-8")
    wanted = {folder / name: source_of(name) for name in SHIPPED if source_of(name).exists()}
    wanted |= {folder / "wheels" / wheel.file: WHEELS / wheel.file for wheel in wheels}
    for place, target in wanted.items():
        place.unlink(missing_ok=True)
        place.symlink_to(target, target.is_dir())


def copy(folder: Path, wheels: Sequence[Wheel], platforms: Sequence[str]) -> str:
    """Copy what is shipped to the new `folder`, without what running and building leave behind; returns its version."""
    litter = shutil.ignore_patterns("__pycache__", ".*", "*.blend[1-9]", "*.partial*")
    folder.mkdir(parents=True)
    for name in SHIPPED:
        source = source_of(name)
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=litter)
        else:
            shutil.copy2(source, folder / name)
    (folder / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy2(WHEELS / wheel.file, folder / "wheels" / wheel.file)
    manifest = manifest_for(wheels, platforms)
    (folder / "blender_manifest.toml").write_text(manifest, encoding="utf-8")
    return str(tomllib.loads(manifest)["version"])
