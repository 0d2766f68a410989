"""The controls of a rig that Rigify generated: what an animator turns there, where its deform bones only follow."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_MIDDLE: Final = {"pelvis": "torso", "spine2": "spine_fk.002", "spine3": "spine_fk.003", "neck": "neck", "head": "head"}
_SIDED: Final = {
    "collar": "shoulder", "shoulder": "upper_arm_fk", "elbow": "forearm_fk", "wrist": "hand_fk",
    "hip": "thigh_fk", "knee": "shin_fk", "ankle": "foot_fk", "foot": "toe_fk",
    **{f"{finger}{i}": f"{name}.0{i}" for i in (1, 2, 3) for finger, name in (
        ("thumb", "thumb"), ("index", "f_index"), ("middle", "f_middle"), ("ring", "f_ring"), ("pinky", "f_pinky"))},
}
_SIGN: Final = ("torso", "upper_arm_fk.L", "forearm_fk.L", "thigh_fk.L")
SWITCHES: Final = {"neck_follow": 1.0, "head_follow": 1.0, "FK_limb_follow": 0.0}
"""Custom properties that let the forward controls turn with what they hang on. IK_FK stays as it is: both ways are
keyed."""


def find_controls(names: Sequence[str]) -> dict[str, int]:
    """Joint, or finger's joint, → number of its control; empty for any other rig."""
    where = {name: number for number, name in enumerate(names)}
    if not all(name in where for name in _SIGN):
        return {}
    wanted = dict(_MIDDLE)
    for side, letter in (("left", "L"), ("right", "R")):
        wanted |= {f"{side}_{joint}": f"{name}.{letter}" for joint, name in _SIDED.items()}
    return {joint: where[name] for joint, name in wanted.items() if name in where}


def find_followers(names: Sequence[str]) -> dict[int, str]:
    """Bone → the joint whose control it follows by constraints, where the fingers' controls hang on it."""
    wanted = {f"{kind}-hand.{letter}": f"{side}_wrist" for kind in ("DEF", "ORG")
              for side, letter in (("left", "L"), ("right", "R"))}
    return {number: wanted[name] for number, name in enumerate(names) if name in wanted}
