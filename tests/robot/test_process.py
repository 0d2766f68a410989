"""The real process, driven through its socket; hardware is a board on the far side of a pseudo-terminal."""
from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from addon.core.paths import ROOT
from addon.robot import signals
from addon.robot.client import RobotClient
from addon.robot.map_reading import ROBOTS
from addon.robot.messages import Arm, Disarm, Jog, Play, Stop, Target
from addon.robot.one_writer import running

posix = pytest.mark.skipif(os.name == "nt", reason="no such signals on this system")
PATIENCE_S = 20.0


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Logs and claims go to a folder of the test; the head is the hobby head, but blends faster."""
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    text = (ROBOTS / "maestro_head" / "actuators.toml").read_text(encoding="utf-8")
    (tmp_path / "quick.toml").write_text(text.replace("arm_blend_s = 1.5", "arm_blend_s = 0.3"), encoding="utf-8")
    monkeypatch.setenv("QUICK", str(tmp_path / "quick.toml"))
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _rows(log):
    return [json.loads(line) for line in Path(log).read_text(encoding="utf-8").splitlines()]


class Head:
    """A robot process of the test's own; whatever happens it does not outlive the test."""

    def __init__(self, environment, *arguments):
        self.client = RobotClient.start(["--robot", environment["QUICK"], *arguments], environment, "a test")
        self.process = self.client._process
        self.status, self.sequence = None, 0

    def until(self, wanted, frames=False, **values):
        """Poll, with frames or none, until the newest status is as `wanted`."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            if frames:
                self.say(**values)
            self.status = self.client.poll().status or self.status
            if self.client.state == "ended" or (self.status and wanted(self.status)):
                return self.status
            time.sleep(0.01)
        raise AssertionError(f"waited in vain; the last status was {self.status}")

    def say(self, **values):
        self.sequence += 1
        row = np.array([values.get(name, 0.0) for name in signals.NAMES])
        self.client.send(Target(signals.NAMES, time.monotonic(), self.sequence, row))

    def to_live(self):
        self.until(lambda s: s.state == "LIMP")
        self.client.send(Arm())
        self.until(lambda s: s.state == "LIVE", frames=True, jawOpen=0.5)
        return self

    def log(self):
        return _rows(self.status.log)

    def events(self):
        return [row["event"] for row in self.log() if "event" in row]


@contextlib.contextmanager
def head(environment, *arguments):
    one = Head(environment, *arguments)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        one.client.stop()


def test_it_connects_arms_follows_disarms_and_ends(environment):
    with head(environment) as one:
        one.until(lambda s: s.state == "LIMP")
        assert one.status.robot == "maestro_head" and len(one.status.names) == 18
        one.to_live()
        assert [r.robot for r in running()] == ["maestro_head"]
        one.client.send(Disarm())
        one.until(lambda s: s.state == "LIMP", frames=True)
        one.client.wait_end()
        assert one.process.wait(5) == 0
        assert running() == []
        assert one.events()[-2:] == ["LIMP", "DISCONNECTED"]


def test_stop_is_latched_and_a_datagram_is_enough(environment):
    with head(environment) as one:
        one.to_live()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.sendto(b"STOP", ("127.0.0.1", running()[0].port))
        one.until(lambda s: s.state == "STOPPED", frames=True)
        assert one.status.reason == "A STOP datagram came."
        one.client.send(Arm())
        one.until(lambda s: s.state == "LIVE", frames=True)
        one.client.send(Stop())
        one.until(lambda s: s.state == "STOPPED", frames=True)
        assert one.status.reason == "Stop was pressed."


def test_a_performance_plays_by_the_processs_own_clock(environment):
    with head(environment) as one:
        one.until(lambda s: s.state == "LIMP")
        track = np.zeros((40, len(signals.NAMES)), np.float32)
        track[:, signals.NAMES.index("jawOpen")] = 0.5
        one.client.send(Play(signals.NAMES, np.linspace(0, 1, 40), track))
        one.client.send(Arm())
        one.until(lambda s: s.state == "LIVE")
        one.until(lambda s: s.state == "RESTING")
        assert max(row["wanted"][10] for row in one.log() if "raw" in row) == pytest.approx(0.62, abs=0.01)


def test_what_is_refused_is_told_in_a_sentence(environment):
    with head(environment) as one:
        one.until(lambda s: s.state == "LIMP")
        one.client.send(Jog("ear", 0.5))
        one.until(lambda s: "cannot jog 'ear'" in s.problem)


def _at_once(scenario, environment, cases):
    """Each case with a head and a folder of its own, side by side: most of their time they wait."""
    folder = Path(environment["SEMBLANCE_USER"])
    own = [{**environment, "SEMBLANCE_USER": str(folder / str(k))} for k in range(len(cases))]
    with ThreadPoolExecutor(len(cases)) as pool:
        list(pool.map(scenario, own, cases))


@posix
def test_a_signal_rests_limps_and_ends(environment):
    def ended_by(own, number):
        with head(own) as one:
            one.to_live()
            one.process.send_signal(number)
            assert one.process.wait(8) == 0, number
            events = one.events()
            assert events[events.index("LIVE"):] == ["LIVE", "RESTING", "LIMP", "DISCONNECTED"], number

    _at_once(ended_by, environment, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])


@posix
def test_a_second_signal_does_not_wait_for_the_rest(environment):
    with head(environment) as one:
        one.to_live()
        one.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        begun_s = time.monotonic()
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(8) == 0 and time.monotonic() - begun_s < 1
        assert one.events()[-1] == "DISCONNECTED"


_STARTER = """
import os, sys, time
sys.path.insert(0, {root!r})
from tests.robot.test_process import Head
one = Head(dict(os.environ), *{arguments!r}).to_live()
print(one.process.pid, one.status.log, flush=True)
while True:
    one.say(jawOpen=0.5)
    one.client.poll()
    time.sleep(0.01)
