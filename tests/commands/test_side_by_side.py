from __future__ import annotations

import numpy as np

from addon.commands.side_by_side import beside, contact_sheet, square, telling_moments


def _grey(height, width, level):
    return np.full((height, width, 3), level, np.uint8)


def test_two_pictures_stand_at_one_height_and_even_size():
    joined = beside((_grey(300, 401, 10), _grey(480, 480, 200)), 241, ("performer", "Pip"))
    assert joined.shape[0] == 240 and joined.shape[1] % 2 == 0
    assert (joined[20, 20] == 10).all() and (joined[20, -20] == 200).all()


def test_labels_are_drawn_at_the_foot():
    joined = beside((_grey(200, 200, 90), _grey(200, 200, 90)), 200, ("performer", "Pip"))
    assert (joined[:150] == 90).mean() > 0.95
    assert joined[150:].max() > 200


def test_a_contact_sheet_has_a_column_for_each_pair():
    pairs = [(_grey(300, 400, level), _grey(50, 50, 255 - level)) for level in (0, 60, 120)]
    sheet = contact_sheet(pairs, 100)
    assert sheet.shape == (206, 312, 3)
    for i, level in enumerate((0, 60, 120)):
        assert (sheet[50, 106 * i + 50] == level).all() and (sheet[156, 106 * i + 50] == 255 - level).all()


def test_a_square_is_cut_from_the_middle():
    picture = _grey(100, 300, 0)
    picture[:, 100:200] = 255
    assert (square(picture, 50) == 255).all()


def test_moments_differ_from_each_other():
    track = np.zeros((100, 3))
    track[30:34, 0], track[60:64, 1], track[90:94, 2] = 1, 1, 1
    moments = telling_moments(track, 4)
    assert len(moments) == 4 and (np.diff(moments) > 0).all()
    assert {tuple(row) for row in track[moments]} == {(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)}
    assert len(telling_moments(track[:2], 6)) == 2
