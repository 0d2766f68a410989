"""Unit files: written and read again, only ever narrower than the design, every refusal with its line."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot.actuator_map import RobotMap, Travel
from addon.robot.unit_file import find_unit, read_unit, unit_names, unit_path, write_unit

from .making import desk_head

GOOD = """\
schema = 1
robot = "desk_head"
unit = "head-007"
measured = 2026-11-18

[links.face]
port = "/dev/serial/by-id/usb-Pololu-if00"

[travel.jaw]
low = 1485
neutral = 1500
high = 1700
"""


@pytest.fixture
def robot(tmp_path: Path) -> RobotMap:
    return desk_head(tmp_path)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))
    monkeypatch.setenv("BLENDER_USER_EXTENSIONS", str(tmp_path / "no blender"))


def unit(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "unit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_unit_narrows_the_design_and_brings_its_port(tmp_path: Path, robot: RobotMap) -> None:
    narrowed = read_unit(unit(tmp_path, GOOD), robot)
    assert narrowed.links["face"].port == "/dev/serial/by-id/usb-Pololu-if00"
    assert narrowed.actuators[robot.index["jaw"]].travel == Travel("us", 1485, 1500, 1700)
    others = [a for a in narrowed.actuators if a.name != "jaw"]
    assert others == [a for a in robot.actuators if a.name != "jaw"]
    assert narrowed.channels("face")[3].high == 1700


@pytest.mark.parametrize(("wrong", "instead", "sentence"), [
    ("high = 1700", "high = 1900", r"line 9: actuator 'jaw' goes from 1485 to 1900 us, but the design allows 1480 to"),
    ("low = 1485", "low = 1400", r"line 9: actuator 'jaw' goes from 1400 to 1700 us"),
    ("neutral = 1500", "neutral = 1800", r"line 9: actuator 'jaw' must have its neutral from low to high"),
    ("neutral = 1500", "neutral = nan", r"line 11: actuator 'jaw', key 'neutral' must be a finite number"),
    ("neutral = 1500", "neutral = 1500.5", r"line 11: actuator 'jaw', key 'neutral' must be a whole number in us"),
    ("neutral = 1500", "", r"key 'neutral' must be a finite number \(found nothing\)"),
    ("[travel.jaw]", "[travel.jawe]", r"key 'jawe' is unknown here; did you mean 'jaw'\?"),
    ("[links.face]", "[links.neck]", r"key 'neck' is no link of the robot 'desk_head'; it has face"),
    ("port = ", "prt = ", r"did you mean 'port'\?"),
    ('robot = "desk_head"', 'robot = "bus_head"', r"line 2: key 'robot' is 'bus_head', but the design is 'desk_head'"),
    ("schema = 1", "schema = 2", "must be 1, which is what this Semblance reads"),
    ("measured = 2026-11-18", 'measured = "now"', r"line 4: key 'measured' must be a date such as 2026-11-18"),
    ("schema = 1", "schema = ", "is not valid TOML"),
])
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, robot: RobotMap, wrong: str, instead: str, sentence: str
) -> None:
    assert wrong in GOOD
    with pytest.raises(SemblanceError, match=sentence) as refusal:
        read_unit(unit(tmp_path, GOOD.replace(wrong, instead)), robot)
    assert "unit.toml" in str(refusal.value)


def test_wider_travel_only_when_it_is_asked_for(tmp_path: Path, robot: RobotMap) -> None:
    path = unit(tmp_path, GOOD.replace("high = 1700", "high = 1900"))
    assert read_unit(path, robot, allow_wider=True).actuators[robot.index["jaw"]].travel.high == 1900


def test_two_links_never_share_a_port(tmp_path: Path, robot: RobotMap) -> None:
    both = replace(robot, links={**robot.links, "neck": replace(robot.links["face"], name="neck")})
    text = GOOD + '[links.neck]\nport = "/dev/serial/by-id/usb-Pololu-if00"\n'
    with pytest.raises(SemblanceError, match="link 'neck', key 'port' is .* which link 'face' already has"):
        read_unit(unit(tmp_path, text), both)


@settings(max_examples=30)
@given(data=st.data())
def test_what_was_measured_is_read_back(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("heads")
    robot, travel = desk_head(folder), {}
    for actuator in robot.actuators:
        if data.draw(st.booleans()):
            low, high = int(actuator.travel.low), int(actuator.travel.high)
            low, neutral, high = sorted(data.draw(st.tuples(*[st.integers(low, high)] * 3)))
            if low < high:
                travel[actuator.name] = Travel("us", low, neutral, high)
    port = data.draw(st.text(st.characters(codec="utf-8"), min_size=1))
    path = folder / "made" / "head.toml"
    write_unit(path, robot, "head", {"face": port}, travel)
    again = read_unit(path, robot)
    assert again.links["face"].port == port
    assert [a.travel for a in again.actuators] == [travel.get(a.name, a.travel) for a in robot.actuators]


@settings(max_examples=30)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    robot = desk_head(folder)
    for each in (text, GOOD + text, GOOD.replace("1500", text)):
        path = folder / "unit.toml"
        path.write_bytes(each.encode("utf-8", "surrogatepass"))
        try:
            narrowed = read_unit(path, robot)
        except SemblanceError as refusal:
            assert "unit.toml" in str(refusal)
        else:
            for ours, design in zip(narrowed.actuators, robot.actuators, strict=True):
                assert design.travel.low <= ours.travel.low <= ours.travel.high <= design.travel.high


def test_nothing_wider_is_written(tmp_path: Path, robot: RobotMap) -> None:
    path = tmp_path / "wide.toml"
    with pytest.raises(SemblanceError, match="Actuator 'jaw' goes from 1480 to 1821 us"):
        write_unit(path, robot, "wide", {}, {"jaw": Travel("us", 1480, 1500, 1821)})
    assert not path.exists()


def test_a_head_that_was_measured_in_blender_is_found_in_a_terminal(
    tmp_path: Path, robot: RobotMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLENDER_USER_EXTENSIONS", str(tmp_path / "extensions"))
    of_blender = tmp_path / "extensions" / ".user" / "user_default" / "semblance" / "calibration" / "desk_head"
    write_unit(of_blender / "b.toml", robot, "b", {}, {})
    assert unit_names("desk_head") == ["b"] and find_unit(robot, "b") == of_blender / "b.toml"
    write_unit(unit_path(robot, "b"), robot, "b", {}, {})
    assert unit_names("desk_head") == ["b"] and find_unit(robot, "b") == unit_path(robot, "b")


def test_units_are_found_by_name(tmp_path: Path, robot: RobotMap) -> None:
    with pytest.raises(SemblanceError, match="No unit 'head-007' .* there are: none yet"):
        find_unit(robot, "head-007")
    for name in ("head-007", "b"):
        write_unit(unit_path(robot, name), robot, name, {}, {})
    assert unit_names("desk_head") == ["b", "head-007"]
    assert read_unit(find_unit(robot, "head-007"), robot).actuators == robot.actuators
    assert find_unit(robot, "some/where.toml") == Path("some/where.toml")
    with pytest.raises(SemblanceError, match="there are: b, head-007"):
        find_unit(robot, "c")
    for wrong in ("", "../x", "a/b", ".x", "x" * 70):
        with pytest.raises(SemblanceError, match="cannot name a head"):
            unit_path(robot, wrong)
    with pytest.raises(SemblanceError, match="Cannot read the unit file"):
        read_unit(tmp_path / "absent.toml", robot)
