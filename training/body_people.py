"""Made people with whole bodies: proportions, clothes, hair and faces, all drawn from one number.

Rest is SMPL's T: arms to the sides, palms down, thumbs to the front, legs straight; x to the person's left, y up, z to
the front, metres, the floor at 0. A hand's fifteen joints are thumb, index, middle, ring and little finger, each from
the palm outwards; its 21 points are MediaPipe's.
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core.body_motion import JOINT, JOINTS, PARENTS

from .performers import Look, random_look

KINDS_FILE: Final = Path(__file__).with_name("body_kinds.toml")
FINGERS: Final = ("thumb", "index", "middle", "ring", "little")
SIDES: Final = ("left", "right")
BODY_BONES: Final = len(JOINTS)
BONES: Final = BODY_BONES + 30
"""The body's joints, then the left hand's fifteen, then the right hand's."""
_KNUCKLES: Final = np.array([
    [0.10, -0.03, 0.115], [0.50, 0.0, 0.135], [0.525, 0.005, 0.035], [0.495, 0.0, -0.065], [0.445, -0.01, -0.155],
])
"""Where the fingers begin, in lengths of the left hand from its wrist."""
_WAYS: Final = np.array([[0.72, -0.12, 0.66], [1, 0, 0.07], [1, 0, 0.015], [1, 0, -0.05], [1, 0, -0.12]])
"""Where they point at rest."""
_PHALANXES: Final = np.array([
    [0.235, 0.165, 0.135], [0.235, 0.14, 0.105], [0.26, 0.155, 0.11], [0.24, 0.145, 0.105], [0.19, 0.11, 0.09],
])
TOPS: Final = ("shirt", "jumper", "vest", "long_shirt")
BOTTOMS: Final = ("trousers", "shorts", "skirt", "tights")
HAIR: Final = ("bald", "short", "short", "bob", "long", "bun", "tail", "spikes", "curls")
HATS: Final = ("", "", "", "", "cap", "beanie")
PATTERNS: Final = ("plain", "plain", "stripes", "bars", "dots")


@dataclass(frozen=True)
class Clothes:
    """What a person wears; colours are linear RGB."""

    top: str
    bottom: str
    pattern: str
    colours: np.ndarray
    """[5, 3]: top, its pattern, bottom, shoes, hat."""
    loose: float
    """m, how far cloth is from skin."""


@dataclass(frozen=True)
class Face:
    """Where a face has what; shares of the head's height but where it says something else."""

    eye_height: float
    eye_apart: float
    eye_size: float
    brow_height: float
    brow_width: float
    mouth_height: float
    mouth_width: float
    lips: float
    nose: float
    jaw: float
    """Width of the jaw, 1 = usual."""
    ears: float
    beard: float
    """0..1."""
    glasses: float
    """0 or 1."""


@dataclass(frozen=True)
class BodyPerson:
    """One made person."""

    seed: int
    kind: str
    rest: np.ndarray
    """float64 [52, 3]: the bones' joints at rest, m."""
    tips: np.ndarray
    """float64 [2, 5, 3]: the ends of the fingers at rest."""
    head_height: float
    """m, chin to crown."""
    shape: dict[str, float]
    """What body_kinds.toml has ranges of."""
    look: Look
    clothes: Clothes
    face: Face
    hair: str
    hat: str

    @property
    def height(self) -> float:
        """m, to the crown."""
        return self.shape["height"]


@lru_cache(maxsize=1)
def kinds() -> dict[str, dict[str, Any]]:
    """The table of kinds of bodies."""
    return tomllib.loads(KINDS_FILE.read_text(encoding="utf-8"))


def person_of(seed: int) -> BodyPerson:
    """The person of this number, always the same one."""
    random = np.random.default_rng([2, seed])
    table = kinds()
    chance = np.array([row["chance"] for row in table.values()], float)
    kind = str(random.choice(list(table), p=chance / chance.sum()))
    shape = {name: float(random.uniform(*span)) for name, span in table[kind].items() if name != "chance"}
    rest, tips = _skeleton(shape)
    look = random_look(random)
    hat = str(random.choice(HATS))
    hair = str(random.choice(HAIR))
    return BodyPerson(
        seed, kind, rest, tips, shape["head"] * shape["height"], shape, look, _clothes(random), _face(random, shape),
        "short" if hat and hair in ("curls", "spikes", "bun") else hair, hat,
    )


def parent_of(bone: int) -> int:
    """The bone above; -1 for the pelvis."""
    if bone < BODY_BONES:
        return PARENTS[bone]
    side, joint = divmod(bone - BODY_BONES, 15)
    return JOINT[f"{SIDES[side]}_wrist"] if joint % 3 == 0 else bone - 1


_PARENT: Final = tuple(parent_of(bone) for bone in range(BONES))


def pose_bones(person: BodyPerson, rotations: np.ndarray, fingers: np.ndarray) -> np.ndarray:
    """Matrices float64 [52, 4, 4] that carry a place at rest to where it is in the pose, the pelvis being at 0.

    rotations [22, 3, 3] and fingers [2, 15, 3, 3] are each against the bone above; the pelvis's is against the frame
    that the result is in.
    """
    local = np.concatenate([rotations, fingers.reshape(30, 3, 3)]).astype(np.float64)
    turned, place = np.empty((BONES, 3, 3)), np.empty((BONES, 3))
    for bone, parent in enumerate(_PARENT):
        if parent < 0:
            turned[bone], place[bone] = local[bone], 0
            continue
        turned[bone] = turned[parent] @ local[bone]
        place[bone] = place[parent] + turned[parent] @ (person.rest[bone] - person.rest[parent])
    matrices = np.tile(np.eye(4), (BONES, 1, 1))
    matrices[:, :3, :3] = turned
    matrices[:, :3, 3] = place - np.einsum("bij,bj->bi", turned, person.rest)
    return matrices


