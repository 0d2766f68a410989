"""Robot designs as the sidebar lists them: looked at once and kept, because panels redraw all the time."""
from __future__ import annotations

import contextlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..robot.links import BY_NETWORK
from ..robot.map_reading import shipped_maps

SIMULATED: Final = "simulated"
_PULSES: Final = ("maestro", "arduino")
"""Protocols of servos that cannot tell where they stand."""


@dataclass(frozen=True)
class Design:
    """What of a robot map can be said in a menu; `map_reading` checks the file when it is used."""

    key: str
    """The name of a shipped design, or the path of a user's own file."""
    name: str
    description: str
    count: int
    """Of its actuators."""
    controls: str
    """"expression", or the character whose controls it follows."""
    links: dict[str, str]
    """Link → its protocol."""

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.name.replace('_', ' ').title()} ({self.count})"


_known: dict[str, Design] = {}


def refresh() -> None:
    """Look at the shipped designs again."""
    _known.clear()
    for path in shipped_maps():
        add(path.parent.name, path)


def add(key: str, path: Path) -> None:
    """Look at one more; Connect says in one sentence what is wrong with a file that cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        top = tomllib.loads(path.read_text(encoding="utf-8"))
        links = {str(name): str(link["protocol"]) for name, link in top["links"].items()}
        _known[key] = Design(key, str(top["name"]), str(top.get("description", "")), len(top["actuator"]),
                             str(top["controls"]), links)


def known() -> tuple[Design, ...]:
    """Those of the last look."""
    return tuple(_known.values())


def find(key: str) -> Design | None:
    """One of them."""
    return _known.get(key)


def wakes(links: dict[str, str]) -> str:
    """In a sentence, what motors behind these protocols do when they are switched on."""
    if set(links.values()) <= {SIMULATED}:
        return "This is the simulated head: nothing real moves."
    if set(links.values()) & set(_PULSES):
        return ("Hobby servos cannot tell where they stand: each group jumps to its rest when it is switched on, "
                "one group after the other.")
    if set(links.values()) & set(BY_NETWORK):
        return "Nobody tells where the head stands: it goes to its rest first."
    return "The motors are switched on where they stand."
