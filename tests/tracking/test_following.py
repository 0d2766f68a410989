"""Several faces in one picture: who is who when they cross, hide each other, leave and come back."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.frames import FaceFrame, Frame
from addon.tracking.detection import SAME_FACE, overlap
from addon.tracking.following import Box, Course, follow_all, nearer_to_another
from addon.tracking.tracker import no_face

FPS = 20
EMPTY = np.zeros((8, 8, 3), np.uint8)
Place = tuple[float, float, float] | None
"""Middle x, side, and how near it is to the camera; None = not in the picture."""


class World:
    """Faces that move; who is behind another is not seen."""

    def __init__(self) -> None:
        self.seen: dict[int, Box] = {}

    def show(self, faces: Sequence[Place]) -> None:
        boxes = {i: box(face) for i, face in enumerate(faces) if face is not None}
        self.seen = {
            i: mine for i, mine in boxes.items()
            if not any(other != i and faces[other][2] > faces[i][2] and overlap(*mine, *its) > 0.15  # type: ignore[index]
                       for other, its in boxes.items())
        }


def box(face: tuple[float, float, float]) -> Box:
    middle, half = np.array([face[0], 200.0]), face[1] / 2
    return middle - half, middle + half


class Tracker:
    """Finds faces in a World as FaceTracker does in pictures: a face near the last place, whoever's it is."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.course = world, number, Course()
        self.followed = False

    @property
    def place(self) -> Box | None:
        return self.course.last if self.followed else None

    def give_up(self, frame: Frame) -> FaceFrame:
        self.followed = False
        self.course.unsee()
        return no_face(frame, 0.0)

    def track(self, frame: Frame, others: Sequence[Box] = (), sought: Sequence[Box] = ()) -> FaceFrame:
        last, seen = self.course.expected(frame.time_s), list(self.world.seen.values())
        free = seen if self.followed else [
            face for face in seen if all(overlap(*face, *other) <= SAME_FACE for other in others)
            and not nearer_to_another(face, last, sought)
        ]
        near = [face for face in free if last is not None and overlap(*face, *last) > 0]
        rank = max(self.number - (len(seen) - len(free)), 0)
        free.sort(key=lambda face: float(face[0][1]))  # the larger begins higher
        if near:
            chosen = max(near, key=lambda face: overlap(*face, *last))
        elif not self.followed and rank < len(free):
            chosen = free[rank]
        else:
            self.followed = False
            return no_face(frame, 0.0)
        self.course.see(chosen, frame.time_s, found=not self.followed)
        self.followed = True
        return no_face(frame, 1.0)


def play(script: Callable[[float], Sequence[Place]], seconds: float = 5.0) -> list[list[int | None]]:
    """Whom each tracker follows, frame by frame."""
    world = World()
    trackers = [Tracker(world, 0), Tracker(world, 1)]
    followed = []
    for i in range(round(seconds * FPS)):
        world.show(script(i / FPS))
        follow_all(trackers, Frame(EMPTY, i / FPS, i))
        followed.append([
            next((face for face, its in world.seen.items() if tracker.place is not None
                  and np.array_equal(its[0], tracker.place[0])), None) for tracker in trackers
        ])
    return followed


def between(begin: float, end: float, begin_s: float, end_s: float, time_s: float) -> float:
    share = np.clip((time_s - begin_s) / (end_s - begin_s), 0, 1)
    return float(begin + (end - begin) * share * share * (3 - 2 * share))


def nobody_is_taken_for_another(followed: list[list[int | None]]) -> bool:
    """And at the end both are followed."""
    return all(first in (0, None) and second in (1, None) for first, second in followed) and followed[-1] == [0, 1]


@settings(max_examples=20)
@given(st.floats(0.8, 3), st.floats(120, 200), st.floats(0.7, 0.95), st.booleans())
def test_who_cross_keep_who_they_are(seconds: float, side: float, share: float, first_in_front: bool) -> None:
    def cross(t: float) -> Sequence[Place]:
        return [(between(250, 630, 0.2, 0.2 + seconds, t), side, float(first_in_front)),
                (between(630, 250, 0.2, 0.2 + seconds, t), side * share, float(not first_in_front))]

    assert nobody_is_taken_for_another(play(cross, seconds + 0.6))


@pytest.mark.parametrize("first_in_front", [True, False])
def test_who_hides_behind_another_comes_back(first_in_front: bool) -> None:
    def hide(t: float) -> Sequence[Place]:
        aside = between(0, 380, 1, 2, t) - between(0, 380, 3, 4, t)
        return [(250, 170, float(first_in_front)), (630 - aside, 140, float(not first_in_front))]

    assert nobody_is_taken_for_another(play(hide))


@pytest.mark.parametrize("first_is_back_first", [True, False])
def test_who_leave_are_known_by_where_they_left(first_is_back_first: bool) -> None:
    back_s = (3.0, 4.2) if first_is_back_first else (4.2, 3.0)

    def leave(t: float) -> Sequence[Place]:
        return [None if 1.5 < t < back_s[0] else (250, 170, 0), None if 1.5 < t < back_s[1] else (630, 140, 0)]

    assert nobody_is_taken_for_another(play(leave))


def test_who_comes_later_is_the_second_also_if_larger() -> None:
    followed = play(lambda t: [(250, 140, 0), (630, 180, 0) if t > 1 else None], 2)
    assert followed[0] == [0, None] and followed[-1] == [0, 1]


def test_a_place_that_both_have_left_is_free_for_the_one_that_looks() -> None:
    def move(t: float) -> Sequence[Place]:
        first = None if 1 < t < 3 else (250 if t <= 1 else 630, 170, 0)
        return [first, (between(630, 250, 1.2, 2.5, t), 140, 0)]

    assert nobody_is_taken_for_another(play(move, 4))


def test_surprise_is_how_far_a_face_is_from_where_it_had_to_be() -> None:
    course = Course()
    course.see(box((100, 50, 0)), 1.0, found=True)
    assert course.surprise == np.inf
    course.see(box((110, 50, 0)), 2.0, found=False)
    course.see(box((120, 50, 0)), 3.0, found=False)
    assert course.surprise == pytest.approx((120 - 110 - 10 * 0.4) / 50, abs=1e-3)  # nobody moves on for ever
    course.see(box((105, 50, 0)), 3.2, found=False)
    assert course.surprise == pytest.approx((120 + 10 * 0.2 - 105) / 50, abs=1e-3)
    course.unsee()
    assert course.last is not None and course.last[0][0] == 95 and course.surprise == np.inf
    middles = [np.mean(course.expected(time_s), axis=0)[0] for time_s in (2.9, 3.0, 3.2, 3.4, 9.0)]
    assert middles == pytest.approx([120, 120, 122, 124, 124], abs=1e-2)
    assert Course().expected(1.0) is None
