"""A sender's times, which may repeat, leap, run backwards or be missing, made into times that rise."""
from __future__ import annotations

from typing import Final

LEAP_S: Final = 2.0
"""A sender's clock that is further from ours than this, over one step or in sum, was set anew or runs wrong."""
LATE_S: Final = 0.25
"""Packets that overtook each other on the way are no further apart."""
MOST_STUCK: Final = 3
"""Frames in a row whose time does not rise, before a clock is no longer believed."""
SMALLEST_STEP_S: Final = 1e-4


class RisingClock:
    """Strictly rising seconds from 0 at the first frame, by the sender's clock as long as that can be believed."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._arrived_s: float | None = None
        self.new_sender()

    def new_sender(self) -> None:
        """The next time comes from another clock."""
        self._own_s: float | None = None
        self._believed = True
        self._stuck = 0
        self._drift_s = 0.0

    def time(self, own_s: float | None, arrived_s: float) -> float | None:
        """The frame's time, or None for one that comes after a newer one.

        Args:
            own_s: the sender's time of the frame; None where it tells none.
            arrived_s: when it came, by a clock of ours that never goes back.
        """
        if self._arrived_s is None:
            self._own_s, self._arrived_s = own_s, arrived_s
            return self._time_s
        step = elapsed = arrived_s - self._arrived_s
        if own_s is not None and self._own_s is not None and self._believed:
            step = own_s - self._own_s
            if -LATE_S < step < 0 and self._stuck < MOST_STUCK:
                self._stuck += 1
                return None
            step = self._checked(step, elapsed)
        self._own_s, self._arrived_s = own_s, arrived_s
        # The sum may swallow a step far smaller than itself.
        self._time_s = max(self._time_s + max(step, SMALLEST_STEP_S), self._time_s + SMALLEST_STEP_S)
        return self._time_s

    def _checked(self, step: float, elapsed: float) -> float:
        """The sender's step, or the one of our own clock if the sender's is wrong."""
        self._stuck = self._stuck + 1 if step <= 0 else 0
        self._believed = self._stuck <= MOST_STUCK
        if step < 0 or abs(step - elapsed) > LEAP_S:
            return elapsed
        self._drift_s += step - elapsed
        self._believed &= abs(self._drift_s) <= LEAP_S
        return step
