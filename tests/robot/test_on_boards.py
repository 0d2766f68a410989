"""The whole chain on simulated boards: what reaches the servos is judged by the boards' own decoders."""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from addon.robot.actuator_map import RobotMap, with_links
from addon.robot.head import Head
from addon.robot.links.serial_port import SerialPort
from addon.robot.loop import RobotLoop
from addon.robot.map_reading import read_map
from addon.robot.messages import Target
from addon.robot.states import State
from tests.robot.boards import Board, DynamixelBoard, FeetechBoard, MaestroBoard, SketchBoard

from .making import DESK_HEAD, Clock

KINDS = ("maestro", "dynamixel2", "feetech_sts", "feetech_scs", "arduino")
BUSES = ("dynamixel2", "feetech_sts", "feetech_scs")
# In ticks: wide enough that a jump would be seen at once.
TICKS = {"dynamixel2": (1000, 2048, 3000), "feetech_sts": (1000, 2048, 3000), "feetech_scs": (200, 500, 800)}


def made_board(kind: str) -> Board:
    return {
        "maestro": lambda: MaestroBoard(), "dynamixel2": lambda: DynamixelBoard(dict.fromkeys((1, 2, 3, 4), 1020)),
        "feetech_sts": lambda: FeetechBoard([1, 2, 3, 4]), "feetech_scs": lambda: FeetechBoard([1, 2, 3, 4], "scs"),
        "arduino": lambda: SketchBoard(dict.fromkeys(range(5), (1000, 2000))),
    }[kind]()


def desk_head_on(kind: str, folder: Path) -> RobotMap:
    """The desk head of `making`, on hardware of this kind."""
    text = DESK_HEAD.replace('protocol = "maestro"', f'protocol = "{kind}"\nbaud = 1000000')
    if kind in TICKS:
        low, neutral, high = TICKS[kind]
        lines = [f'travel = {{ unit = "tick", low = {low}, neutral = {neutral}, high = {high} }}'
                 if line.startswith("travel") else line for line in text.splitlines()]
        text = "\n".join(lines)
    path = folder / "actuators.toml"
    path.write_text(text, encoding="utf-8")
    return read_map(path)


