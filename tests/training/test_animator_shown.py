"""Poses are drawn on the character, and what is seen of them is what was posed."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
from addon.core.key_poses import CLASSES, read_key_poses
from addon.core.rig_profile import find_profile
from training.animator_shown import shown
from training.pip_pairs import INPUTS


def test_hand_made_poses_show_their_class_and_a_still_face_reads_as_nothing() -> None:
    mora = find_profile("mora")
    poses = read_key_poses(mora)
    rows = [poses.classes.index(name) for name in CLASSES]
    still = np.tile(mora.control_set.neutral, (len(CLASSES), 1))
    found = shown([mora], {"posed": [poses.values[rows]], "still": [still]},
                  np.zeros((len(CLASSES), INPUTS), np.float32), np.arange(len(CLASSES)))
    assert found["posed"].class_by_pose > 0.8 and found["posed"].class_seen > 0.8  # rest goes nowhere
    assert found["still"].class_seen == pytest.approx(1 / len(CLASSES))
    assert found["still"].read_again < 0.01 < found["posed"].read_again
