"""A made person's body and hands as a camera in front would see them; no data needed."""
from __future__ import annotations

import numpy as np

from addon.core.frames import BodyTrack
from training.bench_body_pose import SOURCE, track_of
from training.body_people import about, hands_of, joints_of, person_of, pose_bones
from training.body_poses import gestures, rotations_of

NAMES = ("cheer", "akimbo", "point", "wave", "stand")


def gesturing(count: int = 3) -> BodyTrack:
    """The first gestures of NAMES, fingers more bent in each; the body's knuckles are not told."""
    person, known, joints, hands = person_of(SOURCE), gestures(), [], []
    for number, name in enumerate(NAMES[:count]):
        fingers = np.tile(about("z", -12.0 * number), (2, 15, 1, 1))
        fingers[1] = np.swapaxes(fingers[1], 1, 2)
        matrices = pose_bones(person, rotations_of(known[name]), fingers)
        joints.append(joints_of(person, matrices))
        hands.append(hands_of(person, matrices))
    track = track_of(np.array(joints), np.array(hands))
    track.visibility[:, 17:23] = 0
    return track