class Body:
    """A loop on a board; time passes as fast as it is told to."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.clock, self.sequence, self.ticks = kind, Clock(), 0, 0
        self.board = made_board(kind)
        # The watchdogs of the hardware sleep: time here has nothing to do with theirs, and a busy machine stalls.
        self.board.clock = lambda: 0.0
        self.design = desk_head_on(kind, folder)

    def __enter__(self) -> Body:
        self.board.__enter__()
        self.patience = mock.patch.object(SerialPort, "ask", self.patient(SerialPort.ask))
        self.patience.start()
        self.robot = with_links(self.design, self.board.path)
        self.loop = RobotLoop(self.robot, Head(self.robot), clock=self.clock)
        self.loop.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.close()
        self.patience.stop()
        self.board.__exit__()

    def patient(self, ask: Callable[..., list]) -> Callable[..., list]:
        """Wait long for a board that will answer: on a busy machine its thread may get no turn for a while."""

        def longer(port: SerialPort, request: bytes, reader: object, count: int, within_s: float) -> list:
            faults = self.board.faults
            answers = not (faults.mute or faults.asleep)
            return ask(port, request, reader, count, within_s * 20 if answers else within_s)

        return longer

    def run(self, seconds: float, frames: bool = True, **values: float) -> Body:
        names = self.robot.control_names
        for _ in range(round(seconds * self.robot.loop.rate_hz)):
            self.ticks += 1
            if self.ticks % 30 == 0:
                self.board.settle()  # a terminal holds 4 KB, and a busy machine may not let the board read
            if frames:
                self.sequence += 1
                frame = np.array([values.get(name, 0.0) for name in names])
                self.loop.target(Target(names, self.clock(), self.sequence, frame))
            self.loop.tick()
            self.clock.now_s += self.loop.period_s
        return self

    def to_live(self, **values: float) -> Body:
        self.loop.arm()
        return self.run(3, **values)

    @property
    def scale(self) -> int:
        return 4 if self.kind == "maestro" else 1

    def powered(self) -> set[int]:
        """Channels that pull: with a pulse, or with torque."""
        self.board.settle()
        if isinstance(self.board, MaestroBoard | SketchBoard):
            pulses = self.board.pulses
            each = enumerate(pulses) if isinstance(pulses, list) else pulses.items()
            return {channel for channel, pulse in each if pulse}
        torque = 64 if isinstance(self.board, DynamixelBoard) else 40
        return {ident for ident, motor in self.board.motors.items() if motor.memory[torque]}

    def stand(self, ident: int, position: int) -> None:
        """A hand turns a limp servo."""
        if isinstance(self.board, DynamixelBoard):
            self.board.poke(ident, 132, 4, position)
        else:
            self.board.poke(ident, 56, position)

    def steps(self) -> dict[int, list[int]]:
        """Every goal that each servo was moved to, in order, raw."""
        self.board.settle()
        if isinstance(self.board, DynamixelBoard | FeetechBoard):
            return {ident: motor.moved for ident, motor in self.board.motors.items()}
        goals: dict[int, list[int]] = {}
        for _, frame in self.board.frames:
            for channel, raw in frame.items():
                goals.setdefault(channel, []).append(raw)
        return goals


@pytest.fixture(params=KINDS)
def body(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Body]:
    with Body(request.param, tmp_path) as body:
        yield body


def test_a_life_from_connecting_to_limp(body: Body) -> None:
    assert body.run(0.5).powered() == set(), "frames before arming move nothing"
    body.to_live(jawOpen=0.5)
    assert body.loop.state is State.LIVE and body.powered() == {1, 2, 3, 4}
    body.run(1, jawOpen=1.0, eyeBlinkLeft=1.0)
    assert body.run(0.5, frames=False).loop.state is State.HOLD
    assert body.run(3, frames=False).loop.state is State.RESTING
    body.loop.disarm()
    assert body.run(8, frames=False).loop.state is State.LIMP and body.powered() == set()


def test_every_step_that_arrives_is_inside_travel_and_speed(body: Body) -> None:
    """Wild frames; judged by what the board decoded, in raw units, with one for rounding."""
    body.to_live()
    rng = np.random.default_rng(7)
    for _ in range(60):
        body.run(0.1, jawOpen=rng.uniform(-5, 5), eyeBlinkLeft=rng.uniform(-5, 5), gazePitchLeft=rng.normal(0, 3),
                 mouthShrugLower=rng.uniform(0, 2), eyeWideLeft=rng.choice([0, 1e9]))
    speeds = body.robot.limits("speed") * body.loop.period_s
    for actuator, speed in zip(body.robot.actuators, speeds, strict=True):
        travel = actuator.travel
        goals = np.array([goal for goal in body.steps()[actuator.channel] if goal]) / body.scale
        assert len(goals) > 250 and travel.low <= goals.min() and goals.max() <= travel.high
        widest = max(travel.high - travel.neutral, travel.neutral - travel.low)
        assert np.abs(np.diff(goals)).max() <= speed * widest + 1


def test_an_error_word_in_motion_stops_and_says_why(body: Body) -> None:
    body.to_live(jawOpen=0.5)
    board = body.board
    if isinstance(board, MaestroBoard):
        board.fail(board.BUFFER_FULL)
    elif isinstance(board, DynamixelBoard):
        board.poke(3, 70, 1, board.OVERLOAD)
    elif isinstance(board, FeetechBoard):
        board.motors[3].memory[65] = board.OVERLOAD
    elif isinstance(board, SketchBoard):
        board._detach()
        board.fired = True
    body.run(3, jawOpen=0.5)
    assert body.loop.state is State.STOPPED and body.powered() == set()
    assert body.run(1, jawOpen=0.5).powered() == set(), "latched"


def test_a_board_that_falls_asleep_in_motion_is_limp_when_it_wakes(body: Body) -> None:
    body.to_live(jawOpen=0.5)
    body.board.faults.asleep = True
    time.sleep(0.01)
    for _ in range(400):
        body.loop.tick()
        body.clock.now_s += body.loop.period_s
        body.sequence += 1
        if body.loop.state is State.STOPPED:
            break
        names = body.robot.control_names
        body.loop.target(Target(names, body.clock(), body.sequence, np.zeros(len(names))))
    assert body.loop.state is State.STOPPED
    body.board.faults.asleep = False
    assert body.powered() == set()


@pytest.mark.parametrize("body", BUSES, indirect=True)
def test_the_switch_of_the_supply_off_and_on_in_motion_moves_nothing(body: Body) -> None:
    """The real emergency stop: after it, only a person's arm moves the head again."""
    body.to_live(jawOpen=0.5)
    body.board.faults.mute = True
    body.run(0.6, jawOpen=0.5)
    assert body.loop.state is State.STOPPED and "supply" in body.loop._states.reason
    body.board.faults.mute = False
    moved = {ident: len(goals) for ident, goals in body.steps().items()}
    body.run(1, jawOpen=1.0)
    assert {ident: len(goals) for ident, goals in body.steps().items()} == moved
    assert body.powered() == set()


