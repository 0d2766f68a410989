"""Plays a performance by the robot process's own clock."""
from __future__ import annotations

import numpy as np

from ..core.errors import SemblanceError
from .messages import Play


class Player:
    """Waits at the first frame until the head follows, then runs to the end."""

    def __init__(self, play: Play) -> None:
        """
        Raises:
            SemblanceError: if times and values do not fit, or are not finite and rising.
        """
        times_s, shape = play.times_s, play.values.shape
        if not len(times_s) or shape != (len(times_s), len(play.names)):
            raise SemblanceError(f"The performance has {len(times_s)} times and {shape} values for {len(play.names)} "
                                 "names.")
        if not np.isfinite(times_s).all() or not np.isfinite(play.values).all() or (np.diff(times_s) <= 0).any():
            raise SemblanceError("The performance has times that do not rise, or values that are not finite.")
        self.names = play.names
        self._times_s = times_s - times_s[0]
        self._values = play.values.astype(np.float64)
        self.at_s = 0.0
        """How much of it has been played."""

    @property
    def ended(self) -> bool:
        """The last frame has been played."""
        return self.at_s > self._times_s[-1]

    def advance(self, step_s: float) -> None:
        """The head follows: time passes."""
        self.at_s += step_s

    def values(self) -> np.ndarray:
        """float64 [names] now, between the frames on both sides."""
        i = int(np.searchsorted(self._times_s, self.at_s, "right"))
        if i == len(self._times_s):
            return self._values[-1]
        share = (self.at_s - self._times_s[i - 1]) / (self._times_s[i] - self._times_s[i - 1])
        return self._values[i - 1] + share * (self._values[i] - self._values[i - 1])
