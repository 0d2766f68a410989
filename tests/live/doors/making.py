"""Packets as the apps send them, built from the documents and not by the product, and readers of a door."""
from __future__ import annotations

import socket
import struct
import threading
import time

import numpy as np

from addon.core.frames import EMBEDDING_SIZE, Expression


def live_link_packet(
    values=None, *, frame=0, part=0.0, rate=(60, 1), device=b"9E3B6C1A-1F6B-4F2C-8B47-0A2C2C5C7F11", subject=b"Mia",
    version=6, count=None,
):
    """The app's packet; values None = the app sees no face."""
    head = bytes([version]) + struct.pack(">i", len(device)) + device + struct.pack(">i", len(subject)) + subject
    head += struct.pack(">i", frame) + struct.pack(">f", part) + struct.pack(">ii", *rate)
    if values is None:
        return head + (b"" if count is None else bytes([count]))
    return head + bytes([len(values) if count is None else count]) + struct.pack(f">{len(values)}f", *values)


def osc_text(text):
    data = text.encode()
    return data + b"\0" * (4 - len(data) % 4)


def osc_message(address, tags="", *arguments):
    """OSC 1.0 by hand: address, type tags, arguments; f and i are big-endian, strings padded to four bytes."""
    data = osc_text(address) + osc_text("," + tags)
    for tag, argument in zip(tags, arguments, strict=True):
        data += osc_text(argument) if tag == "s" else struct.pack(">" + tag, argument)
    return data


def osc_bundle(*messages):
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(m)) + m for m in messages)


class Phone:
    """A sender with its own port."""

    def __init__(self, door):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._to = ("127.0.0.1", door.port)

    def send(self, *packets):
        for packet in packets:
            self._socket.sendto(packet, self._to)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


def hear(door, within_s=2.0):
    """The next Expression of a door; None if none comes in that time."""
    end = time.monotonic() + within_s
    rescue = threading.Timer(within_s + 20, door.close)  # a door that never gives anything must not hang the tests
    rescue.daemon = True
    rescue.start()
    try:
        for expression in door:
            if expression is not None or time.monotonic() > end:
                return expression
    finally:
        rescue.cancel()
    raise AssertionError("the door never gave anything")


def hear_all(door, quiet_s=0.15):
    """Expressions until nothing came for a while."""
    found = []
    while (expression := hear(door, quiet_s)) is not None:
        found.append(expression)
    return found


def an_expression(seed=0, time_s=1.5):
    rng = np.random.default_rng(seed)
    values = rng.random(54, np.float32)
    from addon.core import coefficients
    for name in ("browInnerUp", "cheekPuff"):  # ARKit has one channel for both sides
        values[coefficients.INDEX[name + "Right"]] = values[coefficients.INDEX[name + "Left"]]
    gaze = rng.uniform(-0.6, 0.6, (2, 2)).astype(np.float32)
    head = rng.uniform(-1, 1, 3).astype(np.float32)
    return Expression(time_s, values, np.zeros(EMBEDDING_SIZE, np.float32), gaze, head, 1.0)
