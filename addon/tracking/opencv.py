"""OpenCV, set up before it is first imported."""
from __future__ import annotations

import os
from types import ModuleType
from typing import Final

from ..core.errors import require

FEATURE: Final = "Reading video"
_ENVIRONMENT: Final = {
    # Its own remarks on damaged files are kept off the terminal: we say what matters ourselves.
    "OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_LOG_LEVEL": "SILENT",
    # Pictures of RTSP come in its own connection where the sender can: loose packets get lost, or a firewall eats them.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_flags;prefer_tcp",
    # A camera of Linux that sends nothing (seconds), and one of Windows that takes half a minute to open.
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "3", "OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS": "0",
}


def opencv() -> ModuleType:
    """The module cv2.

    Raises:
        MissingWheel: if it is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return require("cv2", FEATURE)
