"""Heads that listen to OSC (an Ameca behind a relay script, show control): each control a float, all in one bundle.

Addresses: /face/<control> f for each channel, /face/sequence i first; /face/enable and /face/limp i 1. What OSC allows
in no address, such as a space, becomes "_". UDP tells nobody whether anything arrived: the receiver must let go by
itself after half a second of silence.
"""
from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from ...core.osc import bundle
from . import ActuatorLimits, LinkFault, LinkSettings
from .network_link import NetworkLink

_ROOT: Final = "/face/"
_FORBIDDEN: Final = re.compile(r"[^!-~]|[#*,/?\[\]{}]")
_REPEATS: Final = 3
"""Of a limp, because UDP may lose one."""


class OscLink(NetworkLink):
    """Channels are numbered as the map likes; what is sent is each one's name."""

    SPOKEN = "OSC"

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._socket: socket.socket | None = None
        self._sequence = 0
        self._nobody = False

    def open(self) -> None:
        """Nothing answers, so nothing is asked.

        Raises:
            LinkFault: for an address that is none, or that is not reached.
        """
        address = self.address()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(address)
        except OSError as error:
            self.close()
            raise LinkFault(f"The OSC address '{self.settings.port}' is not reached: {error.strerror}.") from error

    def enable(self, channels: Sequence[int]) -> None:
        """These channels are sent from now on; the receiver is told."""
        super().enable(channels)
        self._bundle({"enable": 1})

    def limp(self) -> None:
        """The receiver is told to let go, and hears nothing more."""
        self.enabled.clear()
        for _ in range(_REPEATS):
            self._bundle({"limp": 1})

    def close(self) -> None:
        """Give the socket back."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _frame(self, values: Mapping[int, float]) -> None:
        self._sequence += 1
        named = {_FORBIDDEN.sub("_", self.channels[channel].name): value for channel, value in values.items()}
        self._bundle({"sequence": self._sequence, **named})

    def _is_heard(self) -> bool:
        """UDP tells only of this computer, and only once."""
        nobody, self._nobody = self._nobody, False
        return not nobody

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
