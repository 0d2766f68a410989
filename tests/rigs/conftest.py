"""A character's .blend as Blender itself evaluates it."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest

from addon.core.control_set import BoneChannel, Control, ShapeKey
from addon.core.rig_profile import RigProfile, find_profile

from ..own_settings import keep_apart

keep_apart()


class Stage:
    """A character's .blend, opened, with its controls as numbers."""

    def __init__(self, bpy: ModuleType, profile: RigProfile) -> None:
        self.bpy, self.profile = bpy, profile
        bpy.ops.wm.open_mainfile(filepath=str(profile.blend))
        self.armature = bpy.data.objects[profile.armature]
        self.meshes = [o.name for o in bpy.data.collections[profile.name].objects if o.type == "MESH"]
        """All that can be seen of the character."""

    def set_pose(self, **scaled: float) -> None:
        """Pose by name (dots as underscores): 1 = maximum, -1 = minimum, all others neutral."""
        controls = self.profile.control_set
        names = {c.name.replace(".", "_"): i for i, c in enumerate(controls.controls)}
        values = controls.neutral.copy()
        for name, strength in scaled.items():
            i = names[name]
            end = controls.maximum[i] if strength > 0 else controls.minimum[i]
            values[i] += abs(strength) * (end - values[i])
        self.set_values(values)

    def set_values(self, values: np.ndarray) -> None:
        """Rig units [K] onto the controls."""
        for control, value in zip(self.profile.control_set.controls, values, strict=True):
            for owner, key in self.carriers(control):
                if isinstance(key, int):
                    owner[key] = float(value)
                elif key == "value":
                    owner.value = float(value)
                else:
                    owner[key] = type(owner[key])(round(value, 6))
        self.armature.update_tag()
        self.bpy.context.view_layer.update()

    def value(self, control: Control) -> float:
        """What the file has on a control."""
        owner, key = self.carriers(control)[0]
        return float(owner.value if key == "value" else owner[key])

    def carriers(self, control: Control) -> list[tuple[object, int | str]]:
        """(vector, axis), (shape key, "value") or (bone or object, property) of a control."""
        target = control.target
        if isinstance(target, ShapeKey):
            meshes = (self.bpy.data.objects[name] for name in target.meshes)
            return [(mesh.data.shape_keys.key_blocks[target.key], "value") for mesh in meshes]
        if isinstance(target, BoneChannel):
            return [(getattr(self.armature.pose.bones[target.bone], target.channel), target.axis)]
        owner = self.bpy.data.objects[target.object] if target.object else self.armature
        return [(owner.pose.bones[target.bone] if target.bone else owner, target.property)]

    def points(self, name: str, world: bool = True) -> np.ndarray:
        """Evaluated vertices [N, 3] of a mesh object, without subdivision so that indices stay."""
        made = self.bpy.data.objects[name]
        for modifier in made.modifiers:
            if modifier.type == "SUBSURF":
                modifier.show_viewport = False
        found = made.evaluated_get(self.bpy.context.evaluated_depsgraph_get())
        flat = np.empty(len(found.data.vertices) * 3, np.float32)
        found.data.vertices.foreach_get("co", flat)
        points = flat.reshape(-1, 3)
        matrix = np.array(found.matrix_world, np.float32)
        return points @ matrix[:3, :3].T + matrix[:3, 3] if world else points

    def all_points(self) -> np.ndarray:
        """Evaluated vertices [N, 3] of all meshes."""
        return np.concatenate([self.points(name) for name in self.meshes])

    def seen(self, kind: str, middle: np.ndarray, wide: float, high: float, aside: float = 0.0) -> int:
        """How many rays from the front, `aside` rad to the left, first meet an object whose name has `kind` in it.

        25 x 25 rays go through the rectangle `wide` x `high` around `middle` [3].
        """
        graph = self.bpy.context.evaluated_depsgraph_get()
        direction = np.array([-np.sin(aside), np.cos(aside), 0.0])
        found = 0
        for x in np.linspace(-wide / 2, wide / 2, 25):
            for z in np.linspace(-high / 2, high / 2, 25):
                start = middle + [x, 0, z] - 3 * direction
                hit, _, _, _, met, _ = self.bpy.context.scene.ray_cast(graph, start, direction)
                found += hit and kind in met.name
        return found


@pytest.fixture
def stage() -> Iterator[Callable[[str], Stage]]:
    """Opens a character afresh."""
    bpy = pytest.importorskip("bpy")
    yield lambda name: Stage(bpy, find_profile(name))
    bpy.ops.wm.read_homefile(use_empty=True)


@pytest.fixture
def pip(stage: Callable[[str], Stage]) -> Stage:
    """Pip, freshly opened."""
    return stage("pip")
