"""`semblance live` from a terminal: a line that tells how it goes, a take, and an end with Ctrl-C."""
from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from addon.commands import live
from addon.commands.__main__ import main
from addon.core.coefficients import COUNT, INDEX
from addon.core.errors import SemblanceError
from addon.core.processes import child_environment
from addon.core.take import read_take
from addon.live.client import Update
from addon.live.messages import ExpressionSeen, Status, TakeDone
from addon.tracking.cameras import Camera

from ..conftest import ROOT

CLIP = str(ROOT / "assets/demo/performer.mp4")


def test_the_line_tells_how_it_goes(capsys):
    coefficients = np.zeros(COUNT, np.float32)
    coefficients[INDEX["jawOpen"]] = 1.0
    seen = ExpressionSeen(0, 1.0, 1.0, 0.9, coefficients, np.zeros((2, 2), np.float32), np.zeros(3, np.float32))
    meter = live.Meter()
    meter.show(Update(Status("running", fps=29.97, latency_ms=14.6, confidence=0.98, recorded_s=3.21), {}, {0: seen}))
    assert meter.line() == "running    30.0/s   15 ms  face  98%  brow  lid  smile  jaw█  rec 3.2 s"
    meter.show(Update(Status("failed", "Camera 0 is gone."), problems=["Look here."]))
    assert meter.line().endswith("Camera 0 is gone.") and "Note: Look here." in capsys.readouterr().err


def test_files_are_found_wherever_the_worker_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for address in ("0", "http://phone:8080/video", "livelink://:11111", "/dev/video2"):
        assert live._address(address) == address
    assert live._address("frames/%04d.png") == str(tmp_path / "frames" / "%04d.png")
    (tmp_path / "0").mkdir()
    assert live._address("0") == str(tmp_path / "0")


def test_cameras_are_listed(monkeypatch, capsys):
    monkeypatch.setattr(live, "list_cameras", lambda: [Camera(0, "FaceTime HD", "0"), Camera(2, "Phone", "2")])
    assert main(["live", "--list-cameras"]) == 0
    assert capsys.readouterr().out == "0  FaceTime HD\n2  Phone\n"
    monkeypatch.setattr(live, "list_cameras", list)
    assert main(["live", "--list-cameras"]) == 0 and "no webcam" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "here", "127.0.0.1", "127.0.0.1:0", ":70000", "a:b"])
def test_what_is_no_address_to_send_to_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        live._host_and_port(text)


def test_addresses_to_send_to():
    assert live._host_and_port(":9000") == ("127.0.0.1", 9000)
    assert live._host_and_port("[::1]:9000") == ("::1", 9000)


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan", "inf"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(SystemExit):
        main(["live", "--seconds", text])


def test_a_source_that_is_not_there_is_one_sentence(capsys):
    assert main(["live", "--source", "nowhere.mp4", "--seconds", "5"]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"semblance: There is no file '.*nowhere\.mp4'; check its name and folder\.", told)


def test_a_folder_that_cannot_be_written_is_said_before_anything_plays(tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    assert main(["live", "--source", CLIP, "--record", str(tmp_path / "file" / "a.take")]) == 1
    assert capsys.readouterr().err.startswith(f"semblance: Cannot write '{tmp_path / 'file'}': ")


def test_it_plays_records_and_sends_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "clip.mp4").symlink_to(CLIP)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(10)
        osc = f"127.0.0.1:{heard.getsockname()[1]}"
        code = main(["live", "--source", "clip.mp4", "--loop", "--character", "Pip", "--osc", osc,
                     "--record", "a.take", "--seconds", "2"])
        packets = [heard.recv(65_535)]
        heard.setblocking(False)
        while len(packets) < 50:
            try:
                packets.append(heard.recv(65_535))
            except BlockingIOError:
                break
    assert code == 0
    take = read_take(tmp_path / "a.take")
    out = capsys.readouterr()
    assert f"{len(take)} frames" in out.out and len(take) > 3
    assert any(b"/face" in packet for packet in packets) and any(b"/Pip" in packet for packet in packets)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_ends_it_and_keeps_the_take(tmp_path: Path):
    path = tmp_path / "a.take"
    command = [sys.executable, "-m", "addon.commands", "live", "--source", CLIP, "--loop", "--record", str(path)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # As in a terminal; what is started in the background by a script ignores Ctrl-C.
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        end = time.monotonic() + 60
        while not list(tmp_path.glob(".a.*.recording")) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everybody in it
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert "Traceback" not in err and f"Wrote '{path}'" in out
    assert len(read_take(path)) > 3
    assert [each.name for each in tmp_path.iterdir()] == ["a.take"]


class Deaf:
    """A client to which what is listed comes, one update after the other."""

    state, sentence = "connected", ""

    def __init__(self, *updates: Update) -> None:
        self._updates, self.sent = list(updates), []

    def send(self, command: object) -> None:
        self.sent.append(command)

    def wait(self, seconds: float) -> None:
        time.sleep(0.001)

    def poll(self) -> Update:
        return self._updates.pop(0) if self._updates else Update()


def test_a_take_is_waited_for_and_a_problem_without_one_is_the_reason(monkeypatch, capsys):
    monkeypatch.setattr(live, "_SURE_S", 0.05)
    done = TakeDone("me.take", 60, 2.0, 0.0)
    live._finish(Deaf(Update(), Update(problems=["A packet was left out."]), Update(takes=[done])))
    assert "60 frames over 2.0 s" in capsys.readouterr().out
    with pytest.raises(SemblanceError, match="The disk is full."):
        live._finish(Deaf(Update(problems=["The disk is full."])))
