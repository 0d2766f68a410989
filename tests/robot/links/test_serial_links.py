"""Every serial link against its simulated board: wake where it stands, one frame, limp whatever happens."""
from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Iterator

import pytest

from addon.core.errors import SemblanceError
from addon.robot.links import ActuatorLimits, Link, LinkFault, LinkSettings, open_link
from tests.robot.boards import Board, DynamixelBoard, FeetechBoard, MaestroBoard, SketchBoard, board

KINDS = ("maestro", "dynamixel2", "feetech_sts", "feetech_scs", "arduino")
PULSES = ("maestro", "arduino")
BUSES = ("dynamixel2", "feetech_sts", "feetech_scs")
TRAVEL = {"maestro": (1100, 1500, 1900), "arduino": (1100, 1500, 1900), "dynamixel2": (1000, 2000, 3000),
          "feetech_sts": (1000, 2000, 3000), "feetech_scs": (200, 500, 800)}


def channels(kind: str, idents: tuple[int, ...] = (1, 2, 4)) -> dict[int, ActuatorLimits]:
    low, neutral, high = TRAVEL[kind]
    return {ident: ActuatorLimits(ident, low, neutral, high, name=f"servo_{ident}") for ident in idents}


def awake(kind: str, made: Board) -> dict[int, float]:
    """Channel → raw of what has pulses or torque, as the board knows it."""
    made.settle()
    if isinstance(made, MaestroBoard):
        return {channel: pulse / 4 for channel, pulse in enumerate(made.pulses) if pulse}
    if isinstance(made, SketchBoard):
        return {channel: pulse for channel, pulse in made.pulses.items() if pulse}
    if isinstance(made, DynamixelBoard):
        return {i: made.peek(i, 116, 4) for i, motor in made.motors.items() if motor.memory[64]}
    assert isinstance(made, FeetechBoard)
    return {i: made.peek(i, 42) for i, motor in made.motors.items() if motor.memory[40]}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(kind: str) -> Iterator[Board]:
    with board(kind) as made:
        yield made


@pytest.fixture
def link(kind: str, made: Board) -> Iterator[Link]:
    link = open_link(LinkSettings("face", kind, made.path), channels(kind))
    yield link
    link.close()


def standing(link: Link) -> dict[int, float]:
    """Where all three stand; on a busy machine one answer may come too late for one reading."""
    for _ in range(10):
        positions = link.read_positions()
        if positions is None or len(positions) == 3:
            break
    return positions or {}


def wake(link: Link) -> None:
    """Enabled, and met where it stands."""
    link.enable([1, 2, 4])
    link.send(standing(link))


def test_nothing_moves_before_it_is_enabled(kind: str, made: Board, link: Link) -> None:
    link.send({1: TRAVEL[kind][0], 2: TRAVEL[kind][2]})
    assert awake(kind, made) == {}


@pytest.mark.parametrize("kind", BUSES, indirect=True)
def test_arming_does_not_jump(kind: str, made: Board, link: Link) -> None:
    """A bus servo wakes exactly where it stands, though its goal register holds something else."""
    stands = (TRAVEL[kind][0] + TRAVEL[kind][1]) // 2
    for ident in (1, 2, 4):
        made.poke(ident, *((132, 4, stands) if isinstance(made, DynamixelBoard) else (56, stands)))
    link.enable([1, 2, 4])
    assert awake(kind, made) == {1: stands, 2: stands, 4: stands}
    assert {goal for motor in made.motors.values() for goal in motor.moved} <= {stands}
    assert standing(link) == {1: stands, 2: stands, 4: stands}


