"""Where shape keys move their meshes, and whether one was sculpted anew since its rig was learned."""
from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ..core.control_set import ShapeKey
from .binding import Binding

_SAME: Final = 0.05
"""A key that moves its mesh so much further or less far, of what it moved, is taken for the same."""
_NAMED: Final = 3


def shape_sizes(binding: Binding) -> np.ndarray:
    """float32 [K]: how far each shape key moves its meshes at 1, root mean square in their units; NaN for other
    controls and those that are not bound.
    """
    sizes = np.full(len(binding.profile.control_set), np.nan, np.float32)
    for carrier in binding.carriers:
        column = carrier.columns[0]
        target = binding.profile.control_set.controls[column].target
        if isinstance(target, ShapeKey):
            size = _size(carrier.owner.key_blocks[target.key])
            sizes[column] = np.nanmax([sizes[column], size])  # of several meshes the one that it moves most
    return sizes


def sculpted_since(binding: Binding, before: np.ndarray) -> tuple[str, ...]:
    """A sentence if shape keys differ from the sizes `before` float32 [K] that were kept when the rig was learned."""
    now = shape_sizes(binding)
    changed = np.abs(now - before) > _SAME * np.maximum(now, before)
    names = [binding.profile.control_set.names[column] for column in np.flatnonzero(changed)]
    if not names:
        return ()
    told = ", ".join(f"'{name}'" for name in names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
    return (f"The shape of {told} has changed since this rig was learned; learn the rig again.",)


def coordinates(block: bpy.types.ShapeKey) -> np.ndarray:
    """float32 [vertices, 3]: the mesh as the key has it."""
    flat = np.empty(len(block.data) * 3, np.float32)
    block.data.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _size(block: bpy.types.ShapeKey) -> float:
    return float(np.sqrt(np.mean((coordinates(block) - coordinates(block.relative_key)) ** 2)))
