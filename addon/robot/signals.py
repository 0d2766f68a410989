"""What a map may follow without a character: the 54 coefficients, the head's angles, and each eye's gaze, in rad."""
from __future__ import annotations

from typing import Final

import numpy as np

from ..core.control_set import SIGNALS

EXPRESSION: Final = "expression"
"""What a map's `controls` says when it follows these instead of a character's controls."""
GAZE: Final = ("gazeYawLeft", "gazePitchLeft", "gazeYawRight", "gazePitchRight")
NAMES: Final = (*SIGNALS, *GAZE)
"""54 coefficients, then angles in rad (signs: core.frames): three of the head, two of each eye."""


def map_signals(coefficients: np.ndarray, gaze: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54], gaze [..., 2, 2], head [..., 3] → float64 [..., 61] in the order of NAMES."""
    flat = np.reshape(gaze, (*np.shape(gaze)[:-2], 4))
    return np.concatenate([coefficients, head, flat], axis=-1).astype(np.float64)
