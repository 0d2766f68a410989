"""One Euro filtering of points."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.point_filter import PointFilter, smooth_body
from addon.core.smoothing import OneEuro

from .making import a_body


@given(st.floats(0.01, 100), st.integers(0, 9))
def test_size_does_not_matter(scale: float, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(12, 5, 3))
    near, far = PointFilter(OneEuro(0.5, 2.0)), PointFilter(OneEuro(0.5, 2.0))
    for i, each in enumerate(points):
        assert np.allclose(near(i / 30, each, 1.0) * scale, far(i / 30, each * scale, scale), rtol=1e-6, atol=1e-9)


def test_rest_is_steady_and_movement_is_followed() -> None:
    random = np.random.default_rng(0)
    steady = PointFilter(OneEuro(0.3, 20.0))
    still = np.array([steady(i / 30, random.normal(0, 0.003, (2, 3)), 1.0) for i in range(120)])
    assert np.abs(np.diff(still, axis=0)).mean() < 0.001
    moved = [steady(4 + i / 30, np.full((2, 3), i / 30), 1.0) for i in range(30)]
    assert abs(moved[-1].mean() - 29 / 30) < 0.1


def test_a_restart_and_a_time_that_stands_still_pass_points_through() -> None:
    steady = PointFilter(OneEuro(0.1, 0.0))
    steady(0.0, np.zeros(3), 1.0)
    assert steady(0.1, np.ones(3), 1.0).max() < 0.2
    assert np.array_equal(steady(0.1, np.ones(3), 1.0), np.ones(3))
    steady.restart()
    assert steady(0.0, np.ones(3), 1.0) == pytest.approx(1.0)


def test_a_body_is_steadied_without_lag_and_its_gaps_stay() -> None:
    random = np.random.default_rng(1)
    body = a_body(60, 2)
    rise = np.linspace(0, 2, 60)[:, None, None]
    body.world[:] = rise + random.normal(0, 0.01, body.world.shape)
    body.world[20] = np.nan
    smoothed = smooth_body(body)
    assert np.isnan(smoothed.world[20]).all() and np.isfinite(np.delete(smoothed.world, 20, axis=0)).all()
    known = np.delete(np.arange(60), 20)[5:-5]
    assert np.abs((smoothed.world - rise)[known].mean()) < 0.005
    assert np.diff(smoothed.world, axis=0)[30:50].std() < 0.8 * np.diff(body.world, axis=0)[30:50].std()
