"""OSC messages, one by one or in bundles, made into frames of a face."""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ...core.osc import Argument, messages
from .door import Heard
from .face_state import FaceState, as_number


class OscReader(ABC):
    """Few senders say where a frame ends, and some spread one over several packets.

    A frame is over when the sender says so; else when as many packets came as made up the last one, when something is
    told again, or when nothing comes for a moment (door.GAP_S).
    """

    def __init__(self) -> None:
        self.ignored = 0
        self.face = FaceState()
        self._told: set[str] = set()
        self._packets = 0
        self._usual = 0
        self._pending = False
        self._says_ends = False

    @property
    def pending(self) -> bool:
        """Values came that have not been a frame yet."""
        return self._pending

    def read(self, packet: bytes) -> Heard | None:
        """The newest frame that this packet completes; ValueError if it is malformed."""
        useful = [(key, message) for message in messages(packet) if (key := self._key(*message))]
        if not useful:
            return None
        heard = None
        keys = {key for key, _ in useful}
        if keys & self._told:
            heard = self.finish() if self._pending else None
            self._begin()
        ended = False
        for _, message in useful:
            ended |= self._tell(*message)
        self._says_ends |= ended
        self._told |= keys
        self._packets += 1
        self._pending = not self._says_ends and self._packets != self._usual
        is_whole = ended if self._says_ends else not self._pending
        return self._frame() if is_whole else heard

    def finish(self) -> Heard:
        """The frame as far as it came."""
        self._begin()
        return self._frame()

    def _begin(self) -> None:
        if self._packets:
            self._usual = self._packets
        self._told.clear()
        self._packets, self._pending = 0, False

    def _frame(self) -> Heard:
        return self.face.heard()

    def _numbers(self, arguments: Sequence[Argument], count: int) -> list[float] | None:
        """The first `count` arguments as finite numbers; None, and counted, where they are not."""
        found = [number for argument in arguments[:count] if (number := as_number(argument)) is not None]
        if len(found) == count:
            return found
        self.ignored += 1
        return None

    @abstractmethod
    def _key(self, address: str, arguments: Sequence[Argument]) -> str:
        """What a message tells, the same in each frame; empty if it is nothing of a face."""

    @abstractmethod
    def _tell(self, address: str, arguments: Sequence[Argument]) -> bool:
        """Take over what a message tells; True if it ends the frame."""
