"""The worker as a process: it plays, and whatever happens to it, to its clients or to its source, nothing is left over.

Every process that a test starts is ended by it, whatever happens.
"""
from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from addon.core.processes import child_environment
from addon.core.rig_profile import find_profile
from addon.core.take import read_take
from addon.live import client as client_module
from addon.live.client import LiveClient, Update
from addon.live.live_settings import LiveSettings
from addon.live.messages import (
    Character,
    CloseSource,
    Mark,
    Open,
    Quit,
    Record,
    SetCast,
    SetNeutral,
    Settings,
    StopRecording,
)
from addon.live.worker import without_outdated

from ..conftest import ROOT
from ..mjpeg_server import MjpegServer, filmed, video_frames

CLIP = ROOT / "assets/demo/performer.mp4"
PIP = SetCast((Character.of(find_profile("Pip")),))
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture(scope="module")
def worker() -> Iterator[LiveClient]:
    """One worker for all tests that leave it alive."""
    client = LiveClient.start("test")
    until(client, in_state("idle"))
    yield client
    process = client._process
    client.stop()
    assert client.state == "ended" and process.returncode is not None, "a zombie is left"


@pytest.fixture
def client(worker: LiveClient) -> Iterator[LiveClient]:
    """The shared worker, idle."""
    yield from idle(worker)


_IMPATIENT = """
from addon.live import capture, server
from addon.live.worker import Worker
from addon.tracking import sources, sources_live
server.SILENCE_S, capture._STALLED_S, capture._AGAIN_S = 1.5, 0.5, 0.1
sources.STALL_S = sources_live.STALL_S = 0.8
Worker().run()
"""


@pytest.fixture(scope="module")
def impatient_worker() -> Iterator[LiveClient]:
    """One that waits less for whoever is silent."""
    process = by_hand("-c", _IMPATIENT)
    try:
        told = json.loads(process.stdout.readline())
        client = LiveClient.join(told["port"], told["token"], "test")
        until(client, in_state("idle"))
        yield client
        client.stop()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def impatient(impatient_worker: LiveClient) -> Iterator[LiveClient]:
    """It, idle."""
    yield from idle(impatient_worker)


def idle(worker: LiveClient) -> Iterator[LiveClient]:
    """The worker, with nothing to do before and after the test."""
    worker.poll()
    yield worker
    worker.send(CloseSource())
    worker.send(SetCast(()))
    until(worker, in_state("idle"))


def until(client: LiveClient, wanted: Callable[[Update], object], seconds: float = 60.0) -> Update:
    """The first update that is wanted."""
    end = time.monotonic() + seconds
    seen = []
    while time.monotonic() < end and client.state != "ended":
        client.wait(0.1)
        update = client.poll()
        if wanted(update):
            return update
        seen += [update.status.sentence if update.status else "", *update.problems]
    raise AssertionError(f"it did not come: {client.state} {client.sentence} {set(seen)}")


