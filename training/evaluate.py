"""How good the networks are on faces they never saw, beside what else could do the job; writes their cards."""
from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from addon.core import coefficients
from addon.core.frames import FaceFrame
from addon.core.model_card import read_card

GOOD_ON_MEDIAPIPE = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "mouthPucker",
                     "browOuterUpLeft", "browOuterUpRight", "browInnerUpLeft")
"""Channels in which MediaPipe follows real faces well."""
DEAD_ON_MEDIAPIPE = ("cheekPuffLeft", "cheekPuffRight", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
                     "noseSneerRight", "jawForward")
_SHAPES = 53
_MOVING = 0.02
"""Channels whose truth varies less than this (standard deviation) have no meaningful correlation."""


def correlations(guess: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pearson r per column (of 54 the 53 ICT shapes) over N faces; NaN where the truth hardly varies, 0 where the guess
    is constant."""
    guess, truth = guess[:, :_SHAPES].astype(np.float64), truth[:, :_SHAPES].astype(np.float64)
    a, b = guess - guess.mean(0), truth - truth.mean(0)
    spread = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    r = np.divide((a * b).sum(0), spread, out=np.zeros(len(spread)), where=spread > 1e-9)
    return np.where(truth.std(0) > _MOVING, r, np.nan)


def figures(guess: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Mean r, mean absolute error, the least r among the channels that are dead in MediaPipe, and the mean r of what
    the left side does more than the right one (0 where both always do the same)."""
    r, uneven = correlations(guess, truth), correlations(_unevenness(guess), _unevenness(truth))
    uneven = uneven[np.isfinite(uneven)]
    return {
        "mean_r": float(np.nanmean(r)), "mae": float(np.abs(guess - truth)[:, :_SHAPES].mean()),
        "dead_min_r": float(np.nanmin(r[coefficients.indices(DEAD_ON_MEDIAPIPE)])),
        "one_sided_r": float(uneven.mean()) if len(uneven) else 0.0,
    }


def _unevenness(values: np.ndarray) -> np.ndarray:
    """Of coefficients [N, 54]: left less right, in columns of pairs that can go alone on one side."""
    left = [i for i, name in enumerate(coefficients.NAMES) if name.endswith("Left")
            and not name.startswith(("eyeLook", "jaw")) and name != "mouthLeft"]
    return values[:, left] - values[:, np.array(coefficients.MIRROR)[left]]


def tracked_faces(columns: dict[str, np.ndarray]) -> list[FaceFrame]:
    """The faces of a test set as the tracker gave them, a second apart."""
    return [FaceFrame(float(i), bool(found), landmarks, float(found), crop) for i, (found, landmarks, crop) in
            enumerate(zip(columns["found"], columns["landmarks"], columns["crops"], strict=True))]


def encode(columns: dict[str, np.ndarray], model: Path | str = "expression") -> tuple[np.ndarray, float]:
    """Coefficients [N, 54], clipped to 0..1, of a test set by the shipped encoder, and its ms a face one at a time."""
    from addon.expression.encoder import Encoder

    encoder, faces = Encoder(model), tracked_faces(columns)
    begun = time.perf_counter()
    for face in faces[:200]:
        encoder.encode_one(face)
    ms = (time.perf_counter() - begun) / min(200, len(faces)) * 1000
    return encoder.encode(faces).coefficients.clip(0, 1), ms


def mediapipe_landmarker(video: bool = False) -> Any:
    """Google's Face Landmarker with blendshapes from the shared models.

    Raises:
        ImportError: without the mediapipe package.
    """
    from mediapipe.tasks import python
    from mediapipe.tasks.python import vision

    from training.performers import shared_folder

    return vision.FaceLandmarker.create_from_options(vision.FaceLandmarkerOptions(
        base_options=python.BaseOptions(model_asset_path=str(shared_folder() / "models" / "face_landmarker.task")),
        output_face_blendshapes=True, num_faces=1,
        running_mode=vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE,
    ))


def blendshapes_of(result: Any) -> np.ndarray | None:
    """MediaPipe's answer as our coefficients [54], its browInnerUp and cheekPuff on both sides; None without a face."""
    if not result.face_blendshapes:
        return None
    score = {row.category_name: row.score for row in result.face_blendshapes[0]}
    return np.array([score.get(name, 0.0) for name in coefficients.ARKIT_OF], np.float32)


def pictures_of(columns: dict[str, np.ndarray]) -> Any:
    """The pictures of a test set, BGR, one after the other."""
    begin = 0
    for end in columns["picture_ends"]:
        yield cv2.imdecode(columns["pictures"][begin:end], cv2.IMREAD_COLOR)
        begin = end


def mediapipe_blendshapes(columns: dict[str, np.ndarray]) -> np.ndarray:
    """MediaPipe's coefficients [N, 54] on the pictures of a test set; zeros where it finds no face."""
    import mediapipe

    landmarker, rows = mediapipe_landmarker(), []
    for picture in pictures_of(columns):
        rgb = np.ascontiguousarray(picture[..., ::-1])
        answer = blendshapes_of(landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)))
        rows.append(np.zeros(coefficients.COUNT, np.float32) if answer is None else answer)
    return np.stack(rows)


