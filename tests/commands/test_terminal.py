from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from addon.commands.terminal import progress_display, without_chatter
from addon.core.errors import SemblanceError
from addon.core.paths import ROOT


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def test_a_bar_fills_and_ends_its_line(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "100")
    bar = progress_display("bar", "Tracking")
    for done in range(1, 201):
        bar(done, 200)
    bar.close()
    last = screen.getvalue().rpartition("\r")[2]
    assert last.startswith("Tracking " + "█" * 30) and "200/200" in last and last.endswith("\n")


def test_a_bar_without_a_total_counts(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    bar = progress_display("bar", "Tracking")
    bar(7, None)
    assert "Tracking 7" in screen.getvalue()


def test_a_bar_never_wraps(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "40")
    progress_display("bar", "A long label for a narrow window")(5, 10)
    assert len(screen.getvalue().lstrip("\r")) == 39


def test_a_log_file_gets_ten_lines(capsys):
    bar = progress_display("bar", "Tracking")
    for done in range(1, 1001):
        bar(done, 1000)
    assert capsys.readouterr().err.splitlines() == [f"Tracking {n}/1000" for n in range(100, 1001, 100)]


def test_json_lines_are_few_and_the_last_is_written(capsys):
    display = progress_display("json", "")
    for done in range(1, 1001):
        display(done, 1000)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1] == {"done": 1000, "total": 1000} and len(lines) < 500


@pytest.mark.parametrize("total", [None, 10])
def test_silence(total, capsys):
    display = progress_display("none", "")
    display(10, total)
    display.close()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


SPEAK = """
import ctypes, sys
from addon.commands.terminal import without_chatter
with without_chatter():
    ctypes.CDLL(None).puts(b"Fra:1 Mem:20M")
    print("a step")
    print("a bar", file=sys.stderr)
    if len(sys.argv) > 1:
        raise ValueError("reason")
print("the end")
"""


def _speak(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SPEAK, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(os.name != "posix", reason="the C library has no portable name elsewhere")
def test_chatter_is_silent_and_our_words_are_not():
    said = _speak()
    assert (said.stdout, said.stderr) == ("a step\nthe end\n", "a bar\n")


@pytest.mark.skipif(os.name != "posix", reason="the C library has no portable name elsewhere")
def test_chatter_is_shown_when_the_work_fails():
    said = _speak("fail")
    assert said.returncode == 1
    assert "Fra:1 Mem:20M" in said.stderr and "ValueError: reason" in said.stderr


def test_chatter_is_not_shown_with_a_failure_that_has_its_sentence(capfd):
    with pytest.raises(SemblanceError, match="no face"), without_chatter():
        os.write(2, b"Fra:1 Mem:20M")
        raise SemblanceError("no face")
    assert capfd.readouterr().err == ""