@pytest.mark.parametrize("kind", BUSES, indirect=True)
def test_a_servo_that_wakes_is_met_where_it_stands(kind: str, made: Board, link: Link) -> None:
    """Whoever armed it thinks that it stands elsewhere: it would jump there, so it is refused, once."""
    low, neutral, high = TRAVEL[kind]
    stood = standing(link)
    link.enable([1, 2, 4])
    with pytest.raises(LinkFault, match=f"woke at {stood[2]:g}, but its first goal is {high}: arm again"):
        link.send({**stood, 2: high})
    assert awake(kind, made) == stood
    link.limp()
    link.enable([1, 2, 4])
    link.send({ident: at + 0.04 * (high - low) for ident, at in stood.items()})
    link.send(dict.fromkeys(stood, neutral))
    assert awake(kind, made) == dict.fromkeys(stood, neutral)


@pytest.mark.parametrize("kind", PULSES, indirect=True)
def test_a_hobby_servo_wakes_at_neutral_one_group_at_a_time(kind: str, made: Board, link: Link) -> None:
    neutral = TRAVEL[kind][1]
    link.enable([1])
    assert awake(kind, made) == {1: neutral}
    link.enable([2, 4])
    assert awake(kind, made) == {1: neutral, 2: neutral, 4: neutral}
    assert link.read_positions() is None


def test_one_frame_carries_all_channels(kind: str, made: Board, link: Link) -> None:
    wake(link)
    wanted = {1: TRAVEL[kind][0], 2: TRAVEL[kind][1] + 7, 4: TRAVEL[kind][2]}
    made.settle()
    before = len(made.frames)
    link.send(wanted)
    assert awake(kind, made) == wanted
    # Channel 3 is not the map's, so a Maestro below 6 channels is told one by one.
    assert len(made.frames) - before == (3 if kind == "maestro" else 1)


def test_limp_is_limp_and_may_be_said_again(kind: str, made: Board, link: Link) -> None:
    link.enable([1, 2, 4])
    assert awake(kind, made)
    link.limp()
    assert awake(kind, made) == {}
    link.limp()
    link.send({1: TRAVEL[kind][0]})
    assert awake(kind, made) == {}


def test_stop_survives_write_timeout(kind: str, made: Board, link: Link) -> None:
    """The board sleeps until writes time out, with half a frame in the line; limp still gets through when it wakes."""
    wake(link)
    made.settle()
    made.faults.asleep = True
    time.sleep(0.01)
    with pytest.raises(LinkFault, match="took no bytes for 50 ms"):
        for _ in range(2000):
            link.send({1: TRAVEL[kind][0] + 1, 2: TRAVEL[kind][1], 4: TRAVEL[kind][1]})
    made.faults.asleep = False
    link.limp()
    assert awake(kind, made) == {}


def test_noise_in_the_answers_does_not_keep_a_head_awake(kind: str, made: Board, link: Link) -> None:
    link.enable([1, 2, 4])
    made.faults.garbage = b"" if kind == "maestro" else b"\xff\xff\x01\xa5\x5a"
    link.limp()
    assert awake(kind, made) == {}


def test_limp_without_a_confirmation_is_told_but_was_sent(kind: str, made: Board, link: Link) -> None:
    link.enable([1, 2, 4])
    made.faults.mute = True
    started = time.monotonic()
    with pytest.raises(LinkFault):
        link.limp()
    assert time.monotonic() - started < 1.5
    assert awake(kind, made) == {}


@pytest.mark.parametrize("after", [0, 3, 9])
def test_unplugged_in_mid_frame(kind: str, made: Board, link: Link, after: int) -> None:
    link.enable([1, 2, 4])
    made.settle()
    made.faults.unplug_after = made.received + max(1, after)
    with pytest.raises(LinkFault, match="gone: unplugged"):
        for _ in range(50):
            link.send(dict.fromkeys((1, 2, 4), TRAVEL[kind][1]))
            time.sleep(0.002)
    with pytest.raises(LinkFault):
        link.limp()
    link.close()
    link.close()


def test_a_mute_board_is_refused_in_one_sentence(kind: str, made: Board) -> None:
    made.faults.mute = True
    if kind == "arduino":
        pytest.MonkeyPatch().setattr("addon.robot.links.sketch._START_S", 0.2)
    with pytest.raises(LinkFault, match="answer") as refusal:
        open_link(LinkSettings("face", kind, made.path), channels(kind))
    assert made.path in str(refusal.value) and "\n" not in str(refusal.value)
    made.faults.mute = False
    open_link(LinkSettings("face", kind, made.path), channels(kind)).close()


