"""OSC 1.0 packets: checked before python-osc reads them, because it trusts what a packet says of its own sizes."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ...core.errors import require

FEATURE: Final = "OSC and VMC"
MOST_MESSAGES: Final = 2048
_DEEPEST: Final = 4
_HEADER: Final = 16
# Address, type tags of the kinds that faces are told in (or none at all).
_USEFUL: Final = re.compile(rb"/[!-~]{0,255}\0{1,4}(?:,[ifdsTF]{0,16}\0|\Z)")

Argument = float | int | str | bool
Message = tuple[str, Sequence[Argument]]
"""An address and its arguments."""


def check_installed() -> None:
    """Raises MissingWheel without python-osc."""
    require("pythonosc.osc_message", FEATURE)


def messages(packet: bytes) -> list[Message]:
    """The messages of a packet in order, those of inner bundles too; others than of numbers and words are left out.

    Raises:
        ValueError: in a few words, if it is malformed.
    """
    library = require("pythonosc.osc_message", FEATURE)
    found: list[Message] = []
    for part in _parts(packet, _DEEPEST):
        if part[:1] != b"/":
            raise ValueError("an OSC message does not begin with '/'")
        if not _USEFUL.match(part):
            continue
        if len(found) == MOST_MESSAGES:
            raise ValueError(f"more than {MOST_MESSAGES} OSC messages at once")
        try:
            message = library.OscMessage(part)
        except (library.ParseError, ValueError) as error:
            raise ValueError("an OSC message is cut off") from error
        found.append((message.address, message.params))
    return found


def bundle(contents: Iterable[Message]) -> bytes:
    """One bundle "at once" of all messages; whole numbers go as int32, others as float32, words as strings."""
    bundles = require("pythonosc.osc_bundle_builder", FEATURE)
    builders = require("pythonosc.osc_message_builder", FEATURE)
    built = bundles.OscBundleBuilder(bundles.IMMEDIATELY)
    for address, arguments in contents:
        message = builders.OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        built.add_content(message.build())
    return built.build().dgram


def _parts(packet: bytes, depth: int) -> Iterator[bytes]:
    """The messages' bytes, out of bundles in bundles."""
    if not packet.startswith(b"#bundle\0"):
        yield packet
        return
    if depth == 0 or len(packet) < _HEADER:
        raise ValueError("an OSC bundle is cut off or too deep")
    at = _HEADER
    while at < len(packet):
        size = int.from_bytes(packet[at:at + 4], "big", signed=True)
        end = at + 4 + size
        if size <= 0 or size % 4 or end > len(packet):
            raise ValueError("an OSC bundle is cut off")
        yield from _parts(packet[at + 4:end], depth - 1)
        at = end
