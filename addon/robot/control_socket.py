"""The robot process's ear: clients on loopback, read once per tick without waiting; a datagram STOP stops."""
from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Iterator
from typing import Any, Final

from ..core.errors import SemblanceError
from ..core.messages import Unpacker, pack, same_token
from .messages import Hello, Report, RobotStatus, Stop, from_message, to_message

_MOST_CLIENTS: Final = 16
_STRANGER_S: Final = 2.0
_STRANGER_BYTES: Final = 4096
_READ: Final = 1 << 18
_WAITING: Final = 1 << 16
"""bytes: a client that reads more slowly than this hears only what is newest."""


class Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket, self.name = connection, ""
        self.unpacker, self.unsent = Unpacker(), b""
        self.since_s, self.received = time.monotonic(), 0


class ControlSocket:
    """Listens on a free port of this machine; nothing here ever waits."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_MOST_CLIENTS)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", self.port))
        self._datagrams.setblocking(False)
        self._clients: list[Client] = []

    def heard(self) -> Iterator[tuple[Client | None, Any]]:
        """What has been said since the last call, with who said it; a new client's Hello first."""
        with contextlib.suppress(BlockingIOError):
            while True:
                if self._datagrams.recv(64).strip() == b"STOP":
                    yield None, Stop("A STOP datagram came.")
        self._accept()
        for client in list(self._clients):
            yield from self._heard_from(client)

    def tell(self, report: Report) -> None:
        """Say it to all who have said who they are; one that does not read misses it."""
        data = pack(to_message(report))
        for client in list(self._clients):
            if client.name:
                self._send(client, data)

    def tell_one(self, client: Client | None, report: RobotStatus) -> None:
        """Say it to one."""
        if client in self._clients and client is not None:
            self._send(client, pack(to_message(report)))

    def close(self) -> None:
        """Close every connection."""
        for each in (self._listener, self._datagrams, *(client.socket for client in self._clients)):
            each.close()
        self._clients = []

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if len(self._clients) < _MOST_CLIENTS:
                    self._clients.append(Client(connection))
                else:
                    connection.close()

    def _heard_from(self, client: Client) -> Iterator[tuple[Client, Any]]:
        try:
            data = client.socket.recv(_READ)
        except BlockingIOError:
            if not client.name and time.monotonic() - client.since_s > _STRANGER_S:
                self._drop(client)
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        try:
            for said in map(from_message, client.unpacker.feed(data)):
                if isinstance(said, Hello) and same_token(said.token, self.token):
                    client.name = said.name or "a client"
                elif not client.name:
                    raise SemblanceError("")
                yield client, said
            client.received += len(data)
            if not client.name and client.received > _STRANGER_BYTES:
                raise SemblanceError("")
        except SemblanceError:  # a stranger, or nothing that can be understood: what follows means nothing
            self._drop(client)

    def _send(self, client: Client, data: bytes) -> None:
        if len(client.unsent) < _WAITING:
            client.unsent += data
        try:
            client.unsent = client.unsent[client.socket.send(client.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)

    def _drop(self, client: Client) -> None:
        client.socket.close()
        if client in self._clients:
            self._clients.remove(client)
