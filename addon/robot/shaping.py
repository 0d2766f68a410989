"""Makes motion that servos can follow: speed, acceleration and jerk of each actuator are limited, by ruckig.

Each actuator by itself (no synchronisation: a blink must not wait for the neck), always towards a standstill (a target
velocity would overshoot). Without the wheel a plain limiter of speed and acceleration does the work.
"""
from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from ..core.errors import MissingWheel, require
from .actuator_map import RobotMap

_NUDGES: Final = (1 - 1e-6, 1 - 1e-5, 1 - 1e-4)


class Shaper(Protocol):
    """Positions u [N] that follow targets, one period at a time."""

    def start(self, u: np.ndarray) -> None:
        """Stand still at u [N]."""

    def step(self, target: np.ndarray) -> np.ndarray:
        """One period towards target u [N]; brakes if one of them is not finite. Returns u [N]."""

    def brake(self) -> np.ndarray:
        """One period towards a standstill, as fast as the limits allow. Returns u [N]."""

    def hold(self, which: np.ndarray, u: np.ndarray) -> None:
        """The actuators where `which` (bool [N]) is true stand still at u [N]."""


def make_shaper(robot: RobotMap, period_s: float) -> tuple[Shaper, str]:
    """The best shaper here, and a sentence if it is not the jerk-limited one."""
    speed, accel, jerk = (robot.limits(what) for what in ("speed", "accel", "jerk"))
    try:
        return RuckigShaper(speed, accel, jerk, period_s), ""
    except MissingWheel as missing:
        return PlainShaper(speed, accel, period_s), f"Motion is less smooth: {missing}"


class RuckigShaper:
    """Time-optimal within speed, acceleration and jerk."""

    def __init__(self, speed: np.ndarray, accel: np.ndarray, jerk: np.ndarray, period_s: float) -> None:
        """Limits [N] in u/s, u/s², u/s³.

        Raises:
            MissingWheel: without ruckig.
        """
        self._library = ruckig = require("ruckig", "Jerk-limited robot motion")
        count = len(speed)
        self._generator = ruckig.Ruckig(count, period_s)
        self._state, self._next = ruckig.InputParameter(count), ruckig.OutputParameter(count)
        self._state.max_velocity, self._state.max_acceleration = speed.tolist(), accel.tolist()
        self._state.max_jerk = jerk.tolist()
        self._state.synchronization = ruckig.Synchronization.No
        self._state.target_velocity = self._state.target_acceleration = [0.0] * count
        self.start(np.zeros(count))

    def start(self, u: np.ndarray) -> None:
        """As Shaper."""
        self.hold(np.ones(len(u), bool), u)

    def step(self, target: np.ndarray) -> np.ndarray:
        """As Shaper."""
        if not np.isfinite(target).all():
            return self.brake()
        self._state.control_interface = self._library.ControlInterface.Position
        # It finds no way for a few exact distances, such as 1.08 at these limits; a hair's breadth beside it does.
        for share in (1.0, *_NUDGES):
            self._state.target_position = (target * share).tolist()
            if self._advanced():
                break
        else:
            self.start(np.array(self._state.current_position))
        return np.array(self._state.current_position)

    def brake(self) -> np.ndarray:
        """As Shaper."""
        self._state.control_interface = self._library.ControlInterface.Velocity
        if not self._advanced():
            self.start(np.array(self._state.current_position))
        return np.array(self._state.current_position)

    def hold(self, which: np.ndarray, u: np.ndarray) -> None:
        """As Shaper."""
        state, still = self._state, np.zeros(len(which))
        state.current_position = np.where(which, u, state.current_position).tolist()
        state.current_velocity = np.where(which, still, state.current_velocity).tolist()
        state.current_acceleration = np.where(which, still, state.current_acceleration).tolist()

    def _advanced(self) -> bool:
        """One period; False if ruckig found no way."""
        try:
            result = self._generator.update(self._state, self._next)
        except self._library.RuckigError:
            return False
        if int(result.value) < 0:
            return False
        self._next.pass_to_input(self._state)
        return True


class PlainShaper:
    """Within speed and acceleration; jerks at both ends of a move."""

    def __init__(self, speed: np.ndarray, accel: np.ndarray, period_s: float) -> None:
        """Limits [N] in u/s and u/s²."""
        self._speed, self._accel, self._period_s = speed, accel, period_s
        self.start(np.zeros(len(speed)))

    def start(self, u: np.ndarray) -> None:
        """As Shaper."""
        self._u, self._velocity = np.array(u, np.float64), np.zeros(len(u))

    def step(self, target: np.ndarray) -> np.ndarray:
        """As Shaper."""
        if not np.isfinite(target).all():
            return self.brake()
        # The fastest that still stops at the target in whole periods, n of them, each slower by `gain`.
        way, gain = target - self._u, self._accel * self._period_s
        periods = np.abs(way) / self._period_s
        n = np.maximum(1, np.ceil((np.sqrt(1 + 8 * periods / gain) - 1) / 2))
        return self._accelerate(np.sign(way) * (periods / n + gain * (n - 1) / 2))

    def brake(self) -> np.ndarray:
        """As Shaper."""
        return self._accelerate(np.zeros(len(self._u)))

    def hold(self, which: np.ndarray, u: np.ndarray) -> None:
        """As Shaper."""
        self._u, self._velocity = np.where(which, u, self._u), np.where(which, 0.0, self._velocity)

    def _accelerate(self, wanted: np.ndarray) -> np.ndarray:
        gain = self._accel * self._period_s
        wanted = np.clip(wanted, -self._speed, self._speed)
        self._velocity += np.clip(wanted - self._velocity, -gain, gain)
        self._u = self._u + self._velocity * self._period_s
        return self._u.copy()
