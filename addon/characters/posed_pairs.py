"""Pose pairs that a user sets: a TOML text of poses of two characters that mean the same, kept in a scene or a file.

Schema 1::

    schema = 1
    source = "Mora"
    target = "Gus"

    [[pair]]
    name = "smile"
    source = { mouthSmileLeft = 0.9, mouthSmileRight = 0.9 }     # rig units; what is not named is neutral
    target = { smile = 0.7 }
"""
from __future__ import annotations

import tomllib
from typing import Any, Final

import numpy as np

from ..core.control_set import ControlSet
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from ..core.toml_text import quoted
from .transfer_pairs import PosePairs

SCHEMA: Final = 1
_KEYS: Final = {"schema", "source", "target", "pair"}


def read_pairs_text(text: str, source: RigProfile, target: RigProfile, where: str) -> PosePairs:
    """The pairs of a text; none for an empty one.

    Args:
        where: what the text is called, for sentences.

    Raises:
        SemblanceError: naming `where`, and the pair and control that is wrong.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SemblanceError(f"The pose pairs '{where}' are not valid TOML: {error}.") from error
    try:
        return _pairs(data, source, target)
    except SemblanceError as error:
        raise SemblanceError(f"Pose pairs '{where}': {error}") from error


def pairs_text(pairs: PosePairs, source: RigProfile, target: RigProfile) -> str:
    """What `read_pairs_text` reads: the same pairs again, but for what rounding to six digits takes."""
    lines = [f"schema = {SCHEMA}", f"source = {quoted(source.name)}", f"target = {quoted(target.name)}"]
    for i, name in enumerate(pairs.names):
        lines += ["", "[[pair]]", f"name = {quoted(name)}"]
        for key, profile, values in (("source", source, pairs.source), ("target", target, pairs.target)):
            lines.append(f"{key} = {{ {_moved(profile.control_set, values[i])} }}".replace("{  }", "{}"))
    return "\n".join(lines) + "\n"


def with_pair(pairs: PosePairs, name: str, source: np.ndarray, target: np.ndarray) -> PosePairs:
    """`pairs` and one more; a pair of the same name is replaced."""
    kept = [i for i, each in enumerate(pairs.names) if each != name]
    return PosePairs(
        np.concatenate([pairs.source[kept], source[None]]).astype(np.float32),
        np.concatenate([pairs.target[kept], target[None]]).astype(np.float32),
        np.ones(len(kept) + 1, np.float32), (*(pairs.names[i] for i in kept), name),
    )


def _pairs(data: dict[str, Any], source: RigProfile, target: RigProfile) -> PosePairs:
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise SemblanceError(f"there is the unknown key '{unknown[0]}'.")
    if data and data.get("schema") != SCHEMA:
        raise SemblanceError(f"they have schema {data.get('schema')!r}, this Semblance reads {SCHEMA}.")
    for key, profile in (("source", source), ("target", target)):
        if data and data.get(key) != profile.name:
            raise SemblanceError(f"their {key} is {data.get(key)!r}, not '{profile.name}'.")
    rows = data.get("pair", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SemblanceError("'pair' must be written as [[pair]].")
    names: list[str] = []
    one, other = (np.tile(profile.control_set.neutral, (len(rows), 1)) for profile in (source, target))
    for i, row in enumerate(rows):
        name = row.get("name")
        if set(row) != {"name", "source", "target"} or not isinstance(name, str):
            raise SemblanceError(f"pair {i + 1} needs exactly 'name', 'source' and 'target'.")
        if name in names:
            raise SemblanceError(f"two pairs are named '{name}'; give each its own name.")
        names.append(name)
        for values, profile, key in ((one, source, "source"), (other, target, "target")):
            _fill(values[i], row[key], profile.control_set, f"'{key}' of pair '{name}'")
    return PosePairs(one, other, np.ones(len(rows), np.float32), tuple(names))


def _fill(values: np.ndarray, moved: Any, controls: ControlSet, label: str) -> None:
    """Set the controls that are named; others keep their neutral."""
    if not isinstance(moved, dict):
        raise SemblanceError(f"{label} must be a table such as {{ jaw = 0.5 }}.")
    for name, value in moved.items():
        if name not in controls.names:
            raise SemblanceError(f"{label}: there is no control '{name}'; correct or remove it.")
        i = controls.names.index(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not controls.minimum[i] - 1e-4 <= value <= controls.maximum[i] + 1e-4:
            raise SemblanceError(
                f"{label}: '{name}' needs a number from {controls.minimum[i]:g} to {controls.maximum[i]:g} "
                f"(found {value!r})."
            )
        values[i] = value


def _moved(controls: ControlSet, values: np.ndarray) -> str:
    return ", ".join(
        f"{quoted(name)} = {float(value):.6g}"
        for name, value, neutral in zip(controls.names, controls.clamped(values), controls.neutral, strict=True)
        if abs(value - neutral) > 1e-5
    )
