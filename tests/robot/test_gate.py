from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.robot.gate import Gate
from addon.robot.map_reading import find_map, shipped_maps
from addon.robot.rules import excess

from .making import desk_head

PERIOD_S = 0.02
MAPS = {path.parent.name: find_map(str(path)) for path in shipped_maps()}
hostile = st.floats() | st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1.0, 1.0, 0.0])


@pytest.fixture
def robot(tmp_path):
    return desk_head(tmp_path)


@pytest.mark.parametrize("name", MAPS)
@given(data=st.data())
@settings(max_examples=60)
def test_whatever_comes_what_leaves_is_safe(name, data):
    """Limits are computed here from the map alone, as the gate must not be its own judge."""
    robot = MAPS[name]
    gate = Gate(robot, PERIOD_S)
    before_u, before_raw = np.zeros(len(robot)), np.array([a.travel.neutral for a in robot.actuators])
    for _ in range(data.draw(st.integers(1, 12))):
        passed = gate.let_pass(np.array(data.draw(st.lists(hostile, min_size=len(robot), max_size=len(robot)))))
        assert np.isfinite(passed.raw).all() and np.isfinite(passed.u).all()
        for i, a in enumerate(robot.actuators):
            most = robot.groups[a.group].speed * PERIOD_S
            side = max(a.travel.high - a.travel.neutral, a.travel.neutral - a.travel.low)
            whole = a.travel.unit in ("us", "tick")
            assert a.travel.low <= passed.raw[i] <= a.travel.high
            assert abs(passed.raw[i] - before_raw[i]) <= most * side + whole + 1e-6
            assert abs(passed.u[i] - before_u[i]) <= most + 1e-9
            assert not whole or passed.raw[i] == round(passed.raw[i])
        assert max((excess(cap, passed.u) for cap in robot.caps), default=0) <= 1e-6
        before_u, before_raw = passed.u, passed.raw


def test_what_is_fine_passes_unchanged(robot):
    passed = Gate(robot, PERIOD_S).let_pass(np.array([0.1, -0.2, 0.05, 0.0]))
    assert not passed.changed.any() and passed.raw.tolist() == [1529, 1516, 1516, 1510]


def test_not_finite_means_the_last_sent(robot):
    gate = Gate(robot, PERIOD_S)
    gate.let_pass(np.array([0.1, 0.1, 0.1, 0.1]))
    passed = gate.let_pass(np.array([np.nan, np.inf, -np.inf, 0.1]))
    assert passed.u.tolist() == [0.1, 0.1, 0.1, 0.1] and passed.changed.tolist() == [True, True, True, False]


def test_a_wrong_number_of_values_repeats_the_last_frame(robot):
    gate = Gate(robot, PERIOD_S)
    first = gate.let_pass(np.array([0.1, 0.1, 0.1, 0.1]))
    assert gate.let_pass(np.zeros(3)).raw.tolist() == first.raw.tolist()


def test_the_bounded_one_gives_way_and_the_other_waits_for_it(robot):
    gate = Gate(robot, PERIOD_S)
    gate.start(np.array([0, 0, 0, -1.0]))
    jaw, lip = 0.0, -1.0
    for _ in range(20):
        passed = gate.let_pass(np.array([0, 0, 1.0, -1.0]))
        assert excess(robot.caps[0], passed.u) <= 1e-9
        assert passed.u[2] >= jaw - 1e-9 and passed.u[3] >= lip - 1e-9
        jaw, lip = passed.u[2], passed.u[3]
    assert jaw == pytest.approx(1) and lip == pytest.approx(-0.2), "nobody is stuck in the end"


def test_a_head_that_hangs_in_a_forbidden_pose_gets_out_of_it(robot):
    gate = Gate(robot, PERIOD_S)
    gate.start(np.array([0, 0, 1.0, -1.0]))
    over = [excess(robot.caps[0], gate.let_pass(np.array([0, 0, 1.0, -1.0])).u) for _ in range(10)]
    assert over == sorted(over, reverse=True) and over[-1] <= 1e-9


def test_the_last_sent_counts_not_what_was_asked(robot):
    gate = Gate(robot, PERIOD_S)
    u = [gate.let_pass(np.array([1.0, 0, 0, 0])).u[0] for _ in range(4)]
    assert u == pytest.approx([0.4, 0.8, 1.0, 1.0])


def test_a_motor_that_is_not_switched_on_yet_stays_where_it_will_be(robot):
    gate = Gate(robot, PERIOD_S)
    passed = gate.let_pass(np.array([1.0, 1.0, 0.0, 0.0]), np.array([True, False, False, False]))
    assert passed.u.tolist() == [0.4, 0, 0, 0]
