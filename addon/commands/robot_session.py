"""A terminal's session with a robot head: play a performance on it, or let it follow a face; it shows how it goes."""
from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ..core.errors import SemblanceError
from ..core.processes import child_environment
from ..core.rig_profile import find_profile
from ..live.client import LiveClient
from ..live.for_robots import performance
from ..live.messages import Character, Open, SetCast
from ..live.performance import record_take
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.client import RobotClient
from ..robot.messages import Arm, Disarm, Follow, RobotStatus, Sent, Stop
from .robot_film import film, require_film

_POLL_S: Final = 0.02
_DRAW_S: Final = 0.1
_LOG_S: Final = 2.0
_BAR: Final = " ▁▂▃▄▅▆▇█"
_AT_REST_S: Final = 8.0
_READY_S: Final = 15.0


def play(robot: RobotMap, args: argparse.Namespace) -> int:
    """Play a take from its first to its last frame, then rest, limp and end; then film it if that is wanted."""
    video = require_film(args.film, args.video) if args.film else None
    take = record_take(str(args.performance))
    command = performance(robot, take.smoothed)
    with contextlib.closing(Session(robot, args)) as session:
        session.client.send(command)
        session.wait(lambda status: status.playing == "clip")
        if not session.arm():
            return 0
        # It waits at its first frame until the head is there, so it plays from the beginning.
        code = session.run(lambda status: not status.playing)
    if video:
        print(f"Films what was sent into '{args.film}' ...", flush=True)
        film(take, video, robot, session.log, args.film)
    return code


def live(robot: RobotMap, args: argparse.Namespace) -> int:
    """Let the robot process follow a live worker: one of our own on the source, or one that is there already."""
    if args.join:
        port, token = args.join
        return _follow(LiveClient.join(port, token, "semblance robot live", ("status",)), robot, "", args)
    worker = LiveClient.start("semblance robot live", ("status",))
    character = ""
    if robot.controls != signals.EXPRESSION:
        profile = find_profile(robot.controls)
        worker.send(SetCast((Character.of(profile, face=args.face),)))
        character = profile.name
    worker.send(Open(args.source, mirror=args.mirror))
    return _follow(worker, robot, character, args)


def _follow(worker: LiveClient, robot: RobotMap, character: str, args: argparse.Namespace) -> int:
    try:
        if args.join and robot.controls != signals.EXPRESSION:
            raise SemblanceError(f"The robot '{robot.name}' is driven by the character '{robot.controls}', so it needs "
                                 "a worker of its own; leave out --join.")
        _wait_running(worker)
        with contextlib.closing(Session(robot, args)) as session:
            if not args.join:
                print(f"Other heads follow the same face with --join {worker.port}:{worker.token}", flush=True)
            session.client.send(Follow(worker.port, worker.token, character, args.face))
            if not session.arm():
                return 0
            return session.run(lambda _: worker.state == "ended")
    finally:
        worker.stop()


def _wait_running(worker: LiveClient) -> None:
    """Until the source plays.

    Raises:
        SemblanceError: with what the worker says is wrong with it.
    """
    while worker.state != "ended":
        worker.wait(0.1)
        status = worker.poll().status
        if status and status.state == "running":
            return
        if status and status.state == "failed":
            raise SemblanceError(status.sentence)
    raise SemblanceError(worker.sentence)


