"""The retargeting map of one robot design: what each actuator follows, how far and how fast it may go.

Everywhere u is the signed unit of an actuator: -1 .. 0 .. +1, where 0 is neutral. Raw units (us, tick, deg, native) are
interpolated on each side of the neutral, so that measuring a neutral again changes no curve.
`map_reading` reads it from `rigs/robots/<name>/actuators.toml`.
"""
from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np

from ..core.errors import SemblanceError
from .links import ActuatorLimits, LinkSettings

UNITS: Final = ("us", "tick", "deg", "native")
WHOLE_UNITS: Final = ("us", "tick")
"""Units that hardware takes as whole numbers."""
_TELL_POSITIONS: Final = ("dynamixel2", "feetech_sts", "feetech_scs", "simulated")


@dataclass(frozen=True)
class Curve:
    """Piecewise linear with flat ends."""

    xs: tuple[float, ...]
    """Strictly rising."""
    ys: tuple[float, ...]

    def __call__(self, x: float) -> float:
        """The curve at `x`; a fifth of numpy's time for one number."""
        xs, ys = self.xs, self.ys
        if x <= xs[0]:
            return ys[0]
        if x >= xs[-1]:
            return ys[-1]
        i = bisect.bisect_right(xs, x)
        return ys[i - 1] + (x - xs[i - 1]) / (xs[i] - xs[i - 1]) * (ys[i] - ys[i - 1])


@dataclass(frozen=True)
class Input:
    """One thing that an actuator follows: a control in its own unit, or an earlier actuator's u."""

    source: str
    index: int
    """Of the control, or of the actuator."""
    coupled: bool
    """The source is an actuator."""
    curve: Curve | None
    gain: float = 1.0


@dataclass(frozen=True)
class Override:
    """out = (1 - w) · sum + w · toward, where w is the control held to 0..1."""

    index: int
    toward: float


@dataclass(frozen=True)
class Travel:
    """Where an actuator may stand, in raw units: low <= neutral <= high."""

    unit: str
    low: float
    neutral: float
    high: float


@dataclass(frozen=True)
class Actuator:
    """One motor of the head."""

    name: str
    link: str
    channel: int
    group: str
    reversed: bool
    """+u goes towards `low`."""
    travel: Travel
    inputs: tuple[Input, ...]
    override: Override | None = None
    model: int | None = None
    """The model number that the motor must answer with; None: any."""
    rest: float = 0.0
    """u where it is laid down before its torque goes; a heavy head falls from anywhere else."""


@dataclass(frozen=True)
class Group:
    """How fast its actuators may move: u/s, u/s², u/s³."""

    speed: float
    accel: float
    jerk: float


@dataclass(frozen=True)
class Cap:
    """Bound of one actuator as a curve of another's u, so that the two never meet at opposing extremes."""

    of: int
    bound: Literal["low", "high"]
    when: int
    curve: Curve


@dataclass(frozen=True)
class Tire:
    """An extreme that is held too long eases back: |u| > beyond for after_s → to ease_to over over_s; the full range
    again after recover_s below it."""

    of: int
    beyond: float
    after_s: float
    ease_to: float
    over_s: float
    recover_s: float


@dataclass(frozen=True)
class LoopSettings:
    """The beat of the robot process and its patience."""

    rate_hz: float = 50.0
    """Never above the servo's own refresh rate."""
    stale_after_s: float = 0.10
    """No fresh frame for this long: hold."""
    rest_after_s: float = 1.0
    """Still nothing: ease to neutral."""
    arm_blend_s: float = 1.5
    """From the present pose to the first live one."""
    return_blend_s: float = 0.4
    """The same after a short gap."""
    limp_after_s: float = 30.0
    """At rest for this long: limp, so that nothing burns; 0: never."""
    poll_errors_hz: float = 2.0


