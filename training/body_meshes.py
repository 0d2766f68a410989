"""Skin, clothes and hair of a made person as one light mesh that follows the bones.

Flesh is a smooth union of balls and tapered rods on the bones (Bloomenthal's convolution surfaces, with an exponential
sum), found by naive surface nets (Gibson 1998) in a pose with arms half down, legs apart and fingers spread.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from addon.core.body_motion import JOINT

from .body_people import BODY_BONES, BONES, SIDES, BodyPerson, about, parent_of, pose_bones

BODY, HEAD, HAIR, HAT, HAND = range(5)
"""Parts of the mesh, as the fragment shader knows them."""
_BODY_STEPS, _HEAD_STEPS, _HAIR_STEPS, _HAND_STEPS = 62, 24, 18, 34
"""Of the grid, in the chin's height, the head's height (twice) and the hand's length."""
_FORM_ONLY: Final = -1
"""For a rod that no bone carries: what it adds goes with the bones nearest to it."""
_ACROSS: Final = np.array([-1, 1, 1])
"""To the other side."""
_SPREAD: Final = (0, -7, -1, 6, 13)
"""Degrees that fingers are apart while their surface is looked for."""


@dataclass(frozen=True)
class BodyMesh:
    """Places where surface nets found them, and how they follow."""

    places: np.ndarray
    """float32 [V, 3] at rest: the bones' matrices apply to them."""
    normals: np.ndarray
    at: np.ndarray
    """float32 [V, 3], where paint goes by: of the head in head heights from the chin, else in heights of the chin."""
    paint: np.ndarray
    """float32 [V, 3]: inside top, bottom and shoes; of the head: inside the hair, 0, 0. Lengths as `at`."""
    part: np.ndarray
    """float32 [V]."""
    bones: np.ndarray
    """float32 [V, 4], numbers."""
    weights: np.ndarray
    """float32 [V, 4], sum 1."""
    triangles: np.ndarray
    """int32 [F, 3]."""


