"""The controls of a character: what carries each one, its limits, its neutral, its group and its other side."""
from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from . import coefficients
from .errors import SemblanceError
from .frames import ExpressionTrack

_FAR: Final = float(np.finfo(np.float32).max)
SIGNALS: Final = (*coefficients.NAMES, "headYaw", "headPitch", "headRoll")
"""What a control's `meaning` may follow: the 54 coefficients and the head's angles in rad (signs: `core.frames`)."""
SIGNAL_INDEX: Final = {signal: i for i, signal in enumerate(SIGNALS)}


@dataclass(frozen=True)
class BoneChannel:
    """One axis of a pose bone's location, rotation or scale."""

    bone: str
    channel: str
    """"location", "rotation_euler" or "scale"; "rotation_euler" means angles in rad about the bone's own axes, whatever
    rotation mode the bone has."""
    axis: int
    """0, 1 or 2 for X, Y, Z."""


@dataclass(frozen=True)
class CustomProperty:
    """A custom property of an object, or of a pose bone of it."""

    bone: str
    """Empty: the object itself."""
    property: str
    object: str = ""
    """Empty: the character's armature."""


@dataclass(frozen=True)
class ShapeKey:
    """The value of a shape key, the same one on each of some mesh objects (face, lashes, teeth)."""

    meshes: tuple[str, ...]
    key: str


Target = BoneChannel | CustomProperty | ShapeKey


@dataclass(frozen=True)
class Control:
    """One number that an animator can key."""

    name: str
    target: Target
    minimum: float
    maximum: float
    neutral: float
    group: str
    """brows, eyelids, gaze, cheeks, mouth, jaw, head or another word of the rigger's."""
    pair: str
    """The control on the other side; its own name when it is central."""
    mirror_sign: float
    """+1 or -1: what the value is multiplied by when it moves to `pair` in a mirrored pose."""
    meaning: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Signal (one of SIGNALS) → rig units away from the neutral for 1.0 of it."""
    gain: float = 1.0
    """How strongly the control leaves its neutral."""
    enabled: bool = True
    """False: listed, but never written or keyed."""
    offset: float = 0.0
    """Rig units that are added to every value, inside the limits."""
    muted: bool = False
    """True: it rests at its neutral and gets no keys."""
    mirrored: bool = False
    """True: it takes the value that it has in the mirrored pose."""


@dataclass(frozen=True)
class ControlSet:
    """An ordered tuple of controls with their limits as arrays."""

    controls: tuple[Control, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for control in self.controls:
            if control.name in seen:
                raise SemblanceError(f"Two controls are named '{control.name}'; give each its own name.")
            seen.add(control.name)
            _check_numbers(control)
            _check_meaning(control)
        for control in self.controls:
            if control.pair not in seen:
                raise SemblanceError(f"Control '{control.name}' is paired with '{control.pair}', which does not exist.")

    def __len__(self) -> int:
        return len(self.controls)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The controls' names in order."""
        return tuple(c.name for c in self.controls)

    @cached_property
    def minimum(self) -> np.ndarray:
        """float32 [K]."""
        return np.array([c.minimum for c in self.controls], np.float32)

    @cached_property
    def maximum(self) -> np.ndarray:
        """float32 [K]."""
        return np.array([c.maximum for c in self.controls], np.float32)

    @cached_property
    def neutral(self) -> np.ndarray:
        """float32 [K]."""
        return np.array([c.neutral for c in self.controls], np.float32)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Rig units [..., K] → -1..1, the scale in which errors of different controls compare."""
        return 2 * (np.asarray(values, np.float32) - self.minimum) / (self.maximum - self.minimum) - 1

    def unscaled(self, scaled: np.ndarray) -> np.ndarray:
        """-1..1 [..., K] → rig units; the inverse of `scaled`."""
        return (np.asarray(scaled, np.float32) + 1) / 2 * (self.maximum - self.minimum) + self.minimum

    def clamped(self, values: np.ndarray) -> np.ndarray:
        """Values [..., K] held inside the limits; what is no number becomes neutral."""
        values = np.asarray(values, np.float32)
        return np.clip(np.where(np.isnan(values), self.neutral, values), self.minimum, self.maximum)

    def shares(self, values: np.ndarray) -> np.ndarray:
        """Rig units [..., K] → float64: the way from the neutral to the maximum (up to 1) or to the minimum (-1)."""
        away = np.asarray(values, np.float64) - self.neutral
        reach = np.where(away > 0, self.maximum - self.neutral, self.neutral - self.minimum)
        return np.divide(away, reach, out=np.zeros_like(away), where=reach > 0)

    def from_shares(self, shares: np.ndarray) -> np.ndarray:
        """Shares [..., K] → rig units float32 inside the limits; the inverse of `shares` there."""
        reach = np.where(shares > 0, self.maximum - self.neutral, self.neutral - self.minimum)
        return self.clamped(self.neutral + np.clip(shares, -1, 1) * reach)

    @cached_property
    def partner(self) -> np.ndarray:
        """int [K]: the column of each control's other side; its own for a central control."""
        where = {name: i for i, name in enumerate(self.names)}
        return np.array([where[control.pair] for control in self.controls])

    @cached_property
    def mirror_sign(self) -> np.ndarray:
        """float32 [K]: `shares(v)[..., partner] * mirror_sign` are the shares of the mirrored pose."""
        return np.array([control.mirror_sign for control in self.controls], np.float32)

    def mirrored(self, values: np.ndarray) -> np.ndarray:
        """Values [..., K] of the pose seen in a mirror: sides swapped, signs as each control says.

        Where the sides rest or end differently, the share of the way from the neutral to the end is what is kept.
        """
        order, sign = self.partner, self.mirror_sign
        up, down = self.maximum - self.neutral, self.neutral - self.minimum
        away = sign * (np.asarray(values, np.float32) - self.neutral)[..., order]
        own = np.where(away > 0, up, down)
        other = np.where((away > 0) == (sign > 0), up[order], down[order])
        stretch = np.divide(own, other, out=np.ones_like(own), where=(own > 0) & (other > 0))
        return self.neutral + away * stretch


