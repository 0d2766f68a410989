from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from addon.core.errors import SemblanceError
from addon.core.paths import ROOT
from addon.robot.one_writer import Running, claim, running


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    return tmp_path


HOLDER = """
import sys
from addon.robot.one_writer import Running, claim
import os
kept = claim("desk_head", sys.argv[1])
kept.say(Running("desk_head", sys.argv[1], os.getpid(), 1234, "token"))
print("claimed", flush=True)
sys.stdin.read()
"""


def _holder(port):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, port], cwd=ROOT, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "claimed\n"
    return process


def test_one_port_has_one_process_until_it_ends_however_it_ends(tmp_path):
    port = str(tmp_path / "ttyACM0")
    holder = _holder(port)
    try:
        with pytest.raises(SemblanceError, match=rf"driven by the robot 'desk_head' \(process {holder.pid}\) already"):
            claim("other", port)
        assert running() == [Running("desk_head", port, holder.pid, 1234, "token")]
    finally:
        holder.kill()
        holder.communicate()
    assert running() == []
    claim("other", port).release()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_two_names_of_one_device_are_one_port(tmp_path):
    device, name = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    name.symlink_to(device)
    kept = claim("one", str(device))
    with pytest.raises(SemblanceError, match="already"):
        claim("other", str(name))
    kept.release()


def test_other_ports_are_free(tmp_path):
    claims = [claim("one", str(tmp_path / "a")), claim("two", str(tmp_path / "b")), claim("three", "simulated")]
    for each in claims:
        each.release()
    assert running() == []


def test_a_damaged_note_is_no_obstacle(folder):
    (folder / "robots running").mkdir()
    (folder / "robots running" / "x.json").write_text("{")
    assert running() == []
    kept = claim("one", "COM3")
    kept.say(Running("one", "COM3", 1, 2, "t"))
    path, = (folder / "robots running").glob("*.json")
    assert json.loads(path.read_text())["robot"] == "one"
    if os.name != "nt":
        assert path.stat().st_mode & 0o077 == 0, "the token is nobody else's business"
    kept.release()
