"""Every place where the supported Blender versions differ, and nothing else."""
from __future__ import annotations

from collections.abc import Callable

import bpy

# Keyframe.interpolation and Keyframe.type as `foreach_set` wants them; the same numbers from 4.5 to 5.2.
LINEAR = 1
GENERATED = 5


def use_video_output(render: bpy.types.RenderSettings) -> None:
    """Let `render` write an H.264 MP4; from 5.0 on the media type must be chosen before the format."""
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.audio_codec = "NONE"


def use_image_output(render: bpy.types.RenderSettings) -> None:
    """Let `render` write PNG pictures."""
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGB"


def exit_handlers() -> list[Callable[..., None]]:
    """The list of functions that Blender calls before it exits; a list nobody calls before 5.1."""
    return getattr(bpy.app.handlers, "exit_pre", [])
