"""Which cameras there are, by name where the system tells, and what is wrong with one that gives no picture."""
from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .opencv import opencv

_NODES: Final = Path("/sys/class/video4linux")
_DEVICES: Final = Path("/dev")
_PROCESSES: Final = Path("/proc")
_OFFERED: Final = 4
"""Numbers that are offered where the system tells no names."""
_PLAIN_PX: Final = 640 * 480
"""Larger pictures come compressed: uncompressed ones fill the wire and slow most cameras to 5 or 10 a second."""
_ALLOW: Final = {
    "darwin": "allow it for Blender (or the terminal) in System Settings > Privacy & Security > Camera",
    "win32": "switch on 'Let desktop apps access your camera' in Settings > Privacy & security > Camera",
}


@dataclass(frozen=True)
class Camera:
    """A camera that may be opened."""

    index: int
    name: str
    address: str
    """What sources.open_source opens."""


def list_cameras() -> list[Camera]:
    """The cameras by number, none of them opened; on Linux with their names, elsewhere the first numbers."""
    if sys.platform == "linux":
        return _named(_NODES)
    return [Camera(number, f"Camera {number}", str(number)) for number in range(_OFFERED)]


def _named(nodes: Path) -> list[Camera]:
    """What the kernel lists; of several nodes of one device the first is the one with pictures."""
    found = []
    for node in nodes.glob("video*"):
        try:
            index = int(node.name.removeprefix("video"))
            name = (node / "name").read_text(encoding="utf-8", errors="replace").strip()
            first = (node / "index").read_text(encoding="ascii").strip() == "0"
        except (OSError, ValueError):
            continue
        if first:
            found.append(Camera(index, name or f"Camera {index}", f"/dev/video{index}"))
    return sorted(found, key=lambda camera: camera.index)


def open_capture(index: int, width: int, height: int, fps: float) -> Any:
    """OpenCV's capture of a camera, asked for a size and rate (0 = its own), which it may not have."""
    cv2 = opencv()
    capture = cv2.VideoCapture(index)
    if capture.isOpened():
        if width * height > _PLAIN_PX:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        for prop, wish in ((cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height),
                           (cv2.CAP_PROP_FPS, fps)):
            if wish:
                capture.set(prop, wish)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture, not a queue of old ones
    return capture


def no_picture(index: int) -> str:
    """One sentence on why a camera cannot be opened or gives no picture, as far as the system tells."""
    if sys.platform != "linux":
        allow = _ALLOW.get(sys.platform, "check that you may use it")
        return (f"Camera {index} gives no picture: connect it, close other programs that use it, {allow}; then start "
                "again.")
    node = _DEVICES / f"video{index}"
    if not node.exists():
        there = ", ".join(f"{camera.index} ({camera.name})" for camera in list_cameras())
        return f"There is no camera {index}: " + (f"the cameras here are {there}." if there else "connect one.")
    if not os.access(node, os.R_OK | os.W_OK):
        return (f"You may not use camera {index}: add yourself to the group of '{node}' (sudo usermod -aG video $USER) "
                "and log in again; a Blender from Flatpak or Snap must be allowed the camera too.")
    user = _user_of(node, _PROCESSES)
    if user:
        return f"Camera {index} is in use by '{user}': close that program and start again."
    return (f"Camera {index} gives no picture: close other programs that may use it, and if it is one of several nodes "
            "of a device, try another number.")


def lost(index: int) -> str:
    """One sentence on a camera that sent pictures and ends."""
    if sys.platform == "linux" and not (_DEVICES / f"video{index}").exists():
        return f"Camera {index} was unplugged; connect it and start again."
    return f"Camera {index} stopped sending pictures: it was unplugged or taken by another program; start again."


def stalled(index: int, seconds: float) -> str:
    """One sentence on a camera that is silent."""
    return f"Camera {index} has sent no picture for {seconds:g} s: unplug it, connect it again and start again."


def _user_of(node: Path, processes: Path) -> str:
    """The name of another program that has the node open, as far as one may see; else ""."""
    for process in processes.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            holds = any(Path(os.readlink(link)) == node for link in (process / "fd").iterdir())
            if holds and process.name != str(os.getpid()):
                return (process / "comm").read_text(errors="replace").strip()
    return ""
