"""A door: one UDP port at which a tracker speaks, as Expressions in the order of time; the newest counts."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from ...core.coefficients import MIRROR
from ...core.frames import EMBEDDING_SIZE, Expression
from ...tracking.sources import SourceInfo
from .clock import RisingClock
from .network import listening

IDLE_S: Final = 0.1
"""How long a reader of a door waits for nothing at most."""
GAP_S: Final = 0.004
"""A frame that comes in several packets is over when nothing came for so long."""
SILENCE_S: Final = 2.0
"""A sender keeps the door to itself until it was silent for so long."""
MOST_PACKETS: Final = 1024
"""Read at once, so that a flood cannot keep the newest frame back."""
_LARGEST: Final = 65_535
_NO_EMBEDDING: Final = np.zeros(EMBEDDING_SIZE, np.float32)


@dataclass(frozen=True)
class Heard:
    """What a sender told of a face at one time; shapes and signs as in core.frames."""

    coefficients: np.ndarray
    gaze: np.ndarray
    head: np.ndarray
    confidence: float
    """0 where the sender says that it sees no face."""
    time_s: float | None
    """By the sender's clock; None if it has none."""

    def mirrored(self) -> Heard:
        """The same face seen in a mirror."""
        gaze, head = self.gaze[::-1] * np.array([-1, 1]), self.head * np.array([-1, 1, -1])
        return replace(self, coefficients=self.coefficients[MIRROR], gaze=gaze, head=head)


class Reader(Protocol):
    """Understands the packets of one sender."""

    ignored: int
    """Values that were no finite numbers or of a wrong type, and were left out."""

    @property
    def pending(self) -> bool:
        """Values came that have not been a frame yet."""

    def read(self, packet: bytes) -> Heard | None:
        """The newest frame that this packet completes; ValueError with a few words if it is malformed."""

    def finish(self) -> Heard:
        """The frame as far as it came."""


class Door:
    """Iterating gives an Expression for the newest frame, and None about every 0.1 s in which nothing came.

    Times are seconds by the sender's clock from its first frame, strictly rising. Coefficients are 0..1; embeddings are
    zeros; confidence is 0 where the sender sees no face. Close it (from any thread), or use it in a `with` statement.
    """

    may_move = True
    """The sender can be told another port."""

    def __init__(
        self, kind: str, host: str, port: int, new_reader: Callable[[], Reader], mirror: bool = False
    ) -> None:
        """Raises SemblanceError if the port cannot be had; port 0 takes a free one."""
        self._mirror = mirror
        self._reader = new_reader()
        self._new_reader = new_reader
        self._socket = listening(kind, host, port, self.may_move)
        self._host = host
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.info = SourceInfo(kind, f"{kind}://{shown}:{self.port}", 0, 0, None, None)
        self._clock = RisingClock()
        self._sender: tuple[str, int] | None = None
        self._heard_s = -np.inf
        self._refused, self._reason = 0, ""
        self._ignored = 0
        self._other = ""
        self._closed = False

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back; an iteration under way ends."""
        self._closed = True
        self._socket.close()

    @property
    def warnings(self) -> list[str]:
        """One sentence each on what was left out so far."""
        found = []
        if self._refused:
            found.append(f"{self._refused} packets were left out because they could not be read: {self._reason}.")
        if ignored := self._ignored + self._reader.ignored:
            found.append(f"{ignored} values were left out because they were no usable numbers.")
        if self._other:
            found.append(f"Packets of {self._other} were left out while {_named(self._sender)} was sending.")
        return found

    @property
    def hint(self) -> str:
        """What to check while nothing comes; empty once somebody was heard."""
        if self._sender:
            return ""
        if self._host in ("127.0.0.1", "localhost", "::1"):
            return (
                f"Only programs on this computer are heard; for a phone, listen at {self.info.kind}://0.0.0.0:"
                f"{self.port} and let the firewall pass UDP port {self.port}."
            )
        return (
            f"Send to this computer's address, port {self.port}; both must be in one network, and the firewall must "
            f"let UDP port {self.port} pass."
        )

    def __iter__(self) -> Iterator[Expression | None]:
        told_s = time.monotonic()
        while not self._closed:
            expression = self._listen()
            if expression is not None or time.monotonic() - told_s >= IDLE_S:
                told_s = time.monotonic()
                yield expression

    def _listen(self) -> Expression | None:
        """Wait for a packet, then read all that are there; the newest frame that they complete."""
        was_pending = self._reader.pending
        newest: Heard | None = None
        received = self._receive(GAP_S if was_pending else IDLE_S)
        if received is None and was_pending and not self._closed:
            newest = self._reader.finish()
        for _ in range(MOST_PACKETS):
            if received is None:
                break
            newest = _newer(newest, self._heed(*received))
            received = self._receive(0)
        return None if newest is None else self._expression(newest)

    def _receive(self, wait_s: float) -> tuple[bytes, tuple[str, int]] | None:
        """A packet and its sender; None if none is there."""
        try:
            self._socket.settimeout(wait_s)
            packet, sender = self._socket.recvfrom(_LARGEST)
            return packet, sender[:2]
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            if not self._closed:
                self._refuse(error.strerror or "the network failed")
                time.sleep(wait_s)
            return None

    def _heed(self, packet: bytes, sender: tuple[str, int]) -> Heard | None:
        now = time.monotonic()
        ours = sender == self._sender
        if not ours and now - self._heard_s < SILENCE_S:
            self._other = _named(sender)
            return None
        reader = self._reader if ours else self._new_reader()
        try:
            heard = reader.read(packet)
        except ValueError as error:
            self._refuse(str(error))
            return None
        if heard is None and not reader.pending:
            return None
        if not ours:
            self._ignored += self._reader.ignored
            self._reader, self._sender = reader, sender
            self._clock.new_sender()
        self._heard_s = now
        return heard

    def _refuse(self, reason: str) -> None:
        self._refused += 1
        self._reason = reason

    def _expression(self, heard: Heard) -> Expression | None:
        time_s = self._clock.time(heard.time_s, time.monotonic())
        if time_s is None:
            return None
        shown = heard.mirrored() if self._mirror else heard
        return Expression(
            time_s, np.clip(shown.coefficients, 0, 1), _NO_EMBEDDING,
            np.clip(shown.gaze, -np.pi, np.pi).astype(np.float32),
            np.clip(shown.head, -np.pi, np.pi).astype(np.float32), shown.confidence,
        )


def _newer(a: Heard | None, b: Heard | None) -> Heard | None:
    """The later of two frames of one sender: packets can overtake each other."""
    if a is None or b is None:
        return a or b
    return a if a.time_s is not None and b.time_s is not None and 0 < a.time_s - b.time_s < 1 else b


def _named(sender: tuple[str, int] | None) -> str:
    return f"{sender[0]}:{sender[1]}" if sender else "another sender"