def in_state(state: str) -> Callable[[Update], object]:
    return lambda update: update.status and update.status.state == state


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def gone_within(seconds: float, pid: int) -> bool:
    end = time.monotonic() + seconds
    while is_there(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_there(pid)


def nobody_listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return False
    return True


def test_it_plays_a_face_tells_what_it_sees_and_ends_without_a_trace(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    client = LiveClient.start("test")
    try:
        client.send(PIP)
        client.send(Open(str(CLIP), loop=True))
        everything = Update()

        def told(update: Update) -> bool:
            for each in (*update.controls.values(), *update.expressions.values(), update.picture, update.status):
                if each is not None:
                    everything.add(each)
            return bool(everything.controls and everything.expressions and everything.picture
                        and everything.status and everything.status.state == "running" and everything.status.fps)

        until(client, told)
        pip = everything.controls["Pip"]
        assert len(pip.values) == len(find_profile("Pip").control_set)
        assert 0 <= time.monotonic() - pip.captured_s < 5
        assert everything.picture.image.shape[1] <= 320 and np.isfinite(everything.picture.landmarks).all()
        assert everything.expressions[0].confidence > 0.5
        assert (everything.status.width, everything.status.source) != (0, "")
        client.send(CloseSource())
        until(client, in_state("idle"))
        pid, port = client.pid, client.port
    finally:
        begin = time.monotonic()
        client.stop()
    assert time.monotonic() - begin < 1 and client.sentence == ""
    assert not is_there(pid) and nobody_listens(port) and list(tmp_path.iterdir()) == []


@POSIX
def test_a_worker_that_is_killed_is_told_in_one_sentence_and_another_starts():
    client = LiveClient.start("test")
    try:
        until(client, in_state("idle"))
        os.kill(client.pid, signal.SIGKILL)
        begin = time.monotonic()
        while client.state != "ended" and time.monotonic() - begin < 5:
            time.sleep(0.01)
        assert time.monotonic() - begin < 1
        assert client.sentence == "The live worker was ended from outside (signal 9); start it again."
        assert client._process.returncode == -9
        client.send(Quit())
        assert client.poll() == Update()
    finally:
        client.stop()
    again = LiveClient.start("test")
    try:
        until(again, in_state("idle"))
    finally:
        again.stop()


@POSIX
def test_a_worker_that_hangs_is_noticed_killed_and_reaped(monkeypatch):
    monkeypatch.setattr(client_module, "SILENCE_S", 0.7)
    client = LiveClient.start("test")
    try:
        until(client, in_state("idle"))
        os.kill(client.pid, signal.SIGSTOP)
        begin = time.monotonic()
        while client.state != "ended" and time.monotonic() - begin < 8:
            time.sleep(0.02)
        assert "does not answer" in client.sentence and 0.6 < time.monotonic() - begin < 3
        assert client._process.returncode == -9
    finally:
        client.stop()


@POSIX
def test_a_worker_that_hangs_can_still_be_stopped():
    client = LiveClient.start("test")
    try:
        until(client, in_state("idle"))
        os.kill(client.pid, signal.SIGSTOP)
    finally:
        begin = time.monotonic()
        client.stop()
    assert time.monotonic() - begin < 4 and client._process.returncode == -9


@POSIX
def test_a_worker_that_slept_with_the_machine_goes_on_and_blames_nobody(impatient, monkeypatch):
    monkeypatch.setattr(client_module, "SILENCE_S", 60.0)
    until(impatient, in_state("idle"))
    os.kill(impatient.pid, signal.SIGSTOP)
    try:
        time.sleep(1.8)
    finally:
        os.kill(impatient.pid, signal.SIGCONT)
    time.sleep(0.3)
    impatient.poll()
    assert until(impatient, lambda update: update.status).problems == []


@POSIX
def test_a_client_that_slept_with_the_machine_goes_on(client):
    program = (
        "import time\nfrom addon.live import client as module\nmodule.SILENCE_S = 1.0\n"
        f"client = module.LiveClient.join({client.port}, {client.token!r}, 'sleeper')\n"
        "while client.state == 'starting': time.sleep(0.01)\n"
        "print(client.state, flush=True)\ninput()\nclient.poll()\n"
        "while not client.poll().status and client.state == 'connected': time.sleep(0.01)\n"
        "print(client.state, client.sentence, flush=True)"
    )
    command = [sys.executable, "-c", program]
    sleeper = subprocess.Popen(
        command, cwd=ROOT, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert sleeper.stdout.readline().strip() == "connected"
        sleeper.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.communicate("\n", timeout=20)[0].strip() == "connected"
    finally:
        sleeper.kill()
        sleeper.communicate()


def test_a_worker_is_stopped_before_it_has_started():
    client = LiveClient.start("test")
    begin = time.monotonic()
    client.stop()
    assert time.monotonic() - begin < 3 and client._process.returncode is not None and client.sentence == ""


@POSIX
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_whose_starter_is_gone_ends_within_a_second(end):
    program = (
        "import sys, time\nfrom addon.live.client import LiveClient\nfrom addon.live.messages import Open\n"
        f"client = LiveClient.start('Blender')\nclient.send(Open({str(CLIP)!r}, loop=True))\n"
        "while not client.poll().picture: time.sleep(0.01)\n"
        "print(client.pid, client.port, flush=True)\ntime.sleep(60)"
    )
    command = [sys.executable, "-c", program]
    starter = subprocess.Popen(command, cwd=ROOT, env=child_environment(), stdout=subprocess.PIPE)
    try:
        pid, port = map(int, starter.stdout.readline().split())
        assert is_there(pid)
        starter.send_signal(end)
        starter.wait(5)
        assert gone_within(1.0, pid) and nobody_listens(port)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def by_hand(*program: str, **more) -> subprocess.Popen:
    command = [sys.executable, *(program or ("-m", "addon.commands", "live", "--serve"))]
    return subprocess.Popen(
        command, cwd=ROOT, env=child_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more
    )


@POSIX
def test_the_end_of_stdin_a_quit_and_a_signal_are_a_clean_end_and_ctrl_c_is_the_starters():
    worker = by_hand(stderr=subprocess.PIPE)
    try:
        told = json.loads(worker.stdout.readline())
        assert set(told) == {"port", "token", "pid", "version"} and told["pid"] == worker.pid
        worker.send_signal(signal.SIGINT)
        client = LiveClient.join(told["port"], told["token"], "test")
        until(client, in_state("idle"))
        client.send(Quit())
        assert worker.wait(2) == 0
        assert worker.stderr.read() == b""
        client.stop()
    finally:
        worker.kill()
        worker.communicate()
    worker = by_hand()
    try:
        worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(2) == 0
    finally:
        worker.kill()
        worker.communicate()


def test_a_worker_of_another_version_is_not_used(monkeypatch):
    monkeypatch.setattr(client_module, "VERSION", 2)
    client = LiveClient.start("test")
    try:
        end = time.monotonic() + 10
        while client.state != "ended" and time.monotonic() < end:
            time.sleep(0.02)
        assert "another version" in client.sentence and client._process.returncode is not None
    finally:
        client.stop()


def test_two_clients_see_the_same_and_one_may_go(client):
    client.send(PIP)
    client.send(Open(str(CLIP), loop=True))
    until(client, lambda update: update.controls)
    other = LiveClient.join(client.port, client.token, "robot", ("controls",))
    until(other, lambda update: update.controls and not update.expressions)
    other.stop()
    until(client, lambda update: update.controls)


def test_a_source_that_ends_is_over_and_one_that_is_not_there_fails_in_one_sentence(client, tmp_path):
    client.send(Open("nowhere.mp4"))
    assert "nowhere.mp4" in until(client, in_state("failed")).status.sentence
    client.send(SetNeutral())
    assert "source first" in until(client, lambda update: update.problems).problems[0]
    client.send(Record(str(tmp_path / "a.take")))
    assert "source first" in until(client, lambda update: update.problems).problems[0]
    client.send(Open(str(short_clip(tmp_path))))
    until(client, lambda update: update.status and update.status.sentence.endswith("has ended."))
    client.send(Open("0", box="here"))
    assert "face box" in until(client, in_state("failed")).status.sentence


def short_clip(folder: Path) -> Path:
    import cv2

    path = folder / "short.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 240))
    for frame in islice(video_frames(CLIP, (320, 240)), 10):
        writer.write(frame)
    writer.release()
    return path


def test_a_camera_that_stalls_is_said_and_found_again(impatient):
    frames = video_frames(CLIP, (320, 240))[:30]
    served = []

    def pictures() -> Iterator[bytes]:
        served.append(len(served))
        yield from islice(filmed(frames, 30), 20 if len(served) == 1 else 10_000)
        time.sleep(20)

    with MjpegServer(pictures) as server:
        impatient.send(PIP)
        impatient.send(Open(server.address))
        until(impatient, in_state("running"))
        stalled = until(impatient, in_state("stalled"))
        assert server.address in stalled.status.sentence
        assert until(impatient, lambda update: update.controls), "the character holds or eases"
        until(impatient, in_state("running"))
        assert len(served) > 1


@pytest.mark.parametrize("fps", [10, 120])
def test_slow_and_quick_cameras_are_played_as_they_come_and_late_pictures_left_out(client, fps):
    frames = video_frames(CLIP, (640, 480))[:30]
    with MjpegServer(lambda: filmed(frames, fps)) as server:
        client.send(PIP)
        client.send(Open(server.address))
        until(client, in_state("running"))
        time.sleep(1.1)
        client.poll()
        status = until(client, in_state("running")).status
        assert status.latency_ms < 500, "old pictures were kept"
        if fps == 10:
            assert 0 < status.fps < 13
        else:
            assert status.fps > 0 and status.dropped > 5


def test_a_take_is_recorded_with_its_markers_while_the_settings_change(client, tmp_path):
    client.send(PIP)
    client.send(Open(str(CLIP), loop=True))
    until(client, in_state("running"))
    client.send(Record(str(tmp_path / "take"), countdown_s=0.3))
    until(client, lambda update: update.status and update.status.recorded_s > 0.5)
    client.send(Mark("smile"))
    client.send(LiveSettings(regions={"mouth": False}, smoothing=0.5))
    client.send(StopRecording())
    done = until(client, lambda update: update.takes).takes[0]
    take = read_take(Path(done.path))
    assert len(take) == done.frames > 1 and [text for _, text in done.markers] == ["smile"]
    assert take.times_s[-1] - take.times_s[0] == pytest.approx(done.seconds)
    client.send(Record("no way \0"))
    assert until(client, lambda update: update.problems).problems


def test_what_a_worker_that_was_killed_has_recorded_is_found_by_the_next(client, tmp_path):
    killed = LiveClient.start("test")
    try:
        killed.send(Open(str(CLIP), loop=True))
        until(killed, in_state("running"))
        killed.send(Record(str(tmp_path / "lost.take")))
        until(killed, lambda update: update.status and update.status.recorded_s > 0.3)
        killed._process.kill()
    finally:
        killed.stop()
    client.send(Open(str(CLIP), loop=True))
    until(client, in_state("running"))
    done, said = [], []

    def kept(update: Update) -> Update:
        done.extend(update.takes)
        said.extend(update.problems)
        return update

    for name in ("one", "two"):  # a retake at once
        client.send(Record(str(tmp_path / f"{name}.take")))
        until(client, lambda update: kept(update).status and update.status.recorded_s > 0.1)
    client.send(StopRecording())
    until(client, lambda update: kept(update) and len(done) == 2)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lost recovered.take", "one.take", "two.take"]
    assert all("lost recovered.take' was recovered" in sentence for sentence in said)


def test_a_character_that_cannot_play_is_said_and_the_others_play(client):
    follower = replace(Character.of(find_profile("Gus")), leader="Pip", transfer="nowhere.npz")
    client.send(SetCast((*PIP.characters, follower, replace(follower, id="Gus 2", leader="nobody"))))
    client.send(Open(str(CLIP), loop=True))
    said, end = [], time.monotonic() + 15
    while not all(any(word in each for each in said) for word in ("nowhere.npz", "nobody")) and time.monotonic() < end:
        said += until(client, lambda update: update.problems).problems
    assert set(until(client, lambda update: update.controls).controls) == {"Pip"}


def test_only_the_last_position_of_a_slider_counts():
    cast, other = SetCast(()), PIP
    loud, calm = Settings(smoothing=0.0), Settings(smoothing=2.0)
    sent = [loud, cast, Mark("a"), calm, Open("0"), Mark("b"), other]
    assert without_outdated(sent) == [Mark("a"), calm, Open("0"), Mark("b"), other]
