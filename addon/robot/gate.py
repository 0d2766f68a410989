"""The last step before the bytes: whatever comes, what leaves is inside travel, caps and speed. It trusts nobody."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .actuator_map import WHOLE_UNITS, Cap, RobotMap
from .rules import excess

_TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Passed:
    """What may leave."""

    u: np.ndarray
    """float64 [N]"""
    raw: np.ndarray
    """float64 [N] in raw units; whole numbers where the hardware takes those."""
    changed: np.ndarray
    """bool [N]: where it is not what came; the shaper must stand still there, or it runs on behind the stop."""


class Gate:
    """Clamps to the unit's travel and speed against what was last sent, and keeps the caps."""

    def __init__(self, robot: RobotMap, period_s: float) -> None:
        self._robot = robot
        self._step = robot.limits("speed") * period_s
        self._low = np.array([actuator.travel.low for actuator in robot.actuators])
        self._high = np.array([actuator.travel.high for actuator in robot.actuators])
        self._whole = np.array([actuator.travel.unit in WHOLE_UNITS for actuator in robot.actuators])
        self._low = np.where(self._whole, np.ceil(self._low), self._low)
        self._high = np.where(self._whole, np.floor(self._high), self._high)
        self._capped = sorted({i for cap in robot.caps for i in (cap.of, cap.when)})
        self._sent = np.zeros(len(robot))

    def start(self, u: np.ndarray) -> None:
        """The head stands at u [N] now, by its own word or because it is about to be put there."""
        self._sent = np.clip(np.where(np.isfinite(u), u, 0.0), -1, 1)

    @property
    def sent(self) -> np.ndarray:
        """u [N] of the last frame that passed."""
        return self._sent.copy()

    def let_pass(self, u: np.ndarray, moving: np.ndarray | None = None) -> Passed:
        """u [N], of whatever origin and quality → what may be sent; remembers it as sent.

        Args:
            moving: bool [N], which motors are switched on; the others stay where they will be switched on. None: all.
        """
        asked = np.asarray(u, np.float64)
        if asked.shape != self._sent.shape:
            asked = self._sent
        finite = np.where(np.isfinite(asked), asked, self._sent)
        step = self._step if moving is None else np.where(moving, self._step, 0.0)
        low, high = np.maximum(-1.0, self._sent - step), np.minimum(1.0, self._sent + step)
        allowed = np.clip(finite, low, high)
        if self._caps_break(allowed):
            allowed = np.array(self._within_caps(allowed.tolist(), low.tolist(), high.tolist()))
        changed = ~(np.abs(allowed - asked) <= _TOLERANCE)
        self._sent = allowed
        return Passed(allowed.copy(), self.raw(allowed), changed)

    def raw(self, u: np.ndarray) -> np.ndarray:
        """u [N] → raw units inside the travel, rounded for the hardware."""
        raw = self._robot.raw(u)
        return np.clip(np.where(self._whole, np.round(raw), raw), self._low, self._high)

    def _caps_break(self, u: np.ndarray) -> bool:
        plain = u.tolist()
        return any(excess(cap, plain) > _TOLERANCE for cap in self._robot.caps)

    def _within_caps(self, u: list[float], low: list[float], high: list[float]) -> list[float]:
        """u, where each cap holds and each step stays from low to high.

        What is bounded gives way as far as its speed lets it; then what bounds it waits.
        """
        caps, last = self._robot.caps, self._sent.tolist()
        for _ in range(len(caps) + 1):
            for cap in caps:
                _give_way(cap, u, u, low, high)
                if excess(cap, u) > _TOLERANCE:
                    u[cap.when] = last[cap.when]
            if all(excess(cap, u) <= _TOLERANCE for cap in caps):
                return u
        # Caps that pull against each other: all that they name stays, or goes towards keeping them.
        for i in self._capped:
            u[i] = last[i]
        for cap in caps:
            _give_way(cap, u, last, low, high)
        return u


def _give_way(cap: Cap, u: list[float], seen: list[float], low: list[float], high: list[float]) -> None:
    """Move what the cap bounds from where it is `seen` as far as it needs to and may."""
    over = excess(cap, seen)
    if over > 0:
        u[cap.of] = min(high[cap.of], max(low[cap.of], seen[cap.of] + (over if cap.bound == "low" else -over)))
