"""Triplets mined from a batch are certain, hard and mixed; the loss teaches a small network to order faces."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("cv2")
import torch

from training.performers import random_mix
from training.triplet_loss import MARGIN, mine_triplets, triplet_loss
from training.triplets import LEAST, RATIO, both_ways, perceived

COUNT = 160
PERSON = torch.arange(COUNT) // 4
DRAWN = PERSON >= 30


@pytest.fixture(scope="module")
def values() -> torch.Tensor:
    random = np.random.default_rng(5)
    return torch.from_numpy(np.stack([random_mix(random) for _ in range(COUNT)]))


def everything(values: torch.Tensor) -> torch.Tensor:
    return torch.ones(values.shape, dtype=torch.bool)


def mine(embedding: torch.Tensor, values: torch.Tensor, known: torch.Tensor, **more: int) -> tuple[np.ndarray, ...]:
    random = torch.Generator().manual_seed(1)
    return tuple(part.numpy() for part in mine_triplets(embedding, values, known, PERSON, DRAWN, random, **more))


def distances(rows: np.ndarray, values: torch.Tensor, known: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The pair's and the nearer of the two others, each triplet worked out on its own."""
    pairs, others = [], []
    for row in rows:
        shared = known[row].all(0)
        a, p, n = perceived(torch.where(shared, values[row], torch.zeros(())).numpy())
        pairs.append(np.linalg.norm(a - p))
        others.append(min(np.linalg.norm(a - n), np.linalg.norm(p - n)))
    return np.array(pairs), np.array(others)


def test_mined_triplets_are_certain(values: torch.Tensor) -> None:
    rows, weights = mine(torch.randn(COUNT, 8), values, everything(values))
    assert rows.shape == (512, 3) and rows.dtype == np.int64 and weights.dtype == np.float32
    pair, other = distances(rows, values, everything(values))
    assert (other >= 0.999 * RATIO * pair).all() and (other >= pair + 0.999 * LEAST).all()
    np.testing.assert_allclose(weights, 1 - pair / other, atol=1e-4)
    assert (PERSON[rows[:, 0]] != PERSON[rows[:, 1]]).all()
    assert (PERSON[rows[:, 0]] == PERSON[rows[:, 2]]).any()
    mixed = DRAWN[rows].any(1)
    assert mixed.sum() == 256
    assert both_ways(perceived(values.numpy()), rows) == 1


def test_only_what_all_three_show_counts(values: torch.Tensor) -> None:
    known = everything(values)
    known[DRAWN, 10:30] = False
    guess = torch.where(known, values, torch.full((), 0.7))
    rows, weights = mine(torch.randn(COUNT, 8), guess, known)
    pair, other = distances(rows, values, known & known[:, torch.tensor(_mirror())])
    assert (other >= 0.999 * RATIO * pair).all()
    np.testing.assert_allclose(weights, 1 - pair / other, atol=1e-4)
    known[DRAWN] = False
    rows, _ = mine(torch.randn(COUNT, 8), guess, known)
    assert len(rows) > 100 and not DRAWN[rows].any()


def _mirror() -> np.ndarray:
    from addon.core.coefficients import MIRROR

    return np.asarray(MIRROR)


def test_what_the_embedding_gets_wrong_comes_first(values: torch.Tensor) -> None:
    # far out along one more axis, where bringing it to length 1 keeps the order
    embedding = torch.nn.functional.pad(torch.from_numpy(perceived(values.numpy())).float(), (1, 0), value=5)
    embedding = torch.nn.functional.normalize(embedding + 0.2 * torch.randn(embedding.shape), dim=1)
    hard, _ = mine(embedding, values, everything(values), count=100)
    every, _ = mine(embedding, values, everything(values), count=100_000)
    right = both_ways(embedding.numpy(), every)
    assert 0.4 < right < 0.99 and both_ways(embedding.numpy(), hard) < right - 0.3


def test_nothing_to_compare(values: torch.Tensor) -> None:
    embedding = torch.randn(COUNT, 8, requires_grad=True)
    rows, weights = mine(embedding, torch.zeros_like(values), everything(values))
    assert rows.shape == (0, 3) and weights.shape == (0,)
    loss = triplet_loss(embedding, torch.from_numpy(rows), torch.from_numpy(weights))
    loss.backward()
    assert loss == 0 and not embedding.grad.any()


def test_the_loss_goes_both_ways() -> None:
    circle = torch.tensor([0.0, 0.3, 1.0, -0.1])
    embedding = torch.stack([circle.cos(), circle.sin()], 1) * 3
    one = torch.ones(1)

    def loss(*rows: int) -> float:
        return float(triplet_loss(embedding, torch.tensor([rows]), one))

    def apart(a: int, b: int) -> float:
        return float(2 * np.sin(abs(circle[a] - circle[b]).item() / 2))

    assert loss(0, 1, 2) == 0
    wanted = max(0, apart(0, 1) - apart(0, 3) + MARGIN) + max(0, apart(0, 1) - apart(1, 3) + MARGIN)
    assert loss(0, 1, 3) == loss(1, 0, 3) == pytest.approx(wanted / 2, abs=1e-5)
    half = triplet_loss(embedding, torch.tensor([[0, 1, 3]]), 0.5 * one)
    assert float(half) == pytest.approx(wanted / 4, abs=1e-5)


def test_a_network_learns_the_order(values: torch.Tensor) -> None:
    torch.manual_seed(0)
    mixer = torch.randn(54, 64) / 7
    trace = torch.randn(int(PERSON.max()) + 1, 64)[PERSON] * 0.6
    seen = values @ mixer + trace
    weight = (torch.randn(64, 16) / 8).requires_grad_()
    random = torch.Generator().manual_seed(2)
    triplets, _ = mine(torch.randn(COUNT, 8), values, everything(values), count=5000)

    def right() -> float:
        return both_ways(torch.nn.functional.normalize(seen @ weight, dim=1).detach().numpy(), triplets)

    before = right()
    for _ in range(60):
        embedding = seen @ weight
        rows, weights = mine_triplets(embedding, values, everything(values), PERSON, DRAWN, random)
        slope, = torch.autograd.grad(triplet_loss(embedding, rows, weights), weight)
        weight = (weight - 2 * slope).detach().requires_grad_()
    assert right() > before + 0.15 and right() > 0.7, (before, right())
