"""A new part in the middle of a take: only its range is replaced, and its ends grow out of what was there."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from ..core.frames import LANDMARK_COUNT, ExpressionTrack
from ..core.take import Take

SEAM_S: Final = 0.12
"""How long each end of the new part takes from the old one to the new: four frames at 30 a second."""


def splice(take: Take, part: Take, at_s: float) -> Take:
    """`take` with `part` from `at_s` seconds after its first frame on (below 0: before it); what lies outside the part
    stays bit by bit.

    Both halves are replaced as they are, so each part is calibrated as it was recorded; the header has the calibration
    of the whole, and that of each part in its source's `parts`.
    """
    begin = take.times_s[0] + at_s
    times_s = part.times_s - part.times_s[0] + begin
    step = float(np.median(np.diff(take.times_s))) if len(take) > 1 else 0.0
    before, after = take.times_s < begin - step / 2, take.times_s > times_s[-1] + step / 2
    keep = [np.flatnonzero(before), np.flatnonzero(after)]
    times = np.concatenate([take.times_s[before], times_s, take.times_s[after]])

    def joined(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([old[keep[0]], new, old[keep[1]]])

    def track(old: ExpressionTrack, new: ExpressionTrack) -> ExpressionTrack:
        weights = _weights(times_s, take.times_s)
        blended = {name: joined(getattr(old, name), _blended(old, new, name, times_s, weights))
                   for name in ("coefficients", "embedding", "gaze", "head")}
        return ExpressionTrack(times, confidence=joined(old.confidence, new.confidence), **blended)

    count = len(times)
    old_points, new_points = _points(take), _points(part)
    points = joined(old_points, new_points) if len(take.landmarks) or len(part.landmarks) else take.landmarks
    assert len(points) in (0, count)
    return replace(
        take, found=joined(take.found, part.found), landmarks=points, raw=track(take.raw, part.raw),
        smoothed=track(take.smoothed, part.smoothed), source=_source(take, part, begin, float(times_s[-1])),
    )


def _weights(times_s: np.ndarray, old_s: np.ndarray) -> np.ndarray:
    """Share of the new part in each of its frames: rising at its begin and falling at its end if the old goes on."""
    length = times_s[-1] - times_s[0]
    seam = max(min(SEAM_S, length / 2), 1e-9)
    weights = np.ones(len(times_s))
    if old_s[0] < times_s[0]:
        weights = np.minimum(weights, (times_s - times_s[0]) / seam)
    if old_s[-1] > times_s[-1]:
        weights = np.minimum(weights, (times_s[-1] - times_s) / seam)
    return weights * weights * (3 - 2 * weights)


def _blended(
    old: ExpressionTrack, new: ExpressionTrack, name: str, times_s: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Values of the new part, near its ends mixed with the old ones at the same times."""
    values, before = getattr(new, name), getattr(old, name)
    columns = before.reshape(len(old), -1)
    there = np.stack([np.interp(times_s, old.times_s, column) for column in columns.T], 1).reshape(values.shape)
    share = weights.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(share == 1, values, there + share * (values - there)).astype(np.float32)


def _points(take: Take) -> np.ndarray:
    """Landmarks of every frame, NaN for a source without pictures."""
    return take.landmarks if len(take.landmarks) else np.full((len(take), LANDMARK_COUNT, 3), np.nan, np.float32)


def _source(take: Take, part: Take, begin_s: float, end_s: float) -> dict[str, Any]:
    """The take's own words, with the new part noted and its markers added."""
    shift = begin_s - part.times_s[0]
    markers = [*take.source.get("markers", [])]
    markers += [[mark[0] + shift, mark[1]] for mark in part.source.get("markers", [])]
    own = {"begin_s": begin_s, "end_s": end_s, "name": part.source.get("name", ""), "calibration": part.calibration}
    parts = [*take.source.get("parts", []), own]
    source = take.source | {"markers": sorted(markers), "parts": parts, "frame_count": None}
    if "begins_s" in source:
        source["begins_s"] += min(begin_s - float(take.times_s[0]), 0.0)
    return source