def test_a_head_that_was_stopped_is_armed_again_once_it_is_well(body: Body) -> None:
    """Silent in motion, stopped; the cable is put back, a person arms once, it moves."""
    body.to_live(jawOpen=0.5)
    body.board.faults.mute = True
    body.run(3, jawOpen=0.5)
    assert body.loop.state is State.STOPPED
    body.board.faults.mute = False
    body.board.settle()
    body.loop.arm()
    body.run(3, jawOpen=0.5)
    assert body.loop.state is State.LIVE and body.powered() == {1, 2, 3, 4}


@pytest.mark.parametrize("body", BUSES, indirect=True)
def test_arming_does_not_jump_when_an_answer_is_lost(body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    """One servo's position is not heard at the moment of arming: it must not be taken to stand at its neutral."""
    _, neutral, high = TICKS[body.kind]
    stands = (neutral + 3 * high) // 4
    body.stand(3, stands)
    (link,) = body.loop._head._links.values()
    honest = type(link).read_positions
    lost = iter([True])

    def deaf(self: object) -> dict[int, float] | None:
        positions = honest(self)
        if next(lost, False) and positions:
            positions.pop(3)
        return positions

    monkeypatch.setattr(type(link), "read_positions", deaf)
    body.loop.arm()
    body.run(3)
    _no_jump(body, 3, stands)


@pytest.mark.parametrize("body", BUSES, indirect=True)
def test_arming_does_not_jump_when_a_servo_sags_before_its_group_wakes(body: Body) -> None:
    low, neutral, _ = TICKS[body.kind]
    body.loop.arm()
    body.run(0.04)  # the first group (gaze_pitch, lid) is awake, the second (jaw, lip) is not
    awake = body.powered()
    assert awake and not {3, 4} <= awake
    sagged = (low + neutral) // 2
    body.stand(3, sagged)
    body.run(3)
    _no_jump(body, 3, sagged)


def test_a_maestro_that_still_holds_is_taken_over_where_it_holds(tmp_path: Path) -> None:
    """A program was killed, the board had no time-out: its pulses are on when the next program comes."""
    body = Body("maestro", tmp_path)
    assert isinstance(body.board, MaestroBoard)
    body.board.pulses[2], body.board.pulses[3] = 4 * 1700, 4 * 1750
    with body:
        assert body.board.pulses[2] == 4 * 1700, "nothing moves by being connected"
        body.to_live()
        for channel, held in ((2, 1700), (3, 1750)):
            goals = np.array([held, *(goal / 4 for goal in body.steps()[channel])])
            assert np.abs(np.diff(goals)).max() < 25 and goals[1] == held
        body.loop.stop("test")
        assert body.powered() == set()
        body.to_live()
        assert body.steps()[3][-1] == 4 * 1500


def _no_jump(body: Body, ident: int, stands: int) -> None:
    actuator = body.robot.actuators[body.robot.index["jaw"]]
    step = 16 * body.loop.period_s * max(actuator.travel.high - actuator.travel.neutral,
                                         actuator.travel.neutral - actuator.travel.low)
    goals = body.steps()[ident]
    if body.loop.state is State.LIVE:
        assert goals and abs(goals[-1] - actuator.travel.neutral) <= 1, "it came to the neutral in the end"
    assert np.abs(np.diff([stands, *goals])).max(initial=0) <= step + 1, goals[:5]


def test_the_link_keeps_up_with_the_beat(body: Body) -> None:
    """Encoding, writing and the slow reads of a tick take a fraction of it, or the beat would be lost."""
    body.to_live()
    began_s = time.perf_counter()
    ticks = 200
    for _ in range(ticks):
        body.loop.tick()
        body.clock.now_s += body.loop.period_s
    assert (time.perf_counter() - began_s) / ticks < body.loop.period_s
    assert os.path.exists(body.board.path)
