"""Bodies in known poses: what is decoded from their landmarks is what they do, twists, palms and fingers too."""
from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from addon.characters import body_pose
from training import bench_body_pose, body_poses
from training.body_people import person_of


def test_what_people_do_is_decoded_onto_other_bones(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_poses, "shared_folder", lambda: shared)
    monkeypatch.setattr(bench_body_pose, "NOISE_M", (0.0, 0.0))
    track, true, joints = bench_body_pose.poses(30)
    skeleton = bench_body_pose.skeleton_for(person_of(bench_body_pose.TARGET))
    turns = body_pose.decode(track, skeleton)
    assert bench_body_pose.limb_error(turns, skeleton, joints) < 0.5
    assert bench_body_pose.palm_error(turns, true) < 0.5
    assert max(bench_body_pose.finger_errors(turns, true, skeleton)) < 0.5
    assert bench_body_pose.twist_error(turns, true, joints) < 1
    with patch.object(body_pose, "_hinge", lambda places: np.zeros_like(places[0])):
        assert bench_body_pose.twist_error(body_pose.decode(track, skeleton), true, joints) > 10
