"""From landmarks in metres to the rotations of a humanoid's bones, whatever their lengths and rest pose.

A rotation here turns a bone away from its rest, in the body's frame (x to the person's left, y up, z to the front).
Hips, chest, head and hands are turned whole, as frames of landmarks; limbs and fingers by the least rotation that,
after their parent's, lets them point where the landmarks do. Upper arms and thighs are also twisted until the elbow or
knee bends in its plane, and forearms as far as the hand is turned over; a limb of several bones shares the twist among
them. Only directions are taken from the landmarks, so bones keep their lengths.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np

from ..core.body_motion import find_joints
from ..core.errors import SemblanceError
from ..core.frames import BodyTrack
from .finger_bones import find_fingers
from .rigify_controls import find_controls, find_followers

NEEDED: Final = ("pelvis", "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow")
TO_BODY: Final = np.diag([1.0, -1.0, -1.0])
"""Landmarks of a person who faces the camera → the body's frame."""
SIDES: Final = ("left", "right")
FINGERS: Final = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17}
"""Finger → the hand's landmark at its first joint."""
_LIMBS: Final = (
    # joints, their landmarks on the left, what the first hangs on, where the middle one bends to, the body standing
    (("shoulder", "elbow", "wrist"), (11, 13, 15), "spine3", (0.0, 0.0, 1.0)),
    (("hip", "knee", "ankle", "foot"), (23, 25, 27, 31), "pelvis", (0.0, 0.0, -1.0)),
)
_OTHER_SIDE: Final = [0, 4, 5, 6, 1, 2, 3, *(mark + (1 if mark % 2 else -1) for mark in range(7, 33))]
"""MediaPipe's landmarks in the order of a mirrored body."""
_UPRIGHT: Final = 0.98
"""Cosine of the angle to an axis of its own within which a skeleton stands."""
_SEEN: Final = 0.5
"""Of landmarks: less visible ones tell nothing of a hand."""
_FADING_S: Final = 0.4
"""How long a hand keeps its turn when it is not seen any more, or takes it before it is."""
_STRAIGHT, _BENT = 0.15, 0.45
"""Sines of the angle at an elbow or knee: below the first nothing is known of its plane, above the second all."""
_MOST: Final = {"knee": 155, "elbow": 155, "foot": 60, "wrist": 90, "head": 80, "hip": 130, "finger": 100,
                "twist": 120}
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
    """Joint as in core.body_motion, or "left_index2" and the like, → its bone; "left_elbow_1" is the next bone of the
    same limb, which takes a part of its twist."""
    followers: dict[int, str] = field(default_factory=dict)
    """Bones that are no joints, but turn as one by constraints → that joint."""


def skeleton_of(names: list[str], parents: list[int], heads: np.ndarray, tails: np.ndarray, title: str) -> Skeleton:
    """The humanoid that these bones are.

    Raises:
        SemblanceError: naming `title` and what is missing, if bones do not have the names of Rigify, MPFB or Mixamo.
    """
    controls = find_controls(names)
    joints = controls or find_joints(names, parents)
    lacking = [joint for joint in NEEDED if joint not in joints]
    if lacking:
        raise SemblanceError(
            f"'{title}' has no bone known as {' or '.join(lacking)}; name its bones as Rigify, MPFB or Mixamo do."
        )
    left = heads[joints["left_shoulder"]] - heads[joints["right_shoulder"]]
    up = heads[joints["head"]] - heads[joints["pelvis"]]
    upright = np.zeros(3)
    upright[np.argmax(np.abs(up))] = np.sign(up[np.argmax(np.abs(up))])
    if up @ upright > _UPRIGHT * np.linalg.norm(up):    # a head that is carried forward is no body that leans
        up = upright
    axes = frame_of(left[None], up[None])[0]
    followers = find_followers(names) if controls else {}
    if not followers:
        joints |= find_fingers(names) | _more_bones(joints, parents)
    return Skeleton(tuple(names), tuple(parents), heads @ axes, tails @ axes, axes, joints, followers)


