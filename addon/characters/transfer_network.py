"""The small networks that carry controls from one character to another; numpy trains and runs them.

`PublishedNetwork` is ExprGen's C-MLP to the letter (Aneja et al., WACV 2018, section 4.2.2): the setting that ours is
compared with. `MirroredNetwork` is ours.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, Final

import numpy as np

from ..core.control_set import ControlSet
from .transfer_pairs import PosePairs

_HIDDEN: Final = 64
_ENOUGH: Final = 600
"""Pairs from which a hidden layer learns more than noise; below, the closed form is all."""
_BATCH, _RATE = 100, 3e-3
_ROUNDS: Final = 40
_FEWEST: Final = 300
"""Batches, however few pairs there are."""
_BEND: Final = 0.02
"""Share of the way to a limit below which errors count by their square, above by their size: a control that only some
of the poses alike move then rests, where squares would move it halfway in all of them."""
_STRENGTHS: Final = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)
_STRANGERS: Final = 10.0
"""How much dearer it is that brows move a mouth than that a mouth does."""


@dataclass(frozen=True)
class PublishedNetwork:
    """M inputs, one hidden layer of (M + N) / 2 tanh units, N outputs; both ends scaled to -1..1."""

    kind: ClassVar[str] = "published"
    source: ControlSet
    target: ControlSet
    weights: np.ndarray
    """float32 [M, H]."""
    bias: np.ndarray
    output: np.ndarray
    """float32 [H, N]."""
    output_bias: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values [..., M] → [..., N], rig units inside the limits."""
        hidden = np.tanh(self.source.scaled(self.source.clamped(values)) @ self.weights + self.bias)
        return self.target.clamped(self.target.unscaled(hidden @ self.output + self.output_bias))


def train_published(
    pairs: PosePairs, source: ControlSet, target: ControlSet, epochs: int = 100, seed: int = 0
) -> PublishedNetwork:
    """Gradient descent in batches of 10 with rate 0.005 on the square loss, summed over the outputs.

    The paper gives neither epochs nor start; layers start as its library did by default, uniform within 1/√inputs.
    """
    rng, inward, outward = np.random.default_rng(seed), len(source), len(target)
    middle = (inward + outward) // 2
    x, y = source.scaled(pairs.source), target.scaled(pairs.target)
    first, bias, last, end = (
        rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(size)) for shape, size in (
            ((inward, middle), inward), (middle, inward), ((middle, outward), middle), (outward, middle))
    )
    batch, step = min(10, len(x)), np.float32(2 * 0.005)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for at in range(0, len(x) - batch + 1, batch):
            rows = x[order[at:at + batch]]
            hidden = np.tanh(rows @ first + bias)
            error = (hidden @ last + end - y[order[at:at + batch]]) * (step / batch)
            back = (error @ last.T) * (1 - hidden * hidden)
            last -= hidden.T @ error
            end -= error.sum(0)
            first -= rows.T @ back
            bias -= back.sum(0)
    return PublishedNetwork(source, target, first, bias, last, end)


@dataclass(frozen=True)
class MirroredNetwork:
    """A linear map and a hidden layer of rectified units, of the shares by which controls leave their neutral.

    Up and down are inputs of their own (a brow that rises is another movement than one that frowns). The neutral gives
    the neutral, what the mirror shows gives what the mirror shows, and limits hold: by construction, not by training.
    """

    kind: ClassVar[str] = "mirrored"
    source: ControlSet
    target: ControlSet
    weights: np.ndarray
    """float32 [2 M, 2 H]; H is 0 where there were few pairs."""
    bias: np.ndarray
    output: np.ndarray
    """float32 [2 H, N]."""
    skip: np.ndarray
    """float32 [2 M, N]."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values [..., M] → [..., N], rig units inside the limits; what is no number counts as neutral."""
        reach, inward, corner, neutral, up, down, minimum, maximum = self._ends
        away = values - self.source.neutral
        # fmin and fmax take the number where the other one is none.
        parts = np.fmin(np.fmax(np.concatenate((away, -away), -1), 0), reach) @ inward
        count = len(self.bias)
        # max(x + bias, 0) less what it is at x = 0, which is then exactly 0.
        hidden = np.maximum(parts[..., :count], -self.bias)
        hidden -= corner
        shares = hidden @ self.output
        shares += parts[..., count:]
        found = shares * np.where(shares > 0, up, down) + neutral
        return np.minimum(np.maximum(found, minimum), maximum)

    @cached_property
    def _ends(self) -> tuple[np.ndarray, ...]:
        """What a call needs of the two control sets and the weights, computed once."""
        one, other = self.source, self.target
        reach = np.concatenate([one.maximum - one.neutral, one.neutral - one.minimum])
        per_unit = np.divide(1, reach, out=np.zeros_like(reach), where=reach > 0)
        per_unit[len(one):] *= -1       # what is below 0 counts downwards in `Mirror.parts`
        inward = np.concatenate([self.weights, self.skip], 1) * per_unit[:, None]
        return (
            reach, inward, np.maximum(-self.bias, 0), other.neutral, other.maximum - other.neutral,
            other.neutral - other.minimum, other.minimum, other.maximum,
        )


