"""A shape key that was sculpted anew since its rig was learned is named; a touch that changes little is not."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from addon.blender.apply import apply_take  # noqa: E402
from addon.blender.binding import bind  # noqa: E402
from addon.blender.shape_keys import sculpted_since, shape_sizes  # noqa: E402
from addon.characters.learned_rig import INPUTS, LearnedRig, learned_path, write_learned  # noqa: E402
from addon.core.control_set import Control, ControlSet, CustomProperty, ShapeKey  # noqa: E402
from addon.core.rig_profile import RigProfile  # noqa: E402

from ..core.making import a_take  # noqa: E402


@pytest.fixture
def profile(tmp_path: Path) -> RigProfile:
    """A mesh of eight corners with two shape keys, and a property, bound to a scene of its own."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], [], [])
    face = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(face)
    for name in ("Basis", "open", "wide"):
        block = face.shape_key_add(name=name, from_mix=False)
        for point in block.data if name != "Basis" else ():
            point.co.z += 0.5
    face["turn"] = 0.0
    controls = ControlSet((
        *(Control(name, ShapeKey(("Face",), name), 0.0, 1.0, 0.0, "", name, 1) for name in ("open", "wide")),
        Control("turn", CustomProperty("", "turn", "Face"), -1.0, 1.0, 0.0, "", "turn", -1),
    ))
    return RigProfile("Hero", "", None, "", controls, tmp_path / "Hero.toml")


def sculpt(name: str, share: float) -> None:
    for point in bpy.data.meshes["Face"].shape_keys.key_blocks[name].data:
        point.co.z += 0.5 * share


def test_sizes_are_of_shape_keys_alone(profile: RigProfile):
    sizes = shape_sizes(bind(profile, bpy.context.scene))
    assert np.allclose(sizes[:2], 0.5 / np.sqrt(3)) and np.isnan(sizes[2])


@pytest.mark.parametrize(("share", "named"), [(0.3, True), (-0.9, True), (0.02, False), (0.0, False)])
def test_a_key_that_was_sculpted_anew_is_named(profile: RigProfile, share: float, named: bool):
    before = shape_sizes(bind(profile, bpy.context.scene))
    sculpt("wide", share)
    notes = sculpted_since(bind(profile, bpy.context.scene), before)
    assert bool(notes) == named
    assert not named or ("'wide'" in notes[0] and "'open'" not in notes[0] and "learn the rig again" in notes[0])


def test_apply_tells_it_and_keys_all_the_same(profile: RigProfile):
    weights = np.zeros((INPUTS, 3), np.float32)
    weights[0] = 1
    learned = LearnedRig(weights, np.full(3, np.nan, np.float32), np.ones(3, bool), (),
                         shape_sizes(bind(profile, bpy.context.scene)))
    write_learned(learned_path(profile.path), learned, profile.control_set)
    applied = apply_take(a_take(), profile, bpy.context.scene, "first")
    assert not [note for note in applied.notes if "shape of" in note]
    sculpt("open", 0.5)
    applied = apply_take(a_take(), profile, bpy.context.scene, "second")
    assert [note for note in applied.notes if "shape of 'open'" in note] and applied.keyed.controls == 3
