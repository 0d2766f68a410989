"""From motion that tokens were decoded to onto a humanoid: as a BodyTrack, which addon.characters.body_pose puts on
Rigify's, MPFB's and Mixamo's armatures, and which takes, smoothing, Actions and batches understand.

And back: which rotations body_pose finds for a person's own bones, to compare with.
"""
from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from addon.characters.body_landmarks import MARKS
from addon.characters.body_pose import TO_BODY, Skeleton, decode, skeleton_of
from addon.core.body_motion import JOINT, JOINTS
from addon.core.frames import BodyTrack

from .body_people import BODY_BONES, BONES, BodyPerson, hands_of, joints_of, parent_of, person_of, pose_bones

_FACE: Final = {2: (0.3, 0.5, 0.8), 5: (-0.3, 0.5, 0.8), 7: (0.6, 0.4, 0), 8: (-0.6, 0.4, 0), 9: (0.2, 0, 0.8),
                10: (-0.2, 0, 0.8), 0: (0, 0.25, 1)}
"""Landmark → where it is from the head's joint, in half heads: eyes, ears, mouth, nose."""
_FINGER_NAMES: Final = ("thumb", "f_index", "f_middle", "f_ring", "f_pinky")
_RATE: Final = 30.0


@lru_cache(maxsize=1)
def usual_person() -> BodyPerson:
    """Whose bones a motion gets that has none."""
    return next(person for person in map(person_of, range(99)) if person.kind == "realistic")


def track_of(rotations: np.ndarray, fingers: np.ndarray, person: BodyPerson | None = None) -> BodyTrack:
    """Rotations [T, 22, 3, 3] and fingers [T, 2, 15, 3, 3] as the landmarks of a person who moves so, 30 a second.

    In the picture (`landmarks`, `hands`) the person is seen as from far away, a metre being 100 px.
    """
    person, count = person or usual_person(), len(rotations)
    world, hands = np.zeros((count, 33, 3)), np.empty((count, 2, 21, 3))
    for t in range(count):
        matrices = pose_bones(person, rotations[t], fingers[t])
        joints = joints_of(person, matrices)
        world[t], hands[t] = _landmarks(joints, matrices[JOINT["head"], :3, :3], person), hands_of(person, matrices)
    world -= world[:, 23:25].mean(1, keepdims=True)
    seen, seen_hands = ((each @ TO_BODY).astype(np.float32) for each in (world, hands))
    middle = seen_hands.mean(2, keepdims=True)
    sure = np.ones((count, 2), np.float32)
    return BodyTrack(
        np.arange(count) / _RATE, 100 * seen, seen, np.ones((count, 33), np.float32), np.ones(count, np.float32),
        100 * seen_hands, seen_hands - middle, sure, sure * (0, 1),
    )


def _landmarks(joints: np.ndarray, head: np.ndarray, person: BodyPerson) -> np.ndarray:
    """MediaPipe's 33 [33, 3] from joints [22, 3] and how the head is turned; those of no joint are at the nearest."""
    points = np.empty((33, 3))
    points[:11] = joints[JOINT["head"]]
    for mark, place in _FACE.items():
        points[mark] += head @ (0.5 * person.head_height * np.array(place))
    for name, mark in MARKS.items():
        for odd, side in enumerate(("left", "right")):
            points[mark + odd] = joints[JOINT[f"{side}_{name}"]]
    for odd in (0, 1):
        points[[17 + odd, 19 + odd, 21 + odd]] = points[15 + odd]
        points[29 + odd] = points[27 + odd]
    return points


def skeleton_of_person(person: BodyPerson) -> Skeleton:
    """A made person's own bones as body_pose knows them; fingers have Rigify's names."""
    names = list(JOINTS) + [
        f"{finger}.0{part}.{side}"
        for side in "LR" for finger in _FINGER_NAMES for part in (1, 2, 3)
    ]
    parents = [parent_of(bone) for bone in range(BONES)]
    tails = person.rest.copy()
    for bone in reversed(range(BONES)):
        if parents[bone] >= 0:
            tails[parents[bone]] = person.rest[bone]
    for side in (0, 1):
        for finger in range(5):
            tails[BODY_BONES + 15 * side + 3 * finger + 2] = person.tips[side, finger]
    return skeleton_of(names, parents, person.rest, tails, f"person {person.seed}")


def fitted(track: BodyTrack, person: BodyPerson) -> tuple[np.ndarray, np.ndarray]:
    """What inverse kinematics makes of landmarks: rotations [T, 22, 3, 3], fingers [T, 2, 15, 3, 3], on `person`.

    Each is against the bone above.
    """
    skeleton = skeleton_of_person(person)
    turns = decode(track, skeleton)
    local = turns.copy()
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            local[:, bone] = np.swapaxes(turns[:, parent], 1, 2) @ turns[:, bone]
    return local[:, :BODY_BONES], local[:, BODY_BONES:].reshape(len(track), 2, 15, 3, 3)
