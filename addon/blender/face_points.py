"""Points of a face that landmarks mark in its portrait, tied to its meshes: where they go, known without drawing."""
from __future__ import annotations

from typing import Final

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from .portrait import Portrait

_EYE_CORNERS: Final = (33, 263)
"""Landmarks: outer corners of the right and the left eye."""
_LIDS: Final = (
    np.array([33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173]),
    np.array([263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398]),
)
"""Landmarks around the right and the left eye."""
_OUTWARDS: Final = (1.6, 2.4, 3.2)
"""On eyes larger than a person's these landmarks lie on the eyeball, which does not move when the eye is shut: the lid
is looked for so many times as far from the eye's middle too."""


class FacePoints:
    """The face's points, each a place in a triangle of a mesh."""

    def __init__(self, portrait: Portrait, landmarks: np.ndarray, size: int) -> None:
        """Tie `landmarks` [478, 3], px of the neutral portrait of `size` px, to what is seen there."""
        self._portrait = portrait
        self._neutral = portrait.binding.profile.control_set.neutral
        corners = self._corners(self._neutral)
        triangles = _triangles(portrait.scene, corners)
        points = np.concatenate(list(corners.values()))
        hit, places = _hits(portrait.scene.camera, BVHTree.FromPolygons(points.tolist(), triangles.tolist()),
                            _with_lids(landmarks), size)
        self._vertices = triangles[hit]
        self._shares = _barycentric(places, points[self._vertices])
        self._count = len(points)
        self._axes = np.array(portrait.scene.camera.matrix_world.to_3x3(), np.float32)
        right, left = self._seen(points)[list(_EYE_CORNERS), :2]
        self._axes /= max(float(np.linalg.norm(left - right)), 1e-9)
        self._rest = self._seen(points)
        self.rest = self._rest[: len(landmarks)]
        """float32 [478, 3]: x to the person's left, y up, z out of the face, in distances between the eyes' outer
        corners."""

    def movement(self, values: np.ndarray) -> np.ndarray | None:
        """float32 [478, 3]: where the points go from `rest` with `values` [K] on the controls; None if the meshes have
        other vertices then.
        """
        points = np.concatenate(list(self._corners(values).values()))
        if len(points) != self._count:
            return None
        moved = self._seen(points) - self._rest
        movement, lids = moved[: len(self.rest)].copy(), np.concatenate(_LIDS)
        places = np.stack([movement[lids], *moved[len(self.rest):].reshape(len(_OUTWARDS), len(lids), 3)])
        farthest = np.linalg.norm(places, axis=2).argmax(axis=0)
        movement[lids] = places[farthest, np.arange(len(lids))]
        return movement

    def _corners(self, values: np.ndarray) -> dict[str, np.ndarray]:
        return self._portrait.world_points(values)

    def _seen(self, points: np.ndarray) -> np.ndarray:
        return (points[self._vertices] * self._shares[..., None]).sum(axis=1) @ self._axes


def _with_lids(landmarks: np.ndarray) -> np.ndarray:
    """The landmarks, then those of the lids once more for each of _OUTWARDS."""
    middles = np.concatenate([np.repeat(landmarks[eye].mean(axis=0)[None], len(eye), axis=0) for eye in _LIDS])
    lids = landmarks[np.concatenate(_LIDS)]
    return np.concatenate([landmarks, *(middles + outwards * (lids - middles) for outwards in _OUTWARDS)])


def _triangles(scene: bpy.types.Scene, corners: dict[str, np.ndarray]) -> np.ndarray:
    """int [T, 3] into the points of all meshes one after the other."""
    depsgraph, first, found = bpy.context.evaluated_depsgraph_get(), 0, []
    for name, points in corners.items():
        mesh = scene.objects[name].evaluated_get(depsgraph).data
        mesh.calc_loop_triangles()
        triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", triangles)
        found.append(triangles.reshape(-1, 3) + first)
        first += len(points)
    return np.concatenate(found)


def _hits(
    camera: bpy.types.Object, tree: BVHTree, landmarks: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The triangle int [P] behind each landmark, or the nearest one, and the place float [P, 3] on it."""
    data, turn = camera.data, camera.matrix_world.to_3x3()
    half = data.sensor_height / data.lens / 2
    hit, places = [], []
    for x, y in (landmarks[:, :2] + 0.5) / size * 2 - 1:
        ray = (turn @ Vector((x * half, -y * half, -1))).normalized()
        place, _, triangle, _ = tree.ray_cast(camera.location, ray)
        if triangle is None:
            middle = camera.location + ray * (tree.find_nearest(camera.location)[3] or 1)
            place, _, triangle, _ = tree.find_nearest(middle)
        hit.append(triangle)
        places.append(place)
    return np.array(hit), np.array(places)


def _barycentric(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Shares [P, 3] of the corners [P, 3, 3] of a triangle in a place [P, 3] on it (Ericson 2004, section 3.4)."""
    along, across, place = (each - corners[:, 0] for each in (corners[:, 1], corners[:, 2], places))
    aa, ab, bb = (along * along).sum(1), (along * across).sum(1), (across * across).sum(1)
    pa, pb = (place * along).sum(1), (place * across).sum(1)
    area = np.maximum(aa * bb - ab * ab, 1e-20)
    second, third = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    return np.stack([1 - second - third, second, third], axis=1).astype(np.float32)
