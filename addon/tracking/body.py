"""A whole body from one camera: the pose, and the hands where its wrists are. Frame → BodyFrame."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from ..core.frames import HAND_COUNT, POSE_COUNT, BodyFrame, Frame
from .hands import Hand, HandReader, HandTracker
from .pose import Pose, PoseTracker

_ONE_HAND: Final = 0.25
"""Two hands whose landmarks are, on average, nearer to each other than this share of their size are one hand."""


class BodyTracker:
    """Follows one person through the frames of one source; raw values, smoothing is a later step."""

    def __init__(self) -> None:
        """Raises SemblanceError if onnxruntime or a network is missing."""
        self._pose, self._reader = PoseTracker(), HandReader()
        self._hands = (HandTracker(0, self._reader), HandTracker(1, self._reader))
        self._pool = ThreadPoolExecutor(1, "right hand")

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of all networks, for a take's header."""
        return {**self._pose.stamps, **self._reader.stamps}

    def reset(self) -> None:
        """Forget the person: the next frame is from somewhere else."""
        self._pose.reset()
        for hand in self._hands:
            hand.reset()

    @property
    def follows(self) -> bool:
        """True if the next frame is looked at where the person was."""
        return self._pose.follows

    def track(self, frame: Frame, face: np.ndarray | None = None) -> BodyFrame:
        """The followed person in `frame`; where it begins, the one whose face is at [2] px."""
        pose = self._pose.track(frame, face)
        if pose is None:
            for hand in self._hands:
                hand.reset()
            return no_body(frame.time_s)
        right = self._pool.submit(self._hands[1].track, frame.image, pose)
        left = self._hands[0].track(frame.image, pose)
        return _body_frame(frame.time_s, pose, _told_apart([left, right.result()]))


def no_body(time_s: float) -> BodyFrame:
    """What is told of a frame without a body."""
    points = np.full((POSE_COUNT, 3), np.nan, np.float32)
    hands = np.full((2, HAND_COUNT, 3), np.nan, np.float32)
    return BodyFrame(
        time_s, points, points, np.zeros(POSE_COUNT, np.float32), 0.0, hands, hands, np.zeros(2, np.float32),
        np.full(2, np.nan, np.float32),
    )


def _body_frame(time_s: float, pose: Pose, hands: list[Hand | None]) -> BodyFrame:
    nothing = np.full((HAND_COUNT, 3), np.nan, np.float32)
    there = [hand if hand is not None and hand.found else None for hand in hands]
    return BodyFrame(
        time_s, pose.landmarks, pose.world, pose.visibility, pose.presence,
        np.stack([hand.landmarks if hand else nothing for hand in there]),
        np.stack([hand.world if hand else nothing for hand in there]),
        np.array([hand.presence if hand else 0.0 for hand in hands], np.float32),
        np.array([hand.right if hand else np.nan for hand in there], np.float32),
    )


def _told_apart(hands: list[Hand | None]) -> list[Hand | None]:
    """The hands; where both sides see the same one, only the side that it looks like."""
    left, right = hands
    if left is None or right is None or not (left.found and right.found):
        return hands
    size = max(np.ptp(hand.landmarks[:, :2], axis=0).max() for hand in (left, right))
    apart = np.linalg.norm(left.landmarks[:, :2] - right.landmarks[:, :2], axis=1).mean()
    if apart > _ONE_HAND * size:
        return hands
    return [None, right] if left.right + right.right > 1 else [left, None]
