"""People and characters who show the seven expression classes: what the recognisers learn from and are asked about.

    python -m training.class_faces [--crops 2500] [--tracked 500] [--poses 250] [--out out/recognisers]

Crops are drawn straight, tracked faces have landmarks too, for the geometry features; both as in make_expression_data.
Characters show their key poses, as in drawn_faces. 0.1 s a face on one core; a second start goes on where the first
stopped.
"""
from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from addon.commands.terminal import without_chatter
from addon.core.key_poses import CLASSES
from addon.tracking.tracker import FaceTracker
from training.drawn_faces import CHARACTERS, Casting, draw_shard
from training.expression_classes import FILE, class_mix
from training.make_expression_data import Sample, draw_crops, save, see
from training.performers import PerformanceCurves, random_person, random_shot
from training.render_performers import FaceRenderer

SHARD_FACES: Final = 250
FACES_PER_PERSON: Final = 5
TEST_PEOPLE: Final = 70
TEST_POSES: Final = 42
"""Faces of each character; two key poses of each class are held out."""
_SEED: Final = {"crops": 50_261, "tracked": 50_262, "poses": 50_263, "test": 90_004}
_HERE: Final = Path(__file__).parent


def training_samples(kind: str, shard: int) -> Iterator[Sample]:
    """SHARD_FACES faces of fifty people, of all classes, none of a held-out variant."""
    random = np.random.default_rng([_SEED[kind], shard])
    for _ in range(SHARD_FACES // FACES_PER_PERSON):
        person = random_person(random)
        for _ in range(FACES_PER_PERSON):
            values, klass = class_mix(random)
            yield Sample(person, random_shot(random, values, 1.25), klass)


def test_samples(people: int = TEST_PEOPLE) -> Iterator[Sample]:
    """One face of each class of each of `people` unseen persons, in held-out variants."""
    random = np.random.default_rng(_SEED["test"])
    for _ in range(people):
        person = random_person(random)
        for klass in range(len(CLASSES)):
            values, _ = class_mix(random, klass, held_out=True)
            yield Sample(person, random_shot(random, values), klass)


def test_faces(folder: Path) -> dict[str, np.ndarray]:
    """The test set with its pictures, made in a minute and kept in `folder` for as long as the variants stay the same.

    People who are painted anew do not make the old pictures wrong.
    """
    programs = b"".join((_HERE / name).read_bytes() for name in ("expression_classes.py", FILE.name))
    path = folder / f"test_classes_{hashlib.sha256(programs).hexdigest()[:8]}.npz"
    if not path.exists():
        save(see(test_samples(), FaceRenderer(), keep_pictures=True), path)
    with np.load(path) as data:
        return dict(data)


def test_poses(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Crops and classes of all characters' held-out key poses, made in a minute when they are not in `folder`."""
    make_poses(TEST_POSES, folder, test=True)
    crops, classes = [], []
    for path in sorted(folder.glob("test_poses_*.npz")):
        with np.load(path) as data:
            crops.append(data["crops"])
            classes.append(data["expression_class"].astype(np.int64))
    return np.concatenate(crops), np.concatenate(classes)


def make(kind: str, faces: int, folder: Path) -> None:
    """Make the shards of "crops" or "tracked" that are missing."""
    renderer = None
    for shard in range(-(-faces // SHARD_FACES)):
        path = folder / f"{kind}_{shard:03d}.npz"
        if path.exists():
            continue
        start, renderer = time.perf_counter(), renderer or FaceRenderer()
        samples = training_samples(kind, shard)
        save(see(samples, renderer) if kind == "tracked" else draw_crops(samples, renderer, _SEED[kind] + shard), path)
        print(f"{path}: {SHARD_FACES} faces, {time.perf_counter() - start:.0f} s", flush=True)


class Poser(Casting):
    """Draws only key poses: those for training, or those that are held out."""

    def draw(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        """See Casting."""
        return self._pose(random, np.radians(random.normal(0, (10, 6, 4)))[None])


def make_poses(faces: int, folder: Path, test: bool = False) -> None:
    """Make the characters' shards that are missing, `faces` faces of each character in one."""
    from training.drawn_stage import DrawnStage

    curves, tracker = PerformanceCurves(), FaceTracker()
    for number, name in enumerate(CHARACTERS):
        path = folder / f"{'test_' if test else ''}poses_{name.lower()}.npz"
        if path.exists():
            continue
        start, casting = time.perf_counter(), Poser(name, curves, test)
        with without_chatter(), DrawnStage(casting.profile) as stage:
            save(draw_shard(casting, stage, tracker, [_SEED["poses"], test, number], faces, pictures=False), path)
        print(f"{path}: {faces} faces, {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    """Make the shards that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crops", type=int, default=2500)
    parser.add_argument("--tracked", type=int, default=500)
    parser.add_argument("--poses", type=int, default=250, help="of each character")
    parser.add_argument("--out", type=Path, default=Path("out/recognisers"))
    arguments = parser.parse_args()
    make_poses(arguments.poses, arguments.out)
    make_poses(TEST_POSES, arguments.out, test=True)
    make("crops", arguments.crops, arguments.out)
    make("tracked", arguments.tracked, arguments.out)


if __name__ == "__main__":
    main()
