"""The live worker: a process of its own that owns the source, its performers and the cast, and serves its clients.

Threads: one captures, one plays (tracks, reads, decodes), one serves the socket, one watches the starter; the main one
says four times a second how it goes. Whoever started it holds the other end of its stdin: when that closes, it ends.
"""
from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable
from typing import Final

from .capture import Inbox
from .live_settings import LiveSettings
from .messages import VERSION, Command, Quit, SetCast
from .server import Server
from .stage import Order, Stage

_STATUS_S: Final = 0.25
_TICK_S: Final = 0.1
_CLOSING_S: Final = 0.4
_SWITCH_S: Final = 0.001
"""A thread that has something to send does not wait longer for the one that plays."""


class Worker:
    """From the first line on stdout to the end."""

    def __init__(self) -> None:
        self._inbox: Inbox[Order] = Inbox()
        self._server = Server(self._heed)
        self._stage = Stage(self._server, self._inbox)
        self._ended = threading.Event()
        self._code = 0

    def run(self) -> int:
        """Serve until a client says Quit, the starter is gone or something breaks; returns the exit code."""
        threading.excepthook = self._break
        sys.setswitchinterval(_SWITCH_S)
        self._heed_signals()
        self._server.start()
        _say({"port": self._server.port, "token": self._server.token, "pid": os.getpid(), "version": VERSION})
        playing = threading.Thread(target=self._play, name="play", daemon=True)
        playing.start()
        threading.Thread(target=self._watch_starter, name="starter", daemon=True).start()
        while not self._ended.wait(_STATUS_S):
            self._server.tell(self._stage.status(), "status", "status")
        playing.join(_TICK_S * 2)
        self._stage.close(_CLOSING_S)
        self._server.close()
        return self._code

    def _heed(self, command: Command) -> None:
        if isinstance(command, Quit):
            self._ended.set()
        else:
            self._inbox.order(command)

    def _play(self) -> None:
        self._stage.prepare()
        while not self._ended.is_set():
            commands, arrival = self._inbox.take(_TICK_S)
            for command in without_outdated(commands):
                self._stage.heed(command)
            if arrival:
                self._stage.play(arrival)
            else:
                self._stage.idle()

    def _watch_starter(self) -> None:
        try:
            while os.read(sys.stdin.fileno(), 4096):
                pass
        finally:
            self._ended.set()

    def _heed_signals(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._ended.set())
        # Ctrl-C in a terminal reaches every process there; it is the starter who decides what it means.
        alone = sys.stdin.isatty()
        signal.signal(signal.SIGINT, (lambda *_: self._ended.set()) if alone else signal.SIG_IGN)

    def _break(self, unexpected: threading.ExceptHookArgs) -> None:
        """A thread has failed: say it (the starter keeps the last line) and end, rather than play on in part."""
        if self._ended.is_set():
            return  # what it used was taken from it
        sys.excepthook(unexpected.exc_type, unexpected.exc_value or unexpected.exc_type(), unexpected.exc_traceback)
        self._code = 1
        self._ended.set()


def without_outdated(commands: Iterable[Order]) -> list[Order]:
    """The commands in order, without those that a later one of the same kind makes void (a slider sends many)."""
    kept: list[Order] = []
    for command in commands:
        if isinstance(command, SetCast | LiveSettings):
            kept = [each for each in kept if type(each) is not type(command)]
        kept.append(command)
    return kept


def _say(told: dict[str, object]) -> None:
    """One line on stdout for the starter; from then on whatever libraries print goes to stderr."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout:
        os.dup2(2, 1)
        print(json.dumps(told), file=stdout, flush=True)
