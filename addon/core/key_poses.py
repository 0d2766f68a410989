"""Reads `rigs/<name>/poses.toml`: faces of a character that its maker posed by hand, by class of expression.

Schema 1::

    schema = 1

    [[pose]]
    class = "joy"                      # one of CLASSES
    name = "broad grin"
    controls = { corner_y = 0.9, "lid_upper.L" = -0.2 }

A number is the share of the way from a control's neutral to its maximum (up to +1) or to its minimum (down to -1). A
name without its side (`.L`, `_R`, `Left` ...) sets both sides, the other one times `mirror_sign`; a side's own entry
wins.
"""
from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .control_set import ControlSet
from .errors import SemblanceError
from .rig_profile import RigProfile

SCHEMA: Final = 1
FILE: Final = "poses.toml"
CLASSES: Final = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
"""The six basic expressions and neutral (Ekman and Friesen 1971; ExprGen, section 3)."""
_SIDE: Final = re.compile(r"[ ._-]?(?:Left|Right|(?<=[ ._-])[LR](?![A-Za-z]))")


@dataclass(frozen=True)
class KeyPoses:
    """The poses of one character."""

    classes: tuple[str, ...]
    """[P], each of CLASSES."""
    names: tuple[str, ...]
    """[P], what each pose is called."""
    values: np.ndarray
    """float32 [P, K], rig units, inside the limits."""

    def of_class(self, wanted: str) -> np.ndarray:
        """The values [P', K] of one class."""
        return self.values[[name == wanted for name in self.classes]]


def read_key_poses(profile: RigProfile) -> KeyPoses:
    """The key poses beside `profile`.

    Raises:
        SemblanceError: if there are none, or a pose is wrong; the sentence names the file, the pose and the control.
    """
    path = profile.path.parent / FILE
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise SemblanceError(f"'{profile.name}' has no key poses: cannot read '{path}': {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SemblanceError(f"The key poses '{path}' are not valid TOML: {error}.") from error
    try:
        return _key_poses(data, profile.control_set)
    except SemblanceError as error:
        raise SemblanceError(f"Key poses '{path}': {error}") from error


def without_side(name: str) -> str:
    """A control's name without its side: "brow.L" and "brow.R" → "brow", "browDownLeft" → "browDown"."""
    return _SIDE.sub("", name)


def _key_poses(data: dict[str, Any], controls: ControlSet) -> KeyPoses:
    if data.get("schema") != SCHEMA:
        raise SemblanceError(f"they have schema {data.get('schema')!r}, this Semblance reads {SCHEMA}.")
    rows = data.get("pose")
    if not isinstance(rows, list) or not rows or set(data) != {"schema", "pose"}:
        raise SemblanceError("they need 'schema' and [[pose]] entries, and nothing else.")
    classes, names, values = [], [], []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != {"class", "name", "controls"} or not isinstance(row["name"], str):
            raise SemblanceError(f"pose {number} needs exactly 'class', 'name' and 'controls'.")
        if row["class"] not in CLASSES:
            known = ", ".join(CLASSES)
            raise SemblanceError(f"pose '{row['name']}' has the class {row['class']!r}; use one of {known}.")
        classes.append(row["class"])
        names.append(row["name"])
        values.append(_values(row["controls"], row["name"], controls))
    return KeyPoses(tuple(classes), tuple(names), np.stack(values))


def _values(shares: Any, pose: str, controls: ControlSet) -> np.ndarray:
    if not isinstance(shares, dict):
        raise SemblanceError(f"'controls' of pose '{pose}' must be a table of control = share.")
    found = np.zeros(len(controls), np.float32)
    # both sides first, so that the entry of one side wins
    for name, share in sorted(shares.items(), key=lambda item: item[0] in controls.names):
        if isinstance(share, bool) or not isinstance(share, int | float) or not -1 <= share <= 1:
            raise SemblanceError(f"pose '{pose}': '{name}' needs a share from -1 to 1 (found {share!r}).")
        for column, factor in _columns(name, pose, controls):
            found[column] = share * factor
    return controls.from_shares(found)


def _columns(name: str, pose: str, controls: ControlSet) -> list[tuple[int, float]]:
    """The controls that `name` means, each with the factor of its share."""
    if name in controls.names:
        return [(controls.names.index(name), 1.0)]
    sides = [i for i, control in enumerate(controls.controls)
             if control.pair != control.name and without_side(control.name) == name]
    if not sides:
        raise SemblanceError(f"pose '{pose}': there is no control '{name}'.")
    # the profile's first side is the one that the pose describes
    return [(i, 1.0 if i == sides[0] else controls.controls[i].mirror_sign) for i in sides]
