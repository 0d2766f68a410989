"""Blender, the real robot process, and a head that is simulated or a board behind a pseudo-terminal."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import bpy
import numpy as np
import pytest

from addon.robot.one_writer import running

from .conftest import EXTENSION
from .test_robot_session import robot  # noqa: F401

BLENDER = f"""
import sys, time
import bpy
import addon_utils, numpy as np
addon_utils.enable({EXTENSION!r})
module = lambda name: sys.modules[{EXTENSION!r} + ".addon." + name]
session, messages = module("blender.robot_session"), module("robot.messages")
settings = bpy.context.scene.semblance_robot
settings.design, settings.head = "maestro_head", "REAL"
settings.ports["face"].port = sys.argv[1]
bpy.ops.semblance.robot_connect()
names = session.HEAD.current.robot.control_names
values = np.zeros((600, len(names)), np.float32)
values[:, names.index("jawOpen")] = np.linspace(0.5, 1, 600)
session.HEAD.current.play(messages.Play(names, np.arange(600) / 10, values))
session.HEAD.current.arm()
while session.HEAD.current is not None:
    session.tick()
    if session.HEAD.current is not None:
        print(session.HEAD.current.state, flush=True)
    time.sleep(0.05)
"""


class Bench:
    """The real process of the head that the settings name, fed with an open jaw."""

    def __init__(self, made, extension) -> None:
        self.robot, self.module = made, made.module
        self.names, self.sequence = extension("robot.signals").NAMES, 0
        assert bpy.ops.semblance.robot_connect() == {"FINISHED"}
        self.session = made.session
        self.process = self.session.client._process

    def until(self, holds, feeds: bool = False) -> bool:
        """Let time pass until it holds."""
        end = time.monotonic() + 12
        while not holds() and self.robot.session is self.session and time.monotonic() < end:
            if feeds:
                self.sequence += 1
                values = np.zeros(len(self.names))
                values[self.names.index("jawOpen")] = 0.9
                self.session.client.send(
                    self.robot.messages.Target(self.names, time.monotonic(), self.sequence, values))
            self.module.tick()
            time.sleep(0.02)
        return bool(holds())

    def reaches(self, state: str, feeds: bool = False) -> bool:
        """Until it is in that state."""
        return self.until(lambda: self.session.state == state, feeds)

    def leave(self) -> None:
        """Disconnect, and look that the process ends by itself."""
        bpy.ops.semblance.robot_disconnect()
        end = time.monotonic() + 9
        while self.module.leaving() and time.monotonic() < end:
            self.module.tick()
            time.sleep(0.02)
        assert not self.module.leaving() and self.process.wait(2) == 0


@pytest.fixture
def bench(robot, extension):  # noqa: F811
    made = []

    def start() -> Bench:
        made.append(Bench(robot, extension))
        return made[-1]

    yield start
    for each in made:
        each.process.kill()
        each.process.wait(5)


def test_the_real_process_with_a_simulated_head(robot, bench):  # noqa: F811
    """Connect, arm, follow, stop, arm again, disconnect: the process ends by itself."""
    robot.settings.design = "maestro_head"
    run = bench()
    session = run.session
    assert run.reaches("LIMP"), robot.module.HEAD.farewell
    assert session.status.robot == "maestro_head" and session.status.log
    assert run.process.pid in [each.pid for each in running()]  # as a terminal sees it
    bpy.ops.semblance.robot_twin()
    bpy.ops.semblance.robot_arm()
    assert run.reaches("LIVE", feeds=True), session.status
    jaw = session.robot.index["jaw_open"]
    assert run.until(lambda: session.sent.sent[jaw] > 0.5, feeds=True)
    twin = {part.name: part.item for part in robot.settings.parts}
    assert twin["jaw_open"].scale.x > 0.2
    bpy.ops.semblance.robot_stop()
    assert run.reaches("STOPPED") and "Stop was pressed" in session.status.reason
    bpy.ops.semblance.robot_arm()
    assert run.reaches("ARMING", feeds=True)
    run.leave()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
def test_a_maestro_behind_a_pseudo_terminal(robot, bench):  # noqa: F811
    """Connect sends no target; armed, pulses come and stay inside the design; Stop takes them all away."""
    from tests.robot.boards import MaestroBoard

    bpy.ops.semblance.robot_design(design="maestro_head")
    with MaestroBoard(crc=True) as board:
        robot.settings.head = "REAL"
        robot.settings.ports["face"].port = board.path
        run = bench()
        assert run.reaches("LIMP"), robot.module.HEAD.farewell
        assert board.frames == [] and not any(board.pulses)
        bpy.ops.semblance.robot_arm()
        assert run.reaches("LIVE", feeds=True), run.session.status
        travel = {actuator.channel: actuator.travel for actuator in run.session.robot.actuators}
        assert all(board.pulses[channel] for channel in travel)
        bpy.ops.semblance.robot_stop()
        assert run.until(lambda: not any(board.pulses))
        assert all(4 * travel[channel].low <= raw <= 4 * travel[channel].high
                   for _, frame in board.frames for channel, raw in frame.items() if raw)
        run.leave()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
def test_a_plug_that_is_pulled_is_told(robot, bench):  # noqa: F811
    from tests.robot.boards import MaestroBoard

    bpy.ops.semblance.robot_design(design="maestro_head")
    with MaestroBoard(crc=True) as board:
        robot.settings.head = "REAL"
        robot.settings.ports["face"].port = board.path
        run = bench()
        assert run.reaches("LIMP"), robot.module.HEAD.farewell
        bpy.ops.semblance.robot_arm()
        assert run.reaches("LIVE", feeds=True)
        board.unplug()
        assert run.reaches("STOPPED", feeds=True) and board.path in run.session.status.reason
        run.leave()


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
def test_blender_is_killed_while_the_head_moves(extension):
    """The robot process notices, eases to rest and takes all pulses away, within seconds and by itself."""
    from tests.robot.boards import MaestroBoard

    with MaestroBoard(crc=True) as board:
        blender = subprocess.Popen([sys.executable, "-c", BLENDER, board.path], stdout=subprocess.PIPE, text=True)
        try:
            watchdog = threading.Timer(60, blender.kill)
            watchdog.start()
            assert any(line.strip() == "LIVE" for line in blender.stdout), "Blender ended, or the head did not move"
            watchdog.cancel()
            assert any(board.pulses)
        finally:
            blender.kill()
            blender.wait(5)
            blender.stdout.close()
        begun = time.monotonic()
        while any(board.pulses) and time.monotonic() < begun + 10:
            time.sleep(0.02)
        assert not any(board.pulses), "the head still holds its servos"
        assert time.monotonic() - begun < 8
