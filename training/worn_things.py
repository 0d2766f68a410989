"""Head-wear, glasses, clothes, hands and what they hold, as meshes around one person's resting head."""
from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from training.appearance import Glasses
from training.worn_shapes import Mesh, Skull, dome, joined, sheet, smooth, tube

_TURN = np.linspace(-np.pi, np.pi, 64, endpoint=False)
_DARK = np.array([0.012, 0.012, 0.013])


def head_wear(kind: str, skull: Skull, colour: np.ndarray, over_cm: float, random: np.random.Generator) -> list[Mesh]:
    """Meshes of one of appearance.HEAD_WEAR; `over_cm` is the hair below it."""
    over = over_cm + 0.45
    if kind == "cap":
        return _cap(skull, colour, over, random)
    if kind == "beanie":
        return _beanie(skull, colour, over, random)
    if kind == "headband":
        top = random.uniform(9.2, 11.0)
        width = random.uniform(1.5, 4.0)
        rows = [skull.at(Skull.edge(_TURN, top - width * s, top - width * s - 3.5), _TURN, over + lift)
                for s, lift in ((0, -0.9), (0.04, 0.1), (0.5, 0.28), (0.96, 0.1), (1, -0.9))]
        texture = np.stack([np.stack([_TURN * 9, np.full(64, i * 0.8), np.zeros(64)], -1) for i in range(5)])
        return [sheet(np.stack(rows), colour, "knitted", 0.03, closed=True, texture=texture)]
    if kind == "headscarf":
        return _headscarf(colour, random)
    return _headphones(skull, colour, over_cm)


def _cap(skull: Skull, colour: np.ndarray, over: float, random: np.random.Generator) -> list[Mesh]:
    front = random.uniform(8.0, 9.6)
    edge = Skull.edge(_TURN, front, front - random.uniform(4.5, 6.5))
    share = np.linspace(0, 1, 12)[:, None]
    # The front panel stands up.
    stiff = 1.1 * np.exp(-(_TURN / 0.75) ** 2) * np.sin(share * np.pi) ** 0.8
    meshes = [dome(skull, edge, over + 0.35 * np.sin(share * np.pi) + stiff, _TURN, colour, "cloth")]
    turn = np.linspace(-0.95, 0.95, 25)
    rim = skull.at(Skull.edge(turn, front, front - 5.0), turn, np.full(25, over))
    reach = random.uniform(5.5, 7.5) * np.sqrt(np.clip(1 - (turn / 0.98) ** 2, 0, 1))
    out = np.linspace(0, 1, 6)[:, None]
    tilt = random.uniform(0.12, 0.4)
    visor = rim + np.zeros((6, 1, 1))
    visor[..., 2] += out * reach
    visor[..., 1] -= out * reach * tilt + out * 1.3 * (turn / 0.95) ** 2
    under = visor[::-1] - np.array([0, 0.25, 0])
    tone = colour if random.random() < 0.6 else random.uniform(0.02, 0.5, 3)
    meshes.append(sheet(np.concatenate([visor, under]), tone, "cloth", 0.05))
    meshes.append(tube(skull.at(np.zeros(2), np.zeros(2), np.array([over, over + 0.2])), 0.5, tone))
    return meshes


def _beanie(skull: Skull, colour: np.ndarray, over: float, random: np.random.Generator) -> list[Mesh]:
    front = random.uniform(7.2, 9.5)
    back = front - random.uniform(5, 7)
    share = np.linspace(0, 1, 12)[:, None]
    slouch = random.uniform(0.3, 2.0) * (1 - share) ** 1.5
    meshes = [dome(skull, Skull.edge(_TURN, front, back), over + 0.35 + slouch, _TURN, colour, "knitted")]
    fold = random.uniform(2.0, 4.0)
    rows = [skull.at(Skull.edge(_TURN, front + fold * (0.9 - s), back + fold * (0.9 - s)), _TURN, over + lift)
            for s, lift in ((0, 0.3), (0.06, 0.75), (0.5, 0.95), (0.94, 0.8), (1, 0.45), (1, -0.6))]
    texture = np.stack([np.stack([_TURN * 9, np.full(64, i * 0.8), np.zeros(64)], -1) for i in range(6)])
    meshes.append(sheet(np.stack(rows), colour * random.choice([1.0, 0.8]), "knitted", 0.03, True, texture))
    if random.random() < 0.3:
        top = skull.at(np.zeros(3), np.zeros(3), over + slouch[0, 0] + np.array([0.4, 1.4, 2.4]))
        meshes.append(tube(top, np.array([1.4, 2.0, 1.4]), random.uniform(0.1, 0.8, 3), "curls", sides=14))
    return meshes


