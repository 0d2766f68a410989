"""What a terminal shows while work runs: a progress bar, or JSON lines for a program that reads along."""
from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, Protocol

from ..core.errors import SemblanceError

_BAR_WIDTH = 30
# A bar redrawn more often only costs time; a log file gets a line each tenth of the work.
_REDRAW_S = 0.1
_LOG_STEPS = 10


class Progress(Protocol):
    """Told how far the work is; `close` ends the display whether or not the work did."""

    def __call__(self, done: int, total: int | None) -> None: ...

    def close(self) -> None: ...


class Bar:
    """One line on stderr redrawn in place; where stderr is not a terminal, a line at each tenth."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._start_s = time.monotonic()
        self._drawn_s = 0.0
        self._logged = 0
        self._open = False

    def __call__(self, done: int, total: int | None) -> None:
        """Show `done` of `total` (None = not known)."""
        if sys.stderr.isatty():
            self._redraw(done, total)
        elif total and done * _LOG_STEPS // total > self._logged:
            self._logged = done * _LOG_STEPS // total
            print(f"{self._label} {done}/{total}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line."""
        if self._open:
            print(file=sys.stderr)
            self._open = False

    def _redraw(self, done: int, total: int | None) -> None:
        now_s = time.monotonic()
        if now_s - self._drawn_s < _REDRAW_S and done != total:
            return
        self._drawn_s, self._open = now_s, True
        rate = done / max(now_s - self._start_s, 1e-6)
        if total:
            filled = min(done, total) * _BAR_WIDTH // total
            left_s = max(total - done, 0) / max(rate, 1e-6)
            text = f"{'█' * filled}{'░' * (_BAR_WIDTH - filled)} {done}/{total}  {rate:.0f}/s  {_clock(left_s)} left"
        else:
            text = f"{done}  {rate:.0f}/s"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + f"{self._label} {text}"[:width].ljust(width))
        sys.stderr.flush()


class JsonLines:
    """A line `{"done": n, "total": n or null}` on stdout for each tenth of a second of work."""

    def __init__(self) -> None:
        self._written_s = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        """Write how far the work is."""
        now_s = time.monotonic()
        if now_s - self._written_s >= _REDRAW_S or done == total:
            self._written_s = now_s
            write_json({"done": done, "total": total})

    def close(self) -> None:
        """Nothing is left open between lines."""


class Silent:
    """Shows nothing."""

    def __call__(self, done: int, total: int | None) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to end."""


def progress_display(kind: str, label: str) -> Progress:
    """The display for `kind`: "bar", "json" or "none"."""
    if kind == "bar":
        return Bar(label)
    return JsonLines() if kind == "json" else Silent()


def write_json(message: dict[str, Any]) -> None:
    """One JSON object on a line of stdout, at once."""
    print(json.dumps(message), flush=True)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Silence what libraries print through C (Blender: a line per frame) but not Python; show it where the work fails
    in a way that nobody foresaw."""
    with tempfile.TemporaryFile() as chatter, contextlib.ExitStack() as ours:
        kept = [os.dup(number) for number in (1, 2)]
        for original in kept:
            ours.callback(os.close, original)
        for stream, redirect, number in (
            (sys.stdout, contextlib.redirect_stdout, kept[0]), (sys.stderr, contextlib.redirect_stderr, kept[1]),
        ):
            stream.flush()
            # Where something else (a test) has taken Python's stream already, it stays there.
            if stream is sys.__stdout__ or stream is sys.__stderr__:
                file = ours.enter_context(open(number, "w", buffering=1, encoding="utf-8", closefd=False))
                ours.enter_context(redirect(file))
        _flush_c()
        for number in (1, 2):
            os.dup2(chatter.fileno(), number)
        try:
            yield
        except SemblanceError:
            raise   # one sentence that says it all
        except Exception:
            _flush_c()
            chatter.seek(0)
            os.write(kept[1], chatter.read())
            raise
        finally:
            _flush_c()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)


def _flush_c() -> None:
    """C keeps its lines in a buffer of its own when stdout is a file or a pipe."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
