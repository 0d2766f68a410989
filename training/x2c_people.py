"""What X2CNet makes of people without the motion transfer that it needs, beside the extension's own way.

Its authors first let LivePortrait draw the robot in the person's pose (130 million parameters, not here); the mapping
network only ever sees the robot. Here it is shown the person, as large as Ada and where she is. The truth are the exact
coefficients of synthetic people, carried to Ada by what her profile says that her controls mean.
"""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from addon.characters.meaning_decoder import MeaningDecoder
from addon.core.coefficients import gaze_of
from addon.core.control_set import ControlSet
from addon.core.frames import EMBEDDING_SIZE, ExpressionTrack, FaceFrame
from addon.expression.encoder import Encoder
from addon.tracking.crop import crop_transform
from training.evaluate import pictures_of, tracked_faces
from training.x2c_data import Renders, View
from training.x2c_model import VIEWS, read_controls
from training.x2c_report import MODEL, Measured, measure

_PICTURE_PX = 256
"""Of a pair."""


def people_measured(columns: dict[str, np.ndarray], learned: Renders, controls: ControlSet,
                    model: Path = MODEL, count: int = 500) -> Measured:
    """The errors on the first `count` people of a test set of make_expression_data that our tracker found."""
    rows = np.flatnonzero(columns["found"])[:count]
    chosen = set(rows.tolist())
    faces = [face for row, face in enumerate(tracked_faces(columns)) if row in chosen]
    pictures = [picture for row, picture in enumerate(pictures_of(columns)) if row in chosen]
    truth = _by_meaning(controls, columns["coefficients"][rows], columns["head"][rows])
    place = typical_place(learned)
    seen = np.stack([as_the_robot(picture, face, place, VIEWS["small"])
                     for picture, face in zip(pictures, faces, strict=True)])
    track = Encoder().encode(faces)
    return measure({
        "neutral": np.tile(controls.neutral, (len(rows), 1)),
        "mean of Ada's pairs": np.tile(learned.controls.mean(0), (len(rows), 1)),
        "X2CNet without motion transfer": controls.unscaled(read_controls(model, seen)),
        "our encoder + Ada's meanings": _by_meaning(controls, track.coefficients.clip(0, 1), track.head),
    }, truth, controls)


def _by_meaning(controls: ControlSet, coefficients: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Coefficients [N, 54] and head [N, 3] rad → values [N, 30]."""
    count = len(coefficients)
    return MeaningDecoder(controls).decode(ExpressionTrack(
        np.arange(count, dtype=np.float64), coefficients.astype(np.float32), np.zeros((count, EMBEDDING_SIZE)),
        gaze_of(coefficients).astype(np.float32), head.astype(np.float32), np.ones(count, np.float32),
    )).values


def typical_place(learned: Renders) -> np.ndarray:
    """(x, y, size) of Ada's face in her pictures: px, and the side of the aligned crop in px."""
    return np.median([_place(face) for face in learned.faces if face.found], axis=0)


def _place(face: FaceFrame) -> np.ndarray:
    matrix = crop_transform(face.landmarks)
    zoom = np.hypot(*matrix[0, :2])
    middle = np.linalg.solve(matrix[:, :2], np.full(2, (len(face.crop) - 1) / 2) - matrix[:, 2])
    return np.array([*middle, len(face.crop) / zoom])


def as_the_robot(picture: np.ndarray, face: FaceFrame, place: np.ndarray, view: View) -> np.ndarray:
    """uint8 [side, side, 3] RGB: the person of a picture (BGR), as large as the robot and where it is; the head stays
    turned and tilted."""
    x, y, size = _place(face)
    zoom = place[2] / size
    matrix = np.array([[zoom, 0, place[0] - zoom * x], [0, zoom, place[1] - zoom * y]])
    moved = cv2.warpAffine(picture, matrix, (_PICTURE_PX, _PICTURE_PX), flags=cv2.INTER_AREA,
                           borderMode=cv2.BORDER_REPLICATE)
    return view.of(moved)[..., ::-1]
