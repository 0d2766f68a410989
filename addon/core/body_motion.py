"""How a body moves: 22 joints over time, whatever rig they come from.

The joints are SMPL's first 22, in its order. Their frame is the body's own at rest: x to the person's left, y up, z to
the front; the unit of length is the source's own, and nothing that reads a BodyMotion may depend on it.
"""
from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from .errors import SemblanceError
from .frames import angles_of

JOINTS: Final = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)
JOINT: Final = {name: i for i, name in enumerate(JOINTS)}
PARENTS: Final = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
LEAST_FRAMES: Final = 2
_NEEDED: Final = {
    "pelvis": ("the hips", "Hips"), "head": ("the head", "Head"), "left_shoulder": ("the left upper arm", "LeftArm"),
    "right_shoulder": ("the right upper arm", "RightArm"),
}
"""Joint → in words, and as Mixamo calls it. Without these nobody could say where the front is."""
_SIDES: Final = (
    (r"^Left", "Right"), (r"^left_", "right_"), (r"\.L$", ".R"), (r"^L_", "R_"), (r"^L(?=[A-Z])", "R"), (r"_L_", "_R_"),
)


@dataclass(frozen=True)
class BodyMotion:
    """A body over T frames."""

    times_s: np.ndarray
    """float64 [T], strictly rising."""
    joints: np.ndarray
    """float32 [T, 22, 3]."""
    head: np.ndarray
    """float32 [T, 3]: the head's yaw, pitch, roll against the chest, rad, signs as in core.frames."""
    name: str
    """Of the file or Action."""
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times_s)


def rates(motion: BodyMotion) -> float:
    """Frames per second, on average."""
    return (len(motion) - 1) / float(motion.times_s[-1] - motion.times_s[0])


