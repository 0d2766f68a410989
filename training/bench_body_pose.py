"""How well a take's body is decoded: made people in known poses, their joints as noisy landmarks, onto other bones.

Least rotation alone, which leaves a limb's twist to chance, is the rival; of directions the landmarks themselves are.
Poses that have nothing to do with one another cannot be better than these, takes can: they are smoothed both ways.
Bones of fixed lengths, solved by least squares, were tried: 6.2 instead of 6.5 degrees (6.16 with the true lengths),
2.6 instead of 2.8 in a take; left out.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from addon.characters import body_pose
from addon.characters.body_landmarks import MARKS
from addon.characters.body_pose import TO_BODY, Skeleton, decode, planted, positions, skeleton_of
from addon.core.body_motion import JOINT, JOINTS, PARENTS
from addon.core.bvh import read_bvh
from addon.core.frames import BodyTrack
from addon.core.point_filter import smooth_body

from .body_motion_sets import WALK
from .body_people import BODY_BONES, BONES, BodyPerson, hands_of, joints_of, parent_of, person_of, pose_bones
from .body_poses import Poses, gestures, rotations_of
from .figures import Row
from .performers import shared_folder

RIVAL, LANDMARKS = "least rotation", "the landmarks themselves"
SOURCE, TARGET = 3, 11
_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_UPPER = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
_BENT = 0.45
_FIST = 45.0
"""Degrees of curl from which on nobody can tell how far a finger is spread."""
NOISE_M = (0.015, 0.003)
"""Of landmarks of the body and of hands: about what single frames of the networks are off by."""


def track_of(joints: np.ndarray, hands: np.ndarray) -> BodyTrack:
    """Joints [T, 22, 3] and hands [T, 2, 21, 3] in the body's frame as what a camera in front would see."""
    points = np.zeros((len(joints), 33, 3))
    for name, mark in MARKS.items():
        for odd, side in enumerate(("left", "right")):
            points[:, mark + odd] = joints[:, JOINT[f"{side}_{name}"]]
    head, neck = joints[:, JOINT["head"]], joints[:, JOINT["neck"]]
    left = 0.2 * (joints[:, JOINT["left_shoulder"]] - joints[:, JOINT["right_shoulder"]])
    points[:, 2] = points[:, 5] = head + 0.5 * (head - neck)
    points[:, 9] = points[:, 10] = head
    points[:, 7], points[:, 8] = head + left, head - left
    seen, hands = (points @ TO_BODY).astype(np.float32), (hands @ TO_BODY).astype(np.float32)
    count = len(joints)
    return BodyTrack(np.arange(count) / 30, seen, seen, np.ones((count, 33)), np.ones(count), hands, hands,
                     np.ones((count, 2)), np.ones((count, 2)))


def skeleton_for(person: BodyPerson) -> Skeleton:
    """Their bones with names that are known."""
    names = list(JOINTS) + [f"{side}Hand{finger}{i}" for side in ("Left", "Right") for finger in _FINGERS
                            for i in (1, 2, 3)]
    parents, tails = [parent_of(bone) for bone in range(BONES)], person.rest.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            tails[parent] = person.rest[bone]
    for side, tips in enumerate(person.tips):
        tails[BODY_BONES + 15 * side + 2:BODY_BONES + 15 * side + 15:3] = tips
    return skeleton_of(names, parents, person.rest, tails, "made")


def poses(count: int) -> tuple[BodyTrack, np.ndarray, np.ndarray]:
    """Mixes of gestures and hands: the track, the true turns [T, 52, 3, 3] and joints [T, 22, 3]."""
    random, person, made = np.random.default_rng(5), person_of(SOURCE), Poses()
    known = list(gestures().values())
    joints, hands, turns = [], [], []
    for number in range(count):
        one, other = (known[random.integers(len(known))] for _ in range(2))
        share = random.uniform(0, 1)
        matrices = pose_bones(person, rotations_of((1 - share) * one + share * other), made.pose(number, True).fingers)
        joints.append(joints_of(person, matrices))
        hands.append(hands_of(person, matrices))
        turns.append(matrices[:, :3, :3])
    seen, near = (np.array(each) + random.normal(0, noise, np.shape(each))
                  for each, noise in zip((joints, hands), NOISE_M, strict=True))
    return track_of(seen, near), np.array(turns), np.array(joints)


def limb_error(turns: np.ndarray, skeleton: Skeleton, joints: np.ndarray) -> float:
    """Degrees between the directions of arms and legs, decoded and true [T, 22, 3]."""
    return apart(positions(turns, skeleton)[:, :BODY_BONES], joints)


def seen_joints(track: BodyTrack) -> np.ndarray:
    """float [T, 22, 3]: what the landmarks say of the limbs' joints; 0 for others."""
    places = np.zeros((len(track), BODY_BONES, 3))
    for name, mark in MARKS.items():
        for odd, side in enumerate(("left", "right")):
            places[:, JOINT[f"{side}_{name}"]] = track.world[:, mark + odd] @ TO_BODY
    return places


def apart(places: np.ndarray, joints: np.ndarray) -> float:
    """Degrees between the directions of arms and legs of joints [T, 22, 3]."""
    found = []
    for name in ("elbow", "wrist", "knee", "ankle", "foot"):
        for side in ("left", "right"):
            joint = JOINT[f"{side}_{name}"]
            found.append(_between(*(each[:, joint] - each[:, PARENTS[joint]] for each in (places, joints))))
    return float(np.mean(found))


