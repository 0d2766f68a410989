"""Calibration: slow jogs within the design, marks that make sense, and the terminal's conversation with a process."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot.actuator_map import RobotMap, Travel
from addon.robot.calibrating import SPEED_U_PER_S, Calibration, converse
from addon.robot.messages import Arm, Command, Disarm, Jog, RobotStatus, Sent, Stop
from addon.robot.unit_file import read_unit, write_unit

from .making import desk_head


@pytest.fixture
def robot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RobotMap:
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))
    return desk_head(tmp_path)


def creep(calibration: Calibration, seconds: float) -> list[float]:
    return [calibration.tick(0.05).u for _ in range(round(seconds / 0.05))]


def test_a_jog_creeps_and_never_leaves_the_design(robot: RobotMap) -> None:
    calibration = Calibration(robot, "one")
    calibration.select("jaw")
    calibration.jog(5)
    us = creep(calibration, 6)
    assert us[-1] == 1.0 and max(np.diff([0.0, *us])) <= SPEED_U_PER_S * 0.05 + 1e-9
    calibration.to_neutral()
    creep(calibration, 1)
    calibration.stay()
    assert creep(calibration, 1) == [calibration.u] * 20 and calibration.u == pytest.approx(0.75)
    assert abs(calibration.tick(1e9).u) <= 1, "a process that slept does not make up for it"


@given(st.lists(st.one_of(
    st.floats(-3, 3).map(lambda u: ("jog", u)), st.sampled_from(["low", "neutral", "high"]).map(lambda m: ("mark", m)),
    st.sampled_from([-1, 1]).map(lambda by: ("step", by)), st.floats(0, 9).map(lambda s: ("tick", s)),
    st.just(("forget", None)),
), max_size=40))
def test_whatever_is_done_the_unit_is_narrower(tmp_path_factory: pytest.TempPathFactory, deeds: list) -> None:
    robot = desk_head(tmp_path_factory.mktemp("head"))
    calibration = Calibration(robot, "one")
    for deed, value in deeds:
        try:
            getattr(calibration, deed)(*([] if value is None else [value]))
        except SemblanceError as refusal:
            assert "was not set" in str(refusal)
        assert -1 <= calibration.u <= 1
    for actuator in robot.actuators:
        travel, design = calibration.travel[actuator.name], actuator.travel
        assert design.low <= travel.low <= travel.neutral <= travel.high <= design.high and travel.low < travel.high


def test_marks_are_raw_numbers_of_what_was_asked(robot: RobotMap) -> None:
    calibration = Calibration(robot, "one")
    calibration.select("lid")  # reversed: +u goes towards the low pulse
    calibration.jog(0.5)
    creep(calibration, 3)
    assert calibration.mark("low") == Travel("us", 1235, 1420, 1900)
    calibration.jog(-0.75)
    creep(calibration, 4)
    assert calibration.mark("high") == Travel("us", 1235, 1420, 1540)
    with pytest.raises(SemblanceError, match="The low of 'lid' was not set to 1540: it must have its neutral from low"):
        calibration.mark("low")
    assert calibration.left == ["gaze_pitch", "jaw", "lip"]
    calibration.forget()
    assert calibration.travel["lid"] == Travel("us", 1050, 1420, 1900) and "lid" in calibration.left


def test_what_was_measured_is_written_and_gone_on_with(robot: RobotMap) -> None:
    calibration = Calibration(robot, "head-007")
    calibration.select("jaw")
    calibration.mark("high", 0.5)
    path = calibration.write({"face": "/dev/ttyACM0", "neck": ""})
    known = read_unit(path, robot)
    assert known.links["face"].port == "/dev/ttyACM0"
    again = Calibration(robot, "head-007", known)
    again.select("lip")
    again.mark("low", -0.5)
    both = read_unit(again.write({"face": "/dev/ttyACM0"}), robot)
    assert [a.travel.high for a in both.actuators if a.name == "jaw"] == [1660]
    assert [a.travel.low for a in both.actuators if a.name == "lip"] == [1405]


def test_names_are_checked_before_any_work(robot: RobotMap) -> None:
    with pytest.raises(SemblanceError, match="cannot name a head"):
        Calibration(robot, "../../etc")
    with pytest.raises(SemblanceError, match="no actuator 'nose'"):
        Calibration(robot, "one").select("nose")


@dataclass
class Update:
    status: RobotStatus | None = None
    sent: Sent | None = None


class FakeProcess:
    """Answers as the robot process does: arms when told to, and says where the servos stand."""

    def __init__(self, robot: RobotMap, stands: float = float("nan")) -> None:
        self.state, self.sentence, self.heard = "connected", "", []
        self._robot, self._stands, self._says = robot, stands, ("LIMP", "Connected.")

    def send(self, command: Command) -> None:
        self.heard.append(command)
        if isinstance(command, Arm):
            self._says = ("LIVE", "Follows.")
        if isinstance(command, Disarm | Stop):
            self._says = ("LIMP", "Limp.")

    def poll(self) -> Update:
        read = np.full(len(self._robot), self._stands, np.float32)
        status = RobotStatus(*self._says, self._robot.name, (), 50, 0, 0, 0)
        return Update(status, Sent(0, read, read, read, read, read))


def talk(robot: RobotMap, process: FakeProcess, *lines: str | None) -> tuple[Path | None, str]:
    now_s = 0.0

    def clock() -> float:
        return now_s

    def typed() -> Iterator[str | None]:
        nonlocal now_s
        for line in lines:
            now_s += 0.1
            yield line

    said: list[str] = []
    calibration = Calibration(robot, "one")
    return converse(calibration, process, typed(), said.append, {"face": "COM3"}, clock), "\n".join(said)


def test_a_conversation_arms_jogs_marks_and_writes(robot: RobotMap) -> None:
    process = FakeProcess(robot)
    path, said = talk(robot, process, None, "jaw", "arm", None, "++", "++", "", *[None] * 20, "h", "off", None, "write")
    assert path is not None and read_unit(path, robot).actuators[2].travel == Travel("us", 1480, 1500, 1596)
    assert "high 1596*" in said and "LIMP: Connected." in said and "LIVE: Follows." in said
    assert [type(command) for command in process.heard if not isinstance(command, Jog)] == [Arm, Disarm]
    us = [command.u for command in process.heard if isinstance(command, Jog)]
    assert len(us) >= 20 and us[-1] == pytest.approx(0.3) and max(np.diff(us)) <= SPEED_U_PER_S * 0.1 + 1e-6


def test_no_jog_is_said_while_it_is_limp(robot: RobotMap) -> None:
    process = FakeProcess(robot)
    talk(robot, process, None, "++", None, None, "stop", None, "quit")
    assert [type(command) for command in process.heard] == [Stop]


def test_a_limp_bus_servo_is_marked_where_a_hand_put_it(robot: RobotMap) -> None:
    process = FakeProcess(robot, stands=0.25)
    path, _ = talk(robot, process, None, None, "jaw", None, "h", "write")
    assert path is not None and read_unit(path, robot).actuators[2].travel.high == 1580
    assert process.heard == []


def test_nonsense_and_refusals_are_answered_and_the_talk_goes_on(robot: RobotMap) -> None:
    process = FakeProcess(robot)
    path, said = talk(robot, process, None, "jump", "h", "next", "back", "back", "show", "forget", "quit")
    assert path is None and "creep a little" in said.split("\n", 3)[3] and "lip (link face, channel 4)" in said


def test_a_process_that_ends_ends_the_talk(robot: RobotMap) -> None:
    process = FakeProcess(robot)
    process.state, process.sentence = "ended", "The port is gone."
    with pytest.raises(SemblanceError, match="The port is gone"):
        talk(robot, process, None)


def test_what_is_there_already_is_not_made_wider_by_writing(robot: RobotMap, tmp_path: Path) -> None:
    path = tmp_path / "user" / "calibration" / "desk_head" / "one.toml"
    write_unit(path, robot, "one", {}, {"jaw": Travel("us", 1490, 1500, 1600)})
    calibration = Calibration(robot, "one", read_unit(path, robot))
    assert read_unit(calibration.write({}), robot).actuators[2].travel == Travel("us", 1490, 1500, 1600)
