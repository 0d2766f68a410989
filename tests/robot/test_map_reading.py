from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot import signals
from addon.robot.map_reading import find_map, read_map, shipped_maps

from .making import DESK_HEAD, desk_head


def _changed(tmp_path, old, new):
    assert old in DESK_HEAD
    path = tmp_path / "actuators.toml"
    path.write_text(DESK_HEAD.replace(old, new, 1), encoding="utf-8")
    return path


def test_a_map_is_read(tmp_path):
    robot = desk_head(tmp_path)
    assert [a.name for a in robot.actuators] == ["gaze_pitch", "lid", "jaw", "lip"]
    assert robot.control_names == signals.NAMES
    assert robot.loop.rate_hz == 50 and robot.loop.stale_after_s == 0.1
    assert robot.links["face"].protocol == "maestro" and robot.links["face"].port == ""
    assert len(robot.caps) == len(robot.tires) == 1
    assert "52 of" not in robot.warnings[0] and "jawLeft" in robot.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('name = "lid"', 'name = "lid"\nspeed = 3', "actuator 'lid', key 'speed' is unknown here"),
        ("gain = 0.6", "gian = 0.6", "actuator 'lid', key 'gian' is unknown here; did you mean 'gain'?"),
        ("eyeWideLeft", "eyeWiedLeft", "key 'control' names 'eyeWiedLeft', which does not exist; did you mean"),
        ("channel = 2", "channel = 1", "'lid', key 'channel' is 1 on link 'face', which 'gaze_pitch' already has"),
        ("[0, 0.0], [0.5, 0.62]", "[0.6, 0.0], [0.5, 0.62]", "'jaw', key 'curve' must have its first numbers strictly"),
        ("neutral = 1420", "neutral = 1020", "'lid', key 'neutral' must stand from low to high"),
        ("low = 1050", "low = nan", "'lid', key 'low' must be a finite number (found nan)"),
        ("low = 1050", "low = 105", "'lid', key 'low' must be from 400 to 2600 (found 105)"),
        ("low = 1050", "low = 1050.5", "'lid', key 'low' must be a whole number in us"),
        ('group = "eyes"', 'group = "ears"', "key 'group' names 'ears', which does not exist"),
        ('actuator = "gaze_pitch"', 'actuator = "jaw"', "'jaw', which does not stand above it in the file"),
        ('link = "face"', 'link = "fase"', "did you mean 'face'?"),
        ("toward = -1.0", "toward = -1.2", "'lid', key 'toward' must be from -1 to 1 (found -1.2)"),
        ("jerk = 12000.0", "jerk = 0", "group 'eyes', key 'jerk' must be from"),
        ("schema = 1", "schema = 2", "key 'schema' must be 1"),
        ("rate_hz = 50", "rate_hz = 5000", "key 'rate_hz' must be from 10 to 200"),
        ("rate_hz = 50", "rest_after_s = 0.1", "key 'rest_after_s' must be more than stale_after_s"),
        ('protocol = "maestro"', 'protocol = "maestro"\nport = "COM3"', "does not belong into the design"),
        ('protocol = "maestro"', 'protocol = "maestra"', "did you mean 'maestro'?"),
        ("[[0.0, -1.0], [0.6", "[[0.0, 0.1], [0.6", "'lip', key 'curve' forbids the neutral pose"),
        ('when = "jaw"', 'when = "lip"', "is the actuator itself"),
        ('name = "lip"', 'name = "lip"\nrest = -1.5', "actuator 'lip', key 'rest' must be from -1 to 1"),
        ("ease_to = 0.6", "ease_to = 0.9", "key 'ease_to' must be from 0 to 0.85"),
        ('controls = "expression"', 'controls = "pipp"', "must be 'expression' or a character"),
        ("inputs = [\n  { control = \"mouth", "x = [\n  { control = \"mouth", "'lip', key 'x' is unknown here"),
        ("gain = 0.6", "gain = 0.6, curve = [[0, 0], [1, 1]]", "stands beside a curve"),
        ("gain = 0.6", f"gain = 1{'0' * 400}", "must be a finite number"),
        ("reversed = true", "reversed = 1", "key 'reversed' must be true or false (found 1)"),
    ],
)
def test_every_refusal_names_file_line_and_key(tmp_path, old, new, expected):
    path = _changed(tmp_path, old, new)
    with pytest.raises(SemblanceError) as refused:
        read_map(path)
    sentence = str(refused.value)
    assert expected in sentence and str(path) in sentence
    line = int(re.search(r"line (\d+)", sentence)[1])
    key = re.search(r"key '(\w+)'", sentence)
    if key:
        assert key[1] in path.read_text(encoding="utf-8").splitlines()[line - 1]


