"""Reads, checks and writes a profile.toml: which controls a character has, what carries them and what they mean.

Schema 1::

    schema = 1
    name = "Pip"                     # also the folder and the decoder's name, in lower case
    description = "one line"
    blend = "pip.blend"              # beside the profile; absent for a rig of the user's own
    armature = "Pip"                 # the armature object that owns the bones; "" for a character of meshes only

    [[control]]
    name = "brow_inner.L"
    bone = "CTRL-brow_inner.L"       # a pose bone's channel ...
    channel = "location"             # location, scale or rotation_euler (rad, whatever rotation mode the bone has)
    axis = "Y"
    minimum = -1.0
    maximum = 1.0
    neutral = 0.0                    # default 0
    group = "brows"
    pair = "brow_inner.R"            # default: itself
    mirror_sign = 1                  # default 1
    meaning = { browInnerUpLeft = 0.1 }   # signal → rig units for 1.0 of it; default none (see control_set.SIGNALS)
    gain = 1.0                       # strength around the neutral; default 1
    enabled = true                   # false: listed, but never written or keyed; default true
    offset = 0.0                     # rig units added to every value, inside the limits; default 0
    muted = false                    # true: rests at its neutral without keys; default false
    mirrored = false                 # true: takes the value that it has in the mirrored pose; default false

    [[control]]
    name = "cheek_puff.L"
    bone = "CTRL-face"               # ... or a custom property of a bone (without `bone`: of the object itself),
    property = "cheek_puff.L"
    object = "Props"                 # ... of this object; default: the armature

    [[control]]
    name = "smile"
    mesh = ["Head", "Lashes"]        # ... or a shape key of a mesh ("Head") or of several
    shape_key = "smile"
"""
from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .control_set import BoneChannel, Control, ControlSet, CustomProperty, ShapeKey, Target
from .errors import SemblanceError
from .files import write_bytes
from .paths import RIGS, preset_folders
from .toml_text import quoted

SCHEMA = 1
_AXES = {"X": 0, "Y": 1, "Z": 2}
_CHANNELS = ("location", "rotation_euler", "scale")
_TOP_KEYS = {"schema", "name", "description", "blend", "armature", "control"}
_CONTROL_KEYS = {
    "name", "minimum", "maximum", "neutral", "group", "pair", "mirror_sign", "meaning", "gain", "enabled", "offset",
    "muted", "mirrored",
}
# What says which carrier a control has → the keys that go with it.
_TARGET_KEYS = {
    "shape_key": {"mesh", "shape_key"}, "property": {"object", "bone", "property"}, "bone": {"bone", "channel", "axis"},
}


@dataclass(frozen=True)
class RigProfile:
    """A character as its rigger describes it."""

    name: str
    description: str
    blend: Path | None
    """The file that the character can be appended from; None for a rig of the user's own."""
    armature: str
    """The name of the armature object; empty for a character of meshes only."""
    control_set: ControlSet
    path: Path

    def __post_init__(self) -> None:
        for control in self.control_set.controls:
            target = control.target
            if not self.armature and not isinstance(target, ShapeKey) and not getattr(target, "object", ""):
                raise SemblanceError(f"control '{control.name}' needs an armature, but the profile names none.")


def read_profile(path: Path) -> RigProfile:
    """Read a profile file.

    Raises:
        SemblanceError: naming the file, and the control or key that is wrong.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SemblanceError(f"Cannot read the rig profile '{path}': {error.strerror}.") from error
    try:
        return parse_profile(data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        raise SemblanceError(f"The rig profile '{path}' is not valid TOML: {error}.") from error


def parse_profile(text: str, path: Path) -> RigProfile:
    """The profile whose file at `path` holds `text`; the file itself need not exist.

    Raises:
        SemblanceError: as `read_profile`.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also endless digits and nesting
        raise SemblanceError(f"The rig profile '{path}' is not valid TOML: {error}.") from error
    try:
        return _profile(data, path)
    except SemblanceError as error:
        raise SemblanceError(f"Rig profile '{path}': {error}") from error


