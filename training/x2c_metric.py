"""X2C's error between control values of its robot face, exactly as its authors compute it (LnLosswNorm with l1).

Reused wherever something drives the 30 controls: the mapping network, the characters' decoder, a robot's imitation.
"""
from __future__ import annotations

from typing import Final

import numpy as np

CONTROLS: Final = 30
PARTS: Final = {
    "brow": (0, 1, 2, 3), "eyelids": (4, 5, 6, 7), "gaze": (8, 9), "head and neck": (10, 11, 12, 27, 28),
    "mouth and jaw": tuple(range(13, 27)), "nose": (29,),
}
"""The columns of each part of the face, in X2C's order of the controls (arXiv 2505.11146)."""
_UPPER_LIDS: Final = (6, 7)


def x2c_mae(predicted: np.ndarray, true: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> float:
    """Mean absolute error of values [N, 30] in the robot's units, each control scaled to -1..1 by its limits [30].

    0.10 is 5 % of a range. Where both upper lids are closed in the truth (below 0) the gaze cannot be seen and counts
    as right; the divisor stays 30 N.

    Raises:
        ValueError: for other shapes, or no faces at all.
    """
    return float(_errors(predicted, true, minimum, maximum).mean())


def x2c_mae_by_part(
    predicted: np.ndarray, true: np.ndarray, minimum: np.ndarray, maximum: np.ndarray
) -> dict[str, float]:
    """The same per part of PARTS: its mean over its own controls, so that the parts weighted by size give the whole.

    The authors' own table by parts (LnLossParts) is in raw units and cannot be compared with this.
    """
    errors = _errors(predicted, true, minimum, maximum)
    return {part: float(errors[:, list(columns)].mean()) for part, columns in PARTS.items()}


def _errors(predicted: np.ndarray, true: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """float64 [N, 30]."""
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    span = np.asarray(maximum, np.float64) - np.asarray(minimum, np.float64)
    if true.ndim != 2 or true.shape[1] != CONTROLS or predicted.shape != true.shape or not len(true):
        raise ValueError(f"x2c_mae needs values [N, {CONTROLS}] twice, not {predicted.shape} and {true.shape}")
    if span.shape != (CONTROLS,):
        raise ValueError(f"x2c_mae needs limits [{CONTROLS}], not {span.shape}")
    errors = np.abs(2 * (predicted - true) / span)
    closed = (true[:, _UPPER_LIDS] < 0).all(axis=1)
    errors[np.ix_(closed, PARTS["gaze"])] = 0
    return errors
