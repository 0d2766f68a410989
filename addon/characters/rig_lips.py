"""A rig's own lips: how far each of its controls parts them, and the least change that lets closed lips touch.

A performer's closed lips are told by the coefficients (`lip_contact`). What they come out as differs from rig to rig: a
sneer that leaves a person's lips together bares the teeth of a character whose sneer lifts the whole lip. So each rig's
gap is measured on its meshes, at some places along the lips: what an end of a control adds to the resting lips, and
for what closes them, what it takes from an open mouth. Between the ends it is taken to grow in proportion.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.files import write_bytes
from ..core.toml_text import quoted

FILE: Final = "lips.toml"
"""Beside the profile of a character of ours; for a rig of the user's own, the lips are in what was learned."""
Gaps = Callable[[np.ndarray], np.ndarray]
"""Values [N, K] in rig units → height of the upper lip over the lower one [N, P], per cent of the face's width."""
_SIDES: Final = ("maximum", "minimum")
_LEAST: Final = 0.2
"""Ends that change the gap less than this, in per cent of the face's width, do not count."""
_EXACT: Final = 0.05
"""Gaps are held to what is allowed within this."""
_HALVINGS: Final = 14


@dataclass(frozen=True)
class RigLips:
    """The lips of one rig at P places, in per cent of the face's width."""

    rest: np.ndarray
    """float32 [P], 0 or less: the gap of the resting face; less than 0 where the lips press or overlap."""
    effects: np.ndarray
    """float32 [2, K, P]: what a control's maximum (0) and minimum (1) add to it."""

    def fits(self, controls: int) -> bool:
        """The numbers are those of so many controls, and numbers."""
        places = self.rest.shape
        shaped = len(places) == 1 and places[0] > 0 and self.effects.shape == (2, controls, *places)
        kinds = self.rest.dtype == self.effects.dtype == np.float32
        return shaped and kinds and bool(np.isfinite(self.rest).all() and np.isfinite(self.effects).all())

    def gap(self, shares: np.ndarray) -> np.ndarray:
        """Shares [T, K] of the way to the controls' ends → [T, P]."""
        return self.rest + np.maximum(shares, 0) @ self.effects[0] + np.maximum(-shares, 0) @ self.effects[1]

    def held(self, values: np.ndarray, part: np.ndarray, controls: ControlSet) -> np.ndarray:
        """Values [T, K], rig units, whose gap is at most the share `part` [T] (0..1) of what it is.

        Only controls that part the lips move, towards their neutral, and the more of it the more they part them: a
        jaw shuts long before a sneer fades.
        """
        shares = controls.shares(values)
        gap = self.gap(shares)
        most = part[:, None] * np.maximum(gap, 0) + _EXACT
        rows = np.flatnonzero((gap > most).any(axis=1))
        if not len(rows):
            return values
        held, most = shares[rows], most[rows]
        pull = np.maximum(np.where(held > 0, *self.effects.max(axis=2)), 0)
        way = np.divide(np.abs(held), pull, out=np.zeros_like(held), where=pull > 0)
        least, enough = np.zeros(len(rows)), way.max(axis=1)
        for _ in range(_HALVINGS):
            middle = (least + enough) / 2
            shut = (self.gap(_drawn(held, pull, middle)) <= most).all(axis=1)
            least, enough = np.where(shut, least, middle), np.where(shut, middle, enough)
        answer = np.array(values, np.float32)
        answer[rows] = controls.from_shares(_drawn(held, pull, enough))
        return answer


def _drawn(shares: np.ndarray, pull: np.ndarray, far: np.ndarray) -> np.ndarray:
    """The shares [T, K], each `far` [T] times its `pull` [T, K] nearer to 0."""
    return np.sign(shares) * np.maximum(np.abs(shares) - far[:, None] * pull, 0)


def measure(controls: ControlSet, face: np.ndarray, gaps: Gaps) -> RigLips:
    """Try each end of the controls that are `face` (bool [K]: not those that turn the head)."""
    ends = np.concatenate([_at_ends(controls, controls.neutral, side) for side in _SIDES])
    rest = gaps(controls.neutral[None])[0]
    parting = gaps(ends) - rest
    opener = int(np.where(np.tile(face, 2), parting.mean(axis=1), -np.inf).argmax())
    wide = ends[opener]
    over = np.concatenate([_at_ends(controls, wide, side) for side in _SIDES])
    closing = gaps(over) - gaps(wide[None])
    column = opener % len(controls)
    closing[[column, column + len(controls)]] = 0
    parts = parting.max(axis=1, keepdims=True) >= _LEAST
    effects = np.where(parts, parting, np.where(closing <= -_LEAST, closing, 0))
    effects = effects.reshape(2, len(controls), -1) * face[:, None]
    return RigLips(np.minimum(rest, 0).astype(np.float32), effects.astype(np.float32))


def _at_ends(controls: ControlSet, base: np.ndarray, side: str) -> np.ndarray:
    """float32 [K, K]: `base` with one control after the other at its end."""
    values = np.tile(base, (len(controls), 1))
    np.fill_diagonal(values, getattr(controls, side))
    return values


def write_lips(path: Path, lips: RigLips, controls: ControlSet, made_by: str) -> None:
    """Write the lips of a character of ours; controls that do nothing to them are left out.

    Raises:
        SemblanceError: if the file cannot be written.
    """
    def row(name: str, numbers: np.ndarray) -> str:
        return f"{name} = [{', '.join(f'{number:.2f}' for number in numbers)}]"

    lines = [f"# Written by {made_by}: how far the lips are apart at some places from corner to corner, in per cent of",
             "# the face's width, at rest, and what each control's ends add to that.", row("rest", lips.rest)]
    for side, effects in zip(_SIDES, lips.effects, strict=True):
        lines += ["", f"[{side}]", *(row(quoted(name), effect) for name, effect in
                                     zip(controls.names, effects, strict=True) if effect.any())]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def read_lips(path: Path, controls: ControlSet) -> RigLips:
    """The lips in a file of `write_lips`.

    Raises:
        SemblanceError: if it cannot be read, is damaged, or names a control that there is not.
    """
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SemblanceError(f"The lips '{path}' are not valid TOML: {error}.") from error
    try:
        rest = np.array(data["rest"], np.float32)
        lips = RigLips(rest, np.stack([_effects(data[side], controls, len(rest)) for side in _SIDES]))
        if not lips.fits(len(controls)):
            raise ValueError("'rest' and each control need as many finite numbers")
    except KeyError as error:
        raise SemblanceError(f"The lips '{path}' lack {error}; measure them again.") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise SemblanceError(f"The lips '{path}' are damaged ({error}); measure them again.") from error
    return lips


def _effects(table: Mapping[str, Any], controls: ControlSet, places: int) -> np.ndarray:
    """float32 [K, P]."""
    effects = np.zeros((len(controls), places), np.float32)
    for name, row in table.items():
        if name not in controls.names:
            raise ValueError(f"the rig has no control '{name}'")
        effects[controls.names.index(name)] = row
    return effects
