"""Frames that no sane source sends, and all the others between them: what a robot's chain must survive."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from addon.robot.messages import Target

_WILD: Final = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e7, -1e7, 1e5, -1e5, 5.0, -5.0)
KINDS: Final = ("smooth", "jump", "extreme", "wild", "old", "swapped order", "shuffled", "unknown", "short", "dropout",
                "burst")
_SHARES: Final = (0.40, 0.22, 0.10, 0.06, 0.03, 0.05, 0.04, 0.02, 0.02, 0.04, 0.02)


@dataclass(frozen=True)
class Hostile:
    """What a source says before one tick."""

    kind: str
    targets: tuple[Target, ...]
    silent_ticks: int = 0
    """Ticks without anything before this."""


def hostile_frames(names: Sequence[str], count: int, seed: int) -> Iterator[Hostile]:
    """`count` frames; their times are relative: 0 is now."""
    random = np.random.default_rng(seed)
    names, size = tuple(names), len(names)
    pose, sequence, said, kinds = np.zeros(size), 0, 0, iter(())
    while said < count:
        kind = next(kinds, "")
        if not kind:  # drawn in heaps, which is faster
            kinds = iter(random.choice(KINDS, 1000, p=_SHARES).tolist())
            continue
        # Mostly short enough to be bridged, now and then long enough to rest.
        ticks = int(random.integers(1, 80 if random.random() < 0.1 else 8)) if kind == "dropout" else 0
        targets = []
        for _ in range(int(random.integers(2, 12)) if kind == "burst" else 1):
            sequence += 1
            pose = _pose(kind, pose, random)
            targets.append(_target(kind, names, pose, sequence, random))
        said += len(targets)
        yield Hostile(kind, tuple(targets), ticks)


def _pose(kind: str, pose: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The values, float64 [names]."""
    if kind == "smooth":
        return np.clip(pose + random.normal(0, 0.05, len(pose)), -0.3, 1.2)
    if kind == "extreme":
        return random.choice([-2.0, 0.0, 1.0, 2.0], len(pose))
    return random.uniform(-0.5, 1.5, len(pose))


def _target(kind: str, names: tuple[str, ...], pose: np.ndarray, sequence: int, random: np.random.Generator) -> Target:
    age_s, values = 0.0, pose.copy()
    if kind == "wild":
        some = random.random(len(values)) < 0.1
        some[random.integers(len(values))] = True
        values[some] = random.choice(_WILD, int(some.sum()))
    elif kind == "old":
        age_s = float(random.choice([0.11, 1.0, 1e6, -0.2, -1e6]))
    elif kind == "swapped order":
        sequence -= int(random.integers(1, 6))
    elif kind == "shuffled":
        order = random.permutation(len(names))
        names, values = tuple(names[i] for i in order), values[order]
    elif kind == "unknown":
        names = (*names[:-1], "tail")
    elif kind == "short":
        values = values[:-1]
    return Target(names, -age_s, sequence, values)
