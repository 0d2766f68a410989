"""Which coefficients a character can show, and which of those that were asked for can be seen on it.

A rig need not carry all 54: Uno has one eye and no cheeks to puff. What it cannot show is not known from its picture.
Coefficients that move the same controls by the same amount (both lids of Uno's one eye) are seen as their mean; of two
that move the same controls by different amounts only the stronger is read off; and what cancels out is not there.
"""
from __future__ import annotations

from typing import Final

import numpy as np

from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.frames import EMBEDDING_SIZE, ExpressionTrack
from addon.core.rig_profile import RigProfile
from training.performers import gaze_of

LEAST: Final = 0.05
"""A coefficient is shown if at 1 it moves some control by this share of half its range."""
_ALIKE: Final = 0.9
"""Cosine from which two movements look the same."""
_EQUAL: Final = (0.98, 0.8)
"""Cosine and ratio of sizes from which they are the same."""
_SPARING: Final = (0.15,) * 8 + (0.01,) * 8
"""What a coefficient costs in each sweep, as a share of its own movement, squared: much at first, so that what cancels
out goes, then hardly anything, so that the rest comes back."""
_EXPLAINED: Final = 0.15
"""A pose is explained if so much of it at most is left over."""


class Shown:
    """One character's decoder, seen from the coefficients."""

    def __init__(self, profile: RigProfile) -> None:
        self.controls = profile.control_set
        self._decoder = load_decoder(profile)
        self.effect = self._effect()
        """float64 [54, K]: how each coefficient alone moves the controls, in the scale -1..1."""
        size = np.linalg.norm(self.effect, axis=1)
        moves = np.abs(self.effect).max(1) >= LEAST
        cosine = self.effect @ self.effect.T / np.maximum(np.outer(size, size), 1e-9)
        both = moves[:, None] & moves
        smaller = np.minimum.outer(size, size) / np.maximum(np.maximum.outer(size, size), 1e-9)
        same = both & (cosine >= _EQUAL[0]) & (smaller >= _EQUAL[1])
        self._mean = same / np.maximum(same.sum(1, keepdims=True), 1)
        hidden = (both & ~same & (cosine >= _ALIKE) & (size[:, None] < size)).any(1)
        hidden |= hidden[coefficients.MIRROR]
        self.known = moves & ~hidden
        """bool [54]: what can be read off the character's face."""

    def decode(self, values: np.ndarray, head: np.ndarray) -> np.ndarray:
        """Coefficients [N, 54] and head angles [N, 3] → controls float32 [N, K], rig units."""
        count = len(values)
        return self._decoder.decode(ExpressionTrack(
            np.arange(count, dtype=np.float64), values.astype(np.float32),
            np.zeros((count, EMBEDDING_SIZE), np.float32), gaze_of(values).astype(np.float32),
            head.astype(np.float32), np.ones(count, np.float32),
        )).values

    def seen(self, values: np.ndarray) -> np.ndarray:
        """What is left of coefficients [N, 54] on this character's face, float32: the least that looks the same."""
        meant = np.where(self.known, values, 0) @ self._mean.T
        return self._least(meant @ self.effect, meant, meant)

    def explain(self, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Controls [N, K], rig units → coefficients float32 [N, 54] that make them, and where they do, bool [N]."""
        wanted = self.controls.scaled(controls) - self.controls.scaled(self.controls.neutral)
        wanted[:, self._head] = 0
        most = np.broadcast_to(self.known.astype(float), (len(wanted), coefficients.COUNT))
        found = self._least(wanted, most, np.zeros_like(most))
        left = np.linalg.norm(found @ self.effect - wanted, axis=1)
        return found, left <= _EXPLAINED * np.maximum(np.linalg.norm(wanted, axis=1), LEAST)

    def with_head(self, controls: np.ndarray, head: np.ndarray) -> np.ndarray:
        """Controls [N, K] with the head turned to the angles [N, 3]."""
        turned = self.decode(np.zeros((len(controls), coefficients.COUNT), np.float32), head)
        return np.where(self._head, turned, controls)

    @property
    def _head(self) -> np.ndarray:
        """bool [K]: what turns the head."""
        return np.array([control.group.lower() in ("head", "neck") for control in self.controls.controls])

    def _effect(self) -> np.ndarray:
        alone = np.eye(coefficients.COUNT)
        # A closing mouth shows on an open jaw only.
        close = coefficients.INDEX["mouthClose"]
        base = np.zeros((coefficients.COUNT, coefficients.COUNT))
        base[close, coefficients.INDEX["jawOpen"]] = 1
        still = np.zeros((coefficients.COUNT, 3))
        after, before = (self.controls.scaled(self.decode(rows, still)) for rows in (base + alone, base))
        return (after - before).astype(np.float64)

    def _least(self, wanted: np.ndarray, most: np.ndarray, start: np.ndarray) -> np.ndarray:
        """The coefficients 0..`most` nearest to the movement `wanted` [N, K], and as few as do; float32 [N, 54].

        Coordinate descent from `start` on the squared error and what the coefficients cost.
        """
        found = np.array(start, np.float64)
        gram, pull = self.effect @ self.effect.T, wanted @ self.effect.T
        for cost in _SPARING:
            for i in np.flatnonzero(self.known):
                best = found[:, i] + (pull[:, i] - found @ gram[:, i]) / gram[i, i] - cost
                found[:, i] = np.clip(best, 0, most[:, i])
        return (found @ self._mean.T).astype(np.float32)
