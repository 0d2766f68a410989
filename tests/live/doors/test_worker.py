"""Doors in the real worker, and in `semblance live` as a stranger uses it. Every process is ended, whatever happens."""
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from addon.core.coefficients import INDEX
from addon.core.rig_profile import find_profile
from addon.core.take import read_take
from addon.live.client import LiveClient
from addon.live.doors import OscOut, VmcOut, open_door
from addon.live.live_settings import LiveSettings
from addon.live.messages import Character, Open, Record, SetCast, StopRecording

from ...conftest import ROOT
from .making import Phone, hear, live_link_packet

FPS = 60


class Performer(threading.Thread):
    """A phone whose jaw opens and closes once a second, until it is told to stop."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self._over = port, threading.Event()

    def run(self):
        values, begin = np.zeros(61), time.monotonic()
        with Phone(self) as phone:
            for i in range(100_000):
                values[17] = 0.5 - 0.5 * np.cos(2 * np.pi * i / FPS)
                phone.send(live_link_packet(values, frame=i))
                if self._over.wait(max(begin + (i + 1) / FPS - time.monotonic(), 0)):
                    return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join(5)


@pytest.fixture
def port():
    with open_door("livelink://:0") as door:
        return door.port


def until(client, found, seconds=15.0):
    """The first thing that `found` makes of an update."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and client.state != "ended":
        client.wait(0.1)
        if (thing := found(client.poll())) is not None:
            return thing
    raise AssertionError(f"it did not come: {client.state} {client.sentence}")


def test_a_phone_plays_and_is_recorded_in_its_own_time(port, tmp_path):
    client = LiveClient.start("test", ("status", "controls"))
    try:
        client.send(LiveSettings(smoothing=0.0))
        client.send(SetCast((Character.of(find_profile("Pip")),)))
        client.send(Open(f"livelink://:{port}"))
        with Performer(port):
            first = until(client, lambda update: update.controls.get("Pip")).values
            client.send(Record(str(tmp_path / "phone.take")))
            seen = [first]
            end = time.monotonic() + 2
            until(client, lambda update: seen.extend(c.values for c in update.controls.values())
                  or (True if time.monotonic() > end else None))
            client.send(StopRecording())
            until(client, lambda update: update.takes or None)
    finally:
        client.stop()
    controls = find_profile("Pip").control_set
    assert np.abs(np.ptp([controls.shares(values) for values in seen], axis=0)).max() > 0.7
    take = read_take(tmp_path / "phone.take")
    jaw = take.raw.coefficients[:, INDEX["jawOpen"]]
    assert take.source["kind"] == "livelink"
    assert np.ptp(jaw) > 0.9
    # Frames are where the phone's own clock has them, however they came; but for those after a stall of this machine.
    frames = np.diff(take.raw.times_s) * FPS
    assert np.mean(np.abs(frames - np.round(frames)) < 1e-3) > 0.8
    turn = (take.raw.times_s - take.raw.times_s[len(take) // 2]) * 2 * np.pi
    phase = np.unwrap(np.arccos(1 - 2 * jaw) * np.where(np.gradient(jaw) < 0, -1, 1))
    assert np.median(np.abs(np.diff(phase) - np.diff(turn))) < 1e-3


def test_the_command_sends_on_what_a_phone_sends(port):
    with open_door("vmc://:0") as vmc, open_door("osc://:0") as osc, Performer(port):
        command = [sys.executable, "-m", "addon.commands", "live", "--source", f"livelink://:{port}", "--seconds", "8",
                   "--vmc", f"127.0.0.1:{vmc.port}", "--osc", f"127.0.0.1:{osc.port}"]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            heard = {door: [hear(door, 15) for _ in range(80)] for door in (vmc, osc)}
        finally:
            process.kill()
            process.wait(10)
    for expressions in heard.values():
        assert None not in expressions
        jaw = [expression.coefficients[INDEX["jawOpen"]] for expression in expressions]
        assert np.ptp(jaw) > 0.5
        assert (np.diff([expression.time_s for expression in expressions]) > 0).all()


def test_senders_can_be_closed_twice():
    for out in (VmcOut(), OscOut()):
        out.close()
        out.close()
