"""The child process: progress comes through, it ends when told to, and its last words are kept."""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pytest

from addon.blender import tracking_job
from addon.blender.tracking_job import CANCELLED, TrackingJob, track_command
from addon.commands import track
from addon.tracking.region import FaceBox

TALK = """
import json, pathlib, sys, time
print("a library says hello", flush=True)
for done in (1, 2):
    print(json.dumps({"done": done, "total": 4}), flush=True)
"""


def job(tmp_path: Path, script: str) -> TrackingJob:
    return TrackingJob([sys.executable, "-c", TALK + script], tmp_path / "a.take")


def ended(job: TrackingJob, seconds: float = 20) -> tracking_job.State:
    deadline = time.monotonic() + seconds
    while not job.poll().ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return job.poll()


def is_running(job: TrackingJob) -> bool:
    return job._process.poll() is None


def test_progress_then_the_take(tmp_path):
    talking = job(tmp_path, "time.sleep(0.3); print(json.dumps({'take': 'x.take'}), flush=True); time.sleep(60)")
    seen = set()
    deadline = time.monotonic() + 20
    while not talking.poll().ended and time.monotonic() < deadline:
        seen.add((talking.poll().done, talking.poll().total, talking.poll().share))
        time.sleep(0.01)
    assert (2, 4, 0.5) in seen
    assert talking.poll().take == Path("x.take") and not is_running(talking)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print(json.dumps({'error': 'No face was found.'}), flush=True); sys.exit(1)", "No face was found."),
        ("raise ValueError('out of eyes')", "ValueError: out of eyes"),
        ("sys.exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit code"),
    ],
)
def test_every_bad_end_has_a_sentence(tmp_path, script, words):
    bad = job(tmp_path, script)
    assert words in ended(bad).error and not is_running(bad)


def test_cancel_ends_the_child_at_once_and_removes_what_it_half_wrote(tmp_path):
    partial, other = tmp_path / ".a.0123abcd.partial.take", tmp_path / "b.take"
    other.write_bytes(b"")
    slow = job(tmp_path, f"pathlib.Path({str(partial)!r}).touch(); print('{{}}', flush=True); time.sleep(60)")
    while not partial.exists():
        time.sleep(0.01)
    start = time.monotonic()
    slow.cancel()
    assert time.monotonic() - start < 5 and not is_running(slow)
    assert slow.poll().error == CANCELLED
    assert list(tmp_path.iterdir()) == [other]
    slow.cancel()


def test_a_child_that_will_not_listen_is_killed(tmp_path):
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    script += "print(json.dumps({'done': 3}), flush=True); time.sleep(60)"
    deaf = job(tmp_path, script)
    while deaf.poll().done != 3:
        time.sleep(0.01)
    deaf.cancel()
    assert not is_running(deaf)


def test_one_job_at_a_time(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    tracking_job.start(command, tmp_path / "a.take")
    first = tracking_job.current()
    tracking_job.start(command, tmp_path / "b.take")
    assert first is not None and not is_running(first)
    tracking_job.stop()
    assert tracking_job.current() is None and tracking_job.state().ended


def test_the_command_says_where_the_face_is_and_what_kind(tmp_path):
    plain = track_command("a.mp4", tmp_path / "a.take")
    assert "--box" not in plain and "--drawn" not in plain and "--body" not in plain
    told = track_command("a.mp4", tmp_path / "a.take", FaceBox(0.1, 0.2, 0.3, 0.5), drawn=True, body=True)
    parser = argparse.ArgumentParser()
    track.add_arguments(parser)
    args = parser.parse_args(told[told.index("track") + 1:])
    assert (args.source, args.box, args.drawn, args.body) == ("a.mp4", FaceBox(0.1, 0.2, 0.3, 0.5), True, True)


def test_the_real_command_answers_in_its_own_way(tmp_path):
    source = tmp_path / "no video.mp4"
    source.write_bytes(b"nothing like a video")
    real = TrackingJob(track_command(str(source), tmp_path / "a.take"), tmp_path / "a.take")
    assert "no video.mp4" in ended(real, 60).error
    assert not (tmp_path / "a.take").exists()
