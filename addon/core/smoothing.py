"""One Euro smoothing of Expressions, set per group; the raw track is kept by whoever calls.

Casiez, Roussel, Vogel: "1 € Filter", CHI 2012: a first-order low-pass whose cutoff rises with speed, so that rest is
steady and fast movement does not lag. Lids and lips that close are never more than CLOSING behind what is seen, however
strong the smoothing and however slow the camera: a blink or a closed mouth is what one sees first when it is missing.
"""
from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from . import coefficients
from .errors import SemblanceError
from .frames import Expression, ExpressionTrack

DERIVATIVE_CUTOFF_HZ: Final = 1.0
"""How calm the speed is that the cutoffs rise with; the paper's value."""
COLUMNS: Final = coefficients.COUNT + 4 + 3
"""Of what is smoothed: coefficients, gaze, head."""
CLOSING: Final = 0.1
"""How far what closes may be behind what is seen: the least that leaves jitter at rest as it is (webcam video)."""
_RISE: Final = ("eyeBlinkLeft", "eyeBlinkRight", "mouthClose", "mouthPressLeft", "mouthPressRight", "mouthRollLower",
                "mouthShrugLower")
_FALL: Final = ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
                "mouthUpperUpRight")
"""What rises and what falls while lids and lips close."""


def _limits(names: tuple[str, ...]) -> np.ndarray:
    """Float [COLUMNS]: CLOSING for these, without limit for all others."""
    limits = np.full(COLUMNS, np.inf)
    limits[coefficients.indices(names)] = CLOSING
    return limits


_BEHIND_RISING: Final = _limits(_RISE)
_BEHIND_FALLING: Final = _limits(_FALL)


@dataclass(frozen=True)
class OneEuro:
    """Settings of one filter: `min_cutoff_hz` at rest, `beta` Hz per unit of speed (the signal's units per second)."""

    min_cutoff_hz: float
    beta: float


@dataclass(frozen=True)
class Smoothing:
    """One filter per group of the face; `strength` 0 = raw, 1 = as set, 2 = half the cutoffs.

    The defaults were tuned on real webcam video: at rest less than half the jitter of MediaPipe's blendshapes, while a
    blink of 0.3 s keeps 95 % of its peak at 30 frames a second and live values come less than a frame late. Other
    cutoffs, faster derivatives, thresholds and prediction were tried: each buys its lag with jitter, or the reverse.
    """

    strength: float = 1.0
    brows: OneEuro = OneEuro(0.17, 1.0)
    eyelids: OneEuro = OneEuro(0.19, 2.7)
    gaze: OneEuro = OneEuro(0.56, 3.0)
    cheeks: OneEuro = OneEuro(0.19, 1.2)
    mouth: OneEuro = OneEuro(0.21, 1.85)
    jaw: OneEuro = OneEuro(0.26, 2.9)
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
        """Cutoff and beta, float [COLUMNS] each, in the order of `columns`."""
        groups = [*coefficients.GROUP_OF, *["gaze"] * 4, *["head"] * 3]
        filters = [getattr(self, group) for group in groups]
        scale = 1 / max(self.strength, 1e-6)
        return (np.array([f.min_cutoff_hz for f in filters]) * scale, np.array([f.beta for f in filters]) * scale)


def alpha(cutoff_hz: np.ndarray | float, step_s: float) -> np.ndarray:
    """Share of the new sample in a first-order low-pass (paper, equation 4)."""
    r = 2 * np.pi * np.asarray(cutoff_hz) * step_s
    return r / (r + 1)


def _closing(smoothed: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """[..., COLUMNS] with what closes no more than CLOSING behind what is seen."""
    return np.minimum(np.maximum(smoothed, seen - _BEHIND_RISING), seen + _BEHIND_FALLING)


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
        value = self.step(expression.time_s, columns(expression))
        if self._smoothing.strength == 0:
            return expression
        coefficients_, gaze, head = parts(value.astype(np.float32))
        return replace(expression, coefficients=coefficients_, gaze=gaze, head=head)

    def step(self, time_s: float, column: np.ndarray) -> np.ndarray:
        """Float64 [COLUMNS] as `columns` gives them → the same, smoothed."""
        if self._time_s is None or time_s <= self._time_s or self._smoothing.strength == 0:
            self._value, self._speed = column, np.zeros_like(column)
        else:
            step_s = time_s - self._time_s
            away = column - self._value
            self._speed += alpha(DERIVATIVE_CUTOFF_HZ, step_s) * (away / step_s - self._speed)
            value = self._value + alpha(self._cutoff + self._beta * np.abs(self._speed), step_s) * away
            self._value = _closing(value, column)
        self._time_s = time_s
        return self._value


def columns(expression: Expression | ExpressionTrack) -> np.ndarray:
    """Float64 [..., COLUMNS]: what is smoothed."""
    shape = expression.coefficients.shape[:-1]
    return np.concatenate(
        [expression.coefficients, expression.gaze.reshape(*shape, 4), expression.head], axis=-1, dtype=np.float64
    )


def parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inverse of `columns`: coefficients, gaze, head."""
    count = coefficients.COUNT
    return values[..., :count], values[..., count:count + 4].reshape(*values.shape[:-1], 2, 2), values[..., count + 4:]


def smooth(track: ExpressionTrack, smoothing: Smoothing) -> ExpressionTrack:
    """A whole track smoothed forwards and the result backwards, so that nothing lags."""
    if len(track) == 0 or smoothing.strength == 0:
        return track
    seen = columns(track)
    forwards = _pass(track.times_s, seen, smoothing)
    done = _closing(_pass(-track.times_s[::-1], forwards[::-1], smoothing)[::-1], seen)
    coefficients_, gaze, head = parts(done.astype(np.float32))
    return replace(track, coefficients=coefficients_, gaze=gaze, head=head)


def _pass(times_s: np.ndarray, values: np.ndarray, smoothing: Smoothing) -> np.ndarray:
    """Values [T, 61] smoothed one after the other."""
    smoother = LiveSmoother(smoothing)
    return np.stack([smoother.step(float(t), value) for t, value in zip(times_s, values, strict=True)])
