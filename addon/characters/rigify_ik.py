"""A generated Rigify rig's inverse-kinematic controls, so that they hold a limb where its forward ones have it.

Hand or foot go where the forward control is; the pole lies in the plane of the bend; without a pole the limb's upper
control is twisted until its middle joint bends in that plane. A move here is what takes a place at rest to where it is
now, [T, 4, 4] in the body's frame.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .body_pose import SIDES, Skeleton, about, positions, swing

_LIMBS: Final = {("shoulder", "elbow", "wrist"): ("hand_ik", "upper_arm_ik", "upper_arm_ik_target"),
                 ("hip", "knee", "ankle"): ("foot_ik", "thigh_ik", "thigh_ik_target")}
_HEAD: Final = "ORG-spine.006"
"""What follows the head's control by constraints."""
_BENT: Final = 0.15
"""Share of the limb's length that its middle joint must be off the straight line for it alone to tell the plane."""


@dataclass(frozen=True)
class IkLimb:
    """The controls of one arm or leg."""

    joints: tuple[str, str, str]
    """From its root on, as in Skeleton.joints."""
    end: int
    """The control of its hand or foot."""
    upper: int
    pole: int


@dataclass(frozen=True)
class Moved:
    """A control's own move, and that of what it hangs on."""

    bone: int
    own: np.ndarray
    above: np.ndarray


def find_ik(skeleton: Skeleton) -> list[IkLimb]:
    """Arms and legs that have all three controls; none in other rigs."""
    where = {name: number for number, name in enumerate(skeleton.names)}
    found = []
    for side, letter in zip(SIDES, "LR", strict=True):
        for parts, controls in _LIMBS.items():
            first, middle, last = (f"{side}_{part}" for part in parts)
            bones = [where.get(f"{control}.{letter}", -1) for control in controls]
            if skeleton.followers and min(bones) >= 0 and {first, middle, last} <= skeleton.joints.keys():
                found.append(IkLimb((first, middle, last), *bones))
    return found


def ik_moves(
    turns: np.ndarray, hips: np.ndarray, skeleton: Skeleton, limb: IkLimb, hangs_on: Mapping[int, str]
) -> list[Moved]:
    """Moves of hand or foot, of the pole and of the upper control.

    Args:
        turns: [T, B, 3, 3] as `decode` gives them; `hips` [T, 3] how they move, as `planted` gives it.
        hangs_on: of the limb's end and pole: the bone that they follow, "" = none.
    """
    places = positions(turns, skeleton)
    places[:, _below(skeleton, skeleton.joints["pelvis"])] += hips[:, None]
    bones = [skeleton.joints[joint] for joint in limb.joints]
    root, middle, last = (places[:, bone] for bone in bones)
    end = _move(turns, places, skeleton, bones[2])

    def above(bone: int) -> np.ndarray:
        name = hangs_on[bone]
        if name.startswith("MCH-") and "_ik_target" in name:
            return end
        number = skeleton.joints["head"] if name == _HEAD else skeleton.names.index(name) if name else -1
        return _move(turns, places, skeleton, number)

    rest = skeleton.heads[limb.pole] - skeleton.heads[bones[1]]
    outwards = _outwards(root, middle, last, turns[:, bones[0]] @ rest)
    pole = np.tile(np.eye(4), (len(turns), 1, 1))
    pole[:, :3, 3] = middle + np.linalg.norm(rest) * outwards - skeleton.heads[limb.pole]
    upper, base = _upper(turns, places, skeleton, bones, outwards)
    return [Moved(limb.end, end, above(limb.end)), Moved(limb.pole, pole, above(limb.pole)),
            Moved(limb.upper, upper, base)]


def _outwards(root: np.ndarray, middle: np.ndarray, last: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Unit directions [T, 3] across the line from root to last, to the side of the middle joint; of a straight limb to
    where the upper part has turned what is outwards at `rest` [T, 3]."""
    line = _unit(last - root)
    off, rest = (each - (each * line).sum(1, keepdims=True) * line for each in (middle - root, rest))
    length = np.linalg.norm(middle - root, axis=1, keepdims=True)
    sure = np.minimum(np.linalg.norm(off, axis=1, keepdims=True) / (_BENT * length), 1)
    return _unit(sure * _unit(off) + (1 - sure) * _unit(rest))


def _upper(
    turns: np.ndarray, places: np.ndarray, skeleton: Skeleton, bones: Sequence[int], outwards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Moves of the upper control and of the bone that it hangs on, which points to hand or foot."""
    first, middle, last = bones
    heads, upper = skeleton.heads, turns[:, first]
    still = [heads[[bone]] for bone in bones]
    rest = _outwards(still[0], still[1], still[2], still[1] - still[0])[0]
    axis = places[:, middle] - places[:, first]
    twisted = about(_unit(axis), _angle(axis, upper @ rest, outwards)) @ upper
    above = turns[:, skeleton.parents[first]]
    base = swing(above @ (heads[last] - heads[first]), places[:, last] - places[:, first]) @ above
    return _about(twisted, heads[first], places[:, first]), _about(base, heads[first], places[:, first])


def _angle(axis: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Angles [T] rad about `axis` that take `before` into the half plane of `after`, all [T, 3]."""
    axis = _unit(axis)
    before, after = (each - (each * axis).sum(1, keepdims=True) * axis for each in (before, after))
    return np.arctan2((np.cross(before, after) * axis).sum(1), (before * after).sum(1))


def _below(skeleton: Skeleton, top: int) -> list[int]:
    """A bone and all that hang on it."""
    found = {top}
    for bone, parent in enumerate(skeleton.parents):    # parents come first
        if parent in found:
            found.add(bone)
    return sorted(found)


def _move(turns: np.ndarray, places: np.ndarray, skeleton: Skeleton, bone: int) -> np.ndarray:
    """That of a bone; -1 = of what never moves."""
    if bone < 0:
        return np.tile(np.eye(4), (len(turns), 1, 1))
    return _about(turns[:, bone], skeleton.heads[bone], places[:, bone])


def _about(turn: np.ndarray, rest: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Turns [T, 3, 3] about a place [3] that comes to `place` [T, 3]."""
    out = np.tile(np.eye(4), (len(turn), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = turn, place - turn @ rest
    return out


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
