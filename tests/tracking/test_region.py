"""Cutting a turned square out of a picture, and mapping its points back."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.tracking.region import FaceBox, Region, around, middle_box, whole


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


def test_the_share_of_a_region_in_the_picture() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    assert Region(100, 50, 80, 0.3).share_in(image) == 1 and Region(100, 200, 60, 0.3).share_in(image) == 0
    assert Region(100, 100, 80, 0.0).share_in(image) == pytest.approx(0.5)


def test_a_box_is_a_square_by_its_longer_side_wherever_the_picture_is_cut_off() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    assert FaceBox(0.5, 0.2, 0.25, 0.4).square(image) == Region(125, 40, 50, 0)
    assert FaceBox(0, 0, 0.1, 0.8).square(image) == Region(10, 40, 80, 0)
    assert FaceBox(0, 0, 0.1, 0.8).surroundings(image).side == pytest.approx(120)
    assert FaceBox(0.3, 0.1, 0.2, 0.5).percent == "30,10,20,50"


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_the_middle_box_is_the_largest_square_in_the_middle(width: int, height: int) -> None:
    square = middle_box(width, height).square(np.zeros((height, width, 1), np.uint8))
    assert (square.x, square.y, square.side) == pytest.approx((width / 2, height / 2, min(width, height)))


@pytest.mark.parametrize("numbers", [
    (-0.1, 0, 0.5, 0.5), (0, 0, 1.1, 0.5), (0.6, 0, 0.5, 0.5), (0, 0.6, 0.2, 0.5), (0, 0, 0, 0.5), (0, 0, 0.5, 0),
    (float("nan"), 0, 0.5, 0.5), (0, 0, 0.5, float("nan")), (0, 0, float("inf"), 0.5),
])
def test_a_box_outside_the_picture_is_refused(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(SemblanceError, match="must lie inside the picture") as caught:
        FaceBox(*numbers)
    assert "\n" not in str(caught.value)