def decode(track: BodyTrack, skeleton: Skeleton) -> np.ndarray:
    """float64 [T, B, 3, 3]: how each bone is turned away from its rest; unseen bodies and fingers as they were before.

    Hands without a body, as in a close-up, only turn their fingers.

    Raises:
        SemblanceError: if neither was ever found.
    """
    hands = np.moveaxis(track.hands_world.astype(np.float64) @ TO_BODY, 1, 0)
    if track.found.any():
        turns = _body(track, hands, skeleton)
    elif track.hands_found.any():
        turns = {f"{side}_wrist": np.tile(np.eye(3), (len(track), 1, 1)) for side in SIDES
                 if _resting_palm(skeleton, side) is not None}
    else:
        raise SemblanceError("The take's body was never found; track its source again with --body.")
    for side, hand in zip(SIDES, hands, strict=True):
        _fingers(turns, hand, skeleton, side)
    return _all_bones(turns, skeleton, len(track))


def mirrored(track: BodyTrack) -> BodyTrack:
    """The same body as a mirror shows it; its points in the picture stay where they are."""
    order, turned = _OTHER_SIDE, np.array([-1, 1, 1], np.float32)
    return replace(track, world=track.world[:, order] * turned, visibility=track.visibility[:, order],
                   hands_world=track.hands_world[:, ::-1] * turned)


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
    return about(_unit(_around(rotation)), share * _angle(rotation))


def _around(rotation: np.ndarray) -> np.ndarray:
    """The axes [T, 3] of rotations [T, 3, 3], twice the sine of their angles long."""
    return np.stack([rotation[:, 2, 1] - rotation[:, 1, 2], rotation[:, 0, 2] - rotation[:, 2, 0],
                     rotation[:, 1, 0] - rotation[:, 0, 1]], -1)


def _body(track: BodyTrack, hands: np.ndarray, skeleton: Skeleton) -> dict[str, np.ndarray]:
    """All joints but the fingers', of which hands [2, T, 21, 3] tell how palms are turned."""
    last = _last(track.found)
    points = track.world[last].astype(np.float64) @ TO_BODY
    turns = _trunk(points, skeleton)
    for side, hand in zip(SIDES, hands[:, last], strict=True):
        for limb in _LIMBS:
            _limb(turns, points, skeleton, side, limb)
        _hand(turns, _palm(hand, points, track.visibility[last], side), skeleton, side, track.times_s)
    return turns


def _last(there: np.ndarray) -> np.ndarray:
    """int [T]: for each frame the last one, or else the first, of those that are `there` [T]; one is at least."""
    found = np.flatnonzero(there)
    return found[np.maximum(np.searchsorted(found, np.arange(len(there)), "right") - 1, 0)]


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


def _limb(
    turns: dict[str, np.ndarray], points: np.ndarray, skeleton: Skeleton, side: str,
    limb: tuple[tuple[str, ...], tuple[int, ...], str, tuple[float, ...]],
) -> None:
    """An arm or a leg, from its root on; its upper part is twisted until the middle joint bends in its plane."""
    names, marks, root, pole = limb
    places = [points[:, mark + SIDES.index(side)] for mark in marks]
    parent = turns[root]
    for i, (name, below) in enumerate(pairwise(names)):
        joint = f"{side}_{name}"
        if joint not in skeleton.joints:
            continue
        rest = _way(skeleton, joint, f"{side}_{below}")
        seen = places[i + 1] - places[i]
        turn = swing(parent @ rest, seen, np.radians(_MOST.get("foot" if name == "ankle" else name, 180))) @ parent
        twist = _turned(turn @ rest, turn @ np.cross(rest, pole), _hinge(places)) if i == 0 else np.zeros(len(turn))
        parent = _share(turns, skeleton, joint, turn, turn @ rest, twist)


def _way(skeleton: Skeleton, joint: str, below: str) -> np.ndarray:
    """From a joint to the one below, or to the end of its bone, at rest; [3]."""
    bone, end = skeleton.joints[joint], skeleton.joints.get(below)
    return (skeleton.tails[bone] if end is None else skeleton.heads[end]) - skeleton.heads[bone]