@dataclass(frozen=True)
class RobotMap:
    """A robot design, checked."""

    name: str
    description: str
    controls: str
    """"expression" (signals.NAMES), or the character whose controls are followed."""
    control_names: tuple[str, ...]
    loop: LoopSettings
    links: dict[str, LinkSettings]
    groups: dict[str, Group]
    actuators: tuple[Actuator, ...]
    caps: tuple[Cap, ...]
    tires: tuple[Tire, ...]
    path: Path
    warnings: tuple[str, ...] = ()
    """What is allowed but perhaps not meant."""

    def __len__(self) -> int:
        return len(self.actuators)

    @cached_property
    def index(self) -> dict[str, int]:
        """Actuator name → its place."""
        return {actuator.name: i for i, actuator in enumerate(self.actuators)}

    def evaluate(self, values: Sequence[float]) -> np.ndarray:
        """Controls [C] in the order of `control_names` → wanted u float64 [N] in -1..1, before rules and shaping."""
        done: list[float] = []
        for actuator in self.actuators:
            total = 0.0
            for source in actuator.inputs:
                x = done[source.index] if source.coupled else values[source.index]
                total += source.curve(x) if source.curve else source.gain * x
            total = min(1.0, max(-1.0, total))
            if actuator.override:
                weight = min(1.0, max(0.0, values[actuator.override.index]))
                total += weight * (actuator.override.toward - total)
            done.append(total)
        return np.array(done)

    def limits(self, per_s: Literal["speed", "accel", "jerk"]) -> np.ndarray:
        """float64 [N]: u/s, u/s² or u/s³ of each actuator."""
        return np.array([getattr(self.groups[actuator.group], per_s) for actuator in self.actuators])

    def raw(self, u: np.ndarray) -> np.ndarray:
        """u float [..., N] in -1..1 → raw units float64 [..., N]."""
        toward = np.asarray(u, np.float64) * self._sign
        return self._neutral + np.where(toward > 0, toward * self._above, toward * self._below)

    def u_of(self, raw: np.ndarray) -> np.ndarray:
        """The inverse of `raw`, held to -1..1; 0 on a side without travel."""
        away = np.asarray(raw, np.float64) - self._neutral
        side = np.where(away > 0, self._above, self._below)
        share = np.divide(away, side, out=np.zeros_like(away), where=side > 0)
        return np.clip(share, -1, 1) * self._sign

    def channels(self, link: str) -> dict[int, ActuatorLimits]:
        """What stands on the channels of one link."""
        return {
            a.channel: ActuatorLimits(a.channel, a.travel.low, a.travel.neutral, a.travel.high, a.travel.unit, a.name,
                                      a.model)
            for a in self.actuators if a.link == link
        }

    @cached_property
    def rest(self) -> np.ndarray:
        """u float64 [N] where the head lies without torque."""
        return np.array([actuator.rest for actuator in self.actuators])

    @cached_property
    def _sign(self) -> np.ndarray:
        return np.array([-1.0 if actuator.reversed else 1.0 for actuator in self.actuators])

    @cached_property
    def _neutral(self) -> np.ndarray:
        return np.array([actuator.travel.neutral for actuator in self.actuators])

    @cached_property
    def _above(self) -> np.ndarray:
        return np.array([actuator.travel.high for actuator in self.actuators]) - self._neutral

    @cached_property
    def _below(self) -> np.ndarray:
        return self._neutral - np.array([actuator.travel.low for actuator in self.actuators])


def with_links(robot: RobotMap, given: str, faults: str = "") -> RobotMap:
    """The map reached through `given`: "simulated", a port for its only link, or "name=port,name=port".

    Args:
        faults: what the simulated links shall suffer from (links.simulated).

    Raises:
        SemblanceError: for a link that the map does not have, or one that gets no port.
    """
    if given == "simulated":
        return replace(robot, links={
            name: replace(link, protocol=given, port=faults, dialect="" if link.protocol in _TELL_POSITIONS else "pwm")
            for name, link in robot.links.items()
        })
    named = [part.partition("=") for part in given.split(",")]
    if len(named) == 1 and not named[0][1]:
        if len(robot.links) > 1:
            raise SemblanceError(
                f"The robot '{robot.name}' has the links {', '.join(robot.links)}; say which port belongs to which, "
                f"such as {next(iter(robot.links))}={given}."
            )
        named = [(next(iter(robot.links)), "=", given)]
    links = dict(robot.links)
    for name, _, port in named:
        if name not in links or not port:
            raise SemblanceError(f"The robot '{robot.name}' has no link '{name}'; it has {', '.join(robot.links)}.")
        links[name] = replace(links[name], port=port)
    return replace(robot, links=links)
