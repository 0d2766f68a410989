"""A whole body from one camera: the pose, the hands where its wrists are, and else those whose palms are seen."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..core.frames import HAND_COUNT, POSE_COUNT, BodyFrame, Frame
from .company import Company
from .hands import Hand, HandReader, HandTracker, one_hand
from .palms import PalmTracker
from .pose import Pose, PoseTracker


class BodyTracker:
    """Follows one person through the frames of one source: Frame → BodyFrame.

    Values are raw; smoothing is a later step. Where no body is seen there may still be hands, as in a close-up. Without
    `by_palms` hands are only looked for where the wrists are, as MediaPipe's Holistic does.
    """

    def __init__(self, by_palms: bool = True) -> None:
        """Raises SemblanceError if onnxruntime or a network is missing."""
        self._pose, self._reader = PoseTracker(), HandReader()
        self._hands = (HandTracker(0, self._reader), HandTracker(1, self._reader))
        self._palms = PalmTracker(self._reader) if by_palms else None
        self._pool = ThreadPoolExecutor(1, "right hand")

    @property
    def stamps(self) -> dict[str, str]:
        """Role → "name version sha256-prefix" of all networks, for a take's header."""
        return {**self._pose.stamps, **self._reader.stamps, **(self._palms.stamps if self._palms else {})}

    def reset(self) -> None:
        """Forget the person: the next frame is from somewhere else."""
        self._pose.reset()
        for hand in self._hands:
            hand.reset()
        if self._palms:
            self._palms.reset()

    @property
    def company(self) -> Company:
        """Who else was in the pictures."""
        return self._pose.company

    @property
    def follows(self) -> bool:
        """True if the next frame is looked at where the person was."""
        return self._pose.follows

    def track(self, frame: Frame, face: np.ndarray | None = None) -> BodyFrame:
        """The followed person in `frame`; where it begins, the one whose face is at [2] px."""
        pose = self._pose.track(frame, face)
        hands = self._by_wrists(frame.image, pose)
        if self._palms:
            hands = self._palms.track(frame, hands, pose)
        return _body_frame(frame.time_s, pose, hands)

    def _by_wrists(self, image: np.ndarray, pose: Pose | None) -> list[Hand | None]:
        if pose is None:
            for hand in self._hands:
                hand.reset()
            return [None, None]
        right = self._pool.submit(self._hands[1].track, image, pose)
        left = self._hands[0].track(image, pose)
        found = [hand if hand is not None and hand.found else None for hand in (left, right.result())]
        return _told_apart(*found)


def no_body(time_s: float) -> BodyFrame:
    """What is told of a frame without a body and hands."""
    return _body_frame(time_s, None, [None, None])


def _body_frame(time_s: float, pose: Pose | None, hands: list[Hand | None]) -> BodyFrame:
    if pose is None:
        unknown = np.full((POSE_COUNT, 3), np.nan, np.float32)
        pose = Pose(unknown, unknown, np.zeros(POSE_COUNT, np.float32), 0.0)
    nothing = np.full((HAND_COUNT, 3), np.nan, np.float32)
    return BodyFrame(
        time_s, pose.landmarks, pose.world, pose.visibility, pose.presence,
        np.stack([hand.landmarks if hand else nothing for hand in hands]),
        np.stack([hand.world if hand else nothing for hand in hands]),
        np.array([hand.presence if hand else 0.0 for hand in hands], np.float32),
        np.array([hand.right if hand else np.nan for hand in hands], np.float32),
    )


def _told_apart(left: Hand | None, right: Hand | None) -> list[Hand | None]:
    """Both hands; where both sides see the same one, only the side that it looks like."""
    if left is None or right is None or not one_hand(left, right):
        return [left, right]
    return [None, right] if left.right + right.right > 1 else [left, None]
