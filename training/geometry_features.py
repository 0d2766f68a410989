"""ExprGen's nine measures of a face (Aneja et al., WACV 2018, section 3), from MediaPipe's landmarks.

The paper registers 49 points to a mean frontal face by an affine map; here the head's pose is taken off in three
dimensions. Distances up and down are shares of the height of the box around the face, those across of its width.
"""
from __future__ import annotations

from typing import Final

import numpy as np
import torch

from training.face_inputs import RigidPose

NAMES: Final = ("brow_height_left", "brow_height_right", "lid_height_left", "lid_height_right", "nose_width",
                "mouth_width", "mouth_opening", "corner_height_left", "corner_height_right")
MIRROR: Final = np.array([1, 0, 3, 2, 4, 5, 6, 8, 7])
"""`features[..., MIRROR]` is the same face seen in a mirror."""
_LEFT: Final = {"brow": 334, "corners": (263, 362), "upper_lid": 386, "lower_lid": 374, "nose": 358, "mouth": 291}
_RIGHT: Final = {"brow": 105, "corners": (33, 133), "upper_lid": 159, "lower_lid": 145, "nose": 129, "mouth": 61}
_INNER_LIPS: Final = (13, 14)
"""Middle of the upper and of the lower one."""


def geometry_features(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks [N, 478, 3] px → float32 [N, 9] in the order of NAMES; NaN where the landmarks are."""
    with torch.no_grad():
        points, _ = RigidPose()(torch.from_numpy(np.ascontiguousarray(landmarks, np.float32)))
    across, down = points[..., 0].numpy(), points[..., 1].numpy()
    width, height = np.ptp(across, axis=1), np.ptp(down, axis=1)
    sides = [_side(down, which) / height for which in (_LEFT, _RIGHT)]
    nose, mouth = (across[:, _LEFT[part]] - across[:, _RIGHT[part]] for part in ("nose", "mouth"))
    opening = down[:, _INNER_LIPS[1]] - down[:, _INNER_LIPS[0]]
    brow, lid, corner = (np.stack(both) for both in zip(*sides, strict=True))
    return np.stack([*brow, *lid, nose / width, mouth / width, opening / height, *corner], 1).astype(np.float32)


def _side(down: np.ndarray, which: dict) -> np.ndarray:
    """Heights [3, N]: top of the brow above the eye's centre, eye opening, mouth corner below the lower lid."""
    eye = down[:, which["corners"]].mean(1)
    return np.stack([eye - down[:, which["brow"]], down[:, which["lower_lid"]] - down[:, which["upper_lid"]],
                     down[:, which["mouth"]] - down[:, which["lower_lid"]]])


def standardised(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Features [N, 9] in standard deviations from the mean of faces like them [M, 9], float64.

    People among people and each character among its own faces: a character's mouth may be twice as wide as anybody's.
    """
    return (features - np.nanmean(reference, 0)) / np.maximum(np.nanstd(reference, 0), 1e-4)
