"""Heads that subscribe to ZeroMQ, as scripts on an Ameca do: one message a tick, with all values as decimal texts.

A message of 1 + N parts: time.time() of this computer, then the values in the order of the channels (for the 30
controls of X2C their columns), as VividFace (arXiv 2602.07506) publishes them. Limp is the one part "limp", and then
nothing more: the receiver must let go at it, and by itself after half a second of silence.

pyzmq does not come with Semblance, because few heads speak it and OSC needs no library.
"""
from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from typing import Any, Final

from . import ActuatorLimits, LinkFault, LinkSettings
from .network_link import NetworkLink

_LIMP: Final = b"limp"
_WAITING: Final = 2
"""Messages that wait for a slow subscriber; later ones are left out, because they would come late."""
_LINGER_MS: Final = 200
"""How long closing waits for the last message, the limp, to leave."""


class ZeroMqLink(NetworkLink):
    """Publishes on `settings.port`; on this computer alone unless the address names another interface."""

    SPOKEN = "ZeroMQ"

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._zmq: Any = None
        self._context: Any = None
        self._socket: Any = None
        self._is_subscribed = False

    def open(self) -> None:
        """Nobody has to listen yet.

        Raises:
            LinkFault: without pyzmq, for an address that is none, or one that cannot be published on.
        """
        host, port = self.address()
        try:
            self._zmq = importlib.import_module("zmq")
        except ImportError as error:
            raise LinkFault(
                f"Link '{self.settings.name}' speaks ZeroMQ, for which the Python module 'zmq' is missing; it does not "
                "come with Semblance: install 'pyzmq' into this Python, or say protocol = \"osc\" in the map."
            ) from error
        self._context = self._zmq.Context()
        self._socket = self._context.socket(self._zmq.XPUB)  # a PUB that hears who subscribes
        self._socket.setsockopt(self._zmq.SNDHWM, _WAITING)
        self._socket.setsockopt(self._zmq.LINGER, _LINGER_MS)
        try:
            self._socket.bind(f"tcp://{host}:{port}")
        except self._zmq.ZMQError as error:
            self.close()
            raise LinkFault(f"ZeroMQ cannot publish on '{self.settings.port}': {error.strerror}.") from error

    def limp(self) -> None:
        """The receiver is told to let go, and hears nothing more."""
        self.enabled.clear()
        self._publish([_LIMP])

    def close(self) -> None:
        """Give the port back."""
        if self._context is not None:
            self._context.destroy(_LINGER_MS)
            self._context = self._socket = None
            self._is_subscribed = False

    def _frame(self, values: Mapping[int, float]) -> None:
        """All values or nothing: a receiver counts them."""
        if values.keys() == self.channels.keys():
            texts = [time.time(), *(values[channel] for channel in sorted(values))]
            self._publish([f"{number:.6f}".encode() for number in texts])

    def _is_heard(self) -> bool:
        """The first subscriber and the loss of the last one are told by messages that begin with 1 and 0."""
        try:
            while self._socket is not None:
                self._is_subscribed = self._socket.recv(self._zmq.NOBLOCK)[:1] == b"\x01"
        except self._zmq.Again:
            pass
        return self._is_subscribed

    def _publish(self, parts: list[bytes]) -> None:
        if self._socket is None:
            raise LinkFault(f"ZeroMQ is not open on '{self.settings.port}'.")
        try:
            self._socket.send_multipart(parts, self._zmq.NOBLOCK)
        except self._zmq.ZMQError as error:
            raise LinkFault(f"ZeroMQ on '{self.settings.port}' fails: {error.strerror}.") from error
