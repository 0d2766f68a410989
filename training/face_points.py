"""Points all over the skin and teeth of synthetic people, dense landmarks that the encoder's convolutions learn to find
beside the expression (after Wood et al., "3D Face Reconstruction with Dense Landmarks", ECCV 2022).

A face shows few coefficients at a time but all of its points always, so that a picture teaches more. Exact points tell
nearly everything: with half a pixel of noise on each, small plain layers read random mixes off them with r 0.91.
"""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from addon.core.frames import CROP_SIZE

if TYPE_CHECKING:
    from training.performers import Shot
    from training.render_performers import FaceRenderer

with Path(__file__).with_suffix(".toml").open("rb") as _file:
    _TABLE: Final = tomllib.load(_file)
VERTICES: Final = np.array(_TABLE["vertex"])
"""int [POINT_COUNT]: their vertices on ICT-FaceKit's mesh."""
_MIRROR: Final = np.array(_TABLE["mirror"])
POINT_COUNT: Final = len(VERTICES)


def points_in_crop(renderer: FaceRenderer, rest: np.ndarray, shot: Shot, transform: np.ndarray) -> np.ndarray:
    """float16 [POINT_COUNT, 2] px: where the points are in the crop that `transform` [2, 3] cuts out of the picture.

    `rest` is the person's resting vertices, as FaceModel.person gives them.
    """
    vertices = rest[VERTICES] + renderer.model.expression(shot.coefficients)[VERTICES]
    seen = renderer.project(vertices, shot)[:, :2]
    return (seen @ transform[:, :2].T + transform[:, 2]).astype(np.float16)


def mirrored_points(points: np.ndarray) -> np.ndarray:
    """Points [N, POINT_COUNT, 2] of faces as they are in the crops' mirror images."""
    return points[:, _MIRROR] * points.dtype.type([-1, 1]) + points.dtype.type([CROP_SIZE - 1, 0])


def find_modes(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What faces [N, POINT_COUNT, 2] have in common: mean float32 [2 × POINT_COUNT] px, the `count` directions
    [2 × POINT_COUNT, count] in which they differ most (principal components, of length 1), and by how much [count] px.
    """
    flat = points.reshape(len(points), -1).astype(np.float32)
    mean = flat.mean(0)
    covariance = np.zeros((len(mean), len(mean)))
    for part in np.array_split(flat, max(1, len(flat) // 4096)):
        covariance += (part - mean).T @ (part - mean)
    sizes, directions = np.linalg.eigh(covariance / len(flat))
    chosen = slice(None, -count - 1, -1)
    return mean, directions[:, chosen].astype(np.float32), np.sqrt(sizes[chosen].clip(1e-6)).astype(np.float32)
