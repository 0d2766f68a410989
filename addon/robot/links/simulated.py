"""The default link: servos with inertia that exist only in memory, and the faults of real ones to try a head against.

Faults are asked for as KIND[:CHANNEL][@SECONDS], several with commas ("stuck:5@2,late"); without a channel the first
one, without seconds from the start. Seconds count from opening.

    lost        a fifth of all frames never arrives
    late        positions take 50 ms to read
    hot         a servo warms up: it warns at 60 °C and stops the head at 70 °C
    stuck       a servo does not move any more
    timeout     writing takes too long
    unplugged   nothing answers
"""
from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...core.errors import SemblanceError
from . import ActuatorLimits, Fault, LinkFault, LinkSettings

KINDS: Final = ("lost", "late", "hot", "stuck", "timeout", "unplugged")
PWM: Final = "pwm"
"""The dialect of servos that cannot tell where they stand."""
# A critically damped servo: 25 rad/s settles in about 0.2 s, and the whole travel takes at least 0.12 s.
_STIFFNESS: Final = 25.0
_TRAVEL_S: Final = 0.12
_STEP_S: Final = 0.005
_COOL_C, _WARN_C, _STOP_C, _HEATS_C_PER_S = 35.0, 60.0, 70.0, 10.0
_STUCK_AFTER_S: Final = 0.5
_STUCK_SHARE: Final = 0.2


@dataclass(frozen=True)
class Injected:
    """One fault that was asked for."""

    kind: str
    channel: int | None
    at_s: float


def read_faults_wanted(text: str) -> list[Injected]:
    """What KIND[:CHANNEL][@SECONDS],... asks for.

    Raises:
        SemblanceError: for an unknown kind or something that is not a number.
    """
    wanted = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        what, _, at = part.partition("@")
        kind, _, channel = what.partition(":")
        try:
            if kind not in KINDS:
                raise ValueError
            wanted.append(Injected(kind, int(channel) if channel else None, float(at or 0)))
        except ValueError as error:
            raise SemblanceError(
                f"'{part}' is no fault to simulate; say one such as stuck:5@2 (what, channel, seconds), "
                f"of {', '.join(KINDS)}."
            ) from error
    return wanted


