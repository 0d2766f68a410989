"""Blender's (or a terminal's, or a robot's) end of the live worker; knows no bpy and never blocks.

A thread reads what the worker says and keeps the newest of each; `poll` only picks that up. The thread beats even while
its program is busy, so a long render is not taken for a dead client.
"""
from __future__ import annotations

import contextlib
import json
import queue
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Final

from ..core.errors import SemblanceError
from ..core.messages import Unpacker, pack
from ..core.paths import ROOT
from ..core.processes import child_environment, last_line
from .messages import (
    HEARTBEAT_S,
    SILENCE_S,
    VERSION,
    WANTS,
    Alive,
    Command,
    Controls,
    ExpressionSeen,
    Hello,
    Picture,
    Problem,
    Report,
    Status,
    TakeDone,
    Welcome,
    from_message,
    to_message,
)

_START_S: Final = 20.0
"""A worker that has not said its port by then never will."""
_QUIT_S: Final = 1.0
_TERMINATE_S: Final = 0.3
_READ: Final = 1 << 18
_ANSWERS_NOT: Final = "The live worker does not answer any more and was ended; start it again."
_OTHER_VERSION: Final = "The live worker is of another version of Semblance; restart this program to finish the update."


@dataclass
class Update:
    """What is newest since the last poll."""

    status: Status | None = None
    controls: dict[str, Controls] = field(default_factory=dict)
    """By the character's id."""
    expressions: dict[int, ExpressionSeen] = field(default_factory=dict)
    """By the face's number."""
    picture: Picture | None = None
    takes: list[TakeDone] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """Put `report` in place of an older one of its kind."""
        match report:
            case Controls():
                self.controls[report.id] = report
            case ExpressionSeen():
                self.expressions[report.face] = report
            case Status():
                self.status = report
            case Picture():
                self.picture = report
            case TakeDone():
                self.takes.append(report)
            case Problem():
                self.problems.append(report.sentence)


