"""Bodies of any naming become the same 22 joints."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.body_motion import JOINT, JOINTS, find_joints, motion_of, resampled
from addon.core.errors import SemblanceError
from addon.core.frames import head_rotation

MIXAMO = [
    "Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand",
    "RightShoulder", "RightArm", "RightForeArm", "RightHand", "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase",
    "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase",
]
MIXAMO_PARENTS = [-1, 0, 1, 2, 3, 4, 3, 6, 7, 8, 3, 10, 11, 12, 0, 14, 15, 16, 0, 18, 19, 20]
RIGIFY = [
    "spine", "spine.001", "spine.002", "spine.003", "spine.004", "spine.006", "shoulder.L", "upper_arm.L",
    "forearm.L", "hand.L", "shoulder.R", "upper_arm.R", "forearm.R", "hand.R", "thigh.L", "shin.L", "foot.L", "toe.L",
    "thigh.R", "shin.R", "foot.R", "toe.R",
]
MPFB = [
    "root", "spine05", "spine03", "spine01", "neck01", "head", "clavicle.L", "upperarm01.L", "lowerarm01.L",
    "wrist.L", "clavicle.R", "upperarm01.R", "lowerarm01.R", "wrist.R", "upperleg01.L", "lowerleg01.L", "foot.L",
    "toe1-1.L", "upperleg01.R", "lowerleg01.R", "foot.R", "toe1-1.R",
]


@pytest.mark.parametrize("names", [
    MIXAMO, [f"mixamorig:{name}" for name in MIXAMO], [name.upper() for name in MIXAMO], RIGIFY,
    [f"DEF-{name}" for name in RIGIFY], MPFB,
])
def test_rigs_of_known_names_have_all_joints_at_their_places(names):
    found = find_joints(names, MIXAMO_PARENTS)
    assert set(found) == set(JOINTS)
    places = {joint: MIXAMO[number] for joint, number in found.items()}
    assert places["left_collar"] == "LeftShoulder" and places["right_shoulder"] == "RightArm"
    assert places["spine3"] == "Spine2" and places["left_foot"] == "LeftToeBase" and places["right_knee"] == "RightLeg"


def test_smpl_names_are_their_own():
    parents = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
    assert find_joints(JOINTS, parents) == JOINT


def a_body(turn=np.eye(3), up=np.eye(3), count=4):
    """A motion whose head is turned by `turn` against the chest, in a skeleton that stands as `up` says."""
    rest = np.zeros((len(MIXAMO), 3))
    places = {"Head": (0, 2, 0), "Neck": (0, 1.8, 0), "LeftArm": (.5, 1.5, 0), "RightArm": (-.5, 1.5, 0)}
    for name, place in places.items():
        rest[MIXAMO.index(name)] = place
    rotations = np.tile(np.eye(3), (count, len(MIXAMO), 1, 1))
    rotations[:, MIXAMO.index("Head")] = up @ turn @ up.T
    positions = np.tile(rest @ up.T, (count, 1, 1))
    return motion_of("x", np.arange(count) / 10, MIXAMO, MIXAMO_PARENTS, rest @ up.T, positions, rotations)


@settings(max_examples=25)
@given(st.tuples(*[st.floats(-1, 1)] * 3), st.sampled_from(["y up", "z up", "y up, to the left"]))
def test_the_head_is_the_same_in_any_world(head, world):
    up = {"y up": np.eye(3), "z up": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
          "y up, to the left": np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])}[world]
    motion = a_body(head_rotation(np.array(head)), up)
    np.testing.assert_allclose(motion.head, np.tile(head, (4, 1)), atol=1e-5)
    np.testing.assert_allclose(motion.joints[0, JOINT["head"]], (0, 2, 0), atol=1e-6)
    np.testing.assert_allclose(motion.joints[0, JOINT["left_shoulder"]], (.5, 1.5, 0), atol=1e-6)


def test_resampling_keeps_time_and_averages_fast_sources():
    motion = a_body(count=41)      # 4 s at 10
    assert len(resampled(motion, 30)) == 121 and resampled(motion, 30).times_s[-1] == pytest.approx(4)
    shaking = a_body(count=400)
    shaking.joints[::2, JOINT["left_wrist"], 1] += 1
    slow = resampled(shaking, 2.5).joints[1:-1, JOINT["left_wrist"], 1]
    np.testing.assert_allclose(slow, 0.5, atol=0.01)
    with pytest.raises(SemblanceError, match="'x' lasts less than"):
        resampled(a_body(count=2), 5)


@pytest.mark.parametrize(("change", "words"), [
    ({"names": [f"bone{i}" for i in range(22)]}, "known as the hips, the head, .*Mixamo .Hips, Head, LeftArm,"),
    ({"times_s": np.zeros(1)}, "only one frame"),
    ({"times_s": np.zeros(0)}, "no frames"),
    ({"rest": np.zeros((22, 3))}, "rest pose without size"),
    ({"positions": np.full((4, 22, 3), np.nan)}, "not finite numbers"),
])
def test_what_is_no_body_is_one_sentence(change, words):
    rest = np.random.default_rng(0).normal(size=(22, 3))
    given = {"name": "walk.bvh", "times_s": np.arange(4.0), "names": MIXAMO, "parents": MIXAMO_PARENTS, "rest": rest,
             "positions": np.tile(rest, (4, 1, 1)), "rotations": np.tile(np.eye(3), (4, 22, 1, 1))}
    with pytest.raises(SemblanceError, match=words) as told:
        motion_of(**(given | change))
    assert "walk.bvh" in str(told.value)


def test_a_body_without_legs_says_what_is_missing():
    names = [name if "Leg" not in name and "Foot" not in name and "Toe" not in name else f"x{i}" for i, name in
             enumerate(MIXAMO)]
    rest = np.random.default_rng(0).normal(size=(22, 3))
    motion = motion_of("half", np.arange(4.0), names, MIXAMO_PARENTS, rest, np.tile(rest, (4, 1, 1)),
                       np.tile(np.eye(3), (4, 22, 1, 1)))
    assert motion.warnings == ("'half' has no hip, knee, ankle, foot on either side; the face was made without them.",)
    np.testing.assert_array_equal(motion.joints[:, JOINT["left_ankle"]], motion.joints[:, 0])