# Rows of a headscarf from the face's edge to the nape, cm: over the forehead (y, z), beside the ears (x, z), below
# the chin (y, z).
_SCARF = (
    ((8.7, 9.9), (6.6, 4.6), (-8.2, 7.2)), ((9.0, 10.9), (7.0, 5.4), (-8.7, 8.0)),
    ((10.9, 10.6), (8.1, 4.8), (-9.6, 7.4)), ((13.6, 8.7), (9.7, 2.9), (-10.2, 5.6)),
    ((15.6, 3.6), (10.3, 0.0), (-10.6, 1.0)), ((15.2, -3.6), (9.9, -3.6), (-10.6, -4.0)),
    ((11.0, -9.2), (7.6, -7.6), (-10, -7.6)), ((5.0, -10.6), (3.0, -10.0), (-6.0, -9.4)),
)
_FALL = (
    (-5.5, 5.4, 4.8, 0.0), (-8.3, 6.8, 7.6, 0.6), (-11, 9.5, 9.0, 0), (-15, 14.5, 10.5, -0.5), (-24, 17, 12.0, -0.5),
)
"""Below it: y, half as wide, half as deep, z."""


def _headscarf(colour: np.ndarray, random: np.random.Generator) -> list[Mesh]:
    """Around the face, over the head and back to the nape; a fall over neck and chest."""
    angle = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    right, up = np.sin(angle), np.cos(angle)
    middle, lift = 1.0, random.uniform(-0.4, 1.2)
    rows = []
    for (top_y, top_z), (side_x, side_z), (low_y, low_z) in _SCARF:
        y = middle + np.abs(up) * (np.where(up > 0, top_y + (lift if top_z > 9 else 0), low_y) - middle)
        z = side_z + np.abs(up) * (np.where(up > 0, top_z, low_z) - side_z)
        rows.append(np.stack([right * side_x, y, z], -1))
    crease = 0.1 * np.sin(angle * 9 + random.uniform(0, 6)) * np.linspace(0.2, 2.5, len(rows))[:, None]
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    fall = []
    for y, wide, deep, z in _FALL:
        folds = 1 + 0.035 * np.sin(around * 11 + y) + 0.02 * np.sin(around * 23)
        row = np.sin(around) * wide * folds, y + 0.8 * np.cos(around), np.cos(around) * deep * folds + z
        fall.append(np.stack(row, -1))
    return [sheet(np.stack(rows) + crease[..., None], colour, "cloth", 0.03, closed=True),
            sheet(np.stack(fall), colour * 0.95, "cloth", 0.03, closed=True)]


_CUSHION = ((7.8, 3.0), (8.2, 3.3), (9.0, 3.5), (9.7, 3.3), (9.8, 3.0), (10.6, 2.9), (11.0, 2.4), (11.1, 0))
"""Of a headphone, from the head outwards: x, radius."""


def _headphones(skull: Skull, colour: np.ndarray, over: float) -> list[Mesh]:
    tilt = np.linspace(-1.35, 1.35, 25)
    arch = skull.at(np.abs(tilt), np.where(tilt < 0, -np.pi / 2, np.pi / 2), np.full(25, over + 0.9))
    arch[:, 2] = 0.2
    meshes = [tube(arch, 0.65, colour, shine=0.3, flat=2.0)]
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for side in (-1, 1):
        rows = [np.stack([np.full(24, side * x), 1.9 + 1.15 * r * np.cos(angle), 0.2 + r * np.sin(angle)], -1)
                for x, r in _CUSHION]
        tone = np.where(np.arange(8) < 4, 0.35, 1.0)[:, None, None] * colour
        meshes.append(sheet(np.stack(rows), tone, shine=0.25, closed=True))
    return meshes


_LENSES = {
    "round": (2.35, 2.3, 2.0, 0.0, 0.0), "square": (2.75, 1.9, 4.0, 0.0, 0.0), "aviator": (2.8, 2.35, 2.4, 0.0, 0.45),
    "cat": (2.75, 1.85, 2.8, 0.55, 0.0), "wide": (2.8, 1.45, 3.2, 0.0, 0.0),
}
"""Half as wide, half as high, cm; how square; how far the outer corners rise and the inner lower ones go in, cm."""