def _hinge(places: list[np.ndarray]) -> np.ndarray:
    """What an elbow or a knee turns about, [T, 3]: the longer the surer, at most 1; 0 where nothing tells.

    `places` are shoulder, elbow and wrist, or hip, knee, ankle and toes, each [T, 3]. A straight leg's knee points
    where its toes do.
    """
    upper, lower = _unit(places[1] - places[0]), _unit(places[2] - places[1])
    hinge = np.cross(upper, lower)
    sure = np.clip((np.linalg.norm(hinge, axis=-1, keepdims=True) - _STRAIGHT) / (_BENT - _STRAIGHT), 0, 1)
    if len(places) == 3:
        return sure * _unit(hinge)
    return sure * _unit(hinge) + (1 - sure) * _unit(np.cross(upper, places[2] - places[3]))


def _turned(axis: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Angles [T] rad about `axis` from `before` to `after`, all [T, 3]; the shorter `after` is, the less it counts."""
    axis, before = _unit(axis), _unit(before)
    unsure = 1 - np.minimum(np.linalg.norm(after, axis=-1, keepdims=True), 1)
    after = after + unsure * before
    angle = np.arctan2((np.cross(before, after) * axis).sum(-1), (before * after).sum(-1))
    most = np.radians(_MOST["twist"])
    return np.clip(angle, -most, most)


def _share(
    turns: dict[str, np.ndarray], skeleton: Skeleton, joint: str, turn: np.ndarray, axis: np.ndarray,
    twist: np.ndarray, more: int = 0,
) -> np.ndarray:
    """Turn [T, 3, 3] the bones from one joint to the next, each twisted a little further; the last one's turn.

    The twist [T] rad is about `axis` [T, 3]; `more` bones beyond these take a share too.
    """
    bones = [joint, *(name for i in range(1, len(skeleton.names)) if (name := f"{joint}_{i}") in skeleton.joints)]
    for i, name in enumerate(bones, 1):
        turns[name] = about(_unit(axis), twist * i / (len(bones) + more)) @ turn
    return turns[bones[-1]]


def _more_bones(joints: dict[str, int], parents: list[int]) -> dict[str, int]:
    """The bones between two joints of a limb, from the second on: "left_elbow_1" and the like → bone."""
    found: dict[str, int] = {}
    for names, *_ in _LIMBS:
        for joint, below in ((f"{side}_{a}", f"{side}_{b}") for a, b in pairwise(names) for side in SIDES):
            first, bone = joints.get(joint, -1), parents[joints[below]] if below in joints else -1
            chain = []
            while bone >= 0 and bone != first:
                chain.append(bone)
                bone = parents[bone]
            if bone == first >= 0:
                found |= {f"{joint}_{i}": between for i, between in enumerate(reversed(chain), 1)}
    return found


def _palm(hand: np.ndarray, points: np.ndarray, visibility: np.ndarray, side: str) -> np.ndarray:
    """Frames [T, 3, 3] of a hand: towards the thumb's side, along, out of its palm or back; NaN where nobody saw it.

    The hand's own landmarks [T, 21, 3] tell best; without them knuckles of the body's do.
    """
    wrist, pinky, index = (points[:, mark + SIDES.index(side)] for mark in (15, 17, 19))
    palm = frame_of(index - pinky, (index + pinky) / 2 - wrist)
    palm[visibility[:, [mark + SIDES.index(side) for mark in (15, 17, 19)]].min(1) < _SEEN] = np.nan
    there = np.isfinite(hand).all((1, 2))
    palm[there] = _own_palm(hand[there])
    return palm


def _own_palm(hand: np.ndarray) -> np.ndarray:
    """The same of landmarks [T, 21, 3]."""
    return frame_of(hand[:, 5] - hand[:, 17], hand[:, 9] - hand[:, 0])


def _hand(
    turns: dict[str, np.ndarray], palm: np.ndarray, skeleton: Skeleton, side: str, times_s: np.ndarray
) -> None:
    """The hand, turned as its palm [T, 3, 3] is; unseen it soon goes on as the forearm does."""
    wrist, elbow = f"{side}_wrist", f"{side}_elbow"
    if elbow not in turns or wrist not in skeleton.joints:
        return
    forearm, known = turns[elbow], np.isfinite(palm).all((1, 2))
    turn, still = forearm.copy(), _resting_palm(skeleton, side)
    if still is not None:
        turn[known] = palm[known] @ still.T
    else:
        rest = _way(skeleton, wrist, f"{side}_middle1")
        turn[known] = swing(forearm[known] @ rest, palm[known, :, 1], np.radians(_MOST["wrist"])) @ forearm[known]
    turn = _faded(forearm, turn, known, times_s)
    axis = forearm @ _way(skeleton, elbow, wrist)
    _share(turns, skeleton, elbow, forearm, axis, _twist_of(turn @ np.swapaxes(forearm, 1, 2), axis), more=1)
    turns[wrist] = turn


def _faded(forearm: np.ndarray, hand: np.ndarray, known: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Turns of a hand [T, 3, 3] that lets go of what was `known` [T] of it against the forearm within _FADING_S."""
    if not known.any():
        return forearm
    there = np.flatnonzero(known)
    after = there[np.minimum(np.searchsorted(there, np.arange(len(known))), len(there) - 1)]
    before = _last(known)
    nearest = np.where(np.abs(times_s - times_s[before]) <= np.abs(times_s[after] - times_s), before, after)
    share = np.clip(1 - np.abs(times_s - times_s[nearest]) / _FADING_S, 0, 1)
    bent = np.swapaxes(forearm[nearest], 1, 2) @ hand[nearest]
    return forearm @ _part(bent, share * share * (3 - 2 * share))


def _resting_palm(skeleton: Skeleton, side: str) -> np.ndarray | None:
    """The frame [3, 3] of a hand at rest as `_palm` tells it of landmarks; None without these fingers."""
    bones = [skeleton.joints.get(f"{side}_{name}", -1) for name in ("wrist", "index1", "middle1", "pinky1")]
    if min(bones) < 0:
        return None
    wrist, index, middle, pinky = skeleton.heads[bones]
    return frame_of((index - pinky)[None], (middle - wrist)[None])[0]


def _twist_of(rotation: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """How far [T] rad rotations [T, 3, 3] turn about an axis [T, 3], their swing left out."""
    # of the quaternion (w, v): 4 w v, and 4 w w
    angle = 2 * np.arctan2((_around(rotation) * _unit(axis)).sum(-1), 1 + np.trace(rotation, axis1=1, axis2=2))
    return np.clip(angle, -np.radians(150), np.radians(150))


def _fingers(turns: dict[str, np.ndarray], hand: np.ndarray, skeleton: Skeleton, side: str) -> None:
    """Each finger's bones from the hand on; where the hand [T, 21, 3] was not found they stay bent as they were."""
    there, wrist, still = np.isfinite(hand).all((1, 2)), turns.get(f"{side}_wrist"), _resting_palm(skeleton, side)
    if wrist is None or not there.any():
        return
    last = _last(there)
    own = wrist[last] if still is None else _own_palm(hand[last]) @ still.T
    onto = wrist @ np.swapaxes(own, 1, 2)
    for finger, first in FINGERS.items():
        bent = own
        for i in (1, 2, 3):
            name = f"{side}_{finger}{i}"
            if name not in skeleton.joints:
                continue
            rest = _way(skeleton, name, f"{side}_{finger}{i + 1}")
            seen = hand[last, first + i] - hand[last, first + i - 1]
            bent = swing(bent @ rest, seen, np.radians(_MOST["finger"])) @ bent
            turns[name] = onto @ bent


def _all_bones(turns: dict[str, np.ndarray], skeleton: Skeleton, count: int) -> np.ndarray:
    """[T, B, 3, 3]: bones that are no joints go along with their parents."""
    by_bone = {bone: turns[joint] for bone, joint in skeleton.followers.items() if joint in turns}
    by_bone |= {bone: turns[joint] for joint, bone in skeleton.joints.items() if joint in turns}
    still = np.broadcast_to(np.eye(3), (count, 3, 3))
    out = np.empty((count, len(skeleton.names), 3, 3))
    for bone, parent in enumerate(skeleton.parents):
        out[:, bone] = by_bone.get(bone, out[:, parent] if parent >= 0 else still)
    return out
