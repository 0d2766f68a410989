"""Arms that are in the picture only now and then, as before a webcam: they hang while they are not.

Where a wrist is out of the picture the pose network guesses, and its guess swings about. An arm that is mostly to be
seen keeps its guesses, which are good while it is only hidden.
"""
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from ..core.frames import BodyTrack
from .body_pose import TO_BODY

_SEEN: Final = 0.5
"""Least visibility of a wrist in the picture."""
_LEAST_S, _BRIDGED_S, _MOVING_S = 0.3, 0.5, 0.4
"""How long a wrist must be seen to count, how long it may be gone meanwhile, and how long an arm takes up or down."""
_SHOULDERS: Final = [11, 12]
_ELBOW, _WRIST, _HAND = 13, 15, [15, 17, 19, 21]
"""On the left; the right ones follow."""
_UPPER, _LOWER = np.array([0.05, -0.27, 0.0]), np.array([0.01, -0.23, 0.07])
"""From shoulder to elbow and on to the wrist of an arm that hangs: outwards, up, to the front; m."""


def seen_arms(track: BodyTrack) -> np.ndarray:
    """bool [2]: left and right wrist were seen for a while."""
    return np.array([bool(_shares(track, side).any()) for side in (0, 1)])


def hang_unseen(track: BodyTrack) -> BodyTrack:
    """The track in which arms that are mostly out of the picture hang while they are."""
    world = track.world.copy()
    for side in (0, 1):
        share = _shares(track, side)
        if share.mean() > 0 and share.min() < 1:
            _hang(world, share[:, None].astype(np.float32), side)
    return replace(track, world=world)


def _hang(world: np.ndarray, share: np.ndarray, side: int) -> None:
    """Let one arm of landmarks [T, 33, 3] hang but for its `share` [T, 1] of what was seen."""
    shoulder, elbow, wrist = (world[:, mark + side] for mark in (_SHOULDERS[0], _ELBOW, _WRIST))
    outwards = (world[:, _SHOULDERS[side]] - world[:, _SHOULDERS[1 - side]]) * [1, 0, 1]
    outwards = outwards @ TO_BODY / np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
    up = np.broadcast_to([0.0, 1.0, 0.0], outwards.shape)
    front = np.cross(outwards, up) * (1 if side == 0 else -1)
    axes = np.stack([outwards, up, front], 2)
    upper, lower = (axes @ way @ TO_BODY for way in (_UPPER, _LOWER))
    new_elbow = shoulder + (1 - share) * upper + share * (elbow - shoulder)
    moved = new_elbow + (1 - share) * lower + share * (wrist - elbow) - wrist
    world[:, _ELBOW + side] = new_elbow
    for mark in _HAND:
        world[:, mark + side] += moved


def _shares(track: BodyTrack, side: int) -> np.ndarray:
    """float [T], 0..1: how much of an arm is taken as it was seen; all of one that mostly was."""
    seen = (track.visibility[:, _WRIST + side] >= _SEEN) & track.found
    if np.count_nonzero(seen) * 2 >= max(np.count_nonzero(track.found), 1):
        return np.ones(len(track))
    away = np.full(len(track), np.inf)
    for first, last in _stretches(track.times_s, seen):
        away = np.minimum(away, np.maximum(track.times_s[first] - track.times_s, track.times_s - track.times_s[last]))
    share = np.clip(1 - away / _MOVING_S, 0, 1)
    return share * share * (3 - 2 * share)


def _stretches(times_s: np.ndarray, seen: np.ndarray) -> list[tuple[int, int]]:
    """First and last frame of all the time that it is `seen` [T], short gaps included, too short times not."""
    there = np.flatnonzero(seen)
    if len(there) == 0:
        return []
    ends = [(int(b), int(a)) for b, a in pairwise(there) if times_s[a] - times_s[b] > _BRIDGED_S]
    firsts, lasts = [int(there[0]), *(a for _, a in ends)], [*(b for b, _ in ends), int(there[-1])]
    return [(a, b) for a, b in zip(firsts, lasts, strict=True) if times_s[b] - times_s[a] >= _LEAST_S]
