from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.robot.map_reading import find_map
from addon.robot.shaping import PlainShaper, RuckigShaper, make_shaper

PERIOD_S = 0.01
SPEED, ACCEL, JERK = np.array([30.0, 16.0, 2.5]), np.array([600.0, 160.0, 12.0]), np.array([20000.0, 4000.0, 100.0])
KINDS = {
    "ruckig": lambda: RuckigShaper(SPEED, ACCEL, JERK, PERIOD_S), "plain": lambda: PlainShaper(SPEED, ACCEL, PERIOD_S),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
targets = st.lists(
    st.tuples(st.lists(st.floats(-1, 1) | st.sampled_from([-1.0, 1.0, np.nan, np.inf]), min_size=3, max_size=3),
              st.integers(1, 40)), min_size=1, max_size=12)


def _run(shaper, plan):
    out = [np.zeros(3)]
    for target, ticks in plan:
        out += [shaper.step(np.array(target)) for _ in range(ticks)]
    return np.array(out)


@each_kind
@given(plan=targets)
@settings(max_examples=60)
def test_speed_and_acceleration_hold_and_nothing_overshoots(kind, plan):
    u = _run(KINDS[kind](), plan)
    assert np.isfinite(u).all() and (np.abs(u) <= 1 + 1e-9).all()
    speed = np.diff(u, axis=0) / PERIOD_S
    assert (np.abs(speed) <= SPEED + 1e-6).all()
    accel = np.diff(speed, axis=0) / PERIOD_S
    assert (np.abs(accel) <= ACCEL * (1 + 1e-6) + 1e-6).all()


@given(plan=targets)
@settings(max_examples=30)
def test_ruckig_keeps_the_jerk(plan):
    u = _run(KINDS["ruckig"](), plan)
    jerk = np.diff(u, 3, axis=0) / PERIOD_S**3
    assert (np.abs(jerk) <= JERK * (1 + 1e-3) + 1e-2).all()


@each_kind
def test_it_arrives_and_stays(kind):
    u = _run(KINDS[kind](), [([1.0, -0.5, 0.3], 200)])
    assert np.allclose(u[-20:], [1.0, -0.5, 0.3], atol=1e-6)


def test_a_distance_for_which_ruckig_finds_no_way_is_gone_all_the_same():
    u = _run(KINDS["ruckig"](), [([0.08, 0.0, 0.0], 6), ([-1.0, 0.0, 0.0], 200)])
    assert np.allclose(u[-1], [-1, 0, 0], atol=1e-5)


@each_kind
def test_each_actuator_goes_by_itself(kind):
    u = _run(KINDS[kind](), [([1.0, 0.0, 1.0], 20)])
    assert u[20, 0] > 0.95 and u[20, 2] < 0.3, "a blink must not wait for the neck"


@each_kind
def test_braking_comes_to_a_standstill_without_a_jump(kind):
    shaper = KINDS[kind]()
    _run(shaper, [([1.0, 1.0, 1.0], 6)])
    u = np.array([shaper.brake() for _ in range(60)])
    assert np.allclose(u[-1], u[-2]) and (np.diff(u, axis=0) >= -1e-9).all() and (u < 1 + 1e-9).all()
    after = _run(shaper, [([0.0, 0.0, 0.0], 200)])
    assert np.allclose(after[-1], 0, atol=1e-6), "it goes on after a brake"


@each_kind
def test_what_is_not_finite_brakes(kind):
    shaper = KINDS[kind]()
    _run(shaper, [([1.0, 1.0, 1.0], 3)])
    u = [shaper.step(np.array([np.nan, 1.0, 1.0])) for _ in range(60)]
    assert np.isfinite(u).all() and np.allclose(u[-1], u[-2])


@each_kind
def test_it_stands_still_where_it_is_held(kind):
    shaper = KINDS[kind]()
    _run(shaper, [([1.0, 1.0, 1.0], 5)])
    shaper.hold(np.array([True, False, False]), np.array([0.1, 9.0, 9.0]))
    u = shaper.step(np.array([1.0, 1.0, 1.0]))
    assert 0.1 <= u[0] <= 0.1 + ACCEL[0] * PERIOD_S**2 and u[1] < 1


def test_without_the_wheel_the_plain_one_works_and_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "ruckig", None)
    shaper, told = make_shaper(find_map("maestro_head"), PERIOD_S)
    assert isinstance(shaper, PlainShaper) and "ruckig" in told and told.startswith("Motion is less smooth")
