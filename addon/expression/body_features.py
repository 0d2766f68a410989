"""What the body-to-face network hears of a body: numbers that depend neither on its size, its place nor where it faces.

B2F (section 3.1) gives 12 joints' places, orientations and velocities; here the orientations are the head's alone,
because every rig rests its bones differently, and the motion's energy is added, whose peaks are the beats.
"""
from __future__ import annotations

from typing import Final

import numpy as np

from ..core.body_motion import JOINT, BodyMotion

FPS: Final = 30.0
FOLLOWED: Final = (
    "neck", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)
COUNT: Final = 6 * len(FOLLOWED) + 12
_ROWS: Final = [JOINT[name] for name in FOLLOWED]
_FAST: Final = 2.0
"""Body sizes a second, rad a second: what counts as 1."""
_WEIGHTS: Final = {"head": 1.0, "left_wrist": 0.6, "right_wrist": 0.6, "left_ankle": 0.25, "right_ankle": 0.25,
                   "pelvis": 0.8}
_MOST: Final = 4.0
_APART_S: Final = 0.3


def features(motion: BodyMotion) -> np.ndarray:
    """A motion at FPS → float32 [T, COUNT], the last column its energy."""
    size = body_size(motion)
    joints = motion.joints.astype(np.float64) / size
    pelvis = joints[:, 0]
    yaw = heading(joints)
    back = _turn_back(yaw)
    places = np.einsum("tij,tkj->tki", back, joints[:, _ROWS] - pelvis[:, None])
    speeds = np.einsum("tij,tkj->tki", back, _rate(joints[:, _ROWS])) / _FAST
    pelvis_speed = np.einsum("tij,tj->ti", back, _rate(pelvis)) / _FAST
    height = pelvis[:, 1:2] - np.median(pelvis[:, 1])
    turning = _rate(yaw[:, None]) / _FAST
    found = np.concatenate([
        places.reshape(len(motion), -1), speeds.reshape(len(motion), -1), height, pelvis_speed, turning,
        motion.head, _rate(motion.head) / _FAST, energy(motion)[:, None],
    ], 1)
    return np.clip(found, -_MOST, _MOST).astype(np.float32)


def energy(motion: BodyMotion) -> np.ndarray:
    """How much the body moves, float64 [T], 0 at rest, about 1 in a lively gesture: weighted speed of its ends."""
    joints = motion.joints.astype(np.float64) / body_size(motion)
    weights = np.array(list(_WEIGHTS.values()))
    ends = joints[:, [JOINT[name] for name in _WEIGHTS]]
    speed = np.linalg.norm(_rate(ends), axis=2)
    turning = np.linalg.norm(_rate(motion.head), axis=1)
    return smoothed((speed @ weights) / weights.sum() + 0.25 * turning, 0.1)


def beats(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of an energy [T] at FPS: int frames, and how far each stands out, 0..1; of two near ones the higher."""
    inner = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    kept: list[int] = []
    for peak in sorted(inner, key=lambda i: -values[i]):
        if all(abs(peak - other) >= _APART_S * FPS for other in kept):
            kept.append(int(peak))
    peaks = np.array(sorted(kept), int)
    around = smoothed(values, 0.7)
    out = (values[peaks] - around[peaks]) / (0.15 + around[peaks])
    return peaks[out > 0.05], np.clip(out[out > 0.05], 0, 1)


def smoothed(values: np.ndarray, sigma_s: float) -> np.ndarray:
    """[T, ...] at FPS under a Gaussian of that width; the ends are held."""
    reach = int(np.ceil(3 * sigma_s * FPS))
    kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / (sigma_s * FPS)))
    kernel /= kernel.sum()
    columns = np.pad(values.reshape(len(values), -1), ((reach, reach), (0, 0)), mode="edge").T
    return np.stack([np.convolve(column, kernel, "valid") for column in columns], 1).reshape(values.shape)


def body_size(motion: BodyMotion) -> float:
    """The length of trunk and head, median over the motion; 1 for a body without any."""
    trunk = motion.joints[:, JOINT["head"]] - motion.joints[:, 0]
    return 2.5 * float(np.median(np.linalg.norm(trunk, axis=1))) or 1.0


def heading(joints: np.ndarray) -> np.ndarray:
    """Where the body faces, yaw rad [T] without jumps: across to its left, shoulders and hips together."""
    left = sum(joints[:, JOINT[f"left_{part}"]] - joints[:, JOINT[f"right_{part}"]] for part in ("shoulder", "hip"))
    return np.unwrap(np.arctan2(-left[:, 2], left[:, 0]))


def _turn_back(yaw: np.ndarray) -> np.ndarray:
    """Rotations [T, 3, 3] that let the body face the front."""
    c, s, none = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)
    return np.stack([np.stack([c, none, -s], -1), np.stack([none, none + 1, none], -1), np.stack([s, none, c], -1)], -2)


def _rate(values: np.ndarray) -> np.ndarray:
    """Change a second at FPS, [T, ...]."""
    return np.gradient(values.astype(np.float64), 1 / FPS, axis=0)
