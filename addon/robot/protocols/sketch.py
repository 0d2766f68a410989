"""The frames of our own Arduino / ESP32 sketch (rigs/robots/firmware): short, numbered by kind, with a check sum.

A5 5A | kind | length | payload | CRC-16 (CCITT, initially FFFF, high byte first, over kind, length and payload).

| kind | payload | the board |
|---|---|---|
| H | | answers h: version, servos, watchdog in ms (2 bytes) |
| E | channels | attaches these servos at their next pulse, clears a watchdog that fired |
| T | channel, us (2 bytes), channel, us ... | clamps each to its own table, writes it, feeds the watchdog |
| L | | detaches all servos |
| Q | | answers s: flags (1 attached, 2 watchdog fired), wrong frames (2 bytes), clamped pulses (2 bytes) |

Numbers of two bytes are little-endian. Without a T or E for its watchdog's time the board detaches all servos and obeys
no T before the next E.
"""
from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from . import check

VERSION: Final = 1
_MAGIC: Final = b"\xa5\x5a"
MOST_PAYLOAD: Final = 96
"""32 servos; longer frames do not exist."""
_ANSWERS: Final = {ord("h"): 4, ord("s"): 5}
"""Kind → length of its payload."""


@dataclass(frozen=True)
class Hello:
    """What the sketch is."""

    version: int
    servos: int
    watchdog_ms: int


@dataclass(frozen=True)
class State:
    """How the sketch is."""

    attached: bool
    watchdog_fired: bool
    wrong_frames: int
    clamped: int


def hello() -> bytes:
    """Answered with a Hello."""
    return frame("H")


def enable(channels: Iterable[int]) -> bytes:
    """These servos get pulses from the next `targets` on."""
    return frame("E", bytes(check("The channel", channel, 0, 255) for channel in channels))


def targets(pulses: Mapping[int, int]) -> bytes:
    """Channel → us in one frame."""
    return frame("T", b"".join(
        bytes((check("The channel", channel, 0, 255),)) + check("The pulse", pulse, 0, 0xFFFF).to_bytes(2, "little")
        for channel, pulse in pulses.items()
    ))


def limp() -> bytes:
    """All servos without pulses. Zeros in front fill up whatever frame was begun and broke off."""
    return bytes(MOST_PAYLOAD + 4) + frame("L")


def query() -> bytes:
    """Answered with a State."""
    return frame("Q")


def frame(kind: str, payload: bytes = b"") -> bytes:
    """One frame.

    Raises:
        ProtocolError: if the payload is too long.
    """
    body = kind.encode("ascii") + bytes((check("The payload's length", len(payload), 0, MOST_PAYLOAD),)) + payload
    return _MAGIC + body + _crc(body)


class FrameReader:
    """Finds the sketch's answers in what a port reads, whatever noise is between them; never raises, keeps little."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Hello | State]:
        """The answers that `data` completes."""
        self._buffer += data
        found: list[Hello | State] = []
        while True:
            start = self._buffer.find(_MAGIC)
            del self._buffer[:start if start >= 0 else -1]
            if start < 0 or len(self._buffer) < 4:
                return found
            kind, length = self._buffer[2:4]
            end = 6 + length
            if _ANSWERS.get(kind) != length:
                del self._buffer[:1]
            elif len(self._buffer) < end:
                return found
            elif _crc(body := bytes(self._buffer[2:end - 2])) != self._buffer[end - 2:end]:
                del self._buffer[:1]
            else:
                found.append(_answer(body))
                del self._buffer[:end]

    def clear(self) -> None:
        """Forget half an answer that nobody waits for any more."""
        self._buffer.clear()


def _answer(body: bytes) -> Hello | State:
    payload = body[2:]
    if body[:1] == b"h":
        return Hello(payload[0], payload[1], int.from_bytes(payload[2:], "little"))
    wrong, clamped = (int.from_bytes(payload[at:at + 2], "little") for at in (1, 3))
    return State(bool(payload[0] & 1), bool(payload[0] & 2), wrong, clamped)


def _crc(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0xFFFF).to_bytes(2, "big")
