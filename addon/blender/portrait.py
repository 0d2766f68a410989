"""Portraits of one character: the same camera and light for ever, any values on its controls, a picture each.

Without a graphics card a picture of 256 px costs 0.1 s of one core, and 0.5 s and more with the surfaces subdivided,
which Blender does anew for each picture. So the cage is drawn as it is, at twice the size, and averaged down: this also
smooths the edges, at less than half the cost of Blender's own eight samples.
"""
from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import bpy
import numpy as np

from ..core.errors import SemblanceError, require
from ..core.rig_profile import RigProfile
from .apply import add_character
from .binding import Binding, bind
from .rendering import check_graphics, front_camera, is_whole_png
from .scenes import open_scene

VERSION: Final = 1
"""Rises when the same values give another picture than before."""
FILL: Final = 0.84
"""The head's share of the picture; the face detector wants the whole head with some room, and heads turn."""
_FINER: Final = 2
_MOVED: Final = 0.02
"""A vertex belongs to the head if some control moves it by this share of the character's size."""


class Portrait:
    """A character on a stage of its own, with a camera that holds the whole head of its rest pose.

    Opens a new, empty scene: what was open in this Blender before is gone. Use it as a context manager.

    Raises:
        SemblanceError: if the character's file or its controls are missing, or nothing can be drawn here.
    """

    def __init__(self, profile: RigProfile, size: int) -> None:
        check_graphics()
        self._cv2 = require("cv2", "Taking portraits")
        self._profile, self._size = profile, size
        self.scene, self.binding = self._stage(profile)
        self._set_up_render()
        self.scene.camera = front_camera(self.scene, *self._head_box(), FILL)
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="semblance-portrait-")
        except OSError as error:
            raise SemblanceError(f"Pictures need room in '{tempfile.gettempdir()}': {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._folder.cleanup()

    def _stage(self, profile: RigProfile) -> tuple[bpy.types.Scene, Binding]:
        """The scene that is drawn, and the character in it."""
        scene = open_scene(None)
        return scene, bind(profile, scene, add_character(profile, scene))

    @property
    def missing(self) -> tuple[str, ...]:
        """One sentence for each control of the profile that the character does not carry."""
        return self.binding.missing

    def take(self, values: np.ndarray) -> np.ndarray:
        """The character with `values` [K] (rig units) on its controls; uint8 [size, size, 3] RGB.

        Raises:
            SemblanceError: if Blender cannot draw, or its picture cannot be put on the disk for a moment.
        """
        picture = self._cv2.imdecode(self._draw(values), self._cv2.IMREAD_COLOR)
        smaller = self._cv2.resize(picture, (self._size, self._size), interpolation=self._cv2.INTER_AREA)
        return np.ascontiguousarray(smaller[..., ::-1])

    def _draw(self, values: np.ndarray) -> np.ndarray:
        """The bytes of a PNG picture as the scene's settings say, with `values` [K] on the controls; uint8 [B]."""
        self.binding.write(values)
        path = Path(self._folder.name, "picture.png")
        self.scene.render.filepath = str(path)
        try:
            bpy.ops.render.render(write_still=True, scene=self.scene.name)
            data = path.read_bytes()
            path.unlink()
        except RuntimeError as error:
            raise SemblanceError(f"Blender cannot draw '{self._profile.name}': {str(error).strip()}") from error
        except OSError:
            data = b""
        if not is_whole_png(data):
            raise SemblanceError(f"Blender could not write all of '{path}'; free some space there, or set TMPDIR.")
        return np.frombuffer(data, np.uint8)

    def _set_up_render(self) -> None:
        render = self.scene.render
        render.engine = "BLENDER_WORKBENCH"
        self.scene.display.render_aa = "OFF"
        render.resolution_x = render.resolution_y = self._size * _FINER
        render.resolution_percentage = 100
        render.use_sequencer = render.use_compositing = False
        render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
        render.image_settings.compression = 0
        render.use_simplify = True
        render.simplify_subdivision = render.simplify_subdivision_render = 0

    def _head_box(self) -> tuple[list[float], list[float]]:
        """Lowest and highest corner [3] of what the controls move, in the rest pose: shoulders and base stay out."""
        controls = self._profile.control_set
        rest, *ends = [self._points(values) for values in (controls.neutral, controls.minimum, controls.maximum)]
        every = np.concatenate(list(rest.values()))
        threshold = _MOVED * float(np.ptp(every, axis=0).max())
        moved = [
            points[np.linalg.norm(end[name] - points, axis=1) > threshold]
            for end in ends for name, points in rest.items()
            if name in end and len(end[name]) == len(points)
        ]
        head = np.concatenate([every[:0], *moved])
        head = head if len(head) else every
        return head.min(axis=0).tolist(), head.max(axis=0).tolist()

    def _points(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """`world_points` in axes in which the camera looks along +Y."""
        return self.world_points(values)

    def world_points(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """World coordinates float32 [N, 3] of each visible mesh by name, with `values` on the controls."""
        self.binding.write(values)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        depsgraph.update()
        found = {}
        for item in self.scene.objects:
            if item.type == "MESH" and item.visible_get() and not item.hide_render:
                evaluated = item.evaluated_get(depsgraph)
                points = np.empty(len(evaluated.data.vertices) * 3, np.float32)
                evaluated.data.vertices.foreach_get("co", points)
                matrix = np.array(evaluated.matrix_world, np.float32)
                found[item.name] = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        return found
