"""How the page of pictures is put together; what is on it is for eyes to judge."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")
from addon.commands import sheets
from addon.core import coefficients
from training import picture_page
from training.picture_page import UNKNOWN_TO_MEDIAPIPE, Case, page, peaks, sheet_of

CELL, WORDS = picture_page._CELL_PX, picture_page._WORDS_PX


def plain(level: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


class Stage:
    """A portrait whose brightness is its first control."""

    def take(self, values: np.ndarray) -> np.ndarray:
        return plain(200, CELL)


def test_peaks_are_the_highest_frames_and_lie_apart() -> None:
    curve = np.zeros(200)
    curve[[10, 12, 60, 120, 180]] = [0.9, 0.8, 0.5, 0.7, 0.6]
    assert peaks(curve) == [10, 120, 180, 60]
    assert len(peaks(np.zeros(30))) == 2  # no room for more


def test_a_sheet_shows_every_picture_where_it_belongs() -> None:
    sheet = sheet_of([[(plain(10), "a"), (plain(90, 300), "b")], [(plain(170), "c")]], least=3)
    down = CELL + WORDS
    assert sheet.shape[0] == 3 * down
    assert (sheet[CELL // 2, CELL // 2] == 10).all() and (sheet[CELL // 2, CELL + 2 + CELL // 2] == 90).all()
    assert (sheet[down + CELL // 2, CELL // 2] == 170).all()
    assert (sheet[down + CELL // 2, CELL + 2 + CELL // 2] == sheets.BACKGROUND).all()


def test_a_face_that_was_not_found_leaves_its_place_empty() -> None:
    there = np.zeros(coefficients.COUNT, np.float32)
    sheet = page([Case("one", plain(50), None, there), Case("two", plain(60), there, there, there)], Stage(), 1)
    middle, step = CELL // 2, CELL + 2
    assert (sheet[middle, step + middle] == sheets.BACKGROUND).all()
    assert (sheet[middle, 2 * step + middle] == 200).all()
    assert (sheet[CELL + WORDS + middle, 3 * step + middle] == 200).all()


def test_the_face_fills_its_square_even_at_the_border() -> None:
    picture = plain(20, 320)
    picture[:80, :80] = 220
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:, :2] = np.random.default_rng(0).uniform(0, 80, (478, 2))
    cut = picture_page._around(picture, landmarks)
    assert cut.shape[0] == cut.shape[1] and 100 <= len(cut) <= 115
    assert (cut[len(cut) // 2, len(cut) // 2] == 220).all()


def test_the_channels_to_be_looked_at_exist() -> None:
    assert all(name in coefficients.INDEX or name + "Left" in coefficients.INDEX for name in UNKNOWN_TO_MEDIAPIPE)
