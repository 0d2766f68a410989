"""The network that sees one eye at a time: it learns a lid's height, and knows a wink."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from training.expression_data import LANDMARK_MIRROR
from training.expression_model import RigidPose
from training.eye_model import BLINKS, EyeNetwork, fit_eyes

UPPER_LID = [388, 387, 386, 385, 384]


def some_eyes(count: int, seed: int):
    """Points whose upper lids sink with each eye's blink; the rest is the same for all but noise."""
    random = np.random.default_rng(seed)
    values = np.zeros((count, 54), np.float32)
    values[:, BLINKS] = random.random((count, 2))
    face = np.random.default_rng(0).uniform(-1, 1, (478, 3))
    face = (face + face[LANDMARK_MIRROR] * [-1, 1, 1]) / 2
    points = np.repeat(face[None], count, 0) + random.normal(0, 0.002, (count, 478, 3))
    for column, lid in zip(BLINKS, (UPPER_LID, LANDMARK_MIRROR[UPPER_LID]), strict=True):
        points[:, lid, 1] += 0.1 * values[:, column, None]
    turn = np.repeat(np.eye(3).reshape(1, 9), count, 0)
    return torch.from_numpy(points).float(), torch.from_numpy(turn).float(), values


def test_it_learns_how_far_each_lid_is_down() -> None:
    torch.set_num_threads(1)
    network = fit_eyes(*some_eyes(1500, 1), epochs=12)
    points, turn, truth = some_eyes(200, 2)
    with torch.no_grad():
        guess = network(points, turn).numpy()
    for side in (0, 1):
        assert np.corrcoef(guess[:, side], truth[:, BLINKS[side]])[0, 1] > 0.9
    wink = (truth[:, BLINKS[0]] > 0.9) & (truth[:, BLINKS[1]] < 0.2)
    assert (guess[wink, 0] - guess[wink, 1]).min() > 0.4


def test_a_mirrored_face_blinks_with_the_other_eye() -> None:
    points, turn, _ = some_eyes(20, 3)
    network = EyeNetwork().eval()
    flip = torch.tensor([-1.0, 1.0, 1.0])
    turned = (turn.reshape(-1, 3, 3) * flip[:, None] * flip).reshape(-1, 9)
    with torch.no_grad():
        one, other = network(points, turn), network(points[:, LANDMARK_MIRROR] * flip, turned)
    torch.testing.assert_close(one, other.flip(1), atol=1e-5, rtol=0)


def test_it_takes_what_the_pose_gives() -> None:
    with torch.no_grad():
        points, rotation = RigidPose()(torch.rand(3, 478, 3) * 100)
        assert EyeNetwork().eval()(points, rotation.flatten(1)).shape == (3, 2)
