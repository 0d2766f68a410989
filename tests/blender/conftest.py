"""A small rig with all three kinds of controls, in a fresh scene for each test."""
from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from ..own_settings import keep_apart

keep_apart()
bpy = pytest.importorskip("bpy")
import addon_utils  # noqa: E402

from addon.core.control_set import Control, ControlSet, Target  # noqa: E402
from addon.core.rig_profile import RigProfile, read_profile  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = "bl_ext.user_default.semblance"
PROFILE = """
schema = 1
name = "Mixed"
description = "bones, custom properties and shape keys"
blend = "mixed.blend"
armature = "Mixed"

[[control]]
name = "brow.L"
bone = 'CTRL "brow".L'
channel = "location"
axis = "Y"
minimum = -1
maximum = 1
group = "brows"
pair = "brow.R"

[[control]]
name = "brow.R"
bone = "CTRL-brow.R"
channel = "location"
axis = "Y"
minimum = -1
maximum = 1
group = "brows"
pair = "brow.L"

[[control]]
name = "head_turn"
bone = "head"
channel = "rotation_euler"
axis = "Z"
minimum = -0.8
maximum = 0.8
group = "head"
mirror_sign = -1

[[control]]
name = "puff"
bone = "head"
property = "cheek puff"
minimum = 0
maximum = 1
group = "cheeks"

[[control]]
name = "tongue_steps"
property = "tongue"
minimum = 0
maximum = 4
group = "mouth"

[[control]]
name = "jaw_open"
mesh = "Face"
shape_key = "jawOpen"
minimum = 0
maximum = 1
neutral = 0.25
group = "jaw"
"""


def build_armature(name: str, bones: Sequence[str]) -> bpy.types.Object:
    """A new armature object in the scene, with loose bones that point up."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for i, bone_name in enumerate(bones):
        bone = armature.data.edit_bones.new(bone_name)
        bone.head, bone.tail = (i, 0, 0), (i, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def build_mesh(name: str, keys: Sequence[str], parent: bpy.types.Object | None = None) -> bpy.types.Object:
    """A new mesh object of one triangle in the scene; each shape key pulls its first corner down."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new(name, mesh)
    item.parent = parent
    bpy.context.scene.collection.objects.link(item)
    item.shape_key_add(name="Basis")
    for key in keys:
        block = item.shape_key_add(name=key, from_mix=False)
        block.data[0].co, block.value = (0, 0, -1), 0  # Blender 5.2 starts at 1
    return item


def build_mixed_rig() -> bpy.types.Object:
    """The armature object of a new rig that carries every control of PROFILE."""
    armature = build_armature("Mixed", ('CTRL "brow".L', "CTRL-brow.R", "head"))
    head = armature.pose.bones["head"]
    head.rotation_mode = "XYZ"
    head["cheek puff"] = 0.0
    armature["tongue"] = 0
    build_mesh("Face", ("jawOpen",), armature)
    return armature


def profile_of(*targets: Target, armature: str = "Rig", limits: tuple[float, float] = (0, 1)) -> RigProfile:
    """A profile with one control per target, named c0, c1 ... and with the same limits."""
    names = [f"c{i}" for i in range(len(targets))]
    low, high = limits
    controls = tuple(
        Control(name, target, low, high, max(0, low), "group", name, 1)
        for name, target in zip(names, targets, strict=True)
    )
    return RigProfile("Own", "", None, armature, ControlSet(controls), Path("own.toml"))


@pytest.fixture(autouse=True)
def empty_scene() -> Iterator[None]:
    """An empty scene before each test."""
    bpy.ops.wm.read_homefile(use_empty=True)
    yield


@pytest.fixture
def mixed_profile(tmp_path: Path) -> RigProfile:
    path = tmp_path / "profile.toml"
    path.write_text(PROFILE)
    return read_profile(path)


@pytest.fixture
def mixed_rig(empty_scene: None) -> bpy.types.Object:
    return build_mixed_rig()


@pytest.fixture
def extension(empty_scene: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """The checkout enabled as an extension, as `make dev-install` links it; gives modules by name ("blender.panels").

    They are other module objects than `addon...`: Blender names the package itself.
    """
    monkeypatch.syspath_prepend(str(ROOT / "packaging"))
    from staging import link

    repository = next(r for r in bpy.context.preferences.extensions.repos if r.module == "user_default")
    link(Path(repository.directory) / "semblance", [], ["linux-x64"])
    assert addon_utils.enable(EXTENSION, default_set=True) is not None
    yield lambda name: sys.modules[f"{EXTENSION}.addon.{name}"]
    addon_utils.disable(EXTENSION, default_set=True)


@pytest.fixture
def few_pairs(extension: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """The extension learns a transfer from 400 poses instead of 8000, in a tenth of the time."""
    learned = extension("characters.transfer_pairs").decoded_pairs
    monkeypatch.setattr(learned, "__defaults__", (400, *learned.__defaults__[1:]))


@pytest.fixture
def presets_folder(extension: Callable[[str], ModuleType]) -> Iterator[Path]:
    """Where the extension keeps presets of users' rigs; none is there, before and after."""
    folder = extension("blender.folders").own_presets_folder()
    shutil.rmtree(folder, ignore_errors=True)
    extension("blender.readiness").refresh()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
