"""Pairs of poses of two characters that mean the same: what a transfer learns from, and what is wrong with them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.frames import EMBEDDING_SIZE, ExpressionTrack
from ..core.key_poses import read_key_poses
from ..core.rig_profile import RigProfile
from .decoder import load_decoder

LEAST: Final = 10
"""ExprGen's new characters had ten key poses of each class; ten in all are enough to start."""
COUNT: Final = 8000
_SEED: Final = 261
_HEAD_RAD: Final = np.radians([14, 9, 6])
_ALIKE, _UNLIKE = 0.05, 0.5
"""Shares of the way to the limits within which two source poses are the same, and beyond which two targets differ."""
_MOVED: Final = 0.02
_LIDS: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_NAMED: Final = 6


@dataclass(frozen=True)
class PosePairs:
    """n pairs."""

    source: np.ndarray
    """float32 [n, M], rig units."""
    target: np.ndarray
    """float32 [n, N], rig units."""
    fit: np.ndarray
    """float32 [n], 0..1: how well the two go together; 1 for pairs that mean the same exactly."""
    names: tuple[str, ...] = ()
    """[n], for sentences; empty where nobody named them."""

    def __len__(self) -> int:
        return len(self.source)


def decoded_pairs(source: RigProfile, target: RigProfile, count: int = COUNT, seed: int = _SEED) -> PosePairs:
    """The same random expressions on both characters, by the decoder of each.

    Raises:
        SemblanceError: if a character has neither a decoder nor controls with a meaning.
    """
    track = random_expressions(np.random.default_rng(seed), count)
    one, other = (load_decoder(profile).decode(track).values for profile in (source, target))
    return PosePairs(one, other, np.ones(count, np.float32))


def random_expressions(rng: np.random.Generator, count: int) -> ExpressionTrack:
    """Expressions that people make: a tenth at rest, most of a few movements, a third of many that are weak.

    Both sides mostly move alike; eyes go with their coefficients, the head as it likes.
    """
    values = _some_movements(rng, count, 1, 10)
    busy = rng.random(count) < 1 / 3
    faint = _some_movements(rng, count, 8, 30) * rng.uniform(0.05, 0.5, (count, 1))
    values = np.where(busy[:, None], np.maximum(values * rng.uniform(0.3, 1, (count, 1)), faint), values)
    values[rng.random(count) < 0.1] = 0
    # Eyes blink through whatever the face does; and a lid that is nearly shut mostly shuts, so that shut lids stay shut
    # where one character's are so a little earlier.
    lids = values[:, _LIDS]
    shuts = (rng.random((count, 1)) < 0.1) | (lids > 0.85) & (rng.random(lids.shape) < 0.8)
    values[:, _LIDS] = np.where(shuts, 1, lids)
    # Lips only close over a jaw that is open.
    close, jaw = coefficients.INDEX["mouthClose"], coefficients.INDEX["jawOpen"]
    some = rng.random(count) < 0.5
    values[some, close] = np.minimum(values[some, close], values[some, jaw])
    values = values.astype(np.float32)
    head = rng.normal(0, 1, (count, 3)) * _HEAD_RAD * (rng.random((count, 1)) < 0.8)
    return ExpressionTrack(
        np.arange(count, dtype=np.float64), values, np.zeros((count, EMBEDDING_SIZE), np.float32),
        coefficients.gaze_of(values).astype(np.float32), head.astype(np.float32), np.ones(count, np.float32),
    )


def _some_movements(rng: np.random.Generator, count: int, least: int, most: int) -> np.ndarray:
    """Coefficients [count, 54], from `least` to `most` - 1 of each row above 0, beside their other sides."""
    shape = (count, coefficients.COUNT)
    chosen = rng.random(shape).argsort(1).argsort(1) < rng.integers(least, most, (count, 1))
    values = np.where(chosen, rng.beta(1.2, 1.2, shape), 0)
    # Of a pair with both sides chosen the first one leads, as it does where it alone is chosen.
    first = chosen & ~(chosen[:, coefficients.MIRROR] & (np.arange(shape[1]) > coefficients.MIRROR))
    follows = first[:, coefficients.MIRROR] & _SIDED & (rng.random(shape) < 0.7)
    return np.where(follows, np.clip(values[:, coefficients.MIRROR] + rng.uniform(-0.1, 0.1, shape), 0, 1), values)


_SIDED: Final = np.array([
    coefficients.MIRROR[i] != i and not name.startswith(("jaw", "mouthLeft", "mouthRight"))
    for i, name in enumerate(coefficients.NAMES)
])
"""bool [54]: has another side that moves along; of jawLeft and jawRight a face makes one."""


def key_pose_pairs(source: RigProfile, target: RigProfile) -> PosePairs:
    """For each key pose of the source, the target's of the same class whose expression is nearest.

    ExprGen's rule (section 4.2.2), with expressions that are read off the controls by each character's decoder in the
    place of distances in pictures; each in its own character's spread, for one may grin wider than another.

    Raises:
        SemblanceError: if a character has no key poses, or neither a decoder nor controls with a meaning.
    """
    poses, others = read_key_poses(source), read_key_poses(target)
    effects = [_effect(profile) for profile in (source, target)]
    both = np.logical_and(*(np.abs(effect).max(1) > _MOVED for effect in effects))
    found = [_expressions(profile, each.values, effect)[:, both]
             for profile, each, effect in zip((source, target), (poses, others), effects, strict=True)]
    geometry = [(each - each.mean(0)) / (each.std(0) + 0.05) for each in found]
    chosen, distance = nearest_of_class(np.array(poses.classes), geometry[0], np.array(others.classes), geometry[1])
    names = tuple(f"{one} / {others.names[i]}" for one, i in zip(poses.names, chosen, strict=True))
    return PosePairs(poses.values, others.values[chosen], fit_of(distance), names)


