"""`semblance robot doctor`: what it finds on each kind of board, and that asking changes nothing."""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from addon.core.errors import SemblanceError
from addon.core.finding import Finding
from addon.robot import doctor, probing
from addon.robot.actuator_map import RobotMap
from addon.robot.links import ActuatorLimits, LinkSettings
from addon.robot.links.serial_port import PortInfo
from tests.robot.boards import Board, DynamixelBoard, FeetechBoard, MaestroBoard, SketchBoard

from .making import desk_head

THREE = {ident: ActuatorLimits(ident, 0, 2048, 4095, "tick", f"servo_{ident}") for ident in (1, 2, 3)}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    shorter = {"_ALL_S": 0.1, "_FEW_S": 0.1, "_STARTS_TRIES": 1, "_ALL_SERVOS": 12, "_LOW_SERVOS": 4}
    for name, value in shorter.items():
        monkeypatch.setattr(probing, name, value)


def asked(
    board: Board, protocol: str, channels: dict[int, ActuatorLimits] = THREE, baud: int = 1000000
) -> list[Finding]:
    found = list(doctor.ask(LinkSettings("face", protocol, board.path, baud), channels))
    assert board.frames == [], "asking moved something"
    return found


def text(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.state} {finding.text} → {finding.advice}" for finding in findings)


def states(findings: list[Finding]) -> set[str]:
    return {finding.state for finding in findings}


def test_a_healthy_dynamixel_bus() -> None:
    with DynamixelBoard({1: 1020, 2: 1020, 3: 1200, 9: 1060}) as board:
        before = {ident: bytes(motor.memory) for ident, motor in board.motors.items()}
        found = asked(board, "dynamixel2")
        assert {ident: bytes(motor.memory) for ident, motor in board.motors.items()} == before
    said = text(found)
    assert "servo 3 ('servo_3'): XL330-M288 (1200), firmware 45, 12 V, 30 °C, stands at 2048, torque off" in said
    assert "note Servos 9 answer, but the map does not use them." in said and "PROBLEM" not in states(found)


def test_what_is_wrong_on_a_dynamixel_bus_is_in_words() -> None:
    with DynamixelBoard({1: 1020, 2: 350}) as board:
        board.poke(1, 70, 1, board.OVERLOAD)
        board.poke(1, 11, 1, 1)
        board.poke(1, 9, 1, 250)
        found = asked(board, "dynamixel2", {ident: replace(each, model=1060) for ident, each in THREE.items()})
    said = text(found)
    for sentence in (
        "servo 1 ('servo_1') reports: it was overloaded for too long.", "servo 1 ('servo_1') is not in position mode.",
        "servo 1 ('servo_1') should be XL430-W250 (1060) by the map.", "servo 1 ('servo_1') waits before it answers.",
        "servo 2 ('servo_2'): no X-series motor (350)", "servo 3 ('servo_3') of the map does not answer.",
    ):
        assert sentence in said


@pytest.mark.parametrize(("made", "protocol", "rate"), [
    (lambda: DynamixelBoard({1: 1020}), "dynamixel2", 57600), (lambda: FeetechBoard([1]), "feetech_sts", 115200),
])
def test_another_baud_rate_is_found(made, protocol: str, rate: int) -> None:
    with made() as board:
        board.baud = rate
        said = text(asked(board, protocol))
    assert f"PROBLEM Servos 1 answer at {rate} baud, not at 1000000. → Set baud = {rate} in the map" in said


def test_nobody_at_any_rate() -> None:
    for board, protocol in ((DynamixelBoard({}), "dynamixel2"), (FeetechBoard([]), "feetech_sts")):
        with board:
            found = asked(board, protocol, {})
        assert states(found) == {"PROBLEM"} and "No servo answers" in text(found) and "57600" in text(found)


@pytest.mark.parametrize(("kind", "protocol", "words"), [
    ("sts", "feetech_sts", "STS3215 (model 9.3), firmware 3.9, 7.4 V, 31 °C, stands at 2048, torque off"),
    ("scs", "feetech_scs", "SCS0009 (model 5.4), firmware 3.9, 7.4 V, 31 °C, stands at 511, torque off"),
    ("scs", "feetech_sts", "is of the series feetech_scs, the map says feetech_sts."),
    ("sms", "feetech_scs", "is of the series feetech_sts, the map says feetech_scs."),
])
def test_feetech_servos_of_either_series(kind: str, protocol: str, words: str) -> None:
    with FeetechBoard([1, 2, 3], kind) as board:
        before = {ident: bytes(motor.memory) for ident, motor in board.motors.items()}
        board.motors[2].memory[65] = board.OVERHEATING
        found = asked(board, protocol)
        board.motors[2].memory[65] = 0
        assert {ident: bytes(motor.memory) for ident, motor in board.motors.items()} == before
    assert words in text(found) and "servo 2 ('servo_2') reports: it is overheated." in text(found)
    assert "no watchdog" in text(found)


