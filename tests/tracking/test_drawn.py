"""Drawn faces: Uno's picture, on which the landmark network errs."""
from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.core.frames import FaceFrame, Frame
from addon.core.paths import RIGS
from addon.tracking.drawn import DrawnFaceTracker
from addon.tracking.following import follow_all
from addon.tracking.region import FaceBox
from addon.tracking.tracker import FaceTracker

GREY = 150


def scene(name: str, left: int, top: int, size: int = 256) -> np.ndarray:
    """uint8 [360, 640, 3]: a character's thumbnail somewhere on a grey ground."""
    small = cv2.resize(cv2.imread(str(RIGS / name / "thumbnail.png")), (size, size), interpolation=cv2.INTER_AREA)
    picture = np.full((360, 640, 3), GREY, np.uint8)
    there = picture[top:top + size, left:left + size]
    there[:] = small[: len(there), : there.shape[1]]
    return picture


EMPTY = np.full((360, 640, 3), GREY, np.uint8)


def follow(tracker: DrawnFaceTracker | FaceTracker, images: list[np.ndarray]) -> list[FaceFrame]:
    return [tracker.track(Frame(image, i / 25, i)) for i, image in enumerate(images)]


def test_uno_is_found_without_landmarks() -> None:
    face, = follow(DrawnFaceTracker(), [scene("uno", 100, 50)])
    assert face.found and not face.has_landmarks and 0.3 <= face.confidence < 1
    assert face.crop.shape == (128, 128, 3) and face.crop.dtype == np.uint8
    # His head fills most of the crop, with the thumbnail's ground beside it.
    head = np.abs(face.crop.astype(int) - face.crop[0, 0]).max(2) > 20
    assert 0.5 < head.mean() < 0.95 and head[:, 64].mean() > 0.9


def test_the_crop_goes_along_and_does_not_tremble() -> None:
    random = np.random.default_rng(0)
    moving = [scene("uno", 100 + 6 * i, 50) for i in range(20)]
    noisy = [cv2.add(image, random.integers(0, 6, image.shape, np.uint8)) for image in moving]
    faces = follow(DrawnFaceTracker(), noisy)
    assert all(face.found for face in faces)
    steps = [np.abs(a.crop.astype(int) - b.crop).mean() for a, b in itertools.pairwise(faces[8:])]
    assert max(steps) < 12


def test_nobody_is_invented_where_nothing_is_drawn() -> None:
    for value in (0, 127, 255):
        face, = follow(DrawnFaceTracker(), [np.full((120, 160, 3), value, np.uint8)])
        assert not face.found and not face.crop.any() and face.confidence == 0


def test_a_face_that_leaves_is_gone_and_one_elsewhere_is_taken_up_at_once() -> None:
    here, there = scene("uno", 20, 50), scene("uno", 350, 50)
    faces = follow(DrawnFaceTracker(), [here, here, EMPTY, EMPTY, there])
    assert [face.found for face in faces] == [True, True, False, False, True]
    assert np.abs(faces[4].crop.astype(int) - faces[1].crop).mean() < 30


def test_a_moment_that_the_detector_misses_is_held_with_little_confidence(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, image = DrawnFaceTracker(), scene("uno", 100, 50)
    seen, = follow(tracker, [image])
    monkeypatch.setattr(tracker._detector, "find", lambda *_: [])
    held, changed = (tracker.track(Frame(each, 0.1, 1)) for each in (cv2.convertScaleAbs(image, alpha=0.8), EMPTY))
    assert held.found and held.confidence < 0.3 <= seen.confidence and not changed.found
    assert np.abs(held.crop * 1.25 - seen.crop).mean() < 5


def test_a_box_is_taken_as_it_is() -> None:
    image = scene("uno", 100, 50)
    face, none = follow(DrawnFaceTracker(box=FaceBox(100 / 640, 50 / 360, 256 / 640, 256 / 360)), [image, EMPTY])
    assert face.found and none.found
    expected = cv2.resize(image[50:306, 100:356], (128, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(face.crop.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(("number", "left"), [(0, 330), (1, 20)])
def test_the_larger_of_two_is_followed_or_the_smaller_if_asked_for(number: int, left: int) -> None:
    both = scene("uno", 330, 40, 300)
    both[:, :300] = scene("uno", 20, 100, 200)[:, :300]
    alone = scene("uno", left, *((40, 300) if number == 0 else (100, 200)))
    face, expected = follow(DrawnFaceTracker(number), [both])[0], follow(DrawnFaceTracker(), [alone])[0]
    assert np.abs(face.crop.astype(int) - expected.crop).mean() < 10


def test_two_trackers_never_follow_one_drawn_face() -> None:
    both = scene("uno", 330, 40, 300)
    both[:, :300] = scene("uno", 20, 100, 200)[:, :300]
    first, second = DrawnFaceTracker(0), DrawnFaceTracker(1)
    for i in range(2):
        frame = Frame(both, i / 30, i)
        large, small = follow_all([first, second], frame)
        assert large.found and small.found
        assert first.place is not None and second.place is not None and first.place[0][0] > second.place[1][0]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(SemblanceError, match="not -1"):
        DrawnFaceTracker(-1)


def test_it_is_steady_if_most_frames_show_it() -> None:
    tracker, image = DrawnFaceTracker(), scene("uno", 100, 50)
    assert not tracker.is_steady
    follow(tracker, [image, image, EMPTY])
    assert tracker.is_steady
    follow(tracker, [EMPTY, EMPTY])
    assert not tracker.is_steady