def signals_of(track: ExpressionTrack) -> np.ndarray:
    """float32 [T, 57]: what the expressions say, in the order of SIGNALS."""
    return np.concatenate([track.coefficients, track.head], axis=1).astype(np.float32)


def _check_numbers(control: Control) -> None:
    # As float32, in which everything is computed: limits that differ by less are a range of zero.
    with np.errstate(over="ignore", invalid="ignore"):
        low, neutral, high = np.array([control.minimum, control.neutral, control.maximum], np.float32)
        span = high - low
    if not np.isfinite(span) or not low < high:
        raise SemblanceError(
            f"Control '{control.name}' needs a minimum below its maximum, both finite numbers "
            f"(found {control.minimum} and {control.maximum})."
        )
    if not low <= neutral <= high:
        raise SemblanceError(
            f"The neutral {control.neutral} of control '{control.name}' is outside its limits "
            f"{control.minimum} to {control.maximum}."
        )
    if not 0 <= control.gain < np.inf:
        raise SemblanceError(f"The gain {control.gain} of control '{control.name}' must be a number from 0 up.")
    if not abs(control.offset) < _FAR:
        raise SemblanceError(f"The offset {control.offset} of control '{control.name}' must be a finite number.")


def _check_meaning(control: Control) -> None:
    for signal, amount in control.meaning.items():
        if signal not in SIGNALS:
            close = difflib.get_close_matches(signal, SIGNALS, 1)
            raise SemblanceError(
                f"The meaning of control '{control.name}' follows '{signal}', which is none of the 54 coefficients nor "
                f"headYaw, headPitch or headRoll" + (f"; did you mean '{close[0]}'?" if close else ".")
            )
        if not np.isfinite(amount):
            raise SemblanceError(
                f"The meaning of control '{control.name}' needs a finite number for '{signal}' (found {amount})."
            )