def glasses(worn: Glasses, eyes: list[np.ndarray], bridge: np.ndarray) -> tuple[list[Mesh], list[Mesh]]:
    """Frame and lenses before the eyeballs' middles `eyes`, on the nose at `bridge`."""
    apart = abs(eyes[0][0] - eyes[1][0]) / 2 * 1.03
    height, depth = (eyes[0][1] + eyes[1][1]) / 2 - 0.25, bridge[2] - 0.1
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wide, high, power, lift, drop = _LENSES[worn.shape]
    wide = min(wide * worn.scale, apart - 0.55)
    cos, sin = np.cos(angle), np.sin(angle)
    x = wide * np.sign(cos) * np.abs(cos) ** (2 / power)
    y = high * worn.scale * np.sign(sin) * np.abs(sin) ** (2 / power)
    y = y + lift * np.clip(cos, 0, 1) ** 2 * (sin > -0.3)
    x = x + drop * np.where(sin < 0, np.abs(sin), 0) * 0.6
    frames: list[Mesh] = []
    lenses: list[Mesh] = []
    for side in (1, -1):
        place = np.stack([side * (apart + x), height + y, depth - 0.035 * (apart + x) ** 2], -1)
        frames.append(tube(place, worn.rim_cm, worn.colour, shine=0.45, sides=7, closed=True, flat=1.0))
        middle = place.mean(0)
        scale = np.array([0.0, 0.5, 1.0])[:, None, None]
        bulge = np.array([0, 0, 0.25]) * (1 - scale**2)
        lenses.append(sheet(middle + (place - middle) * scale + bulge, worn.tint[:3], closed=True))
        ear = np.array([side * 8.0, height + 0.3, 0.6])
        hinge = place[np.argmax(side * place[:, 0])] + np.array([0, 0.5 * high * 0.6, -0.2])
        temple = smooth(np.stack([hinge, (hinge + ear) / 2 + [side * 0.7, 0, 0], ear, ear + [0, -2.0, -1.6]]), 14)
        frames.append(tube(temple, max(worn.rim_cm * 0.9, 0.1), worn.colour, shine=0.35, sides=6, flat=1.3))
    inner = apart - wide
    arch = np.array([[-inner, 0.35, -0.1], [0, 0.75, 0.25], [inner, 0.35, -0.1]]) + (0, height, depth)
    frames.append(tube(smooth(arch, 9), max(worn.rim_cm, 0.1), worn.colour, shine=0.45, sides=7))
    return frames, lenses


_BODY = (
    (-10.4, 6.8, 6.2, -1.2, 1.0), (-9.7, 7.4, 6.9, -1.2, 1.0), (-10.3, 9.6, 8.7, -1.6, 0.8),
    (-12, 13.4, 9.8, -1.9, 0.4), (-14.4, 17.5, 10.2, -2.2, 0.1), (-16.5, 18.6, 10.6, -2.2, 0),
    (-22, 17.5, 11, -2, 0), (-32, 16, 11, -1.5, 0), (-50, 15.5, 11, -1.5, 0),
)
"""From the collar down: y, half as wide, half as deep, z, share of the neckline's dip in front."""


_NECK_Y, _NECK_CM = -10.0, np.array([13.6, 1.0, 12.6])
"""Middle and extent of the neck that this fits."""


def shirt(colour: np.ndarray, neck: np.ndarray, random: np.random.Generator) -> list[Mesh]:
    """A body with upper arms, facing ahead, below the skin `neck` [n, 3] of a ring around the neck."""
    white = _body(random.choice([0.2, 0.7, 1.2]), random.choice([0.6, 0.8, 1.0]))
    wide, _, deep = np.ptp(neck, axis=0) / _NECK_CM
    place = white.place * (max(wide, 0.9), 1, max(deep, 0.9)) + (0, neck[:, 1].mean() - _NECK_Y, 0)
    return [replace(white, place=place, paint=white.paint * np.append(colour, 1))]


@lru_cache(maxsize=16)
def _body(open_front: float, trim: float) -> Mesh:
    """A white one; `open_front` cm is the neckline's dip, `trim` the collar's brightness."""
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    front = np.clip(np.cos(around), 0, 1) ** 2
    rows = [np.stack([np.sin(around) * wide, y - dip * open_front * front, np.cos(around) * deep + z], -1)
            for y, wide, deep, z, dip in _BODY]
    tone = np.where(np.arange(len(_BODY)) < 2, trim, 1.0)[:, None, None]
    meshes = [sheet(np.stack(rows), tone * np.ones(3), "cloth", 0.02, closed=True)]
    for side in (-1, 1):
        arm = np.array([[15.0, -17.6, -2.2], [18.0, -21, -2], [20.0, -30, -1.5], [21.0, -46, 0]]) * (side, 1, 1)
        meshes.append(tube(smooth(arm, 9), 5.2, np.ones(3), "cloth", 0.02, sides=14))
    return joined(meshes)


