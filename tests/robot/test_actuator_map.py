from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot.actuator_map import Curve, with_links
from addon.robot.map_reading import find_map, shipped_maps
from addon.robot.signals import NAMES, map_signals

from .making import desk_head

MAPS = {path.parent.name: find_map(str(path)) for path in shipped_maps()}


def _values(**given):
    return [given.get(name, 0.0) for name in NAMES]


@pytest.fixture
def robot(tmp_path):
    return desk_head(tmp_path)


def test_neutral_is_zero(robot):
    assert robot.evaluate(_values()).tolist() == [0, 0, 0, 0]
    assert robot.raw(np.zeros(4)).tolist() == [1500, 1420, 1500, 1510]


def test_curves_gains_coupling_and_override(robot):
    assert robot.evaluate(_values(jawOpen=0.25))[2] == pytest.approx(0.31)
    assert robot.evaluate(_values(jawOpen=7))[2] == 1
    u = robot.evaluate(_values(gazePitchLeft=0.25, eyeWideLeft=0.5))
    assert u[0] == pytest.approx(0.5) and u[1] == pytest.approx(0.3 + 0.35 * 0.5)
    half = robot.evaluate(_values(eyeWideLeft=1, eyeBlinkLeft=0.5))[1]
    assert half == pytest.approx(0.5 * 0.6 - 0.5)
    assert robot.evaluate(_values(eyeWideLeft=1, eyeBlinkLeft=3))[1] == -1


def test_each_side_has_its_own_travel_and_reversed_turns_it_round(robot):
    assert robot.raw(np.array([1, 1, 1, 1])).tolist() == [1790, 1050, 1820, 1700]
    assert robot.raw(np.array([-1, -1, -1, -1])).tolist() == [1180, 1900, 1480, 1300]
    assert robot.raw(np.array([0.5, -0.5, 0, 0])).tolist() == [1645, 1660, 1500, 1510]


@pytest.mark.parametrize("name", MAPS)
@given(data=st.data())
@settings(max_examples=40)
def test_whatever_comes_u_stays_within_and_raw_within_travel(name, data):
    robot = MAPS[name]
    # As large as validate lets through.
    values = data.draw(st.lists(st.floats(-1e6, 1e6), min_size=len(robot.control_names),
                                max_size=len(robot.control_names)))
    u = robot.evaluate(values)
    assert np.isfinite(u).all() and (np.abs(u) <= 1).all()
    raw = robot.raw(u)
    for actuator, value in zip(robot.actuators, raw, strict=True):
        assert actuator.travel.low - 1e-9 <= value <= actuator.travel.high + 1e-9
    travels = [min(t.high - t.neutral, t.neutral - t.low) for t in (a.travel for a in robot.actuators)]
    back = robot.u_of(raw)
    assert np.allclose(back, u, atol=1e-9, equal_nan=True) or min(travels) == 0


@given(x=st.floats(allow_nan=False), points=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2,
                                                     unique_by=lambda p: p[0]))
def test_a_curve_is_what_numpy_interpolates(x, points):
    xs, ys = zip(*sorted(points), strict=True)
    curve = Curve(tuple(map(float, xs)), tuple(map(float, ys)))
    assert curve(x) == pytest.approx(float(np.interp(x, xs, ys)), abs=1e-9)


def test_links_get_their_ports(robot):
    assert with_links(robot, "COM3").links["face"].port == "COM3"
    assert with_links(robot, "face=COM3").links["face"].port == "COM3"
    link = with_links(robot, "simulated", "late").links["face"]
    assert (link.protocol, link.port, link.dialect) == ("simulated", "late", "pwm")
    with pytest.raises(SemblanceError, match="no link 'neck'; it has face"):
        with_links(robot, "neck=COM3")


def test_signals_are_in_their_order():
    gaze = np.array([[1, 2], [3, 4]])
    row = map_signals(np.arange(54), gaze, np.array([5, 6, 7]))
    assert dict(zip(NAMES, row, strict=True))["gazePitchRight"] == 4
    assert row[54:].tolist() == [5, 6, 7, 1, 2, 3, 4] and NAMES[54] == "headYaw"
