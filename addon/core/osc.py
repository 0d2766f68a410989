"""OSC 1.0 packets (opensoundcontrol.org): messages of numbers and words, alone or in bundles.

A packet from the network may lie about its own sizes: nothing it says makes this loop, raise anything but ValueError,
or set much memory aside. (python-osc 1.10 runs in circles on a negative size; it is the second opinion in the tests.)
"""
from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

MOST_MESSAGES: Final = 2048
"""In one packet."""
LONGEST_WORD: Final = 256
"""Bytes of an address or of a word."""
_DEEPEST: Final = 4
_BUNDLE: Final = b"#bundle\0"
_AT_ONCE: Final = _BUNDLE + struct.pack(">Q", 1)
_SIZE: Final = struct.Struct(">i")
_RUN: Final = re.compile(r"s|T|F|[ihfd]+")

Argument = float | int | str | bool
Message = tuple[str, Sequence[Argument]]
"""An address and its arguments."""


def messages(packet: bytes) -> list[Message]:
    """The messages of a packet in order, those of inner bundles too; others than of numbers and words are left out.

    Raises:
        ValueError: in a few words, if it is malformed.
    """
    found: list[Message] = []
    for part in _parts(packet, _DEEPEST):
        if part[:1] != b"/":
            raise ValueError("an OSC message does not begin with '/'")
        if len(found) == MOST_MESSAGES:
            raise ValueError(f"more than {MOST_MESSAGES} OSC messages at once")
        try:
            message = _message(part)
        except (ValueError, struct.error) as error:
            raise ValueError("an OSC message is cut off") from error
        if message:
            found.append(message)
    return found


def bundle(contents: Iterable[Message]) -> bytes:
    """One bundle "at once" of all messages; whole numbers go as int32, others as float32, words as strings."""
    parts = [_AT_ONCE]
    for address, arguments in contents:
        tags = "".join(_tag(argument) for argument in arguments)
        data = _padded(address) + _padded("," + tags)
        for tag, argument in zip(tags, arguments, strict=True):
            if tag == "s":
                data += _padded(str(argument))
            elif tag in "if":
                data += struct.pack(">" + tag, argument)
        parts += [_SIZE.pack(len(data)), data]
    return b"".join(parts)


def _parts(packet: bytes, depth: int) -> Iterator[bytes]:
    """The messages' bytes, out of bundles in bundles."""
    if not packet.startswith(_BUNDLE):
        yield packet
        return
    if depth == 0 or len(packet) < len(_AT_ONCE):
        raise ValueError("an OSC bundle is cut off or too deep")
    at = len(_AT_ONCE)
    while at < len(packet):
        size = int.from_bytes(packet[at:at + 4], "big", signed=True)
        end = at + 4 + size
        if size <= 0 or size % 4 or end > len(packet):
            raise ValueError("an OSC bundle is cut off")
        yield from _parts(packet[at + 4:end], depth - 1)
        at = end


def _message(data: bytes) -> Message | None:
    """One message; None if its arguments are of other kinds."""
    address, at = _word(data, 0)
    if at == len(data):
        return address, []  # senders from before type tags
    tags, at = _word(data, at)
    runs = _runs(tags)
    if runs is None:
        return None
    arguments: list[Argument] = []
    for run in runs:
        if isinstance(run, struct.Struct):
            arguments += run.unpack_from(data, at)
            at += run.size
        elif run is None:
            word, at = _word(data, at)
            arguments.append(word)
        else:
            arguments.append(run)
    return address, arguments


@lru_cache(maxsize=256)
def _runs(tags: str) -> tuple[struct.Struct | bool | None, ...] | None:
    """How arguments of such type tags are read: numbers, a word (None), or true and false, which have no bytes."""
    runs = _RUN.findall(tags)
    if tags[:1] != "," or len("".join(runs)) != len(tags) - 1:
        return None
    other: dict[str, bool | None] = {"s": None, "T": True, "F": False}
    # OSC calls 64 bits h, which struct calls q.
    return tuple(other[run] if run in other else struct.Struct(">" + run.replace("h", "q")) for run in runs)


def _word(data: bytes, at: int) -> tuple[str, int]:
    """A string, and the place behind its padding to four bytes."""
    end = data.index(0, at, at + LONGEST_WORD)
    behind = end + 4 - (end - at) % 4
    if behind > len(data):
        raise ValueError("cut off")
    return data[at:end].decode(), behind


@lru_cache(maxsize=4096)
def _padded(text: str) -> bytes:
    data = text.encode()
    return data + bytes(4 - len(data) % 4)


def _tag(argument: Argument) -> str:
    if isinstance(argument, bool):
        return "T" if argument else "F"
    return "s" if isinstance(argument, str) else "i" if isinstance(argument, int) else "f"
