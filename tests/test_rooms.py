"""The import rule: which room may know which, and where the heavy wheels may stand."""
from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADDON = ROOT / "addon"
SOLO = {"core"}
ALLOWED = {
    "core": set(),
    "tracking": SOLO,
    "expression": SOLO,
    "characters": SOLO,
    "robot": SOLO,
    "live": {"core", "tracking", "expression", "characters", "robot"},
    "blender": {"core", "tracking", "expression", "characters", "robot", "live"},
    "commands": {"core", "tracking", "expression", "characters", "robot", "live", "blender"},
}
BLENDER_ONLY = {"bpy", "bpy_extras", "mathutils", "bmesh", "gpu", "gpu_extras", "addon_utils"}
HEAVY = {"cv2", "onnxruntime", "serial", "ruckig"}
DEVELOPMENT_ONLY = {"torch", "mediapipe", "moderngl", "onnx", "pythonosc", "training", "pytest", "hypothesis"}
ROOMS = sorted(folder.name for folder in ADDON.iterdir() if (folder / "__init__.py").is_file())


def _imports(tree: ast.AST, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of each import; those inside functions and `if TYPE_CHECKING` only if not top level."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from . import a` names the modules only in its alias list.
            yield from ((node.level, f"{node.module}.{a.name}" if node.module else a.name) for a in node.names)
        elif top_level_only and (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ):
            continue
        else:
            yield from _imports(node, top_level_only=top_level_only)


def broken_rules(source: str, module: tuple[str, ...]) -> list[str]:
    """What the source of `module` (its path below addon/, such as ("core", "files")) breaks, in words."""
    tree = ast.parse(source)
    room, found = module[0], []
    for level, name in _imports(tree):
        first = name.partition(".")[0]
        if level == 0:
            if first == "addon":
                found.append(f"imports '{name}' absolutely; inside addon/ imports are relative")
            if first in BLENDER_ONLY and room != "blender":
                found.append(f"imports '{first}', which only addon/blender knows")
            if first in DEVELOPMENT_ONLY:
                found.append(f"imports '{first}', which users do not have")
        elif level > len(module):
            found.append(f"imports '{name}' from above addon/")
        elif level == len(module) and not first.startswith("__") and first not in ALLOWED[room] | {room}:
            found.append(f"imports '{name}', a room that {room} may not know")
    found += [
        f"imports '{name}' at the top; use core.errors.require where it is needed"
        for level, name in _imports(tree, top_level_only=True)
        if level == 0 and name.partition(".")[0] in HEAVY
    ]
    return found


def _modules() -> list[Path]:
    return sorted(path for path in ADDON.glob("*/**/*.py") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("path", _modules(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_module_keeps_the_import_rule(path: Path) -> None:
    assert broken_rules(path.read_text(encoding="utf-8"), path.relative_to(ADDON).with_suffix("").parts) == []


def test_every_room_is_in_the_rule() -> None:
    assert set(ROOMS) <= set(ALLOWED)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from ..tracking import tracker", ("expression", "encoder")),
        ("from .. import tracking", ("expression", "encoder")),
        ("from ...tracking import tracker", ("robot", "links", "serial_port")),
        ("from ..commands import track", ("blender", "operators")),
        ("from ... import training", ("live", "worker")),
        ("from .. import live", ("core", "files")),
        ("import addon.core", ("live", "worker")),
        ("def f():\n    import bpy", ("commands", "apply")),
        ("import cv2", ("tracking", "source")),
        ("class A:\n    import onnxruntime", ("tracking", "source")),
        ("try:\n    import cv2\nexcept ImportError:\n    cv2 = None", ("tracking", "source")),
        ("def f():\n    import torch", ("characters", "decoder")),
    ],
)
def test_a_broken_rule_is_seen(source: str, module: tuple[str, ...]) -> None:
    assert broken_rules(source, module)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from ..core import frames", ("expression", "encoder")),
        ("from . import encoder", ("expression", "calibration")),
        ("from .protocols import osc", ("robot", "supervisor")),
        ("from ..links import udp", ("robot", "protocols", "osc")),
        ("import bpy", ("blender", "keys")),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cv2", ("tracking", "source")),
        ("def f():\n    import cv2", ("tracking", "source")),
    ],
)
def test_what_is_allowed_passes(source: str, module: tuple[str, ...]) -> None:
    assert broken_rules(source, module) == []


def test_nothing_outside_training_imports_training() -> None:
    others = [*ADDON.rglob("*.py"), *(ROOT / "rigs").rglob("*.py"), *ROOT.glob("*.py")]
    for path in others:
        names = {name.partition(".")[0] for _, name in _imports(ast.parse(path.read_text(encoding="utf-8")))}
        assert "training" not in names, f"{path.relative_to(ROOT)} imports training"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "blender"])
def test_room_imports_without_blender_and_heavy_wheels(room: str) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in _modules()
        if path.relative_to(ADDON).parts[0] == room
    ]
    banned = sorted(BLENDER_ONLY | HEAVY | DEVELOPMENT_ONLY)
    program = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        f"print([name for name in {banned!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
