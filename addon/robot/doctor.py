"""What is on the serial ports, in words: boards, model numbers, firmware, volts, degrees, errors. Never moves anything.

Only questions are sent. A question in the wrong language can be an error to a board, and a board may move on errors:
so a port is asked in one protocol, the map's or the one that is named, unless its maker's USB number settles it.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ..core.errors import SemblanceError, require
from ..core.finding import Finding
from .actuator_map import RobotMap
from .links import BY_NETWORK, PROTOCOLS, ActuatorLimits, LinkSettings
from .links.serial_port import list_ports
from .probing import ask_dynamixel, ask_feetech, ask_maestro, ask_sketch
from .protocols import table

_WHEELS: Final = (("serial", "serial ports"), ("ruckig", "smooth motion"))
_ASK: Final = {"maestro": ask_maestro, "dynamixel2": ask_dynamixel, "feetech_sts": ask_feetech,
              "feetech_scs": ask_feetech, "arduino": ask_sketch}
_BAUD: Final = {"maestro": 115200, "dynamixel2": 1000000, "feetech_sts": 1000000, "feetech_scs": 1000000}

Channels = Mapping[int, ActuatorLimits]


def examine(
    robot: RobotMap | None = None, port: str = "", protocol: str = "", baud: int = 0
) -> Iterator[Finding]:
    """Look at the wheels, the ports, and what answers on `port`, else on the ports of the robot's links.

    Args:
        robot: a map, best narrowed by its unit file, which knows the ports.
        protocol: what to speak on `port`; the robot's, or the maker's of the port, if it is empty.
        baud: 0 for the map's, else the usual one.
    """
    yield from wheels()
    yield from ports()
    for settings, channels in _links(robot, port, protocol, baud):
        yield from ask(settings, channels)


def wheels() -> Iterator[Finding]:
    """The Python modules that robots need."""
    for name, purpose in _WHEELS:
        try:
            require(name, f"A robot's {purpose}")
        except SemblanceError as error:
            yield Finding("PROBLEM", str(error))
        else:
            yield Finding("ok", f"the Python module '{name}' for {purpose}")


def ports() -> Iterator[Finding]:
    """The serial ports with their names."""
    with contextlib.suppress(SemblanceError):  # pyserial is told under the wheels
        found = list_ports()
        for port in found:
            number = f", number {port.serial}" if port.serial else ""
            yield Finding("ok" if port.vendor is not None else "note", f"port {port.path}: {port.name}{number}")
        if not found:
            yield Finding("note", "No serial port is here.", "Plug the board in and switch its power on.")


def ask(settings: LinkSettings, channels: Channels) -> Iterator[Finding]:
    """What answers on the port of `settings`, in its protocol."""
    protocol = settings.protocol
    if protocol == "simulated":
        yield Finding("ok", f"link '{settings.name}' is simulated")
    elif not settings.port:
        yield Finding("note", f"Link '{settings.name}' has no port yet.",
                      "Name it with --port; a unit file ('semblance robot calibrate') keeps it.")
    elif protocol in BY_NETWORK:
        yield Finding("note", f"link '{settings.name}' speaks {protocol} on '{settings.port}', where nothing can be "
                              "asked.")
    elif protocol not in _ASK:
        yield Finding("note", f"Nothing was asked on '{settings.port}': a wrong language could move servos.",
                      f"Say what is on it with --protocol: {', '.join(_ASK)}.")
    else:
        try:
            yield from _ASK[protocol](settings, channels)
        except SemblanceError as error:
            yield Finding("PROBLEM", str(error))


def _links(
    robot: RobotMap | None, port: str, protocol: str, baud: int
) -> Iterator[tuple[LinkSettings, Channels]]:
    if protocol and protocol not in PROTOCOLS:
        raise SemblanceError(f"There is no protocol '{protocol}'; known are {', '.join(PROTOCOLS)}.")
    links = [(settings, robot.channels(name)) for name, settings in robot.links.items()] if robot else []
    known = [each for each in links if not port or port == each[0].port or len(links) == 1]
    for settings, channels in known:
        yield replace(settings, port=port or settings.port, protocol=protocol or settings.protocol,
                      baud=baud or settings.baud), channels
    if port and not known:
        spoken = protocol or _spoken_by_maker(port)
        yield LinkSettings(port, spoken, port, baud or _BAUD.get(spoken, 115200)), {}


def _spoken_by_maker(path: str) -> str:
    """The protocol that the USB number of a port leaves no doubt about; empty for the many chips that serve all."""
    with contextlib.suppress(SemblanceError):
        vendors = {port.path: port.vendor for port in list_ports()}
        if vendors.get(path) == table("maestro")["usb_vendor"]:
            return "maestro"
    return ""