def nearest_of_class(
    classes: np.ndarray, geometry: np.ndarray, other_classes: np.ndarray, other_geometry: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ExprGen's retrieval for characters that the recogniser knows: the same class, then the least distance.

    Args:
        classes, geometry: [n] and [n, G] of the source's poses.
        other_classes, other_geometry: [m] and [m, G] of the target's.

    Returns:
        For each source pose the index of the target's, int [n], and their distance, [n]; any class where the target
        has none of that class.
    """
    distance = distances(geometry, other_geometry)
    elsewhere = classes[:, None] != other_classes
    elsewhere[elsewhere.all(1)] = False
    return nearest(np.where(elsewhere, np.inf, distance))


def nearest(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The column of the least of each row [n, m], and its distance [n]."""
    chosen = distance.argmin(1)
    return chosen, distance[np.arange(len(chosen)), chosen]


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Euclidean distances of rows [n, G] and [m, G], float64 [n, m]."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    return np.sqrt(np.maximum(squares, 0))


def fit_of(distance: np.ndarray) -> np.ndarray:
    """How well retrieved pairs go together, from their distances [n]: 1 up to the median one, then falling."""
    usual = max(float(np.median(distance)), 1e-6)
    return np.minimum(1, (usual / np.maximum(distance, 1e-9)) ** 2).astype(np.float32)


def _effect(profile: RigProfile) -> np.ndarray:
    """float64 [54, K]: how far each coefficient alone moves the controls, in shares."""
    count = coefficients.COUNT
    alone = np.concatenate([np.zeros((1, count)), np.eye(count)]).astype(np.float32)
    track = ExpressionTrack(
        np.arange(count + 1.0), alone, np.zeros((count + 1, EMBEDDING_SIZE), np.float32),
        coefficients.gaze_of(alone).astype(np.float32), np.zeros((count + 1, 3), np.float32),
        np.ones(count + 1, np.float32),
    )
    found = profile.control_set.shares(load_decoder(profile).decode(track).values)
    return found[1:] - found[0]


def _expressions(profile: RigProfile, values: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Poses [n, K] → the coefficients [n, 54] that would move the controls so, by least squares."""
    inverse = np.linalg.solve(effect @ effect.T + 0.05 * np.eye(len(effect)), effect)
    return profile.control_set.shares(values) @ inverse.T


def check_poses(pairs: PosePairs, source: ControlSet, target: ControlSet) -> None:
    """See that pairs which somebody posed can be learned from.

    Raises:
        SemblanceError: if there are too few different ones, or two contradict each other; the sentence names them.
    """
    one, other = source.shares(pairs.source), target.shares(pairs.target)
    different = _different(one)
    if different < LEAST:
        raise SemblanceError(
            f"There are {different} different pose pairs and {LEAST} are needed; add {LEAST - different} more, first "
            "those that show the whole range: smile, open jaw, closed eyes, raised and lowered brows."
        )
    clash = contradiction(one, other)
    if clash:
        first, second = (f"'{_name(pairs, i)}'" for i in clash)
        raise SemblanceError(
            f"The pose pairs {first} and {second} contradict each other: nearly the same pose of the source, but "
            "different ones of the target; remove one of them."
        )


def contradiction(one: np.ndarray, other: np.ndarray) -> tuple[int, int] | None:
    """The two pairs, of shares [n, M] and [n, N], that contradict each other most; -1 stands for the neutral."""
    one, other = (np.concatenate([np.zeros((1, rows.shape[1])), rows]) for rows in (one, other))
    apart = np.abs(one[:, None] - one).max(2)
    differ = np.where(apart <= _ALIKE, np.abs(other[:, None] - other).max(2), 0)
    i, j = np.unravel_index(differ.argmax(), differ.shape)
    return (int(min(i, j)) - 1, int(max(i, j)) - 1) if differ[i, j] > _UNLIKE else None


def unmoved(pairs: PosePairs, source: ControlSet, target: ControlSet) -> tuple[str, ...]:
    """Sentences that name the controls which no pair moves, nor their other side: the target's rest."""
    told = []
    ends = ((target, pairs.target, "of the target: what no pair moves stays neutral"),
            (source, pairs.source, "of the source: what no pair moves has no effect"))
    for controls, values, what in ends:
        still = np.abs(controls.shares(values)).max(0) <= _MOVED
        still &= still[controls.partner]
        names = [name for name, rests in zip(controls.names, still, strict=True) if rests]
        if names:
            shown = ", ".join(f"'{name}'" for name in names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
            told.append(f"No pair moves {shown} {what}.")
    return tuple(told)


def _different(one: np.ndarray) -> int:
    """How many of the poses [n, M] differ from the neutral and from all before them."""
    kept = [np.zeros(one.shape[1])]
    for row in one:
        if min(np.abs(row - each).max() for each in kept) > _ALIKE:
            kept.append(row)
    return len(kept) - 1


def _name(pairs: PosePairs, i: int) -> str:
    if i < 0:
        return "neutral"
    return pairs.names[i] if pairs.names else f"pair {i + 1}"
