"""A decoder that needs no training: each control follows the signals that its profile says it means."""
from __future__ import annotations

import numpy as np

from ..core.control_set import SIGNAL_INDEX, SIGNALS, ControlSet, signals_of
from ..core.frames import ControlFrame, ControlTrack, Expression, ExpressionTrack
from .rig_lips import RigLips


class MeaningDecoder:
    """Turns expressions into values of controls: neutral + Σ meaning · signal, inside the limits."""

    stamp = "meaning"
    """What a take records about this decoder."""

    def __init__(self, controls: ControlSet, lips: RigLips | None = None) -> None:
        self.controls, self.lips = controls, lips
        self._weights = np.zeros((len(SIGNALS), len(controls)), np.float32)
        for column, control in enumerate(controls.controls):
            for signal, amount in control.meaning.items():
                self._weights[SIGNAL_INDEX[signal], column] = amount

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in profile order."""
        return ControlTrack(track.times_s, self.values(signals_of(track)))

    def decode_one(self, expression: Expression) -> ControlFrame:
        """Controls of a single expression."""
        signals = np.concatenate([expression.coefficients, expression.head])
        return ControlFrame(expression.time_s, self.values(signals))

    def values(self, signals: np.ndarray) -> np.ndarray:
        """Signals [..., 57] → values [..., K]."""
        return self.controls.clamped(self.controls.neutral + signals.astype(np.float32) @ self._weights)
