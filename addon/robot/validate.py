"""The first step of the chain: a frame of targets is taken whole or not at all."""
from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..core.errors import SemblanceError
from .messages import Target

FARTHEST: Final = 1e6
"""No control of any rig or angle is larger."""
_AHEAD_S: Final = 0.05


class Refused(SemblanceError):
    """This frame is not taken; the last one stands."""


class Validator:
    """Checks frames against one map: names, numbers, order and age."""

    def __init__(self, control_names: Sequence[str], needed: Sequence[int], oldest_s: float) -> None:
        """
        Args:
            control_names: all that the map's `controls` may say.
            needed: which of them the map reads; a frame must have these.
            oldest_s: how old a frame may be.
        """
        self._place = {name: i for i, name in enumerate(control_names)}
        self.needed = tuple(needed)
        self._needed = [control_names[i] for i in needed]
        self._oldest_s = oldest_s
        self._names: tuple[str, ...] = ()
        self._columns = np.zeros(0, int)
        self._sequence = -1
        self._values = np.zeros(len(control_names))

    def restart(self) -> None:
        """A new source begins to count anew."""
        self._sequence = -1

    def check(self, target: Target, now_s: float) -> list[float]:
        """The values of all controls [C] in the map's order; those that the frame leaves out and nobody reads are 0.

        Raises:
            Refused: saying what is wrong with the frame.
        """
        if target.names != self._names:
            self._columns = self._places(target.names)
            self._names = target.names
        values = np.asarray(target.values, np.float64)
        if values.shape != self._columns.shape:
            raise Refused(f"The frame has {values.size} values for {len(self._columns)} names.")
        if not np.abs(values).max(initial=0) <= FARTHEST:
            wrong = self._names[int(np.flatnonzero(~(np.abs(values) <= FARTHEST))[0])]
            raise Refused(f"The frame's '{wrong}' is not a finite number within reason.")
        age_s = now_s - target.time_s
        if not -_AHEAD_S <= age_s <= self._oldest_s:
            raise Refused(f"The frame is {age_s * 1000:.0f} ms old; at most {self._oldest_s * 1000:.0f} may be.")
        if target.sequence <= self._sequence:
            raise Refused(f"The frame {target.sequence} comes after {self._sequence}, or again.")
        self._sequence = target.sequence
        self._values[self._columns] = values
        return self._values.tolist()

    def _places(self, names: tuple[str, ...]) -> np.ndarray:
        given = set(names)
        missing = [name for name in self._needed if name not in given]
        unknown = [name for name in names if name not in self._place]
        if unknown:
            close = difflib.get_close_matches(unknown[0], self._place, 1)
            raise Refused(f"The frame has the control '{unknown[0][:60]}', which the map does not know"
                          + (f"; did you mean '{close[0]}'?" if close else "."))
        if missing:
            raise Refused(f"The frame misses the control '{missing[0]}', which the map reads.")
        if len(given) != len(names):
            raise Refused("The frame names a control twice.")
        return np.array([self._place[name] for name in names], int)
