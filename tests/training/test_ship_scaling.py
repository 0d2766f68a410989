from __future__ import annotations

import pytest

from training import ship_scaling
from training.ship_scaling import Batch, cost, on_paper, paragraph, told, written


def test_start_and_frames_are_told_apart_and_a_thousand_clips_follow_from_them() -> None:
    items = [(frames, 0.5 + frames * 0.01) for frames in (250, 50, 250)]
    start, each = cost(Batch(1, 3 * 2 + 550 * 0.01, 0, items, []))
    assert (start, each) == (pytest.approx(2), pytest.approx(0.01))
    assert on_paper(start, each, 64) == pytest.approx(16 * 11) and on_paper(start, each, 2) == pytest.approx(500 * 11)
    assert told(500 * 11) == "1.5 hours" and told(16 * 11) == "3 minutes"


def test_the_page_says_how_much_faster_two_are_and_whether_they_did_the_same() -> None:
    items = [(260, 4.6), (50, 2.5)]
    one, two = Batch(1, 60, 58, items, [b"a"]), Batch(2, 32, 60, items, [b"a"])
    text = " ".join(paragraph(one, two).split())
    assert "1.88 times as fast" in text and "are the same bytes" in text
    assert "NOT the same" in paragraph(one, Batch(2, 32, 60, items, [b"b"]))


def test_the_page_has_a_place_for_it_and_keeps_the_rest() -> None:
    page = ship_scaling.PAGE.read_text(encoding="utf-8")
    new = written(page, "measured")
    assert "\nmeasured\n" in new and written(new, "measured") == new
    assert new.startswith(page[:200]) and new.endswith(page[-100:])
    with pytest.raises(RuntimeError, match="no line"):
        written("nothing", "measured")
