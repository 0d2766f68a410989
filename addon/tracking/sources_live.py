"""Pictures in time: the newest of a camera or stream, and a file at its own speed as a stand-in for one."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from ..core.errors import SemblanceError
from .opencv import opencv

Pictures = Iterator[tuple[np.ndarray, float]]
"""uint8 [H, W, 3] BGR with seconds."""
STALL_S: Final = 2.5
"""A live source that sends nothing for so long has stalled."""
_FIRST_S: Final = 10.0
"""Cameras take their time to switch on."""
_CLOSING_S: Final = 0.5
_GARBAGE_S: Final = 0.005
_MOST_DROPPED: Final = 10
"""In a row; whoever is later then cannot keep up, or slept, and goes on from where it is."""


class Newest:
    """Reads a live capture in a thread of its own, where only the newest picture waits; times count from the first.

    Reading can hang for good in a driver, which must not hang who asks; and a queue would make everything late.
    """

    def __init__(
        self, capture: Any, lost: Callable[[], str], stalled: Callable[[float], str],
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        """`lost` gives the sentence on a source that ends ("" = that is no fault), `stalled` on one that has been
        silent for some seconds; `interrupt` ends a read that waits, where that is possible.
        """
        self._interrupt = interrupt
        self._capture, self._lost, self._stalled = capture, lost, stalled
        self._changed = threading.Condition()
        self._newest: tuple[np.ndarray, float] | None = None
        self._over = self._closed = False
        self._silent_s = 0.0
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the camera, at the latest when the driver comes back."""
        with self._changed:
            self._over = self._closed = True
            self._changed.notify_all()
        if self._interrupt:
            self._interrupt()
        self._thread.join(_CLOSING_S)

    def pictures(self) -> Pictures:
        """Each newest picture once, with seconds of our own clock.

        Raises:
            SemblanceError: if none comes, or the source is gone.
        """
        wait_s = _FIRST_S
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._newest is not None or self._over, wait_s):
                    raise SemblanceError(self._stalled(wait_s))
                newest, self._newest = self._newest, None
            if newest is None:
                self._end()
                return
            yield newest
            wait_s = STALL_S

    def _end(self) -> None:
        """Raise SemblanceError if this end is a fault."""
        # Drivers give up a silent source by themselves, perhaps before we do.
        silent = self._silent_s > 0.8 * STALL_S
        sentence = self._stalled(round(self._silent_s, 1)) if silent else self._lost()
        if sentence and not self._closed:
            raise SemblanceError(sentence)

    def _read(self) -> None:
        begin: float | None = None
        error = opencv().error
        try:
            while not self._over:
                asked = time.monotonic()
                read, image = self._capture.read()
                now = time.monotonic()
                if not read:
                    self._silent_s = now - asked
                    break
                begin = now if begin is None else begin
                if image is None or image.size == 0:
                    time.sleep(_GARBAGE_S)
                    continue
                with self._changed:
                    self._newest = (image, now - begin)
                    self._changed.notify_all()
        except error:
            pass
        finally:
            # Here and not in `close`: OpenCV crashes if a capture is released while it reads.
            self._capture.release()
            with self._changed:
                self._over = True
                self._changed.notify_all()


def paced(pictures: Pictures, step_s: float) -> Pictures:
    """Each picture when its time has come, as from a camera; those that are more than `step_s` late are dropped."""
    begin: float | None = None
    dropped = 0
    for image, time_s in pictures:
        begin = time.monotonic() - time_s if begin is None else begin
        late = time.monotonic() - begin - time_s
        if late > step_s:
            if dropped < _MOST_DROPPED:
                dropped += 1
                continue
            begin += late
        dropped = 0
        if late < 0:
            time.sleep(-late)
        yield image, time_s


def mirrored(pictures: Pictures) -> Pictures:
    """The pictures as a mirror shows them."""
    cv2 = opencv()
    return ((cv2.flip(image, 1), time_s) for image, time_s in pictures)
