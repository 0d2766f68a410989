"""Where models, rigs and the user's own files live; the same expression in a checkout and in the installed zip."""
from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
RIGS = ROOT / "rigs"
DEMO_CLIP = ROOT / "assets" / "demo" / "performer.mp4"
"""A drawn performer, 10 s at 25 frames a second; what comes with Semblance to be tried."""


def user_folder() -> Path:
    """Where Semblance keeps what it learned of its user, such as calibrations; it need not exist.

    SEMBLANCE_USER names it, which is how Blender says where an extension may keep files; else it is the system's place
    for settings.
    """
    environment = os.environ
    if environment.get("SEMBLANCE_USER"):
        return Path(environment["SEMBLANCE_USER"])
    if sys.platform == "win32":
        return Path(environment.get("APPDATA", Path.home()), "Semblance")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Semblance"
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config", "semblance")


def preset_folders() -> list[Path]:
    """The folders that hold presets of users' own rigs, the newest Blender's first."""
    return folders_of_blender("presets")


def folders_of_blender(name: str) -> list[Path]:
    """The folders `name` among the user's files of this extension, the newest Blender's first.

    Blender gives each extension a folder for the user's files, one per version. What was saved in one version is found
    by the others and by a terminal without Blender.
    """
    folders = [
        folder for extensions in _extension_folders() for folder in sorted(extensions.glob(f".user/*/semblance/{name}"))
    ]
    return list(dict.fromkeys(folders))


def _extension_folders() -> list[Path]:
    """Blender's folders for extensions, as its manual names them: of the environment, else of each version."""
    environment = os.environ
    if "BLENDER_USER_EXTENSIONS" in environment:
        return [Path(environment["BLENDER_USER_EXTENSIONS"])]
    if "BLENDER_USER_RESOURCES" in environment:
        return [Path(environment["BLENDER_USER_RESOURCES"], "extensions")]
    if sys.platform == "win32":
        base = Path(environment.get("APPDATA", Path.home()), "Blender Foundation", "Blender")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support" / "Blender"
    else:
        base = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config", "blender")
    versions = [folder for folder in base.glob("*.*") if folder.name.replace(".", "").isdigit()]
    return [folder / "extensions" for folder in sorted(versions, key=_version, reverse=True)]


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split(".") if part)