def twist_error(turns: np.ndarray, true: np.ndarray, joints: np.ndarray) -> float:
    """Degrees of wrong twist of upper arms and thighs, where elbows and knees bend."""
    found = []
    for first, middle, last in _UPPER:
        for side in ("left", "right"):
            a, b, c = (joints[:, JOINT[f"{side}_{name}"]] for name in (first, middle, last))
            axis, lower = b - a, c - b
            sine = np.sin(np.radians(_between(axis, lower)))
            bone = JOINT[f"{side}_{first}"]
            twist = body_pose._twist_of(turns[:, bone] @ np.swapaxes(true[:, bone], 1, 2), axis)
            found.append(np.degrees(np.abs(twist))[sine > _BENT])
    return float(np.concatenate(found).mean())


def palm_error(turns: np.ndarray, true: np.ndarray) -> float:
    """Degrees that hands are turned otherwise than true, in all."""
    wrists = [JOINT["left_wrist"], JOINT["right_wrist"]]
    apart = turns[:, wrists] @ np.swapaxes(true[:, wrists], 2, 3)
    return float(np.degrees(np.arccos(np.clip((np.trace(apart, axis1=2, axis2=3) - 1) / 2, -1, 1))).mean())


def finger_errors(turns: np.ndarray, true: np.ndarray, skeleton: Skeleton) -> tuple[float, float]:
    """Degrees of curl, over all joints, and of spread, over first joints that are not curled, against the palm."""
    curl, spread = [], []
    for side, name in enumerate(("left", "right")):
        for bone in range(BODY_BONES + 15 * side + 3, BODY_BONES + 15 * side + 15):     # thumbs have another plane
            way = skeleton.tails[bone] - skeleton.heads[bone]
            seen = []
            for each in (turns, true):
                x, y, z = (np.swapaxes(each[:, JOINT[f"{name}_wrist"]], 1, 2) @ each[:, bone] @ way).T
                seen.append((np.degrees(np.arctan2(-y, np.abs(x))), np.degrees(np.arctan2(z, np.abs(x)))))
            curl.append(np.abs(seen[0][0] - seen[1][0]))
            if (bone - BODY_BONES) % 3 == 0:
                spread.append(np.abs(seen[0][1] - seen[1][1])[np.abs(seen[1][0]) < _FIST])
    return float(np.mean(curl)), float(np.concatenate(spread).mean())


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees [T] between directions [T, 3]."""
    cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def take_error() -> tuple[float, float]:
    """Degrees that the limbs of the CMU walk, its joints with noise, are off in a take's decoded body, and before."""
    motion = read_bvh(shared_folder() / WALK)
    joints = motion.joints[::4].astype(float)
    joints *= 1.7 / np.ptp(joints[0, :, 1])
    seen = joints + np.random.default_rng(0).normal(0, NOISE_M[0], joints.shape)
    track = replace(track_of(seen, np.full((len(seen), 2, 21, 3), np.nan)), times_s=motion.times_s[::4])
    skeleton = skeleton_for(person_of(TARGET))
    return limb_error(decode(smooth_body(track), skeleton), skeleton, joints), apart(seen_joints(track), joints)


def slide() -> tuple[float, float]:
    """How far the standing foot slides on the CMU walk, share of the body's height a second; and with hips at rest."""
    motion = read_bvh(shared_folder() / WALK)
    joints = motion.joints.astype(float)
    track = track_of(joints, np.full((len(joints), 2, 21, 3), np.nan))
    skeleton = skeleton_for(person_of(TARGET))
    turns = decode(replace(track, times_s=motion.times_s), skeleton)
    feet = positions(turns, skeleton)[:, [JOINT["left_foot"], JOINT["right_foot"]]]
    stands = feet[..., 1].argmin(1)[:-1]
    scale = np.ptp(skeleton.heads[:BODY_BONES, 1]) * float(np.median(np.diff(motion.times_s)))

    def slid(moved: np.ndarray) -> float:
        steps = np.linalg.norm(np.diff(feet + moved[:, None], axis=0), axis=2)
        return float(np.median(steps[np.arange(len(stands)), stands])) / scale

    return slid(planted(turns, skeleton)), slid(np.zeros((len(turns), 3)))


def measure() -> dict[str, Row]:
    """All figures of this room; some seconds."""
    track, true, joints = poses(150)
    skeleton = skeleton_for(person_of(TARGET))
    turns = decode(track, skeleton)
    with patch.object(body_pose, "_hinge", lambda places: np.zeros_like(places[0])):
        least = decode(track, skeleton)
    curl, spread = finger_errors(turns, true, skeleton)
    (ours, still), take = slide(), take_error()
    return {
        "body_pose.limb_deg": Row(limb_error(turns, skeleton, joints), apart(seen_joints(track), joints), LANDMARKS,
                                  "degrees", "<= 3"),
        "body_pose.limb_take_deg": Row(*take, LANDMARKS, "degrees", "<= 3"),
        "body_pose.twist_deg": Row(twist_error(turns, true, joints), twist_error(least, true, joints), RIVAL, "degrees",
                                "<= 10"),
        "body_pose.palm_deg": Row(palm_error(turns, true), None, "", "degrees", "<= 10"),
        "body_pose.curl_deg": Row(curl, None, "", "degrees", "<= 10"),
        "body_pose.spread_deg": Row(spread, None, "", "degrees", ""),
        "body_pose.slide": Row(ours, still, "hips at rest", "heights/s", "<= 0.02"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("body_pose.limb_deg", "body_pose.limb_take_deg", "body_pose.twist_deg", "body_pose.palm_deg",
     "body_pose.curl_deg", "body_pose.spread_deg", "body_pose.slide"): measure,
}


if __name__ == "__main__":
    for figure, row in measure().items():
        print(f"{figure:20} {row.ours:8.3f} {'' if row.rival is None else f'{row.rival:8.3f}':>8} {row.unit}")
