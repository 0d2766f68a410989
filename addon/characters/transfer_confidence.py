"""How far a transfer can be trusted, frame by frame: ExprGen's two failures (figure 11), found instead of suffered.

"Right class, wrong geometry": the source makes a pose like which there is none among the pairs, or the pair that was
found for such poses fits badly. "Right geometry, wrong class": poses of the source that look alike go with different
ones of the target, so that the transfer can only guess.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from .transfer_network import Mirror, MirroredNetwork, PublishedNetwork
from .transfer_pairs import PosePairs

REASONS: Final = (
    "the pairs have no pose of {source} like these",
    "the pairs nearest to these poses go together badly, the class of expression fits but not its shape",
    "poses of {source} like these go with different ones of {target}",
)
DOUBTFUL: Final = 0.5
_USUAL: Final = 95
_DAMPED: Final = 0.01
_WORST: Final = 5
"""Of the target's controls: so many that are missed make a face another one."""
_GUESSED: Final = 0.6
"""Mean error of the worst controls, of the -1..1 between their limits, at which confidence is one half."""
_SHOWN: Final = 4
_BRIDGED: Final = 5
"""Frames between two doubtful stretches that are told as one."""


@dataclass(frozen=True)
class Judgement:
    """What is thought of T frames."""

    confidence: np.ndarray
    """float32 [T], 0..1."""
    reason: np.ndarray
    """int [T], index into REASONS: what lowers the confidence most."""


@dataclass(frozen=True)
class Familiarity:
    """What the pairs know. A pose is seen by its 2 M parts: how far each control is above and below its neutral."""

    spread: np.ndarray
    """float32 [2 M, 2 M]: inverse of the second moments of the parts; by it a pose is usual or not."""
    usual: np.ndarray
    """float32 []: the unusualness that 95 of 100 pairs stay below."""
    missed: np.ndarray
    """float32 [2 M + 1]: what the transfer misses by, for each part and at rest."""
    unfit: np.ndarray
    """float32 [2 M + 1]: how badly pairs go together, 0..1, for each part and at rest."""

    def judge(self, shares: np.ndarray) -> Judgement:
        """Poses of the source as shares [T, M] → how far the transfer of each can be trusted."""
        parts = Mirror.parts(shares)
        unusual = np.einsum("tf,tf->t", parts @ self.spread, parts) / np.maximum(self.usual, 1e-9)
        missed, unfit = (np.maximum(_sized(parts) @ each, 0) for each in (self.missed, self.unfit))
        causes = np.stack([
            1 / np.maximum(unusual, 1), 1 - np.minimum(unfit, 1), 1 / (1 + (missed / _GUESSED) ** 2),
        ])
        return Judgement(causes.min(0).astype(np.float32), causes.argmin(0))


ARRAYS: Final = tuple(each.name for each in fields(Familiarity))


def familiarity(pairs: PosePairs, network: MirroredNetwork | PublishedNetwork) -> Familiarity:
    """What `network` and the pairs that it learned from say of any pose."""
    mirror = Mirror(network.source, network.target)
    shares = np.clip(network.source.shares(pairs.source), -1, 1)
    parts = np.concatenate([Mirror.parts(shares), Mirror.parts(mirror.of_source(shares))])
    moments = parts.T @ parts / len(parts)
    spread = np.linalg.inv(moments + _damping(moments))
    unusual = np.einsum("nf,nf->n", parts @ spread, parts)
    # What a pose would seem if it were not itself among the pairs.
    unusual = unusual / np.maximum(1 - unusual / len(parts), 0.05)
    error = np.abs(network.target.scaled(network(pairs.source)) - network.target.scaled(pairs.target))
    told = np.stack([np.sort(error, axis=1)[:, -_WORST:].mean(1), 1 - pairs.fit], 1)
    sizes = _sized(parts)
    moments = sizes.T @ sizes / len(sizes)
    learned = np.linalg.solve(moments + _damping(moments), sizes.T @ np.tile(told, (2, 1)) / len(sizes))
    return Familiarity(
        spread.astype(np.float32), np.array(np.percentile(unusual, _USUAL), np.float32),
        learned[:, 0].astype(np.float32), learned[:, 1].astype(np.float32),
    )


def _sized(parts: np.ndarray) -> np.ndarray:
    """Parts [n, 2 M] without their signs, and a one."""
    return np.concatenate([np.abs(parts), np.ones((len(parts), 1), parts.dtype)], 1)


def _damping(moments: np.ndarray) -> np.ndarray:
    """What is added to second moments so that few pairs do not say too much."""
    return _DAMPED * max(float(np.trace(moments)) / len(moments), 1e-6) * np.eye(len(moments))


def doubts(judgement: Judgement, frames: np.ndarray, source: str, target: str) -> tuple[str, ...]:
    """A sentence for each reason that makes frames [T] doubtful; it names their ranges."""
    low, told = judgement.confidence < DOUBTFUL, []
    for number, reason in enumerate(REASONS):
        ranges = _ranges(frames[low & (judgement.reason == number)])
        if ranges:
            more = f" and {len(ranges) - _SHOWN} more stretches" if len(ranges) > _SHOWN else ""
            listed = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN])
            told.append(f"Look at frames {listed}{more}: {reason.format(source=source, target=target)}.")
    return tuple(told)


def _ranges(frames: np.ndarray) -> list[tuple[int, int]]:
    """First and last of each stretch of frames, those bridged that are hardly apart."""
    if not len(frames):
        return []
    stretches = np.split(frames, np.flatnonzero(np.diff(frames) > _BRIDGED) + 1)
    return [(int(each[0]), int(each[-1])) for each in stretches]
