"""A face on video moves a simulated head through both real processes; and what happens when the worker is killed."""
from __future__ import annotations

import os
import signal
import time

import pytest

from addon.core.paths import ROOT
from addon.core.processes import child_environment
from addon.live.client import LiveClient
from addon.live.messages import Open
from addon.robot.client import RobotClient
from addon.robot.map_reading import ROBOTS
from addon.robot.messages import Arm, Follow

CLIP = next((ROOT / "assets" / "demo").glob("*.mp4"), None)
PATIENCE_S = 40.0


@pytest.fixture
def robot(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    text = (ROBOTS / "bus_head" / "actuators.toml").read_text(encoding="utf-8")
    # A busy machine may take longer than a tenth of a second for a picture.
    text = text.replace("arm_blend_s = 1.2", "arm_blend_s = 0.3\nstale_after_s = 0.9\nrest_after_s = 1.2")
    (tmp_path / "quick.toml").write_text(text, encoding="utf-8")
    client = RobotClient.start(["--robot", str(tmp_path / "quick.toml")], child_environment(), "a test")
    yield client
    client.stop()
    client._process.kill()
    client._process.wait()


@pytest.fixture
def worker():
    client = LiveClient.start("a test", ("status",))
    yield client
    client.stop()


def _until(client, wanted):
    until_s, last = time.monotonic() + PATIENCE_S, None
    while time.monotonic() < until_s:
        last = client.poll().status or last
        if last and wanted(last):
            return last
        time.sleep(0.02)
    raise AssertionError(f"waited in vain; the last status was {last}, {client.state} {client.sentence}")


@pytest.mark.skipif(CLIP is None, reason="no clip in assets/")
def test_a_face_on_video_moves_a_head_and_killing_the_worker_rests_it(robot, worker):
    worker.send(Open(str(CLIP), loop=True))
    _until(worker, lambda status: status.state == "running")
    _until(robot, lambda status: status.state == "LIMP")
    robot.send(Follow(worker.port, worker.token))
    _until(robot, lambda status: status.playing == "live")
    robot.send(Arm())
    live = _until(robot, lambda status: status.state == "LIVE")
    assert live.latency_ms > 0
    os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    begun_s = time.monotonic()
    rested = _until(robot, lambda status: status.state == "RESTING")
    assert time.monotonic() - begun_s < 3
    assert rested.problem, "and the worker's end is told"
