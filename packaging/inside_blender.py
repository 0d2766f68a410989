"""What the scripts of this folder do in a Blender without a window; it imports nothing of this checkout.

    python packaging/inside_blender.py STEP JSON                    with the bpy module
    blender -b -P packaging/inside_blender.py -- STEP JSON

The last line that it prints is "SEMBLANCE " and what the step found, as JSON.
"""
from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

EXTENSION = "bl_ext.user_default.semblance"
MODULES = ("onnxruntime", "cv2", "serial", "ruckig")
"""What the wheels bring, as Python imports them."""
PERFORMER, PRESET, ROBOT, UNIT = "Ann", "Hero", "maestro_head", "head-007"


def facts() -> dict[str, Any]:
    """What this Blender is."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)
    return {
        "blender": bpy.app.version_string, "python": "{}.{}".format(*sys.version_info[:2]),
        "platform": f"{system}-{machine}", "folder": str(extension_folder()),
    }


def enable() -> dict[str, Any]:
    """Enable what lies in the extension's folder, with its wheels; says what is wrong with it."""
    import addon_utils  # it comes into being with bpy

    bpy.ops.preferences.addon_disable(module=EXTENSION)
    module = addon_utils.enable(EXTENSION, default_set=True, persistent=True)
    problems = [] if module else ["Blender did not enable the extension"]
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            problems.append(str(error))
    bpy.ops.wm.save_userpref()
    return {"problems": problems}


def install(zip: str, checkout: str) -> dict[str, Any]:  # noqa: A002 - what the user has
    """A new user's first minutes: install, track a second, key Pip, then settings of every kind."""
    said = install_zip(zip)
    only_the_installed_copy(checkout)
    used = use(track_a_second())
    keep_settings()
    bpy.ops.wm.save_userpref()
    return {**said, **used, **settings()}


def refused(zip: str) -> dict[str, Any]:  # noqa: A002
    """What Blender says of a zip that is not for it; it prints some sentences and raises others."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            install_zip(zip)
        except (RuntimeError, OSError) as error:
            printed.write(str(error))
    return {"sentence": printed.getvalue(), "is_enabled": EXTENSION in bpy.context.preferences.addons}


def upgrade(zip: str, checkout: str) -> dict[str, Any]:  # noqa: A002
    """Another day: a newer zip over the older one, and work goes on without a restart."""
    only_the_installed_copy(checkout)
    before = {"version": version(), **settings()}
    said = install_zip(zip)
    used = use(sorted(user_folder().glob("takes/*.take"))[0])
    bpy.ops.wm.save_userpref()
    return {"before": before, **said, **used, **settings()}


def remove(checkout: str) -> dict[str, Any]:
    """Yet another day: everything is still there; disable, enable, uninstall."""
    only_the_installed_copy(checkout)
    found = {"version": version(), **settings()}
    bpy.ops.preferences.addon_disable(module=EXTENSION)
    disabled = traces()
    bpy.ops.preferences.addon_enable(module=EXTENSION)
    enabled = traces()
    bpy.ops.extensions.package_uninstall(repo_index=repository_index(), pkg_id="semblance")
    bpy.ops.wm.save_userpref()
    return {
        **found, "disabled": disabled, "enabled": bool(enabled), "removed": traces(),
        "is_listed": EXTENSION in bpy.context.preferences.addons, "folder_is_left": extension_folder().exists(),
        "user_files_left": [str(path) for path in user_folder().rglob("*") if path.is_file()],
    }


def install_zip(path: str) -> dict[str, Any]:
    """Blender's own "Install from Disk"; the version that came in and where its modules are."""
    bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=True)
    return {"version": version(), "module": addon_module("blender.registration").__file__,
            "wheels": {name: str(importlib.import_module(name).__file__) for name in MODULES}}


def track_a_second() -> Path:
    """The first second of the demo clip, through the button Track; returns the take."""
    import cv2

    clip = Path(bpy.app.tempdir) / "second.mp4"
    video = cv2.VideoCapture(str(Path(addon_module("core.paths").ROOT, "assets", "demo", "performer.mp4")))
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"mp4v"), 25, size)
    for _ in range(25):
        writer.write(video.read()[1])
    writer.release()
    scene = bpy.context.scene
    scene.semblance.source = str(clip)
    assert bpy.ops.semblance.take_track() == {"FINISHED"}
    return Path(scene.semblance.take)


def use(take: Path) -> dict[str, Any]:
    """Pip in a new scene, keyed with a take: how many curves and keys, and how much the liveliest curve moves."""
    bpy.ops.wm.read_homefile(use_empty=True)
    settings = bpy.context.scene.semblance
    assert bpy.ops.semblance.character_add(character="Pip") == {"FINISHED"}
    settings.source = str(take)
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    data = settings.character.animation_data
    (strip,) = data.action.layers[0].strips
    curves = strip.channelbag(data.action_slot).fcurves
    values = [[point.co[1] for point in curve.keyframe_points] for curve in curves]
    return {"curves": len(values), "keys": sum(map(len, values)),
            "motion": max(max(each) - min(each) for each in values), "take": str(take)}


