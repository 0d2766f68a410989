"""From landmarks in metres to the rotations of a humanoid's bones, whatever their lengths and rest pose.

A rotation here turns a bone away from its rest, in the body's frame (x to the person's left, y up, z to the front).
Hips, chest, head and hands are turned whole, as frames of landmarks; limbs and fingers by the least rotation that,
after their parent's, lets them point where the landmarks do, so that no twist is invented. Only directions are taken
from the landmarks, so bones keep their lengths.
"""
from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..core.body_motion import find_joints
from ..core.errors import SemblanceError
from ..core.frames import BodyTrack
from .finger_bones import find_fingers

NEEDED: Final = ("pelvis", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow")
TO_BODY: Final = np.diag([1.0, -1.0, -1.0])
"""Landmarks of a person who faces the camera → the body's frame."""
SIDES: Final = ("left", "right")
FINGERS: Final = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17}
"""Finger → the hand's landmark at its first joint."""
_FRONT, _UP = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
_MOST: Final = {"knee": 155, "elbow": 155, "foot": 60, "wrist": 90, "head": 80, "hip": 130, "finger": 100}
"""How far each may be turned against its parent, degrees; shoulders go anywhere."""


@dataclass(frozen=True)
class Skeleton:
    """A humanoid at rest; bones are numbered, parents before children."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 = none."""
    heads: np.ndarray
    """float [B, 3] in the body's frame."""
    tails: np.ndarray
    """float [B, 3]."""
    axes: np.ndarray
    """float [3, 3]: the body's left, up and front in the armature's frame, as columns."""
    joints: dict[str, int]
    """Joint as in core.body_motion, or "left_index2" and the like, → its bone."""


def skeleton_of(names: list[str], parents: list[int], heads: np.ndarray, tails: np.ndarray, title: str) -> Skeleton:
    """The humanoid that these bones are.

    Raises:
        SemblanceError: naming `title` and what is missing, if bones do not have the names of Rigify, MPFB or Mixamo.
    """
    joints = find_joints(names, parents)
    lacking = [joint for joint in NEEDED if joint not in joints]
    if lacking:
        raise SemblanceError(
            f"'{title}' has no bone known as {' or '.join(lacking)}; name its bones as Rigify, MPFB or Mixamo do."
        )
    left = heads[joints["left_shoulder"]] - heads[joints["right_shoulder"]]
    up = heads[joints["head"]] - heads[joints["pelvis"]]
    axes = frame_of(left[None], up[None])[0]
    return Skeleton(tuple(names), tuple(parents), heads @ axes, tails @ axes, axes, joints | find_fingers(names))


def decode(track: BodyTrack, skeleton: Skeleton) -> np.ndarray:
    """float64 [T, B, 3, 3]: how each bone is turned away from its rest; without a body as in the frame before."""
    found = np.flatnonzero(track.found)
    if len(found) == 0:
        raise SemblanceError("The take's body was never found; track its source again with --body.")
    last = found[np.maximum(np.searchsorted(found, np.arange(len(track)), "right") - 1, 0)]
    points, hands = (each[last].astype(np.float64) @ TO_BODY for each in (track.world, track.hands_world))
    turns = _trunk(points, skeleton)
    for side, hand in zip(SIDES, np.moveaxis(hands, 1, 0), strict=True):
        _limbs(turns, points, skeleton, side)
        _hand(turns, hand, points, skeleton, side)
    return _all_bones(turns, skeleton, len(track))


