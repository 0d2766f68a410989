"""Arms that come into the picture and leave it."""
from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from addon.characters.hanging_arms import hang_unseen, seen_arms
from addon.core.frames import BodyTrack

from .gesturing import gesturing

ELBOW, WRIST = 13, 15
FPS = 20


def raised(*seen: tuple[float, float], side: int = 0, length_s: float = 4) -> BodyTrack:
    """Both arms raised all the time; the wrist of one is only visible in these times."""
    still = gesturing(1)
    count = int(length_s * FPS)
    track = BodyTrack(**{field.name: getattr(still, field.name)[[0] * count] for field in fields(BodyTrack)})
    times = np.arange(count) / FPS
    track.visibility[:, WRIST + side] = np.any([(a <= times) & (times <= b) for a, b in seen], 0)
    return replace(track, times_s=times)


def height(track: BodyTrack, side: int) -> np.ndarray:
    """Of the wrist above its shoulder, m."""
    return track.world[:, 11 + side, 1] - track.world[:, WRIST + side, 1]


@pytest.mark.parametrize("side", [0, 1])
def test_an_arm_hangs_until_it_is_seen(side: int) -> None:
    track = raised((2, 3), side=side)
    done, seen = hang_unseen(track), (track.times_s >= 2) & (track.times_s <= 3)
    assert seen_arms(track).all() and height(track, side).min() > 0.2
    assert np.allclose(done.world[seen], track.world[seen], atol=1e-6)
    away = (track.times_s < 1.5) | (track.times_s > 3.5)
    assert height(done, side)[away].max() < -0.4 and np.abs(np.diff(height(done, side))).max() < 0.25
    elbow, shoulder = done.world[0, ELBOW + side], done.world[0, 11 + side]
    outwards = (elbow - shoulder) @ (shoulder - done.world[0, 12 - side])
    assert outwards > 0 and done.world[0, WRIST + side, 2] < elbow[2], "away from the body, the hand to the front"
    rest = [mark for mark in range(33) if mark not in (ELBOW + side, *range(WRIST + side, 23, 2))]
    assert np.array_equal(done.world[:, rest], track.world[:, rest])


def test_arms_that_are_mostly_or_never_seen_stay_as_they_are() -> None:
    for track, known in ((raised((0, 2.5)), True), (raised((9, 9)), False), (raised((1, 1.2)), False)):
        assert np.array_equal(hang_unseen(track).world, track.world) and seen_arms(track).tolist() == [known, True]


def test_short_gaps_are_bridged() -> None:
    track = raised((1, 1.5), (1.8, 2.1))
    between = (track.times_s > 1.5) & (track.times_s < 1.8)
    assert np.allclose(hang_unseen(track).world[between], track.world[between], atol=1e-6)