def about(axis: str, degrees: float) -> np.ndarray:
    """The rotation [3, 3] about "x", "y" or "z"."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    turned = np.eye(3)
    turned[i, i] = turned[j, j] = cos
    turned[i, j], turned[j, i] = -sin, sin
    return turned


def joints_of(person: BodyPerson, matrices: np.ndarray) -> np.ndarray:
    """Where the 22 joints are, [22, 3]."""
    return _moved(matrices[:BODY_BONES], person.rest[:BODY_BONES])


def hands_of(person: BodyPerson, matrices: np.ndarray) -> np.ndarray:
    """Where MediaPipe's 21 points of either hand are, [2, 21, 3]."""
    places = _moved(matrices, person.rest)
    hands = np.empty((2, 21, 3))
    for side, name in enumerate(SIDES):
        first = BODY_BONES + 15 * side
        hands[side, 0] = places[JOINT[f"{name}_wrist"]]
        for finger in range(5):
            last = first + 3 * finger + 2
            hands[side, 1 + 4 * finger:4 + 4 * finger] = places[last - 2:last + 1]
            hands[side, 4 + 4 * finger] = _moved(matrices[last:last + 1], person.tips[side, finger][None])[0]
    return hands


def _moved(matrices: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.einsum("bij,bj->bi", matrices[:, :3, :3], places) + matrices[:, :3, 3]


def _skeleton(shape: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Joints [52, 3] and finger tips [2, 5, 3] at rest."""
    body = shape["height"] * (1 - shape["head"])
    hip, neck = shape["legs"] * body, (1 - shape["neck"]) * body
    pelvis = hip + 0.03 * body
    head = body + 0.12 * shape["head"] * shape["height"]
    across, out = shape["shoulders"] * body, shape["hips"] * body
    arm = shape["arms"] * body
    up: dict[str, tuple[float, float, float]] = {
        f"spine{i}": (0, pelvis + share * (neck - pelvis), 0) for i, share in ((1, .2), (2, .45), (3, .7))
    } | {
        "pelvis": (0, pelvis, 0), "neck": (0, neck, -0.01 * body), "head": (0, head, 0),
        "left_hip": (out, hip, 0), "left_knee": (out, 0.52 * hip, 0.004 * body),
        "left_ankle": (out, 0.055 * body, -0.012 * body), "left_foot": (out, 0.018 * body, 0.075 * body),
        "left_collar": (0.28 * across, neck - 0.03 * body, 0), "left_shoulder": (across, neck - 0.035 * body, 0),
        "left_elbow": (across + 0.53 * arm, neck - 0.035 * body, -0.003 * body),
        "left_wrist": (across + arm, neck - 0.035 * body, 0),
    }
    mirror = np.array([-1, 1, 1])
    joints = [np.array(up[name]) if name in up else up[name.replace("right", "left")] * mirror for name in JOINTS]
    way = _WAYS / np.linalg.norm(_WAYS, axis=1, keepdims=True)
    along = np.concatenate([np.zeros((5, 1)), np.cumsum(_PHALANXES, 1)], 1)
    hand = _KNUCKLES[:, None] + along[..., None] * way[:, None]
    left = np.array(up["left_wrist"]) + shape["hands"] * body * hand
    both = np.stack([left, left * mirror])
    return np.concatenate([np.array(joints), both[:, :, :3].reshape(30, 3)]), both[:, :, 3]


def _clothes(random: np.random.Generator) -> Clothes:
    hues = random.uniform(0, 1, 5)
    strength, light = random.uniform(0, 0.9, 5), random.uniform(0.03, 0.75, 5)
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hues[:, None] + np.array([0, 1 / 3, 2 / 3])))
    colours = light[:, None] * (1 - strength[:, None] + strength[:, None] * wheel)
    colours[3] *= random.choice([0.3, 1.0])
    return Clothes(
        str(random.choice(TOPS)), str(random.choice(BOTTOMS)), str(random.choice(PATTERNS)), colours,
        float(random.uniform(0.002, 0.012)),
    )


def _face(random: np.random.Generator, shape: dict[str, float]) -> Face:
    features, child = shape["features"], shape["round"]
    return Face(
        eye_height=random.uniform(0.45, 0.5) - 0.05 * child, eye_apart=random.uniform(0.155, 0.18) + 0.02 * child,
        eye_size=0.078 * shape["eyes"] * random.uniform(0.92, 1.08), brow_height=random.uniform(0.085, 0.11),
        brow_width=random.uniform(0.012, 0.026), mouth_height=random.uniform(0.19, 0.22),
        mouth_width=0.125 * features * random.uniform(0.9, 1.15), lips=features * random.uniform(0.014, 0.026),
        nose=features * random.uniform(0.7, 1.35) * (1 - 0.35 * child), jaw=random.uniform(0.8, 1.2),
        ears=random.uniform(0.8, 1.3), beard=float(random.choice([0, 0, 0, 0, 0.5, 1.0])) * (child < 0.6),
        glasses=float(random.random() < 0.15),
    )
