"""Training faces in memory, and how they are varied: shifted, dimmed, blurred, partly covered, mirrored."""
from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from addon.core import coefficients
from addon.core.frames import CROP_SIZE
from training.face_points import POINT_COUNT, mirrored_points
from training.performers import gaze_of

with (Path(__file__).parent / "landmark_mirror.toml").open("rb") as _file:
    LANDMARK_MIRROR = np.array(tomllib.load(_file)["mirror"])
# The part of the crop that the encoder looks at: from above the brows to below the chin, as wide on both sides.
ROWS, COLUMNS = slice(16, 128), slice(16, 112)
GREY = torch.tensor([0.114, 0.587, 0.299])
"""Share of blue, green and red in what the eye sees as brightness (ITU-R BT.601)."""
REGION = (ROWS.stop - ROWS.start, COLUMNS.stop - COLUMNS.start)
_SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
_RIGHT = np.array([name.endswith("Right") and name not in _SIDEWAYS for name in coefficients.NAMES])
_MIDDLE = np.array([not name.endswith(("Left", "Right")) or name in _SIDEWAYS for name in coefficients.NAMES])
_ASIDE = 16
"""One person in so many is kept from the experts."""


def find_mirror(mean_points: np.ndarray) -> np.ndarray:
    """int [478]: for each landmark the one nearest to its mirror image, in the mean face [478, 3] in head axes."""
    mirrored = mean_points * np.array([-1, 1, 1])
    return np.linalg.norm(mean_points[:, None] - mirrored[None], axis=-1).argmin(1)


@dataclass(frozen=True)
class Faces:
    """Columns of N faces."""

    landmarks: np.ndarray
    """float32 [N, 478, 3] px; NaN where not known."""
    crops: np.ndarray
    """uint8 [N, 128, 128, 3] BGR."""
    coefficients: np.ndarray
    """float32 [N, 54]."""
    known: np.ndarray
    """bool [N, 54]: which coefficients the face can show."""
    gaze: np.ndarray
    """float32 [N, 2, 2] rad."""
    head: np.ndarray
    """float32 [N, 3] rad; NaN where not known."""
    person: np.ndarray
    """int32 [N]; characters have numbers of their own."""
    expression_class: np.ndarray
    """int8 [N]: which of core.key_poses.CLASSES; -1 none in particular."""
    character: np.ndarray
    """int8 [N]: which of our characters; -1 a person."""
    points: np.ndarray
    """float16 [N, POINT_COUNT, 2]: where face_points are in the crop, px; NaN where not known."""

    def __len__(self) -> int:
        return len(self.landmarks)

    def __getitem__(self, rows: np.ndarray | slice) -> Faces:
        return Faces(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined(parts: list[Faces]) -> Faces:
    """One after the other; people of different parts are different people."""
    shift, shifted = 0, []
    for part in parts:
        shifted.append(replace(part, person=part.person + shift))
        shift += int(part.person.max()) + 1
    return concatenated(shifted)


def concatenated(parts: list[Faces]) -> Faces:
    """One after the other, as they are."""
    return Faces(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Faces)))


def faces_of(columns: dict[str, np.ndarray]) -> Faces:
    """The found faces of a shard or test set."""
    found = columns["found"]
    there = {field.name: columns[field.name][found] for field in fields(Faces) if field.name in columns}
    there.setdefault("points", np.full((found.sum(), POINT_COUNT, 2), np.nan, np.float16))
    return Faces(gaze=gaze_of(there["coefficients"]), **there)


def each_shard(paths: list[Path]) -> Iterator[Faces]:
    """The faces of one shard after the other; people of different shards are different people.

    Raises:
        SystemExit: if there is no shard.
    """
    if not paths:
        raise SystemExit("There are no training shards; make them with 'python -m training.make_expression_data'.")
    shift = 0
    for path in paths:
        with np.load(path) as data:
            faces = faces_of(dict(data))
        yield replace(faces, person=faces.person + shift)
        shift += int(faces.person.max()) + 1


def read_shards(paths: list[Path]) -> Faces:
    """All faces of the shards, as `each_shard` tells them."""
    return _gathered(each_shard(paths), found_in(paths))


def found_in(paths: list[Path]) -> int:
    """How many faces there are in shards."""
    count = 0
    for path in paths:
        with np.load(path) as data:
            count += int(data["found"].sum())
    return count


def _gathered(parts: Iterable[Faces], most: int) -> Faces:
    """As `concatenated`, of up to `most` faces; no part is kept, so that it takes half of the memory."""
    columns: dict[str, np.ndarray] = {}
    count = 0
    for part in parts:
        for field in fields(Faces):
            rows = getattr(part, field.name)
            if field.name not in columns:
                columns[field.name] = np.empty((most, *rows.shape[1:]), rows.dtype)
            columns[field.name][count:count + len(part)] = rows
        count += len(part)
    return Faces(**{name: column[:count] for name, column in columns.items()})


def kept_aside(faces: Faces, first: int = 0) -> np.ndarray:
    """bool [N]: the faces that no expert learns from, so that they can tell whom to believe; all of a person.

    `first` is how many faces of the same kind come before them.
    """
    return np.where(faces.character < 0, faces.person, first + np.arange(len(faces))) % _ASIDE == 0


def shards_of(data: Path) -> dict[str, list[Path]]:
    """The training shards in a folder: "people" and "drawn"."""
    return {"people": [*sorted(data.glob("tracked_*.npz")), *sorted(data.glob("crops_*.npz"))],
            "drawn": sorted(data.glob("drawn_*.npz"))}


