"""The real worker, a video in a loop and a character: from a picture to its controls, and to keys."""
from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import cv2
import pytest

from addon.core.take import read_take

from .conftest import EXTENSION, ROOT

CLIP = ROOT / "assets" / "demo" / "performer.mp4"
_NTSC = 30 / 1.001
_PATIENCE_S = 60


def ntsc_clip(path: Path) -> None:
    """Two seconds of the demo clip at 29.97 frames a second."""
    source = cv2.VideoCapture(str(CLIP))
    writer = None
    for _ in range(60):
        _, image = source.read()
        writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _NTSC, image.shape[1::-1])
        writer.write(image)
    writer.release()


@pytest.fixture
def live(extension, tmp_path):
    """Live in this scene with Pip, of the demo clip."""
    bpy.context.preferences.addons[EXTENSION].preferences.takes_folder = str(tmp_path)
    bpy.ops.semblance.character_add(character="Pip")
    settings = bpy.context.scene.semblance_live
    ntsc_clip(tmp_path / "ntsc.mp4")
    settings.kind, settings.video = "VIDEO", str(tmp_path / "ntsc.mp4")
    settings.countdown, settings.beep = 0, False
    module = extension("blender.live_session")
    bpy.ops.semblance.live_toggle()
    yield module
    module.stop()


def until(live, holds: Callable[[], object]) -> None:
    """Tick as Blender's timer would, until it holds."""
    end = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"{live.LIVE.farewell} {vars(live.LIVE.current) if live.LIVE.current else ''}"
        time.sleep(0.01)
        live.tick()


def corner() -> float:
    return bpy.data.objects["Pip"].pose.bones["CTRL-mouth_corner.L"].location.y


def test_a_video_moves_pip_is_recorded_and_keyed(live):
    session = live.LIVE.current
    until(live, lambda: session.status is not None and session.status.state == "running" and corner() != 0)
    assert 0 < session.latency_ms < 5000
    bpy.context.scene.frame_set(41)
    bpy.ops.semblance.live_record()
    until(live, lambda: session.status.recorded_s > 0.7)
    bpy.ops.semblance.live_record()
    until(live, lambda: session.news)
    action = bpy.data.objects["Pip"].animation_data.action
    assert action.name == "take 01" and action.frame_range[0] == 41 and action.frame_range[1] > 50
    take = read_take(Path(bpy.context.scene.semblance_live.take))
    assert take.source["fps"] == pytest.approx(_NTSC, abs=0.01) and bpy.context.scene.render.fps == 24
    # 29.97 pictures a second on 24 frames a second: the last key is where the last picture was, within a frame.
    assert abs((take.times_s[-1] - take.times_s[0]) * 24 - (action.frame_range[1] - 41)) < 1
    process = session.client._process
    bpy.ops.semblance.live_toggle()
    assert process.poll() is not None and live.LIVE.current is None
    assert len(bpy.context.scene.semblance_live.before) == 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no kill -9")
def test_a_killed_worker_is_told_and_live_starts_again(live):
    until(live, lambda: live.LIVE.current.client.pid is not None)
    process = live.LIVE.current.client._process
    os.kill(process.pid, signal.SIGKILL)
    until(live, lambda: live.LIVE.current is None)
    assert "ended" in live.LIVE.farewell and process.poll() is not None
    bpy.ops.semblance.live_toggle()
    until(live, lambda: live.LIVE.current.client.pid not in (None, process.pid))
