"""Reads `wheels.toml`: which wheel files the extension carries, for which platform and Python, with their hashes."""
from __future__ import annotations

import hashlib
import platform
import tomllib
from collections.abc import Sequence
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
# What Blender's own builds carry; the manifest names wheels for these.
PYTHONS: Final = ("3.11", "3.13")


@dataclass(frozen=True)
class Edition:
    """One of the zips."""

    platform: str
    """Blender's name of it."""
    pythons: tuple[str, ...] = PYTHONS


# By the name that `make zip PLATFORM=...` takes. Debian builds Blender with a Python of its own; a zip with wheels for
# all three would be above what extensions may weigh.
EDITIONS: Final = {platform: Edition(platform) for platform in PLATFORMS} | {
    "linux-x64-python3.14": Edition("linux-x64", ("3.14",)),
}


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

    def runs_on(self, platform: str, *pythons: str) -> bool:
        """True if a Blender with one of these Pythons can install it there."""
        return platform in self.platforms and self.python in ("", *pythons)

    @property
    def is_in_manifest(self) -> bool:
        """True if the checkout's manifest names it."""
        return self.python in ("", *PYTHONS)


def read_lock() -> tuple[Wheel, ...]:
    """All rows, in the file's order."""
    with LOCK.open("rb") as file:
        rows = tomllib.load(file)["wheel"]
    return tuple(Wheel(**{**row, "platforms": tuple(row["platforms"])}) for row in rows)


def wheels_of(edition: Edition) -> tuple[Wheel, ...]:
    """What its zip carries."""
    return tuple(wheel for wheel in read_lock() if wheel.runs_on(edition.platform, *edition.pythons))


def own_platform() -> str:
    """Blender's name for this computer's platform."""
    return {"Linux": "linux-x64", "Windows": "windows-x64", "Darwin": "macos-arm64"}[platform.system()]


def editions_named(names: Sequence[str]) -> dict[str, Edition]:
    """The zips that a command line asks for: "all", names, or without any this computer's.

    Raises:
        SystemExit: for a name that is none.
    """
    if list(names) == ["all"]:
        return EDITIONS
    for name in names:
        if name not in EDITIONS:
            raise SystemExit(f"There is no zip for '{name}'; choose from all, {', '.join(EDITIONS)}.")
    return {name: EDITIONS[name] for name in names or [own_platform()]}


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_wheels(wheels: Sequence[Wheel]) -> str:
    """The manifest's `wheels = [...]` for these rows."""
    lines = "".join(f'  "./wheels/{wheel.file}",\n' for wheel in wheels)
    return f"wheels = [\n{lines}]"