"""


def _starter(environment, *arguments):
    """A program that starts the robot process and drives it: Blender's place."""
    program = _STARTER.format(root=str(ROOT), arguments=arguments)
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def _ends_within(pid, seconds):
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False


@posix
def test_kill_9_of_the_starter_leaves_the_head_at_rest_and_limp(environment):
    starter = _starter(environment)
    try:
        pid, log = starter.stdout.readline().split(maxsplit=1)
        starter.kill()
        starter.wait()
        assert _ends_within(int(pid), 6)
    finally:
        starter.kill()
        starter.stdout.close()
        starter.wait()
    rows = _rows(log.strip())
    events = [row["event"] for row in rows if "event" in row]
    assert events[events.index("LIVE"):] == ["LIVE", "RESTING", "LIMP", "DISCONNECTED"]
    at = {row["event"]: row["t"] for row in rows if "event" in row}
    assert at["LIMP"] - at["RESTING"] < 3
    last = [row["raw"] for row in rows if "raw" in row][-1]
    assert abs(last[10] - 1500) <= 7, "the jaw was at rest before it was let go"


@posix
def test_kill_9_of_the_process_itself_is_the_hardwares_own_affair(environment):
    """The Maestro's serial time-out, which a builder sets in its control centre, takes the pulses away."""
    from .boards import MaestroBoard

    with MaestroBoard(channels=18, crc=True, timeout_s=0.3) as board, head(environment, "--link", board.path) as one:
        one.to_live()
        assert all(board.pulses[:18])
        one.process.kill()
        begun_s = time.monotonic()
        while any(board.pulses) and time.monotonic() - begun_s < 2:
            time.sleep(0.01)
        assert not any(board.pulses) and time.monotonic() - begun_s < 1


@posix
def test_unplugged_in_motion_stops_in_a_sentence(environment):
    from .boards import MaestroBoard

    with MaestroBoard(channels=18, crc=True) as board, head(environment, "--link", board.path) as one:
        one.to_live()
        board.unplug()
        one.until(lambda s: s.state == "STOPPED", frames=True)
        assert one.status.reason.count(".") >= 1 and "\n" not in one.status.reason


@posix
def test_two_processes_cannot_have_one_port(environment):
    from .boards import MaestroBoard

    with MaestroBoard(channels=18, crc=True) as board, head(environment, "--link", board.path) as one:
        one.until(lambda s: s.state == "LIMP")
        assert Path(one.status.log).name == f"maestro_head {Path(board.path).name}.jsonl"
        with head(environment, "--link", board.path) as other:
            other.until(lambda s: False)
            assert "is driven by the robot 'maestro_head'" in other.client.sentence
        one.say()
        one.until(lambda s: s.accepted > 0)


def test_what_cannot_be_connected_is_one_sentence_and_nothing_moves(environment):
    def refused(own, case):
        *arguments, sentence = case
        with head(own, *arguments) as one:
            one.until(lambda s: False)
            assert one.client.state == "ended" and sentence in one.client.sentence and "\n" not in one.client.sentence
            assert one.process.wait(5) == 1

    _at_once(refused, environment, [
        ("--link", "/nowhere/port", "/nowhere/port"),
        ("--link", "jaw=COM3", "no link 'jaw'"),
        ("--fault", "stuck:99", "has no channel 99"),
        ("--fault", "bored", "'bored' is no fault to simulate"),
        ("--unit", "head-007", "head-007"),
    ])


def test_a_stranger_without_the_token_is_not_heard(environment):
    with head(environment) as one:
        one.until(lambda s: s.state == "LIMP")
        port = running()[0].port
        stranger = RobotClient.join(port, "0" * 32, "a stranger")
        stranger.send(Stop())
        until_s = time.monotonic() + 3
        while stranger.state != "ended" and time.monotonic() < until_s:
            stranger.poll()
            time.sleep(0.02)
        assert stranger.state == "ended"
        with socket.create_connection(("127.0.0.1", port)) as noise:
            noise.sendall(os.urandom(5000))
            one.until(lambda s: s.state == "LIMP")
        assert one.status.state == "LIMP"
