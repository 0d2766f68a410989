"""Whole-body tracking on real pictures, and on pictures without anybody."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from addon.core.errors import MissingWheel
from addon.core.frames import BodyFrame, Frame, stack_bodies
from addon.tracking.body import BodyTracker, no_body
from addon.tracking.person import PersonTracker
from addon.tracking.sources import open_source
from addon.tracking.tracker import FaceTracker

NOSE, LEFT_WRIST, RIGHT_WRIST = 0, 15, 16


@pytest.fixture(scope="module")
def portrait(shared: Path) -> np.ndarray:
    """A person from the hips up, both hands in the picture; 480 px high."""
    with open_source(shared / "data" / "portrait" / "business_person.png") as source:
        image = next(iter(source)).image
    import cv2

    return cv2.resize(image, None, fx=480 / len(image), fy=480 / len(image), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def tracker() -> BodyTracker:
    """Loaded once; tests reset it."""
    return BodyTracker()


def film(*images: np.ndarray) -> list[Frame]:
    """Images as the frames of a film of 30 frames a second."""
    return [Frame(image, i / 30, i) for i, image in enumerate(images)]


def follow(tracker: BodyTracker, *images: np.ndarray) -> list[BodyFrame]:
    tracker.reset()
    return [tracker.track(frame) for frame in film(*images)]


def test_a_person_with_both_hands(portrait: np.ndarray, tracker: BodyTracker) -> None:
    first, second, third = follow(tracker, portrait, portrait, portrait)
    for seen in (first, second, third):
        assert seen.found and seen.confidence > 0.9 and (seen.hands_confidence > 0.5).all()
        assert seen.hands_right[0] < 0.5 < seen.hands_right[1]
        for hand, wrist in zip(seen.hands, (LEFT_WRIST, RIGHT_WRIST), strict=True):
            size = np.ptp(hand[:, :2], axis=0).max()
            assert np.linalg.norm(hand[0, :2] - seen.landmarks[wrist, :2]) < size
    still = np.linalg.norm(third.landmarks[:25, :2] - second.landmarks[:25, :2], axis=1)
    assert still.mean() < 0.01 * len(portrait)


def test_metres_are_a_persons(portrait: np.ndarray, tracker: BodyTracker) -> None:
    seen = follow(tracker, portrait)[0]
    assert np.abs(seen.world[23:25].mean(0)).max() < 0.05  # the hips' middle is the origin
    assert 0.2 < np.linalg.norm(seen.world[11] - seen.world[12]) < 0.5
    assert seen.world[11, 0] > seen.world[12, 0]  # the left shoulder is on the picture's right, x to the right
    assert seen.world[NOSE, 1] < seen.world[11, 1] < seen.world[23, 1]  # y down
    for hand in seen.hands_world:
        assert 0.1 < np.linalg.norm(hand[12] - hand[0]) < 0.25


def test_hands_out_of_the_picture_are_not_invented(portrait: np.ndarray, tracker: BodyTracker) -> None:
    bust = portrait[:int(len(portrait) * 0.42)]
    seen = follow(tracker, bust, bust)[-1]
    assert seen.found and not np.isfinite(seen.hands).any() and np.isnan(seen.hands_right).all()
    assert seen.visibility[NOSE] > 0.9 and seen.visibility[25:].max() < 0.5  # half a body says what it lacks


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (2, 900), (64, 3)])
def test_nobody_in_black_or_tiny_pictures(tracker: BodyTracker, shape: tuple[int, int]) -> None:
    seen = follow(tracker, np.zeros((*shape, 3), np.uint8))[0]
    assert not seen.found and seen.confidence == 0 and not seen.visibility.any() and np.isnan(seen.world).all()


def test_the_followed_one_of_two_stays(portrait: np.ndarray, tracker: BodyTracker) -> None:
    height, width = portrait.shape[:2]
    empty = np.full((height, 2 * width, 3), 90, np.uint8)
    alone, both = empty.copy(), empty.copy()
    alone[:, :width] = portrait
    both[:, :width], both[:, width:] = portrait, portrait
    seen = follow(tracker, alone, both, both, empty, both)
    noses = [float(each.landmarks[NOSE, 0]) for each in seen]
    assert [each.found for each in seen] == [True, True, True, False, True]
    assert all(nose < width for nose in np.delete(noses, 3))


def test_face_and_body_are_of_one_person(portrait: np.ndarray) -> None:
    height, width = portrait.shape[:2]
    both = np.full((height, 2 * width, 3), 90, np.uint8)
    both[:, :width] = portrait
    both[:height * 9 // 10, width:width + width * 9 // 10] = portrait[:height * 9 // 10, :width * 9 // 10]
    for number in (0, 1):
        tracker = PersonTracker(FaceTracker(number), BodyTracker())
        for frame in film(both, both):
            face, body = tracker.track(frame)
            assert face.found and body.found
            low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
            assert (low < body.landmarks[NOSE, :2]).all() and (body.landmarks[NOSE, :2] < high).all()


def test_bodies_make_a_track() -> None:
    track = stack_bodies([no_body(0.0), no_body(0.5)])
    assert len(track) == 2 and track.times_s.tolist() == [0.0, 0.5] and not track.found.any()
    assert not track.hands_found.any() and track.hands.shape == (2, 2, 21, 3)
    with pytest.raises(ValueError, match="no frames"):
        stack_bodies([])


def test_without_onnxruntime_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingWheel, match="Body tracking is off because the Python module 'onnxruntime'"):
        BodyTracker()