def write_expression_card(folder: Path, training_faces: dict[str, int], data: Path) -> dict[str, dict[str, float]]:
    """Measure the network in `folder` on the unseen people and write its card.toml; returns the figures.

    `training_faces` says how many faces of each kind it was trained on.
    """
    from training.make_expression_data import TEST_SEED, test_set

    sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    text = _CARD.format(version=time.strftime("%Y.%m.%d"), sha256=sha256, **training_faces)
    (folder / "card.toml").write_text(text, encoding="utf-8")
    measured = {}
    for kind in ("random", "performance"):
        columns = test_set(kind, data)
        guess, ms = encode(columns, folder)
        measured[kind] = {**figures(guess, columns["coefficients"]), "encode_ms": ms}
        text += f"\n[quality.{kind}]\nfaces = {len(guess)}\nseed = {TEST_SEED}\n"
        text += "".join(f"{name} = {value:.4f}\n" for name, value in measured[kind].items())
    (folder / "card.toml").write_text(text, encoding="utf-8")
    read_card(folder)
    return measured


_CARD = '''# Written by training/evaluate.py together with the network it measured.
schema = 1
name = "expression"
version = "{version}"
licence = "GPL-3.0-or-later"
sha256 = "{sha256}"
data = """
{tracked} faces seen by our tracker and {crops} crops alone, five of each person, rendered by
training/make_expression_data.py from ICT-FaceKit (USC ICT, MIT): random mixes of its 53 shapes, frames of one real Live
Link Face take (alexdjulin/LiveLinkFace-CSV-Retarget-For-Motionbuilder, MIT; every fourth stretch of the take is kept
for the test), our own faces of the seven classes; and {drawn} pictures of our five characters by
training/drawn_faces.py. The faces of one person in sixteen only told how much each expert is believed."""
limits = """
Gaze is learned with 34 degrees sideways, 26 up and 35 down at an eyeLook coefficient of 1. Quality is measured on
synthetic people that were not trained on."""

[[input]]
name = "landmarks"
shape = [-1, 478, 3]
meaning = "px of the picture, MediaPipe's order, z in the scale of x; all NaN where they are not known"

[[input]]
name = "crop"
shape = [-1, 128, 128, 3]
meaning = "uint8 BGR, the aligned crop of addon/tracking/crop.py; black where it is not known"

[[output]]
name = "coefficients"
shape = [-1, 54]
meaning = "in the order of addon/core/coefficients.toml; about 0..1, calibration clips"

[[output]]
name = "gaze"
shape = [-1, 2, 2]
meaning = "eye (left, right), (yaw, pitch), rad relative to the head"

[[output]]
name = "head"
shape = [-1, 3]
meaning = "yaw, pitch, roll, rad"

[[output]]
name = "embedding"
shape = [-1, 128]
meaning = "has like directions for like expressions; the last numbers are 0"

[[output]]
name = "classes"
shape = [-1, 7]
meaning = "probabilities of the classes of addon/core/key_poses.py"

[[output]]
name = "confidence"
shape = [-1]
meaning = "0..1: how right the coefficients probably are; about 0 where there is no face"
'''
