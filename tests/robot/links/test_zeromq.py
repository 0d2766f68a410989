"""ZeroMQ to a head that subscribes: heard by the real library's own subscriber."""
from __future__ import annotations

import math
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.links.zeromq import ZeroMqLink

zmq: Any = pytest.importorskip("zmq", reason="pyzmq is not installed (pip install -e '.[dev]')")
COLUMNS = (8, 9, 4, 0)
CHANNELS = {channel: ActuatorLimits(channel, -130, 0, 130, "native", f"Control {channel}") for channel in COLUMNS}


@pytest.fixture
def port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def link(port: int) -> Iterator[ZeroMqLink]:
    link = open_link(LinkSettings("ameca", "zeromq", str(port)), CHANNELS)
    assert isinstance(link, ZeroMqLink)
    yield link
    link.close()


@pytest.fixture
def ear(link: ZeroMqLink, port: int) -> Iterator[Any]:
    """A subscriber of which the link knows."""
    with zmq.Context() as context, context.socket(zmq.SUB) as ear:
        ear.setsockopt(zmq.LINGER, 0)
        ear.setsockopt(zmq.RCVTIMEO, 5000)
        ear.setsockopt(zmq.SUBSCRIBE, b"")
        ear.connect(f"tcp://127.0.0.1:{port}")
        until_s = time.monotonic() + 10
        while link.read_faults() and time.monotonic() < until_s:
            time.sleep(0.01)
        assert link.read_faults() == []
        yield ear


def test_a_frame_is_the_time_and_all_values_in_the_order_of_the_columns(link: ZeroMqLink, ear: Any) -> None:
    link.enable(COLUMNS[:2])
    link.send(dict.fromkeys(COLUMNS, 0.5))
    link.enable(COLUMNS[2:])
    link.send({8: -12.25, 9: 3.0, 4: 1 / 3, 0: 0.6})
    then_s, *values = map(float, ear.recv_multipart())
    assert values == pytest.approx([0.6, 1 / 3, -12.25, 3.0], abs=1e-6)
    assert abs(time.time() - then_s) < 60


def test_limp_is_said_and_then_nothing(link: ZeroMqLink, ear: Any) -> None:
    link.enable(COLUMNS)
    link.limp()
    link.send(dict.fromkeys(COLUMNS, 0.5))
    link.close()
    assert ear.recv_multipart() == [b"limp"]
    ear.setsockopt(zmq.RCVTIMEO, 50)
    with pytest.raises(zmq.Again):
        ear.recv_multipart()


def test_nobody_listening_is_a_warning_also_after_the_last_has_gone(link: ZeroMqLink, ear: Any) -> None:
    link.enable(COLUMNS)
    ear.close()
    until_s = time.monotonic() + 10
    while not (faults := link.read_faults()) and time.monotonic() < until_s:
        link.send(dict.fromkeys(COLUMNS, 0.0))
        time.sleep(0.01)
    assert [fault.severity for fault in faults] == ["warn"]
    assert link.read_positions() is None and link.set_watchdog(0.3) is False


def test_what_is_no_number_never_leaves(link: ZeroMqLink) -> None:
    link.enable(COLUMNS)
    with pytest.raises(LinkFault, match="no number"):
        link.send({8: math.nan, 9: 0.0, 4: 0.0, 0: 0.0})


def test_a_port_that_is_taken_and_an_address_that_is_none_are_refused(link: ZeroMqLink, port: int) -> None:
    with pytest.raises(LinkFault, match=rf"^ZeroMQ cannot publish on '{port}': .*in use"):
        open_link(LinkSettings("other", "zeromq", str(port)), CHANNELS)
    for wrong in ("", "host:", "*:x"):
        with pytest.raises(LinkFault, match="is no ZeroMQ address"):
            open_link(LinkSettings("ameca", "zeromq", wrong), CHANNELS)


def test_without_the_library_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zmq", None)
    with pytest.raises(LinkFault, match="install 'pyzmq' into this Python, or say protocol = \"osc\""):
        open_link(LinkSettings("ameca", "zeromq", "6666"), CHANNELS)
