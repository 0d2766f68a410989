"""All links of one head as one thing: raw values in the order of the map's actuators."""
from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from ..core.errors import SemblanceError
from .actuator_map import RobotMap
from .links import ActuatorLimits, Fault, Link, LinkFault, LinkSettings, open_link

LIMP_TRIES: Final = 5
_HEARD_TRIES: Final = 3
WATCHDOG_S: Final = 0.3
Opener = Callable[[LinkSettings, Mapping[int, ActuatorLimits]], Link]


class Head:
    """Opens, moves and lets go; nothing here decides whether it may."""

    def __init__(self, robot: RobotMap, opener: Opener = open_link) -> None:
        self._robot, self._opener = robot, opener
        self._links: dict[str, Link] = {}
        actuators = robot.actuators
        self._columns = {name: [i for i, a in enumerate(actuators) if a.link == name] for name in robot.links}
        self._place = {(a.link, a.channel): i for i, a in enumerate(actuators)}
        self.enabled = np.zeros(len(robot), bool)
        """Which actuators are switched on."""

    @property
    def is_open(self) -> bool:
        """All links are open."""
        return len(self._links) == len(self._robot.links)

    def open(self) -> None:
        """Open all links, or none.

        Raises:
            SemblanceError: as Link.open.
        """
        try:
            for name, settings in self._robot.links.items():
                self._links[name] = self._opener(settings, self._robot.channels(name))
        except BaseException:
            self.close()
            raise

    def positions(self) -> np.ndarray:
        """u float64 [N] where the motors stand; NaN where the hardware cannot tell."""
        raw = np.full(len(self._robot), np.nan)
        for name, link in self._links.items():
            for channel, value in (link.read_positions() or {}).items():
                if (name, channel) in self._place:
                    raw[self._place[name, channel]] = value
        return np.where(np.isfinite(raw), self._robot.u_of(np.nan_to_num(raw)), np.nan)

    def standing(self) -> np.ndarray:
        """As `positions`, but of every motor that can tell: who is woken elsewhere than it stands would jump.

        Raises:
            LinkFault: if one is not heard.
        """
        for _ in range(_HEARD_TRIES):
            u = self.positions()
            telling = [name for name, columns in self._columns.items() if np.isfinite(u[columns]).any()]
            unheard = [i for name in telling for i in self._columns[name] if not np.isfinite(u[i])]
            if not unheard:
                return u
        raise LinkFault(f"The motor of '{self._robot.actuators[unheard[0]].name}' does not say where it stands.")

    def send(self, raw: np.ndarray) -> None:
        """One frame [N] to the motors that are switched on."""
        for name, link in self._links.items():
            frame = {self._robot.actuators[i].channel: float(raw[i]) for i in self._columns[name] if self.enabled[i]}
            if frame:
                link.send(frame)

    def enable(self, which: Sequence[int], raw: np.ndarray) -> None:
        """Switch these actuators on where `raw` [N] puts them."""
        for name, link in self._links.items():
            chosen = [i for i in which if i in self._columns[name]]
            if chosen:
                channels = [self._robot.actuators[i].channel for i in chosen]
                link.send({channel: float(raw[i]) for channel, i in zip(channels, chosen, strict=True)})
                link.enable(channels)
                self.enabled[chosen] = True

    def watch(self) -> None:
        """Where the hardware can, it goes limp by itself when nothing comes for WATCHDOG_S."""
        for link in self._links.values():
            link.set_watchdog(WATCHDOG_S)

    def limp(self) -> list[str]:
        """Everything off, each link tried LIMP_TRIES times; a sentence for each that did not get through."""
        failed = []
        for name, link in self._links.items():
            sentence = _insist(link)
            if sentence:
                failed.append(f"Link '{name}' could not be switched off ({sentence}); use the switch of its supply.")
        self.enabled[:] = False
        return failed

    def faults(self) -> list[tuple[int | None, Fault]]:
        """What the hardware reports, each with the actuator that it is about (None: a whole link)."""
        found: list[tuple[int | None, Fault]] = []
        for name, link in self._links.items():
            for fault in link.read_faults():
                place = None if fault.channel is None else self._place.get((name, fault.channel))
                found.append((place, fault))
        return found

    def close(self) -> None:
        """Let go of all ports; switch off first with `limp`."""
        for link in self._links.values():
            with contextlib.suppress(OSError, SemblanceError):
                link.close()
        self._links = {}
        self.enabled[:] = False


def _insist(link: Link) -> str:
    sentence = ""
    for _ in range(LIMP_TRIES):
        try:
            link.limp()
            return ""
        except LinkFault as fault:
            sentence = str(fault).rstrip(".")
        except (OSError, ValueError, SemblanceError) as error:  # a port that is gone fails in its own ways
            sentence = str(error).rstrip(".") or type(error).__name__
        time.sleep(0.01)
    return sentence
