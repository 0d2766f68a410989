"""Landmarks to bones: the CMU walk's own joints as landmarks, decoded onto its own and onto another skeleton."""
from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.characters.body_pose import (
    TO_BODY,
    Skeleton,
    about,
    decode,
    mirrored,
    planted,
    positions,
    skeleton_of,
    swing,
)
from addon.characters.finger_bones import find_fingers
from addon.core.body_motion import JOINT, JOINTS, PARENTS
from addon.core.bvh import read_bvh
from addon.core.errors import SemblanceError
from addon.core.frames import BodyTrack
from training import bench_body_pose
from training.body_people import about as about_axis

from .gesturing import gesturing

LIMBS = ("elbow", "wrist", "knee", "ankle", "foot")
directions = hnp.arrays(float, (4, 3), elements=st.floats(-1, 1)).filter(
    lambda rows: np.linalg.norm(rows, axis=1).min() > 0.01
)


@pytest.fixture(scope="module")
def walk(shared: Path) -> np.ndarray:
    """Joints [T, 22, 3]; the first frame is the rest pose."""
    return read_bvh(shared / "data" / "body_motion" / "cmu_01_01.bvh").joints[::20].astype(np.float64)


def track_of(joints: np.ndarray) -> BodyTrack:
    """Landmarks in metres as a camera in front would see them; no hands."""
    count = len(joints)
    seen = bench_body_pose.track_of(joints, np.full((count, 2, 21, 3), np.nan))
    return replace(seen, times_s=np.arange(count) / 6, hands_confidence=np.zeros((count, 2)),
                   hands_right=np.full((count, 2), np.nan))


def skeleton(rest: np.ndarray) -> Skeleton:
    tails = rest.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            tails[parent] = rest[joint]
    return skeleton_of(list(JOINTS), list(PARENTS), rest, tails, "made")


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean())


@pytest.mark.parametrize("longer", [1.0, 1.4])
def test_limbs_point_where_the_walks_do_whatever_their_length(walk: np.ndarray, longer: float) -> None:
    rest = walk[0] * (1, longer, 1) if longer != 1 else walk[0]
    made = skeleton(rest)
    turns = decode(track_of(walk), made)
    assert np.allclose(turns @ np.swapaxes(turns, 2, 3), np.eye(3), atol=1e-6)
    assert np.allclose(np.linalg.det(turns), 1, atol=1e-6)
    places = positions(turns, made)
    for side in ("left", "right"):
        for name in LIMBS:
            joint = JOINT[f"{side}_{name}"]
            bone, true = (each[:, joint] - each[:, PARENTS[joint]] for each in (places, walk))
            assert degrees(bone, true) < 1
    if longer == 1:
        apart = np.linalg.norm((places - places[:, :1]) - (walk - walk[:, :1]), axis=2)
        height = np.ptp(walk[0, :, 1])
        print(f"position error {100 * apart.mean() / height:.2f} % of the height")
        assert apart.mean() < 0.02 * height


def test_a_mirrored_body_does_the_same_on_the_other_side(walk: np.ndarray) -> None:
    track = track_of(walk[:5])
    twice, turned = mirrored(mirrored(track)), decode(mirrored(track), skeleton(walk[0]))
    assert np.array_equal(twice.world, track.world) and np.array_equal(twice.visibility, track.visibility)
    flip = np.diag([-1.0, 1, 1])
    knees = [JOINT["left_knee"], JOINT["right_knee"]]
    apart = turned[:, knees[::-1]] - flip @ decode(track, skeleton(walk[0]))[:, knees] @ flip
    assert np.abs(apart).max() < 0.15   # the walker's own sides differ a little


def test_a_planted_foot_does_not_slide(walk: np.ndarray) -> None:
    made = skeleton(walk[0])
    turns = decode(track_of(walk), made)
    moved = planted(turns, made)
    feet = positions(turns, made)[:, [JOINT["left_foot"], JOINT["right_foot"]]] + moved[:, None]
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=2).min(1)
    assert np.median(steps) < 1e-6 * np.ptp(walk[0, :, 1])  # one of both stands
    assert feet[..., 1].min() > walk[0, :, 1].min() - 0.03 * np.ptp(walk[0, :, 1])


@given(directions, directions, st.floats(0.1, 3.2))
def test_a_swing_leads_there_and_no_further_than_it_may(before: np.ndarray, after: np.ndarray, most: float) -> None:
    turn = swing(before, after, most)
    assert np.allclose(turn @ np.swapaxes(turn, 1, 2), np.eye(3), atol=1e-6)
    angle = np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert (angle <= most + 1e-3).all()
    there = (swing(before, after) @ before[..., None])[..., 0]
    assert np.allclose(np.cross(there, after), 0, atol=1e-5) and ((there * after).sum(1) > 0).all()


def test_opposite_directions_have_a_swing() -> None:
    assert np.allclose(swing(np.array([[0.0, 2, 0]]), np.array([[0.0, -1, 0]]))[0] @ [0, 1, 0], [0, -1, 0])
    assert np.allclose(about(np.array([[0.0, 0, 1]]), np.array([np.pi / 2]))[0] @ [1, 0, 0], [0, 1, 0])


