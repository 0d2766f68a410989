"""The controls of a character: what carries each one, its limits, its neutral, its group and its other side."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import SemblanceError


@dataclass(frozen=True)
class BoneChannel:
    """One axis of a pose bone's location, rotation or scale."""

    bone: str
    channel: str
    """"location", "rotation_euler" or "scale"."""
    axis: int
    """0, 1 or 2 for X, Y, Z."""


@dataclass(frozen=True)
class CustomProperty:
    """A custom property of a pose bone, or of the armature object when `bone` is empty."""

    bone: str
    property: str


@dataclass(frozen=True)
class ShapeKey:
    """The value of a shape key on a mesh object."""

    mesh: str
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
            numbers = (control.minimum, control.neutral, control.maximum)
            if not all(np.isfinite(numbers)) or not control.minimum < control.maximum:
                raise SemblanceError(
                    f"Control '{control.name}' needs a minimum below its maximum, both finite numbers "
                    f"(found {control.minimum} and {control.maximum})."
                )
            if not control.minimum <= control.neutral <= control.maximum:
                raise SemblanceError(
                    f"The neutral {control.neutral} of control '{control.name}' is outside its limits "
                    f"{control.minimum} to {control.maximum}."
                )
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
        """Values [..., K] held inside the limits."""
        return np.clip(np.asarray(values, np.float32), self.minimum, self.maximum)

    def mirrored(self, values: np.ndarray) -> np.ndarray:
        """Values [..., K] of the pose seen in a mirror: sides swapped, signs as each control says."""
        where = {name: i for i, name in enumerate(self.names)}
        order = [where[c.pair] for c in self.controls]
        sign = np.array([c.mirror_sign for c in self.controls], np.float32)
        return np.asarray(values, np.float32)[..., order] * sign
