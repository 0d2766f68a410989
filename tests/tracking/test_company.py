"""People in one picture: who is followed stays the same, and what was mistaken is told."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core.frames import Frame
from addon.live.body_reading import others_in_words
from addon.tracking.body import BodyTracker
from addon.tracking.company import LOOK_S, Company, alike, clothes
from addon.tracking.detection import Detection
from addon.tracking.sources import open_source

NOSE = 0
WIDTH = 339


def picture(*shirts: tuple[int, int, int]) -> np.ndarray:
    """Uniform chests beside one another, 100 px each."""
    return np.hstack([np.full((200, 100, 3), shirt, np.uint8) for shirt in shirts])


def body(number: int) -> Detection:
    """The one in the middle of the `number`-th chest."""
    face, hips = np.array([50.0 + 100 * number, 40]), np.array([50.0 + 100 * number, 140])
    return Detection(face - 20, face + 20, np.array([hips, hips, hips, hips]), 0.9)


def look(company: Company, image: np.ndarray, time_s: float, number: int, count: int) -> Detection | None:
    own = body(number)
    return company.mistaken(image, time_s, own.middle, own.points[0], [body(i) for i in range(count)])


RED, BLUE = (40, 40, 200), (200, 60, 40)


def test_who_wears_what_the_followed_one_wore_is_the_followed_one() -> None:
    company = Company()
    assert look(company, picture(RED, BLUE), 0.0, 0, 2) is None
    own = body(0)
    due = {share: [company.is_due(picture(shirt), share * LOOK_S, own.middle, own.points[0]) for shirt in (RED, BLUE)]
           for share in (0.9, 1.1, 2.1)}
    assert due == {0.9: [False, False], 1.1: [False, True], 2.1: [True, True]}, "other clothes are a reason to look"
    assert look(company, picture(BLUE), 1.0, 0, 1) is None  # the other one came before: nobody to go on with
    found = look(company, picture(BLUE, RED), 2.0, 0, 2)
    assert found is not None and found.middle[0] == 150 and company.mistaken_s == [(0.0, 2.0)]
    assert (company.looks, company.others) == (3, 2)
    many, mistaken = others_in_words(company)
    assert many.startswith("Other people were in 67% of the pictures") and "0.0 to 2.0 s" in mistaken


def test_people_dressed_alike_are_not_taken_for_one_another() -> None:
    company = Company()
    for time_s in (0.0, 1.0, 2.0):
        assert look(company, picture(RED, RED), time_s, 0, 2) is None
    assert company.mistaken_s == [] and len(list(others_in_words(company))) == 1
    assert list(others_in_words(Company())) == []


def test_clothes_out_of_the_picture_are_not_known() -> None:
    image = picture(RED)
    assert clothes(image, np.array([50.0, 190]), np.array([50.0, 400])) is None
    assert clothes(image, np.array([np.float64(50), 10]), np.array([50.0, 10])) is None
    half = clothes(image, np.array([50.0, 120]), np.array([50.0, 260]))
    assert half is not None and alike(half, half) == pytest.approx(1)
    assert alike(half, clothes(picture(BLUE), np.array([50.0, 40]), np.array([50.0, 140]))) == 0


def test_a_body_that_was_taken_for_another_is_found_again(shared: Path) -> None:
    import cv2

    with open_source(shared / "data" / "portrait" / "business_person.png") as source:
        blue = cv2.resize(next(iter(source)).image, (WIDTH, 480), interpolation=cv2.INTER_AREA)
    red = blue.copy()
    red[170:, :, 2] = np.minimum(red[170:, :, 2].astype(int) + 110, 255)
    alone, swapped = np.hstack([blue, np.full_like(blue, 255)]), np.hstack([red, blue])
    tracker = BodyTracker(by_palms=False)
    noses = [
        float(tracker.track(Frame(image, i * LOOK_S, i)).landmarks[NOSE, 0]) for i, image in enumerate((alone, swapped))
    ]
    assert noses[0] < WIDTH < noses[1] and len(tracker.company.mistaken_s) == 1