def faces_to_learn(paths: list[Path], aside: bool = False) -> Iterator[Faces]:
    """The faces of shards of one kind that are not kept aside, or those that are."""
    first = 0
    for faces in each_shard(paths):
        yield faces[kept_aside(faces, first) == aside]
        first += len(faces)


def read_to_learn(paths: list[Path], aside: bool = False) -> Faces:
    """All that `faces_to_learn` gives."""
    return _gathered(faces_to_learn(paths, aside), found_in(paths))


def mirrored(faces: Faces, rows: np.ndarray) -> Faces:
    """The faces with those of `rows` (bool [N]) as seen in a mirror; landmarks only right after their pose is off."""
    crops, landmarks = faces.crops.copy(), faces.landmarks.copy()
    crops[rows] = crops[rows][:, :, ::-1]
    landmarks[rows] = landmarks[rows][:, LANDMARK_MIRROR] * np.float32([-1, 1, 1])
    values, known = faces.coefficients.copy(), faces.known.copy()
    values[rows], known[rows] = values[rows][:, coefficients.MIRROR], known[rows][:, coefficients.MIRROR]
    gaze, head = faces.gaze.copy(), faces.head.copy()
    gaze[rows] = gaze[rows][:, ::-1] * np.float32([-1, 1])
    head[rows] *= np.float32([-1, 1, -1])
    points = faces.points.copy()
    points[rows] = mirrored_points(points[rows])
    return replace(faces, landmarks=landmarks, crops=crops, coefficients=values, known=known, gaze=gaze, head=head,
                   points=points)


def halves_mixed(faces: Faces, rows: np.ndarray, others: np.ndarray) -> Faces:
    """The faces with the person's right half of those of `rows` (bool [N]) taken from faces `others` (int [N]).

    What a half shows is known of it alone; jaw, lips and head are in the middle, of which nothing is known then. So a
    side is read off itself and not off the other, which in nature nearly always does the same.
    """
    crops, middle, where = faces.crops.copy(), CROP_SIZE // 2, others[rows]
    crops[rows, :, :middle] = faces.crops[where, :, :middle]
    values, known, gaze, head = (getattr(faces, name).copy() for name in ("coefficients", "known", "gaze", "head"))
    values[np.ix_(rows, _RIGHT)] = faces.coefficients[np.ix_(where, _RIGHT)]
    known[np.ix_(rows, _RIGHT)] = faces.known[np.ix_(where, _RIGHT)]
    known[np.ix_(rows, _MIDDLE)] = False
    gaze[rows, 1] = faces.gaze[where, 1]
    head[rows] = np.nan
    landmarks = np.where(rows[:, None, None], np.float32(np.nan), faces.landmarks)
    points = np.where(rows[:, None, None], np.float16(np.nan), faces.points)
    classes = np.where(rows, -1, faces.expression_class).astype(np.int8)
    return replace(faces, landmarks=landmarks, crops=crops, coefficients=values, known=known, gaze=gaze, head=head,
                   points=points, expression_class=classes)


def varied(faces: Faces, random: np.random.Generator) -> Faces:
    """As another camera, light and tracker might have given them; half of them in a mirror."""
    faces = mirrored(faces, random.random(len(faces)) < 0.5)
    crops = np.stack([varied_crop(crop, random) for crop in faces.crops])
    return replace(faces, landmarks=varied_landmarks(faces.landmarks, random), crops=crops)


def varied_landmarks(landmarks: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[N, 478, 3] with a tracker's noise, up to 0.3 % of the eyes' span."""
    span = np.linalg.norm(landmarks[:, 263, :2] - landmarks[:, 33, :2], axis=1)[:, None, None]
    strength = random.random((len(landmarks), 1, 1), np.float32) * np.float32(0.003)
    return landmarks + random.standard_normal(landmarks.shape, np.float32) * strength * span


def varied_crop(crop: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """uint8 [128, 128, 3]: other light, white balance, focus and sensor; a part covered. Never moved: crops are off by
    as much as the tracker errs, and a pixel is a third of a raised brow."""
    level = np.arange(256, dtype=np.float32) / 255
    gains = random.uniform(0.65, 1.15) * (1 + random.uniform(-0.07, 0.07, (1, 3)))
    table = level[:, None] ** random.uniform(0.75, 1.4) * gains + random.uniform(-0.05, 0.08)
    crop = cv2.LUT(crop, np.clip(table[None] * 255, 0, 255).astype(np.uint8))
    if random.random() < 0.12:
        crop = np.repeat(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[..., None], 3, 2)
    if random.random() < 0.35:
        soft = cv2.GaussianBlur(crop, (0, 0), random.uniform(0.5, 1.4))
        crop = cv2.addWeighted(soft, 1.0, crop, 0.0, 0) if random.random() < 0.7 else cv2.addWeighted(
            crop, 1.8, soft, -0.8, 0)
    if random.random() < 0.3:
        noise = random.integers(0, 256, crop.shape, np.int16) - 128
        crop = np.clip(crop + noise * random.uniform(0.01, 0.1), 0, 255).astype(np.uint8)
    if random.random() < 0.15:
        (top, left), (high, wide) = random.integers(0, 128, 2), random.integers(10, 42, 2)
        crop = crop.copy()
        crop[top:top + high, left:left + wide] = random.integers(0, 256, 3)
    return crop


def to_torch(faces: Faces) -> tuple[Tensor, Tensor]:
    """Landmarks and crops as the network takes them."""
    return torch.from_numpy(faces.landmarks), torch.from_numpy(np.ascontiguousarray(faces.crops))