def resampled(motion: BodyMotion, fps: float) -> BodyMotion:
    """The same at `fps`, by linear interpolation; a source with more frames is averaged first, so that nothing folds.

    Raises:
        SemblanceError: if the motion is shorter than two frames of that rate.
    """
    wide = max(1, round(rates(motion) / fps))
    steps = float(motion.times_s[-1] - motion.times_s[0]) * fps
    count = int(np.ceil(steps - 1e-6)) + 1      # the last one holds the end, so that nothing of it is lost
    if steps < LEAST_FRAMES - 1 - 1e-6:
        raise SemblanceError(
            f"The motion '{motion.name}' lasts less than {LEAST_FRAMES / fps:.2f} s; choose a longer one."
        )
    at = motion.times_s[0] + np.arange(count) / fps

    def moved(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(len(values), -1).astype(np.float64)
        padded = np.pad(flat, ((wide // 2, wide - 1 - wide // 2), (0, 0)), mode="edge")
        mean = np.mean([padded[i:i + len(flat)] for i in range(wide)], axis=0)
        columns = [np.interp(at, motion.times_s, column) for column in mean.T]
        return np.stack(columns, 1).reshape(count, *values.shape[1:]).astype(np.float32)

    return BodyMotion(at, moved(motion.joints), moved(motion.head), motion.name, motion.warnings)


def motion_of(
    name: str, times_s: np.ndarray, names: Sequence[str], parents: Sequence[int], rest: np.ndarray,
    positions: np.ndarray, rotations: np.ndarray,
) -> BodyMotion:
    """A BodyMotion of any skeleton whose bones have known names.

    Args:
        name: of the source, for sentences.
        times_s: [T].
        names, parents: of J bones, parents before children, -1 = none.
        rest: [J, 3], where they are at rest.
        positions: [T, J, 3].
        rotations: [T, J, 3, 3], how each is turned away from its rest, in the same frame.

    Raises:
        SemblanceError: naming the source: too few frames, numbers that are none, joints that cannot be found.
    """
    if len(times_s) < LEAST_FRAMES:
        count = "only one frame" if len(times_s) else "no frames"
        raise SemblanceError(f"'{name}' has {count}; a face needs a body that moves.")
    if not (np.isfinite(positions).all() and np.isfinite(rotations).all()):
        raise SemblanceError(f"'{name}' has values that are not finite numbers; export the motion again.")
    found = find_joints(names, parents)
    absent = [_NEEDED[joint] for joint in _NEEDED if joint not in found]
    if absent:
        words, mixamo = (", ".join(each) for each in zip(*absent, strict=True))
        shown = ", ".join(f"'{each}'" for each in list(names)[:4])
        raise SemblanceError(
            f"'{name}' has no bone that is known as {words} (its bones are {shown}, ...); rename as in Mixamo "
            f"({mixamo}), Rigify, MPFB, VRM or CMU rigs."
        )
    axes = _axes(rest, found, name)
    joints = np.empty((len(times_s), len(JOINTS), 3), np.float32)
    for joint, place in JOINT.items():
        joints[:, place] = positions[:, _standing_in(joint, found)]
    chest, head = (axes.T @ rotations[:, found[joint]] @ axes for joint in ("spine3", "head"))
    lost = [joint for joint in JOINTS if joint not in found]
    warnings = (f"'{name}' has no {_listed(lost)}; the face was made without them.",) if lost else ()
    return BodyMotion(
        np.asarray(times_s, np.float64), (joints @ axes).astype(np.float32),
        angles_of(np.swapaxes(chest, 1, 2) @ head), name, warnings,
    )


def find_joints(names: Sequence[str], parents: Sequence[int]) -> dict[str, int]:
    """Joint → number of the bone; the spine is read off the hierarchy between pelvis and head."""
    where: dict[str, int] = {}
    for number, name in enumerate(names):
        where.setdefault(_plain(name), number)
    found = {}
    for joint, known in _TABLE.items():
        there = [where[plain] for plain in known if plain in where]
        if there:
            found[joint] = there[0]
    if "pelvis" not in found or "head" not in found:
        return found
    chain, bone = [], parents[found["head"]]
    while bone >= 0 and bone != found["pelvis"]:
        chain.append(bone)
        bone = parents[bone]
    chain.reverse()
    # The chest is where the arms branch off.
    arm = found.get("left_collar", found.get("left_shoulder", -1))
    branch = parents[arm] if arm >= 0 else -1
    spine = chain[:chain.index(branch) + 1] if branch in chain else chain or [found["pelvis"]]
    picks = np.rint(np.linspace(0, len(spine) - 1, 3)).astype(int)
    found |= {f"spine{i}": spine[pick] for i, pick in enumerate(picks, 1)}
    found.setdefault("neck", found["head"])
    return found


def _listed(joints: Sequence[str]) -> str:
    """Joints in words, those of both sides once and last."""
    parts = [joint.split("_")[-1] for joint in joints]
    one = [joint.replace("_", " ") for joint, part in zip(joints, parts, strict=True) if parts.count(part) == 1]
    both = list(dict.fromkeys(part for part in parts if parts.count(part) == 2))
    return ", ".join([*one, *both]) + (" on either side" if both else "")


def _standing_in(joint: str, found: dict[str, int]) -> int:
    """The bone of a joint, or of the nearest one above it that is there."""
    place = JOINT[joint]
    while JOINTS[place] not in found:
        place = PARENTS[place]
    return found[JOINTS[place]]


def _axes(rest: np.ndarray, found: dict[str, int], name: str) -> np.ndarray:
    """The body's left, up and front at rest as columns [3, 3]; nearly upright skeletons keep the source's own axes."""
    left = rest[found["left_shoulder"]] - rest[found["right_shoulder"]]
    up = rest[found["head"]] - rest[found["pelvis"]]
    front = np.cross(left, up)
    if not np.linalg.norm(front) > 1e-9:
        raise SemblanceError(
            f"'{name}' has a rest pose without size (shoulders, head and hips are in one line); export it with its "
            "bones' lengths."
        )
    upright = np.zeros(3)
    upright[np.argmax(np.abs(up))] = np.sign(up[np.argmax(np.abs(up))])
    if up @ upright < 0.98 * np.linalg.norm(up):
        upright = up / np.linalg.norm(up)
    left = left - (left @ upright) * upright
    left /= np.linalg.norm(left)
    return np.stack([left, upright, np.cross(left, upright)], 1)


def _plain(name: str) -> str:
    """A bone's name without what differs between exporters."""
    name = re.split(r"[:|]", name)[-1]
    name = re.sub(r"^(?:DEF|ORG)[-_]", "", name)
    name = re.sub(r"[._ -]([LlRr])$", lambda side: f".{side[1].upper()}", name)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read_table() -> dict[str, tuple[str, ...]]:
    """Joint → plain names, best first."""
    with (Path(__file__).parent / "body_joints.toml").open("rb") as file:
        listed = tomllib.load(file)
    table = {}
    for joint, names in listed.items():
        table[joint] = tuple(_plain(name) for name in names)
        if joint.startswith("left_"):
            table[joint.replace("left", "right")] = tuple(_plain(name) for name in map(_mirrored, names))
    return table


def _mirrored(name: str) -> str:
    for pattern, other in _SIDES:
        name, count = re.subn(pattern, other, name)
        if count:
            return name
    raise ValueError(f"'{name}' has no side")


_TABLE: Final = _read_table()
