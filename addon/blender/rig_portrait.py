"""Portraits of a user's own rig, in a copy of their file: alone, at rest, from the front, in its own colours."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from math import atan2, pi
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix

from ..core.errors import required
from ..core.rig_profile import RigProfile
from .binding import Binding, belongs_to, bind
from .portrait import FILL, Portrait
from .rendering import front_camera, set_stage
from .rig_presets import family
from .scenes import open_scene

_SURE: Final = 0.9
"""A view with a face of this probability needs no other beside it."""
_NO_COLOUR: Final = (0.8, 0.8, 0.8)
"""Blender's viewport colour of a material for which nobody chose one."""


class RigPortrait(Portrait):
    """The rig of a file on a stage; the open file is left without saving, so give the path of a copy or a saved one.

    Args:
        path: The .blend file.
        root: Name of the armature, or of the first mesh without one; empty: the first that fits the profile.
        score: How surely a picture, uint8 [size, size, 3] RGB, shows a face: the rig may face any way.

    Raises:
        SemblanceError: as `Portrait`, and if the scene lacks the rig.
    """

    def __init__(
        self, profile: RigProfile, size: int, path: Path, root: str, score: Callable[[np.ndarray], float]
    ) -> None:
        self._path, self._root, self._turn = path, root, 0.0
        super().__init__(profile, size)
        self._choose_view(score)

    def _stage(self, profile: RigProfile) -> tuple[bpy.types.Scene, Binding]:
        scene = open_scene(self._path)
        lost = f"The scene has no object '{self._root}'; name the rig's armature, or nothing."
        binding = bind(profile, scene, required(scene.objects.get(self._root), lost) if self._root else None)
        set_stage(scene)
        _plain_render(scene)
        own = _own_objects(binding, scene)
        for item in scene.objects:
            item.hide_render = item.hide_render or item not in own
        _rest(own)
        _show_base_colours(own)
        return scene, binding

    def _choose_view(self, score: Callable[[np.ndarray], float]) -> None:
        """The front that looks most like a face: the four sides of the rig, with and without its textures."""
        across = self.binding.root.matrix_world.to_3x3().col[0]
        facing = atan2(across.y, across.x)
        looks = ("TEXTURE", "MATERIAL") if _has_pictures(self.scene) else ("MATERIAL",)
        best = (-1.0, 0.0, looks[0])
        for turn in (0.0, pi, pi / 2, -pi / 2):
            for look in looks:
                self._aim(facing + turn, look)
                found = score(self.take(self.binding.profile.control_set.neutral))
                best = max(best, (found, facing + turn, look))
                if found >= _SURE:
                    return
        self._aim(*best[1:])

    def _aim(self, turn: float, look: str) -> None:
        """Look at the face from -Y turned by `turn` rad about Z."""
        self._turn = turn
        before, self.scene.camera = self.scene.camera, None
        if before is not None:
            bpy.data.objects.remove(before)
        camera = self.scene.camera = front_camera(self.scene, *self._head_box(), FILL)
        camera.matrix_world = Matrix.Rotation(turn, 4, "Z") @ camera.matrix_basis
        self.scene.display.shading.color_type = look

    def _points(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """As seen from the front: the world turned back."""
        turned = np.array(Matrix.Rotation(-self._turn, 3, "Z"), np.float32)
        return {name: points @ turned.T for name, points in self.world_points(values).items()}


def _plain_render(scene: bpy.types.Scene) -> None:
    """Take out what a user's scene may add to a picture."""
    render = scene.render
    render.use_border = render.use_stamp = render.film_transparent = render.use_multiview = False
    render.pixel_aspect_x = render.pixel_aspect_y = 1
    render.simplify_child_particles_render = 0
    for number, layer in enumerate(scene.view_layers):
        layer.use = number == 0


def _own_objects(binding: Binding, scene: bpy.types.Scene) -> set[bpy.types.Object]:
    """All that belongs to the character."""
    root, owners = binding.root, set(binding.owners)
    own = {*family([root], scene)}
    own |= {item for item in scene.objects if item in owners or getattr(item.data, "shape_keys", None) in owners}
    return own | {item for item in scene.objects if any(belongs_to(item, each) for each in (root, *own))}


def _rest(own: Iterable[bpy.types.Object]) -> None:
    """Nothing moves the rig any more but its drivers; its bones rest."""
    for item in own:
        for block in (item, item.data, getattr(item.data, "shape_keys", None)):
            animation = getattr(block, "animation_data", None)
            if animation is not None:
                animation.action = None
                for track in list(animation.nla_tracks):
                    animation.nla_tracks.remove(track)
        for bone in item.pose.bones if item.pose else ():
            bone.matrix_basis = Matrix()


def _show_base_colours(own: Iterable[bpy.types.Object]) -> None:
    """Workbench draws a material's viewport colour; where nobody chose one, that of its shader."""
    for material in {slot.material for item in own for slot in item.material_slots if slot.material}:
        if np.allclose(material.diffuse_color[:3], _NO_COLOUR, atol=1e-3) and material.node_tree:
            for node in material.node_tree.nodes:
                if node.type == "BSDF_PRINCIPLED" and not node.inputs["Base Color"].is_linked:
                    material.diffuse_color = node.inputs["Base Color"].default_value


def _has_pictures(scene: bpy.types.Scene) -> bool:
    materials = {slot.material for item in scene.objects for slot in item.material_slots if not item.hide_render}
    trees = [material.node_tree for material in materials if material and material.node_tree]
    return any(node.type == "TEX_IMAGE" and node.image for tree in trees for node in tree.nodes)
