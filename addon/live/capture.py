"""The source in a thread of its own: it keeps the newest picture and lets go of the ones that nobody looked at."""
from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..core.errors import SemblanceError
from ..core.frames import Expression, Frame
from ..tracking.sources import SourceInfo, open_source
from .doors import is_door, open_door
from .messages import Command, Open

_STALLED_S: Final = 1.0


@dataclass(frozen=True)
class Arrival:
    """A picture, or an expression that somebody else measured."""

    what: Frame | Expression
    captured_s: float
    """time.monotonic() when it came."""
    info: SourceInfo


class Inbox:
    """What the playing thread has to do: all commands, and the newest arrival."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._commands: deque[Command] = deque()
        self._arrival: Arrival | None = None
        self.dropped = 0
        """Arrivals that a newer one took the place of."""

    def order(self, command: Command) -> None:
        """One more command."""
        with self._changed:
            self._commands.append(command)
            self._changed.notify()

    def put(self, arrival: Arrival) -> None:
        """What has come now; it takes the place of what was not yet taken."""
        with self._changed:
            self.dropped += self._arrival is not None
            self._arrival = arrival
            self._changed.notify()

    def empty(self) -> None:
        """Forget the arrival, which is of a source that was closed, and begin to count again."""
        with self._changed:
            self._arrival, self.dropped = None, 0

    def take(self, seconds: float) -> tuple[list[Command], Arrival | None]:
        """Everything that is here; waits up to `seconds` if nothing is."""
        with self._changed:
            if not self._commands and self._arrival is None:
                self._changed.wait(seconds)
            commands, arrival = list(self._commands), self._arrival
            self._commands.clear()
            self._arrival = None
        return commands, arrival


class _Source(Protocol):
    """A Source of pictures, or a Door."""

    info: SourceInfo

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...


class Capture:
    """One source from its opening to its end; never waited for."""

    def __init__(self, command: Open, inbox: Inbox) -> None:
        """Begin to open what the command names."""
        self.command = command
        self.address = command.address.strip()
        self.info: SourceInfo | None = None
        """None until it is open."""
        self.ended = False
        self.sentence = ""
        """Why it ended, if it did not just come to its end."""
        self._heard_s = time.monotonic()
        self._inbox = inbox
        self._source: _Source | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def stalled(self) -> bool:
        """True if it is open and nothing has come for a second, or three pictures of a slow one."""
        slow = 3 / self.info.fps if self.info and self.info.fps else 0.0
        return self.info is not None and not self.ended and time.monotonic() - self._heard_s > max(_STALLED_S, slow)

    def close(self) -> None:
        """Let go of the source; a read that waits ends by itself."""
        self._closed.set()

    def join(self, seconds: float) -> None:
        """Wait until the source was let go of, or for `seconds`."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._source = self._open()
            self.info = self._source.info
            self._heard_s = time.monotonic()
            for arrival in self._arrivals(self._source):
                self._heard_s = arrival.captured_s
                self._inbox.put(arrival)
        except SemblanceError as error:
            self.sentence = "" if self._closed.is_set() else str(error)
        finally:
            self.ended = True
            if self._source is not None:
                self._source.close()

    def _open(self) -> _Source:
        command = self.command
        if is_door(self.address):
            return open_door(self.address)
        return open_source(
            self.address, width=command.width, height=command.height, fps=command.fps, mirror=command.mirror,
            loop=command.loop, realtime=True,
        )

    def _arrivals(self, source: _Source) -> Iterator[Arrival]:
        for what in source:
            if self._closed.is_set():
                return
            if what is not None:
                yield Arrival(what, time.monotonic(), source.info)
