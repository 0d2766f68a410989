"""OSC to a head that listens: read back by a decoder of this test's own."""
from __future__ import annotations

import math
import socket
import struct
from collections.abc import Iterator

import pytest

from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.links.osc import OscLink

THIRTY = {channel: ActuatorLimits(channel, -1, 0, 1, "native", f"Brow {channel}") for channel in range(30)}


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(2)
        yield ear


@pytest.fixture
def link(ear: socket.socket) -> Iterator[OscLink]:
    link = open_link(LinkSettings("ameca", "osc", str(ear.getsockname()[1])), THIRTY)
    assert isinstance(link, OscLink)
    yield link
    link.close()


def heard(ear: socket.socket) -> dict[str, float]:
    """One bundle, by the OSC 1.0 specification: "#bundle", time, then length and message of each."""
    data = ear.recv(65536)
    assert data[:16] == b"#bundle\x00" + b"\x00" * 7 + b"\x01"
    messages, at = {}, 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        message = data[at + 4:at + 4 + size]
        at += 4 + size
        address = message[:message.index(b"\x00")]
        kind = message[len(address) // 4 * 4 + 4:][:4]
        messages[address.decode()] = struct.unpack(">" + {b",f\0\0": "f", b",i\0\0": "i"}[kind], message[-4:])[0]
    return messages


def test_thirty_controls_go_in_one_bundle(ear: socket.socket, link: OscLink) -> None:
    link.send(dict.fromkeys(range(30), 0.5))
    link.enable(list(range(30)))
    assert heard(ear) == {"/face/enable": 1}
    for sequence in (1, 2):
        link.send({channel: channel / 32 for channel in range(30)})
        assert heard(ear) == {"/face/sequence": sequence, **{f"/face/Brow_{c}": c / 32 for c in range(30)}}


def test_limp_is_said_three_times_and_then_nothing(ear: socket.socket, link: OscLink) -> None:
    link.enable([1])
    link.limp()
    link.send({1: 0.5})
    ear.settimeout(0.05)
    assert [heard(ear) for _ in range(4)] == [{"/face/enable": 1}, *[{"/face/limp": 1}] * 3]
    with pytest.raises(TimeoutError):
        ear.recv(100)


def test_what_is_no_number_never_leaves(ear: socket.socket, link: OscLink) -> None:
    link.enable([1])
    heard(ear)
    for value in (math.nan, math.inf):
        with pytest.raises(LinkFault, match="no number"):
            link.send({1: value})
    ear.settimeout(0.05)
    with pytest.raises(TimeoutError):
        ear.recv(100)


def test_nobody_listening_is_a_warning_not_a_stop() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    link = open_link(LinkSettings("ameca", "osc", f"127.0.0.1:{port}"), THIRTY)
    link.enable([1])
    for _ in range(5):
        link.send({1: 0.5})
    assert [fault.severity for fault in link.read_faults()] == ["warn"]
    assert link.read_positions() is None and link.set_watchdog(0.3) is False
    link.close()


@pytest.mark.parametrize("wrong", ["", "host", "host:", "host:0", "host:99999", "1.2.3.4:x", ":-1"])
def test_wrong_addresses_are_refused(wrong: str) -> None:
    with pytest.raises(LinkFault, match="OSC address"):
        open_link(LinkSettings("ameca", "osc", wrong), THIRTY)


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(LinkFault, match="is not reached"):
        open_link(LinkSettings("ameca", "osc", "no.such.host.invalid:9000"), THIRTY)
