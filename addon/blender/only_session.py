"""The one session of a kind in this Blender, live or a robot head, and the timers and handlers that serve it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import bpy

from ..core.errors import SemblanceError

S = TypeVar("S")

Handlers = tuple[tuple[str, Callable[..., None]], ...]
"""Lists of bpy.app.handlers and what is called by each."""


class OnlySession(Generic[S]):
    """The session that goes on, if one does."""

    def __init__(self, advice: str) -> None:
        self._advice: Final = advice
        self.current: S | None = None
        self.farewell = ""
        """Why the last one ended by itself; empty if it was asked to."""

    def required(self) -> S:
        """The session that goes on.

        Raises:
            SemblanceError: with the advice how one begins, if there is none.
        """
        if self.current is None:
            raise SemblanceError(self._advice)
        return self.current

    def begin(self, session: S) -> S:
        """From now on it is this one."""
        self.current, self.farewell = session, ""
        return session

    def end(self, sentence: str = "") -> S | None:
        """From now on there is none, because of `sentence`; returns the one that has ended."""
        session, self.current = self.current, None
        if session is not None:
            self.farewell = sentence
        return session


def keep_ticking(tick: Callable[[], float | None]) -> None:
    """Call `tick` on a timer, also after another file is opened, until it returns None."""
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=0, persistent=True)


def stop_ticking(tick: Callable[[], float | None]) -> None:
    """No longer; a timer that is still there when bpy 4.5 ends would hang the process."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def add_handlers(handlers: Handlers) -> None:
    """Let Blender call each."""
    for name, handler in handlers:
        getattr(bpy.app.handlers, name).append(handler)


def remove_handlers(handlers: Handlers) -> None:
    """No longer; one that Blender has lost already is no harm."""
    for name, handler in handlers:
        called: list[Any] = getattr(bpy.app.handlers, name)
        if handler in called:
            called.remove(handler)
