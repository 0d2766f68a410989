"""Synthetic faces for the expression encoder: rendered, seen by our own tracker, kept as shards with exact truth.

    python -m training.make_expression_data [--faces 30000] [--out out/expression]

About 70 ms a face on one core; a second start goes on where the first stopped. Run it twice with --first-shard for two
cores.
"""
from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from addon.core.files import replacing
from addon.core.frames import LANDMARK_COUNT, Frame
from addon.tracking.tracker import FaceTracker
from training.performers import PerformanceCurves, Person, Shot, random_mix, random_person, random_shot
from training.render_performers import FaceRenderer

SHARD_FACES = 1000
FACES_PER_PERSON = 5
TRAIN_SEED, TEST_SEED = 20_261, 90_001
TEST_PEOPLE = 400
_WIDER = 1.25
# What a picture depends on.
_MAKERS = ("performers.py", "render_performers.py", "performer_vertex.glsl", "performer_fragment.glsl")

Sample = tuple[Person, Shot]


def training_samples(shard: int, curves: PerformanceCurves) -> Iterator[Sample]:
    """1000 faces of 200 people, half random mixes and half from real curves, in any order of shards."""
    random = np.random.default_rng([TRAIN_SEED, shard])
    for _ in range(SHARD_FACES // FACES_PER_PERSON):
        person = random_person(random)
        for _ in range(FACES_PER_PERSON):
            values = random_mix(random) if random.random() < 0.5 else curves.sample(random)
            yield person, random_shot(random, values, _WIDER)


def test_samples(kind: str, curves: PerformanceCurves) -> Iterator[Sample]:
    """2000 faces of the same 400 people, none of them in training: `kind` "random" or "performance"."""
    random = np.random.default_rng([TEST_SEED, kind == "performance"])
    people = np.random.default_rng(TEST_SEED)
    for _ in range(TEST_PEOPLE):
        person = random_person(people)
        for _ in range(FACES_PER_PERSON):
            frame = curves.test[random.integers(len(curves.test))]
            yield person, random_shot(random, random_mix(random) if kind == "random" else frame)


def see(samples: Iterator[Sample], renderer: FaceRenderer, keep_pictures: bool = False) -> dict[str, np.ndarray]:
    """Render and track: landmarks [N, 478, 3] px, crops uint8 [N, 128, 128] grey, coefficients, head, person, found.

    Faces that the tracker misses stay in with `found` False and zeros.
    """
    tracker, rows = FaceTracker(), []
    people: list[Person] = []
    for index, (person, shot) in enumerate(samples):
        if not people or people[-1] is not person:
            people.append(person)
        picture = renderer.render(person, shot)
        tracker.reset()
        face = tracker.track(Frame(picture, float(index), index))
        row: dict[str, np.ndarray] = {
            "landmarks": face.landmarks if face.found else np.zeros((LANDMARK_COUNT, 3), np.float32),
            "crops": cv2.cvtColor(face.crop, cv2.COLOR_BGR2GRAY), "found": np.array(face.found),
            "coefficients": shot.coefficients, "head": shot.head, "person": np.array(len(people) - 1),
        }
        if keep_pictures:
            row["pictures"] = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 97])[1].ravel()
        rows.append(row)
    return _columns(rows)


def _columns(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0] if name != "pictures"}
    if "pictures" in rows[0]:  # of different lengths: one array and where each ends
        columns["pictures"] = np.concatenate([row["pictures"] for row in rows])
        columns["picture_ends"] = np.cumsum([len(row["pictures"]) for row in rows])
    return columns


def save(columns: dict[str, np.ndarray], path: Path) -> None:
    """Write one shard, whole or not at all."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, **columns)


def test_set(kind: str, folder: Path) -> dict[str, np.ndarray]:
    """The fixed test set, made in about two minutes and kept in `folder` for as long as its programs stay the same."""
    programs = b"".join((Path(__file__).parent / name).read_bytes() for name in _MAKERS)
    path = folder / f"test_{kind}_{hashlib.sha256(programs).hexdigest()[:8]}.npz"
    if not path.exists():
        save(see(test_samples(kind, PerformanceCurves()), FaceRenderer(), keep_pictures=True), path)
    with np.load(path) as data:
        return dict(data)


def main() -> None:
    """Make the training shards that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--faces", type=int, default=30_000)
    parser.add_argument("--first-shard", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/expression"))
    arguments = parser.parse_args()
    curves, renderer = PerformanceCurves(), FaceRenderer()
    for shard in range(arguments.first_shard, arguments.first_shard + arguments.faces // SHARD_FACES):
        path = arguments.out / f"train_{shard:03d}.npz"
        if path.exists():
            continue
        start = time.perf_counter()
        columns = see(training_samples(shard, curves), renderer)
        save(columns, path)
        print(f"{path}: {columns['found'].sum()} of {len(columns['found'])} faces found, "
              f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
