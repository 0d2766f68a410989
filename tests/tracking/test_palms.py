"""Hands that are found by their palms, with and without a body."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addon.core.frames import HAND_COUNT, POSE_COUNT, Frame
from addon.tracking.body import BodyTracker
from addon.tracking.hands import Hand, HandReader
from addon.tracking.palms import LONGEST_S, LOOK_S, PalmTracker, in_reach
from addon.tracking.pose import Pose
from addon.tracking.region import Region
from addon.tracking.sources import open_source


@pytest.fixture(scope="module")
def close_up(shared: Path) -> np.ndarray:
    """The portrait's right hand, without the person."""
    with open_source(shared / "data" / "portrait" / "business_person.png") as source:
        return np.ascontiguousarray(next(iter(source)).image[540:840, 450:740])


@pytest.fixture(scope="module")
def reader() -> HandReader:
    return HandReader()


def frames(image: np.ndarray, count: int) -> list[Frame]:
    return [Frame(image, i / 30, i) for i in range(count)]


def test_a_close_up_shows_a_hand_without_a_body(close_up: np.ndarray) -> None:
    tracker = BodyTracker()
    for frame in frames(close_up, 2):
        seen = tracker.track(frame)
        assert not seen.found and np.isnan(seen.hands[0]).all() and seen.hands_confidence[1] > 0.5
        assert 0.1 < np.linalg.norm(seen.hands_world[1, 12] - seen.hands_world[1, 0]) < 0.25
        height, width = close_up.shape[:2]
        assert ((seen.hands[1, :, :2] > -20) & (seen.hands[1, :, :2] < (width + 20, height + 20))).all()
    assert not np.isfinite(BodyTracker(by_palms=False).track(frame).hands).any()


def test_the_mirrored_hand_is_the_other_one(close_up: np.ndarray, reader: HandReader) -> None:
    tracker = PalmTracker(reader)
    left, right = tracker.track(frames(np.ascontiguousarray(close_up[:, ::-1]), 1)[0], [None, None])
    assert left is not None and right is None and left.right < 0.5


def test_a_known_hand_is_not_found_again(close_up: np.ndarray, reader: HandReader) -> None:
    frame = frames(close_up, 1)[0]
    known = PalmTracker(reader).track(frame, [None, None])
    assert PalmTracker(reader).track(frame, known) == known
    other = [None, replace(known[1], landmarks=known[1].landmarks + 1000)]  # the side is taken
    assert PalmTracker(reader).track(frame, other) == other


def test_palms_are_looked_for_now_and_then(close_up: np.ndarray, reader: HandReader) -> None:
    tracker, empty = PalmTracker(reader), np.zeros_like(close_up)
    assert tracker.track(Frame(empty, 0.0, 0), [None, None]) == [None, None]
    assert tracker.track(Frame(close_up, 0.9 * LOOK_S, 1), [None, None]) == [None, None]
    assert tracker.track(Frame(close_up, 1.1 * LOOK_S, 2), [None, None])[1] is not None
    assert tracker.track(Frame(close_up, 1.2 * LOOK_S, 3), [None, None])[1] is not None  # followed, not found
    tracker.reset()
    assert tracker.track(Frame(close_up, 0.0, 4), [None, None])[1] is not None


def test_beside_a_body_palms_are_looked_for_less_and_less(close_up: np.ndarray, reader: HandReader) -> None:
    tracker, empty, body = PalmTracker(reader), np.zeros_like(close_up), a_pose()
    looked: list[float] = []
    tracker._detector.find = lambda image, where: looked.append(now) or []
    known = tracker._reader.look(close_up, Region(145, 150, 300, 0.0))
    for i in range(61):
        now = 0.05 * i
        tracker.track(Frame(empty, now, i), [None, known if 40 <= i < 48 else None], body)
    pauses = np.diff(looked)
    assert pauses[0] == pytest.approx(2 * LOOK_S) and pauses.max() == pytest.approx(LONGEST_S)
    assert any(48 * 0.05 <= each <= 48 * 0.05 + LOOK_S for each in looked), "a hand that is lost is soon looked for"


def a_pose() -> Pose:
    """A body that faces the camera, a thousand px to the metre."""
    world = np.zeros((POSE_COUNT, 3), np.float32)
    world[[11, 12], 0] = 0.18, -0.18
    return Pose(1000 * world + 500, world, np.ones(POSE_COUNT, np.float32), 1.0)


def test_a_hand_out_of_reach_is_somebody_elses() -> None:
    pose = a_pose()
    for away_m, reached in ((0.9, True), (1.6, False)):
        points = np.zeros((HAND_COUNT, 3), np.float32) + (680 + 1000 * away_m, 500, 0)
        hand = Hand(points.astype(np.float32), points, 1.0, 0.0)
        assert in_reach(hand, pose) == reached and in_reach(hand, None)
