from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.robot.map_reading import find_map, shipped_maps
from addon.robot.rules import WARM, Rules, excess

from .making import desk_head

STEP_S = 0.02
MAPS = {path.parent.name: find_map(str(path)) for path in shipped_maps()}


@pytest.fixture
def rules(tmp_path):
    return Rules(desk_head(tmp_path))


def _jaw(rules, wanted, seconds):
    return [rules.apply(np.array([0, 0, wanted, 0.0]), STEP_S)[2] for _ in range(round(seconds / STEP_S))]


def test_a_cap_bounds_one_by_the_other(rules):
    assert rules.apply(np.array([0, 0, 0, -1.0]), STEP_S)[3] == -1
    assert rules.apply(np.array([0, 0, 0.6, -1.0]), STEP_S)[3] == pytest.approx(-0.8)
    assert rules.apply(np.array([0, 0, 1.0, -1.0]), STEP_S)[3] == pytest.approx(-0.2)
    assert rules.apply(np.array([0, 0, 1.0, 0.7]), STEP_S)[3] == 0.7


def test_a_held_extreme_tires_eases_and_recovers(rules):
    held = _jaw(rules, 1.0, 3.9)
    assert min(held) == 1
    eased = _jaw(rules, 1.0, 1.3)
    assert eased[-1] == pytest.approx(0.6) and max(-np.diff(eased)) <= 0.4 * STEP_S / 1.0 + 1e-9
    assert _jaw(rules, 1.0, 30)[-1] == pytest.approx(0.6)
    _jaw(rules, 0.5, 4.5)
    assert _jaw(rules, 1.0, 0.1)[-1] == pytest.approx(0.6)
    _jaw(rules, 0.5, 6.5)
    assert _jaw(rules, 1.0, 0.1)[-1] == 1


def test_a_flicker_around_the_extreme_does_not_start_the_time_anew(rules):
    for _ in range(60):
        _jaw(rules, 1.0, 0.1)
        _jaw(rules, 0.8, 0.02)
    assert _jaw(rules, 1.0, 0.5)[-1] == pytest.approx(0.6)


def test_what_was_held_is_forgotten_after_a_rest(rules):
    _jaw(rules, 1.0, 6)
    rules.rested()
    assert _jaw(rules, 1.0, 0.1)[-1] == 1


def test_a_warm_servo_backs_off(rules):
    assert rules.apply(np.array([1, -1, 0, 0.0]), STEP_S, {0, 1})[:2].tolist() == [WARM, -WARM]


@pytest.mark.parametrize("name", MAPS)
@given(data=st.data())
@settings(max_examples=30)
def test_whatever_comes_the_caps_hold(name, data):
    robot = MAPS[name]
    rules = Rules(robot)
    for _ in range(5):
        u = np.array(data.draw(st.lists(st.floats(-3, 3), min_size=len(robot), max_size=len(robot))))
        allowed = rules.apply(u, data.draw(st.floats(0.005, 3)))
        assert np.isfinite(allowed).all() and (np.abs(allowed) <= 1).all()
        assert max((excess(cap, allowed) for cap in robot.caps), default=0) <= 1e-9
