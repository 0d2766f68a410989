"""The 54 expression coefficients: names, groups, left/right partners and their ARKit channels."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import numpy as np


def _read_table() -> list[dict[str, str]]:
    with (Path(__file__).parent / "coefficients.toml").open("rb") as file:
        return tomllib.load(file)["coefficient"]


_TABLE: Final = _read_table()
NAMES: Final[tuple[str, ...]] = tuple(row["name"] for row in _TABLE)
INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(NAMES)}
COUNT: Final[int] = len(NAMES)
GROUP_OF: Final[tuple[str, ...]] = tuple(row["group"] for row in _TABLE)
GROUPS: Final[tuple[str, ...]] = tuple(dict.fromkeys(GROUP_OF))
ARKIT_OF: Final[tuple[str, ...]] = tuple(row["arkit"] for row in _TABLE)


def _partner(name: str) -> str:
    """The name on the other side of the face; a name without a side is its own partner."""
    if name.endswith("Left"):
        return name[:-4] + "Right"
    if name.endswith("Right"):
        return name[:-5] + "Left"
    return name


MIRROR: Final[np.ndarray] = np.array([INDEX[_partner(name)] for name in NAMES])
"""int [54]: `coefficients[..., MIRROR]` is the same expression seen in a mirror."""


GAZE_OUT, GAZE_IN, GAZE_UP, GAZE_DOWN = 0.60, 0.60, 0.45, 0.61
"""rad that an eye turns at coefficient 1, fitted to the angles that iPhones write beside the eyeLook channels in Live
Link Face takes: out and up/down by regression; "in" is set to what keeps both eyes parallel."""


def gaze_of(values: np.ndarray) -> np.ndarray:
    """Coefficients [..., 54] → gaze rad [..., eye (left, right), (yaw, pitch)], signs as in core.frames."""
    def at(name: str) -> np.ndarray:
        return values[..., INDEX[name]]

    eyes = []
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        yaw = sign * (GAZE_OUT * at("eyeLookOut" + side) - GAZE_IN * at("eyeLookIn" + side))
        eyes.append(np.stack([yaw, GAZE_UP * at("eyeLookUp" + side) - GAZE_DOWN * at("eyeLookDown" + side)], -1))
    return np.stack(eyes, -2)


def in_group(group: str) -> np.ndarray:
    """Bool [54]: which coefficients belong to `group` (one of GROUPS)."""
    return np.array([g == group for g in GROUP_OF])


def indices(names: tuple[str, ...] | list[str]) -> np.ndarray:
    """Int array of the positions of `names`; KeyError for a name that is not a coefficient."""
    return np.array([INDEX[name] for name in names])
