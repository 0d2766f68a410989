"""Pip as Blender itself evaluates it."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest

from addon.core.control_set import BoneChannel
from addon.core.rig_profile import RigProfile, find_profile

os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="semblance-blender-"))


class Stage:
    """A character's .blend, opened, with its controls as numbers."""

    def __init__(self, bpy: ModuleType, profile: RigProfile) -> None:
        self.bpy, self.profile = bpy, profile
        bpy.ops.wm.open_mainfile(filepath=str(profile.blend))
        self.armature = bpy.data.objects[profile.armature]

    def set_pose(self, **scaled: float) -> None:
        """Pose by name (dots as underscores): 1 = maximum, -1 = minimum, all others neutral."""
        controls = self.profile.control_set
        names = {c.name.replace(".", "_"): i for i, c in enumerate(controls.controls)}
        values = controls.neutral.copy()
        for name, strength in scaled.items():
            i = names[name]
            values[i] = strength * (controls.maximum[i] if strength > 0 else -controls.minimum[i])
        self.set_values(values)

    def set_values(self, values: np.ndarray) -> None:
        """Rig units [K] onto the controls."""
        for control, value in zip(self.profile.control_set.controls, values, strict=True):
            target = control.target
            bone = self.armature.pose.bones[target.bone]
            if isinstance(target, BoneChannel):
                getattr(bone, target.channel)[target.axis] = float(value)
            else:
                bone[target.property] = float(value)
        self.armature.update_tag()
        self.bpy.context.view_layer.update()

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


@pytest.fixture
def pip() -> Iterator[Stage]:
    """Pip, freshly opened."""
    bpy = pytest.importorskip("bpy")
    yield Stage(bpy, find_profile("pip"))
    bpy.ops.wm.read_homefile(use_empty=True)