def test_gaps_are_held_and_nobody_is_refused(walk: np.ndarray) -> None:
    made, track = skeleton(walk[0]), track_of(walk[:6])
    turns = decode(track, made)
    track.landmarks[2:4] = track.world[2:4] = np.nan
    held = decode(track, made)
    assert np.array_equal(held[2], turns[1]) and np.array_equal(held[3], turns[1]) and np.isfinite(held).all()
    track.landmarks[:] = np.nan
    with pytest.raises(SemblanceError, match="never found"):
        decode(track, made)


def test_fingers_need_no_body_and_stay_as_they_were_where_the_hand_is_not_seen() -> None:
    track = gesturing(4)
    whole = bench_body_pose.skeleton_for(bench_body_pose.person_of(2))
    wrist, bent = (whole.joints[joint] for joint in ("left_wrist", "left_index2"))

    def curl(track: BodyTrack) -> np.ndarray:
        turns = decode(track, whole)
        return np.swapaxes(turns[:, wrist], 1, 2) @ turns[:, bent]

    seen, gone = curl(track), track.hands_world.copy()
    nobody = np.full_like(track.world, np.nan)
    assert np.allclose(curl(replace(track, landmarks=nobody, world=nobody)), seen, atol=1e-6)
    gone[2] = np.nan
    held = curl(replace(track, hands_world=gone))
    assert np.allclose(held[[0, 1, 3]], seen[[0, 1, 3]], atol=1e-6) and np.allclose(held[2], seen[1], atol=1e-6)
    assert not np.allclose(seen[1], seen[2], atol=0.05)


def test_a_hand_lets_go_of_its_turn_when_it_is_not_seen_any_more() -> None:
    still = gesturing(1)
    track = BodyTrack(**{field.name: getattr(still, field.name)[[0] * 7] for field in fields(BodyTrack)})
    wrists = track.hands_world[:, :, :1].copy()
    track.hands_world[:] = (track.hands_world - wrists) @ about_axis("z", 30) + wrists
    track.hands_world[3:] = np.nan
    whole = bench_body_pose.skeleton_for(bench_body_pose.person_of(2))
    elbow, wrist = (whole.joints[joint] for joint in ("left_elbow", "left_wrist"))
    turns = decode(replace(track, times_s=0.1 * np.arange(7)), whole)
    turned = np.swapaxes(turns[:, elbow], 1, 2) @ turns[:, wrist]
    bent = np.degrees(np.arccos(np.clip((np.trace(turned, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert np.ptp(bent[:3]) < 1e-3 and bent[0] > 5 and (np.diff(bent[2:]) < 0).all() and bent[-1] < 0.01


def test_bones_of_other_names_are_refused() -> None:
    with pytest.raises(SemblanceError, match="'rope' has no bone known as pelvis"):
        skeleton_of(["a", "b"], [-1, 0], np.zeros((2, 3)), np.ones((2, 3)), "rope")


def test_fingers_of_four_rigs() -> None:
    names = ["f_index.01.L", "DEF-thumb.02.R", "finger5-3.L", "mixamorig:RightHandRing1", "hand.L", "f_index.01.L.001",
             "J_Bip_R_Little2"]
    assert find_fingers(names) == {"left_index1": 0, "right_thumb2": 1, "left_pinky3": 2, "right_ring1": 3,
                                   "right_pinky2": 6}


def test_a_forearm_of_two_bones_shares_the_hands_twist() -> None:
    """Palms turned over: each bone on the way takes a third of it, and the elbow none."""
    names = ["Hips", "Head", "LeftArm", "RightArm", "LeftForeArm", "RightForeArm", "more", "LeftHand", "LeftHandIndex1",
             "LeftHandMiddle1", "LeftHandPinky1"]
    parents = [-1, 0, 0, 0, 2, 3, 4, 6, 7, 7, 7]
    heads = np.array([[0, 0, 0], [0, .6, 0], [.2, .5, 0], [-.2, .5, 0], [.5, .5, 0], [-.5, .5, 0], [.65, .5, 0],
                      [.8, .5, 0], [.9, .5, .03], [.9, .5, 0], [.9, .5, -.03]])
    made = skeleton_of(names, parents, heads, heads + [0.1, 0, 0], "made")
    assert made.joints["left_elbow_1"] == 6
    points = np.zeros((1, 33, 3))
    points[0, 11:17] = [[x, .5, 0] for x in (.2, -.2, .5, -.5, .8, -.8)]
    points[0, [23, 24, 25, 26, 27, 28, 31, 32]] = [[x, y, z] for y, z in ((0, 0), (-.4, 0), (-.8, 0), (-.85, .1))
                                                  for x in (.1, -.1)]
    points[0, [2, 5, 7, 8, 9, 10]] = [[x, y, .1] for y in (.7, .65, .6) for x in (.05, -.05)]
    hands = np.full((1, 2, 21, 3), np.nan)
    hands[0, 0] = [.8, .5, 0]
    hands[0, 0, [5, 9, 17]] = [[.9, .53, 0], [.9, .5, 0], [.9, .47, 0]]    # thumb's side up: turned by 90 degrees
    seen, near = (points @ TO_BODY).astype(np.float32), (hands @ TO_BODY).astype(np.float32)
    turns = decode(BodyTrack(np.zeros(1), seen, seen, np.ones((1, 33)), np.ones(1), near, near, np.ones((1, 2)),
                             np.ones((1, 2))), made)[0]
    angles = [np.degrees(np.arctan2(turns[bone, 1, 2], turns[bone, 2, 2])) for bone in (2, 4, 6, 7)]
    assert np.allclose(angles, [0, 30, 60, 90], atol=0.1)
