from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from addon.commands.__main__ import main
from addon.commands.track import default_name
from addon.core.live_link import write_live_link
from addon.core.paths import ROOT
from addon.core.take import read_take, write_take

from ..core.making import a_body, a_take


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "slate_1.csv"
    write_live_link(a_take(12), path)
    return path


def test_a_live_link_recording_becomes_a_take_and_again_the_same_recording(recording, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["track", str(recording)]) == 0
    assert "slate_1.take" in capsys.readouterr().out
    assert main(["export", "slate_1.take", "-o", "again.csv"]) == 0
    assert main(["export", "slate_1.take"]) == 1 and "is what the take was made from" in capsys.readouterr().err
    assert (tmp_path / "again.csv").read_text() == recording.read_text()


@pytest.mark.parametrize("body", [None, a_body(12)])
def test_a_take_is_cut_but_never_in_place(body, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = replace(a_take(12), body=body)
    write_take(whole, tmp_path / "slate.take")
    cut = ["track", "slate.take", "--start", "0.1", "--end"]
    assert main([*cut, "0.3"]) == 1 and "would replace 'slate.take'" in capsys.readouterr().err
    assert main([*cut, "0.3", "-o", "cut.take"]) == 0
    found = read_take(tmp_path / "cut.take")
    np.testing.assert_array_equal(found.smoothed.coefficients, whole.smoothed.coefficients[3:8])
    np.testing.assert_array_equal(found.landmarks, whole.landmarks[3:8])
    assert (found.body is None) == (body is None) and (body is None or len(found.body) == len(found) == 5)
    assert main(["track", "slate.take", "--start", "9", "-o", "none.take"]) == 1
    assert "Nothing is left" in capsys.readouterr().err and not (tmp_path / "none.take").exists()


def test_json_progress_ends_with_the_take(recording, tmp_path, capsys):
    out = tmp_path / "a.take"
    assert main(["track", str(recording), "-o", str(out), "--progress", "json"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last)["take"] == str(out) and json.loads(last)["found"].startswith("A face in 100.0%")
    assert len(read_take(out)) == 12


def test_json_progress_tells_an_error_as_json(tmp_path, capsys):
    assert main(["track", str(tmp_path / "absent.csv"), "--progress", "json"]) == 1
    shown = capsys.readouterr()
    assert "absent.csv" in json.loads(shown.out)["error"]
    assert shown.err == ""


def test_a_webcam_needs_an_end(capsys):
    assert main(["track", "0"]) == 1
    assert "--end" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["nan", "inf", "soon"])
def test_seconds_are_finite_numbers(seconds, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["track", "a.mp4", "--end", seconds])
    assert stop.value.code == 2 and seconds in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "name"),
    [("clips/a b.mp4", "a b"), ("0", "webcam0"), ("rtsp://cam.local/live", "cam.local"),
     ("livelink://0.0.0.0:11111", "livelink"), ("frames/shot_%04d.png", "shot"),
     ("%d.png", "images")],
)
def test_default_names(source, name):
    assert default_name(source) == name


def test_the_webcam_video_becomes_a_take(shared, tmp_path, capfd):
    video = shared / "data" / "webcam_video" / "man_at_webcam.mp4"
    out = tmp_path / "man.take"
    assert main(["track", str(video), "--start", "2", "--end", "4", "-o", str(out), "--progress", "json"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert lines[-1] == {"take": str(out), "found": "A face in 100.0% of the frames."}
    done = [line["done"] for line in lines[:-1]]
    assert done and done == sorted(done)
    # The total is of the chosen part, so that a bar fills.
    assert all(abs(line["total"] - 50) <= 1 for line in lines[:-1])
    take = read_take(out)
    # Two seconds at the video's 25 frames a second.
    assert 49 <= len(take) <= 51 and take.found.all()
    assert np.ptp(take.times_s) == pytest.approx(2, abs=0.05)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to a process here")
def test_ctrl_c_leaves_nothing_and_no_traceback(shared, tmp_path):
    video = shared / "data" / "webcam_video" / "man_at_webcam.mp4"
    command = [sys.executable, "-m", "addon.commands", "track", str(video), "-o", str(tmp_path / "a.take"),
               "--progress", "json"]
    # Where this suite runs in the background, SIGINT is ignored, and children inherit that.
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdout and process.stdout.readline().startswith('{"done"')
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said and "stopped" in said
    assert list(tmp_path.iterdir()) == []
