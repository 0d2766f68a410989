"""The joint animator rests, mirrors and keeps to each character's controls; each loss has a switch; the look of its own
picture counts on a character and on nobody else."""
from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from addon.core.network import Network
from addon.core.rig_profile import find_profile
from training import animator, animator_report, bench_animator
from training.animator import ABLATIONS, Eyes, Lessons, Losses, look_error, share_error, train
from training.animator_look import LOOK, SEEN
from training.animator_model import (
    CHARACTERS,
    MIRROR,
    MIRROR_SIGN,
    Animator,
    AnimatorDecoder,
    SeeingAnimator,
    inputs_of,
    unseen,
)
from training.animator_reader import Reader, shares_of
from training.expression_experts import PointExpert
from training.neural_renderer import Looks, Portraits, train_looks
from training.pip_pairs import INPUTS, as_track
from training.stage_runs import Plan

torch.set_num_threads(1)
PROFILES = [find_profile(name) for name in CHARACTERS]
RIGS = [profile.control_set for profile in PROFILES]
MOST = max(map(len, RIGS))


def faces(count: int, seed: int = 0) -> np.ndarray:
    """Expressions float32 [count, INPUTS]."""
    random = np.random.default_rng(seed)
    angles = random.normal(size=(count, INPUTS - 54)) * 0.2
    return np.concatenate([random.random((count, 54)) ** 4, angles], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Animator:
    torch.manual_seed(1)
    made = Animator(RIGS, width=24).eval()
    for last in (made.bent, made.own):
        torch.nn.init.normal_(last.weight, std=0.1)
    return made


@pytest.fixture(scope="module")
def seeing(network) -> SeeingAnimator:
    torch.manual_seed(4)
    reader = Reader(RIGS).eval()
    for last in reader.poses.bent:
        torch.nn.init.normal_(last.weight, std=0.1)
    made = SeeingAnimator(network, reader)
    made.belief.fill_(0.5)
    return made


def looks(count: int) -> np.ndarray:
    """Looks float32 [count, LOOK]."""
    return np.random.default_rng(5).normal(size=(count, LOOK)).astype(np.float32)


@pytest.fixture
def given() -> Lessons:
    rows = np.arange(6) % len(RIGS)
    shares = np.stack([np.pad(np.full(len(RIGS[row]), 0.3, np.float32), (0, MOST - len(RIGS[row]))) for row in rows])
    own = Portraits(np.full((6, 128, 128, 3), 90, np.uint8), torch.from_numpy(shares), torch.from_numpy(rows))
    read = torch.from_numpy(faces(6))
    return Lessons(read, read, torch.from_numpy(shares)[:, None].expand(-1, len(RIGS), -1), read, read, own)


def test_rest_is_rest_and_a_mirrored_face_the_mirrored_pose(network):
    rows, characters = faces(len(RIGS)), torch.arange(len(RIGS))
    with torch.no_grad():
        rest = network(torch.zeros(len(RIGS), INPUTS), characters)
        here = network(torch.from_numpy(rows), characters).numpy()
        there = network(torch.from_numpy(rows[:, MIRROR] * MIRROR_SIGN), characters).numpy()
    assert rest.abs().max() < 1e-6
    for rig, own, other in zip(RIGS, here, there, strict=True):
        count = len(rig)
        assert not own[count:].any() and np.abs(own[:count]).max() > 0.01
        np.testing.assert_allclose(other[:count], own[:count][rig.partner] * rig.mirror_sign, atol=1e-5)


def test_the_look_of_a_mirrored_picture_gives_the_mirrored_pose(seeing):
    rows, seen, characters = faces(len(RIGS)), torch.from_numpy(looks(len(RIGS))), torch.arange(len(RIGS))
    swapped = torch.cat([seen[:, SEEN:], seen[:, :SEEN]], 1)
    with torch.no_grad():
        here = seeing(torch.from_numpy(rows), seen, characters).numpy()
        there = seeing(torch.from_numpy(rows[:, MIRROR] * MIRROR_SIGN), swapped, characters).numpy()
        blind = seeing.animator(torch.from_numpy(rows), characters).numpy()
    for rig, own, other, read in zip(RIGS, here, there, blind, strict=True):
        count = len(rig)
        assert not own[count:].any() and np.abs(own - read).max() > 0.01
        np.testing.assert_allclose(other[:count], own[:count][rig.partner] * rig.mirror_sign, atol=1e-5)


def test_the_export_says_the_same_inside_all_limits(seeing, tmp_path):
    ways = ("joint", animator_report.MEANING, *animator_report.TRIVIAL, *(f"{name} alone" for name in CHARACTERS))
    errors = {kind: {way: [0.1] * len(RIGS) for way in ways} for kind in animator_report.KINDS}
    animator_report.keep(seeing, errors, tmp_path)
    rows = faces(7)
    for number, profile in enumerate(PROFILES):
        values = AnimatorDecoder(tmp_path, profile).decode(as_track(rows)).values
        expected = animator_report.played(seeing, "joint", number, profile, inputs_of(as_track(rows)))
        np.testing.assert_allclose(values, expected, atol=1e-4)
        rig = profile.control_set
        assert (values >= rig.minimum).all() and (values <= rig.maximum).all()
    cast, seen = np.array([4, 0, 4]), looks(7)
    exported = Network(tmp_path, "A test")
    blind, = exported.run(["shares"], expression=rows, character=cast, **unseen(7))
    looked, = exported.run(["shares"], expression=rows, character=cast, look=seen, seen=np.full(7, 4))
    for place, number in enumerate(cast):
        character = torch.full((7,), number)
        with torch.no_grad():
            read = seeing.animator(torch.from_numpy(rows), character).numpy()
            both = seeing(torch.from_numpy(rows), torch.from_numpy(seen), character).numpy()
        np.testing.assert_allclose(blind[:, place], read, atol=1e-5)
        np.testing.assert_allclose(looked[:, place], both if number == 4 else read, atol=1e-5)


def test_shares_of_another_rig_are_nothing():
    uno = RIGS[CHARACTERS.index("uno")]
    shares = shares_of(uno, np.stack([uno.neutral, uno.maximum]), MOST)
    assert not shares[0].any() and not shares[:, len(uno):].any() and shares[1].max() == 1


def test_at_the_end_of_a_range_only_falling_short_counts():
    true, owned = torch.tensor([[1.0, -1.0, 0.5]]), torch.ones(1, 3)
    assert share_error(torch.tensor([[1.3, -1.2, 0.5]]), true, owned) == 0
    assert share_error(torch.tensor([[0.7, -0.7, 0.8]]), true, owned) > 0.2


def test_each_loss_that_looks_has_a_derivative_and_a_switch(network):
    torch.manual_seed(2)
    eyes = Eyes(Looks(len(RIGS), MOST).eval(), PointExpert().eval())
    rows, characters = torch.from_numpy(faces(4)), torch.arange(4)
    off = Losses(perception=0, adversarial=0, cycle=0)
    assert look_error(network, rows, characters, off, eyes) == 0
    for name in ("perception", "adversarial", "cycle"):
        network.zero_grad()
        look_error(network, rows, characters, replace(off, **{name: 1.0}), eyes).backward()
        assert network.bent.weight.grad.abs().max() > 0, name


def test_every_switch_has_its_ablation():
    everything = ABLATIONS["all losses"]
    switched = [{each.name for each in fields(Losses) if getattr(losses, each.name) != getattr(everything, each.name)}
                for losses in ABLATIONS.values()]
    assert {each.name for each in fields(Losses)} == set.union(*switched)


def test_a_stage_of_each_kind_learns(given, tmp_path):
    torch.manual_seed(3)
    looks, joint = Looks(len(RIGS), MOST), Animator(RIGS, width=16)
    assert train_looks(looks, given.own, Plan(epochs=1, batch=2, rate=1e-3), tmp_path / "looks.pt") == 0
    plan = Plan(epochs=20, batch=8, rate=3e-2)
    assert train(joint, given, Losses(), plan, tmp_path / "joint.pt") == 0
    with torch.no_grad():
        told = joint(given.own_read, given.own.character)
    before = share_error(torch.zeros_like(told), given.own.shares, joint.owned[given.own.character])
    assert share_error(told, given.own.shares, joint.owned[given.own.character]) < before
    eyes = Eyes(looks.eval().requires_grad_(False), PointExpert().eval().requires_grad_(False))
    short = Plan(epochs=0.5, batch=16, rate=1e-3)
    assert train(joint, given, Losses(), short, tmp_path / "looked.pt", eyes) == 0
    one = animator.alone(given, 0, len(RIGS[0]))
    assert one.meant.shape == (6, 1, len(RIGS[0])) and not one.own.character.any() and len(one.own_read) == 2


def test_every_figure_has_a_measure():
    assert all(name.startswith("animator.") for names in bench_animator.MEASURES for name in names)
