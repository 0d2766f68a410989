"""Dynamixel and Feetech: the right servos, their alarms in words, the bus watchdog and the way back from it."""
from __future__ import annotations

import contextlib
import time

import pytest

from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.links.dynamixel import DynamixelLink
from addon.robot.links.feetech import FeetechLink
from tests.robot.boards import DynamixelBoard, FeetechBoard, board


def limits(*idents: int, model: int | None = None, low: int = 0, high: int = 4095) -> dict[int, ActuatorLimits]:
    return {i: ActuatorLimits(i, low, (low + high) // 2, high, "tick", f"servo_{i}", model) for i in idents}


def dynamixel(board: DynamixelBoard, channels: dict[int, ActuatorLimits]) -> DynamixelLink:
    link = open_link(LinkSettings("face", "dynamixel2", board.path, 1000000), channels)
    assert isinstance(link, DynamixelLink)
    return link


def faults_of(link: DynamixelLink | FeetechLink, rounds: int = 12) -> list[tuple[str, str]]:
    return [(fault.severity, fault.sentence) for _ in range(rounds) for fault in link.read_faults()]


def test_the_wrong_board_is_told_by_its_model_number() -> None:
    with DynamixelBoard({1: 1020, 2: 1060}) as board:
        with pytest.raises(LinkFault, match=r"Motor 2 \('servo_2'\).* is a XL430-W250 \(1060\), the map wants XM430"):
            dynamixel(board, limits(1, 2, model=1020))
        assert board.frames == [] and not any(motor.memory[64] for motor in board.motors.values())
    with DynamixelBoard({1: 350}) as board, pytest.raises(LinkFault, match="model number 350, which is none of the X"):
        dynamixel(board, limits(1))


def test_servos_that_do_not_answer_are_named() -> None:
    with DynamixelBoard({1: 1020}) as board:
        with pytest.raises(LinkFault, match=r"Servo 7 \('servo_7'\), 9 \('servo_9'\) does not answer .*robot doctor"):
            dynamixel(board, limits(1, 7, 9))
        dynamixel(board, limits(1)).close()


def test_a_motor_in_another_mode_is_refused() -> None:
    with DynamixelBoard({1: 1020}) as board:
        board.poke(1, 11, 1, 1)
        with pytest.raises(LinkFault, match="operating mode 1, not in position mode"):
            dynamixel(board, limits(1))
    with FeetechBoard([1]) as board:
        board.motors[1].memory[33] = 1
        with pytest.raises(LinkFault, match="operating mode 1"):
            open_link(LinkSettings("face", "feetech_sts", board.path, 1000000), limits(1))


@pytest.mark.parametrize(("said", "there"), [("feetech_sts", "scs"), ("feetech_scs", "sts"), ("feetech_scs", "sms")])
def test_sts_and_scs_are_told_apart_before_anything_is_written(said: str, there: str) -> None:
    with FeetechBoard([1, 2], there) as board:
        memory = bytes(board.motors[1].memory)
        with pytest.raises(LinkFault, match="would read every goal wrongly, so nothing is written"):
            open_link(LinkSettings("face", said, board.path, 1000000), limits(1, 2))
        assert bytes(board.motors[1].memory) == memory and board.frames == []


def test_feetech_models_are_compared() -> None:
    with FeetechBoard([1]) as board:
        open_link(LinkSettings("face", "feetech_sts", board.path, 1000000), limits(1, model=777)).close()
        with pytest.raises(LinkFault, match=r"is STS3215 \(model 9\.3\), the map wants STS3250 \(model 9\.11\)"):
            open_link(LinkSettings("face", "feetech_sts", board.path, 1000000), limits(1, model=2825))


def test_a_servo_outside_its_travel_is_not_woken() -> None:
    with DynamixelBoard({1: 1020, 2: 1020}) as board:
        link = dynamixel(board, limits(1, 2, low=1000, high=3000))
        board.poke(1, 132, 4, 3500)
        with pytest.raises(LinkFault, match=r"'servo_1'\) stands at 3500, outside its travel 1000 to 3000: turn it"):
            link.enable([1, 2])
        assert not any(motor.memory[64] or motor.moved for motor in board.motors.values())
        board.poke(1, 132, 4, 3020)
        link.enable([1, 2])
        assert board.motors[1].moved == [] and board.peek(1, 116, 4) == 3000
        link.close()


def test_a_motor_that_shut_down_says_why_it_does_not_wake() -> None:
    with DynamixelBoard({1: 1020}) as board:
        link = dynamixel(board, limits(1))
        board.poke(1, 70, 1, board.OVERLOAD)
        with pytest.raises(LinkFault, match="does not switch its torque on: it was overloaded for too long"):
            link.enable([1])
        link.close()


def test_an_alarm_in_any_answer_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (DynamixelLink, FeetechLink):
        # Boards that are programs answer late on a busy computer, and their silence would be told too.
        monkeypatch.setattr(kind._read, "__defaults__", (1.0,))
    with DynamixelBoard(dict.fromkeys(range(1, 26), 1020)) as board:
        link = dynamixel(board, limits(*range(1, 26)))
        link.read_positions()
        board.poke(23, 70, 1, board.OVERHEATING)
        link.read_positions()
        assert [(f.channel, f.severity) for f in link.read_faults()] == [(23, "stop")]
        link.close()
    with FeetechBoard([*range(1, 26)]) as other:
        link = open_link(LinkSettings("face", "feetech_sts", other.path, 1000000), limits(*range(1, 26)))
        other.motors[9].memory[65] = other.OVERLOAD | other.OVERHEATING
        link.read_positions()
        assert [f.sentence.partition("reports: ")[2] for f in link.read_faults() if f.channel == 9] == [
            "it is overheated.", "it was overloaded for too long."
        ]
        link.close()


def test_every_servo_is_asked_in_turn_a_few_at_a_time() -> None:
    with DynamixelBoard(dict.fromkeys(range(1, 26), 1020)) as board:
        link = dynamixel(board, limits(*range(1, 26)))
        for ident in board.motors:
            board.poke(ident, 146, 1, 65 if ident < 25 else 72)
        seen = [fault for _ in range(3 * 7) for fault in link.read_faults()]
        assert sorted(fault.channel for fault in seen if fault.channel) == list(range(1, 26))
        assert {(fault.severity, fault.channel == 25) for fault in seen} == {("warn", False), ("stop", True)}
        link.close()


def test_one_silent_servo_is_named_and_then_stops_the_head() -> None:
    with DynamixelBoard({1: 1020, 2: 1020}) as board:
        link = dynamixel(board, limits(1, 2))
        del board.motors[2]
        assert faults_of(link, 5) == [
            *(("warn", f"Servo 2 ('servo_2') did not answer {times} times in a row.") for times in (2, 3, 4)),
            ("stop", "Servo 2 ('servo_2') did not answer 5 times in a row."),
        ]
        link.close()


def test_the_bus_watchdog_stops_the_motors_and_arming_again_clears_it() -> None:
    """The manual's order: 0 into the watchdog, profiles, goal = present, torque, watchdog on."""
    with DynamixelBoard({1: 1020, 2: 1020}) as board:
        link = dynamixel(board, limits(1, 2))
        assert link.set_watchdog(0.1)
        link.enable([1, 2])
        board.settle()
        assert [board.peek(i, 98, 1) for i in (1, 2)] == [5, 5]
        for step in range(30):
            link.send({1: 2048 + step, 2: 2048})
            time.sleep(0.01)
        board.settle()
        assert board.peek(1, 116, 4) == 2077
        time.sleep(0.15)
        assert [board.peek(i, 98, 1) for i in (1, 2)] == [0xFF, 0xFF]
        link.send({1: 3000, 2: 3000})
        board.settle()
        assert board.peek(1, 116, 4) == 2077, "a motor whose watchdog fired takes no goal"
        assert "The bus watchdog stopped motor 1 ('servo_1')" in str(faults_of(link, 2))
        link.limp()
        link.enable([1, 2])
        link.send({1: 2100, 2: 2100})
        board.settle()
        assert [board.peek(i, 116, 4) for i in (1, 2)] == [2100, 2100]
        assert [goal for goal in board.motors[1].moved if goal not in (2100,)][-1] <= 2077
        link.close()


@pytest.mark.parametrize("kind", ["dynamixel2", "feetech_sts", "feetech_scs"])
def test_a_bus_whose_supply_was_switched_off_is_given_up_at_once(kind: str) -> None:
    """When the switch goes on again, no goal of a face that moved on may be waiting for it."""
    with board(kind) as made:
        most = 1023 if kind == "feetech_scs" else 4095
        link = open_link(LinkSettings("face", kind, made.path, 1000000), limits(1, 2, high=most))
        link.read_positions()
        made.faults.mute = True
        for _ in range(4):
            assert link.read_positions() == {}, "limp servos may be without power"
        made.faults.mute = False
        link.enable([1, 2])
        made.faults.mute = True
        link.read_positions()
        with pytest.raises(LinkFault, match="No servo on .* answers any more: is their supply off"):
            link.read_positions()
        made.faults.mute = False
        link.limp()
        link.enable([1, 2])
        assert len(link.read_positions() or {}) == 2
        link.close()


def test_a_motor_that_started_anew_is_noticed() -> None:
    with DynamixelBoard({1: 1020, 2: 1020}) as board:
        link = dynamixel(board, limits(1, 2))
        link.enable([1, 2])
        assert faults_of(link, 6) == []
        board.poke(2, 64, 1, 0)
        assert "Motor 2 ('servo_2') has lost its torque" in str(faults_of(link, 3))
        link.limp()
        assert faults_of(link, 6) == []
        link.close()


def test_a_goal_far_away_never_leaves_for_a_limp_feetech_which_would_wake_by_it() -> None:
    with FeetechBoard([1, 2]) as board:
        link = open_link(LinkSettings("face", "feetech_sts", board.path, 1000000), limits(1, 2))
        link.enable([1])
        link.send({1: 2048, 2: 4000})
        board.settle()
        assert board.motors[2].memory[40] == 0 and board.motors[2].moved == []
        link.limp()
        link.close()


def test_a_link_opens_again_after_it_was_closed() -> None:
    with FeetechBoard([1], "scs") as board:
        link = FeetechLink(LinkSettings("face", "feetech_scs", board.path, 1000000), limits(1, high=1023))
        for _ in range(3):
            link.open()
            link.enable([1])
            link.limp()
            link.close()
        assert link.set_watchdog(0.3) is False


def test_one_dead_servo_among_many_stops_the_head_within_half_a_second_of_readings() -> None:
    """The 25th is asked alone in its batch; its silence is not the bus's."""
    with DynamixelBoard(dict.fromkeys(range(1, 26), 1020)) as board:
        link = dynamixel(board, limits(*range(1, 26)))
        link.enable(list(range(1, 26)))
        del board.motors[25]
        for _ in range(5):
            link.read_positions()
        assert {(fault.channel, fault.severity) for fault in link.read_faults()} == {(25, "stop")}
        with contextlib.suppress(LinkFault):
            link.limp()
        link.close()


def test_a_model_number_that_no_servo_can_have_is_a_sentence() -> None:
    with FeetechBoard([1]) as board, pytest.raises(LinkFault, match="the map wants model"):
        open_link(LinkSettings("face", "feetech_sts", board.path, 1000000), limits(1, model=1 << 30))
