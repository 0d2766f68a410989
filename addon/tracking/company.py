"""Other people in the picture: whether there are any, and whether the followed one has been taken for one of them.

Where people cross, the pose network goes on with whoever is in front. Their clothes tell them apart: now and then all
bodies are looked for, and if another one looks like who was followed so far, and the followed one does not, it is that
one. People who are dressed alike are not told apart.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from .detection import Detection

LOOK_S, LONGEST_S = 0.5, 1.0
"""So often all bodies are looked for, which costs as much as following one: if the clothes are not what they were, and
else."""
_BINS: Final = 6
"""Of each colour."""
_CHEST: Final = (0.35, 0.8, 0.25)
"""Where clothes are looked at: from where to where between face and hips, and how far to both sides."""
_FINE: Final = 64
"""Of so many pixels across one in two is enough, and so on."""
_LIKE: Final = 0.6
"""Least likeness of somebody with themselves a little later, 0..1."""
_MORE: Final = 0.15
"""How much more alike another one must be."""
_MEMORY: Final = 0.8
"""Weight of all looks before against a new one."""
_NEAR: Final = 0.5
"""Two bodies whose faces are nearer than this share of the way to their hips are one."""


class Company:
    """Remembers what the followed person wears, and who else was there."""

    def __init__(self) -> None:
        self.looks = self.others = 0
        """How often was looked, and how often somebody else was there."""
        self.mistaken_s: list[tuple[float, float]] = []
        """From when to when somebody else was followed, at most."""
        self.reset()

    def reset(self) -> None:
        """Forget the person; what was counted stays."""
        self._own: np.ndarray | None = None
        self._looked_s = self._sure_s = -np.inf

    def is_due(self, image: np.ndarray, time_s: float, face: np.ndarray, hips: np.ndarray) -> bool:
        """True if it is time to look for all bodies, while the followed one's face and hips are at [2] px."""
        pause_s = time_s - self._looked_s
        if not 0 <= pause_s < LONGEST_S:
            return True
        if pause_s < LOOK_S or self._own is None:
            return False
        now = clothes(image, face, hips)
        return now is not None and alike(self._own, now) < 1 - _MORE

    def mistaken(
        self, image: np.ndarray, time_s: float, face: np.ndarray, hips: np.ndarray, bodies: Sequence[Detection]
    ) -> Detection | None:
        """Of all `bodies` the one that was followed so far, if it is not the one whose face and hips are at [2] px."""
        others = [body for body in bodies if not _is_at(body, face, hips)]
        self._looked_s = time_s
        self.looks, self.others = self.looks + 1, self.others + bool(others)
        now = clothes(image, face, hips)
        if now is None:
            return None
        likeness = 1.0 if self._own is None else alike(self._own, now)
        found = max(others, key=lambda body: self.likeness(image, body), default=None)
        if found is not None and self.likeness(image, found) > max(likeness + _MORE, _LIKE):
            self.mistaken_s.append((self._sure_s, time_s))
            self._sure_s = time_s
            return found
        if likeness >= _LIKE:
            self._own = now if self._own is None else _MEMORY * self._own + (1 - _MEMORY) * now
            self._sure_s = time_s
        return None

    def likeness(self, image: np.ndarray, body: Detection) -> float:
        """0..1: how much a body looks like the followed one; 0 where that is not known."""
        seen = clothes(image, body.middle, body.points[0])
        return 0.0 if seen is None or self._own is None else alike(self._own, seen)


def clothes(image: np.ndarray, face: np.ndarray, hips: np.ndarray) -> np.ndarray | None:
    """float [216]: how much of the chest has which colour; None where it is out of uint8 [H, W, 3] BGR."""
    upper, lower, aside = _CHEST
    ends = np.array([face + upper * (hips - face), face + lower * (hips - face)])
    reach = aside * np.linalg.norm(hips - face)
    low, high = ends.min(0) - (reach, 0), ends.max(0) + (reach, 0)
    size = np.array([image.shape[1], image.shape[0]])
    (left, top), (right, bottom) = (np.clip(corner, 0, size).astype(int) for corner in (low, high))
    chest = image[top:bottom, left:right]
    if min(chest.shape[:2]) < 2:
        return None
    apart = 1 + min(chest.shape[:2]) // _FINE
    chest = chest[::apart, ::apart]
    cells = (chest.reshape(-1, 3).astype(int) * _BINS // 256) @ (1, _BINS, _BINS**2)
    return np.bincount(cells, minlength=_BINS**3) / len(cells)


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Likeness of two distributions of colours, 0..1 (Bhattacharyya's coefficient)."""
    return float(np.sqrt(a * b).sum())


def _is_at(body: Detection, face: np.ndarray, hips: np.ndarray) -> bool:
    return bool(np.linalg.norm(body.middle - face) < _NEAR * np.linalg.norm(hips - face))
