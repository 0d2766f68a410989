"""What made bodies do: gestures, free poses within joints' ranges, frames of the recorded walk; hands and faces too.

A pose is the same whoever takes it. Each is drawn from its own number, tests' from others than training's.
"""
from __future__ import annotations

import tomllib
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core import coefficients
from addon.core.body_motion import JOINT, JOINTS, BodyMotion
from addon.core.bvh import read_bvh
from addon.core.frames import head_rotation

from .body_motion_sets import NAMES as STYLE_NAMES
from .body_motion_sets import WALK, draw_style, mirrored, part_of, parts_of_walk
from .body_people import FINGERS, SIDES, BodyPerson, about, hands_of, joints_of, person_of, pose_bones
from .body_stage import BodyPose
from .performers import random_mix, shared_folder

POSES_FILE: Final = Path(__file__).with_name("body_poses.toml")
_ONE_SIDED: Final = ("down", "forward", "twist", "elbow", "pronate", "wrist", "aside", "collar", "hip", "out",
                     "turn_leg", "knee", "ankle")
_MIDDLE: Final = ("bend", "turn", "lean", "nod", "look", "tilt")
_LEGS: Final = ("hip", "out", "turn_leg", "knee", "ankle")
ANGLES: Final = tuple(f"{side}_{name}" for side in SIDES for name in _ONE_SIDED) + _MIDDLE
_LOW, _HIGH = 0, 1
_FIRST_TEST: Final = 1_000_000
"""Numbers of poses and people from here on are the tests'."""
_TRIES: Final = 40
_BASE, _CURL, _TIP = 85, 100, 65
"""Degrees that a finger's joints are bent when it is closed."""
_MIRROR: Final = np.diag([-1.0, 1.0, 1.0])


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(POSES_FILE.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _ranges() -> np.ndarray:
    """Degrees [2, A]: least and most of each of ANGLES."""
    table = _table()["ranges"]
    return np.array([table[name.removeprefix("left_").removeprefix("right_")] for name in ANGLES], float).T


@lru_cache(maxsize=1)
def gestures() -> dict[str, np.ndarray]:
    """Degrees [A] of each gesture."""
    table = _table()["gestures"]
    return {name: _angles(table["stand"] | row) for name, row in table.items()}


def _angles(row: dict[str, float]) -> np.ndarray:
    return np.array([row.get(name, row.get(name.removeprefix("left_").removeprefix("right_"), 0)) for name in ANGLES],
                    float)


class Poses:
    """Poses by number.

    Raises:
        SemblanceError: if the shared walk is not there or is damaged.
    """

    def __init__(self) -> None:
        self._walks = parts_of_walk(read_bvh(shared_folder() / WALK))
        self._stands_in = [next(person_of(seed) for seed in range(99) if person_of(seed).kind == kind)
                           for kind in ("realistic", "stout", "big_head")]

    def pose(self, number: int, test: bool) -> BodyPose:
        """Pose `number` of training or of the tests: no limb of an average, a stout or a big-headed body goes through
        its trunk, head or other arm."""
        random = np.random.default_rng([3, number + _FIRST_TEST * test])
        fingers = np.stack([_hand(random), mirrored_rotations(_hand(random))]).astype(np.float32)
        kind = random.random()
        for _ in range(_TRIES):
            if kind < 0.2:
                rotations = _walking(random, self._walks[int(test)])
            else:
                rotations = rotations_of(_gesture(random) if kind < 0.6 else _free(random))
            if all(_clear(person, rotations, fingers) for person in self._stands_in):
                break
            kind = max(kind, 0.2)
        rotations[0] = _camera_turn(random, rotations) @ rotations[0]
        return BodyPose(rotations.astype(np.float32), fingers, draw_face(random))


def rotations_of(degrees: np.ndarray) -> np.ndarray:
    """ANGLES [A] in degrees → rotations [22, 3, 3]."""
    at = dict(zip(ANGLES, degrees, strict=True))
    turned = np.tile(np.eye(3), (len(JOINTS), 1, 1))
    for side in SIDES:
        of = {name: at[f"{side}_{name}"] for name in _ONE_SIDED}
        local = {
            "collar": about("z", of["collar"]) @ about("y", -0.12 * of["forward"]),
            "shoulder": about("y", -0.88 * of["forward"]) @ about("z", -of["down"]) @ about("x", of["twist"]),
            "elbow": about("y", -of["elbow"]) @ about("x", of["pronate"]),
            "wrist": about("y", of["aside"]) @ about("z", -of["wrist"]),
            "hip": about("x", -of["hip"]) @ about("z", of["out"]) @ about("y", of["turn_leg"]),
            "knee": about("x", of["knee"]), "ankle": about("x", of["ankle"]),
        }
        for name, rotation in local.items():
            turned[JOINT[f"{side}_{name}"]] = rotation if side == "left" else mirrored_rotations(rotation)
    for joints, angles in ((("spine1", "spine2", "spine3"), ("bend", "turn", "lean")),
                           (("neck", "head"), ("nod", "look", "tilt"))):
        x, y, z = (at[name] / len(joints) for name in angles)
        for joint in joints:
            turned[JOINT[joint]] = about("y", y) @ about("x", x) @ about("z", z)
    return turned


def mirrored_rotations(rotations: np.ndarray) -> np.ndarray:
    """[..., 3, 3]: of the other side."""
    return _MIRROR @ rotations @ _MIRROR


def draw_face(random: np.random.Generator) -> np.ndarray:
    """Coefficients float32 [54]: mixes of single shapes, faces of authored styles, or a resting one; eyes that look."""
    kind = random.random()
    if kind < 0.45:
        values = random_mix(random)
    elif kind < 0.85:
        style = draw_style(random, str(random.choice(STYLE_NAMES)))
        values = np.clip(style.base + random.uniform(0, 1) * style.accent, 0, 1)
    else:
        values = np.zeros(coefficients.COUNT, np.float32)
    if random.random() < 0.6:
        aside, up = np.clip(random.normal(0, 0.4, 2), -1, 1)
        one, other = ("Out", "In") if aside > 0 else ("In", "Out")
        for name in (f"eyeLook{one}Left", f"eyeLook{other}Right"):
            values[coefficients.INDEX[name]] = abs(aside)
        for side in ("Left", "Right"):
            values[coefficients.INDEX[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"]] = abs(up)
    if random.random() < 0.08:
        values[coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])] = random.uniform(0.5, 1)
    if random.random() < 0.04:
        values[coefficients.INDEX["tongueOut"]] = random.uniform(0.4, 1)
    return values.astype(np.float32)


def _gesture(random: np.random.Generator) -> np.ndarray:
    """One gesture or somewhere between two, by this side or the other, never twice alike."""
    known = list(gestures().values())
    one, other = (known[random.integers(len(known))] for _ in range(2))
    share = random.uniform(0, 1) if random.random() < 0.5 else 0.0
    angles = (1 - share) * one + share * other
    if random.random() < 0.5:
        angles = _other_side(angles)
    angles = angles + random.normal(0, 1, len(angles)) * 0.07 * (_ranges()[_HIGH] - _ranges()[_LOW])
    return np.clip(_looked(random, angles), *_ranges())


def _free(random: np.random.Generator) -> np.ndarray:
    """Arms anywhere; legs as in a gesture, or anywhere."""
    low, high = _ranges()
    angles = _gesture(random)
    legs = np.array([name.split("_", 1)[-1] in _LEGS for name in ANGLES])
    anywhere = random.uniform(low, high)
    whole = random.random() < 0.4
    arms = ~legs & np.array([name not in _MIDDLE for name in ANGLES])
    angles = np.where(arms | (legs & whole), anywhere, angles)
    trunk = np.array([name in ("bend", "turn", "lean") for name in ANGLES])
    return np.where(trunk, random.uniform(0.7 * low, 0.7 * high), angles)


def _looked(random: np.random.Generator, angles: np.ndarray) -> np.ndarray:
    """The head goes its own way, too."""
    own = np.array([name in ("nod", "look", "tilt") for name in ANGLES])
    low, high = _ranges()
    return np.where(own, angles + random.normal(0, 0.22, len(angles)) * (high - low), angles)


def _other_side(angles: np.ndarray) -> np.ndarray:
    sides = len(_ONE_SIDED)
    middle = angles[2 * sides:] * [1, -1, -1, 1, -1, -1]
    return np.concatenate([angles[sides:2 * sides], angles[:sides], middle])


def _walking(random: np.random.Generator, walk: BodyMotion) -> np.ndarray:
    """A moment of the walk, between its frames, with a little of its own in every joint."""
    at = random.uniform(0, len(walk) - 1.001)
    part = part_of(walk, slice(int(at), int(at) + 2))
    if random.random() < 0.5:
        part = mirrored(part)
    share = at - int(at)
    joints = (1 - share) * part.joints[0] + share * part.joints[1]
    turned = rotations_at(joints.astype(np.float64), part.head[0])
    for joint in ("left_shoulder", "left_elbow", "right_shoulder", "right_elbow", "spine2", "neck", "head"):
        x, y, z = random.normal(0, 7, 3)
        turned[JOINT[joint]] = turned[JOINT[joint]] @ about("x", x) @ about("y", y) @ about("z", z)
    return turned


def rotations_at(joints: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Joints [22, 3] and the head's yaw, pitch, roll against the chest → rotations [22, 3, 3] that point our bones the
    same way, the pelvis's yaw taken off; limbs do not twist."""
    place = {name: joints[i] for name, i in JOINT.items()}
    pelvis = _frame(place["left_hip"] - place["right_hip"], place["spine2"] - place["pelvis"])
    chest = _frame(place["left_shoulder"] - place["right_shoulder"], place["neck"] - place["spine2"])
    turned = np.tile(np.eye(3), (len(JOINTS), 1, 1))
    turned[0] = about("y", -np.degrees(np.arctan2(pelvis[0, 2], pelvis[2, 2]))) @ pelvis
    third = _part_of(pelvis.T @ chest, 1 / 3)
    turned[[JOINT["spine1"], JOINT["spine2"], JOINT["spine3"]]] = third
    half = _part_of(np.asarray(head_rotation(head), np.float64), 0.5)
    turned[[JOINT["neck"], JOINT["head"]]] = half
    rest = person_of(0).rest
    for side in SIDES:
        for above, chain in ((chest, ("shoulder", "elbow", "wrist")), (pelvis, ("hip", "knee", "ankle", "foot"))):
            for bone, end in pairwise(chain):
                bone, end = f"{side}_{bone}", f"{side}_{end}"
                turned[JOINT[bone]] = _swing(rest[JOINT[end]] - rest[JOINT[bone]], above.T @ (place[end] - place[bone]))
                above = above @ turned[JOINT[bone]]
    return turned


def _camera_turn(random: np.random.Generator, rotations: np.ndarray) -> np.ndarray:
    """How the camera sees the body: from the front or either side, so that the face is seen, a little from above or
    below."""
    head = np.eye(3)
    for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head"):
        head = head @ rotations[JOINT[joint]]
    own = np.degrees(np.arctan2(head[0, 2], head[2, 2]))
    yaw = np.clip(np.clip(random.normal(0, 38), -75, 75), -65 - own, 65 - own)
    return about("z", random.normal(0, 3)) @ about("x", np.clip(random.normal(4, 8), -15, 25)) @ about("y", yaw)


def _hand(random: np.random.Generator) -> np.ndarray:
    """Rotations [15, 3, 3] of a left hand's joints: a shape or somewhere between two, every finger a little its own."""
    known = list(_table()["hands"].values())
    rows = [known[random.integers(len(known))] for _ in range(2)]
    share = random.uniform(0, 1) if random.random() < 0.4 else 0.0

    def mixed(name: str, default: float | tuple[float, float]) -> np.ndarray:
        one, other = (np.asarray(row.get(name, default), float) for row in rows)
        return (1 - share) * one + share * other

    spread = float(mixed("spread", 2)) + random.normal(0, 1.5)
    turned = np.empty((5, 3, 3, 3))
    across, bent = mixed("thumb", (0.1, 0.1)) + random.normal(0, 0.08, 2)
    turned[0] = [about("x", 55 * max(across, -0.1)) @ about("y", 30 * across), about("y", 50 * np.clip(bent, 0, 1)),
                 about("y", 65 * np.clip(bent, -0.15, 1))]
    for finger, name in enumerate(FINGERS[1:], 1):
        base, curl = np.clip(mixed(name, (0.0, 0.03)) + random.normal(0, 0.05, 2), (-0.15, 0), 1)
        aside = (0, -1.0, -0.25, 0.5, 1.2)[finger] * spread * (1 - max(base, 0))
        turned[finger] = [about("y", aside) @ about("z", -_BASE * base), about("z", -_CURL * curl),
                          about("z", -_TIP * curl)]
    return turned.reshape(15, 3, 3)


def _clear(person: BodyPerson, rotations: np.ndarray, fingers: np.ndarray) -> bool:
    """Whether arms and hands stay out of trunk, head, thighs and each other."""
    upright = rotations.copy()
    upright[0] = np.eye(3)
    matrices = pose_bones(person, upright, fingers)
    joints, hands = joints_of(person, matrices), hands_of(person, matrices)
    body = person.height - person.head_height
    arms = []
    for side, name in enumerate(SIDES):
        elbow, wrist = joints[JOINT[f"{name}_elbow"]], joints[JOINT[f"{name}_wrist"]]
        steps = np.linspace(0.25, 1, 4)[:, None]
        arms.append(np.concatenate([elbow + steps * (wrist - elbow), hands[side][[4, 6, 9, 12, 18, 20]]]))
    apart = np.linalg.norm(arms[0][:, None] - arms[1][None], axis=2).min()
    if apart < 0.05 * body:
        return False
    points = np.concatenate(arms)
    trunk, chest, hips = (person.shape[name] for name in ("trunk", "shoulders", "hips"))
    deep = 0.062 * body * trunk ** 0.75 * (1.1 + 0.25 * person.shape["belly"])
    for bone, low, high, half in (("pelvis", -0.06, 0.05, 0.62 * hips * trunk), ("spine1", -0.05, 0.08, hips * trunk),
                                  ("spine3", -0.08, 0.14, 0.5 * chest)):
        own = _at_rest(matrices[JOINT[bone]], points) - person.rest[JOINT[bone]]
        wide = half * body + deep
        within = (own[:, 0] / wide) ** 2 + (own[:, 2] / deep) ** 2 < 1
        if (within & (own[:, 1] > low * body) & (own[:, 1] < high * body)).any():
            return False
    own = _at_rest(matrices[JOINT["head"]], points) - (0, person.height - 0.45 * person.head_height, 0)
    if (np.linalg.norm(own / (0.40, 0.55, 0.46), axis=1) < person.head_height).any():
        return False
    return all(_away(points, joints[JOINT[f"{side}_hip"]], joints[JOINT[f"{side}_knee"]]) > 0.05 * body *
               person.shape["limbs"] for side in SIDES) and _legs_apart(joints, 0.06 * body)


def _at_rest(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return (points - matrix[:3, 3]) @ matrix[:3, :3]


def _away(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """The least distance of points [N, 3] from a line between two places."""
    way = end - start
    share = np.clip((points - start) @ way / (way @ way), 0, 1)
    return float(np.linalg.norm(points - start - share[:, None] * way, axis=1).min())


def _legs_apart(joints: np.ndarray, least: float) -> bool:
    """Whether the shins stay so far from each other, m."""
    one, other = (np.linspace(joints[JOINT[f"{side}_knee"]], joints[JOINT[f"{side}_ankle"]], 5) for side in SIDES)
    return float(np.linalg.norm(one[:, None] - other[None], axis=2).min()) > least


def _frame(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Columns: left, up and front, left being kept."""
    left = left / np.linalg.norm(left)
    front = np.cross(left, up)
    front /= np.linalg.norm(front)
    return np.stack([left, np.cross(front, left), front], 1)


def _swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The shortest rotation from one way to another."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    cross, cos = _cross(np.cross(a, b)), float(a @ b)
    return np.eye(3) + cross + cross @ cross / max(1 + cos, 1e-6)


def _part_of(rotation: np.ndarray, share: float) -> np.ndarray:
    """A rotation by a share of the angle about the same axis."""
    odd = rotation - rotation.T
    twist = np.array([odd[2, 1], odd[0, 2], odd[1, 0]])
    sin = np.linalg.norm(twist) / 2
    if sin < 1e-9:
        return np.eye(3)
    angle = share * np.arctan2(sin, (np.trace(rotation) - 1) / 2)
    cross = _cross(twist / (2 * sin))
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _cross(axis: np.ndarray) -> np.ndarray:
    """[3, 3]: what takes the cross product with an axis."""
    x, y, z = axis
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
