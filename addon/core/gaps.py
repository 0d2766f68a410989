"""Bridging the frames in which no face was found."""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from .frames import ExpressionTrack


def bridge(track: ExpressionTrack) -> ExpressionTrack:
    """Replace every row of confidence 0 by linear interpolation between its measured neighbours (ends are held).

    A track without any measured row is returned as it is.
    """
    measured = track.confidence > 0
    if measured.all() or not measured.any():
        return track
    times, known = track.times_s, np.flatnonzero(measured)
    right = np.clip(np.searchsorted(known, np.arange(len(track))), 0, len(known) - 1)
    left = np.clip(right - 1, 0, len(known) - 1)
    before, after = known[left], known[right]
    # Beyond the first and last measured row both neighbours become that row.
    before = np.where(np.arange(len(track)) < known[0], known[0], before)
    after = np.where(np.arange(len(track)) > known[-1], known[-1], after)
    before = np.where(np.arange(len(track)) > known[-1], known[-1], before)
    span = times[after] - times[before]
    share = np.divide(times - times[before], span, out=np.zeros_like(span), where=span > 0)

    def blend(values: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        mixed = values[before] * (1 - weight) + values[after] * weight
        return np.where(measured.reshape(weight.shape), values, mixed).astype(np.float32)

    return replace(
        track, coefficients=blend(track.coefficients), embedding=blend(track.embedding), gaze=blend(track.gaze),
        head=blend(track.head),
    )