def arrays_of(network: PublishedNetwork | MirroredNetwork) -> dict[str, np.ndarray]:
    """The learned arrays by their names."""
    return {each.name: getattr(network, each.name) for each in fields(network)[2:]}


def train_mirrored(pairs: PosePairs, source: ControlSet, target: ControlSet, seed: int = 0) -> MirroredNetwork:
    """The closed form of all pairs and their mirror images; then, with enough pairs, a hidden layer for what it misses.

    Every hidden unit has a twin that sees the mirrored pose and moves the mirrored controls. About a second for 8000
    pairs.
    """
    one, other = source.shares(pairs.source), target.shares(pairs.target)
    # A share beyond the limits, from a curve that overshoots, must not teach more than the limit.
    one, other = np.clip(one, -1, 1), np.clip(other, -1, 1)
    mirror = Mirror(source, target)
    skip = mirror.symmetric(_closed_form(one, other, pairs.fit, mirror))
    if len(pairs) < _ENOUGH:
        none = np.zeros((2 * len(source), 0), np.float32)
        return MirroredNetwork(source, target, none, np.zeros(0, np.float32), np.zeros((0, len(target)), np.float32),
                               skip.astype(np.float32))
    return _refined(one, other, pairs.fit, skip, mirror, np.random.default_rng(seed))


@dataclass(frozen=True)
class Mirror:
    """How poses of both characters look in the mirror."""

    source: ControlSet
    target: ControlSet

    @staticmethod
    def parts(shares: np.ndarray) -> np.ndarray:
        """Shares [n, M] → what is above and what is below 0, [n, 2 M]."""
        return np.concatenate([np.maximum(shares, 0), np.minimum(shares, 0)], 1)

    def of_source(self, shares: np.ndarray) -> np.ndarray:
        """Shares [n, M] of the mirrored poses."""
        return shares[:, self.source.partner] * self.source.mirror_sign

    def of_target(self, shares: np.ndarray) -> np.ndarray:
        """Shares [n, N] of the mirrored poses."""
        return shares[:, self.target.partner] * self.target.mirror_sign

    @cached_property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """int and float [2 M]: `parts(of_source(s)) == parts(s)[:, order] * sign`."""
        count, partner, sign = len(self.source), self.source.partner, self.source.mirror_sign
        up = np.where(sign > 0, partner, partner + count)
        down = np.where(sign > 0, partner + count, partner)
        return np.concatenate([up, down]), np.concatenate([sign, sign])

    def weights(self, weights: np.ndarray) -> np.ndarray:
        """Weights [2 M, H] that do to the mirrored pose what `weights` do to the pose."""
        order, sign = self.rows
        found = np.empty_like(weights)
        found[order] = weights * sign[:, None]
        return found

    def symmetric(self, skip: np.ndarray) -> np.ndarray:
        """The part of a linear map [2 M, N] that treats both sides alike."""
        return (skip + self.of_target(self.weights(skip))) / 2


def _closed_form(one: np.ndarray, other: np.ndarray, fit: np.ndarray, mirror: Mirror) -> np.ndarray:
    """Ridge regression of shares [n, N] on the parts of shares [n, M] and on their mirror images: float64 [2 M, N].

    Controls of the same group are believed more readily to belong together; how much is damped is chosen by what the
    other pairs say of each pair.
    """
    x = np.concatenate([mirror.parts(one), mirror.parts(mirror.of_source(one))])
    y = np.concatenate([other, mirror.of_target(other)])
    root = np.sqrt(np.tile(fit, 2))[:, None].astype(np.float64)
    x, y = x * root, y * root
    own = np.tile([control.group.casefold() for control in mirror.source.controls], 2)
    groups = np.array([control.group.casefold() for control in mirror.target.controls])
    best, least = np.zeros((x.shape[1], y.shape[1])), np.inf
    for strength in _STRENGTHS:
        found, missed = np.zeros_like(best), np.zeros_like(y)
        for group in np.unique(groups):
            # A group that only one of the two has is a stranger to nobody.
            dear = _STRANGERS if group in own else 1.0
            scale = np.where(own == group, 1.0, dear ** -0.5)
            columns = groups == group
            found[:, columns], missed[:, columns] = _ridge(x * scale, y[:, columns], strength)
            found[:, columns] *= scale[:, None]
        error = float((missed**2).mean())
        if error < least:
            best, least = found, error
    return best


