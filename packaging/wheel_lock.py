"""Reads `wheels.toml`: which wheel files the extension carries, for which platform and Python, with their hashes."""
from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
LOCK: Final = HERE / "wheels.toml"
WHEELS: Final = ROOT / "wheels"
# Blender's name of a platform → the wheel tags that run there, for pip.
PLATFORMS: Final = {
    "linux-x64": tuple(f"manylinux_2_{n}_x86_64" for n in range(28, 16, -1)) + ("manylinux2014_x86_64",),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64",),
}
# What Blender's own builds carry; the zip holds wheels for these.
PYTHONS: Final = ("3.11", "3.13")
# What distributions build Blender with; `make dev-install` knows these too.
DISTRIBUTION_PYTHONS: Final = {"linux-x64": ("3.14",)}


@dataclass(frozen=True)
class Wheel:
    """One row of the lock."""

    name: str
    version: str
    file: str
    sha256: str
    platforms: tuple[str, ...]
    python: str
    """"3.11" and so on; "" where any Python 3 will do."""

    def runs_on(self, platform: str, python: str) -> bool:
        """True if that Blender can install it."""
        return platform in self.platforms and self.python in ("", python)

    @property
    def is_shipped(self) -> bool:
        """True if it goes into a zip, and so into the manifest."""
        return self.python in ("", *PYTHONS)


def read_lock() -> tuple[Wheel, ...]:
    """All rows, in the file's order."""
    with LOCK.open("rb") as file:
        rows = tomllib.load(file)["wheel"]
    return tuple(Wheel(**{**row, "platforms": tuple(row["platforms"])}) for row in rows)


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_wheels(wheels: list[Wheel] | tuple[Wheel, ...]) -> str:
    """The manifest's `wheels = [...]` for these rows."""
    lines = "".join(f'  "./wheels/{wheel.file}",\n' for wheel in wheels)
    return f"wheels = [\n{lines}]"