def test_a_missing_key_leads_to_its_table(tmp_path):
    with pytest.raises(SemblanceError, match=r"line 23: actuator 'lid', key 'channel' must be a whole number"):
        read_map(_changed(tmp_path, "channel = 2\n", ""))


def test_broken_toml_says_where(tmp_path):
    with pytest.raises(SemblanceError, match="is not valid TOML.*line 8"):
        read_map(_changed(tmp_path, "[links.face]", "[links.face"))


def test_a_missing_file_and_an_unknown_robot_are_told(tmp_path):
    with pytest.raises(SemblanceError, match="Cannot read the robot map"):
        read_map(tmp_path / "no.toml")
    with pytest.raises(SemblanceError, match="no robot 'hall'; the designs here are: .*maestro_head"):
        find_map("hall")


def test_a_control_that_the_character_lacks_is_refused(tmp_path):
    text = DESK_HEAD.replace('"expression"', '"pip"').replace("gazePitchLeft", "eye_y.L")
    path = tmp_path / "actuators.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SemblanceError, match="names 'eyeWideLeft', which does not exist"):
        read_map(path)


def test_a_head_that_does_not_rest_at_neutral_is_told(tmp_path):
    robot = read_map(_changed(tmp_path, "[-0.5, -1.0], [0, 0.0], ", "[-0.5, -1.0], "))
    assert robot.warnings == robot.warnings[:1]
    path = _changed(tmp_path, "[[-0.5, -1.0], [0, 0.0], [0.5, 1.0]]", "[[-0.5, -1.0], [1.0, 1.0]]")
    assert "'gaze_pitch' stands at u = -0.33" in read_map(path).warnings[1]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_maps_are_read_or_refused_in_one_sentence(tmp_path, data):
    at = data.draw(st.integers(0, len(DESK_HEAD)))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.sampled_from(["", "{", "]", "[[", '"', "=", "\n", "nan", "-", "9e999", "1e400", "'", "#", "\x00",
                                     "true", "ä", "[links.face]\n", "name", "[]", "{}"]))
    path = tmp_path / "actuators.toml"
    path.write_text(DESK_HEAD[:at] + put + DESK_HEAD[at + length:], encoding="utf-8")
    try:
        robot = read_map(path)
    except SemblanceError as refused:
        assert str(path) in str(refused) and str(refused).count("\n") == 0
    else:
        assert len(robot) > 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300))
def test_noise_is_refused(tmp_path, noise):
    path = tmp_path / "actuators.toml"
    path.write_bytes(noise)
    with pytest.raises(SemblanceError):
        read_map(path)


@pytest.mark.parametrize("path", shipped_maps(), ids=lambda p: p.parent.name)
def test_shipped_maps_bear_their_folders_name_and_rest_at_neutral(path):
    robot = read_map(path)
    assert robot.name == path.parent.name and robot.description
    assert not [warning for warning in robot.warnings if "stands at" in warning]


def test_a_pose_to_rest_in_that_a_cap_forbids_is_refused(tmp_path):
    path = _changed(tmp_path, 'name = "lip"', 'name = "lip"\nrest = -0.9')
    assert read_map(path).rest.tolist() == [0, 0, 0, -0.9]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "jaw"', 'name = "jaw"\nrest = 1'), encoding="utf-8")
    with pytest.raises(SemblanceError, match="'lip', key 'curve' forbids where the head rests"):
        read_map(path)
