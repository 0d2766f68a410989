"""Which two of three faces look most alike: triplets with a certain answer, and who finds it.

FreeAvatar's measure of an expression space (section 4.5.1): a triplet counts only if the anchor is nearer to
the positive than to the negative, and the positive is too (chance 1/3). Its answers came from annotators; ours from the
coefficients that made the faces, weighted by what people see (perception.toml), and only where the order is certain.

Of three random faces the two weakest are mostly nearest to each other, so that a ruler for strength alone would find
most answers. Triplets are therefore balanced: the odd one out is the weakest, the middle and the strongest face equally
often, which leaves such a ruler about one half. Across people and characters, the drawn face is anchor, positive and
negative equally often, so that telling drawings from people is worth no more than chance.
"""
from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.control_set import ControlSet
from addon.core.errors import SemblanceError
from addon.core.frames import CROP_SIZE
from addon.core.pair_set import TEST, read_pairs
from addon.core.paths import ROOT
from addon.core.rig_profile import find_profile
from addon.tracking.crop import aligned_crop

RATIO: Final = 1.5
"""Anchor and positive are at least so many times nearer to each other than either is to the negative."""
LEAST: Final = 0.2
"""And at least so much nearer, in the distance of `perceived` (about 1.8 between two random mixes)."""
_CHUNK: Final = 200_000
_CHUNKS: Final = 40

with (Path(__file__).parent / "perception.toml").open("rb") as _file:
    _TABLE = tomllib.load(_file)
ASYMMETRY: Final[float] = _TABLE["asymmetry"]
WEIGHTS: Final = np.array([
    _TABLE["single"].get(name, _TABLE["group"][group])
    for name, group in zip(coefficients.NAMES, coefficients.GROUP_OF, strict=True)
])
"""float [54]: how much each coefficient counts."""