def positions(turns: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float64 [T, B, 3]: the bones' heads after `turns` [T, B, 3, 3], the first bone's head where it is at rest."""
    places = np.empty(turns.shape[:3])
    for bone, parent in enumerate(skeleton.parents):
        if parent < 0:
            places[:, bone] = skeleton.heads[bone]
        else:
            offset = skeleton.heads[bone] - skeleton.heads[parent]
            places[:, bone] = places[:, parent] + turns[:, parent] @ offset
    return places


def planted(turns: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """float64 [T, 3]: how the hips move so that the foot that stands does not slide, and stands on the floor.

    Landmarks are counted from the hips, so that they do not tell where a body goes; its feet do. The lower foot stands,
    until the other is lower by a fiftieth of the body's height.
    """
    joints, moved = skeleton.joints, np.zeros((len(turns), 3))
    feet = np.array([joints.get(f"{side}_foot", joints.get(f"{side}_ankle", -1)) for side in SIDES])
    if feet.min() < 0:
        return moved
    places = positions(turns, skeleton)[:, feet]
    margin = 0.02 * float(np.ptp(skeleton.heads[:, 1]))
    floor = float(skeleton.heads[feet, 1].min())
    stands = int(places[0, :, 1].argmin())
    for t in range(len(turns)):
        if t:
            moved[t] = moved[t - 1] + places[t - 1, stands] - places[t, stands]
            if places[t, 1 - stands, 1] < places[t, stands, 1] - margin:
                stands = 1 - stands
        moved[t, 1] = floor - places[t, stands, 1]
    return moved


def frame_of(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Directions [T, 3] → orthonormal frames [T, 3, 3] with columns left (as near as can be), up, front."""
    up = _unit(up)
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], -1)


