from __future__ import annotations

import subprocess
import sys

import pytest

from addon.commands.__main__ import COMMANDS, help_line, main
from addon.core.paths import ROOT


def test_without_arguments_every_command_is_explained(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    shown = capsys.readouterr().out
    assert stop.value.code == 0
    for command in COMMANDS:
        assert f"  {command} " in shown and help_line(command) in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert help_line(command) in capsys.readouterr().out
    assert len(help_line(command)) > 20


def test_an_unknown_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["juggle"])
    assert stop.value.code == 2
    assert "juggle" in capsys.readouterr().err


def test_a_file_that_an_option_swallowed_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["apply", "--character", "Gus", "clip.take"])
    assert "required: FILE (name files before options)" in capsys.readouterr().err


def test_an_expected_failure_is_one_sentence(tmp_path, capsys):
    missing = tmp_path / "no.take"
    assert main(["export", str(missing)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1 and str(missing) in shown.err


def test_help_is_fast_because_nothing_heavy_is_imported():
    program = (
        "import sys\nfrom addon.commands.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('numpy', 'cv2', 'onnxruntime', 'bpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout.strip().endswith("[]"), run.stdout + run.stderr
