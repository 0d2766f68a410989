"""Lips that touch: how far the coefficients say that the lips are apart, and contact where that is next to nothing.

Encoders see closed lips a little open: a few hundredths on coefficients that part them, which on a character shows as
a dark slit. How much each coefficient parts the lips was measured on ICT-FaceKit (training/lip_weights.py).
"""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import numpy as np

from ..core import coefficients


def _read(part: str) -> np.ndarray:
    weights = np.zeros(coefficients.COUNT, np.float32)
    for name, amount in _TABLE[part].items():
        weights[coefficients.INDEX[name]] = amount
    return weights


with Path(__file__).with_suffix(".toml").open("rb") as _file:
    _TABLE: Final = tomllib.load(_file)
_PARTING: Final = _read("parting")
_CLOSING: Final = _read("closing")
_TOUCH: Final[float] = _TABLE["touch"]
_APART: Final[float] = _TABLE["apart"]


def gap(values: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] → how far the lips are apart [...], in per cent of the face's width.

    Negative: pressed together, by as much as they would pass each other.
    """
    return values @ _PARTING - values @ _CLOSING


def touching(values: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] in 0..1 with lips that are hardly apart brought to contact; all others stay as they are.

    From `touch` to `apart` per cent of the face's width the gap opens from nothing to what it is, without a jump.
    """
    return held_to(values, _opened(gap(values)))


def parted(values: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] → 0 where lips are to touch, 1 where they are to be apart, smooth and rising between."""
    t = np.clip((gap(values) - _TOUCH) / (_APART - _TOUCH) * 2, 0, 1)
    return t * t * (3 - 2 * t)


def held_to(values: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] with lips at most `most` [...] (0 or more) apart: all that parts them shrinks alike."""
    parting, closing = values @ _PARTING, values @ _CLOSING
    allowed = most + closing
    share = np.divide(allowed, parting, out=np.ones_like(parting), where=parting > allowed)
    return np.where(_PARTING > 0, values * share[..., None], values).astype(np.float32)


def _opened(gap: np.ndarray) -> np.ndarray:
    """The gap that is shown for one that was read: 0 up to `touch`, the same from `apart` on, smooth and rising."""
    t = np.clip((gap - _TOUCH) / (_APART - _TOUCH), 0, 1)
    between = _APART * t * t * (3 - 2 * t) + (_APART - _TOUCH) * t * t * (t - 1)
    return np.where(gap < _APART, between, gap)
