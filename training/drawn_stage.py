"""A character before a camera and a light that change from picture to picture, and where in the picture its head is."""
from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bpy
import cv2
import numpy as np
from mathutils import Euler, Matrix, Vector

from addon.blender.portrait import Portrait
from addon.commands.terminal import without_chatter
from addon.core.frames import CROP_SIZE
from addon.core.rig_profile import RigProfile

SIZE: Final = 256
"""px, of the pictures."""
_FINER_PERCENT: Final = 75
"""Of the portrait's pixels: most crops are smaller than the picture, and each pixel costs."""
_SENSOR_MM: Final = 36.0
_LIGHTS: Final = ("Default", "basic.sl", "outdoor.sl", "paint.sl", "paint.sl", "rim.sl", "studio.sl")
_HEAD_AXES: Final = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], float)
"""Columns: to the person's left, up and out of the face, in Blender's world of a character at rest."""


@dataclass(frozen=True)
class View:
    """Camera and light of one picture."""

    orbit: tuple[float, float, float]
    """rad: how far the camera goes round the head, to the person's left and up, and how it is tilted."""
    distance: float
    """Of the camera from the face, in sides of the crop."""
    crop_px: float
    """Side of the crop in the picture, px."""
    offset: tuple[float, float]
    """Where the face is, share of the picture from its middle (right, down)."""
    light: str
    light_turn: float
    """rad."""


def random_view(random: np.random.Generator) -> View:
    """A camera up to 25 degrees beside the face, close or far, under a random light."""
    yaw, pitch = np.radians([random.uniform(-25, 25), random.uniform(-14, 14)])
    return View(
        (float(yaw), float(pitch), float(np.radians(random.normal(0, 4)))), float(np.exp(random.uniform(0.7, 2))),
        random.uniform(100, 230), (random.uniform(-0.06, 0.06), random.uniform(-0.06, 0.06)),
        str(random.choice(_LIGHTS)), random.uniform(-math.pi, math.pi) if random.random() < 0.6 else 0.0,
    )


@dataclass(frozen=True)
class Head:
    """Where the head is in a picture."""

    angles: np.ndarray
    """float32 [3]: yaw, pitch, roll towards the camera, as in core.frames."""
    centre: np.ndarray
    """float64 [2]: the middle of the crop, px."""
    side: float
    """Of the crop, px."""
    roll: float
    """rad: by which the crop is turned, clockwise in the picture."""

    def crop_transform(self) -> np.ndarray:
        """float64 [2, 3]: px of the picture → px of the crop, as tracking.crop's for landmarks."""
        zoom = CROP_SIZE / self.side
        cos, sin = zoom * np.cos(self.roll), zoom * np.sin(self.roll)
        linear = np.array([[cos, sin], [-sin, cos]])
        return np.column_stack([linear, (CROP_SIZE - 1) / 2 - linear @ self.centre])


class DrawnStage(Portrait):
    """A character's portraits without a background, each from its own view.

    Raises:
        SemblanceError: as Portrait does.
        KeyError: for a character that drawn_faces.toml does not name.
    """

    def __init__(self, profile: RigProfile) -> None:
        super().__init__(profile, SIZE)
        with (Path(__file__).parent / "drawn_faces.toml").open("rb") as file:
            place = tomllib.load(file)[profile.name]
        self._middle, self._side = Vector(place["middle"]), place["side"]
        self._armature = next(item for item in self.scene.objects if item.type == "ARMATURE")
        self._bone = place["bone"]
        self.has_landmarks = place.get("landmarks", True)
        """False if the landmark networks do not read this face."""
        self.scene.render.film_transparent = True
        self.scene.render.resolution_percentage = _FINER_PERCENT
        self.scene.render.image_settings.color_mode = "RGBA"
        self.binding.write(profile.control_set.neutral)
        bpy.context.view_layer.update()
        self._rest = self._head_matrix()

    def shoot(self, values: np.ndarray, view: View) -> tuple[np.ndarray, Head]:
        """The character with `values` [K] on its controls: uint8 [SIZE, SIZE, 4] BGRA, and where its head is."""
        self.binding.write(values)
        bpy.context.view_layer.update()
        moved = self._head_matrix() @ self._rest.inverted()
        self._set_camera(view)
        shading = self.scene.display.shading
        shading.light, shading.studio_light = "STUDIO", view.light
        shading.use_world_space_lighting, shading.studiolight_rotate_z = bool(view.light_turn), view.light_turn
        picture = cv2.imdecode(self._draw(values), cv2.IMREAD_UNCHANGED)
        return cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA), self._find(moved, view)

    def _head_matrix(self) -> Matrix:
        return self._armature.matrix_world @ self._armature.pose.bones[self._bone].matrix

    def _set_camera(self, view: View) -> None:
        """Aimed at where the face is at rest; a head that turns moves in the picture."""
        yaw, pitch, tilt = view.orbit
        camera = self.scene.camera
        turned = Euler((math.pi / 2 - pitch, 0, yaw)).to_matrix() @ Matrix.Rotation(tilt, 3, "Z")
        place = self._middle + turned @ Vector((0, 0, view.distance * self._side))
        camera.matrix_world = Matrix.Translation(place) @ turned.to_4x4()
        camera.data.lens = _SENSOR_MM * view.distance * view.crop_px / SIZE
        camera.data.shift_x, camera.data.shift_y = -view.offset[0], view.offset[1]

    def _find(self, moved: Matrix, view: View) -> Head:
        camera = self.scene.camera.matrix_world
        right, down, back = camera.inverted() @ (moved @ self._middle)
        px_per_unit = SIZE * self.scene.camera.data.lens / _SENSOR_MM / -back
        centre = (SIZE - 1) / 2 + np.array([right, -down]) * px_per_unit + np.array(view.offset) * SIZE
        turn = np.array(camera.to_3x3()).T @ np.array(moved.to_3x3()) @ _HEAD_AXES
        angles = np.array([
            math.atan2(turn[0, 2], turn[2, 2]), math.asin(np.clip(turn[1, 2], -1, 1)),
            math.atan2(turn[1, 0], turn[1, 1]),
        ], np.float32)
        # The nearest turn in the picture, whose y points down.
        roll = math.atan2(turn[0, 1] - turn[1, 0], turn[0, 0] + turn[1, 1])
        return Head(angles, centre, self._side * px_per_unit, roll)


def crops_from_front(profile: RigProfile, controls: np.ndarray) -> np.ndarray:
    """Crops uint8 [N, 128, 128, 3] BGR on grey of a character with controls [N, K] before it.

    Raises:
        SemblanceError: if it cannot be drawn here.
    """
    front = View((0, 0, 0), 4.0, 200.0, (0, 0), "Default", 0.0)
    with without_chatter(), DrawnStage(profile) as stage:
        return np.stack([_crop_on_grey(*stage.shoot(row, front)) for row in controls])


def _crop_on_grey(picture: np.ndarray, head: Head) -> np.ndarray:
    """BGRA [S, S, 4] → uint8 [128, 128, 3], where the head is."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    flat = (picture[..., :3] * alpha + 128 * (1 - alpha)).astype(np.uint8)
    return cv2.warpAffine(flat, head.crop_transform(), (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_AREA)