def swing(before: np.ndarray, after: np.ndarray, most: float = np.pi) -> np.ndarray:
    """The least rotations [T, 3, 3] that take directions `before` to `after` [T, 3], or `most` rad of the way."""
    before, after = _unit(before), _unit(after)
    axis = np.cross(before, after)
    sine, cosine = np.linalg.norm(axis, axis=-1), (before * after).sum(-1)
    # Opposite directions: any axis across does.
    across = np.cross(before, np.where(np.abs(before[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    axis = _unit(np.where(sine[:, None] > 1e-9, axis, across))
    return about(axis, np.minimum(np.arctan2(sine, cosine), most))


def about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotations [T, 3, 3] by angles [T] rad about unit axes [T, 3] (Rodrigues)."""
    zero = np.zeros(len(axis))
    x, y, z = axis.T
    cross = np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2)
    sine, versine = np.sin(angle)[:, None, None], 1 - np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + versine * cross @ cross


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _part(rotation: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """That share, or each its own of shares [T], of rotations [T, 3, 3]."""
    axis = np.stack([
        rotation[:, 2, 1] - rotation[:, 1, 2], rotation[:, 0, 2] - rotation[:, 2, 0],
        rotation[:, 1, 0] - rotation[:, 0, 1],
    ], -1)
    return about(_unit(axis), share * _angle(rotation))


def _trunk(points: np.ndarray, skeleton: Skeleton) -> dict[str, np.ndarray]:
    """Pelvis, spine, neck and head from landmarks [T, 33, 3]."""
    joints = skeleton.joints
    corners = [f"{side}_{name}" for name in ("shoulder", "hip") for side in SIDES]
    rest = _hips_and_chest(skeleton.heads[None, [joints.get(name, joints["pelvis"]) for name in corners]])
    seen = _hips_and_chest(points[:, [11, 12, 23, 24]])
    pelvis, chest = (now @ np.swapaxes(still, 1, 2) for now, still in zip(seen, rest, strict=True))
    bend = np.swapaxes(pelvis, 1, 2) @ chest
    eyes, mouth = points[:, [2, 5]].mean(1), points[:, [9, 10]].mean(1)
    face = frame_of(points[:, 7] - points[:, 8], eyes - mouth)
    nod = np.swapaxes(chest, 1, 2) @ face
    limited = np.minimum(1, np.radians(_MOST["head"]) / np.maximum(_angle(nod), 1e-9))
    nod = _part(nod, limited)
    turns = {"pelvis": pelvis, "neck": chest @ _part(nod, 0.5), "head": chest @ nod}
    return turns | {f"spine{i}": pelvis @ _part(bend, i / 3) for i in (1, 2, 3)}


def _hips_and_chest(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames [T, 3, 3] of left and right shoulder, left and right hip [T, 4, 3]; without hips that of the shoulders."""
    across, up = ends[:, 0] - ends[:, 1], ends[:, :2].mean(1) - ends[:, 2:].mean(1)
    hips = ends[:, 2] - ends[:, 3]
    return frame_of(np.where(np.abs(hips).max(-1, keepdims=True) > 1e-9, hips, across), up), frame_of(across, up)


def _angle(rotation: np.ndarray) -> np.ndarray:
    return np.arccos(np.clip((np.trace(rotation, axis1=1, axis2=2) - 1) / 2, -1, 1))


def _limbs(turns: dict[str, np.ndarray], points: np.ndarray, skeleton: Skeleton, side: str) -> None:
    """An arm and a leg, from their roots on."""
    odd = SIDES.index(side)
    for names, marks, root in (
        (("shoulder", "elbow", "wrist"), (11, 13, 15), "spine3"),
        (("hip", "knee", "ankle", "foot"), (23, 25, 27, 31), "pelvis"),
    ):
        parent = turns[root]
        for i, (name, below) in enumerate(pairwise(names)):
            bone, end = (skeleton.joints.get(f"{side}_{each}") for each in (name, below))
            if bone is None:
                continue
            rest = (skeleton.heads[end] if end is not None else skeleton.tails[bone]) - skeleton.heads[bone]
            seen = points[:, marks[i + 1] + odd] - points[:, marks[i] + odd]
            most = np.radians(_MOST.get("foot" if name == "ankle" else name, 180))
            parent = turns[f"{side}_{name}"] = swing(parent @ rest, seen, most) @ parent


def _hand(turns: dict[str, np.ndarray], hand: np.ndarray, points: np.ndarray, skeleton: Skeleton, side: str) -> None:
    """The hand [T, 21, 3] and its fingers; where it was not found it goes on as the forearm does."""
    forearm, wrist = turns.get(f"{side}_elbow"), skeleton.joints.get(f"{side}_wrist")
    if forearm is None or wrist is None:
        return
    there = np.isfinite(hand).all((1, 2))
    fingers = {(f, i): skeleton.joints[f"{side}_{f}{i}"] for f in FINGERS for i in (1, 2, 3)
               if f"{side}_{f}{i}" in skeleton.joints}
    turn = forearm.copy()
    if there.any():
        seen = hand[there]
        base = {f: skeleton.heads[fingers[f, 1]] for f in ("index", "middle", "pinky") if (f, 1) in fingers}
        along = (base["middle"] if "middle" in base else skeleton.tails[wrist]) - skeleton.heads[wrist]
        before = forearm[there]
        turn[there] = swing(before @ along, seen[:, 9] - seen[:, 0], np.radians(_MOST["wrist"])) @ before
        if len(base) == 3:
            rest = frame_of((base["index"] - base["pinky"])[None], along[None])
            turn[there] = frame_of(seen[:, 5] - seen[:, 17], seen[:, 9] - seen[:, 0]) @ np.swapaxes(rest, 1, 2)
    turns[f"{side}_wrist"] = turn
    for finger, first in FINGERS.items():
        parent = turn
        for i in (1, 2, 3):
            bone, end = fingers.get((finger, i)), fingers.get((finger, i + 1))
            if bone is None:
                continue
            rest = (skeleton.heads[end] if end is not None else skeleton.tails[bone]) - skeleton.heads[bone]
            bent = parent.copy()
            if there.any():
                to = hand[there, first + i] - hand[there, first + i - 1]
                bent[there] = swing(parent[there] @ rest, to, np.radians(_MOST["finger"])) @ parent[there]
            parent = turns[f"{side}_{finger}{i}"] = bent


def _all_bones(turns: dict[str, np.ndarray], skeleton: Skeleton, count: int) -> np.ndarray:
    """[T, B, 3, 3]: bones that are no joints go along with their parents."""
    by_bone = {bone: turns[joint] for joint, bone in skeleton.joints.items() if joint in turns}
    still = np.broadcast_to(np.eye(3), (count, 3, 3))
    out = np.empty((count, len(skeleton.names), 3, 3))
    for bone, parent in enumerate(skeleton.parents):
        out[:, bone] = by_bone.get(bone, out[:, parent] if parent >= 0 else still)
    return out
