"""The one process that owns a head: keeps the beat, hears its clients, and lets go of the motors whatever happens.

It says on its stdout one JSON line, {"port", "token", "pid", "version"} or {"error"}. Its stdin is a pipe from whoever
started it: the end of it means that the starter is gone; then the head goes to rest, then limp, and the process ends.
Signals only set a flag, because an exception in the middle of a frame would leave the port unable to switch off. A
`kill -9` of this process itself is covered by the hardware's watchdog and nothing else.
"""
from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ..core.errors import SemblanceError
from .actuator_map import RobotMap
from .control_socket import Client, ControlSocket
from .folders import user_folder
from .head import Head
from .loop import PROBLEM_S, RobotLoop
from .messages import (
    HEARTBEAT_S,
    VERSION,
    Arm,
    Disarm,
    Follow,
    Hello,
    Jog,
    Play,
    Quit,
    StillHeld,
    Stop,
    Target,
)
from .one_writer import Claim, Running, claim
from .sent_log import SentLog
from .states import State

_TELL_S: Final = 1 / 30
_LEAVES_WITHIN_S: Final = 6.0
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name))


class Feed(Protocol):
    """A source of live frames that the process reads by itself."""

    @property
    def problem(self) -> str:
        """Why nothing comes any more; empty while it does."""

    def newest(self) -> Target | None:
        """The newest frame since the last call; never waits."""

    def close(self) -> None:
        """Let go of the source."""


def serve(robot: RobotMap, follow: Callable[[Follow, RobotMap], Feed] | None = None, out: IO[str] | None = None) -> int:
    """Own the head until it is told to quit, its starter is gone or a signal comes; returns the exit code.

    Args:
        robot: with its links as they are to be opened.
        follow: opens a Feed for the message Follow; None: it is refused.
        out: where the one line is said; default: stdout.
    """
    out = out or sys.stdout
    try:
        process = RobotProcess(robot, follow)
    except (SemblanceError, OSError) as error:
        print(json.dumps({"error": str(error)}), file=out, flush=True)
        return 1
    with process:
        control = process.control
        print(json.dumps({"port": control.port, "token": control.token, "pid": os.getpid(), "version": VERSION}),
              file=out, flush=True)
        process.run()
    return 0


def _log_path(robot: str, ports: Iterable[str]) -> Path:
    """Where it is written down what is sent; each real head has its own file, as several may be of one design."""
    real = [re.sub(r"\W+", "_", Path(port).name) for port in dict.fromkeys(ports) if port not in ("", "simulated")]
    return user_folder() / "logs" / f"{' '.join([robot, *real])}.jsonl"