class LiveClient:
    """One connection to a worker, from its start or joining to its end."""

    def __init__(self, name: str, wants: Iterable[str]) -> None:
        """Use `start` or `join`."""
        self.state = "starting"
        """"starting", "connected" or "ended"."""
        self.sentence = ""
        """Why it ended; empty if it was asked to."""
        self.port, self.token = 0, ""
        """For others who want to join this worker; known once connected."""
        self.pid: int | None = None
        """The worker's."""
        self._name, self._wants = name, tuple(wants)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        """The worker's stderr; its last line explains an end without a message."""
        self._commands: deque[Command] = deque()
        self._update = Update()
        self._fresh = threading.Event()
        self._lock = threading.Lock()
        self._stopping = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="live client", daemon=True)

    @classmethod
    def start(cls, name: str = "Blender", wants: Iterable[str] = WANTS) -> LiveClient:
        """Start a worker of our own and connect to it; returns at once."""
        client = cls(name, wants)
        client._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        no_console = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
        try:
            client._process = subprocess.Popen(
                [sys.executable, "-m", "addon.commands", "live", "--serve"], cwd=ROOT, env=child_environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=client._log, creationflags=no_console,
            )
        except OSError as error:
            client._end(f"The live worker cannot be started: {error.strerror}.")
        else:
            client._thread.start()
        return client

    @classmethod
    def join(cls, port: int, token: str, name: str, wants: Iterable[str] = WANTS) -> LiveClient:
        """Connect to a worker that somebody else has started; returns at once."""
        client = cls(name, wants)
        client.port, client.token = port, token
        client._thread.start()
        return client

    def send(self, command: Command) -> None:
        """Say this to the worker as soon as it is connected; after the end it is forgotten."""
        self._commands.append(command)
        self._wake()

    def poll(self) -> Update:
        """What has come since the last poll."""
        if not self._fresh.is_set():
            return Update()
        with self._lock:
            self._fresh.clear()
            update, self._update = self._update, Update()
        return update

    def wait(self, seconds: float) -> bool:
        """For programs that may wait: until something has come (True), or for `seconds`."""
        return self._fresh.wait(seconds)

    def stop(self) -> None:
        """End the worker if it is ours, the connection if it is not; takes 0.1 s, with a worker that hangs 1.3 s."""
        if self.state == "ended":
            return
        self._stopping = True
        if self._process:
            with contextlib.suppress(OSError):
                self._stdin.close()
            for wait_s, end in ((_QUIT_S, self._process.terminate), (_TERMINATE_S, self._process.kill)):
                try:
                    self._process.wait(wait_s)
                    break
                except subprocess.TimeoutExpired:
                    end()
            self._process.wait()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(SILENCE_S)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process is not None and self._process.stdin is not None
        return self._process.stdin

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: it has ended
            self._wake_in.send(b"x")

    def _run(self) -> None:
        sentence = ""
        try:
            if self._process:
                self._hear_port()
            with self._connected() as connection, selectors.DefaultSelector() as selector:
                for each in (connection, self._wake_out):
                    selector.register(each, selectors.EVENT_READ)
                self._talk(connection, selector)
        except SemblanceError as error:
            sentence = str(error)
        except OSError:
            sentence = "The connection to the live worker broke."
        self._end(sentence)

    def _hear_port(self) -> None:
        """Read the worker's first line; its stdout is read to the end, so that it never fills up."""
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read_lines, args=(lines,), name="live stdout", daemon=True).start()
        end_s = time.monotonic() + _START_S
        while True:
            try:
                line = lines.get(timeout=max(end_s - time.monotonic(), 0))
            except queue.Empty:
                raise SemblanceError(_ANSWERS_NOT) from None
            if not line:
                raise SemblanceError("")  # it has ended; _end tells its last words
            try:
                told = json.loads(line)
                port, token, version = int(told["port"]), str(told["token"]), told["version"]
            except (ValueError, KeyError, TypeError):
                continue  # a library talks on stdout; not for us
            if version != VERSION:
                raise SemblanceError(_OTHER_VERSION)
            self.port, self.token = port, token
            return

    def _read_lines(self, lines: queue.SimpleQueue[bytes]) -> None:
        assert self._process is not None and self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                lines.put(line)
        lines.put(b"")

    def _connected(self) -> socket.socket:
        try:
            connection = socket.create_connection(("127.0.0.1", self.port), SILENCE_S)
        except OSError as error:
            raise SemblanceError("Nobody answers where the live worker should be; start it again.") from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(pack(to_message(Hello(self.token, self._name, self._wants))))
        return connection

    def _talk(self, connection: socket.socket, selector: selectors.BaseSelector) -> None:
        """Until we or the worker end it."""
        unpacker = Unpacker()
        heard_s = beat_s = last_s = time.monotonic()
        while not self._stopping:
            readable = [key.fileobj for key, _ in selector.select(HEARTBEAT_S / 2)]
            now_s = time.monotonic()
            if now_s - last_s > SILENCE_S / 2:  # it was us who slept
                heard_s += now_s - last_s
            last_s = now_s
            if self._wake_out in readable:
                self._wake_out.recv(4096)
            if connection in readable:
                data = connection.recv(_READ)
                if not data:
                    return
                heard_s = now_s
                for message in unpacker.feed(data):
                    self._hear(from_message(message))
            elif now_s - heard_s > SILENCE_S:
                raise SemblanceError(_ANSWERS_NOT)
            if self.state == "connected":
                beat_s = self._say(connection, beat_s, now_s)

    def _say(self, connection: socket.socket, beat_s: float, now_s: float) -> float:
        """All commands, or that we are alive; returns when we last said something."""
        if not self._commands and now_s - beat_s > HEARTBEAT_S:
            self._commands.append(Alive())
        while self._commands:
            connection.sendall(pack(to_message(self._commands.popleft())))
            beat_s = now_s
        return beat_s

    def _hear(self, report: Report) -> None:
        if isinstance(report, Welcome):
            if report.version != VERSION:
                raise SemblanceError(_OTHER_VERSION)
            self.pid, self.state = report.pid, "connected"
        elif isinstance(report, Problem) and self.state == "starting":
            raise SemblanceError(report.sentence)
        else:
            with self._lock:
                self._update.add(report)
                self._fresh.set()

    def _end(self, sentence: str) -> None:
        """Reap the worker if it is ours, release everything, and say why."""
        if self._process:
            sentence = self._reap(self._process, sentence)
        self._wake_in.close()
        self._wake_out.close()
        if self._log:
            self._log.close()
        self.sentence = "" if self._stopping else sentence or "The live worker has ended."
        self.state = "ended"
        self._fresh.set()

    def _reap(self, process: subprocess.Popen[bytes], sentence: str) -> str:
        """Wait for our worker; one that lives on though we are through with it is killed. Returns why it ended."""
        hopeless = sentence in (_ANSWERS_NOT, _OTHER_VERSION)
        try:
            code = process.wait(None if self._stopping else 0.0 if hopeless else _QUIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return sentence or _ANSWERS_NOT
        finally:
            with contextlib.suppress(OSError):
                self._stdin.close()
        if hopeless:
            return sentence
        if code < 0:
            return f"The live worker was ended from outside (signal {-code}); start it again."
        return f"The live worker stopped (exit code {code}){self._last_words()}"

    def _last_words(self) -> str:
        assert self._log is not None
        line = last_line(self._log)
        return f": {line}" if line else "; start it again."
