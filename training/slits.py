"""How far mouth and eyes of a head are open, on its meshes, as Blender makes them for any values of its controls.

A gap is how far the upper of two facing edges is above the lower one, in per cent of the width of the face between
mouth and eyes, with the head held straight.
"""
from __future__ import annotations

import importlib
import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from addon.core.rig_profile import RigProfile, find_profile
from training.performers import shared_folder

if TYPE_CHECKING:
    import bpy

    from addon.blender.binding import Binding

CHARACTERS: Final = ("mora", "pip", "gus", "uno", "ada")
_HEAD: Final = "data/facecap_head/live_mode_avatar.fbx"
"""In the shared folder: a foreign head with ARKit's shape keys."""
_MEETING: Final = 0.02
"""Vertices of a foreign head that are so near each other, in face widths, may be facing edges ..."""
_PARTING: Final = 0.4
"""... if the opening control parts them by this share of the farthest that it parts any."""
_PLACES: Final = 11


class Slits:
    """A head in a Blender of its own, and the edges that face each other on one of its meshes."""

    def __init__(self, profile: RigProfile, binding: Binding, mesh: bpy.types.Object) -> None:
        self.profile, self._binding, self._mesh = profile, binding, mesh
        self._head = np.array([control.group == "head" for control in profile.control_set.controls])
        for modifier in mesh.modifiers:
            modifier.show_viewport &= modifier.type != "SUBSURF"  # so that vertices keep their numbers

    @cached_property
    def rims(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Vertices of the upper and the lower edge, facing each other, of the mouth and the eyes."""
        raise NotImplementedError

    def gaps(self, values: np.ndarray) -> np.ndarray:
        """Values [T, K] in rig units → lips and each eye [T, 1 + eyes]: the widest place, 0 or more."""
        found = [[max(float(each.max()), 0.0) for each in self._apart(row)] for row in values]
        return np.array(found).reshape(-1, len(self.rims))

    def along_lips(self, values: np.ndarray, places: int) -> np.ndarray:
        """Values [T, K] → the lips [T, places], evenly from corner to corner; less than 0 where they overlap."""
        chosen = np.linspace(0, len(self.rims[0][0]) - 1, places + 2).round().astype(int)[1:-1]
        return np.array([self._apart(row)[0][chosen] for row in values])

    def skin(self, values: np.ndarray) -> np.ndarray:
        """The mesh's vertices [T, N, 3] for values [T, K], the head straight, in per cent of the face's width."""
        return np.stack([self.points(self._straight(row)) for row in values]) * (100 / self._width)

    @cached_property
    def _width(self) -> float:
        rest = self.points(self.profile.control_set.neutral)
        mouth, eye = (rest[upper, 2].mean() for upper, _ in self.rims[:2])
        return float(np.ptp(rest[(rest[:, 2] > mouth) & (rest[:, 2] < eye), 0]))

    def _apart(self, values: np.ndarray) -> list[np.ndarray]:
        apart = self._heights(self.points(self._straight(values)))
        return [100 * (each - shut) / self._width for each, shut in zip(apart, self._shut, strict=True)]

    def _straight(self, values: np.ndarray) -> np.ndarray:
        return np.where(self._head, self.profile.control_set.neutral, values)

    def _heights(self, points: np.ndarray) -> list[np.ndarray]:
        return [points[upper, 2] - points[lower, 2] for upper, lower in self.rims]

    @cached_property
    def _shut(self) -> list[np.ndarray]:
        """How far the edges of each slit are apart where it is shut."""
        return [np.zeros(len(upper)) for upper, _ in self.rims]

    def points(self, values: np.ndarray) -> np.ndarray:
        """The mesh's vertices [N, 3] in the world with `values` [K] on the controls."""
        import bpy

        self._binding.write(values)
        graph = bpy.context.evaluated_depsgraph_get()
        graph.update()
        made: Any = self._mesh.evaluated_get(graph)
        flat = np.empty(len(made.data.vertices) * 3, np.float32)
        made.data.vertices.foreach_get("co", flat)
        matrix = np.array(self._mesh.matrix_world, np.float32)
        return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


class CharacterSlits(Slits):
    """One of our characters, whose builder knows the edges."""

    def __init__(self, name: str) -> None:
        import bpy

        from addon.blender.apply import add_character
        from addon.blender.binding import bind
        from addon.blender.scenes import open_scene

        profile, scene = find_profile(name), open_scene(None)
        binding = bind(profile, scene, add_character(profile, scene))
        super().__init__(profile, binding, bpy.data.objects[f"{profile.name}-head"])

    @cached_property
    def rims(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """See the class; Uno has one eye."""
        from rigs.building import face

        known = face.build(importlib.import_module(f"rigs.{self.profile.name.lower()}.form").FORM).rims
        names = [("lip_upper", "lip_lower")] + [(f"lid_upper{side}", f"lid_lower{side}") for side in ("", ".L", ".R")]
        return tuple((known[upper], known[lower]) for upper, lower in names if upper in known)


def open_foreign_head() -> RigProfile:
    """Open the foreign head alone; its controls as their names tell them."""
    import bpy

    from addon.blender.discovery import propose

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.fbx(filepath=str(shared_folder() / _HEAD))
    return propose(list(bpy.context.scene.objects), bpy.context.scene).profile


class HeadSlits(Slits):
    """The foreign head, bound by its controls' names; facing edges touch at rest and part when it opens."""

    def __init__(self) -> None:
        import bpy

        from addon.blender.binding import bind

        profile = open_foreign_head()
        mesh = max((each for each in bpy.data.objects if getattr(each.data, "shape_keys", None)),
                   key=lambda each: len(each.data.vertices))
        super().__init__(profile, bind(profile, bpy.context.scene, None), mesh)

    @cached_property
    def rims(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """See the class."""
        still, (left, right) = self.profile.control_set.neutral, self._blinks()
        lips = self._facing(touching=still, open_=self._with("jawOpen"))
        return lips, self._facing(left, still), self._facing(right, still)

    @cached_property
    def _shut(self) -> list[np.ndarray]:
        """Its edges are round: vertices that face each other keep a distance."""
        poses = (self.profile.control_set.neutral, *self._blinks())
        return [self._heights(self.points(pose))[slit] for slit, pose in enumerate(poses)]

    def _blinks(self) -> tuple[np.ndarray, np.ndarray]:
        return self._with("eyeBlink_L"), self._with("eyeBlink_R")

    def _with(self, control: str) -> np.ndarray:
        """The pose [K] with one control at its maximum."""
        controls = self.profile.control_set
        return np.where([name == control for name in controls.names], controls.maximum, controls.neutral)

    def _facing(self, touching: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The frontmost pairs of vertices from corner to corner that touch in one pose and are far apart in another."""
        near, far = self.points(touching), self.points(open_)
        between = (near**2).sum(1)[:, None] + (near**2).sum(1) - 2 * near @ near.T
        pairs = np.argwhere(np.triu(between < (_MEETING * np.ptp(near[:, 0])) ** 2, 1))
        height = far[pairs[:, 0], 2] - far[pairs[:, 1], 2]
        pairs = np.where(height[:, None] < 0, pairs[:, ::-1], pairs)[np.abs(height) > _PARTING * np.abs(height).max()]
        place = near[pairs].mean(axis=1)
        edges = np.linspace(place[:, 0].min(), place[:, 0].max() + 1e-6, _PLACES + 1)
        bins = [np.flatnonzero((place[:, 0] >= low) & (place[:, 0] < high)) for low, high in itertools.pairwise(edges)]
        chosen = [rows[place[rows, 1].argmin()] for rows in bins if len(rows)]
        return pairs[chosen, 0], pairs[chosen, 1]
