"""What a sender that tells one value at a time has told of a face so far."""
from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from ...core import coefficients
from ...core.coefficients import ARKIT_OF, GAZE_DOWN, GAZE_IN, GAZE_OUT, GAZE_UP, INDEX, NAMES
from .door import Heard

ANGLES: Final = ("headYaw", "headPitch", "headRoll", "gazeLeftYaw", "gazeLeftPitch", "gazeRightYaw", "gazeRightPitch")
"""rad, signs as in core.frames."""
_ANGLE: Final = {name.lower(): i for i, name in enumerate(ANGLES)}
CHANNELS: Final[dict[str, tuple[int, ...]]] = {
    name.lower(): tuple(i for i, names in enumerate(zip(NAMES, ARKIT_OF, strict=True)) if name in names)
    for name in (*NAMES, *ARKIT_OF)
}
"""Name in small letters, ours or ARKit's → our coefficients: browInnerUp and cheekPuff fill both sides."""


def as_number(value: Any) -> float | None:
    """A finite number of an OSC argument; None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


class FaceState:
    """Coefficients, head and gaze as they were told last."""

    def __init__(self) -> None:
        self._coefficients = [0.0] * coefficients.COUNT
        self._angles = [0.0] * len(ANGLES)
        self.confidence = 1.0
        self.time_s: float | None = None
        self._told = self._gaze_told = self._look_told = False

    def tell(self, name: str, value: float) -> bool:
        """Set a channel or an angle by its name, whatever its case; False for a name that is none."""
        name = name.lower()
        if name in CHANNELS:
            for i in CHANNELS[name]:
                self._coefficients[i] = min(max(value, 0.0), 1.0)
            self._look_told |= name.startswith("eyelook")
        elif name in _ANGLE:
            self._angles[_ANGLE[name]] = min(max(value, -math.pi), math.pi)
            self._gaze_told |= name.startswith("gaze")
        else:
            return False
        self._told = True
        return True

    def heard(self) -> Heard:
        """The frame as it stands: no face before anything was told of one.

        Gaze and the eyeLook channels follow from each other where only one was told.
        """
        told = np.array(self._coefficients, np.float32)
        angles = np.array(self._angles, np.float32)
        gaze = angles[3:].reshape(2, 2)
        if not self._gaze_told:
            gaze = coefficients.gaze_of(told)
        elif not self._look_told:
            _look_along(told, gaze)
        return Heard(told, gaze, angles[:3], self.confidence * self._told, self.time_s)


def _look_along(values: np.ndarray, gaze: np.ndarray) -> None:
    """Set the eyeLook channels of `values` [54] so that `core.coefficients.gaze_of` gives `gaze` [2, 2]."""
    for (yaw, pitch), side, outward in zip(gaze, ("Left", "Right"), (1.0, -1.0), strict=True):
        for name, share in (
            ("Out", outward * yaw / GAZE_OUT), ("In", -outward * yaw / GAZE_IN), ("Up", pitch / GAZE_UP),
            ("Down", -pitch / GAZE_DOWN),
        ):
            values[INDEX[f"eyeLook{name}{side}"]] = min(max(share, 0.0), 1.0)