def write_profile(profile: RigProfile, path: Path) -> None:
    """Write what `read_profile` reads: the same profile again, but for its `path`.

    Raises:
        SemblanceError: if the file cannot be written.
    """
    path = Path(path)
    write_bytes(path, profile_text(profile, path.parent).encode())


def profile_text(profile: RigProfile, folder: Path) -> str:
    """What `parse_profile` reads for a file in `folder`."""
    rows: dict[str, Any] = {"schema": SCHEMA, "name": profile.name, "description": profile.description}
    if profile.blend:
        beside = profile.blend.is_relative_to(folder)
        rows["blend"] = (profile.blend.relative_to(folder) if beside else profile.blend.absolute()).as_posix()
    lines = _lines(rows | {"armature": profile.armature})
    for control in profile.control_set.controls:
        lines += ["", "[[control]]", *_lines(_control_row(control))]
    return "\n".join(lines) + "\n"


def find_profile(character: str) -> RigProfile:
    """The shipped profile or the user's preset named `character` (any case), or the profile file that it names.

    Raises:
        SemblanceError: if there is none; the sentence lists the characters there are.
    """
    if character.endswith(".toml"):
        return read_profile(Path(character))
    path = RIGS / character.lower() / "profile.toml"
    if character.isidentifier() and path.is_file():
        return read_profile(path)
    presets, unread = read_presets(preset_folders())
    for profile in presets:
        if profile.name.casefold() == character.casefold():
            return profile
    known = ", ".join(p.name for p in (*read_profiles(shipped_files())[0], *presets)) or "none"
    raise SemblanceError(" ".join([
        f"There is no character '{character}'; the characters here are: {known}.", *unread,
    ]))


def read_presets(folders: Iterable[Path]) -> tuple[list[RigProfile], list[str]]:
    """The presets of users' own rigs by file name, earlier folders first; and a sentence for each unreadable file."""
    return read_profiles(path for folder in folders for path in sorted(folder.glob("*.toml")))


def read_profiles(paths: Iterable[Path]) -> tuple[list[RigProfile], list[str]]:
    """The profiles of these files, and a sentence for each that cannot be read."""
    profiles, unread = [], []
    for path in paths:
        try:
            profiles.append(read_profile(path))
        except SemblanceError as error:
            unread.append(str(error))
    return profiles, unread


def shipped_files() -> list[Path]:
    """The profile of each character under `rigs/`, by name."""
    return sorted(RIGS.glob("*/profile.toml"))


def _profile(data: dict[str, Any], path: Path) -> RigProfile:
    schema = data.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        newer = isinstance(schema, int) and schema > SCHEMA
        raise SemblanceError(
            f"it has schema {schema!r}, this Semblance reads {SCHEMA}" + ("; update Semblance." if newer else ".")
        )
    label = "the profile"
    _refuse_unknown(data, _TOP_KEYS, label)
    controls = data.get("control")
    if not isinstance(controls, list) or not controls or not all(isinstance(row, dict) for row in controls):
        raise SemblanceError("it has no [[control]] entries.")
    control_set = ControlSet(tuple(_control(row) for row in controls))
    blend = path.parent / _text(data, "blend", label) if "blend" in data else None
    armature = _text(data, "armature", label, empty=True)
    description = _text(data, "description", label, "")
    return RigProfile(_text(data, "name", label), description, blend, armature, control_set, path)


def _control(row: dict[str, Any]) -> Control:
    name = _text(row, "name", "a control")
    label = f"control '{name}'"
    _refuse_unknown(row, _CONTROL_KEYS.union(*_TARGET_KEYS.values()), label)
    minimum, maximum = _number(row, "minimum", label), _number(row, "maximum", label)
    neutral, mirror_sign, gain, offset = (
        _number(row, key, label, default)
        for key, default in (("neutral", 0), ("mirror_sign", 1), ("gain", 1), ("offset", 0))
    )
    if mirror_sign not in (1, -1):
        raise SemblanceError(f"'mirror_sign' of {label} must be 1 or -1.")
    meaning = row.get("meaning", {})
    if not isinstance(meaning, dict):
        raise SemblanceError(f"'meaning' of {label} must be a table such as {{ jawOpen = 0.5 }}.")
    enabled, muted, mirrored = (
        _truth(row, key, label, default) for key, default in (("enabled", True), ("muted", False), ("mirrored", False))
    )
    return Control(
        name, _target(row, label), minimum, maximum, neutral, _text(row, "group", label, ""),
        _text(row, "pair", label, name), mirror_sign,
        {signal: _number(meaning, signal, f"the meaning of {label}") for signal in meaning}, gain, enabled, offset,
        muted, mirrored,
    )


