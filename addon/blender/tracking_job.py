"""Tracking in a child process, so that Blender's window never waits; knows no bpy and keeps no handle of Blender.

The child is the same `track` command that a terminal runs (learning a rig uses `learn` in the same way). It writes one
JSON object per line to its stdout:
{"done": n, "total": n or null} while it works, {"take": path, "found": sentence} or {"error": sentence} at its end.
"""
from __future__ import annotations

import contextlib
import glob
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..core.paths import ROOT
from ..core.processes import child_environment, last_line
from ..tracking.region import FaceBox

CANCELLED = "Tracking was cancelled."
# How long a cancelled child may take to tidy up before it is killed.
_GRACE_S = 2.0


@dataclass(frozen=True)
class State:
    """How far the work is."""

    done: int = 0
    total: int | None = None
    """None while the source does not know its length."""
    take: Path | None = None
    """Set when the work has ended well."""
    error: str = ""
    """Set when it has ended badly."""
    found: str = ""
    """What was seen, in words, if the work tells; set with `take`."""

    @property
    def ended(self) -> bool:
        """The work is over, well or badly."""
        return self.take is not None or bool(self.error)

    @property
    def share(self) -> float:
        """0..1; 0 while the length is not known."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


def track_command(
    source: str, take: Path, box: FaceBox | None = None, drawn: bool = False, body: bool = False
) -> list[str]:
    """The command line of the child, run by the Python that runs here."""
    return [
        sys.executable, "-m", "addon.commands", "track", source, "--output", str(take), "--progress", "json",
        *(["--box", box.percent] if box else []), *(["--drawn"] if drawn else []),
        *(["--body"] if body else []),
    ]


class TrackingJob:
    """One child process; `poll` never waits, `cancel` always ends it."""

    def __init__(self, command: Sequence[str], take: Path, work: str = "Tracking") -> None:
        """Start `command`, which will write `take`; `work` is what sentences call it.

        Its stderr goes to a temporary file: the last line explains an end without a message.
        """
        self._take, self._work = take, work
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _close
        self._state = State()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        no_console = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=child_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self._log, text=True, encoding="utf-8", errors="replace", creationflags=no_console,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def poll(self) -> State:
        """Where the work is now."""
        while not self._state.ended:
            alive = self._reader.is_alive()
            try:
                self._heed(self._lines.get_nowait())
            except queue.Empty:
                if not alive:
                    self._state = State(error=self._last_words())
                    break
                return self._state
        self._close()
        return self._state

    def cancel(self) -> None:
        """End the child and remove what it has half written; harmless when it has ended."""
        if not self._state.ended:
            self._state = State(error=f"{self._work} was cancelled.")
            self._close()
            for partial in self._take.parent.glob(f".{glob.escape(self._take.stem)}.*.partial{self._take.suffix}"):
                partial.unlink(missing_ok=True)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _heed(self, line: str) -> None:
        try:
            message = json.loads(line)
            if "error" in message:
                self._state = State(error=str(message["error"]) or f"{self._work} failed.")
            elif "take" in message:
                found = str(message.get("found", ""))
                self._state = State(self._state.done, self._state.total, Path(message["take"]), found=found)
            else:
                self._state = State(int(message["done"]), message.get("total"))
        except (ValueError, KeyError, TypeError):
            return  # a library talks on stdout; not for us

    def _last_words(self) -> str:
        code = self._process.wait()
        with contextlib.suppress(OSError, ValueError):
            if line := last_line(self._log):
                return f"{self._work} stopped (exit code {code}): {line}"
        return f"{self._work} stopped without a message (exit code {code})."

    def _close(self) -> None:
        """End the process, which has nothing left to do, and release what belongs to it."""
        if self._log.closed:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_GRACE_S)
        self._log.close()


_current: TrackingJob | None = None
failures: dict[str, str] = {}
"""Module of the job → why it failed last, for the panel: when a job ends nobody looks at the status bar."""


def start(command: Sequence[str], take: Path) -> None:
    """Begin the one job of this Blender; an earlier one is ended.

    Raises:
        OSError: if the process cannot be started.
    """
    global _current
    stop()
    _current = TrackingJob(command, take)


def current() -> TrackingJob | None:
    """The job that was started and not yet stopped."""
    return _current


def state() -> State:
    """Where the current job is; an ended state if there is none."""
    return _current.poll() if _current else State(error="Nothing is being tracked.")


def stop() -> None:
    """End the job and forget it; harmless when there is none."""
    global _current
    if _current is not None:
        _current.cancel()
        _current = None