def _finger(joints: np.ndarray, radius: float, skin: np.ndarray) -> Mesh:
    path = smooth(joints, 12)
    along = np.linspace(0, 1, 12)
    knuckles = 1 + 0.08 * np.exp(-((along - 0.35) / 0.08) ** 2) + 0.05 * np.exp(-((along - 0.68) / 0.07) ** 2)
    return tube(path, radius * (1.05 - 0.28 * along) * knuckles, skin, "hand", 0.07, sides=10)


_KNUCKLES = ((-3.1, 0.0, 7.2, 0.85), (-1.05, 0.45, 8.0, 0.9), (1.0, 0.3, 7.5, 0.87), (2.9, -0.5, 6.0, 0.75))
"""Of the index to the little finger: across and along the hand, length, radius; cm."""


def open_hand(curl: float, spread: float, skin: np.ndarray) -> list[Mesh]:
    """A left hand: palm to -z, fingers to +y, thumb to -x; the knuckles' middle is the origin. `curl` rad a joint."""
    meshes = []
    for x, y, length, radius in _KNUCKLES:
        joints, bend = [np.array([x * 0.95, y - 2.4, -0.1]), np.array([x, y, 0.0])], curl * 0.7
        lean = spread * x / 3
        for part in (0.44, 0.31, 0.25):
            step = np.array([np.sin(lean) * np.cos(bend), np.cos(bend) * np.cos(lean), -np.sin(bend)])
            joints.append(joints[-1] + step * length * part)
            bend += curl
        meshes.append(_finger(np.stack(joints), radius, skin))
    thumb = np.array([[-2.4, -6.5, -0.5], [-4.0, -4.2, -1.0], [-5.1, -1.9, -1.6], [-5.5, 0.3, -1.9]])
    meshes.append(_finger(thumb, 1.05, skin))
    palm = smooth(np.array([[0, -9.5, 0], [0, -7.5, 0], [0, -4.5, 0.1], [0, -1.6, 0.0], [0, 0.2, -0.1]]), 12)
    meshes.append(tube(palm, np.interp(np.linspace(0, 1, 12), [0, 0.2, 0.5, 0.8, 1], [2.9, 3.4, 4.1, 4.3, 3.9]), skin,
                       "hand", 0.07, sides=18, flat=0.33))
    return meshes


def grip(radius: float, skin: np.ndarray) -> list[Mesh]:
    """A left hand around a rod along y of `radius` cm, its back to +x, its middle at the origin."""
    meshes = []
    angle = np.radians(np.linspace(-15, 215 - 8 * radius, 7))
    for i, (_, y, _, thick) in enumerate(_KNUCKLES):
        reach = radius + thick
        path = np.stack([reach * np.cos(angle), np.full(7, 2.8 - 1.85 * i + 0.1 * y), reach * np.sin(angle)], -1)
        meshes.append(_finger(path, thick, skin))
    turn = np.radians(np.linspace(-20, -150, 6))
    thumb = np.stack([(radius + 0.9) * np.cos(turn), np.linspace(0.5, 4.2, 6), (radius + 0.9) * np.sin(turn)], -1)
    meshes.append(_finger(thumb, 1.0, skin))
    back = np.array([[radius + 1.2, 2.8, -0.8], [radius + 1.4, 0, -1.2], [radius + 1.6, -3.2, -1.5]])
    meshes.append(tube(smooth(back, 8), 2.3, skin, "hand", 0.07, sides=14))
    return meshes


def moved(meshes: list[Mesh], turn: np.ndarray, shift: np.ndarray) -> list[Mesh]:
    """Meshes under a rotation (or mirroring) [3, 3] and a shift."""
    return [Mesh(m.place @ turn.T + shift, m.normal @ turn.T * np.linalg.det(turn), m.rest, m.paint, m.marks,
                 m.triangles) for m in meshes]


