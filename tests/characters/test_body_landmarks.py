"""A recorded body as landmarks: where they are, which way the face looks, and what is not known."""
from __future__ import annotations

import numpy as np

from addon.characters.body_landmarks import landmarks_of
from addon.characters.body_pose import TO_BODY, frame_of
from addon.core.body_motion import JOINT, BodyMotion
from addon.core.frames import head_rotation

PLACES = {"left_hip": (9, 90, 0), "right_hip": (-9, 90, 0), "left_shoulder": (18, 142, 0),
          "right_shoulder": (-18, 142, 0), "left_elbow": (21, 114, 0), "right_elbow": (-21, 114, 0),
          "left_wrist": (22, 89, 3), "head": (0, 160, 0)}


def a_body(head=(0.4, 0.2, 0.0)):
    """One in centimetres who stands, and whose right wrist, knees and feet nobody recorded."""
    joints = np.tile(np.float32((0, 95, 0)), (3, 22, 1))
    for name, place in PLACES.items():
        joints[:, JOINT[name]] = place
    joints[:, JOINT["right_wrist"]] = joints[:, JOINT["right_elbow"]]
    for side in ("left", "right"):
        joints[:, [JOINT[f"{side}_{each}"] for each in ("knee", "ankle", "foot")]] = joints[:, [JOINT[f"{side}_hip"]]]
    return BodyMotion(np.arange(3) / 30 + 5, joints, np.tile(np.float32(head), (3, 1)), "x")


def test_a_body_becomes_metres_from_its_hips_as_a_camera_sees_them():
    track = landmarks_of(a_body())
    assert track.found.all() and not track.hands_found.any() and track.times_s[0] == 0
    left, right = track.world[0, 11], track.world[0, 12]
    assert 0.1 < left[0] == -right[0] < 0.4 and left[1] == right[1] < -0.3     # the person's left, y down
    assert (track.world[0, [9, 10], 2] < 0).all()       # the face looks at the camera


def test_the_head_looks_where_the_recording_says():
    points = landmarks_of(a_body()).world[0].astype(float) @ TO_BODY
    face = frame_of((points[7] - points[8])[None], (points[[2, 5]].mean(0) - points[[9, 10]].mean(0))[None])[0]
    np.testing.assert_allclose(face, head_rotation(np.array([0.4, 0.2, 0.0])), atol=1e-4)


def test_what_was_not_recorded_is_not_seen():
    seen = landmarks_of(a_body()).visibility[0]
    assert seen[[11, 12, 13, 14, 15, 23, 24]].all()
    assert not seen[[16, 25, 26, 27, 28, 31, 32]].any()
