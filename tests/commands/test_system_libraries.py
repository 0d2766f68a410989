from __future__ import annotations

import os
import subprocess
import sys

import pytest

from addon.commands import system_libraries

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="apt packages are a matter of Linux")


@pytest.fixture
def one_missing(monkeypatch):
    """A computer that lacks one library; gives the apt-get calls that would have been made."""
    monkeypatch.setitem(system_libraries.LIBRARIES, "libnosuch.so.9", ("libnosuch9", "Blender"))
    monkeypatch.setattr(sys, "argv", ["check", "--install"])
    calls: list[list[str]] = []

    def call(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", call)
    monkeypatch.setattr(system_libraries.shutil, "which", lambda _: "apt-get")
    return calls


def test_a_user_gets_one_line_to_run(one_missing, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system_libraries.main() == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "apt-get" in line]
    assert lines == ["    " + system_libraries.apt_line(["libnosuch9"])]
    assert one_missing == []


def test_root_gets_it_installed_without_questions(one_missing, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert system_libraries.main() == 0
    assert [call[:3] for call in one_missing] == [["apt-get", "-qq", "update"], ["apt-get", "-qq", "install"]]
    assert one_missing[1][-1] == "libnosuch9" and "-y" in one_missing[1]


def test_a_python_without_venv_needs_its_package(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system_libraries.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["check"])
    assert system_libraries.main() == 1
    assert f"python3.{sys.version_info.minor}-venv" in capsys.readouterr().out


def test_nothing_missing_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["check"])
    assert system_libraries.main() == 0
    assert capsys.readouterr().out == ""
