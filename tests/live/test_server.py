"""The worker's socket among friends, strangers and clients that hang; the newest only, and nobody waits for anybody."""
from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.messages import Message, Unpacker, pack
from addon.live import server as server_module
from addon.live.client import LiveClient
from addon.live.messages import (
    Alive,
    CloseSource,
    Controls,
    Hello,
    Mark,
    Picture,
    Problem,
    Status,
    Welcome,
    from_message,
    to_message,
)
from addon.live.server import Server


class Friend:
    """A client by hand."""

    def __init__(self, server: Server, *hello: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), 2)
        self._unpacker, self.heard = Unpacker(), []
        with contextlib.suppress(ConnectionError):  # it may be sent away before it has said everything
            self.socket.sendall(b"".join(hello))

    def say(self, said) -> None:
        self.socket.sendall(pack(to_message(said)))

    def hear(self, seconds: float = 2.0) -> bool:
        """Take in what comes for a while or until the end; False at the end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 20)
            except TimeoutError:
                return True
            except ConnectionError:
                return False
            if not data:
                return False
            self.heard += [from_message(message) for message in self._unpacker.feed(data)]
        return True

    def hear_until(self, kind: type, seconds: float = 3.0) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not any(isinstance(each, kind) for each in self.heard):
            self.hear(0.02)
        return any(isinstance(each, kind) for each in self.heard)


@pytest.fixture
def commands() -> list:
    return []


@pytest.fixture
def server(commands: list) -> Iterator[Server]:
    server = Server(commands.append)
    server.start()
    yield server
    server.close()
    assert not server._thread.is_alive()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), 1)


def hello(server: Server, name: str = "friend", **more) -> bytes:
    return pack(to_message(Hello(server.token, name, **more)))


def test_a_friend_is_welcomed_heard_and_told(server, commands):
    friend = Friend(server, hello(server), pack(to_message(Mark("a"))), pack(to_message(Alive())))
    assert friend.hear_until(Welcome)
    server.tell(Status("running"), "status", "status")
    assert friend.hear_until(Status)
    assert commands == [Mark("a")]


def test_each_client_is_told_what_it_wants(server):
    one, other = Friend(server, hello(server, wants=("status",))), Friend(server, hello(server, wants=("controls",)))
    assert one.hear_until(Welcome) and other.hear_until(Welcome)
    assert server.wanted("controls") and not server.wanted("picture")
    server.tell(Status("running"), "status", "status")
    server.tell(Controls("a", 0.0, 0.0, np.zeros(2, np.float32)), "controls", ("controls", "a"))
    server.tell(Problem("All hear this."))
    assert one.hear_until(Problem) and other.hear_until(Problem)
    assert {type(each) for each in one.heard} == {Welcome, Status, Problem}
    assert {type(each) for each in other.heard} == {Welcome, Controls, Problem}


def picture(number: int) -> Picture:
    image = np.zeros((240, 320, 3), np.uint8)
    return Picture(float(number), 320, 240, image, np.zeros((478, 2), np.float32))


def test_who_does_not_read_later_sees_the_newest_and_keeps_nobody_waiting(server):
    slow, quick = Friend(server, hello(server)), Friend(server, hello(server))
    assert slow.hear_until(Welcome) and quick.hear_until(Welcome)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    begin = time.monotonic()
    for number in range(200):
        server.tell(picture(number), "picture", "picture")
        slow.say(Alive())
        quick.say(Alive())
        quick.hear(0.005)
    assert time.monotonic() - begin < 20
    for friend in (quick, slow):
        end = time.monotonic() + 10
        while getattr(friend.heard[-1], "time_s", None) != 199.0 and time.monotonic() < end:
            friend.hear(0.05)
        assert friend.heard[-1].time_s == 199.0
    assert len(slow.heard) < 60, "old pictures were kept for it"
    assert len(quick.heard) > len(slow.heard)


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\0" * 100, pack(Message("Hello", {"token": "x"})),
    pack(to_message(Mark("nobody I know"))), pack(to_message(Welcome(1, 1))), pack(Message("Hello", {"version": 2})),
    pack(to_message(Hello("wrong", "thief"))), pack(to_message(Hello("\ud800", "thief"))), b"SMB1" + b"\xff" * 8,
])
def test_a_stranger_is_sent_away_and_friends_notice_nothing(server, commands, data):
    friend = Friend(server, hello(server))
    stranger = Friend(server, data)
    assert not stranger.hear(2)
    assert all(isinstance(each, Problem) for each in stranger.heard)
    assert commands == []
    server.tell(Status("running"), "status", "status")
    assert friend.hear_until(Status)


def test_who_says_nothing_or_too_much_before_hello_is_sent_away(server, monkeypatch):
    monkeypatch.setattr(server_module, "_STRANGER_S", 0.2)
    silent = Friend(server)
    assert not silent.hear(2)
    flood = Friend(server, pack(Message("Hello", {"token": ""}, {"a": np.zeros(1 << 20, np.uint8)}))[:1 << 18])
    assert not flood.hear(2)


def test_a_client_of_another_version_is_told_so_in_one_sentence(server):
    newer = Friend(server, pack(Message("Hello", {"token": server.token, "name": "new", "wants": [], "colour": 1})))
    assert not newer.hear(2)
    assert [type(each) for each in newer.heard] == [Problem] and "colour" in newer.heard[0].sentence
    friend = Friend(server, hello(server), pack(Message("Sing", {})))
    assert not friend.hear(2)
    assert "Sing" in friend.heard[-1].sentence


def test_a_client_that_hangs_is_told_of_and_goes_on_when_it_is_back(server, monkeypatch):
    monkeypatch.setattr(server_module, "SILENCE_S", 0.4)
    hung, friend = Friend(server, hello(server, "Blender")), Friend(server, hello(server))
    assert hung.hear_until(Welcome) and friend.hear_until(Welcome)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        friend.say(Alive())
        server.tell(picture(int(1000 * time.monotonic())), "picture", "picture")
        friend.hear(0.05)
    problems = [each.sentence for each in friend.heard if isinstance(each, Problem)]
    assert len(problems) == 1 and "'Blender' does not answer" in problems[0]
    hung.hear(0.1)
    before = len(hung.heard)
    hung.say(Alive())
    hung.hear(0.3)
    assert len(hung.heard) > before
    assert sum(isinstance(each, Picture) for each in hung.heard[before:]) <= 2, "what was under way, and the newest"


def test_a_client_that_is_gone_leaves_nothing_behind(server):
    for _ in range(40):  # more than may be connected at once
        friend = Friend(server, hello(server))
        assert friend.hear_until(Welcome)
        friend.socket.close()
    end = time.monotonic() + 2
    while server._clients and time.monotonic() < end:
        time.sleep(0.02)
    assert server._clients == []


def test_no_more_than_so_many_clients(server):
    friends = [Friend(server, hello(server)) for _ in range(server_module._MOST_CLIENTS)]
    assert all(friend.hear_until(Welcome) for friend in friends)
    assert not Friend(server, hello(server)).hear(2)


SAID = [pack(to_message(CloseSource())), b"SMB1\x02\0\0\0\0\0\0\0{}"]


@given(data=st.lists(st.binary(max_size=60) | st.sampled_from(SAID)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_leave_the_server_standing(server, data):
    stranger, rude = Friend(server, *data), Friend(server, hello(server), *data)
    stranger.socket.close()
    rude.socket.close()
    friend = Friend(server, hello(server))
    assert friend.hear_until(Welcome)
    friend.socket.close()


def joined(port: int, token: str) -> LiveClient:
    client = LiveClient.join(port, token, "test")
    end = time.monotonic() + 3
    while client.state == "starting" and time.monotonic() < end:
        time.sleep(0.01)
    return client


def test_a_client_joins_and_leaves_and_hears_of_the_end(server):
    client = joined(server.port, server.token)
    assert client.state == "connected" and client.poll().status is None
    server.tell(Status("idle"), "status", "status")
    assert client.wait(2) and client.poll().status == Status("idle")
    client.stop()
    assert client.state == "ended" and client.sentence == ""
    client.stop()
    other = joined(server.port, server.token)
    server.close()
    assert other.wait(2) and other.state == "ended" and other.sentence == "The live worker has ended."


def test_a_client_is_told_why_it_was_refused(server):
    client = joined(server.port, "wrong")
    assert client.state == "ended" and "belongs to somebody else" in client.sentence


def test_a_client_without_a_worker_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = joined(port, "")
    assert client.state == "ended" and client.sentence.endswith("start it again.")


def test_a_poll_with_nothing_new_costs_nothing(server):
    client = joined(server.port, server.token)
    begin = time.perf_counter()
    for _ in range(1000):
        client.poll()
    assert time.perf_counter() - begin < 0.2
    client.stop()
