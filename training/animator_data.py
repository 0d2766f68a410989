"""What the animator learns from: expressions beside the controls that they are, for each of our characters.

* *people*: what the encoder reads of synthetic people, and the same exactly, with the controls that the exact ones
  mean: what a reading adds or misses is unlearned here, and a mouth that is closed is closed;
* *own*: what the encoder reads of the character's own pictures (`semblance pairs`), with the controls that made them;
* *wild*: what it reads of people of whom nothing is known.

Readings cost minutes, so they are kept in out/animator under the name of the encoder that made them.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np

from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.coefficients import gaze_of
from addon.core.errors import SemblanceError
from addon.core.files import replacing
from addon.core.frames import CROP_SIZE, FaceFrame, Frame, unknown_landmarks
from addon.core.pair_set import TEST, TRAINING, Shard, read_header, read_pairs
from addon.core.rig_profile import RigProfile
from addon.expression.calibration import Calibration, calibrate
from addon.expression.encoder import Encoder
from addon.tracking.crop import aligned_crop, crop_transform
from addon.tracking.drawn import DrawnFaceTracker
from training.animator_model import inputs_of
from training.expression_data import Faces, each_shard
from training.pip_pairs import as_track

with (Path(__file__).parent / "drawn_faces.toml").open("rb") as _file:
    _PLACES: Final = tomllib.load(_file)
AT_REST: Final = 1e-6


@dataclass(frozen=True)
class Reading:
    """What the encoder reads of N faces, and what is true of them."""

    inputs: np.ndarray
    """float32 [N, INPUTS]."""
    truth: np.ndarray
    """People: exact inputs float32 [N, INPUTS]. Own: controls float32 [N, K], rig units."""
    crops: np.ndarray
    """uint8 [N, 128, 128, 3] BGR; of people none are kept ([N, 0, 0, 3])."""


def meant(profile: RigProfile, inputs: np.ndarray) -> np.ndarray:
    """Controls float32 [N, K], rig units, that inputs [N, INPUTS] mean on a character."""
    return load_decoder(profile).decode(as_track(inputs)).values


def read_people(encoder: Encoder, paths: list[Path], folder: Path) -> Reading:
    """Readings of the synthetic people in training shards; kept in `folder`, a file for each shard."""
    parts = [_kept(folder / f"{path.stem}_{encoder.card.sha256[:8]}.npz", lambda faces=faces: _people(encoder, faces))
             for path, faces in zip(paths, each_shard(paths), strict=True)]
    return Reading(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Reading)))


def people_of(columns: dict[str, np.ndarray], encoder: Encoder, path: Path) -> Reading:
    """The same of a test set (`make_expression_data.test_set`): the faces that the tracker found."""
    rows = np.flatnonzero(columns["found"])
    frames = [FaceFrame(float(row), True, columns["landmarks"][row], 1.0, columns["crops"][row]) for row in rows]
    exact = _exact(columns["coefficients"][rows], columns["head"][rows])
    none = np.zeros((len(rows), 0, 0, 3), np.uint8)
    return _kept(path, lambda: Reading(inputs_of(encoder.encode(frames)), exact, none))


def read_own(encoder: Encoder, profile: RigProfile, pairs: Path, purpose: str, folder: Path, most: int) -> Reading:
    """Readings of up to `most` of the character's own pictures in out/pairs, rest taken off; kept in `folder`."""
    learned = _of_pictures(encoder, profile, pairs, TRAINING, folder, most)
    raw = learned if purpose == TRAINING else _of_pictures(encoder, profile, pairs, TEST, folder, most)
    still = np.abs(learned.truth - profile.control_set.neutral).max(1) < AT_REST
    if not still.any():
        raise SemblanceError(f"The pairs of {profile.name} never show it at rest; make more of them.")
    middle, c = np.median(learned.inputs[still], axis=0), coefficients.COUNT
    rest = Calibration(middle[:c], middle[c + 4:], middle[c:c + 4].reshape(2, 2))
    return Reading(inputs_of(calibrate(as_track(raw.inputs), rest)), raw.truth, raw.crops)


def _of_pictures(
    encoder: Encoder, profile: RigProfile, pairs: Path, purpose: str, folder: Path, most: int
) -> Reading:
    source = pairs / (profile.name.lower() + ("_test" if purpose == TEST else ""))
    path = folder / f"{source.name}_{at_hand(source, most)}_{encoder.card.sha256[:8]}.npz"
    return _kept(path, lambda: _pictures(encoder, profile, source, purpose, most))


def at_hand(source: Path, most: int) -> int:
    """How many pictures of a set are used, if `most` at most: what is kept of fewer is not of the same ones."""
    return min(read_header(source)[1], most)


def _exact(values: np.ndarray, head: np.ndarray) -> np.ndarray:
    """float32 [N, INPUTS] of coefficients [N, 54] and head angles [N, 3]; the gaze is what the coefficients say."""
    parts = [values, gaze_of(values).reshape(-1, 4), np.nan_to_num(head)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _people(encoder: Encoder, faces: Faces) -> Reading:
    frames = [FaceFrame(float(i), True, faces.landmarks[i], 1.0, faces.crops[i]) for i in range(len(faces))]
    return Reading(inputs_of(encoder.encode(frames)), _exact(faces.coefficients, faces.head),
                   np.zeros((len(faces), 0, 0, 3), np.uint8))


def _pictures(encoder: Encoder, profile: RigProfile, source: Path, purpose: str, most: int) -> Reading:
    header, shards = read_pairs(source, purpose)
    if header.controls != profile.control_set.names:
        raise SemblanceError(f"The pairs in '{source}' are of other controls than {profile.name} has; make them again.")
    frames: list[FaceFrame] = []
    values: list[np.ndarray] = []
    for shard in shards:
        frames += [face for face, _ in faces_of(profile, shard)]
        values.append(shard.controls)
        if len(frames) >= most:
            break
    return Reading(inputs_of(encoder.encode(frames)), np.concatenate(values), np.stack([face.crop for face in frames]))


def faces_of(profile: RigProfile, shard: Shard) -> Iterator[tuple[FaceFrame, np.ndarray]]:
    """The faces of a shard by their landmarks where these mean something on the character, else by where it looks like
    a face; with float64 [2, 3], px of the picture → px of the crop, NaN where there is no face."""
    unknown = unknown_landmarks()
    for i, picture in enumerate(shard.images):
        image = np.ascontiguousarray(picture[..., ::-1])
        if _PLACES[profile.name].get("landmarks", True) and shard.found[i]:
            crop = aligned_crop(image, shard.landmarks[i])
            yield FaceFrame(float(i), True, shard.landmarks[i], 1.0, crop), crop_transform(shard.landmarks[i])
            continue
        tracker = DrawnFaceTracker()
        face, cut = tracker.track(Frame(image, float(i), i)), np.full((2, 3), np.nan)
        if tracker.place:
            corner, other = tracker.place
            zoom = CROP_SIZE / (other - corner)[0]
            cut = np.column_stack([zoom * np.eye(2), (CROP_SIZE - 1) / 2 - zoom * (corner + other) / 2])
        yield FaceFrame(float(i), face.found, unknown, float(face.found), face.crop), cut


def kept_arrays(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays at `path`; if it is not there, they are made and kept."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make()
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, **made)  # type: ignore[arg-type]
    with np.load(path) as data:
        return dict(data)


def _kept(path: Path, make: Callable[[], Reading]) -> Reading:
    return Reading(**kept_arrays(path, lambda: vars(make())))
