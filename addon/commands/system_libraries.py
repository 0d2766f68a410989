"""Which system libraries Blender, OpenGL and the camera need, and the apt-get line that brings them; stdlib only.

`python -m addon.commands.system_libraries` reports what is missing; `--install` installs it when run as root. The
Makefile calls it before any Python package is there.
"""
from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from typing import Final

# Shared library → (Debian and Ubuntu package, who needs it). Read from bpy's own NEEDED entries and those of the
# libraries that it brings; libgl1 and libegl1 pull Mesa's software renderer.
LIBRARIES: Final[dict[str, tuple[str, str]]] = {
    "libX11.so.6": ("libx11-6", "Blender"),
    "libXrender.so.1": ("libxrender1", "Blender"),
    "libXfixes.so.3": ("libxfixes3", "Blender"),
    "libXi.so.6": ("libxi6", "Blender"),
    "libXext.so.6": ("libxext6", "Blender"),
    "libxkbcommon.so.0": ("libxkbcommon0", "Blender"),
    "libSM.so.6": ("libsm6", "Blender"),
    "libICE.so.6": ("libice6", "Blender"),
    "libGL.so.1": ("libgl1", "Blender's renderer"),
    "libEGL.so.1": ("libegl1", "rendering without a screen"),
}


def missing_libraries() -> dict[str, str]:
    """Library → package of everything that this Linux cannot load; empty on other systems."""
    if not sys.platform.startswith("linux"):
        return {}
    return {library: package for library, (package, _) in LIBRARIES.items() if not _loads(library)}


def apt_line(packages: list[str]) -> str:
    """The command that installs `packages` on Debian and Ubuntu."""
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages)}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _missing_packages() -> list[str]:
    packages = list(dict.fromkeys(missing_libraries().values()))
    if importlib.util.find_spec("ensurepip") is None:
        packages.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    return packages


def _install(packages: list[str]) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        code = subprocess.run(["apt-get", "-qq", *step], env=environment, stdin=subprocess.DEVNULL).returncode
        if code:
            return code
    return 0


def main() -> int:
    """Report or install; 0 when nothing is missing afterwards."""
    packages = _missing_packages()
    if not packages:
        return 0
    if "--install" in sys.argv and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing system libraries: {' '.join(packages)}", flush=True)
        return _install(packages)
    print(f"Semblance needs some system libraries first. Install them and start again:\n\n    {apt_line(packages)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
