import socket
import threading
import time

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.live.doors import door as doors
from addon.live.doors import is_door, open_door

from .making import Phone, hear, hear_all, live_link_packet


def values_with(value):
    return np.full(61, value, np.float32)


def test_without_a_host_only_this_computer_is_heard():
    with open_door("livelink://:0") as door:
        assert door._socket.getsockname()[0] == "127.0.0.1"
        assert (door.info.kind, door.info.name) == ("livelink", f"livelink://127.0.0.1:{door.port}")


def test_localhost_is_where_trackers_send_to():
    with open_door("osc://localhost:0") as door:
        assert door._socket.getsockname()[0] == "127.0.0.1"


def test_a_host_is_taken_as_given():
    with open_door("osc://0.0.0.0:0") as door:
        assert door._socket.getsockname()[0] == "0.0.0.0"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_host_is_heard():
    try:
        door = open_door("livelink://[::1]:0")
    except SemblanceError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    with door, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as phone:
        phone.sendto(live_link_packet(values_with(0.5)), ("::1", door.port))
        assert hear(door) is not None


@pytest.mark.parametrize(("address", "is_one"), [
    ("livelink://:11111", True), ("VMC://", True), (" osc://0.0.0.0", True), ("0", False), ("rtsp://a", False),
    ("osc.mp4", False),
])
def test_addresses_of_doors_are_told_from_others(address, is_one):
    assert is_door(address) == is_one


@pytest.mark.parametrize(("address", "says"), [
    ("livelink://:70000", "a port up to 65535"),
    ("livelink://:x", "is no address to listen at"),
    ("http://a", "is no address to listen at"),
    ("osc://no.such.host.invalid:9000", "'no.such.host.invalid' in 'osc://no.such.host.invalid:9000' is not a known"),
    ("osc://203.0.113.7:9000", "'203.0.113.7' is no address of this computer: say osc://0.0.0.0:9000"),
])
def test_a_wrong_address_is_refused_in_words(address, says):
    with pytest.raises(SemblanceError, match=says):
        open_door(address)


def test_a_taken_port_is_told_with_a_way_out():
    with open_door("livelink://:0") as door:
        says = f"Port {door.port} is taken by another program .* such as vmc://127.0.0.1:{door.port + 1}"
        with pytest.raises(SemblanceError, match=says):
            open_door(f"vmc://:{door.port}")
    open_door(f"vmc://:{door.port}").close()


def test_silence_gives_none_ten_times_a_second():
    with open_door("livelink://:0") as door:
        begin, count = time.monotonic(), 0
        for expression in door:
            assert expression is None
            count += 1
            if time.monotonic() - begin > 0.45:
                break
    assert 3 <= count <= 6


def test_closing_ends_an_iteration_under_way():
    door = open_door("livelink://:0")
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (list(door), ended.set()), daemon=True)
    thread.start()
    time.sleep(0.05)
    door.close()
    assert ended.wait(2)
    assert door.warnings == []


def test_the_newest_of_many_waiting_packets_counts():
    with open_door("livelink://:0") as door, Phone(door) as phone:
        phone.send(*(live_link_packet(values_with(i / 100), frame=i) for i in range(100)))
        heard = hear_all(door)
    assert len(heard) == 1
    assert heard[0].coefficients[0] == pytest.approx(0.99)


def test_a_flood_cannot_hold_the_door_up():
    with open_door("livelink://:0") as door, Phone(door) as phone:
        flood = threading.Event()

        def pour():
            while not flood.is_set():
                phone.send(live_link_packet(values_with(0.5)))

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        try:
            assert all(hear(door, 10) is not None for _ in range(3))
        finally:
            flood.set()
            thread.join(10)


def test_only_the_first_of_two_senders_is_heard(monkeypatch):
    monkeypatch.setattr(doors, "SILENCE_S", 0.3)
    with open_door("livelink://:0") as door, Phone(door) as mia, Phone(door) as leo:
        for i in range(10):
            mia.send(live_link_packet(values_with(0.25), frame=i))
            leo.send(live_link_packet(values_with(0.75), frame=500 + i))
            assert hear(door).coefficients[0] == 0.25
        assert hear(door, 0.05) is None
        assert len(door.warnings) == 1
        assert "were left out while 127.0.0.1:" in door.warnings[0]
        time.sleep(0.3)
        leo.send(live_link_packet(values_with(0.75), frame=600))
        assert hear(door).coefficients[0] == 0.75
        mia.send(live_link_packet(values_with(0.25), frame=700))
        assert hear(door, 0.1) is None


def test_malformed_packets_do_not_take_the_door_and_are_counted():
    with open_door("livelink://:0") as door, Phone(door) as stranger, Phone(door) as phone:
        stranger.send(b"hello", b"", live_link_packet(values_with(0.5), version=7))
        phone.send(live_link_packet(values_with(0.5)))
        assert hear(door).coefficients[0] == 0.5
        assert door.warnings == ["3 packets were left out because they could not be read: version 7 instead of version "
                                 "6 of Live Link Face's ARKit mode."]


def test_a_sender_that_stops_and_comes_back_goes_on_in_time():
    with open_door("livelink://:0") as door, Phone(door) as phone:
        phone.send(live_link_packet(values_with(0.5), frame=1000))
        first = hear(door)
        time.sleep(0.3)
        phone.send(live_link_packet(values_with(0.5), frame=1018))
        second = hear(door)
        phone.send(live_link_packet(values_with(0.5), frame=3))  # the app was started anew
        third = hear(door)
    assert first.time_s == 0
    assert second.time_s == pytest.approx(0.3)
    assert 0 < third.time_s - second.time_s < 0.2


def test_a_packet_that_was_overtaken_is_left_out():
    with open_door("livelink://:0") as door, Phone(door) as phone:
        phone.send(live_link_packet(values_with(0.2), frame=11), live_link_packet(values_with(0.1), frame=10))
        assert hear(door).coefficients[0] == pytest.approx(0.2)
        phone.send(live_link_packet(values_with(0.1), frame=9))
        assert hear(door, 0.05) is None


@pytest.mark.parametrize(("host", "says"), [
    ("", "Only programs on this computer are heard; for a phone, listen at livelink://0.0.0.0:"),
    ("0.0.0.0", "Send to this computer's address, port "),
])
def test_what_to_check_is_told_until_somebody_is_heard(host, says):
    with open_door(f"livelink://{host}:0") as door, Phone(door) as phone:
        assert door.hint.startswith(says)
        phone.send(live_link_packet(values_with(0.5)))
        hear(door)
        assert door.hint == ""


def test_a_mirror_swaps_the_sides():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.random(52), rng.uniform(-0.5, 0.5, 9)]).astype(np.float32)
    with open_door("livelink://:0") as plain, open_door("livelink://:0", mirror=True) as mirror:
        heard = []
        for door in (plain, mirror):
            with Phone(door) as phone:
                phone.send(live_link_packet(values))
                heard.append(hear(door))
    (straight, swapped), name = heard, coefficients.INDEX
    for left, right in (("mouthSmileLeft", "mouthSmileRight"), ("jawLeft", "jawRight"), ("tongueOut", "tongueOut")):
        assert straight.coefficients[name[left]] == swapped.coefficients[name[right]]
    assert np.allclose(swapped.head, straight.head * [-1, 1, -1])
    assert np.allclose(swapped.gaze, straight.gaze[::-1] * [-1, 1])
    # The eyes look where the channels say, in the mirror too.
    at = coefficients.gaze_of
    assert np.allclose(at(swapped.coefficients), at(straight.coefficients)[::-1] * [-1, 1], atol=1e-6)
