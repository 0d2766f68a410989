"""Synthetic faces for the expression encoder, kept as shards with exact truth.

    python -m training.make_expression_data crops [--faces 75000] [--out out/expression]
    python -m training.make_expression_data tracked [--faces 25000]

"tracked" faces are pictures of 320 px seen by our own tracker: landmarks and crop, about 100 ms a face on one core.
"crops" are drawn straight at the crop's size and cut by the true pose with the tracker's errors: no landmarks, about
30 ms. A second start goes on where the first stopped; give two processes different --first-shard.
"""
from __future__ import annotations

import argparse
import hashlib
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from addon.core import coefficients
from addon.core.files import replacing
from addon.core.frames import CROP_SIZE, LANDMARK_COUNT, Frame, unknown_landmarks
from addon.tracking.crop import crop_transform
from addon.tracking.tracker import FaceTracker
from training.appearance import Appearance, random_appearance, varied_shot
from training.expression_classes import class_mix
from training.face_points import POINT_COUNT, points_in_crop
from training.performers import TONGUE_OUT, PerformanceCurves, Person, Shot, random_mix, random_person, random_shot
from training.render_performers import FaceRenderer

SHARD_FACES = 1000
FACES_PER_PERSON = 5
TRAIN_SEED, TEST_SEED = {"tracked": 20_261, "crops": 20_262}, 90_001
TEST_PEOPLE = 400
_WIDER = 1.25
_DIRECT_PX = 192
"""Size of the pictures that crops are cut from."""
_DIRECT_FACE_PX = (58.0, 78.0)
"""In the crop the outer eye corners are about 57 px apart."""
# What the tracker's crop is away from that of the true pose: right, down (px of the crop), log of scale, turn rad; 75
# faces. Training errs one and a half times as much.
_CROP_BIAS = np.array([0.0, 0.83, 0.029, 0.0])
_CROP_ERROR = np.array([0.58, 1.15, 0.025, 0.017]) * 1.5
# What a picture depends on.
_MAKERS = ("performers.py", "render_performers.py", "performer_vertex.glsl", "performer_fragment.glsl",
           "performer_surface.glsl", "../addon/core/live_link.py")

with (Path(__file__).parent / "rigid_vertices.toml").open("rb") as _file:
    _VERTICES = {int(landmark): vertex for landmark, vertex in tomllib.load(_file)["vertex"].items()}

_VARIED = 0.75
"""Share of the people who are seen as real ones are: with hair, glasses, hands, light (appearance.py)."""
_TONGUE = 0.05
_JAW_OPEN = coefficients.INDEX["jawOpen"]
Row = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sample:
    """One face to draw."""

    person: Person
    shot: Shot
    expression_class: int = -1
    """Which of core.key_poses.CLASSES; -1: none in particular."""
    appearance: Appearance | None = None
    """None: plain."""


def training_samples(kind: str, shard: int, curves: PerformanceCurves) -> Iterator[Sample]:
    """1000 faces of 200 people in any order of shards: random mixes, real curves, a few of the seven classes."""
    random = np.random.default_rng([TRAIN_SEED[kind], shard])
    for _ in range(SHARD_FACES // FACES_PER_PERSON):
        person = random_person(random)
        varied = random.random() < _VARIED
        for _ in range(FACES_PER_PERSON):
            values, shown = _expression(random, curves)
            if varied:
                yield Sample(person, varied_shot(random, values), shown, random_appearance(random))
            else:
                yield Sample(person, random_shot(random, values, _WIDER), shown)


def _expression(random: np.random.Generator, curves: PerformanceCurves) -> tuple[np.ndarray, int]:
    choice = random.random()
    if choice < 0.15:
        return class_mix(random)
    values = random_mix(random) if choice < 0.55 else curves.sample(random)
    if random.random() < _TONGUE:  # which needs an open mouth
        values[TONGUE_OUT] = random.uniform(0.3, 1.0)
        values[_JAW_OPEN] = max(values[_JAW_OPEN], random.uniform(0.25, 0.5))
    return values, -1


def test_samples(kind: str, curves: PerformanceCurves) -> Iterator[Sample]:
    """2000 faces of the same 400 people, none of them in training: `kind` "random" or "performance"."""
    random = np.random.default_rng([TEST_SEED, kind == "performance"])
    people = np.random.default_rng(TEST_SEED)
    for _ in range(TEST_PEOPLE):
        person = random_person(people)
        for _ in range(FACES_PER_PERSON):
            frame = curves.test[random.integers(len(curves.test))]
            yield Sample(person, random_shot(random, random_mix(random) if kind == "random" else frame))


def see(samples: Iterator[Sample], renderer: FaceRenderer, keep_pictures: bool = False) -> dict[str, np.ndarray]:
    """Render and track: the columns of expression_data.Faces, `found`, and the pictures as JPEG if wanted.

    Faces that the tracker misses stay in with `found` False and a black crop.
    """
    tracker = FaceTracker()

    def one(index: int, sample: Sample) -> Row:
        picture = renderer.render(sample.person, sample.shot, sample.appearance)
        tracker.reset()
        face = tracker.track(Frame(picture, float(index), index))
        row = {"landmarks": face.landmarks, "crops": face.crop, "found": np.array(face.found),
               "points": np.full((POINT_COUNT, 2), np.nan, np.float16)}
        if face.found:
            rest, transform = renderer.model.person(sample.person.identity), crop_transform(face.landmarks)
            row["points"] = points_in_crop(renderer, rest, sample.shot, transform)
        if keep_pictures:
            row["pictures"] = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 97])[1].ravel()
        return row

    return _columns(samples, one)


