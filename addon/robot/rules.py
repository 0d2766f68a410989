"""What actuators may not do together or for long: applied to the wanted u, before shaping."""
from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from .actuator_map import Cap, RobotMap, Tire

WARM: float = 0.6
"""How far from neutral an actuator may go while its hardware warns of itself."""


def excess(cap: Cap, u: Sequence[float]) -> float:
    """By how much u [N] breaks the cap; 0 or less where it keeps it."""
    bound = cap.curve(u[cap.when])
    return bound - u[cap.of] if cap.bound == "low" else u[cap.of] - bound


class Rules:
    """Caps, tiring and backing off; keeps the time that extremes were held."""

    def __init__(self, robot: RobotMap) -> None:
        self._caps = robot.caps
        self._tires = [_Tiring(rule) for rule in robot.tires]

    def apply(self, wanted: np.ndarray, step_s: float, warm: Collection[int] = ()) -> np.ndarray:
        """Wanted u [N] → what may be aimed at; call it once per tick, `step_s` apart.

        Args:
            warm: actuators whose hardware warns (temperature, load): they are kept within WARM of neutral.
        """
        # Plain numbers: numpy is slower where they are looked at one by one.
        u = np.clip(wanted, -1, 1).tolist()
        for i in warm:
            u[i] = min(WARM, max(-WARM, u[i]))
        for tiring in self._tires:
            bound = tiring.bound(abs(u[tiring.rule.of]), step_s)
            u[tiring.rule.of] = min(bound, max(-bound, u[tiring.rule.of]))
        # As often as there are caps: the `of` of one may be the `when` of another.
        for _ in self._caps:
            for cap in self._caps:
                over = excess(cap, u)
                if over > 0:
                    u[cap.of] += over if cap.bound == "low" else -over
        return np.array(u)

    def rested(self) -> None:
        """Forget how long extremes were held, as after a long time without torque."""
        for tiring in self._tires:
            tiring.held_s, tiring.tired, tiring.eased = 0.0, False, 0.0


class _Tiring:
    """One tire rule with its memory."""

    def __init__(self, rule: Tire) -> None:
        self.rule = rule
        self.held_s = 0.0
        self.tired = False
        self.eased = 0.0
        """0: the full range; 1: no further than ease_to."""

    def bound(self, wanted: float, step_s: float) -> float:
        """The largest |u| now, where `wanted` is asked for."""
        rule = self.rule
        # The time drains as it fills, so that a flicker around `beyond` does not start it anew.
        drain = rule.after_s / rule.recover_s
        self.held_s += step_s if wanted > rule.beyond else -step_s * drain
        self.held_s = min(rule.after_s, max(0.0, self.held_s))
        if self.held_s >= rule.after_s:
            self.tired = True
        elif self.held_s == 0.0:
            self.tired = False
        change = step_s / rule.over_s
        self.eased = min(1.0, max(0.0, self.eased + (change if self.tired else -change)))
        return 1.0 - self.eased * (1.0 - rule.ease_to)
