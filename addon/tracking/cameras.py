"""Which cameras there are, by name where the system tells, without switching one on."""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LINUX: Final = Path("/sys/class/video4linux")
_MOST_TRIED: Final = 4


@dataclass(frozen=True)
class Camera:
    """A camera that can be opened."""

    index: int
    name: str
    address: str
    """What sources.open_source opens."""


def list_cameras() -> list[Camera]:
    """All cameras, by number; on Linux with their names, elsewhere by number alone."""
    if sys.platform == "linux":
        return _of_linux(_LINUX)
    return [Camera(number, f"Camera {number}", str(number)) for number in range(_MOST_TRIED)]


def _of_linux(folder: Path) -> list[Camera]:
    """What the kernel lists; of several nodes of one device, the first is the one with pictures."""
    found = []
    for node in folder.glob("video*"):
        try:
            index, name = int(node.name[5:]), (node / "name").read_text(encoding="utf-8", errors="replace").strip()
            first = (node / "index").read_text(encoding="ascii").strip() == "0"
        except (OSError, ValueError):
            continue
        if first:
            found.append(Camera(index, name or f"Camera {index}", f"/dev/video{index}"))
    return sorted(found, key=lambda camera: camera.index)
