"""Draws a clothed figure from a motion's 22 joints: whole bodies to track, feet included, with known joints.

Limbs are tapered cylinders lit from the upper left, the nearest drawn last. The figure is as plain as a tailor's
dummy; MediaPipe's pose network takes it for a person all the same.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from addon.core.body_motion import JOINT, BodyMotion
from addon.core.bvh import read_bvh
from addon.core.frames import Frame

from .performers import shared_folder

SIZE: Final = (640, 480)
"""Height and width of the picture, px."""
SKIN, SHIRT, TROUSERS, SHOE, HAIR = (150, 180, 225), (150, 80, 60), (70, 60, 55), (30, 30, 35), (25, 35, 50)
LIMBS: Final = (
    ("left_hip", "left_knee", 0.05, 0.036, TROUSERS), ("left_knee", "left_ankle", 0.036, 0.024, TROUSERS),
    ("left_ankle", "left_foot", 0.027, 0.021, SHOE), ("left_shoulder", "left_elbow", 0.033, 0.027, SHIRT),
    ("left_elbow", "left_wrist", 0.025, 0.018, SKIN),
)
"""From joint to joint, radii there in body heights, colour; the right side is the same."""


def walk(every: int = 40, count: int = 12) -> Iterator[Frame]:
    """Frames of the CMU walk, far apart in it: seen from the front, turned to the left and to the right by turns."""
    motion = read_bvh(shared_folder() / "data" / "body_motion" / "cmu_01_01.bvh")
    for i in range(count):
        yield Frame(figure(motion, i * every % len(motion), 0.6 * np.sin(i)), i / 30, i)


def figure(motion: BodyMotion, i: int, turn: float = 0.0) -> np.ndarray:
    """uint8 [H, W, 3] BGR: frame `i` of the motion, facing the camera but for `turn` rad to its left."""
    joints = _before_camera(motion, i, turn)
    parts = [*LIMBS, *((a.replace("left", "right"), b.replace("left", "right"), *rest) for a, b, *rest in LIMBS)]
    shapes = [(joints[JOINT[a]], joints[JOINT[b]], ra, rb, colour) for a, b, ra, rb, colour in parts]
    for side in ("left", "right"):
        elbow, wrist = joints[JOINT[f"{side}_elbow"]], joints[JOINT[f"{side}_wrist"]]
        shapes.append((wrist, wrist + (wrist - elbow) * 0.45, 0.02, 0.014, SKIN))
    pelvis, chest = joints[JOINT["pelvis"]], joints[JOINT["spine3"]]
    shoulders = [joints[JOINT[f"{side}_shoulder"]] for side in ("left", "right")]
    shapes += [(pelvis, chest, 0.07, 0.08, SHIRT), (shoulders[0], shoulders[1], 0.036, 0.036, SHIRT)]
    neck, head = joints[JOINT["neck"]], joints[JOINT["head"]]
    shapes += [(neck, head, 0.032, 0.032, SKIN)]
    image = np.full((*SIZE, 3), (200, 205, 205), np.uint8)
    image[int(0.86 * SIZE[0]):] = (150, 160, 170)
    scale, origin = 0.72 * SIZE[0], np.array([SIZE[1] / 2, 0.47 * SIZE[0]])
    for a, b, ra, rb, colour in sorted(shapes, key=lambda shape: shape[0][2] + shape[1][2]):
        _limb(image, origin + scale * a[:2] * (1, -1), origin + scale * b[:2] * (1, -1), scale * ra, scale * rb, colour)
    _head(image, origin + scale * (head + (head - neck) * 0.3)[:2] * (1, -1), 0.062 * scale, turn)
    return cv2.GaussianBlur(image, (3, 3), 0)


def _before_camera(motion: BodyMotion, i: int, turn: float) -> np.ndarray:
    """Joints [22, 3] around the hips, front to the camera (z); the body's height is 1."""
    joints = motion.joints[i].astype(np.float64)
    left = joints[JOINT["left_shoulder"]] - joints[JOINT["right_shoulder"]]
    yaw = np.arctan2(left[2], left[0]) + turn
    cos, sin = np.cos(yaw), np.sin(yaw)
    joints = (joints - joints[JOINT["pelvis"]]) @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    rest = motion.joints[0, :, 1]
    return joints / (1.12 * float(rest.max() - rest.min()))  # the head is higher than its joint


def _limb(
    image: np.ndarray, a: np.ndarray, b: np.ndarray, ra: float, rb: float, colour: tuple[int, int, int]
) -> None:
    """A cylinder between two places [2] px, lighter on its upper left."""
    for share, light in ((1.0, 0.75), (0.75, 0.95), (0.4, 1.12)):
        shift = (1 - share) * max(ra, rb) * np.array([-0.35, -0.25])
        shade = tuple(min(255.0, light * channel) for channel in colour)
        for step in np.linspace(0, 1, 24):
            x, y = np.round((1 - step) * a + step * b + shift).astype(int)
            cv2.circle(image, (int(x), int(y)), max(1, round(share * ((1 - step) * ra + step * rb))), shade, -1)


def _head(image: np.ndarray, middle: np.ndarray, radius: float, turn: float) -> None:
    """An oval with hair, eyes, brows, nose and mouth that go to the side as it turns."""
    def oval(dx: float, dy: float, rx: float, ry: float, colour: tuple[int, int, int]) -> None:
        centre = tuple(round(float(v)) for v in middle + radius * np.array([dx, dy]))
        cv2.ellipse(image, centre, (max(1, round(rx * radius)), max(1, round(ry * radius))), 0, 0, 360, colour, -1)

    aside = 0.5 * np.sin(turn)
    oval(0, -0.12, 1.02, 1.2, HAIR)
    oval(0.2 * aside, 0.14, 0.86, 1.08, SKIN)
    for side in (-1, 1):
        x = aside + side * 0.36 * np.cos(turn)
        oval(x, -0.02, 0.15, 0.08, (240, 240, 240))
        oval(x, -0.02, 0.07, 0.08, HAIR)
        oval(x, -0.22, 0.2, 0.045, HAIR)
    oval(aside * 1.2, 0.3, 0.1, 0.16, (130, 160, 205))
    oval(aside, 0.68, 0.3, 0.07, (110, 110, 190))
