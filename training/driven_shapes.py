"""A rig's shape keys as a function of its controls, read from the drivers in its .blend and run in torch.

Blender evaluates one pose at a time; fitting controls to many thousand faces needs all of them at once, with
derivatives. `DrivenShapes` reads every driver of a mesh's shape keys (and of the properties that those read), so it
is the rig as it was built, and `tests/characters` compares it with Blender's own evaluation.
"""
from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from addon.core.control_set import BoneChannel, ControlSet

_FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "max": lambda a, b: torch.maximum(*torch.broadcast_tensors(torch.as_tensor(a), torch.as_tensor(b))),
    "min": lambda a, b: torch.minimum(*torch.broadcast_tensors(torch.as_tensor(a), torch.as_tensor(b))),
    "abs": torch.abs,
    "clamp": lambda a, low, high: torch.clamp(a, low, high),
}


class DrivenShapes:
    """Vertex displacements of one mesh as a function of a character's controls."""

    def __init__(self, blend: Path, armature: str, mesh: str, controls: ControlSet) -> None:
        import bpy

        bpy.ops.wm.open_mainfile(filepath=str(blend))
        self.controls = controls
        rig, keys = bpy.data.objects[armature], bpy.data.objects[mesh].data.shape_keys
        blocks = keys.key_blocks
        count = len(blocks[0].data)
        points = np.empty((len(blocks), count * 3), np.float32)
        for block, row in zip(blocks, points, strict=True):
            block.data.foreach_get("co", row)
        points = points.reshape(len(blocks), count, 3)
        self.rest = points[0]
        """float32 [V, 3]."""
        self.deltas = points[1:] - points[0]
        """float32 [keys, V, 3]."""
        self.key_names = [block.name for block in blocks][1:]
        self._drivers = {d.data_path: _read_driver(d.driver) for d in keys.animation_data.drivers}
        self._properties = {d.data_path: _read_driver(d.driver) for d in rig.animation_data.drivers}
        self._paths = [f'key_blocks["{name}"].value' for name in self.key_names]
        self._index = {_target_path(c.target): i for i, c in enumerate(controls.controls)}

    def key_values(self, values: torch.Tensor) -> torch.Tensor:
        """Shape key values [N, keys], clamped as Blender clamps them, from controls [N, K] in rig units."""
        cache: dict[str, torch.Tensor] = {}
        return torch.stack([self._run(self._drivers[p], values, cache).clamp(0, 1) for p in self._paths], dim=1)

    def _run(self, driver: tuple[str, dict[str, str]], values: torch.Tensor, cache: dict) -> torch.Tensor:
        expression, variables = driver
        names = {name: self._read(path, values, cache) for name, path in variables.items()}
        return _evaluate(ast.parse(expression, mode="eval").body, names)

    def _read(self, path: str, values: torch.Tensor, cache: dict) -> torch.Tensor:
        if path in self._index:
            return values[:, self._index[path]]
        if path not in cache:
            cache[path] = self._run(self._properties[path], values, cache)
        return cache[path]


def _target_path(target: object) -> str:
    if isinstance(target, BoneChannel):
        return f'{target.bone}.{target.channel}.{target.axis}'
    return f'pose.bones["{target.bone}"]["{target.property}"]'


def _read_driver(driver: object) -> tuple[str, dict[str, str]]:
    """(expression, variable → path of what it reads)."""
    paths = {}
    for variable in driver.variables:
        target = variable.targets[0]
        if variable.type == "TRANSFORMS":
            axis = "XYZ".index(target.transform_type[-1])
            paths[variable.name] = f"{target.bone_target}.location.{axis}"
        else:
            paths[variable.name] = target.data_path
    return driver.expression, paths


def _evaluate(node: ast.expr, names: dict[str, torch.Tensor]) -> torch.Tensor:
    """Arithmetic and the four functions; anything else is refused."""
    match node:
        case ast.Constant(value=float() | int() as value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, names)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, names), _evaluate(right, names)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _FUNCTIONS:
            return _FUNCTIONS[name](*(_evaluate(a, names) for a in arguments))
    raise ValueError(f"a driver uses {ast.dump(node)}, which this reader does not know")