def test_half_answers_are_no_answers(kind: str, made: Board, link: Link) -> None:
    made.faults.half_reply = True
    rounds = [{fault.severity for fault in link.read_faults()} for _ in range(5)]
    assert rounds[1] == {"warn"} and "stop" in rounds[-1] and "stop" not in rounds[0]
    made.faults.half_reply = False
    # On a busy machine a whole answer may come too late as well.
    assert any(link.read_faults() == [] for _ in range(20))


def test_a_port_has_one_owner(kind: str, made: Board, link: Link) -> None:
    with pytest.raises(LinkFault, match="taken by another program"):
        open_link(LinkSettings("neck", kind, made.path), channels(kind))


def test_what_is_no_number_never_leaves(kind: str, made: Board, link: Link) -> None:
    link.enable([1, 2, 4])
    before = awake(kind, made)
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(LinkFault, match="nothing was sent"):
            link.send({1: value, 2: TRAVEL[kind][0]})
    with pytest.raises(LinkFault, match="no channel 3"):
        link.send({3: TRAVEL[kind][1]})
    with pytest.raises(LinkFault, match="no channel 3"):
        link.enable([3])
    assert awake(kind, made) == before


def test_a_wrong_path_says_what_is_there(kind: str) -> None:
    with pytest.raises(SemblanceError, match=r"There is no port '/dev/nowhere'; here are"):
        open_link(LinkSettings("face", kind, "/dev/nowhere"), channels(kind))
    with pytest.raises(SemblanceError, match="No serial port is named"):
        open_link(LinkSettings("face", kind, ""), channels(kind))
    with pytest.raises(SemblanceError, match="'/dev/null' is not a serial port"):
        open_link(LinkSettings("face", kind, "/dev/null"), channels(kind))


def test_many_frames_all_arrive(kind: str, made: Board, link: Link) -> None:
    wake(link)
    made.settle()
    made.frames.clear()
    low = TRAVEL[kind][0]
    for step in range(200):
        link.send(dict.fromkeys((1, 2, 4), low + step))
        if step % 20 == 19:
            made.settle()  # a terminal holds 4 KB, and a busy machine may not let the board read for a while
    factor = 4 if kind == "maestro" else 1
    seen = [frame[4] for _, frame in made.frames if 4 in frame]
    assert seen == [factor * (low + step) for step in range(200)]


@pytest.mark.parametrize("late_s", [0.01, 0.06])
def test_late_answers_do_not_keep_a_head_awake(kind: str, made: Board, link: Link, late_s: float) -> None:
    wake(link)
    made.faults.late_s = late_s
    with contextlib.suppress(LinkFault):
        link.limp()
    link.send({1: TRAVEL[kind][0]})
    made.faults.late_s = 0
    assert awake(kind, made) == {}


class Babbling(Board):
    """Answers anything with noise that looks like its protocols."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._dice = random.Random(seed)

    def obey(self, data: bytes) -> bytes:
        noise = self._dice.randbytes(9)
        pieces = (b"\xff\xff\xfd\x00", b"\xff\xff", b"\xa5\x5a", b"\x55\x00", noise, data[:7], b"\x00\x00")
        return b"".join(self._dice.choices(pieces, k=self._dice.randrange(8)))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_babbles_on_the_port_is_a_sentence_or_a_board(
    kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("addon.robot.links.sketch._START_S", 0.1)
    with Babbling(seed) as babbling:
        link: Link | None = None
        with contextlib.suppress(SemblanceError):
            link = open_link(LinkSettings("face", kind, babbling.path), channels(kind))
        if link is None:
            return
        for deed in (lambda: link.enable([1]), link.read_positions, link.read_faults, link.limp):
            with contextlib.suppress(LinkFault):
                deed()
        link.close()