def test_feetech_servos_behind_an_adapter_that_answers_late() -> None:
    with FeetechBoard([1, 2, 3]) as board:
        board.faults.late_s = 0.02
        found = asked(board, "feetech_sts")
    assert states(found) == {"ok", "note"} and "servo 3 ('servo_3'): STS3215 (model 9.3)" in text(found)


def test_a_maestro_with_errors_and_pulses() -> None:
    with MaestroBoard() as board:
        board.fail(board.TIMEOUT)
        board.pulses[2] = 6000
        said = text(asked(board, "maestro"))
        assert board.pulses[2] == 6000 and board.errors == 0
        assert "a Maestro answers" in said and "its serial time-out has passed" in said
        assert "pulses are on for the channels 2" in said and "Maestro Control Center" in said
        assert "pulses" not in text(asked(board, "maestro", {}))
        board.pulses[2] = 0
        assert "no channel of the map has pulses" in text(asked(board, "maestro"))


def test_a_maestro_that_does_not_answer_is_asked_once_and_not_upset() -> None:
    with MaestroBoard(device=7) as board:
        board.pulses[2] = 6000
        assert "device number 12" in text(asked(board, "maestro")) and board.pulses[2] == 6000 and not board.errors


def test_our_sketch() -> None:
    with SketchBoard(dict.fromkeys(range(3), (1000, 2000))) as board:
        said = text(asked(board, "arduino"))
        assert "version 1, 3 servos, lets go after 250 ms" in said and "servos detached; 0 damaged frames" in said
        assert "PROBLEM The map's servo 3 ('servo_3') is not in the sketch's table." in said
        board.faults.mute = True
        assert "Semblance's sketch does not answer" in text(asked(board, "arduino"))


def test_a_wrong_port_is_a_finding_not_an_end(tmp_path: Path) -> None:
    robot = desk_head(tmp_path)
    found = list(doctor.examine(robot, "/dev/nowhere"))
    assert "There is no port '/dev/nowhere'" in text(found)
    assert "Link 'face' has no port yet." in text(list(doctor.examine(robot)))


def test_the_robots_own_port_and_protocol_are_asked(tmp_path: Path) -> None:
    robot: RobotMap = desk_head(tmp_path)
    with MaestroBoard() as board:
        known = replace(robot, links={"face": replace(robot.links["face"], port=board.path)})
        assert "a Maestro answers" in text(list(doctor.examine(known)))
        assert "a Maestro answers" in text(list(doctor.examine(robot, board.path)))
        assert "a Maestro answers" in text(list(doctor.examine(None, board.path, "maestro")))


def test_an_unknown_port_is_not_asked_in_a_guessed_language(monkeypatch: pytest.MonkeyPatch) -> None:
    with MaestroBoard() as board:
        said = text(list(doctor.examine(port=board.path)))
        assert "a wrong language could move servos" in said and "--protocol" in said and board.received == 0
        pololu = PortInfo(board.path, "Pololu Mini Maestro 18", 0x1FFB, "00123456")
        monkeypatch.setattr(doctor, "list_ports", lambda: [pololu])
        said = text(list(doctor.examine(port=board.path)))
        assert f"ok port {board.path}: Pololu Mini Maestro 18, number 00123456" in said and "a Maestro answers" in said
    with pytest.raises(SemblanceError, match="There is no protocol 'servo'"):
        list(doctor.examine(port="x", protocol="servo"))


def test_missing_wheels_and_ports_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "list_ports", list)
    monkeypatch.setitem(sys.modules, "ruckig", None)
    said = text(list(doctor.examine()))
    assert "PROBLEM A robot's smooth motion is off" in said and "note No serial port is here." in said


@pytest.mark.parametrize("protocol", ["maestro", "dynamixel2", "feetech_sts", "feetech_scs", "arduino"])
def test_noise_is_no_board(protocol: str) -> None:
    class Babbling(Board):
        def obey(self, data: bytes) -> bytes:
            return bytes(byte ^ 0x5A for byte in data)

    with Babbling() as board:
        found = asked(board, protocol, {}, baud=57600)
    assert all("\n" not in finding.text for finding in found)
    if protocol != "maestro":  # whose answers have no frame
        assert "PROBLEM" in states(found)
