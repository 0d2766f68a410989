from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from addon.characters import decoder
from addon.commands import doctor, system_libraries
from addon.commands.__main__ import main
from addon.core.paths import MODELS, RIGS, ROOT


def test_a_complete_checkout_is_well(capsys):
    code = main(["doctor"])
    shown = capsys.readouterr().out
    assert code == 0, shown
    assert "Everything that Semblance needs is here." in shown
    assert "PROBLEM" not in shown


def test_a_missing_system_library_gives_one_apt_line(monkeypatch, capsys):
    monkeypatch.setitem(system_libraries.LIBRARIES, "libnosuch.so.9", ("libnosuch9", "Blender"))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "libnosuch.so.9" in shown
    assert "apt-get install -y --no-install-recommends libnosuch9\n" in shown


def test_another_network_than_the_cards_is_found(monkeypatch, tmp_path):
    shutil.copytree(MODELS / "face_detector", tmp_path / "face_detector")
    with (tmp_path / "face_detector" / "model.onnx").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr(doctor, "MODELS", tmp_path)
    states = {finding.text: finding.state for finding in doctor.models()}
    assert any("not the one" in text and state == "PROBLEM" for text, state in states.items())
    assert states["The network 'face_mesh' for following faces is missing."] == "PROBLEM"
    assert states["The network 'pose' for following bodies is missing."] == "PROBLEM"


def test_a_character_without_its_network_or_file_is_found(monkeypatch, tmp_path):
    shutil.copytree(RIGS / "pip", tmp_path / "pip")
    monkeypatch.setattr(doctor, "RIGS", tmp_path)
    assert [finding.state for finding in doctor.characters()] == ["ok"]
    with monkeypatch.context() as bare:
        bare.setitem(sys.modules, "onnxruntime", None)
        assert [finding.state for finding in doctor.characters()] == ["ok"]
    (tmp_path / "pip" / "pip.blend").unlink()
    [finding] = doctor.characters()
    assert finding.state == "PROBLEM" and "pip.blend" in finding.text and "build.py" in finding.advice
    monkeypatch.setattr(decoder, "MODELS", tmp_path)
    [finding] = doctor.characters()
    assert finding.state == "PROBLEM" and "decoder_pip" in finding.text


def test_a_missing_wheel_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = {finding.text: finding for finding in doctor.wheels()}
    [problem] = [f for f in found.values() if f.state == "PROBLEM"]
    assert "'onnxruntime'" in problem.text and problem.advice


def test_a_broken_blender_on_the_path_is_told(monkeypatch, tmp_path):
    program = tmp_path / "blender"
    program.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    [finding] = doctor.blender()
    assert finding.state == "PROBLEM" and "cannot open display" in finding.text


def test_an_old_blender_is_told(monkeypatch, tmp_path):
    program = tmp_path / "blender"
    program.write_text("#!/bin/sh\necho 'Blender 4.2.1 LTS'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    [finding] = doctor.blender()
    assert "too old" in finding.text and "4.5" in finding.advice


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="system packages are looked for on Linux only")
def test_the_library_check_runs_on_a_bare_python():
    """It comes before any wheel is installed, so it may import nothing but the standard library."""
    command = [sys.executable, "-I", "-S", "-c", (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['check']\n"
        "from addon.commands.system_libraries import main; sys.exit(main())"
    )]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
