"""A server on loopback that says to everybody who connects what a test wants."""
from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def serving(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Its port; `answer` gets each connection, one after the other, and an event that is set when the test is over."""
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()
    server.settimeout(20)

    def serve() -> None:
        with suppress(OSError):
            while not over.is_set():
                connection, _ = server.accept()
                with connection:
                    answer(connection, over)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        server.close()
        thread.join(2)
