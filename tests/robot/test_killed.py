"""kill -9 of the robot process in motion: what each kind of hardware does then, by itself."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from addon.core.paths import ROOT
from addon.robot.client import RobotClient
from addon.robot.messages import Arm, Target
from tests.robot.boards import Board, DynamixelBoard, FeetechBoard, MaestroBoard, SketchBoard

from .test_on_boards import desk_head_on, made_board

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
PATIENCE_S = 30.0
KINDS = ("dynamixel2", "arduino", "feetech_sts")


@pytest.fixture(params=KINDS)
def board(request: pytest.FixtureRequest) -> Iterator[Board]:
    with made_board(request.param) as board:
        board.kind = request.param
        yield board


@pytest.fixture
def client(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RobotClient]:
    """A robot process on the board, armed and in motion."""
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    robot = desk_head_on(board.kind, tmp_path)
    text = robot.path.read_text(encoding="utf-8").replace("rate_hz = 50", "rate_hz = 50\narm_blend_s = 0.3")
    robot.path.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    client = RobotClient.start(["--robot", str(robot.path), "--link", board.path], environment, "a test")
    try:
        while not client.poll().status:
            assert client.state != "ended", client.sentence
            time.sleep(0.02)
        client.send(Arm())
        _follow(client, robot.control_names, lambda state: state == "LIVE")
        _follow(client, robot.control_names, lambda state, until_s=time.monotonic() + 0.5: time.monotonic() > until_s)
        yield client
    finally:
        client._process.kill()
        client._process.wait(10)
        client.poll()


def _follow(client: RobotClient, names: tuple[str, ...], done) -> None:
    """Say a moving jaw until it is `done`."""
    state, until_s, began_s = "", time.monotonic() + PATIENCE_S, time.monotonic()
    while not done(state):
        assert time.monotonic() < until_s and client.state != "ended", client.sentence or state
        now_s = time.monotonic()
        jaw = 0.5 + 0.4 * np.sin(6 * now_s)
        values = np.array([jaw if name == "jawOpen" else 0.0 for name in names])
        client.send(Target(names, now_s, round((now_s - began_s) * 1000), values))
        status = client.poll().status
        state = status.state if status else state
        time.sleep(0.01)


def _pulls(board: Board) -> bool:
    """Whether a servo still takes goals: it has pulses, or torque and no fired watchdog."""
    if isinstance(board, MaestroBoard):
        return any(board.pulses)
    if isinstance(board, SketchBoard):
        return any(board.pulses.values())
    if isinstance(board, DynamixelBoard):
        return any(motor.memory[64] and motor.memory[98] != 0xFF for motor in board.motors.values())
    assert isinstance(board, FeetechBoard)
    return any(motor.memory[40] for motor in board.motors.values())


def test_the_hardware_stops_by_itself(board: Board, client: RobotClient) -> None:
    assert _pulls(board)
    client._process.kill()
    client._process.wait(10)
    killed_s, frames = time.monotonic(), len(board.frames)
    while _pulls(board) and time.monotonic() - killed_s < 1.5:
        time.sleep(0.005)
    took_s = time.monotonic() - killed_s
    print(f"{board.kind}: {took_s * 1000:.0f} ms after kill -9")
    if board.kind == "feetech_sts":
        assert _pulls(board), "these have no watchdog: they hold, and the switch is what remains"
    else:
        assert took_s < 0.6, "0.25 s (sketch) or 0.3 s (bus watchdog), and what a busy machine adds"
    assert len(board.frames) - frames <= 2, "nothing was sent after its end"
