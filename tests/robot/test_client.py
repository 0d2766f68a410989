"""What the client does by itself; with a process it is tried in test_process."""
from __future__ import annotations

import time

import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.robot.client import RobotClient
from addon.robot.control_socket import ControlSocket
from addon.robot.messages import Arm, Disarm, Hello, Play, RobotStatus, Sent, StillHeld, Stop, Target

STATUS = RobotStatus("LIMP", "why", "desk_head", ("jaw",), 50.0, 0.1, 0, 0)


@pytest.fixture
def control():
    one = ControlSocket()
    yield one
    one.close()


@pytest.fixture
def client(control):
    one = RobotClient.join(control.port, control.token, "a test")
    yield one
    one.stop()


def _heard(control, client, seconds=0.2):
    said, until_s = [], time.monotonic() + seconds
    while time.monotonic() < until_s:
        client.poll()
        said += [what for _, what in control.heard()]
        time.sleep(0.005)
    return said


def test_it_hears_what_is_newest(control, client):
    _heard(control, client)
    for state in ("LIMP", "LIVE"):
        control.tell(RobotStatus(**{**vars(STATUS), "state": state}))
        control.tell(Sent(1.0, *(np.zeros(1),) * 5))
    time.sleep(0.05)
    update = client.poll()
    assert update.status.state == "LIVE" and update.sent.time_s == 1.0
    assert client.poll().status is None


def test_a_poll_takes_no_time_when_nothing_is_new(control, client):
    _heard(control, client)
    times_s = []
    for _ in range(200):
        begun_s = time.perf_counter()
        client.poll()
        times_s.append(time.perf_counter() - begun_s)
    assert np.median(times_s) < 0.0005


def test_a_held_button_says_so_until_it_is_let_go(control, client):
    client.send(Arm(held=True))
    said = _heard(control, client, 1.0)
    assert [type(each) for each in said[:2]] == [Hello, Arm] and 1 <= said.count(StillHeld()) <= 3
    client.release()
    assert _heard(control, client, 0.6) == [Disarm()]


def test_an_arm_that_is_not_held_is_said_once(control, client):
    client.send(Arm())
    assert _heard(control, client, 0.8)[1:] == [Arm()]


def test_frames_never_wait_but_a_stop_does(control):
    client = RobotClient("a test", None, None)
    for sequence in range(100):
        client.send(Target(("a",), 0.0, sequence, np.zeros(1)))
    client.send(Stop())
    client._connect(control.port, control.token)
    assert [type(each) for each in _heard(control, client)] == [Hello, Stop]
    client.stop()


def test_an_hour_is_too_long(client):
    rows = 300_000
    with pytest.raises(SemblanceError, match="too long to be played on a robot at once"):
        client.send(Play(tuple("abc"), np.arange(rows, dtype=float), np.zeros((rows, 61), np.float32)))


def test_the_end_is_told(control, client):
    _heard(control, client)
    control.close()
    until_s = time.monotonic() + 3
    while client.state != "ended" and time.monotonic() < until_s:
        client.poll()
        time.sleep(0.01)
    assert client.state == "ended" and client.sentence


def test_nobody_there_is_told():
    socket = ControlSocket()
    socket.close()
    client = RobotClient.join(socket.port, "token", "a test")
    assert client.state == "ended" and "Nobody answers" in client.sentence
