"""One process per port: a locked file says who drives a head, and how to reach that process to stop it."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from ..core.claims import lock
from ..core.errors import SemblanceError
from .folders import user_folder

RUNNING: Final = "SEMBLANCE_RUNNING"
"""Environment variable that names the folder of claims."""


@dataclass(frozen=True)
class Running:
    """A robot process that runs now."""

    robot: str
    link: str
    """The port, or "simulated"."""
    pid: int
    port: int
    token: str


class Claim:
    """The lock on one port, from `claim` to `release` or the end of the process, however it ends."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path, self._file = path, file

    def say(self, running: Running) -> None:
        """Let others find this process."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(asdict(running)))
        self._file.flush()

    def release(self) -> None:
        """Let others claim the port."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._file.close()


def claim(robot: str, link: str) -> Claim:
    """Claim the port `link`; simulated heads are one's own each.

    Raises:
        SemblanceError: if another process has it, or nothing can be written.
    """
    # Two names of one device are one port.
    name = f"{link} {os.getpid()}" if link == "simulated" else os.path.realpath(link)
    path = running_folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
        free = lock(file)
    except OSError as error:
        raise SemblanceError(f"Cannot write '{path}': {error.strerror}; who drives a head is kept there.") from error
    if not free:
        held = _read(path)
        file.close()
        by = f"the robot '{held.robot}' (process {held.pid})" if held else "another process"
        raise SemblanceError(f"The port '{link}' is driven by {by} already; stop that one first: semblance robot stop.")
    return Claim(path, file)


def running() -> list[Running]:
    """All robot processes of this user."""
    found = []
    for path in sorted(running_folder().glob("*.json")):
        with contextlib.suppress(OSError), path.open("r+", encoding="utf-8") as file:
            if lock(file):  # nobody holds it: left over from a process that was killed
                path.unlink(missing_ok=True)
            elif (one := _read(path)) is not None:
                found.append(one)
    return found


def running_folder() -> Path:
    """The same for Blender, which keeps its other files elsewhere, and for every terminal of this user."""
    return Path(os.environ.get(RUNNING) or user_folder() / "robots running")


def _read(path: Path) -> Running | None:
    try:
        return Running(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
