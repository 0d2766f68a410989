"""What a performer sets while playing live: which parts of the face count, how calm, what happens without a face."""
from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..core import coefficients
from ..core.errors import SemblanceError
from ..expression.calibration import Calibration

WHEN_LOST: Final = ("hold", "ease")


@dataclass(frozen=True)
class LiveSettings:
    """The default plays the whole face, and eases to neutral when no face is seen."""

    regions: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(coefficients.GROUPS, True))
    """Group of core.coefficients → it plays; False: it rests. Groups that are absent play."""
    head: bool = True
    gaze: bool = True
    """Where the eyes look; with the group "gaze" off they rest too."""
    smoothing: float = 1.0
    """Strength as in core.smoothing: 0 = raw, 1 = as set, 2 = half the cutoffs."""
    when_lost: str = "ease"
    """"hold": stay as it was last seen; "ease": go to neutral."""
    lost_after_s: float = 0.3
    """A face that is not seen for less is held."""
    ease_s: float = 0.8
    """How long the way to neutral takes."""

    def __post_init__(self) -> None:
        """Raises SemblanceError naming what is wrong."""
        for group in self.regions:
            if group not in coefficients.GROUPS:
                groups = ", ".join(coefficients.GROUPS)
                raise SemblanceError(f"There is no region '{group}' of the face; they are {groups}.")
        if self.when_lost not in WHEN_LOST:
            raise SemblanceError(f"When the face is lost the character can hold or ease, not {self.when_lost!r}.")
        for name in ("smoothing", "lost_after_s", "ease_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SemblanceError(f"'{name}' of the live settings must be 0 or more (found {value}).")

    def plays(self, group: str) -> bool:
        """True if the group of coefficients is on."""
        return self.regions.get(group, True) and (self.gaze or group != "gaze")

    def muting(self, calibration: Calibration) -> Calibration:
        """The calibration with a gain of 0 for what is off, so that a take shows what was played."""
        off = [group for group in coefficients.GROUPS if not self.plays(group)]
        off += [] if self.head else ["head"]
        return replace(calibration, gains=calibration.gains | dict.fromkeys(off, 0.0))

    def to_json(self) -> dict[str, Any]:
        """Plain values for a message."""
        return vars(self) | {"regions": dict(self.regions)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> LiveSettings:
        """The inverse of `to_json`; what is absent keeps its default.

        Raises:
            SemblanceError: if a key is unknown or a value has the wrong form.
        """
        default = vars(LiveSettings())
        given = dict(data)
        for name, value in given.items():
            if name not in default:
                raise SemblanceError(f"The live settings have no '{name}'; they have {', '.join(default)}.")
            if isinstance(default[name], float) and isinstance(value, int) and not isinstance(value, bool):
                given[name] = float(value)
            elif type(value) is not type(default[name]):
                raise SemblanceError(f"'{name}' of the live settings cannot be {value!r}.")
        if not all(isinstance(on, bool) for on in given.get("regions", {}).values()):
            raise SemblanceError("Each of the 'regions' of the live settings is true or false.")
        return LiveSettings(**given)
