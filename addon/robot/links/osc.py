"""Heads that listen to OSC (an Ameca behind a relay script, show control): each control a float, all in one bundle.

Addresses: /face/<control> f for each channel, /face/sequence i first; /face/enable and /face/limp i 1. What OSC allows
in no address, such as a space, becomes "_". UDP tells nobody whether anything arrived: the receiver must let go by
itself after half a second of silence.
"""
from __future__ import annotations

import contextlib
import math
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from ...core.osc import bundle
from . import ActuatorLimits, Fault, LinkFault, LinkSettings

_ROOT: Final = "/face/"
_FORBIDDEN: Final = re.compile(r"[^!-~]|[#*,/?\[\]{}]")
_REPEATS: Final = 3
"""Of a limp, because UDP may lose one."""


class OscLink:
    """Channels are numbered as the map likes; what is sent is each one's name."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        self.settings, self.channels = settings, dict(channels)
        self.enabled: set[int] = set()
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._nobody = False

    def open(self) -> None:
        """Nothing answers, so nothing is asked.

        Raises:
            LinkFault: for an address that is none, or that is not reached.
        """
        host, _, port = self.settings.port.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise LinkFault(f"'{self.settings.port}' is no OSC address; write HOST:PORT, or only the port.")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect((host or "127.0.0.1", int(port)))
        except OSError as error:
            self.close()
            raise LinkFault(f"The OSC address '{self.settings.port}' is not reached: {error.strerror}.") from error

    def send(self, raw: Mapping[int, float]) -> None:
        """One bundle of the enabled channels; lost if the network is busy, as UDP is."""
        if any(not math.isfinite(value) for value in raw.values()):
            raise LinkFault("A value that is no number was to be sent by OSC; nothing was sent.")
        if awake := {self._name(channel): float(raw[channel]) for channel in raw if channel in self.enabled}:
            self._sequence += 1
            self._bundle({"sequence": self._sequence, **awake})

    def enable(self, channels: Sequence[int]) -> None:
        """These channels are sent from now on."""
        for channel in channels:
            self._name(channel)
        self.enabled |= set(channels)
        self._bundle({"enable": 1})

    def limp(self) -> None:
        """The receiver is told to let go, and hears nothing more."""
        self.enabled.clear()
        for _ in range(_REPEATS):
            self._bundle({"limp": 1})

    def read_positions(self) -> dict[int, float] | None:
        """None: OSC does not answer."""
        return None

    def read_faults(self) -> list[Fault]:
        """All that UDP tells, and only of this computer: nobody listens."""
        nobody, self._nobody = self._nobody, False
        return [Fault(None, f"Nobody listens to OSC on '{self.settings.port}'.", "warn")] if nobody else []

    def set_watchdog(self, seconds: float) -> bool:
        """False: that is the receiver's to have."""
        return False

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _name(self, channel: int) -> str:
        if channel not in self.channels:
            raise LinkFault(f"Link '{self.settings.name}' has no channel {channel}.")
        return _FORBIDDEN.sub("_", self.channels[channel].name)

    def _bundle(self, values: Mapping[str, int | float]) -> None:
        if self._socket is None:
            raise LinkFault(f"The OSC address '{self.settings.port}' is not open.")
        packet = bundle((_ROOT + name, [value]) for name, value in values.items())
        try:
            with contextlib.suppress(BlockingIOError):
                self._socket.send(packet)
        except ConnectionRefusedError:
            self._nobody = True
        except OSError as error:
            raise LinkFault(f"OSC to '{self.settings.port}' fails: {error.strerror}.") from error