class RobotProcess:
    """One head with its control socket; as a context it always ends limp."""

    def __init__(self, robot: RobotMap, follow: Callable[[Follow, RobotMap], Feed] | None = None) -> None:
        """Bind the control socket, claim the ports, open the links; in this order.

        Raises:
            SemblanceError: if a port is taken or what answers is not what the map says.
        """
        self._follow = follow
        self._feed: Feed | None = None
        self._leaving = ""
        self._hurried = False
        self._problem, self._problem_s = "", float("-inf")
        self.control = ControlSocket()
        self._claims: list[Claim] = []
        self.loop = RobotLoop(robot, Head(robot))
        try:
            ports = ["simulated" if link.protocol == "simulated" else link.port for link in robot.links.values()]
            for where in dict.fromkeys(ports):
                self._claims.append(claim(robot.name, where))
                self._claims[-1].say(Running(robot.name, where, os.getpid(), self.control.port, self.control.token))
            self.loop.log = SentLog(robot, _log_path(robot.name, ports))
            self.loop.connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> RobotProcess:
        atexit.register(self.close)
        for number in _SIGNALS:
            signal.signal(number, self._signalled)
        threading.Thread(target=self._watch_starter, name="starter", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        atexit.unregister(self.close)

    def run(self) -> None:
        """The beat, until it is time to leave and the head is limp."""
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at again in the middle of a tick
        _ask_for_priority()
        period_s, told_s, seen_s, leave_by_s = self.loop.period_s, 0.0, 0.0, float("inf")
        due_s = time.monotonic() + period_s
        while True:
            late_s = _sleep_until(due_s)
            self._hear()
            self.loop.tick(late_s)
            now_s = time.monotonic()
            if self._leaving:
                leave_by_s = min(leave_by_s, now_s + _LEAVES_WITHIN_S)
                self.loop.disarm(self._leaving)
                limp = self.loop.state in (State.LIMP, State.STOPPED, State.DISCONNECTED)
                if limp or self._hurried or now_s > leave_by_s:
                    return
            if self.loop.newest and now_s - seen_s >= _TELL_S:
                self.control.tell(self.loop.newest)
                self.loop.newest, seen_s = None, now_s
            if now_s - told_s >= HEARTBEAT_S:
                self._tell_status()
                told_s = now_s
            # Beats that were missed are left out: a burst would be faster than the motors may go.
            due_s += period_s * max(1, 1 + int((now_s - due_s) / period_s))

    def close(self) -> None:
        """Limp, closed, the ports free; harmless twice."""
        self.loop.close()
        with contextlib.suppress(OSError):
            self._close_feed()
            self._tell_status()
        self.control.close()
        for each in self._claims:
            each.release()
        self._claims = []

    def _signalled(self, number: int, _: Any) -> None:
        self._hurried = bool(self._leaving)
        self._leaving = f"The process was asked to end ({signal.Signals(number).name}); eases to rest."

    def _watch_starter(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            # Not through sys.stdin: a thread that waits in its lock would abort the interpreter's end.
            while os.read(sys.stdin.fileno(), 4096):
                pass
        self._leaving = self._leaving or "The program that started this is gone; eases to rest."

    def _hear(self) -> None:
        for client, said in self.control.heard():
            try:
                self._heed(said)
            except SemblanceError as error:
                self._problem, self._problem_s = str(error), time.monotonic()
                self._tell_status(client)
        if self._feed and (target := self._feed.newest()):
            self.loop.target(target)

    def _heed(self, said: Any) -> None:
        loop = self.loop
        match said:
            case Target():
                loop.target(said)
            case Stop():
                loop.stop(said.reason)
            case Arm() if not self._leaving:
                loop.arm(said.held)
            case StillHeld():
                loop.still_held()
            case Disarm():
                loop.disarm()
            case Play():
                loop.play(said)
            case Jog():
                loop.jog(said)
            case Follow():
                self._open_feed(said)
            case Hello():
                loop.new_source()
            case Quit():
                self._leaving = self._leaving or "Quits; eases to rest."

    def _open_feed(self, said: Follow) -> None:
        self._close_feed()
        if said.port == 0:
            return
        if self._follow is None:
            raise SemblanceError("This robot process cannot follow a live worker by itself; send it targets.")
        self.loop.new_source()
        self._feed = self._follow(said, self.loop.robot)

    def _close_feed(self) -> None:
        if self._feed:
            self._feed.close()
            self._feed = None

    def _tell_status(self, client: Client | None = None) -> None:
        recent = self._problem if time.monotonic() - self._problem_s < PROBLEM_S else ""
        status = self.loop.status(recent or (self._feed.problem if self._feed else ""), os.getpid())
        if client:
            self.control.tell_one(client, status)
        else:
            self.control.tell(status)


def _ask_for_priority() -> None:
    """Before other programs, where the system lets us: as root, or in a group for real-time audio on Linux."""
    for ask in (lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)), lambda: os.nice(-10)):
        try:
            ask()
            return
        except (OSError, AttributeError):  # not allowed, or not on this system
            continue


def _sleep_until(due_s: float) -> float:
    """Wait for a moment of time.monotonic(); returns by how much it was missed."""
    while (left_s := due_s - time.monotonic()) > 0:
        time.sleep(left_s)
    return -left_s