def keep_settings() -> None:
    """One of everything that a user makes: preferences, a preset, a learned rig, a performer, a measured robot head."""
    bpy.context.preferences.addons[EXTENSION].preferences.takes_folder = "//my takes"
    head_of_shape_keys()
    assert bpy.ops.semblance.rig_use() == {"FINISHED"}
    assert bpy.ops.semblance.preset_save() == {"FINISHED"}
    keys = bpy.data.objects[PRESET].data.shape_keys.key_blocks
    expressions = bpy.ops.semblance.key_pose_set.get_rna_type().properties["expression"].enum_items.keys()
    for expression, key in zip(expressions, keys[1:], strict=False):
        key.value = 1
        assert bpy.ops.semblance.key_pose_set(expression=expression) == {"FINISHED"}
        key.value = 0
    assert bpy.ops.semblance.key_poses_learn() == {"FINISHED"}
    addon_module("live.performers").write_performer(PERFORMER, addon_module("expression.calibration").Calibration())
    robot = addon_module("robot.map_reading").find_map(ROBOT)
    units = addon_module("robot.unit_file")
    first = robot.actuators[0]
    units.write_unit(units.unit_path(robot, UNIT), robot, UNIT, {}, {first.name: first.travel})


def settings() -> dict[str, Any]:
    """What of that Semblance finds, by its own means."""
    robot = addon_module("robot.map_reading").find_map(ROBOT)
    units = addon_module("robot.unit_file")
    learned = addon_module("characters.learned_rig")
    presets = addon_module("blender.readiness").refresh().presets
    addon_module("live.performers").read_performer(PERFORMER)
    units.read_unit(units.find_unit(robot, UNIT), robot)
    for preset in presets:
        learned.read_learned(learned.learned_path(preset.path), preset.control_set)
    return {"kept": {
        "takes_folder": bpy.context.preferences.addons[EXTENSION].preferences.takes_folder,
        "presets and learned": [preset.name for preset in presets],
        "performers": addon_module("live.performers").performers(), "units": units.unit_names(ROBOT),
    }}


def head_of_shape_keys() -> None:
    """A rig of the user's own, selected."""
    mesh = bpy.data.meshes.new(PRESET)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new(PRESET, mesh)
    bpy.context.scene.collection.objects.link(item)
    item.shape_key_add(name="Basis")
    for key in ("jawOpen", "mouthSmile_L", "mouthSmile_R", "eyeBlink_L", "eyeBlink_R", "browInnerUp", "cheekPuff"):
        block = item.shape_key_add(name=key)
        block.data[0].co, block.value = (0, 0, 1), 0
    item.select_set(True)


def traces() -> list[str]:
    """What a registered extension adds to Blender."""
    classes = [name for name in dir(bpy.types) if name.startswith("SEMBLANCE")]
    return [*classes, *dir(bpy.ops.semblance), *(["Scene.semblance"] if hasattr(bpy.types.Scene, "semblance") else [])]


def only_the_installed_copy(checkout: str) -> None:
    """Raises AssertionError if anything of the checkout is imported, or could be."""
    module = Path(addon_module("blender.registration").__file__).resolve()
    assert module.is_relative_to(extension_folder()) and not module.is_relative_to(checkout), module
    assert importlib.util.find_spec("addon") is None, "the checkout is on the module path"
    files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
    assert not [file for file in files if file.startswith(checkout)], "something was imported from the checkout"


def addon_module(name: str) -> ModuleType:
    """A module of the installed copy."""
    return importlib.import_module(f"{EXTENSION}.addon.{name}")


def version() -> str:
    """Of the installed copy, as its manifest says."""
    import tomllib

    return str(tomllib.loads((extension_folder() / "blender_manifest.toml").read_text(encoding="utf-8"))["version"])


def repository_index() -> int:
    """Of "user_default" among Blender's repositories."""
    return [each.module for each in bpy.context.preferences.extensions.repos].index("user_default")


def extension_folder() -> Path:
    """Where the extension is or will be."""
    return Path(bpy.context.preferences.extensions.repos[repository_index()].directory, "semblance").resolve()


def user_folder() -> Path:
    """Where Blender lets it keep the user's files."""
    return extension_folder().parents[1] / ".user" / "user_default" / "semblance"


if __name__ == "__main__":
    if getattr(bpy.app, "module", False) and Path(bpy.utils.user_resource("CONFIG"), "userpref.blend").is_file():
        bpy.ops.wm.read_userpref()      # as a program does by itself
    step, arguments = sys.argv[-2:]
    steps = {each.__name__: each for each in (facts, enable, install, refused, upgrade, remove)}
    print("SEMBLANCE " + json.dumps(steps[step](**json.loads(arguments))))
