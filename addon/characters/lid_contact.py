"""Lids that meet: what is seen of a blink, a little short of shut, becomes shut.

Smoothing takes a tenth off a quick blink and encoders another; a character whose lids stop there never closes its eyes.
"""
from __future__ import annotations

from typing import Final

import numpy as np

from ..core import coefficients

_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_OPEN: Final = 0.6
"""Up to here lids stay as they are seen ..."""
_SHUT: Final = 0.88
"""... and from here on they are shut: blinks of the demo clip peak at 0.79 to 0.95 where the truth is 1."""


def shutting(values: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] in 0..1 with lids that nearly meet brought together; all others stay as they are.

    Smooth, rising, nowhere steeper than twice: lids that tremble half-way tremble no more.
    """
    answer = np.array(values, np.float32)
    seen = answer[..., _BLINK]
    t = np.clip((seen - _OPEN) / (_SHUT - _OPEN), 0, 1)
    between = _OPEN + (_SHUT - _OPEN) * t * (1 - t) ** 2 + (1 - _OPEN) * t * t * (3 - 2 * t)
    answer[..., _BLINK] = np.where(seen > _OPEN, between, seen)
    return answer
