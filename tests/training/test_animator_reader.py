"""Readers of looks learn from true and from drawn ones, keep pictures aside, and are believed as far as that helps."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from addon.core.rig_profile import find_profile
from training import animator_reader
from training.animator_look import COMPONENTS
from training.animator_reader import (
    LookToPose,
    PoseToLook,
    ReaderPlans,
    Seen,
    beliefs,
    drawn_by,
    learn_to_read,
    new_poses,
    seen_of,
)
from training.stage_runs import Plan

torch.set_num_threads(1)
PROFILES = [find_profile(name) for name in ("uno", "ada")]
RIGS = [profile.control_set for profile in PROFILES]
MOST = max(map(len, RIGS))


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Looks that are a linear picture of the poses."""
    random = np.random.default_rng(0)
    controls = [rig.from_shares(random.uniform(0, 0.6, (60, len(rig))).astype(np.float32)) for rig in RIGS]
    found = seen_of([torch.zeros(120, COMPONENTS) for _ in RIGS], controls, RIGS)
    paint = torch.from_numpy(random.normal(size=(MOST, COMPONENTS)).astype(np.float32))
    return Seen(found.shares @ paint, found.shares, found.character, found.number)


def test_mirror_images_come_after_all_pictures(seen):
    count = len(seen.looks) // 2
    assert (seen.character[:count] == seen.character[count:]).all()
    assert (seen.number[:count] == seen.number[count:]).all()
    row = count - 1
    ada = RIGS[1]
    mirrored = ada.shares(ada.mirrored(ada.from_shares(seen.shares[row, :len(ada)].numpy()[None])))[0]
    np.testing.assert_allclose(seen.shares[row + count, :len(ada)], mirrored, atol=1e-5)


def test_no_picture_is_in_two_parts(seen):
    parts = torch.stack([seen.aside, seen.half(0), seen.half(1)]).int()
    assert (parts.sum(0) == 1).all() and parts.sum(1).min() > 0


def test_what_is_missed_is_of_the_other_half_and_of_the_character(seen):
    poses = new_poses(PROFILES, MOST)
    network = PoseToLook(len(RIGS), MOST).eval()
    drawn = drawn_by(network, 0, poses, seen)
    assert drawn.looks.shape == (len(poses.shares), COMPONENTS) and drawn.counts.sum() == seen.half(1).sum()
    own = seen.of(seen.half(1) & (seen.character == 1))
    with torch.no_grad():
        missed = own.looks - network(own.shares, own.character)
    one = drawn.missed_of(torch.tensor([1]), np.random.default_rng(0))
    assert (missed - one).abs().sum(1).min() < 1e-3


def test_it_learns_to_read_and_an_error_is_that_of_scaled_controls(seen, tmp_path, monkeypatch):
    monkeypatch.setattr(animator_reader, "_POSES", 50)
    plan = Plan(epochs=40, batch=32, rate=2e-3)
    reader, left = learn_to_read(PROFILES, seen, ReaderPlans(plan, plan), tmp_path / "reader.pt")
    count, ada = len(seen.looks) // 2, RIGS[1]
    rows = (seen.character[:count] == 1).nonzero()[:, 0]
    with torch.no_grad():
        told = reader(torch.cat([seen.looks[rows], seen.looks[rows + count]], 1), seen.character[rows])
    values, true = (ada.scaled(ada.from_shares(each[:, :len(ada)].numpy())) for each in (told, seen.shares[rows]))
    error = reader.error(told.clamp(-1, 1), seen.shares[rows], seen.character[rows]).item()
    assert left == 0 and error == pytest.approx(np.abs(values - true).mean(), abs=1e-4)
    assert error < 0.6 * np.abs(ada.scaled(ada.neutral)[None] - true).mean()


def test_the_better_way_is_believed(seen):
    reader, aside = LookToPose(RIGS), seen.of(seen.aside)
    assert (beliefs(reader, torch.zeros_like(aside.shares), aside.shares, aside)[0, :3] == 1).all()
    assert (beliefs(reader, aside.shares, torch.zeros_like(aside.shares), aside)[0, :3] == 0).all()
