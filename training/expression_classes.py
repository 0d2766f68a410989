"""Labelled faces: the seven expression classes as coefficients, after the action units that people read them by.

`expression_classes.toml` has variants of each class: weak and strong, with the mouth open and shut, one-sided. A drawn
face is one of them louder or softer, each movement a little off, in half of the cases mirrored, with a bit of what
faces do all the time on top. Neutral is only the latter. Some variants are held out: a recogniser is asked about those.
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.key_poses import CLASSES

FILE: Final = Path(__file__).parent / "expression_classes.toml"
_STRENGTH: Final = (0.7, 1.1)
"""A fainter face than this is not the class any more to somebody who looks."""
_WOBBLE: Final = 0.12
"""Standard deviation of a movement, share of it; `_UNEVEN` of one side of it."""
_UNEVEN: Final = 0.05
_GAZE: Final = 0.2
_HALF_BLINK: Final = 0.3
_ONE_WAY: Final = coefficients.indices(["jawLeft", "jawRight", "mouthLeft", "mouthRight"])
"""With its mirror image each would cancel."""


@dataclass(frozen=True)
class Variant:
    """One way to show a class."""

    klass: int
    """Index into CLASSES."""
    name: str
    coefficients: np.ndarray
    """float32 [54]."""
    held_out: bool
    """For tests only."""


@dataclass(frozen=True)
class ExpressionClasses:
    """All variants, and what faces do all the time."""

    variants: tuple[Variant, ...]
    everyday: np.ndarray
    """float32 [54], the most of each movement."""

    def draw(self, random: np.random.Generator, klass: int | None = None, held_out: bool = False) -> tuple[
            np.ndarray, int]:
        """As `class_mix`."""
        klass = int(random.integers(len(CLASSES))) if klass is None else klass
        of_class = [each for each in self.variants if each.klass == klass]
        # What is at rest has only one variant: nothing in it could be learned by heart.
        chosen = [each for each in of_class if each.held_out == held_out] or of_class
        return self.varied(random, chosen[random.integers(len(chosen))]), klass

    def varied(self, random: np.random.Generator, variant: Variant) -> np.ndarray:
        """Coefficients float32 [54] of a face like `variant`, every time another one."""
        values = variant.coefficients * random.uniform(*_STRENGTH)
        both_sides = 1 + random.normal(0, _WOBBLE, coefficients.COUNT)
        both_sides = np.minimum(both_sides, both_sides[coefficients.MIRROR])
        values = values * both_sides * (1 + random.normal(0, _UNEVEN, coefficients.COUNT))
        values = np.maximum(values, self._everyday(random, values))
        if random.random() < 0.5:
            values = values[coefficients.MIRROR]
        return np.clip(values, 0, 1).astype(np.float32)

    def _everyday(self, random: np.random.Generator, values: np.ndarray) -> np.ndarray:
        """Some small movements [54]: a few of the table's, a glance, a lid that is not quite up."""
        found = np.zeros(coefficients.COUNT)
        for shape in random.choice(np.flatnonzero(self.everyday), random.integers(0, 6), replace=False):
            sides = [shape] if shape in _ONE_WAY else [shape, coefficients.MIRROR[shape]]
            found[sides] = self.everyday[shape] * random.random()
        yaw, pitch = random.normal(0, _GAZE, 2)
        for name, amount in _look(yaw, pitch).items():
            found[coefficients.INDEX[name]] = max(0.0, amount)
        lids = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
        if random.random() < 0.2 and not values[coefficients.indices(["eyeWideLeft", "eyeWideRight"])].any():
            found[lids] = random.uniform(0, _HALF_BLINK)
        return found


def class_mix(random: np.random.Generator, klass: int | None = None, held_out: bool = False) -> tuple[np.ndarray, int]:
    """A labelled face: coefficients float32 [54] and its class, an index into `key_poses.CLASSES`.

    Args:
        klass: the class to draw; any of the seven, equally often, without it.
        held_out: True for tests: variants that training never sees.
    """
    return _SHIPPED.draw(random, klass, held_out)


def read_classes(path: Path = FILE) -> ExpressionClasses:
    """The variants of a table.

    Raises:
        SemblanceError: if a class, a unit, a coefficient or a value is not what it should be; the sentence names it.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        units = {number: amounts(moved, f"unit {number}") for number, moved in table["action_unit"].items()}
        variants = tuple(_variant(row, units) for row in table["variant"])
        return ExpressionClasses(variants, amounts(table["everyday"], "everyday"))
    except SemblanceError as error:
        raise SemblanceError(f"'{path}': {error}") from error
    except KeyError as error:
        raise SemblanceError(f"'{path}' lacks {error}.") from error


def _look(yaw: float, pitch: float) -> dict[str, float]:
    """The coefficients of both eyes' glance, shares of a full one, left and up positive; negative where none."""
    return {
        "eyeLookOutLeft": yaw, "eyeLookInRight": yaw, "eyeLookInLeft": -yaw, "eyeLookOutRight": -yaw,
        "eyeLookUpLeft": pitch, "eyeLookUpRight": pitch, "eyeLookDownLeft": -pitch, "eyeLookDownRight": -pitch,
    }


def _variant(row: dict[str, Any], units: dict[str, np.ndarray]) -> Variant:
    name = row["name"]
    if row["class"] not in CLASSES:
        raise SemblanceError(f"'{name}' has the class {row['class']!r}; use one of {', '.join(CLASSES)}.")
    values = np.zeros(coefficients.COUNT, np.float32)
    for unit, amount in row["units"].items():
        number = unit.lstrip("LR")
        if number not in units or not 0 <= amount <= 1:
            raise SemblanceError(f"'{name}' has {unit} = {amount!r}; a unit is in [action_unit] and goes from 0 to 1.")
        there = units[number].copy()
        if unit != number:
            there[[each.endswith("Right" if unit[0] == "L" else "Left") for each in coefficients.NAMES]] = 0
        values = np.maximum(values, there * amount)
    return Variant(CLASSES.index(row["class"]), name, values, row.get("held_out", False))


def amounts(moved: dict[str, float], where: str) -> np.ndarray:
    """{coefficient, with its side or for both: amount} as [54]."""
    values = np.zeros(coefficients.COUNT, np.float32)
    for name, amount in moved.items():
        sides = [each for each in (name, f"{name}Left", f"{name}Right") if each in coefficients.INDEX]
        if not sides or not 0 <= amount <= 1:
            raise SemblanceError(f"{where} has {name} = {amount!r}; name a coefficient and an amount from 0 to 1.")
        values[coefficients.indices(sides)] = amount
    return values


_SHIPPED: Final = read_classes()
