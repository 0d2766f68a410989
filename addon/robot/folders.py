"""Where a user's own robot files live: calibrations of single heads, logs, and who drives what now; one answer."""
from __future__ import annotations

from pathlib import Path

from ..core.paths import folders_of_blender, user_folder


def calibration_folder(robot: str) -> Path:
    """The unit files of the heads that are copies of one design."""
    return user_folder() / "calibration" / robot


def calibration_folders(robot: str) -> list[Path]:
    """Where unit files may be: the own folder, then those of each Blender here."""
    return [calibration_folder(robot), *(folder / robot for folder in folders_of_blender("calibration"))]