def _target(row: dict[str, Any], label: str) -> Target:
    kind = next((key for key in _TARGET_KEYS if key in row), "bone")
    beside = sorted(set(row) - _CONTROL_KEYS - _TARGET_KEYS[kind])
    if beside:
        raise SemblanceError(f"{label} has '{beside[0]}' beside '{kind}'; one thing carries a control, not two.")
    if kind == "shape_key":
        mesh = row.get("mesh")
        meshes: list[Any] = mesh if isinstance(mesh, list) else [mesh]
        if not meshes or not all(isinstance(name, str) and name for name in meshes):
            raise SemblanceError(f"{label} needs a 'mesh': a name or a list of names.")
        return ShapeKey(tuple(dict.fromkeys(meshes)), _text(row, "shape_key", label))
    if kind == "property":
        bone, item = _text(row, "bone", label, ""), _text(row, "object", label, "")
        return CustomProperty(bone, _text(row, "property", label), item)
    bone, channel, axis = _text(row, "bone", label), row.get("channel"), row.get("axis")
    if channel not in _CHANNELS or not isinstance(axis, str) or axis not in _AXES:
        raise SemblanceError(f"{label} needs a 'channel' of {', '.join(_CHANNELS)} and an 'axis' of X, Y, Z.")
    return BoneChannel(bone, channel, _AXES[axis])


def _text(row: dict[str, Any], key: str, label: str, default: str | None = None, empty: bool = False) -> str:
    """The text at `key`; a default may be empty, a given text only where `empty` says so."""
    value = row.get(key, default)
    if not isinstance(value, str) or not (value or empty or default is not None):
        raise SemblanceError(f"{label} needs the text '{key}' (found {value!r}).")
    return value


def _truth(row: dict[str, Any], key: str, label: str, default: bool) -> bool:
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise SemblanceError(f"'{key}' of {label} must be true or false.")
    return value


def _number(row: dict[str, Any], key: str, label: str, default: float | None = None) -> float:
    value = row.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SemblanceError(f"{label} needs the number '{key}' (found {value!r}).")
    try:
        return float(value)
    except OverflowError:
        return math.inf  # an integer of any length is valid TOML; limits refuse it


def _refuse_unknown(row: dict[str, Any], known: set[str], label: str) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        raise SemblanceError(f"{label} has the unknown key '{unknown[0]}'.")


def _control_row(control: Control) -> dict[str, Any]:
    """A control's entries in the order of the schema; defaults that say nothing are left out."""
    target = control.target
    row: dict[str, Any] = {"name": control.name}
    if isinstance(target, ShapeKey):
        one = len(target.meshes) == 1
        row |= {"mesh": target.meshes[0] if one else list(target.meshes), "shape_key": target.key}
    elif isinstance(target, CustomProperty):
        where = {"object": target.object, "bone": target.bone}
        row |= {key: name for key, name in where.items() if name} | {"property": target.property}
    else:
        row |= {"bone": target.bone, "channel": target.channel, "axis": "XYZ"[target.axis]}
    numbers = ("minimum", "maximum", "neutral")
    row |= {key: float(getattr(control, key)) for key in numbers}
    row |= {"group": control.group, "pair": control.pair, "mirror_sign": int(control.mirror_sign)}
    if control.meaning:
        row["meaning"] = {signal: float(amount) for signal, amount in control.meaning.items()}
    said = (("gain", control.gain, 1.0), ("enabled", control.enabled, True), ("offset", control.offset, 0.0),
            ("muted", control.muted, False), ("mirrored", control.mirrored, False))
    return row | {key: type(default)(value) for key, value, default in said if value != default}


def _lines(row: dict[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in row.items()]


def _toml(value: Any) -> str:
    """A text, number, truth, list or flat table as TOML writes it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
