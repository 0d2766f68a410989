"""The source in a thread of its own: it keeps the newest picture and lets go of the ones that nobody looked at."""
from __future__ import annotations

import math
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from ..core.errors import SemblanceError
from ..core.frames import Expression, Frame
from ..tracking.sources import SourceInfo, open_source
from .doors import is_door, open_door
from .messages import Open

_STALLED_S: Final = 1.0
_AGAIN_S: Final = 1.0
"""Between two attempts to find a lost source again."""
_COME_BACK: Final = ("camera", "stream")
_FILES: Final = ("video", "images")
"""Kinds of sources. OpenCV breaks down if a file is closed while another thread reads it."""


@dataclass(frozen=True)
class Arrival:
    """A picture, or an expression that somebody else measured."""

    what: Frame | Expression
    captured_s: float
    """time.monotonic() when it came."""
    info: SourceInfo


T = TypeVar("T")


class Inbox(Generic[T]):
    """What the playing thread has to do: all commands, and the newest arrival."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._commands: deque[T] = deque()
        self._arrival: Arrival | None = None
        self.dropped = 0
        """Arrivals that a newer one took the place of."""

    def order(self, command: T) -> None:
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

    def take(self, seconds: float) -> tuple[list[T], Arrival | None]:
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

    @property
    def warnings(self) -> list[str]: ...

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...


class Capture:
    """One source from its opening to its end; never waited for.

    A camera or stream that was there and is lost is looked for again until it is back or closed.
    """

    def __init__(self, command: Open, inbox: Inbox[Any]) -> None:
        """Begin to open what the command names."""
        self.command = command
        self.info: SourceInfo | None = None
        """None until it was open."""
        self.ended = False
        self.failure = ""
        """Why it ended, if it did not just come to its end."""
        self._lost = ""
        self._heard_s = time.monotonic()
        self._inbox = inbox
        self._source: _Source | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.info.name if self.info else self.command.address

    @property
    def warnings(self) -> list[str]:
        """One sentence each on what could not be read so far."""
        return self._source.warnings if self._source else []

    @property
    def stall(self) -> str:
        """What to say if nothing has come for a second, or for three pictures of a slow one; else ""."""
        slow = 3 / self.info.fps if self.info and self.info.fps else 0.0
        if self.info is None or self.ended or time.monotonic() - self._heard_s < max(_STALLED_S, slow):
            return ""
        said = self._lost or f"Nothing comes from '{self.name}'."
        return " ".join(filter(None, [said, getattr(self._source, "hint", ""), *self.warnings[-1:]]))

    def close(self) -> None:
        """Let go of the source: one that may wait for long at once, a file at its next picture."""
        self._closed.set()
        if self._source is not None and self._source.info.kind not in _FILES:
            self._source.close()

    def join(self, seconds: float) -> None:
        """Wait until the source was let go of, or for `seconds`."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while self._read() and not self._closed.wait(_AGAIN_S):
                pass
        except SemblanceError as error:
            self.failure = "" if self._closed.is_set() else str(error)
        except Exception as error:  # of a driver or a library: the worker goes on without this source
            traceback.print_exc()
            self.failure = f"'{self.name}' cannot be read any further ({error})."
        finally:
            self.ended = True

    def _read(self) -> bool:
        """Once to its end; True if it was lost and may come back.

        Raises:
            SemblanceError: if there is no such source.
        """
        try:
            source = self._source = self._open()
        except SemblanceError:
            if self.info is None:
                raise
            return True
        try:
            self.info, self._lost = source.info, ""
            # Pictures have been seen already; a door may never be spoken at.
            self._heard_s = time.monotonic() if source.info.width else -math.inf
            for what in source:
                if self._closed.is_set():
                    return False
                if what is not None:
                    self._heard_s = time.monotonic()
                    self._inbox.put(Arrival(what, self._heard_s, source.info))
            return False
        except SemblanceError as error:
            if source.info.kind not in _COME_BACK:
                raise
            self._lost = f"{error} Looking for it again ..."
            return True
        finally:
            source.close()

    def _open(self) -> _Source:
        command = self.command
        if is_door(command.address):
            return open_door(command.address, command.mirror)
        return open_source(
            command.address, width=command.width, height=command.height, fps=command.fps, mirror=command.mirror,
            loop=command.loop, realtime=True,
        )
