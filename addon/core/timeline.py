"""From a source's own clock to a scene's frames; the scene's rate is read, never changed."""
from __future__ import annotations

import numpy as np

from .errors import SemblanceError


def frame_of(time_s: np.ndarray | float, start_frame: float, fps: float) -> np.ndarray:
    """Scene frame (fractional) at which `time_s` [...] after the take's first sample falls."""
    return start_frame + np.asarray(time_s, np.float64) * fps


def resample(times_s: np.ndarray, values: np.ndarray, start_frame: int, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """One value per whole scene frame, by linear interpolation between the source's samples.

    Args:
        times_s: float [T], strictly rising; its first sample lands on `start_frame`.
        values: float [T, K].
        fps: frames per second of the scene (fps / fps_base in Blender).

    Returns:
        frames int [N] and values float32 [N, K]; N covers first to last sample, at least one frame.

    Raises:
        SemblanceError: if there is no sample, times do not rise or the rate is not a positive number.
    """
    times_s = np.asarray(times_s, np.float64)
    if len(times_s) == 0:
        raise SemblanceError("There is nothing to place on the timeline: the take has no frames.")
    if np.any(np.diff(times_s) <= 0):
        raise SemblanceError("The take's timestamps do not rise; track its source again.")
    if not (np.isfinite(fps) and fps > 0):
        raise SemblanceError(f"The scene's frame rate is {fps}; it must be above 0.")
    elapsed = times_s - times_s[0]
    # A sample that lies on a frame but for rounding must count as on it.
    count = int(np.floor(elapsed[-1] * fps + 1e-6)) + 1
    at = np.arange(count) / fps
    right = np.clip(np.searchsorted(elapsed, at, side="left"), 1, max(len(elapsed) - 1, 1))
    if len(elapsed) == 1:
        return np.array([start_frame]), np.asarray(values, np.float32)[:1]
    left = right - 1
    share = np.clip((at - elapsed[left]) / (elapsed[right] - elapsed[left]), 0, 1)[:, None]
    values = np.asarray(values, np.float64)
    between = values[left] * (1 - share) + values[right] * share
    return start_frame + np.arange(count), between.astype(np.float32)
