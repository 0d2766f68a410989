import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.core.control_set import SIGNALS, BoneChannel, Control, ControlSet
from addon.core.errors import SemblanceError


def control(name, low=-1.0, high=1.0, neutral=0.0, pair=None, sign=1.0, **more):
    return Control(name, BoneChannel("b", "location", 0), low, high, neutral, "mouth", pair or name, sign, **more)


CONTROLS = ControlSet((
    control("smile.L", 0, 2, 0, "smile.R"), control("smile.R", 0, 2, 0, "smile.L"), control("shift", sign=-1.0),
    control("jaw", -5, 30, 2.5),
))
values = hnp.arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32))


@given(values)
def test_scaling_is_undone(v):
    assert np.allclose(CONTROLS.unscaled(CONTROLS.scaled(v)), v, atol=1e-3)


@given(values)
def test_limits_scale_to_one_and_clamping_keeps_them(v):
    clamped = CONTROLS.clamped(v)
    assert (np.abs(CONTROLS.scaled(clamped)) <= 1 + 1e-5).all()
    assert np.array_equal(CONTROLS.clamped(clamped), clamped)


@given(values)
def test_a_mirror_twice_is_the_same_pose(v):
    assert np.allclose(CONTROLS.mirrored(CONTROLS.mirrored(v)), v, atol=1e-5)


def test_a_mirror_swaps_sides_and_signs():
    assert CONTROLS.mirrored(np.array([1, 2, 3, 4], np.float32)).tolist() == [2, 1, -3, 4]


def test_a_mirror_keeps_the_share_of_the_way_where_sides_rest_differently():
    controls = ControlSet((
        control("L", 0, 1, 0.75, "R"), control("R", 0, 1, 0.5, "L"), control("yaw", 0, 1, 0.5, sign=-1),
    ))
    assert np.array_equal(controls.mirrored(controls.neutral), controls.neutral)
    assert controls.mirrored(np.array([0.375, 1, 0.25], np.float32)).tolist() == [1, 0.25, 0.75]


@pytest.mark.parametrize(("bad", "names"), [
    ((control("a", 1, 1),), "a"),
    ((control("a", float("nan"), 1),), "a"),
    ((control("a", 0, 1, float("nan")),), "a"),
    ((control("a", 0, float("inf")),), "a"),
    ((control("a", 0, 1e300),), "a"),
    ((control("a", 1, 1 + 1e-12, 1),), "a"),
    ((control("a", gain=float("nan")),), "a"),
    ((control("a", gain=-1),), "a"),
    ((control("a", offset=float("nan")),), "a"),
    ((control("a", offset=1e300),), "a"),
    ((control("a", meaning={"jawOpen": float("inf")}),), "a"),
    ((control("a", meaning={"browInnerUp": 1}),), "browInnerUpLeft"),
    ((control("a", meaning={"xyzzy": 1}),), "xyzzy"),
    ((control("a", 0, 1, 2),), "a"),
    ((control("a"), control("a")), "a"),
    ((control("a", pair="ghost"),), "ghost"),
])
def test_nonsense_is_refused_by_name(bad, names):
    with pytest.raises(SemblanceError, match=f"'{names}'"):
        ControlSet(bad)


def test_the_signals_are_the_coefficients_and_the_head_and_each_may_give_a_meaning():
    assert len(SIGNALS) == 57 and {"browInnerUpLeft", "cheekPuffRight", "tongueOut", "headYaw"} <= set(SIGNALS)
    made = ControlSet(tuple(control(signal, meaning={signal: -0.5}) for signal in SIGNALS))
    assert len(made) == 57 and hash(made.controls[0]) == hash(control(SIGNALS[0]))
