"""Expressions and takes made for tests."""
from __future__ import annotations

import numpy as np

from addon.core.frames import BodyTrack, ExpressionTrack
from addon.core.take import Take


def a_track(times_s: np.ndarray, seed: int = 0) -> ExpressionTrack:
    """A track of random but valid values over `times_s`."""
    random = np.random.default_rng(seed)
    count = len(times_s)
    return ExpressionTrack(
        np.asarray(times_s, np.float64),
        random.random((count, 54), np.float32),
        random.standard_normal((count, 128), np.float32),
        random.standard_normal((count, 2, 2), np.float32) * 0.2,
        random.standard_normal((count, 3), np.float32) * 0.2,
        np.ones(count, np.float32),
    )


def a_take(count: int = 5, seed: int = 0) -> Take:
    """A take of `count` frames at 25 fps, its second frame without a face."""
    raw = a_track(np.arange(count) / 25, seed)
    landmarks = np.random.default_rng(seed).random((count, 478, 3), np.float32)
    found = np.arange(count) != 1
    landmarks[~found] = np.nan
    return Take(found, landmarks, raw, a_track(raw.times_s, seed + 1), {"kind": "test", "name": "Ünï.mp4"},
                {"expression": "e 1 abc"}, {"neutral": [0.5]}, {"strength": 1.0})


def a_body(count: int = 5, seed: int = 0) -> BodyTrack:
    """A body track of random values at 25 fps, its second frame without a body."""
    random = np.random.default_rng(seed)
    sizes = ((33, 3), (33, 3), (33,), (), (2, 21, 3), (2, 21, 3), (2,), (2,))
    parts = [random.random((count, *size), np.float32) for size in sizes]
    parts[0][1:2] = np.nan
    return BodyTrack(np.arange(count) / 25, *parts)