def draw_crops(samples: Iterator[Sample], renderer: FaceRenderer, seed: int) -> dict[str, np.ndarray]:
    """Render at _DIRECT_PX and cut by the true pose; the columns of `see`, without landmarks."""
    random = np.random.default_rng(seed)
    unknown = unknown_landmarks()

    def one(index: int, sample: Sample) -> Row:
        shot = replace(sample.shot, size=_DIRECT_PX, face_px=random.uniform(*_DIRECT_FACE_PX),
                       offset=sample.shot.offset / 3, noise=sample.shot.noise * 0.7)
        picture = renderer.render(sample.person, shot, sample.appearance)
        rest = renderer.model.person(sample.person.identity)
        transform = _true_transform(renderer, rest, shot, random)
        crop = cv2.warpAffine(picture, transform, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR)
        return {"landmarks": unknown, "crops": crop, "found": np.array(True),
                "points": points_in_crop(renderer, rest, shot, transform)}

    return _columns(samples, one)


def _true_transform(renderer: FaceRenderer, rest: np.ndarray, shot: Shot, random: np.random.Generator) -> np.ndarray:
    """px of the picture → px of the crop [2, 3], as the tracker might have placed it; `rest` as in points_in_crop."""
    landmarks = np.zeros((LANDMARK_COUNT, 3))
    landmarks[list(_VERTICES)] = renderer.project(rest[list(_VERTICES.values())], shot)
    right, down, larger, turn = random.normal(-_CROP_BIAS, _CROP_ERROR)
    cos, sin = np.exp(larger) * np.cos(turn), np.exp(larger) * np.sin(turn)
    linear, middle = np.array([[cos, -sin], [sin, cos]]), np.full(2, (CROP_SIZE - 1) / 2)
    error = np.column_stack([linear, middle + (right, down) - linear @ middle])
    return error[:, :2] @ crop_transform(landmarks) + np.pad(error[:, 2:], ((0, 0), (2, 0)))


def _columns(samples: Iterator[Sample], see_one: Callable[[int, Sample], Row]) -> dict[str, np.ndarray]:
    rows: list[Row] = []
    people: list[Person] = []
    for index, sample in enumerate(samples):
        if not people or people[-1] is not sample.person:
            people.append(sample.person)
        rows.append({
            **see_one(index, sample), "coefficients": sample.shot.coefficients, "head": sample.shot.head,
            "known": np.ones(coefficients.COUNT, bool), "person": np.array(len(people) - 1, np.int32),
            "expression_class": np.array(sample.expression_class, np.int8), "character": np.array(-1, np.int8),
        })
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
    """The fixed test set, made in about four minutes and kept in `folder` for as long as its programs stay the same."""
    programs = b"".join((Path(__file__).parent / name).read_bytes() for name in _MAKERS)
    path = folder / f"test_{kind}_{hashlib.sha256(programs).hexdigest()[:8]}.npz"
    if not path.exists():
        save(see(test_samples(kind, PerformanceCurves()), FaceRenderer(), keep_pictures=True), path)
    with np.load(path) as data:
        return dict(data)


def main() -> None:
    """Make the training shards that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=TRAIN_SEED)
    parser.add_argument("--faces", type=int)
    parser.add_argument("--first-shard", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/expression"))
    arguments = parser.parse_args()
    direct = arguments.kind == "crops"
    faces = arguments.faces or (75_000 if direct else 25_000)
    curves, renderer = PerformanceCurves(), FaceRenderer(_DIRECT_PX if direct else 320)
    for shard in range(arguments.first_shard, arguments.first_shard + faces // SHARD_FACES):
        path = arguments.out / f"{arguments.kind}_{shard:03d}.npz"
        if path.exists():
            continue
        start = time.perf_counter()
        samples = training_samples(arguments.kind, shard, curves)
        columns = draw_crops(samples, renderer, shard) if direct else see(samples, renderer)
        save(columns, path)
        print(f"{path}: {columns['found'].sum()} of {len(columns['found'])} faces found, "
              f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