def _ridge(x: np.ndarray, y: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [F, N], and what is missed of each pair when it and its mirror image are left out, [2 n, N]."""
    count = len(x) // 2
    damped = np.linalg.inv(x.T @ x + strength * len(x) * np.eye(x.shape[1]))
    weights = damped @ (x.T @ y)
    left = y - x @ weights
    # Leaving out two rows: their residuals times (1 - H)⁻¹ of these two (Cook and Weisberg 1982).
    spread = x @ damped
    own = 1 - np.einsum("nf,nf->n", spread, x)
    cross = -np.einsum("nf,nf->n", spread[:count], x[count:])
    determinant = np.maximum(own[:count] * own[count:] - cross**2, 1e-6)[:, None]
    first = (own[count:, None] * left[:count] - cross[:, None] * left[count:]) / determinant
    second = (own[:count, None] * left[count:] - cross[:, None] * left[:count]) / determinant
    return weights, np.concatenate([first, second])


def _refined(
    one: np.ndarray, other: np.ndarray, fit: np.ndarray, skip: np.ndarray, mirror: Mirror, rng: np.random.Generator
) -> MirroredNetwork:
    """Adam on the linear map and a hidden layer, in halves that the mirror exchanges."""
    x = np.stack([mirror.parts(one), mirror.parts(mirror.of_source(one))]).astype(np.float32)
    y, sign, partner = other.astype(np.float32), mirror.target.mirror_sign, mirror.target.partner
    scale = np.sqrt((x**2).mean((0, 1))) + np.float32(0.01)
    x /= scale
    inward, outward = x.shape[2], y.shape[1]
    learned = [
        rng.normal(0, np.sqrt(2 / inward), (inward, _HIDDEN)), rng.uniform(-0.5, 0.5, _HIDDEN),
        np.zeros((_HIDDEN, outward)), skip * scale[:, None] / 2,
    ]
    learned = [each.astype(np.float32) for each in learned]
    adam = _Adam(learned)
    steps = max(_FEWEST, _ROUNDS * len(y) // _BATCH)
    for step in range(steps):
        chosen = rng.integers(len(y), size=_BATCH)
        rows = np.concatenate([x[0, chosen], x[1, chosen]])
        before = rows @ learned[0] + learned[1]
        hidden = np.maximum(before, 0)
        halves = hidden @ learned[2] + rows @ learned[3]
        error = halves[:_BATCH] + halves[_BATCH:, partner] * sign - y[chosen]
        pull = error / np.sqrt(error**2 + _BEND**2) * (fit[chosen, None] / _BATCH)
        # The mirror is its own inverse, so it also carries the error back.
        pulls = np.concatenate([pull, pull[:, partner] * sign[partner]])
        back = (pulls @ learned[2].T) * (before > 0)
        adam.step([rows.T @ back, back.sum(0), hidden.T @ pulls, rows.T @ pulls],
                  _RATE * 0.5 * (1 + np.cos(np.pi * step / steps)))
    weights, bias, output, line = learned
    still = ~(y.any(0) | y[:, partner].any(0))
    output[:, still] = line[:, still] = 0       # what no pair moves rests exactly
    weights, line = weights / scale[:, None], line / scale[:, None]
    return MirroredNetwork(
        mirror.source, mirror.target, np.concatenate([weights, mirror.weights(weights)], 1),
        np.concatenate([bias, bias]), np.concatenate([output, mirror.of_target(output)]),
        (2 * mirror.symmetric(line)).astype(np.float32),
    )


class _Adam:
    """Kingma and Ba 2015."""

    def __init__(self, learned: list[np.ndarray]) -> None:
        self._learned = learned
        self._mean, self._square = ([np.zeros_like(each) for each in learned] for _ in range(2))
        self._count = 0

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        """Change what is learned, in place."""
        self._count += 1
        rate *= np.sqrt(1 - 0.999**self._count) / (1 - 0.9**self._count)
        for each, gradient, mean, square in zip(self._learned, gradients, self._mean, self._square, strict=True):
            # Weights that nothing moves would end in denormal numbers, which cost a hundred times as much.
            mean += np.float32(0.1) * (gradient - mean) + np.float32(1e-20)
            square += np.float32(0.001) * (gradient * gradient - square) + np.float32(1e-20)
            each -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))
