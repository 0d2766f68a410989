"""What operators are made of: one that reports in a sentence, one whose work a child process does, one that ends it."""
from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import bpy

from ..core.errors import SemblanceError
from . import tracking_job
from .sidebar import redraw_sidebars
from .translations import said

# How often the window looks at a child process.
_POLL_S = 0.1


class Reporting:
    """Turns an expected failure of `perform` into a report; nothing was changed then."""

    report: Callable[[set[str], str], None]

    def perform(self, context: bpy.types.Context) -> None:
        """What the operator does."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Blender's entry."""
        try:
            self.perform(context)
        except SemblanceError as error:
            self.report({"ERROR"}, said(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}


class BesideWindow:
    """An operator whose work is done by a child process: a script waits for it, a button leaves the window free."""

    job: ModuleType
    """Has `current`, `state`, `stop` and the sentence `CANCELLED`: tracking_job or learning_job."""
    timer: bpy.types.Timer | None = None
    """Of the class, for as long as its button is at work."""
    report: Callable[[set[str], str], None]

    def start(self, context: bpy.types.Context) -> None:
        """Begin the job.

        Raises:
            SemblanceError, OSError: if it cannot be begun.
        """
        raise NotImplementedError

    def finish(self, context: bpy.types.Context, state: tracking_job.State) -> str:
        """Take what the job made; returns the sentence that tells so.

        Raises:
            SemblanceError: if it is of no use.
        """
        raise NotImplementedError

    def abandon(self, context: bpy.types.Context) -> None:
        """Nothing comes of it: take back what `start` has changed."""

    @classmethod
    def stop(cls) -> None:
        """End the child process and the window's timer; harmless when there is none."""
        cls.job.stop()
        if cls.timer is not None:
            bpy.context.window_manager.event_timer_remove(cls.timer)
            cls.timer = None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Called by a script: wait for the end."""
        if not self._begun(context):
            return {"CANCELLED"}
        while not self.job.state().ended:
            time.sleep(_POLL_S)
        return self._end(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Called by a button: work beside the window."""
        if not self._begun(context):
            return {"CANCELLED"}
        type(self).timer = context.window_manager.event_timer_add(_POLL_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the child now and then, and let everything else through."""
        if event.type == "ESC" and event.value == "PRESS" and self.job.current() is not None:
            self.job.current().cancel()
            return self._end(context)
        if event.type == "TIMER":
            redraw_sidebars(context)
            if self.job.state().ended:
                return self._end(context)
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Another file, or Blender ends."""
        self.stop()
        redraw_sidebars(context)

    def _begun(self, context: bpy.types.Context) -> bool:
        tracking_job.failures.pop(self.job.__name__, None)
        try:
            self.start(context)
        except (OSError, SemblanceError) as error:
            self._fail(context, str(error))
            return False
        return True

    def _end(self, context: bpy.types.Context) -> set[str]:
        state = self.job.state()
        self.stop()
        redraw_sidebars(context)
        try:
            if state.take is None:
                raise SemblanceError(state.error)
            self.report({"INFO"}, said(self.finish(context, state)))
        except SemblanceError as error:
            self._fail(context, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _fail(self, context: bpy.types.Context, sentence: str) -> None:
        self.abandon(context)
        if sentence == self.job.CANCELLED:
            self.report({"INFO"}, said(sentence))
        else:
            tracking_job.failures[self.job.__name__] = sentence
            self.report({"ERROR"}, said(sentence))


class Cancelling:
    """The button that does what Esc does."""

    job: ModuleType

    def execute(self, context: bpy.types.Context) -> set[str]:
        """End the child; the running operator notices."""
        if job := self.job.current():
            job.cancel()
        return {"FINISHED"}


def failure(job: ModuleType) -> str:
    """Why the job failed when it was tried last; empty if it did not."""
    return tracking_job.failures.get(job.__name__, "")
