"""One Euro filtering of points, whose speed is told in sizes of the thing that they belong to.

Casiez, Roussel, Vogel: "1 € Filter", CHI 2012. Speeds relative to the size make a body far from the camera as steady
as a near one.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from .frames import BodyTrack
from .smoothing import DERIVATIVE_CUTOFF_HZ, OneEuro, alpha

BODY: Final = OneEuro(1.0, 12.0)
HANDS: Final = OneEuro(1.0, 12.0)
"""Speeds are in metres of a body and in lengths of a hand a second."""
_HAND_M: Final = 0.18


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
            self._speed = self._speed + alpha(DERIVATIVE_CUTOFF_HZ, step_s) * (speed - self._speed)
            cutoff = self._setting.min_cutoff_hz + self._setting.beta * np.abs(self._speed)
            self._value = self._value + alpha(cutoff, step_s) * (points - self._value)
        else:
            return points
        self._time_s, self._seen = time_s, points
        return self._value


def smooth_body(track: BodyTrack) -> BodyTrack:
    """The track with its metres smoothed forwards and the result backwards, so that nothing lags."""
    hands = [_both_ways(track.times_s, track.hands_world[:, side], HANDS, _HAND_M) for side in (0, 1)]
    return replace(track, world=_both_ways(track.times_s, track.world, BODY, 1.0), hands_world=np.stack(hands, 1))


def _both_ways(times_s: np.ndarray, points: np.ndarray, setting: OneEuro, size: float) -> np.ndarray:
    """Points [T, N, 3]; what is not known stays so, and what follows begins anew."""
    smoothed = np.array(points, np.float64)
    for times, order in ((times_s, range(len(points))), (-times_s, range(len(points) - 1, -1, -1))):
        each = PointFilter(setting)
        for i in order:
            if np.isfinite(smoothed[i]).all():
                smoothed[i] = each(float(times[i]), smoothed[i], size)
            else:
                each.restart()
    return smoothed.astype(np.float32)
