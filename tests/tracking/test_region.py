"""Cutting a turned square out of a picture, and mapping its points back."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.tracking.region import Region, around, whole


def test_whole_picture_gets_black_bars() -> None:
    image = np.full((60, 120, 3), 90, np.uint8)
    cut = whole(image).cut(image, 120, extend=False)
    assert not cut[:29].any() and not cut[92:].any() and (cut[31:89] == 90).all()


def test_extended_cut_repeats_the_edge() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 0] = 200
    cut = Region(0.0, 20.0, 40.0, 0.0).cut(image, 40, extend=True)
    assert (cut[:, :20] == 200).all() and not cut[:, 22:].any()


def test_cut_is_level_with_the_eyes() -> None:
    """A face lying on its side stands upright in the region."""
    region = around(np.array([10.0, 10.0]), np.array([50.0, 30.0]), np.array([30.0, 10.0]), np.array([30.0, 30.0]))
    assert (region.x, region.y, region.side, region.angle) == pytest.approx((30, 20, 60, np.pi / 2))
    eyes = region.project(np.array([[0.25, 0.5], [0.75, 0.5]]))
    assert np.allclose(eyes, [[30, 5], [30, 35]])


@given(
    st.floats(-100, 100), st.floats(-100, 100), st.floats(1, 500), st.floats(-3, 3),
    st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=5),
)
def test_project_turns_scales_and_moves(
    x: float, y: float, side: float, angle: float, points: list[tuple[float, float, float]]
) -> None:
    """The same with complex numbers; depth is only scaled."""
    unit = np.array(points)
    moved = Region(x, y, side, angle).project(unit)
    expected = complex(x, y) + side * np.exp(1j * angle) * (unit[:, 0] + 1j * unit[:, 1] - (0.5 + 0.5j))
    assert np.allclose(moved[:, 0] + 1j * moved[:, 1], expected, atol=1e-9)
    assert np.allclose(moved[:, 2], unit[:, 2] * side)
