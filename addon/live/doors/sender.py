"""Packets to another program, sent without ever stopping the performance."""
from __future__ import annotations

import socket

from ...core.errors import SemblanceError
from .network import udp_address


class UdpSender:
    """Sends datagrams to one address; what goes wrong under way is a warning."""

    def __init__(self, host: str, port: int) -> None:
        """Raises SemblanceError if there is no such host."""
        try:
            family, self._where = udp_address(host, port)
        except OSError as error:
            raise SemblanceError(f"'{host}:{port}' is no address to send to: check the host's name.") from error
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._name = f"{host}:{port}"
        self._failed, self._reason = 0, ""

    def __enter__(self) -> UdpSender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Send no more."""
        self._socket.close()

    @property
    def warnings(self) -> list[str]:
        """A sentence on what could not be sent so far."""
        return [f"{self._failed} frames could not be sent to {self._name}: {self._reason}."] if self._failed else []

    def _send(self, packet: bytes) -> None:
        try:
            self._socket.sendto(packet, self._where)
        except OSError as error:
            self._failed += 1
            self._reason = error.strerror or "the network failed"
