from __future__ import annotations

import socket
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.messages import Unpacker, pack
from addon.robot.control_socket import ControlSocket
from addon.robot.messages import Arm, Hello, RobotStatus, Stop, from_message, to_message

STATUS = RobotStatus("LIMP", "why", "desk_head", ("jaw",), 50.0, 0.1, 0, 0)


@pytest.fixture
def control():
    one = ControlSocket()
    yield one
    one.close()


def _heard(control, seconds=0.1):
    said, until_s = [], time.monotonic() + seconds
    while time.monotonic() < until_s:
        said += [what for _, what in control.heard()]
        time.sleep(0.002)
    return said


def _client(control, token=None):
    connection = socket.create_connection(("127.0.0.1", control.port), 2)
    connection.sendall(pack(to_message(Hello(control.token if token is None else token, "a test"))))
    return connection


def test_a_client_says_who_it_is_and_then_what_it_wants(control):
    with _client(control) as client:
        client.sendall(pack(to_message(Arm())))
        assert [type(said) for said in _heard(control)] == [Hello, Arm]
        control.tell(STATUS)
        client.settimeout(2)
        assert [from_message(m) for m in Unpacker().feed(client.recv(4096))] == [STATUS]


def test_who_says_much_at_once_is_no_stranger(control):
    with socket.create_connection(("127.0.0.1", control.port), 2) as client:
        client.sendall(pack(to_message(Hello(control.token, "a test"))) + 200 * pack(to_message(Arm())))
        assert len(_heard(control)) == 201


def test_strangers_are_not_heard(control):
    with _client(control, "wrong") as client:
        client.sendall(pack(to_message(Arm())))
        assert _heard(control) == []
        client.settimeout(2)
        assert client.recv(10) == b""
    with socket.create_connection(("127.0.0.1", control.port)) as silent:
        silent.sendall(pack(to_message(Stop())))
        assert _heard(control) == []


def test_a_token_that_no_text_can_hold_is_a_strangers(control):
    """JSON may escape half a character, which cannot be encoded; it ended the process that owns the head."""
    with _client(control, "\ud800"):
        assert _heard(control) == []


def test_a_datagram_stops(control):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"HELLO", ("127.0.0.1", control.port))
        datagram.sendto(b"STOP\n", ("127.0.0.1", control.port))
    said, = _heard(control)
    assert isinstance(said, Stop) and "datagram" in said.reason


def test_a_client_that_does_not_read_holds_nobody_up(control):
    with _client(control):
        _heard(control)
        begun_s = time.monotonic()
        for _ in range(3000):
            control.tell(STATUS)
        assert time.monotonic() - begun_s < 5
        assert len(control._clients[0].unsent) < 1 << 17


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=200), known=st.booleans())
def test_noise_is_dropped_and_others_are_heard(control, noise, known):
    with socket.create_connection(("127.0.0.1", control.port)) as loud, _client(control) as client:
        loud.sendall((pack(to_message(Hello(control.token, "noise"))) if known else b"") + noise)
        client.sendall(pack(to_message(Arm())))
        assert [said for said in _heard(control, 0.03) if isinstance(said, Arm)] == [Arm()]
