"""One Euro smoothing of Expressions, set per group; the raw track is kept by whoever calls.

Casiez, Roussel, Vogel: "1 € Filter", CHI 2012: a first-order low-pass whose cutoff rises with speed, so that rest is
steady and fast movement does not lag.
"""
from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from . import coefficients
from .errors import SemblanceError
from .frames import Expression, ExpressionTrack, stack

# Cutoff Hz at rest, and how fast it rises with speed (per unit of the signal per second).
_DERIVATIVE_CUTOFF_HZ = 1.0


@dataclass(frozen=True)
class OneEuro:
    """Settings of one filter: `min_cutoff_hz` at rest, `beta` Hz per unit of speed."""

    min_cutoff_hz: float
    beta: float


@dataclass(frozen=True)
class Smoothing:
    """One filter per group of the face; `strength` 0 = raw, 1 = as set, 2 = half the cutoffs.

    The defaults were tuned on real webcam video: at rest less than half the jitter of MediaPipe's blendshapes, while a
    blink of five frames keeps 95 % of its peak and live values come less than a frame late.
    """

    strength: float = 1.0
    brows: OneEuro = OneEuro(0.28, 1.0)
    eyelids: OneEuro = OneEuro(0.42, 3.0)
    gaze: OneEuro = OneEuro(0.56, 3.0)
    cheeks: OneEuro = OneEuro(0.35, 1.2)
    mouth: OneEuro = OneEuro(0.42, 2.0)
    jaw: OneEuro = OneEuro(0.56, 3.0)
    head: OneEuro = OneEuro(0.56, 2.0)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.strength) and self.strength >= 0):
            raise SemblanceError(f"Smoothing strength must be 0 or more (found {self.strength}).")

    def to_json(self) -> dict[str, object]:
        """Plain numbers for a take's header."""
        return {
            f.name: self.strength if f.name == "strength" else [getattr(self, f.name).min_cutoff_hz,
                                                                 getattr(self, f.name).beta]
            for f in fields(self)
        }

    @staticmethod
    def from_json(data: dict[str, object]) -> Smoothing:
        """The inverse of `to_json`; absent groups keep their default."""
        known = {f.name for f in fields(Smoothing)}
        settings: dict[str, object] = {}
        for name, value in data.items():
            if name in known:
                settings[name] = float(value) if name == "strength" else OneEuro(*value)  # type: ignore[arg-type, misc]
        return replace(Smoothing(), **settings)  # type: ignore[arg-type]

    def _per_column(self) -> tuple[np.ndarray, np.ndarray]:
        """Cutoff and beta, float [54 + 4 + 3] each, for the columns of `_columns`."""
        groups = [*coefficients.GROUP_OF, *["gaze"] * 4, *["head"] * 3]
        filters = [getattr(self, group) for group in groups]
        scale = 1 / max(self.strength, 1e-6)
        return (np.array([f.min_cutoff_hz for f in filters]) * scale, np.array([f.beta for f in filters]) * scale)


def _alpha(cutoff_hz: np.ndarray | float, step_s: float) -> np.ndarray:
    """Share of the new sample in a first-order low-pass (paper, equation 4)."""
    r = 2 * np.pi * np.asarray(cutoff_hz) * step_s
    return r / (r + 1)


class LiveSmoother:
    """Smooths Expressions one at a time, for live use; frames without a face pass through and reset nothing."""

    def __init__(self, smoothing: Smoothing) -> None:
        self.smoothing = smoothing
        self._time_s: float | None = None
        self._value = np.zeros(len(self._cutoff))
        self._speed = np.zeros(len(self._cutoff))

    @property
    def smoothing(self) -> Smoothing:
        """May be replaced at any time; values go on from where they are."""
        return self._smoothing

    @smoothing.setter
    def smoothing(self, smoothing: Smoothing) -> None:
        self._smoothing = smoothing
        self._cutoff, self._beta = smoothing._per_column()

    def restart(self) -> None:
        """Take the next values as they are."""
        self._time_s = None

    def __call__(self, expression: Expression) -> Expression:
        """The smoothed expression; embedding and confidence are passed on as they are."""
        if self._smoothing.strength == 0:
            return expression
        column = np.concatenate([expression.coefficients, expression.gaze.ravel(), expression.head]).astype(np.float64)
        if self._time_s is None or expression.time_s <= self._time_s:
            self._value, self._speed = column, np.zeros_like(column)
        else:
            step_s = expression.time_s - self._time_s
            speed = (column - self._value) / step_s
            self._speed += _alpha(_DERIVATIVE_CUTOFF_HZ, step_s) * (speed - self._speed)
            self._value = self._value + _alpha(self._cutoff + self._beta * np.abs(self._speed), step_s) * (
                column - self._value
            )
        self._time_s = expression.time_s
        return replace(
            expression,
            coefficients=self._value[: coefficients.COUNT].astype(np.float32),
            gaze=self._value[coefficients.COUNT : coefficients.COUNT + 4].reshape(2, 2).astype(np.float32),
            head=self._value[coefficients.COUNT + 4 :].astype(np.float32),
        )


def smooth(track: ExpressionTrack, smoothing: Smoothing) -> ExpressionTrack:
    """A whole track smoothed forwards and the result backwards, so that nothing lags."""
    if len(track) == 0 or smoothing.strength == 0:
        return track
    done = _reversed(_pass(_reversed(_pass(track, smoothing)), smoothing))
    return replace(track, coefficients=done.coefficients, gaze=done.gaze, head=done.head)


def _reversed(track: ExpressionTrack) -> ExpressionTrack:
    """The last frame first, times rising from 0."""
    return ExpressionTrack(track.times_s[-1] - track.times_s[::-1], track.coefficients[::-1], track.embedding[::-1],
                           track.gaze[::-1], track.head[::-1], track.confidence[::-1])


def _pass(track: ExpressionTrack, smoothing: Smoothing) -> ExpressionTrack:
    smoother = LiveSmoother(smoothing)
    return stack([smoother(track.row(i)) for i in range(len(track))])