class SimulatedLink:
    """Moves nothing but numbers. `settings.port` holds the faults to simulate."""

    def __init__(
        self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Raises:
            SemblanceError: for faults that cannot be understood, or a channel that is not there.
        """
        self._settings, self._clock = settings, clock
        self._order = list(channels)
        self._limits = channels
        self._wanted = read_faults_wanted(settings.port)
        for fault in self._wanted:
            if fault.channel is not None and fault.channel not in channels:
                raise SemblanceError(f"The link '{settings.name}' has no channel {fault.channel} to simulate a fault "
                                     f"on; it has {', '.join(map(str, channels))}.")
        self._span = np.array([limits.high - limits.low for limits in channels.values()])
        neutral = np.array([limits.neutral for limits in channels.values()])
        # Where a head hangs that nobody holds: a tenth of its travel away from neutral.
        self._position = neutral - 0.1 * (neutral - np.array([limits.low for limits in channels.values()]))
        self._speed = np.zeros(len(channels))
        self._goal = self._position.copy()
        self._on = np.zeros(len(channels), bool)
        self._heat_c = np.full(len(channels), _COOL_C)
        self._behind_s = np.zeros(len(channels))
        self._chance = random.Random(1)
        self._open_s = self._moved_s = self._heard_s = 0.0
        self._watchdog_s = 0.0
        self.is_open = False
        self.sent: list[dict[int, float]] = []
        """The newest frames that arrived, for tests to look at."""

    def open(self) -> None:
        """As Link."""
        self.is_open = True
        self._open_s = self._moved_s = self._heard_s = self._clock()
        self._answer()

    def send(self, raw: Mapping[int, float]) -> None:
        """As Link."""
        self._answer()
        if self._has("timeout"):
            raise LinkFault(f"Writing to the simulated link '{self._settings.name}' took longer than "
                            f"{self._settings.write_timeout_s * 1000:.0f} ms.")
        self._live()
        self._heard_s = self._clock()
        if self._has("lost") and self._chance.random() < 0.2:
            return
        self.sent = [*self.sent[-999:], dict(raw)]
        for channel, value in raw.items():
            self._goal[self._order.index(channel)] = value

    def enable(self, channels: Sequence[int]) -> None:
        """As Link."""
        self._answer()
        self._live()
        self._heard_s = self._clock()
        self._on[[self._order.index(channel) for channel in channels]] = True

    def limp(self) -> None:
        """As Link."""
        if self.is_open and not self._has("unplugged"):
            self._live()
        self._on[:] = False

    def read_positions(self) -> dict[int, float] | None:
        """As Link."""
        self._answer()
        if self._has("late"):
            time.sleep(0.05)
        self._live()
        if self._settings.dialect == PWM:
            return None
        return dict(zip(self._order, self._position.tolist(), strict=True))

    def read_faults(self) -> list[Fault]:
        """As Link."""
        self._answer()
        self._live()
        found = []
        for i, channel in enumerate(self._order):
            name = self._limits[channel].name or f"channel {channel}"
            if self._heat_c[i] >= _WARN_C:
                hot = self._heat_c[i] >= _STOP_C
                advice = "hot; let it cool down." if hot else "warm."
                found.append(Fault(channel, f"The servo of '{name}' is {self._heat_c[i]:.0f} °C {advice}",
                                   "stop" if hot else "warn"))
            if self._behind_s[i] > _STUCK_AFTER_S:
                found.append(Fault(channel, f"The servo of '{name}' does not move; look what blocks it.", "stop"))
        return found

    def set_watchdog(self, seconds: float) -> bool:
        """As Link."""
        self._watchdog_s = seconds
        return True

    def close(self) -> None:
        """As Link."""
        self.is_open = False

    @property
    def on(self) -> bool:
        """Some servo has torque; the watchdog may have taken it away."""
        self._live()
        return bool(self._on.any())

    def _has(self, kind: str) -> bool:
        return any(self._clock() - self._open_s >= fault.at_s for fault in self._wanted if fault.kind == kind)

    def _column(self, fault: Injected) -> int:
        return 0 if fault.channel is None else self._order.index(fault.channel)

    def _answer(self) -> None:
        if not self.is_open or self._has("unplugged"):
            raise LinkFault(f"The simulated link '{self._settings.name}' does not answer; was it unplugged?")

    def _live(self) -> None:
        """Let the servos move until now, and the watchdog bite."""
        now_s = self._clock()
        if self._watchdog_s and now_s - self._heard_s > self._watchdog_s:
            self._on[:] = False
        steps = min(400, int((now_s - self._moved_s) / _STEP_S))
        if steps <= 0:
            return
        since_s, self._moved_s = now_s - self._moved_s, now_s
        stuck = np.zeros(len(self._order), bool)
        for fault in self._wanted:
            if now_s - self._open_s >= fault.at_s and fault.kind == "stuck":
                stuck[self._column(fault)] = True
            elif now_s - self._open_s >= fault.at_s and fault.kind == "hot":
                self._heat_c[self._column(fault)] += _HEATS_C_PER_S * since_s
        moving, fastest = self._on & ~stuck, self._span / _TRAVEL_S
        for _ in range(steps):
            pull = _STIFFNESS**2 * (self._goal - self._position) - 2 * _STIFFNESS * self._speed
            self._speed = np.where(moving, np.clip(self._speed + pull * _STEP_S, -fastest, fastest), 0.0)
            self._position = self._position + self._speed * _STEP_S
        behind = self._on & (np.abs(self._goal - self._position) > _STUCK_SHARE * self._span)
        self._behind_s = np.where(behind, self._behind_s + since_s, 0.0)
