"""One Euro filtering of points, whose speed is told in sizes of the thing that they belong to.

Casiez, Roussel, Vogel: "1 € Filter", CHI 2012. Speeds relative to the size make a body far from the camera as steady
as a near one.
"""
from __future__ import annotations

import numpy as np

from .smoothing import OneEuro, alpha

_SPEED_CUTOFF_HZ = 1.0


class PointFilter:
    """Filters arrays of one shape, one at a time."""

    def __init__(self, setting: OneEuro) -> None:
        self._setting = setting
        self._time_s: float | None = None
        self._value = self._seen = self._speed = np.zeros(0)

    def restart(self) -> None:
        """Take the next points as they are."""
        self._time_s = None

    def __call__(self, time_s: float, points: np.ndarray, size: float) -> np.ndarray:
        """The points, filtered; `size` is in their unit. A time that does not rise passes points through."""
        if self._time_s is None:
            self._value, self._speed = points, np.zeros_like(points)
        elif time_s > self._time_s:
            step_s = time_s - self._time_s
            speed = (points - self._seen) / (step_s * max(size, 1e-9))
            self._speed = self._speed + alpha(_SPEED_CUTOFF_HZ, step_s) * (speed - self._speed)
            cutoff = self._setting.min_cutoff_hz + self._setting.beta * np.abs(self._speed)
            self._value = self._value + alpha(cutoff, step_s) * (points - self._value)
        else:
            return points
        self._time_s, self._seen = time_s, points
        return self._value
