"""Readers learn a first layer for each character, keep pictures aside, and are believed as far as that helps."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from addon.core.rig_profile import find_profile
from training.animator_look import CELLS
from training.animator_reader import LookToPose, Seen, beliefs, learn_to_read, shares_of
from training.stage_runs import Plan

torch.set_num_threads(1)
RIGS = [find_profile(name).control_set for name in ("uno", "ada")]
MOST = max(map(len, RIGS))


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Cells that are a linear picture of the poses, another one of each character; mirrored poses come after."""
    found = []
    for number, rig in enumerate(RIGS):
        random = np.random.default_rng(number)
        values = rig.from_shares(random.uniform(0, 0.6, (60, len(rig))).astype(np.float32))
        shares = torch.cat([torch.from_numpy(shares_of(rig, each, MOST)) for each in (values, rig.mirrored(values))])
        paint = torch.from_numpy(random.normal(size=(MOST, CELLS)).astype(np.float32))
        found.append(Seen((shares @ paint).half(), shares))
    return found


def test_it_learns_to_read_and_an_error_is_that_of_scaled_controls(seen, tmp_path):
    reader, left = learn_to_read(RIGS, seen, Plan(epochs=40, batch=32, rate=2e-3), tmp_path / "reader.pt")
    ada, own, whose = RIGS[1], seen[1], torch.ones(60, dtype=torch.int64)
    with torch.no_grad():
        told = reader.poses(reader.looks(1, own.cells[:60], own.cells[60:]), whose)
    values, true = (ada.scaled(ada.from_shares(each[:, :len(ada)].numpy())) for each in (told, own.shares[:60]))
    error = reader.poses.error(reader.poses.held(told, whose), own.shares[:60], whose).item()
    assert left == 0 and error == pytest.approx(np.abs(values - true).mean(), abs=1e-4)
    assert error < 0.6 * np.abs(ada.scaled(ada.neutral)[None] - true).mean()


def test_what_is_kept_aside_is_not_learned(seen, tmp_path):
    other = [Seen(own.cells.clone(), own.shares.clone()) for own in seen]
    for own in other:
        own.shares[own.aside.repeat(2)] = 0.9
    readers = [learn_to_read(RIGS, each, Plan(epochs=2, batch=16, rate=2e-3), tmp_path / f"{number}.pt")[0]
               for number, each in enumerate((seen, other))]
    torch.testing.assert_close(*(reader.poses.bent[0].weight for reader in readers))


def test_an_answer_beyond_an_end_at_neutral_is_an_error_and_can_be_unlearned():
    """Pip's jaw opens downwards only: were an answer of 'up' no error, it would stay."""
    pip = find_profile("pip").control_set
    reader, jaw, who = LookToPose([pip]), pip.names.index("jaw_open"), torch.tensor([0])
    found, true = torch.zeros(1, len(pip)), torch.zeros(1, len(pip))
    found[0, jaw], true[0, jaw] = 0.25, -1.0
    found.requires_grad_()
    error = reader.error(found, true, who)
    error.backward()
    assert error.item() == pytest.approx(2.5 / len(pip))
    assert found.grad[0, jaw] > 0 and reader.held(found, who)[0, jaw] == 0


def test_the_better_way_is_believed(seen):
    poses, shares = LookToPose(RIGS), seen[0].shares
    assert (beliefs(poses, 0, torch.zeros_like(shares), shares, shares)[:3] == 1).all()
    assert (beliefs(poses, 0, shares, torch.zeros_like(shares), shares)[:3] == 0).all()
