"""Style: a performance louder or calmer, with lids and lips that stay as closed as they were."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import ExpressionTrack
from .lip_contact import gap, held_to

LEAST: Final = 0.5
MOST: Final = 2.0
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_LIDS: Final = {
    side: coefficients.indices([f"eyeSquint{side}", f"eyeWide{side}"]) for side in ("Left", "Right")
}
_GAZE: Final = coefficients.in_group("gaze")


@dataclass(frozen=True)
class Style:
    """How strongly a character plays what the performer plays; the default changes nothing."""

    strength: float = 1.0
    """0.5 half as much, 2 twice as much."""
    head_and_gaze: bool = False
    """The head and the eyes' aim follow the strength too; by themselves they are where the performer has them."""

    def __post_init__(self) -> None:
        if not LEAST <= self.strength <= MOST:
            raise SemblanceError(f"The strength of a style goes from {LEAST:g} to {MOST:g} (found {self.strength}).")


def styled(track: ExpressionTrack, style: Style) -> ExpressionTrack:
    """The track in this style; the embedding stays as it is."""
    if style.strength == 1:
        return track
    strength = np.float32(style.strength)
    values = np.clip(track.coefficients, 0, 1)
    answer = _loud(values, strength)
    if not style.head_and_gaze:
        answer[..., _GAZE] = values[..., _GAZE]
    answer[..., _BLINK] = _blink(values[..., _BLINK], strength)
    for blink, lids in zip(_BLINK, _LIDS.values(), strict=True):
        # What else moves the lids must not open closed ones.
        shut = values[..., blink, None]
        answer[..., lids] = shut * values[..., lids] + (1 - shut) * answer[..., lids]
    answer = held_to(answer, strength * np.maximum(gap(values), 0))
    aim = strength if style.head_and_gaze else np.float32(1)
    return replace(track, coefficients=answer, gaze=track.gaze * aim, head=track.head * aim)


def _loud(values: np.ndarray, strength: np.float32) -> np.ndarray:
    """Calmer: a share of the value. Louder: `strength` times small values; 1 stays 1, and nothing is cut off at it."""
    return strength * values / (1 + max(strength - 1, np.float32(0)) * values)


def _blink(values: np.ndarray, strength: np.float32) -> np.ndarray:
    """0 and 1 stay; between them steep only near 0, so that half-closed lids tremble no more than they did."""
    return values + (strength - 1) * values * (1 - values) ** 2
