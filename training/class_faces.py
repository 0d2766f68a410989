"""People and characters who show the seven expression classes: what the recognisers learn from and are asked about.

    python -m training.class_faces [--crops 2500] [--tracked 500] [--poses 250] [--driven 1250] [--out out/recognisers]

Crops are drawn straight, tracked faces have landmarks too, for the geometry features; both as in make_expression_data.
Characters show their key poses, as in drawn_faces, and play the people's faces. 0.1 s a face on one core; a second
start goes on where the first stopped.
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
TEST_DRIVEN: Final = 105
"""Faces of each character, fifteen of each class, in held-out variants."""
_SEED: Final = {"crops": 50_261, "tracked": 50_262, "poses": 50_263, "driven": 50_264, "test": 90_004}
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


def test_characters(kind: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Crops and classes of all characters' held-out "poses" or "driven" faces, made in minutes when not in `folder`."""
    make_characters(kind, TEST_POSES if kind == "poses" else TEST_DRIVEN, folder, test=True)
    crops, classes = [], []
    for path in sorted(folder.glob(f"test_{kind}_*.npz")):
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
        return self._pose(random, _turned(random))


class Player(Casting):
    """Plays the faces by which people show the classes, or in a test their held-out variants, all classes in turn."""

    _number = 0

    def draw(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        """See Casting."""
        values, klass = class_mix(random, self._number % len(CLASSES), held_out=self.is_test)
        self._number += 1
        return {"controls": self.shown.decode(values[None], _turned(random))[0], "coefficients": values,
                "known": self.shown.known, "expression_class": np.array(klass, np.int8)}


def _turned(random: np.random.Generator) -> np.ndarray:
    """float [1, 3]: a head that is turned a little."""
    return np.radians(random.normal(0, (10, 6, 4)))[None]


def make_characters(kind: str, faces: int, folder: Path, test: bool = False) -> None:
    """Make the characters' shards of "poses" or "driven" that are missing, `faces` faces of each character in one."""
    from training.drawn_stage import DrawnStage

    curves, tracker = PerformanceCurves(), FaceTracker()
    for number, name in enumerate(CHARACTERS):
        path = folder / f"{'test_' if test else ''}{kind}_{name.lower()}.npz"
        if path.exists():
            continue
        start, casting = time.perf_counter(), (Poser if kind == "poses" else Player)(name, curves, test)
        with without_chatter(), DrawnStage(casting.profile) as stage:
            save(draw_shard(casting, stage, tracker, [_SEED[kind], test, number], faces, pictures=False), path)
        print(f"{path}: {faces} faces, {time.perf_counter() - start:.0f} s", flush=True)


def main() -> None:
    """Make the shards that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--crops", type=int, default=2500)
    parser.add_argument("--tracked", type=int, default=500)
    parser.add_argument("--poses", type=int, default=250, help="of each character")
    parser.add_argument("--driven", type=int, default=1250, help="of each character")
    parser.add_argument("--out", type=Path, default=Path("out/recognisers"))
    arguments = parser.parse_args()
    for kind, faces, asked in (("poses", arguments.poses, TEST_POSES), ("driven", arguments.driven, TEST_DRIVEN)):
        make_characters(kind, faces, arguments.out)
        make_characters(kind, asked, arguments.out, test=True)
    make("crops", arguments.crops, arguments.out)
    make("tracked", arguments.tracked, arguments.out)


if __name__ == "__main__":
    main()