@dataclass
class _Rods:
    """Balls and tapered rods: from, to, radii there, bone."""

    blend: float
    start: list[np.ndarray] = field(default_factory=list)
    end: list[np.ndarray] = field(default_factory=list)
    radii: list[tuple[float, float]] = field(default_factory=list)
    bone: list[int] = field(default_factory=list)

    def add(self, bone: int, start: ArrayLike, end: ArrayLike, first: float, last: float | None = None) -> None:
        """One more rod; as thick at its end as at its start unless `last` says how thick."""
        self.start.append(np.asarray(start, float))
        self.end.append(np.asarray(end, float))
        self.radii.append((first, first if last is None else last))
        self.bone.append(bone)

    def ball(self, bone: int, middle: ArrayLike, radius: float) -> None:
        """One more ball."""
        self.add(bone, middle, middle, radius)

    def pair(self, bone: int, start: ArrayLike, end: ArrayLike, first: float, last: float | None = None) -> None:
        """One more rod on either side."""
        self.add(bone, start, end, first, last)
        self.add(bone, np.multiply(start, _ACROSS), np.multiply(end, _ACROSS), first, last)

    def balls(self, bone: int, middle: ArrayLike, radius: float) -> None:
        """One more ball on either side."""
        self.pair(bone, middle, middle, radius)

    def distance(self, places: np.ndarray, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Of places [..., 3] from rod `i`'s surface [...], and the unit ways out of it [..., 3]."""
        along = self.end[i] - self.start[i]
        offset = places - self.start[i]
        share = np.clip(offset @ along / max(float(along @ along), 1e-12), 0, 1)
        way = offset - share[..., None] * along
        length = np.linalg.norm(way, axis=-1)
        first, last = self.radii[i]
        return length - (first + share * (last - first)), way / np.maximum(length, 1e-9)[..., None]

    def surface(self, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places [V, 3], normals [V, 3] and triangles [F, 3] of the smooth union."""
        reach = np.array([max(pair) for pair in self.radii]) + 5 * self.blend + 2 * step
        low = np.minimum(self.start, self.end) - reach[:, None]
        high = np.maximum(self.start, self.end) + reach[:, None]
        origin = low.min(0)
        shape = np.ceil((high.max(0) - origin) / step).astype(int) + 1
        total = np.full(shape, 1e-30)
        for i in range(len(self.start)):
            first = np.floor((low[i] - origin) / step).astype(int)
            last = np.minimum(np.ceil((high[i] - origin) / step).astype(int) + 1, shape)
            box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
            places = origin + step * np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(first, last, strict=True)),
                                                          indexing="ij"), -1)
            total[box] += np.exp(-self.distance(places, i)[0] / self.blend)
        places, triangles = _surface_net(-self.blend * np.log(total))
        places = origin + step * places
        found = [self.distance(places, i) for i in range(len(self.start))]
        share = np.exp(-np.stack([distance for distance, _ in found]) / self.blend)
        normals = np.einsum("pv,pvc->vc", share, np.stack([way for _, way in found]))
        return places, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9), triangles

    def weights(self, places: np.ndarray, soft: float) -> tuple[np.ndarray, np.ndarray]:
        """The four bones [V, 4] that carry each place, and by how much."""
        carrying = [i for i, bone in enumerate(self.bone) if bone != _FORM_ONLY]
        distance = np.stack([self.distance(places, i)[0] for i in carrying], 1)
        bone = np.array(self.bone)[carrying]
        nearest = bone[distance.argmin(1)]
        share = np.exp(-(distance - distance.min(1, keepdims=True)) / soft)
        per_bone = np.zeros((len(places), BONES))
        np.add.at(per_bone.T, bone, share.T)
        per_bone *= _NEIGHBOURS[nearest]
        chosen = np.argsort(-per_bone, 1, kind="stable")[:, :4]
        weight = np.take_along_axis(per_bone, chosen, 1)
        return chosen, weight / weight.sum(1, keepdims=True)


def _neighbours() -> np.ndarray:
    """bool [52, 52]: which bones may carry a place beside each other, so that no finger carries another's skin."""
    near = np.eye(BONES, dtype=bool)
    for bone in range(1, BONES):
        near[bone, parent_of(bone)] = near[parent_of(bone), bone] = True
    for a, b in (("left_hip", "right_hip"), ("left_collar", "left_shoulder"), ("left_shoulder", "spine3"),
                 ("right_shoulder", "spine3")):
        near[JOINT[a], JOINT[b]] = near[JOINT[b], JOINT[a]] = True
    return near


_NEIGHBOURS: Final = _neighbours()


def mesh_of(person: BodyPerson) -> BodyMesh:
    """The person's whole surface."""
    bind = _bind_pose(person)
    parts = [_body(person, bind), *_head(person), *(_hand(person, side) for side in range(2))]
    counts = np.cumsum([0] + [len(part.places) for part in parts])
    joined = {name: np.concatenate([getattr(part, name) for part in parts]).astype(np.float32)
              for name in ("places", "normals", "at", "paint", "part", "bones", "weights")}
    triangles = np.concatenate([part.triangles + first for part, first in zip(parts, counts, strict=False)])
    return BodyMesh(**joined, triangles=triangles.astype(np.int32))


def _bind_pose(person: BodyPerson) -> np.ndarray:
    """Bones' matrices of the pose that the body's surface is looked for in."""
    rotations = np.tile(np.eye(3), (BODY_BONES, 1, 1))
    for name, degrees in (("left_shoulder", -38), ("left_hip", 5)):
        rotations[JOINT[name]] = about("z", degrees)
        rotations[JOINT[name.replace("left", "right")]] = about("z", -degrees)
    matrices = pose_bones(person, rotations, np.tile(np.eye(3), (2, 15, 1, 1)))
    matrices[:, :3, 3] += person.rest[0]
    return matrices


def _body(person: BodyPerson, bind: np.ndarray) -> BodyMesh:
    body = person.height - person.head_height
    rods = _flesh(person, body)
    for i, bone in enumerate(rods.bone):
        matrix = bind[max(bone, 0)]
        rods.start[i], rods.end[i] = (matrix[:3, :3] @ place + matrix[:3, 3] for place in (rods.start[i], rods.end[i]))
    places, normals, triangles = rods.surface(body / _BODY_STEPS)
    bones, weights = rods.weights(places, 0.011 * body)
    paint = _clothing(person, places, bones[:, 0], bind, body)
    back = np.linalg.inv(bind)[bones.astype(int)]
    back = np.einsum("vk,vkij->vij", weights, back)
    rest = np.einsum("vij,vj->vi", back[:, :3, :3], places) + back[:, :3, 3]
    turned = np.einsum("vij,vj->vi", back[:, :3, :3], normals)
    return BodyMesh(rest, turned, places / body, paint / body, np.full(len(places), BODY), bones, weights, triangles)


def _flesh(person: BodyPerson, body: float) -> _Rods:
    """Rods of trunk and limbs at rest, clothes' thickness included."""
    rods = _Rods(0.008 * body)
    deep = 0.062 * body * person.shape["trunk"] ** 0.75
    loose = person.clothes.loose * person.height
    _add_trunk(rods, person, body, deep, loose)
    for side in SIDES:
        _add_limbs(rods, person, body, loose, side)
    if person.clothes.bottom == "skirt":
        knees = 0.5 * (person.rest[JOINT["left_knee"]] + person.rest[JOINT["right_knee"]])
        rods.add(_FORM_ONLY, person.rest[JOINT["pelvis"]], knees + (0, 0.1 * body, 0), 1.1 * deep + loose,
                 1.1 * deep + 1.1 * person.shape["hips"] * body)
    return rods


def _add_trunk(rods: _Rods, person: BodyPerson, body: float, deep: float, loose: float) -> None:
    """Hips, waist, chest, belly and neck; `deep` is half the trunk's depth."""
    shape, rest = person.shape, person.rest
    trunk, belly = shape["trunk"], shape["belly"]
    hips, chest = shape["hips"] * body, shape["shoulders"] * body
    for joint, y, half, radius in (
        ("pelvis", -0.035, 0.62 * hips * trunk, 1.04), ("pelvis", 0.01, 0.62 * hips * trunk, 1.05),
        ("spine1", 0.0, 0.62 * hips * trunk, 0.95 + 0.15 * belly), ("spine2", 0.0, 0.42 * chest * trunk ** 0.5, 1.0),
        ("spine3", -0.01, 0.5 * chest, 1.08), ("spine3", 0.05, 0.5 * chest, 0.92),
    ):
        middle = rest[JOINT[joint]] + (0, y * body, 0)
        rods.add(JOINT[joint], middle - (half, 0, 0), middle + (half, 0, 0), radius * deep + loose)
    if belly > 0.2:
        middle = rest[JOINT["spine1"]] + (0, 0.01 * body, 0.025 * body * belly)
        rods.ball(JOINT["spine1"], middle, deep * 1.1)
    thick = 0.034 * body * (0.6 + 0.4 * shape["limbs"])
    neck, head = rest[JOINT["neck"]], rest[JOINT["head"]]
    rods.add(JOINT["neck"], neck - (0, 0.02 * body, 0), head, thick)
    rods.add(JOINT["head"], head, head + (0, 0.1 * body, 0), thick)


def _add_limbs(rods: _Rods, person: BodyPerson, body: float, loose: float, side: str) -> None:
    """Arm and leg of a side."""
    limb = person.shape["limbs"]
    sleeve = {"vest": (0, 0), "shirt": (loose, 0)}.get(person.clothes.top, (loose, loose))
    leg = {"trousers": (loose, loose), "shorts": (loose, 0)}.get(person.clothes.bottom, (0, 0))

    def at(name: str) -> np.ndarray:
        return person.rest[JOINT[f"{side}_{name}"]]

    for bone, end, first, last, cloth in (
        ("collar", "shoulder", 0.036, 0.033, sleeve[0]), ("shoulder", "elbow", 0.033, 0.025, sleeve[0]),
        ("elbow", "wrist", 0.026, _wrist(person) / (body * limb), sleeve[1]), ("hip", "knee", 0.058, 0.037, leg[0]),
        ("knee", "ankle", 0.038, 0.024, leg[1]), ("ankle", "foot", 0.03, 0.021, 0),
    ):
        rods.add(JOINT[f"{side}_{bone}"], at(bone), at(end), first * body * limb + cloth, last * body * limb + cloth)
    calf = 0.72 * at("knee") + 0.28 * at("ankle") - (0, 0, 0.012 * body)
    rods.ball(JOINT[f"{side}_knee"], calf, 0.036 * body * limb + leg[1])
    heel, foot = at("ankle") * (1, 0.3, 1) - (0, 0, 0.01 * body), at("foot")
    rods.add(JOINT[f"{side}_ankle"], heel, foot, 0.024 * body * limb, 0.022 * body * limb)
    rods.add(JOINT[f"{side}_foot"], foot, foot + (0, 0, 0.04 * body), 0.023 * body * limb, 0.019 * body * limb)


def _clothing(person: BodyPerson, places: np.ndarray, bone: np.ndarray, bind: np.ndarray, body: float) -> np.ndarray:
    """How far inside top, bottom and shoes [V, 3] places of the bind pose are, m."""
    rest, clothes = person.rest, person.clothes
    arm = np.full(len(places), -1.0)
    for side in SIDES:
        shoulder, wrist = (bind[JOINT[f"{side}_shoulder"]] @ np.append(rest[JOINT[f"{side}_{end}"]], 1)
                           for end in ("shoulder", "wrist"))
        way = (wrist - shoulder)[:3] / np.linalg.norm(wrist - shoulder)
        on_arm = np.isin(bone, [JOINT[f"{side}_{name}"] for name in ("collar", "shoulder", "elbow", "wrist")])
        arm = np.where(on_arm, (places - shoulder[:3]) @ way, arm)
    length = person.shape["arms"] * body
    sleeve = {"vest": -0.02, "shirt": 0.3}.get(clothes.top, 2.0) * length
    y, waist, hip = places[:, 1], rest[JOINT["spine1"], 1], rest[JOINT["left_hip"], 1]
    hem = {"jumper": hip + 0.02 * body, "long_shirt": hip - 0.1 * body}.get(clothes.top, waist - 0.025 * body)
    collar = np.linalg.norm((places - rest[JOINT["neck"]]) * (1, 0.8, 1), axis=1) - 0.062 * body
    above = rest[JOINT["neck"], 1] + 0.012 * body - y
    top = np.minimum.reduce([np.where(arm > -1, 1, y - hem), sleeve - arm, collar, above])
    ends = {"shorts": 0.62 * hip, "skirt": 0.3 * hip}.get(clothes.bottom, 0.05 * body)
    bottom = np.where(arm > -1, -1, np.minimum(waist - y, y - ends))
    return np.stack([top, bottom, np.where(arm > -1, -1, 0.065 * body - y)], 1)


def _head(person: BodyPerson) -> list[BodyMesh]:
    """Head, hair and hat; built in head heights above the chin."""
    face, roundness = person.face, person.shape["round"]
    head = _Rods(0.035)
    head.ball(0, (0, 0.585, -0.06), 0.40)
    head.ball(0, (0, 0.5 - 0.03 * roundness, 0.015), 0.345 + 0.03 * roundness)
    width, height = 0.11 * face.jaw + 0.04 * roundness, 0.19 + 0.04 * roundness
    head.add(0, (-width, height, 0.075), (width, height, 0.075), 0.15 + 0.05 * roundness)
    head.ball(0, (0, 0.125, 0.14), 0.105 + 0.03 * roundness)
    head.balls(0, (0.17, 0.31, 0.14), 0.15 + 0.03 * roundness)
    nose = face.nose
    middle = 0.44 - 0.05 * roundness
    head.add(0, (0, middle + 0.06, 0.36), (0, middle - 0.09, 0.375 + 0.055 * nose), 0.026, 0.04 * nose)
    head.balls(0, (0.035 * nose, middle - 0.1, 0.365 + 0.02 * nose), 0.03 * nose)
    ear = np.array([0.40, 0.43, -0.05])
    head.pair(0, ear - (0, 0.06 * face.ears, -0.01), ear + (0.035, 0.06 * face.ears, -0.02), 0.03, 0.05 * face.ears)
    grown, hat = _hair(person), _hat(person)
    meshes = [_on_head(person, head, HEAD)]
    if grown.start:
        meshes.append(_on_head(person, grown, HAIR))
    if hat.start:
        meshes.append(_on_head(person, hat, HAT))
    return meshes


def _hair(person: BodyPerson) -> _Rods:
    rods, kind = _Rods(0.025), person.hair
    if kind == "bald":
        return rods
    if kind != "curls":
        rods.ball(0, (0, 0.64, -0.085), 0.405)
        rods.pair(0, (0.1, 0.9, 0.17), (0.28, 0.78, 0.16), 0.1, 0.08)
    if kind in ("bob", "long"):
        low = 0.12 if kind == "bob" else -0.28
        for x, z in ((0.37, 0.02), (0.36, -0.16), (0.24, -0.32)):
            rods.pair(0, (x, 0.68, z), (x * 1.05, low, z - 0.02), 0.1, 0.11)
        rods.add(0, (0, 0.6, -0.36), (0, low, -0.37), 0.16, 0.13)
    if kind == "bun":
        rods.ball(0, (0, 1.04, -0.2), 0.16)
    if kind == "tail":
        rods.add(0, (0, 0.78, -0.44), (0, 0.62, -0.6), 0.07, 0.1)
        rods.add(0, (0, 0.62, -0.6), (0, 0.05, -0.55), 0.1, 0.03)
    random = np.random.default_rng([9, person.seed])
    if kind == "spikes":
        for way in random.normal(0, 1, (26, 3)) + (0, 1.2, -0.2):
            way /= np.linalg.norm(way)
            if way[1] > 0.1 and way[2] < 0.75:
                rods.add(0, np.array([0, 0.64, -0.085]) + 0.36 * way, np.array([0, 0.66, -0.1]) + 0.6 * way, .1, .01)
    if kind == "curls":
        for way in random.normal(0, 1, (70, 3)) + (0, 0.7, -0.5):
            way /= np.linalg.norm(way)
            if way[1] > -0.25 and way[2] < 0.62 - 0.7 * max(0.0, 0.45 - way[1]):
                rods.ball(0, np.array([0, 0.62, -0.09]) + 0.42 * way, random.uniform(0.1, 0.15))
    return rods


def _hat(person: BodyPerson) -> _Rods:
    rods = _Rods(0.02)
    if person.hat:
        rods.ball(0, (0, 0.70, -0.07), 0.43)
        rods.add(0, (0, 0.74, -0.05), (0, 0.78, -0.05), 0.44)
    if person.hat == "cap":
        for x in (-0.2, -0.1, 0, 0.1, 0.2):
            rods.add(0, (x, 0.81, 0.3), (x * 1.1, 0.79, 0.62 - 2.5 * x * x), 0.035, 0.025)
    if person.hat == "beanie":
        rods.ball(0, (0, 1.2, -0.1), 0.1)
    return rods


def _on_head(person: BodyPerson, rods: _Rods, part: int) -> BodyMesh:
    """A mesh in head heights, put where the head is; of a hat only what is above its rim."""
    places, normals, triangles = rods.surface(1 / (_HEAD_STEPS if part == HEAD else _HAIR_STEPS))
    if part == HAT:
        triangles = triangles[(places[triangles, 1] > 0.72).all(1)]
    if part == HAIR:
        triangles = triangles[~_before_face(places[triangles]).all(1)]
    if part == HAIR and person.hat:
        triangles = triangles[(places[triangles, 1] < 0.86).all(1)]
    x, y, z = places.T
    line = np.minimum(y - 0.74 + 0.9 * np.clip(z - 0.1, -1, 0) + 0.9 * x * x * (z > 0), 1)
    paint = np.zeros((len(places), 3))
    paint[:, 0] = line if person.hair not in ("bald", "curls") or person.hat else -1
    if person.hair == "curls":
        paint[:, 0] = line
    slim = np.array([0.84 + 0.1 * person.shape["round"], 1, 0.94])
    at = places * slim
    chin = np.array([0, person.height - person.head_height, person.rest[JOINT["head"], 2]])
    bones = np.zeros((len(places), 4))
    bones[:, 0] = JOINT["head"]
    weights = np.tile([1.0, 0, 0, 0], (len(places), 1))
    normals = normals / slim
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return BodyMesh(
        chin + person.head_height * at, normals, places, paint, np.full(len(places), part), bones, weights, triangles)


def _before_face(places: np.ndarray) -> np.ndarray:
    """Where hair would hang over the face."""
    x, y, z = np.moveaxis(places, -1, 0)
    return (z > 0.12) & (y < 0.76) & (np.abs(x) < 0.36)


def _hand(person: BodyPerson, side: int) -> BodyMesh:
    """A hand in lengths of hands, from the wrist; the right one is the left one in a mirror."""
    length = person.shape["hands"] * (person.height - person.head_height)
    knuckles, rods = _spread_hand(person, length)
    places, normals, triangles = rods.surface(1 / _HAND_STEPS)
    bones, weights = rods.weights(places, 0.014)
    for finger, knuckle in enumerate(knuckles):
        back = about("y", -_SPREAD[finger])
        own = np.isin(bones, BODY_BONES + 3 * finger + np.arange(3))
        share = (weights * own).sum(1)[:, None]
        places = (1 - share) * places + share * (knuckle + (places - knuckle) @ back.T)
        normals = (1 - share) * normals + share * (normals @ back.T)
    bones = np.where(weights > 0, bones, 0)
    if side:
        places, normals, triangles = places * _ACROSS, normals * _ACROSS, triangles[:, ::-1]
        bones = np.select([bones >= BODY_BONES, bones == JOINT["left_wrist"]], [bones + 15, JOINT["right_wrist"]],
                          bones + (weights > 0))
    count = len(places)
    home = person.rest[JOINT[f"{SIDES[side]}_wrist"]]
    return BodyMesh(home + length * places, normals, places, np.zeros((count, 3)), np.full(count, HAND),
                    bones, weights, triangles)


def _spread_hand(person: BodyPerson, length: float) -> tuple[np.ndarray, _Rods]:
    """Where the left hand's fingers begin [5, 3], and its rods with the fingers spread; in lengths of the hand."""
    fat, narrow, wrist = person.shape["limbs"] ** 0.4, _wrist(person) / length, JOINT["left_wrist"]
    joints = ((person.rest[BODY_BONES:BODY_BONES + 15] - person.rest[wrist]) / length).reshape(5, 3, 3)
    tips = (person.tips[0] - person.rest[wrist]) / length
    rods = _Rods(0.011)
    rods.add(JOINT["left_elbow"], (-0.28, 0, 0), (-0.05, 0, 0), narrow)
    rods.add(wrist, (-0.03, 0, -0.02), (0.03, 0, 0.02), 0.95 * narrow)
    for finger, thick in enumerate(np.array([0.051, 0.045, 0.046, 0.044, 0.039]) * fat):
        spread = about("y", _SPREAD[finger])
        chain = [joints[finger, 0] + spread @ (place - joints[finger, 0]) for place in (*joints[finger], tips[finger])]
        palm = chain[0] * (0.96, 1, 0.92)
        rods.add(wrist, (0.05, 0, palm[2] * 0.45), palm, 0.074 * fat, (0.06 if finger else 0.07) * fat)
        # The flesh ends where the last ball's surface is at the tip.
        chain[3] = chain[3] - thick * 0.75 * _unit(chain[3] - chain[2])
        for joint in range(3):
            rods.add(BODY_BONES + 3 * finger + joint, chain[joint], chain[joint + 1],
                     thick * (1.08 - 0.1 * joint), thick * (1 - 0.1 * joint))
    return joints[:, 0], rods


def _wrist(person: BodyPerson) -> float:
    """Radius, m; no thicker than the hand bears."""
    body = person.height - person.head_height
    return body * min(0.017 * person.shape["limbs"], 0.112 * person.shape["hands"])


def _unit(way: np.ndarray) -> np.ndarray:
    return way / np.linalg.norm(way)


_CORNERS: Final = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
_EDGES: Final = [(a, b) for i, a in enumerate(_CORNERS) for b in _CORNERS[i + 1:]
                 if sum(abs(p - q) for p, q in zip(a, b, strict=True)) == 1]


def _surface_net(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a grid's values [X, Y, Z] pass 0: places [V, 3] in steps, triangles [F, 3] seen from the outside."""
    cells = tuple(size - 1 for size in values.shape)
    corner = {c: values[tuple(slice(o, o + n) for o, n in zip(c, cells, strict=True))] for c in _CORNERS}
    inside = np.sum([corner[c] < 0 for c in _CORNERS], axis=0)
    mixed = (inside > 0) & (inside < 8)
    index = np.full(cells, -1)
    index[mixed] = np.arange(mixed.sum())
    total, count = np.zeros((mixed.sum(), 3)), np.zeros(mixed.sum())
    for a, b in _EDGES:
        first, last = corner[a][mixed], corner[b][mixed]
        crossing = (first < 0) != (last < 0)
        share = np.where(crossing, first / np.where(crossing, first - last, 1), 0)[:, None]
        total += crossing[:, None] * ((1 - share) * np.array(a) + share * np.array(b))
        count += crossing
    places = np.argwhere(mixed) + total / count[:, None]
    found = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        low, high = np.moveaxis(values, (axis, u, v), (0, 1, 2))[:-1], np.moveaxis(values, (axis, u, v), (0, 1, 2))[1:]
        crossing = ((low < 0) != (high < 0))[:, 1:-1, 1:-1]
        turned = np.moveaxis(index, (axis, u, v), (0, 1, 2))
        i, j, k = np.nonzero(crossing)
        quad = np.stack([turned[i, j, k], turned[i, j + 1, k], turned[i, j + 1, k + 1], turned[i, j, k + 1]], 1)
        outwards = (low[:, 1:-1, 1:-1] < 0)[i, j, k]
        quad = np.where(outwards[:, None], quad, quad[:, ::-1])
        found.append(quad)
    quads = np.concatenate(found)
    # Neighbours beside each other: a vertex that was used a moment ago needs no new computing.
    quads = quads[np.argsort(quads.min(1), kind="stable")]
    return places, quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)