def perceived(values: np.ndarray) -> np.ndarray:
    """Coefficients [N, 54] → float64 [N, 108], whose Euclidean distances say how different the faces look.

    Both sides' mean, then half their difference, which counts more; a closed eye hides where it looks.
    """
    seen = values.astype(np.float64)
    for side in ("Left", "Right"):
        open_eye = 1 - seen[:, [coefficients.INDEX["eyeBlink" + side]]].clip(0, 1)
        seen[:, coefficients.indices([f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up")])] *= open_eye
    seen *= WEIGHTS
    mirrored = seen[:, coefficients.MIRROR]
    return np.concatenate([(seen + mirrored) / 2, ASYMMETRY * (seen - mirrored) / 2], 1)


def common(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Coefficients [N, 54] with zeros for those that not all faces show, on both sides; `known` bool [N, 54]."""
    shown = known.all(0)
    return np.where(shown & shown[coefficients.MIRROR], values, 0)


def draw_triplets(
    values: np.ndarray, person: np.ndarray, count: int, seed: int, drawn: np.ndarray | None = None
) -> np.ndarray:
    """Faces as int [count, (anchor, positive, negative)], of three different people each, the same for the same seed.

    Args:
        values: coefficients [N, 54], exact; N up to some thousands.
        person: int [N], who each face is.
        count: rounded down to whole shares (see the module).
        drawn: bool [N], the characters' faces; exactly one of each triplet is one of them.

    Raises:
        SemblanceError: if there are too few triplets with a certain order.
    """
    random = np.random.default_rng(seed)
    seen = perceived(values)
    apart = _distances(seen)
    shares = 3 if drawn is None else 9
    wanted, found = count // shares, defaultdict[int, list[np.ndarray]](list)
    for _ in range(_CHUNKS):
        rows = _certain(_three(random, person, drawn), apart)
        swap = random.random(len(rows)) < 0.5
        rows[swap, :2] = rows[swap, 1::-1]
        share = np.linalg.norm(seen[rows], axis=2).argsort(1).argsort(1)[:, 2]
        if drawn is not None:
            share += 3 * drawn[rows].argmax(1)
        for number in range(shares):
            found[number].append(rows[share == number])
        if all(sum(map(len, found[number])) >= wanted for number in range(shares)):
            return np.concatenate([np.concatenate(found[number])[:wanted] for number in range(shares)])
    raise SemblanceError(f"These {len(values)} faces hold fewer than {count} triplets with a certain order.")


def _three(random: np.random.Generator, person: np.ndarray, drawn: np.ndarray | None) -> np.ndarray:
    """Faces of three different people, int [M, 3]; where some are `drawn`, the first is and the others are not."""
    people = np.arange(len(person)) if drawn is None else np.flatnonzero(~drawn)
    rows = people[random.integers(len(people), size=(_CHUNK, 3))]
    if drawn is not None:
        rows[:, 0] = random.choice(np.flatnonzero(drawn), _CHUNK)
    who = person[rows]
    return rows[(who[:, 0] != who[:, 1]) & (who[:, 0] != who[:, 2]) & (who[:, 1] != who[:, 2])]


def _certain(rows: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Those of the faces [M, 3] whose order is certain, the odd one last."""
    between = np.stack([apart[rows[:, (odd + 1) % 3], rows[:, (odd + 2) % 3]] for odd in range(3)], 1)
    nearest, second = np.sort(between, 1)[:, :2].T
    certain = (second >= RATIO * nearest) & (second >= nearest + LEAST)
    odd = between[certain].argmin(1)[:, None]
    return np.take_along_axis(rows[certain], (odd + [1, 2, 3]) % 3, 1)


def _distances(features: np.ndarray) -> np.ndarray:
    squares = (features**2).sum(1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * features @ features.T, 0)).astype(np.float32)


def both_ways(features: np.ndarray, triplets: np.ndarray) -> float:
    """Share of the triplets [T, 3] that the features [N, F] order rightly, both ways, by Euclidean distance."""
    anchor, positive, negative = (features[column].astype(np.float64) for column in triplets.T)
    pair = np.linalg.norm(anchor - positive, axis=1)
    others = np.linalg.norm(anchor - negative, axis=1), np.linalg.norm(positive - negative, axis=1)
    return float(((pair < others[0]) & (pair < others[1])).mean())


def identity_probe(features: np.ndarray, person: np.ndarray, folds: int = 5, width: int = 128) -> float:
    """How often a linear probe names the person of an image that it was not fitted to; chance is 1 / people.

    Linear discriminant analysis on the `width` principal components, every image of features [N, F] held out once in
    `folds` turns, each of which holds out about the same number of images of every person [N].
    """
    centred = features.astype(np.float64) - features.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    centred = centred @ axes[:, -width:]
    names, who = np.unique(person, return_inverse=True)
    turn = np.zeros(len(who), int)
    for one in range(len(names)):
        turn[who == one] = np.arange((who == one).sum()) % folds
    hits = 0
    for fold in range(folds):
        known = turn != fold
        means = np.stack([centred[known & (who == one)].mean(0) for one in range(len(names))])
        within = centred[known] - means[who[known]]
        spread = within.T @ within / len(within)
        # Few images leave the spread uncertain, so a little more of its diagonal; and channels that never move.
        spread += np.diag(0.05 * np.diag(spread) + 1e-6 * np.trace(spread) / len(spread))
        towards = np.linalg.solve(spread, means.T)
        scores = centred[~known] @ towards - 0.5 * (means * towards.T).sum(1)
        hits += int((scores.argmax(1) == who[~known]).sum())
    return hits / len(who)


def exact_coefficients(controls: ControlSet, values: np.ndarray) -> np.ndarray:
    """Rig units [N, K] → coefficients float32 [N, 54] of a character whose controls *are* coefficients.

    Raises:
        SemblanceError: if a control means something else, so that the coefficients would be a guess.
    """
    found, taken = np.zeros((len(values), coefficients.COUNT), np.float32), set[str]()
    for column, control in enumerate(controls.controls):
        signals = {name: amount for name, amount in control.meaning.items() if name in coefficients.INDEX}
        if not signals and control.group.lower() in ("head", "neck"):
            continue
        sides = {name.removesuffix("Left").removesuffix("Right") for name in signals}
        if len(sides) != 1 or abs(sum(signals.values()) - 1) > 1e-6 or taken & set(signals):
            raise SemblanceError(
                f"The control '{control.name}' is not one coefficient: what its character shows has no exact "
                "coefficients; leave it out of the triplets."
            )
        taken |= set(signals)
        share = (values[:, column] - control.neutral) / control.gain
        found[:, coefficients.indices(list(signals))] = share[:, None]
    return found


def character_set(name: str, count: int, folder: Path) -> dict[str, np.ndarray]:
    """A character's test pairs in the columns of make_expression_data.see; made in `folder` when they are not there.

    Raises:
        SemblanceError: if its coefficients are not exact.
        subprocess.CalledProcessError: if Blender cannot draw them.
    """
    profile = find_profile(name)
    if profile.blend is None:
        raise SemblanceError(f"'{name}' has no .blend to draw.")
    version = hashlib.sha256(profile.path.read_bytes() + profile.blend.read_bytes()).hexdigest()[:8]
    pairs = folder / f"pairs_{name.lower()}_{version}"
    subprocess.run(
        [sys.executable, "-m", "addon.commands", "pairs", "--character", name, "--test", "--count", str(count),
         "--jobs", "1", "--out", str(pairs.resolve())],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )
    return pair_columns(pairs, profile.control_set)


def pair_columns(pairs: Path, controls: ControlSet) -> dict[str, np.ndarray]:
    """A test set of pairs in the columns of make_expression_data.see; all of one person, 0."""
    import cv2

    _, shards = read_pairs(pairs, TEST)
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for shard in shards:
        rows["coefficients"].append(exact_coefficients(controls, shard.controls))
        rows["found"].append(shard.found)
        rows["landmarks"].append(shard.landmarks)
        for rgb, points, found in zip(shard.images, shard.landmarks, shard.found, strict=True):
            bgr = np.ascontiguousarray(rgb[..., ::-1])
            crop = aligned_crop(bgr, points) if found else np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)
            rows["crops"].append(crop[None])
            rows["pictures"].append(cv2.imencode(".png", bgr)[1].ravel())
    ends = np.cumsum([len(picture) for picture in rows["pictures"]])
    columns = {key: np.concatenate(parts) for key, parts in rows.items()}
    return {**columns, "picture_ends": ends, "person": np.zeros(len(ends), np.int64)}


def spaces(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Ways to see the faces of a test set, each float [N, F], by name.

    Ours are "embedding", brought to length 1 as FreeAvatar's is, and "coefficients"; beside them MediaPipe's
    blendshapes and our 478 landmarks with the head's pose taken off, all zeros where there is no face for them, and the
    crop's oriented gradients.
    """
    import torch

    from addon.expression.encoder import Encoder

    from .evaluate import mediapipe_blendshapes, tracked_faces
    from .face_inputs import OrientedGradients, RigidPose

    track = Encoder().encode(tracked_faces(columns))
    with torch.no_grad():
        points, _ = RigidPose()(torch.from_numpy(columns["landmarks"]))
        grey = torch.from_numpy(columns["crops"]).float().mean(-1)[:, None]
        gradients = torch.cat([OrientedGradients()(part) for part in grey.split(256)])
    length = np.linalg.norm(track.embedding, axis=1, keepdims=True)
    return {
        "embedding": track.embedding / np.maximum(length, 1e-9), "coefficients": track.coefficients.clip(0, 1),
        "MediaPipe blendshapes": mediapipe_blendshapes(columns),
        "landmarks": np.nan_to_num(points.flatten(1).numpy()), "HOG": gradients.numpy(),
    }
