"""Reads and checks `rigs/<name>/profile.toml`: which controls a character has and what carries them.

Schema 1::

    schema = 1
    name = "Pip"                     # also the folder and the decoder's name, in lower case
    description = "one line"
    blend = "pip.blend"              # beside the profile
    armature = "Pip"                 # the armature object that owns the bones

    [[control]]
    name = "brow_inner.L"
    bone = "CTRL-brow_inner.L"       # a pose bone's channel ...
    channel = "location"             # location, rotation_euler or scale
    axis = "Y"
    minimum = -1.0
    maximum = 1.0
    neutral = 0.0                    # default 0
    group = "brows"
    pair = "brow_inner.R"            # default: itself
    mirror_sign = 1                  # default 1

    [[control]]
    name = "cheek_puff.L"
    bone = "CTRL-face"               # ... or a custom property of a bone (of the armature object without `bone`)
    property = "cheek_puff.L"

    [[control]]
    name = "smile"
    mesh = "Head"                    # ... or a shape key
    shape_key = "smile"
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .control_set import BoneChannel, Control, ControlSet, CustomProperty, ShapeKey, Target
from .errors import SemblanceError
from .paths import RIGS

SCHEMA = 1
_AXES = {"X": 0, "Y": 1, "Z": 2}
_CHANNELS = ("location", "rotation_euler", "scale")
_TOP_KEYS = {"schema", "name", "description", "blend", "armature", "control"}
_CONTROL_KEYS = {
    "name", "bone", "channel", "axis", "property", "mesh", "shape_key", "minimum", "maximum", "neutral", "group",
    "pair", "mirror_sign",
}


@dataclass(frozen=True)
class RigProfile:
    """A character as its rigger describes it."""

    name: str
    description: str
    blend: Path
    armature: str
    control_set: ControlSet
    path: Path


def read_profile(path: Path) -> RigProfile:
    """Read a profile file.

    Raises:
        SemblanceError: naming the file, and the control or key that is wrong.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise SemblanceError(f"Cannot read the rig profile '{path}': {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SemblanceError(f"The rig profile '{path}' is not valid TOML: {error}.") from error
    try:
        return _profile(data, path)
    except SemblanceError as error:
        raise SemblanceError(f"Rig profile '{path}': {error}") from error


def find_profile(character: str) -> RigProfile:
    """The shipped profile of `character` (any case), or the profile file that `character` names.

    Raises:
        SemblanceError: if there is none; the sentence lists the characters there are.
    """
    if character.endswith(".toml"):
        return read_profile(Path(character))
    path = RIGS / character.lower() / "profile.toml"
    if not character.isidentifier() or not path.is_file():
        known = ", ".join(p.name for p in shipped_profiles()) or "none"
        raise SemblanceError(f"There is no character '{character}'; the characters here are: {known}.")
    return read_profile(path)


def shipped_profiles() -> list[RigProfile]:
    """All characters under `rigs/`, by name."""
    return [read_profile(path) for path in sorted(RIGS.glob("*/profile.toml"))]


def _profile(data: dict[str, Any], path: Path) -> RigProfile:
    schema = data.get("schema")
    if schema != SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        raise SemblanceError(
            f"it has schema {schema!r}, this Semblance reads {SCHEMA}" + ("; update Semblance." if newer else ".")
        )
    _refuse_unknown(data, _TOP_KEYS, "the profile")
    controls = data.get("control")
    if not isinstance(controls, list) or not controls:
        raise SemblanceError("it has no [[control]] entries.")
    control_set = ControlSet(tuple(_control(row) for row in controls))
    return RigProfile(
        _text(data, "name", "the profile"), data.get("description", ""),
        path.parent / _text(data, "blend", "the profile"), _text(data, "armature", "the profile"), control_set, path,
    )


def _control(row: dict[str, Any]) -> Control:
    name = _text(row, "name", "a control")
    label = f"control '{name}'"
    _refuse_unknown(row, _CONTROL_KEYS, label)
    numbers = {}
    for key, default in (("minimum", None), ("maximum", None), ("neutral", 0.0), ("mirror_sign", 1.0)):
        value = row.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SemblanceError(f"{label} needs the number '{key}' (found {value!r}).")
        numbers[key] = float(value)
    if numbers["mirror_sign"] not in (1.0, -1.0):
        raise SemblanceError(f"'mirror_sign' of {label} must be 1 or -1.")
    return Control(
        name, _target(row, label), numbers["minimum"], numbers["maximum"], numbers["neutral"],
        row.get("group", ""), row.get("pair", name), numbers["mirror_sign"],
    )


def _target(row: dict[str, Any], label: str) -> Target:
    if "shape_key" in row:
        return ShapeKey(_text(row, "mesh", label), _text(row, "shape_key", label))
    if "property" in row:
        return CustomProperty(row.get("bone", ""), _text(row, "property", label))
    bone = _text(row, "bone", label)
    channel, axis = row.get("channel"), row.get("axis")
    if channel not in _CHANNELS or axis not in _AXES:
        raise SemblanceError(f"{label} needs a 'channel' of {', '.join(_CHANNELS)} and an 'axis' of X, Y, Z.")
    return BoneChannel(bone, channel, _AXES[axis])


def _text(row: dict[str, Any], key: str, label: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise SemblanceError(f"{label} needs the text '{key}'.")
    return value


def _refuse_unknown(row: dict[str, Any], known: set[str], label: str) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        raise SemblanceError(f"{label} has the unknown key '{unknown[0]}'.")
