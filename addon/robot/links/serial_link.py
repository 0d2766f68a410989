"""What every link over a serial port does alike: the port, which channels are awake, and going limp for certain."""
from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Final

from . import ActuatorLimits, LinkFault, LinkSettings
from .serial_port import SerialPort

_LIMP_TRIES: Final = 5
_LIMP_S: Final = 0.4


class SerialLink:
    """A board on a serial port; `enabled` are the channels that may get values."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        self.settings, self.channels = settings, dict(channels)
        self.port = SerialPort(settings.port, settings.baud, settings.write_timeout_s)
        self.enabled: set[int] = set()

    def open(self) -> None:
        """Open the port and greet the board; the port is given back if it is the wrong one."""
        self.port.open()
        self.enabled.clear()
        try:
            self._greet()
        except BaseException:
            self.port.close()
            raise

    def limp(self) -> None:
        """Torque or pulses off, tried five times: also after a write that broke off or noise on the line.

        Raises:
            LinkFault: if nothing confirms it, after half a second at the most; it was said all the same.
        """
        self.enabled.clear()
        until_s = time.monotonic() + _LIMP_S
        for tries_left in reversed(range(_LIMP_TRIES)):
            # What still waits was meant to move; it must not go out before or after this.
            self.port.discard_output()
            try:
                self._go_limp()
                return
            except LinkFault:
                if not tries_left or time.monotonic() > until_s:
                    raise

    def close(self) -> None:
        """Give the port back."""
        self.port.close()

    def _greet(self) -> None:
        raise NotImplementedError

    def _go_limp(self) -> None:
        """All channels off, and a look whether they are.

        Raises:
            LinkFault: if that is not certain.
        """
        raise NotImplementedError

    def _known(self, channels: Sequence[int]) -> Sequence[int]:
        for channel in channels:
            if channel not in self.channels:
                raise LinkFault(f"Link '{self.settings.name}' has no channel {channel}.")
        return channels

    def _label(self, channel: int) -> str:
        name = self.channels[channel].name
        return f"{channel} ('{name}')" if name else f"{channel}"


def whole(value: float, scale: float = 1) -> int:
    """The nearest whole number.

    Raises:
        LinkFault: if `value` is none at all; the gate lets none through, so something is badly wrong.
    """
    if not math.isfinite(value):
        raise LinkFault(f"The value {value} was to be sent to a servo; nothing was sent.")
    return round(value * scale)
