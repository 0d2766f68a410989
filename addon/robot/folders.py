"""Where a user's own robot files live: calibrations of single heads, logs, and who drives what now; one answer."""
from __future__ import annotations

import os
import sys
from pathlib import Path


def user_folder() -> Path:
    """Blender says its own in SEMBLANCE_USER when it starts a process; a terminal has the system's usual place."""
    given = os.environ.get("SEMBLANCE_USER")
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home()), "Semblance")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Semblance"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "semblance")


def calibration_folder(robot: str) -> Path:
    """The unit files of the heads that are copies of one design."""
    return user_folder() / "calibration" / robot
