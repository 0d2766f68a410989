"""A recorded body's joints as the landmarks that a body tracker gives: rigs play recordings as they play takes."""
from __future__ import annotations

from typing import Final

import numpy as np

from ..core.body_motion import JOINT, PARENTS, BodyMotion
from ..core.frames import HAND_COUNT, POSE_COUNT, BodyTrack, head_rotation
from .body_pose import SIDES, TO_BODY, frame_of

MARKS: Final = {"shoulder": 11, "elbow": 13, "wrist": 15, "hip": 23, "knee": 25, "ankle": 27, "foot": 31}
"""Joint → MediaPipe's landmark on the left; the right one's comes next."""
_FACE: Final = {
    0: (0, .06, .11), 2: (.03, .1, .09), 5: (-.03, .1, .09), 7: (.08, .08, 0), 8: (-.08, .08, 0), 9: (.025, .02, .09),
    10: (-.025, .02, .09),
}
"""Landmark of the face → where it is in the head's frame, m: nose, eyes, ears, corners of the mouth."""
_TRUNK_M: Final = 0.65
"""From hips to head."""


def landmarks_of(motion: BodyMotion) -> BodyTrack:
    """Shoulders, limbs and face at the motion's times, counted from the hips; joints that the recording lacks are
    invisible, and hands are not known."""
    joints = motion.joints.astype(np.float64) - motion.joints[:, :1]
    trunk = float(np.median(np.linalg.norm(joints[:, JOINT["head"]], axis=1))) or 1.0
    joints *= _TRUNK_M / trunk
    count = len(motion)
    points, visibility = np.zeros((count, POSE_COUNT, 3)), np.zeros((count, POSE_COUNT), np.float32)
    for name, first in MARKS.items():
        for mark, side in enumerate(SIDES, first):
            place = JOINT[f"{side}_{name}"]
            points[:, mark] = joints[:, place]
            visibility[:, mark] = (joints[:, place] != joints[:, PARENTS[place]]).any()
    head = _chest(points) @ head_rotation(motion.head.astype(np.float64))
    for mark, offset in _FACE.items():
        points[:, mark], visibility[:, mark] = joints[:, JOINT["head"]] + head @ np.array(offset), 1
    world = (points @ TO_BODY).astype(np.float32)
    hands = np.full((count, 2, HAND_COUNT, 3), np.nan, np.float32)
    unknown = np.full((count, 2), np.nan, np.float32)
    return BodyTrack(motion.times_s - motion.times_s[0], world, world, visibility, np.ones(count, np.float32),
                     hands, hands, np.zeros((count, 2), np.float32), unknown)


def _chest(points: np.ndarray) -> np.ndarray:
    """How the chest is turned, [T, 3, 3], from shoulders and hips."""
    return frame_of(points[:, 11] - points[:, 12], points[:, 11:13].mean(1) - points[:, 23:25].mean(1))