def turned(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    """Rotation [3, 3] by degrees about x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians([x, y, z])), np.sin(np.radians([x, y, z]))
    return (np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
            @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]))


def _arm(wrist: np.ndarray, skin: np.ndarray, sleeve: np.ndarray) -> list[Mesh]:
    """From the wrist down and out to an elbow."""
    elbow = np.array([15.0, -30.0, 8.0])
    path = wrist + (elbow - wrist) * np.linspace(0, 1, 8)[:, None]
    cuff = path[2:]
    return [tube(path[:4], np.linspace(2.6, 3.2, 4), skin, "hand", 0.06, sides=14),
            tube(cuff, np.linspace(3.9, 5.0, len(cuff)), sleeve, "cloth", 0.02, sides=16)]


def held(kind: str, skin: np.ndarray, sleeve: np.ndarray, side: float, shift: np.ndarray,
         random: np.random.Generator) -> list[Mesh]:
    """Meshes of one of appearance.HELD, made for the left hand and mirrored for the right (`side` -1)."""
    hand, wrist = _pose_hand(kind, skin, random)
    meshes = hand + _arm(wrist, skin, sleeve)
    mirror = np.diag([side, 1.0, 1.0])
    return moved(meshes, mirror, shift)


def _pose_hand(kind: str, skin: np.ndarray, random: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
    """Hand with what it holds, and where its wrist is."""
    if kind == "hand":  # over the mouth, fingers across to the other cheek
        turn, at = turned(x=0, y=-8, z=random.uniform(55, 85)), np.array([2.6, -4.2, 13.6])
        return moved(open_hand(random.uniform(0.08, 0.3), 0.1, skin), turn, at), at + turn @ np.array([0, -9.0, 0])
    if kind == "cheek":  # the face rests on it
        turn, at = turned(x=-8, y=58, z=random.uniform(-5, 18)), np.array([7.4, -1.8, 7.6])
        return moved(open_hand(random.uniform(0.1, 0.35), 0.12, skin), turn, at), at + turn @ np.array([0, -9.0, 0])
    if kind == "fist":  # knuckles before mouth and chin
        turn, at = turned(x=random.uniform(-15, 15), z=random.uniform(-75, -35)), np.array([1.2, -6.0, 13.6])
        return moved(grip(0.7, skin), turn, at), at + turn @ np.array([3.2, -5.5, -1.0])
    if kind == "microphone":
        lean, at = turned(x=random.uniform(15, 45), z=random.uniform(-5, 20)), np.array([0.8, -6.2, 15.0])
        ball = [tube(np.array([[0, -1.0, 0], [0, 0.6, 0]]), 2.3, np.full(3, 0.12), "grille", 0.4, sides=18),
                tube(np.array([[0, -2.6, 0], [0, -15, 0]]), np.array([1.6, 1.2]), _DARK, shine=0.3, sides=14)]
        fingers = moved(grip(1.4, skin), np.eye(3), np.array([0, -9.5, 0]))
        return moved(ball + fingers, lean, at), at + lean @ np.array([3.0, -13.5, -1.5])
    if kind == "phone":
        lean = turned(x=random.uniform(-20, 5), y=random.uniform(-15, 20), z=random.uniform(-14, 0))
        at = np.array([9.6, -1.5, 4.5])
        fingers = moved(grip(2.6, skin), np.eye(3), np.array([0.6, -1.5, 0]))
        return moved(_phone() + fingers, lean, at), at + lean @ np.array([4.2, -6.5, -1.0])
    lean, at = turned(x=random.uniform(-30, 5)), np.array([0.5, -8.0, 15.8])
    height = random.uniform(8, 11)
    tone = random.uniform(0.05, 0.8, 3) if random.random() < 0.6 else np.full(3, 0.75)
    y = np.array([-1.0, -1.0, 0.0, 0.5, 0.5, -0.9]) * height / 1.5
    ring = np.array([0.0, 2.9, 3.5, 3.9, 3.7, 2.7])
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.sin(around), 0 * around, np.cos(around)], -1)
    cup = sheet(circle * ring[:, None, None] + np.array([0, 1, 0]) * y[:, None, None], tone, shine=0.25, closed=True)
    hand = moved(grip(3.4, skin), np.eye(3), np.array([0, -2.5, 0]))
    return moved([cup, *hand], lean, at), at + lean @ np.array([5.0, -7.0, -1.5])


def _phone() -> list[Mesh]:
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    y = 7.4 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.25
    z = 3.6 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.25
    rims = (-0.4, 0), (-0.4, 0.97), (-0.25, 1), (0.25, 1), (0.4, 0.97), (0.4, 0)
    rows = [np.stack([np.full(32, x), y * s, z * s], -1) for x, s in rims]
    return [sheet(np.stack(rows), _DARK, shine=0.5, closed=True)]
