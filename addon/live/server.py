"""The worker's socket: several clients on loopback, each told only what is newest; nothing queues.

Whoever has something to tell sends it at once, as far as the connection takes it; one thread reads, and writes what is
left. Nobody waits for anybody: each client has one place per kind and character, and what is newer takes the place of
what was not yet sent.
"""
from __future__ import annotations

import contextlib
import itertools
import math
import os
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable, Hashable
from typing import Final

from ..core.errors import SemblanceError
from ..core.messages import Unpacker, pack, same_token
from .messages import SILENCE_S, VERSION, Alive, Command, Hello, Problem, Report, Welcome, from_message, to_message

_TICK_S: Final = 0.1
_MOST_CLIENTS: Final = 16
_STRANGER_S: Final = 2.0
"""A connection without a Hello is closed after this long,"""
_STRANGER_BYTES: Final = 1 << 16
"""or after this much."""
_SEND_BUFFER: Final = 1 << 18
"""bytes that the system may keep for a client that does not read: less than two pictures."""
_MOST_WAITING: Final = 200
"""Reports to one client that must not be left out; a client with more to hear than that is gone."""
_READ: Final = 1 << 18


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.unpacker = Unpacker()
        self.name = ""
        self.wants: frozenset[str] | None = None
        """None until it has said who it is."""
        self.since_s = self.heard_s = time.monotonic()
        self.received = 0
        self.silent = False
        self.leaving = False
        """Nothing more is heard; it is closed when everything has been sent."""
        self.broken = False
        self.pending: dict[Hashable, bytes] = {}
        self.sending = memoryview(b"")


class Server:
    """Listens on a free port of this machine; `tell` may be called from any thread."""

    def __init__(self, heed: Callable[[Command], None]) -> None:
        """Begin to listen; `heed` is called with each command in the server's thread and must not wait."""
        self.token = secrets.token_hex(16)
        self._heed = heed
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_MOST_CLIENTS)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._clients: list[_Client] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._close_by_s = math.inf
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Begin to accept clients."""
        self._thread.start()

    def wanted(self, want: str) -> bool:
        """True if a client that answers wants this."""
        with self._lock:
            return any(want in (client.wants or ()) and not client.silent for client in self._clients)

    def tell(self, report: Report, want: str = "", place: Hashable = None) -> None:
        """Send to every client that wants `want` (everybody without one), now if its connection takes it.

        A report with a `place` takes the place of one that was not yet sent; without, all are sent.
        """
        data, behind = pack(to_message(report)), False
        with self._lock:
            for client in self._clients:
                if client.wants is not None and (not want or want in client.wants):
                    self._put(client, data, place)
                    behind = not _sent(client) or behind
        if behind:
            self._wake()

    def close(self, seconds: float = 0.3) -> None:
        """Send what is left within `seconds`, and close every connection."""
        self._close_by_s = time.monotonic() + seconds
        self._wake()
        if self._thread.is_alive():
            self._thread.join(seconds + 2 * _TICK_S)
        for each in (self._listener, *(client.socket for client in self._clients), self._wake_in, self._wake_out):
            each.close()
        self._selector.close()

    def _put(self, client: _Client, data: bytes, place: Hashable) -> None:
        client.pending[next(self._numbers) if place is None else place] = data

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._wake_in.send(b"x")

    def _run(self) -> None:
        last_s = time.monotonic()
        while True:
            for key, events in self._selector.select(_TICK_S):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake_out:
                    self._wake_out.recv(4096)
                elif events & selectors.EVENT_READ:
                    self._receive(key.data)
            now_s = time.monotonic()
            if now_s - last_s > SILENCE_S / 2:  # it was us who slept
                for client in self._clients:
                    client.heard_s += now_s - last_s
            last_s = now_s
            self._look_after(now_s)
            for client in list(self._clients):
                self._send(client)
            waiting = any(client.pending or client.sending for client in self._clients)
            if now_s > self._close_by_s or (self._close_by_s < math.inf and not waiting):
                return

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            if len(self._clients) >= _MOST_CLIENTS:
                connection.close()
                return
            client = _Client(connection)
            self._selector.register(connection, selectors.EVENT_READ, client)
            with self._lock:
                self._clients.append(client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or client.leaving:
            self._drop(client)
            return
        client.heard_s, client.received = time.monotonic(), client.received + len(data)
        if client.wants is None and client.received > _STRANGER_BYTES:
            self._drop(client)
            return
        try:
            for message in client.unpacker.feed(data):
                self._hear(client, from_message(message))
        except SemblanceError as error:
            self._refuse(client, str(error))

    def _hear(self, client: _Client, command: Command | Report) -> None:
        if isinstance(command, Hello):
            if not same_token(command.token, self.token):
                self._refuse(client, "This worker belongs to somebody else; start one of your own.")
                return
            client.name = command.name
            with self._lock:
                client.wants = frozenset(command.wants)
                self._put(client, pack(to_message(Welcome(VERSION, os.getpid()))), None)
        elif client.wants is None:
            self._drop(client)
        elif not isinstance(command, Command):
            self._refuse(client, f"A worker cannot be told '{type(command).__name__}'.")
        elif not isinstance(command, Alive) and not client.leaving:
            self._heed(command)

    def _refuse(self, client: _Client, sentence: str) -> None:
        """Say why, once, and close."""
        with self._lock:
            client.leaving = True
            client.pending = {"": pack(to_message(Problem(sentence)))}

    def _look_after(self, now_s: float) -> None:
        """Close strangers; leave out who does not answer until it does again."""
        for client in list(self._clients):
            if client.wants is None:
                if now_s - client.since_s > _STRANGER_S:
                    self._drop(client)
                continue
            silent = now_s - client.heard_s > SILENCE_S
            if silent and not client.silent:
                self.tell(Problem(f"'{client.name}' does not answer; it is told nothing until it does again."))
            client.silent = silent
            if len(client.pending) > _MOST_WAITING or (silent and client.leaving):
                self._drop(client)

    def _send(self, client: _Client) -> None:
        """As much as the connection takes now."""
        with self._lock:
            done = _sent(client)
        if client.broken or (client.leaving and done):
            self._drop(client)
            return
        waiting = selectors.EVENT_WRITE if client.sending and not client.silent else 0
        self._selector.modify(client.socket, selectors.EVENT_READ | waiting, client)

    def _drop(self, client: _Client) -> None:
        if client in self._clients:
            with self._lock:
                self._clients.remove(client)
            self._selector.unregister(client.socket)
            client.socket.close()


def _sent(client: _Client) -> bool:
    """Send what the connection takes without waiting; False if something is left, or it broke. Whoever calls has the
    lock.
    """
    try:
        while not (client.silent or client.broken):
            if not client.sending:
                if not client.pending:
                    return True
                client.sending = memoryview(client.pending.pop(next(iter(client.pending))))
            client.sending = client.sending[client.socket.send(client.sending):]
    except BlockingIOError:
        pass
    except OSError:
        client.broken = True
    return False