class Session:
    """One robot process of our own, from its start until the head is limp and it has ended."""

    def __init__(self, robot: RobotMap, args: argparse.Namespace) -> None:
        """Start it, and wait until it has opened the head.

        Raises:
            SemblanceError: with what it says is wrong.
        """
        self._robot, self._args = robot, args
        self._status: RobotStatus | None = None
        self._sent: Sent | None = None
        self._drawn_s = 0.0
        arguments = ["--robot", str(robot.path), "--link", args.link, "--fault", args.fault]
        self.client = RobotClient.start([*arguments, "--unit", args.unit], child_environment(), "a terminal")
        while self._status is None:
            self._poll()
        # A problem of the process that is there from the beginning concerns whoever sits here.
        if self._status.problem:
            print(f"Note: {self._status.problem}", file=sys.stderr)
        print(f"Connected to {robot.name} ({args.link}), {len(robot)} actuators; nothing moves yet.", flush=True)

    def wait(self, ready: Callable[[RobotStatus], bool]) -> None:
        """Until it is `ready`.

        Raises:
            SemblanceError: with the problem that is in the way, after some seconds.
        """
        until_s = time.monotonic() + _READY_S
        while self._status is None or not ready(self._status):
            self._poll()
            if time.monotonic() > until_s:
                raise SemblanceError((self._status and self._status.problem) or "The robot process is not ready.")

    def arm(self) -> bool:
        """Let it move: by --arm, or by the answer to the question; False if that was no.

        Raises:
            SemblanceError: where nobody can be asked.
        """
        if not self._args.arm:
            if not sys.stdin.isatty():
                raise SemblanceError("It may move only with --arm, or by a yes in a terminal.")
            if input("Is everybody clear of the head, and a hand at the switch? Type yes to arm: ").strip() != "yes":
                print("Not armed; nothing has moved.")
                return False
        self.client.send(Arm())
        return True

    def run(self, done: Callable[[RobotStatus], bool]) -> int:
        """Show how it goes until it is `done`, the time is over, or Ctrl-C; returns the exit code."""
        until_s = time.monotonic() + (self._args.seconds or float("inf"))
        try:
            while time.monotonic() < until_s:
                self._poll()
                self._draw()
                status = self._status
                if status and status.state == "STOPPED":
                    raise SemblanceError(f"The head was stopped: {status.reason}")
                if status and done(status):
                    break
        except KeyboardInterrupt:
            print("\nEases to rest; Ctrl-C once more stops at once.", file=sys.stderr)
        finally:
            self._rest()
        return 0

    @property
    def log(self) -> Path:
        """Where what was sent is written down."""
        return Path(self._status.log if self._status else "")

    def close(self) -> None:
        """End the process; it lets go of the head before it ends."""
        self.client.wait_end()

    def _rest(self) -> None:
        """To rest and limp, shown; a second Ctrl-C stops at once."""
        self.client.send(Disarm())
        until_s = time.monotonic() + _AT_REST_S
        try:
            while time.monotonic() < until_s and self._newest() and not self._is_limp():
                self._draw()
        except KeyboardInterrupt:
            self.client.send(Stop("Stopped by Ctrl-C."))
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if self._status:
            print(f"{self._status.state}: {self._status.reason} What was sent is in '{self._status.log}'.")

    def _is_limp(self) -> bool:
        return bool(self._status and self._status.state in ("LIMP", "STOPPED", "DISCONNECTED"))

    def _newest(self) -> bool:
        """Wait a moment and take what is new; False when the process has ended."""
        time.sleep(_POLL_S)
        update = self.client.poll()
        self._status, self._sent = update.status or self._status, update.sent or self._sent
        return self.client.state != "ended"

    def _poll(self) -> None:
        if not self._newest():
            raise SemblanceError(self.client.sentence or "The robot process has ended.")

    def _draw(self) -> None:
        """One line: the state, the beat, and a bar per actuator as it was sent."""
        now_s, screen = time.monotonic(), sys.stderr.isatty()
        if now_s - self._drawn_s < (_DRAW_S if screen else _LOG_S) or not self._status:
            return
        self._drawn_s = now_s
        status = self._status
        u = self._sent.sent if self._sent else np.zeros(0)
        bars = "".join(_BAR[round(float(x + 1) / 2 * (len(_BAR) - 1))] for x in np.clip(u, -1, 1))
        problem = next(iter(status.faults), status.problem)
        beat = f"{status.rate_hz:3.0f} Hz, {status.jitter_ms:.1f} ms late"
        text = f"{status.state:<8} {beat} |{bars}| {problem or status.reason}"
        if screen:
            width = shutil.get_terminal_size().columns - 1
            text = "\r" + text[:width].ljust(width)
        print(text, end="" if screen else "\n", file=sys.stderr, flush=True)
