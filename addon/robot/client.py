"""Blender's or a terminal's end of the robot process; knows no bpy and never waits."""
from __future__ import annotations

import contextlib
import json
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from ..core.errors import SemblanceError
from ..core.messages import Unpacker, pack
from ..core.paths import ROOT
from ..core.processes import last_line
from .messages import (
    SILENCE_S,
    VERSION,
    Arm,
    Command,
    Disarm,
    Hello,
    Quit,
    RobotStatus,
    Sent,
    StillHeld,
    Target,
    from_message,
    to_message,
)

_START_S: Final = 30.0
_STILL_S: Final = 0.4
_GOES_S: Final = 7.0
"""To rest and limp takes seconds; after these the process is ended by force."""
_LARGEST_UNSENT: Final = 64 << 20
_ANSWERS_NOT: Final = "The robot process does not answer any more; use the switch of the head's supply if it moves."


@dataclass
class Update:
    """What is newest since the last poll."""

    status: RobotStatus | None = None
    sent: Sent | None = None


class RobotClient:
    """One connection to a robot process, from its start or joining to its end."""

    def __init__(self, name: str, process: subprocess.Popen[bytes] | None, log: IO[bytes] | None) -> None:
        """Use `start` or `join`."""
        self.state = "starting"
        """"starting", "connected" or "ended"."""
        self.sentence = ""
        """Why it ended; empty if it was asked to."""
        self.held = False
        """The arm button is down; poll often while it is."""
        self._name, self._process, self._log = name, process, log
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._socket: socket.socket | None = None
        self._unpacker, self._unsent = Unpacker(), b""
        self._began_s = self._heard_s = self._polled_s = time.monotonic()
        self._still_s = 0.0
        self._quit_s: float | None = None

    @classmethod
    def start(cls, arguments: Sequence[str], environment: Mapping[str, str], name: str = "Blender") -> RobotClient:
        """Start `semblance robot serve ARGUMENTS` and connect to it; returns at once.

        Args:
            arguments: the robot and how it is reached, as `semblance robot serve --help` says.
            environment: in which the process finds the extension and its wheels.
        """
        log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        # Not in our group: Ctrl-C is for us, who then lets the head rest. The flags are Windows' way to say so.
        apart = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        process = subprocess.Popen(
            [sys.executable, "-m", "addon.commands", "robot", "serve", *arguments], cwd=ROOT, env=dict(environment),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, creationflags=apart,
            start_new_session=True,
        )
        client = cls(name, process, log)
        threading.Thread(target=client._read_lines, name="robot stdout", daemon=True).start()
        return client

    @classmethod
    def join(cls, port: int, token: str, name: str) -> RobotClient:
        """Connect to a process that somebody else has started; returns at once."""
        client = cls(name, None, None)
        client._connect(port, token)
        return client

    def send(self, command: Command) -> None:
        """Say this to the process as soon as it is connected; after the end it is forgotten.

        A Target never waits: what cannot be said now is old by then.

        Raises:
            SemblanceError: for a Play of more than an hour.
        """
        if isinstance(command, Target) and (self._unsent or self.state != "connected"):
            return
        if isinstance(command, Arm):
            self.held = command.held
        if self.state != "ended" and len(self._unsent) < _LARGEST_UNSENT:
            try:
                self._unsent += pack(to_message(command))
            except ValueError as error:
                raise SemblanceError("The performance is too long to be played on a robot at once (about an hour); cut "
                                     "it in parts.") from error
            if self._socket:
                self._flush()

    def release(self) -> None:
        """The held arm button was let go: to rest, then limp."""
        if self.held:
            self.held = False
            self.send(Disarm())

    def poll(self) -> Update:
        """What has come since the last poll; call it from a timer."""
        update, now_s = Update(), time.monotonic()
        if self.state == "starting" and self._process:
            self._hear_port(now_s)
        if self._socket:
            if now_s - self._polled_s > SILENCE_S / 2:  # it was us who slept
                self._heard_s = now_s
            if self.held and now_s - self._still_s > _STILL_S:
                self._still_s = now_s
                self.send(StillHeld())
            self._flush()
            self._receive(update, now_s)
        if self._quit_s is not None and now_s - self._quit_s > _GOES_S:
            self._end("")
        self._polled_s = now_s
        return update

    def stop(self) -> None:
        """Ask the process to rest, limp and end if it is ours; else only leave. `poll` until the state is "ended"."""
        if self.state == "ended" or self._quit_s is not None:
            return
        if self._process is None or self.state == "starting":
            self._end("")
        else:
            self._quit_s = time.monotonic()
            self.send(Quit())

    def let_go(self) -> None:
        """As `stop`, for a program that polls no more: a process of ours rests, goes limp and ends by itself."""
        self.stop()
        if self.state != "ended":
            self._end("")

    def wait_end(self) -> None:
        """For programs that may wait: `stop`, and until it has ended."""
        self.stop()
        while self.state != "ended":
            self.poll()
            time.sleep(0.02)

    def _read_lines(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put(b"")

    def _hear_port(self, now_s: float) -> None:
        try:
            line = self._lines.get_nowait()
        except queue.Empty:
            if now_s - self._began_s > _START_S:
                self._end("The robot process did not start within 30 seconds.")
            return
        try:
            said = json.loads(line)
            if "error" in said:
                self._end(str(said["error"]))
            elif said["version"] != VERSION:
                self._end("The robot process is of another version of Semblance; restart this program.")
            else:
                self._connect(int(said["port"]), str(said["token"]))
        except (ValueError, KeyError, TypeError):
            if not line:
                self._end(f"The robot process ended at once{self._last_words()}")

    def _connect(self, port: int, token: str) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), 0.5)
        except OSError:
            self._end("Nobody answers where the robot process should be.")
            return
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state, self._heard_s = "connected", time.monotonic()
        self._unsent = pack(to_message(Hello(token, self._name))) + self._unsent
        self._flush()

    def _flush(self) -> None:
        try:
            while self._socket and self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self._end("The connection to the robot process broke.")

    def _receive(self, update: Update, now_s: float) -> None:
        try:
            while self._socket:
                data = self._socket.recv(1 << 18)
                if not data:
                    self._end("The robot process has ended.")
                    return
                self._heard_s = now_s
                for report in map(from_message, self._unpacker.feed(data)):
                    if isinstance(report, RobotStatus):
                        update.status = report
                    elif isinstance(report, Sent):
                        update.sent = report
        except BlockingIOError:
            if now_s - self._heard_s > SILENCE_S:
                self._end(_ANSWERS_NOT)
        except OSError:
            self._end("The connection to the robot process broke.")
        except SemblanceError as error:
            self._end(str(error))

    def _end(self, sentence: str) -> None:
        """Release everything; a process of ours that lives on is killed when it is hopeless, else it lets itself go."""
        self.sentence = "" if self._quit_s is not None else sentence
        self.state, self.held = "ended", False
        if self._socket:
            self._socket.close()
            self._socket = None
        if self._process:
            self._reap(self._process)
        if self._log:
            self._log.close()

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        if self.sentence == _ANSWERS_NOT or (self._quit_s is not None and time.monotonic() - self._quit_s > _GOES_S):
            process.kill()
        # It may still be easing to rest; a thread of its own buries it.
        threading.Thread(target=process.wait, name="robot end", daemon=True).start()

    def _last_words(self) -> str:
        line = last_line(self._log) if self._log else ""
        return f": {line}" if line else "."
