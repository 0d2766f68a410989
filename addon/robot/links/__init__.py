"""Links: one physical connection of a robot head each; opened by the name of its protocol."""
from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from ...core.errors import SemblanceError

PROTOCOLS: Final = {
    "simulated": ("simulated", "SimulatedLink"),
    "maestro": ("maestro", "MaestroLink"),
    "dynamixel2": ("dynamixel", "DynamixelLink"),
    "feetech_sts": ("feetech", "FeetechLink"),
    "feetech_scs": ("feetech", "FeetechLink"),
    "arduino": ("sketch", "SketchLink"),
    "osc": ("osc", "OscLink"),
    "zeromq": ("zeromq", "ZeroMqLink"),
}
"""Protocol → the module beside this one and the class in it, made as `Class(settings, channels)`."""
BY_NETWORK: Final = ("osc", "zeromq")
"""Protocols whose port is HOST:PORT, and which nothing answers to."""


class LinkFault(SemblanceError):
    """The hardware did not do what it was told, or does not answer."""


@dataclass(frozen=True)
class Fault:
    """What the hardware reports about itself."""

    channel: int | None
    """None: the whole link."""
    sentence: str
    severity: Literal["warn", "stop"]
    """"stop": the head goes limp at once."""


@dataclass(frozen=True)
class LinkSettings:
    """How one link of a head is reached; `port` comes from the unit file or the command line."""

    name: str
    protocol: str = "simulated"
    port: str = ""
    baud: int = 115200
    dialect: str = ""
    device: int = 12
    crc: bool = False
    write_timeout_s: float = 0.05


@dataclass(frozen=True)
class ActuatorLimits:
    """One channel's travel in raw units (us, tick, deg or native); low <= neutral <= high."""

    channel: int
    low: float
    neutral: float
    high: float
    unit: str = "us"
    name: str = ""
    model: int | None = None
    """The model number that the handshake must find; None: any."""


class Link(Protocol):
    """One connection to hardware. Everything is called from one thread; nothing may block longer than its time-outs.

    Raw values are in the unit of each channel's travel. All methods but `limp` and `close` raise LinkFault.
    """

    def open(self) -> None:
        """Open exclusively and shake hands (board, model numbers). Nothing moves.

        Raises:
            SemblanceError: in one sentence what is wrong with the port or the board.
        """

    def send(self, raw: Mapping[int, float]) -> None:
        """One frame for these channels; returns within the write time-out."""

    def enable(self, channels: Sequence[int]) -> None:
        """Torque on, or the first pulse, of these channels; they stay where the last `send` (or their own reading)
        puts them."""

    def limp(self) -> None:
        """Torque off, or pulses off, of all channels; may be repeated. Raises LinkFault if it did not get through."""

    def read_positions(self) -> dict[int, float] | None:
        """Raw positions by channel; None: the hardware cannot tell (PWM)."""

    def read_faults(self) -> list[Fault]:
        """Error words, temperatures, voltages; slow."""

    def set_watchdog(self, seconds: float) -> bool:
        """The hardware goes limp by itself after this silence (0: never); False: this hardware cannot."""

    def close(self) -> None:
        """Release the port; harmless when it is not open. Does not switch torque off: `limp` does."""


def open_link(settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> Link:
    """The opened link of `settings.protocol`.

    Raises:
        SemblanceError: for an unknown protocol, and as Link.open.
    """
    if settings.protocol not in PROTOCOLS:
        raise SemblanceError(
            f"Link '{settings.name}' has the unknown protocol '{settings.protocol}'; known are {', '.join(PROTOCOLS)}."
        )
    module, name = PROTOCOLS[settings.protocol]
    link: Link = getattr(importlib.import_module(f".{module}", __package__), name)(settings, channels)
    link.open()
    return link
