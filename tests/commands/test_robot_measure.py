"""Doctor and calibrate from a terminal, over a real robot process and a board behind a pseudo-terminal."""
from __future__ import annotations

import io
import sys
import time

import numpy as np
import pytest

from addon.commands import robot_measure
from addon.commands.robot_measure import calibrate, doctor, typed_lines
from addon.core.errors import SemblanceError
from addon.robot.unit_file import find_unit, read_unit, write_unit
from tests.robot.boards import DynamixelBoard, MaestroBoard
from tests.robot.test_on_boards import desk_head_on

posix = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on this system")


class Typist:
    """Types each line once its condition holds; an hour of patience would hang the suite, so it gives up."""

    def __init__(self, *lines):
        self.lines = lines

    def __iter__(self):
        for line, ready in self.lines:
            until_s = time.monotonic() + 20
            while not ready() and time.monotonic() < until_s:
                time.sleep(0.02)
            yield f"{line}\n"


def now():
    return True


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))


@posix
def test_a_head_is_measured_from_a_terminal(tmp_path, monkeypatch, capsys):
    design = desk_head_on("dynamixel2", tmp_path)
    with DynamixelBoard(dict.fromkeys((1, 2, 3, 4), 1020)) as board:
        jaw = board.motors[3]

        def live():
            return len(jaw.moved) > 100

        def crept():
            return jaw.moved[-1] == design.actuators[2].travel.neutral + 190

        monkeypatch.setattr(sys, "stdin", Typist(
            ("jaw", now), ("arm", now), ("++", live), ("++", now), ("h", crept), ("off", now), ("show", now),
            ("write", lambda: not jaw.memory[64]),
        ))
        assert calibrate(design, "head-007", board.path) == 0
        board.settle()
        assert not any(motor.memory[64] for motor in board.motors.values()), "limp at the end"
        assert np.abs(np.diff(jaw.moved)).max() <= 30, "it crept"
    shown = capsys.readouterr().out
    assert "high 2238*" in shown and "Wrote" in shown and "LIVE: " in shown
    unit = read_unit(find_unit(design, "head-007"), design)
    assert unit.links["face"].port == board.path and unit.actuators[2].travel.high == 2238
    assert [a.travel for a in unit.actuators if a.name != "jaw"] == [
        a.travel for a in design.actuators if a.name != "jaw"]


@posix
def test_a_limp_bus_servo_is_turned_to_its_end_by_hand(tmp_path, monkeypatch):
    design = desk_head_on("dynamixel2", tmp_path)
    with DynamixelBoard(dict.fromkeys((1, 2, 3, 4), 1020)) as board:
        began_s = []

        def turned():
            """By hand, and long enough ago that the process has read it."""
            if not began_s:
                began_s.append(time.monotonic())
                board.poke(3, 132, 4, 2500)
            return time.monotonic() > began_s[0] + 1.5

        monkeypatch.setattr(sys, "stdin", Typist(("jaw", now), ("h", turned), ("write", now)))
        assert calibrate(design, "by-hand", board.path) == 0
        assert board.frames == [] and not any(motor.memory[64] for motor in board.motors.values())
    assert read_unit(find_unit(design, "by-hand"), design).actuators[2].travel.high == 2500


def test_a_unit_without_ports_and_a_port_that_is_not_there_are_told(tmp_path, monkeypatch):
    design = desk_head_on("maestro", tmp_path)
    with pytest.raises(SemblanceError, match="The unit 'one' has no ports yet; name them with --link"):
        calibrate(design, "one", "unit")
    with pytest.raises(SemblanceError, match="cannot name a head"):
        calibrate(design, "../one", "simulated")
    monkeypatch.setattr(sys, "stdin", io.StringIO("show\n"))
    with pytest.raises(SemblanceError, match="There is no port '/dev/nowhere'"):
        calibrate(design, "one", "/dev/nowhere")


def test_quitting_writes_nothing(tmp_path, monkeypatch, capsys):
    design = desk_head_on("maestro", tmp_path)
    monkeypatch.setattr(sys, "stdin", Typist(("jaw", now), ("quit", now)))
    assert calibrate(design, "one", "simulated") == 1
    assert "Nothing was written." in capsys.readouterr().out


@posix
def test_doctor_prints_and_counts(tmp_path, capsys):
    design = desk_head_on("maestro", tmp_path)
    with MaestroBoard() as board:
        assert doctor(design, board.path) == 0
        path = tmp_path / "unit.toml"
        write_unit(path, design, "unit", {"face": board.path}, {})
        assert doctor(read_unit(path, design)) == 0
        board.faults.mute = True
        assert doctor(design, board.path) == 1
    shown = capsys.readouterr().out
    assert shown.count("ok       a Maestro answers") == 2 and "PROBLEM  No Maestro answers" in shown
    assert "         → In Maestro Control Center" in shown


def test_typed_lines_come_one_by_one_and_end(monkeypatch):
    monkeypatch.setattr(robot_measure, "_LOOK_S", 0.01)
    began_s = time.monotonic()
    said = list(typed_lines(Typist(("a", now), ("", now), ("b", lambda: time.monotonic() > began_s + 0.1))))
    assert [line for line in said if line is not None] == ["a", "", "b"] and None in said
