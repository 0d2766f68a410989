"""Pip's body below the neck: a nine-year-old in T-shirt, shorts and sneakers, arms a little away from him."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import bpy
import numpy as np

from ..building.body import BodyBone, Finger, Limb, Skin, along, grow, hole_ring, mixed, other_bone
from ..building.face import smoothstep
from ..building.parts import Materials, loft

FLOOR = -6.2
_TURN = np.deg2rad(42)
"""How far the arms hang below level."""
_DOWN = np.array([np.cos(_TURN), 0, -np.sin(_TURN)])
_FORWARD = np.array([np.cos(_TURN) * np.cos(0.12), -np.sin(0.12), -np.sin(_TURN) * np.cos(0.12)])
_BACK_OF_HAND = np.array([np.sin(_TURN), 0, np.cos(_TURN)])
_SHOULDER = np.array([0.62, 0.15, -1.70])
_ELBOW = _SHOULDER + 0.98 * _DOWN
_WRIST = _ELBOW + 0.86 * _FORWARD
ARM = Limb(np.array([_SHOULDER, _ELBOW, _WRIST]), _BACK_OF_HAND,
           ("DEF-upper_arm.L", "DEF-upper_arm.L.001", "DEF-forearm.L", "DEF-forearm.L.001", "DEF-hand.L"))
LEG = Limb(np.array([[0.37, 0.15, -3.60], [0.385, 0.08, -4.72], [0.39, 0.20, -5.80]]), np.array([1.0, 0, 0]),
           ("DEF-thigh.L", "DEF-thigh.L.001", "DEF-shin.L", "DEF-shin.L.001", "DEF-foot.L"), (0.3, 0.20, 0.3, 0.13))
_BALL, _TOE = np.array([0.42, -0.40, FLOOR + 0.14]), np.array([0.44, -0.72, FLOOR + 0.12])
_SPINE = (-3.55, -3.05, -2.60, -2.15, -1.50)
NECK, HEAD = "DEF-spine.004", "DEF-spine.006"
_PALM = 0.42
"""From the wrist to where the fingers begin."""
_FINGERS = (
    # name, place across the hand, degrees that it points towards the thumb, length, joints, radius
    ("f_pinky", -0.75, -11, 0.36, (0.165, 0.26), 0.060), ("f_ring", -0.25, -4, 0.45, (0.21, 0.33), 0.067),
    ("f_middle", 0.25, 2, 0.49, (0.23, 0.36), 0.069), ("f_index", 0.75, 9, 0.45, (0.21, 0.33), 0.068),
)
_SINK = 0.06
"""How deep in the hand a finger's first bone begins."""


def _hand_axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along the hand, towards the thumb, out of its back."""
    ahead = _FORWARD
    back = _BACK_OF_HAND - (_BACK_OF_HAND @ ahead) * ahead
    back /= np.linalg.norm(back)
    return ahead, np.cross(ahead, back), back


def fingers() -> list[Finger]:
    """The left hand's: little finger to index, then the thumb."""
    ahead, thumb, back = _hand_axes()
    made = []
    for name, place, aside, length, joints, radius in _FINGERS:
        angle = np.deg2rad(aside)
        arched = 0.03 * (1 - place * place)
        knuckle = _WRIST + (_PALM - _SINK + arched) * ahead + 0.245 * place * thumb
        made.append(Finger(f"DEF-{name}.0{{}}.L", knuckle, np.cos(angle) * ahead + np.sin(angle) * thumb, back,
                           _SINK, joints, length, radius))
    out = 0.80 * ahead + 0.62 * thumb - 0.30 * back
    out /= np.linalg.norm(out)
    nail = back - (back @ out) * out
    made.append(Finger("DEF-thumb.0{}.L", _WRIST + 0.08 * ahead + 0.12 * thumb - 0.03 * back, out,
                       nail / np.linalg.norm(nail), 0.16, (0.24, 0.39), 0.56, 0.077))
    return made


def bones() -> list[BodyBone]:
    """Spine and left side, parents first; neck and head are the face's too."""
    made: list[BodyBone] = []
    for i, (low, high) in enumerate(pairwise(_SPINE)):
        made.append((_number("DEF-spine", i), np.array([0, 0.16, low]), np.array([0, 0.16, high]),
                     _number("DEF-spine", i - 1) if i else "root", (0, -1, 0)))
    made.append(("DEF-shoulder.L", np.array([0.10, 0.10, -1.62]), _SHOULDER, "DEF-spine.003", (0, 1, 0)))
    for limb, root, axis in ((ARM, "DEF-shoulder.L", (0, 1, 0)), (LEG, "DEF-spine", (0, -1, 0))):
        parent = root
        for name, head, tail in zip(limb.bones, *_halves(limb), strict=False):
            made.append((name, head, tail, parent, axis))
            parent = name
    ahead, _, back = _hand_axes()
    made.append((ARM.bones[-1], _WRIST, _WRIST + 0.30 * ahead, ARM.bones[-2], back))
    made.append((LEG.bones[-1], LEG.joints[2], _BALL, LEG.bones[-2], (0, 0, 1)))
    made.append(("DEF-toe.L", _BALL, _TOE, LEG.bones[-1], (0, 0, 1)))
    for finger in fingers():
        ends, parent = finger.ends(), ARM.bones[-1]
        for name, head, tail in zip(finger.bones, ends, ends[1:], strict=False):
            made.append((name, head, tail, parent, finger.back))
            parent = name
    return made


def _halves(limb: Limb) -> tuple[list[np.ndarray], list[np.ndarray]]:
    a, b, c = limb.joints
    places = [a, (a + b) / 2, b, (b + c) / 2, c]
    return places[:-1], places[1:]


def _number(name: str, i: int) -> str:
    return f"{name}.{i:03}" if i else name


def body(armature: bpy.types.Object, slots: Materials) -> bpy.types.Object:
    """All of it, as one mesh."""
    skin = Skin()
    _shirt(skin)
    _shorts(skin)
    _arm(skin)
    _leg(skin)
    _shoe(skin)
    skin.mirror()
    return skin.object("Pip-body", slots, armature)


def _half(rows: Sequence[tuple[float, float, float, float]], square: float = 2.2) -> np.ndarray:
    """The left half [R, 17, 3] of rings, from the front's middle to the back's."""
    whole = loft(rows, 32, square).reshape(len(rows), 32, 3)
    half = np.roll(whole, 8, axis=1)[:, :17]
    half[:, [0, 16], 0] = 0.0
    return half


def _torso(points: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of the spine by height, of the neck at the collar."""
    chain = [_number("DEF-spine", i) for i in range(5)]
    return along(points[:, 2], chain, ((-3.02, 0.30), (-2.60, 0.25), (-2.15, 0.25), (-1.36, 0.14)))


def _upper(points: np.ndarray, sleeve: bool = True) -> dict[str, np.ndarray]:
    """The shirt: torso, collar bones towards the shoulders, arms in the sleeves and a little way round them."""
    x, _, z = points.T
    collar = 0.75 * smoothstep(x, 0.25, 0.62) * smoothstep(z, -2.25, -1.75)
    trunk = mixed(_torso(points), {"DEF-shoulder.L": np.ones(len(points))}, collar)
    way, far = (points - _SHOULDER) @ _DOWN, np.linalg.norm(points - _SHOULDER, axis=1)
    arm = smoothstep(way, -0.16, 0.30) * (1 if sleeve else 1 - smoothstep(far, 0.30, 0.56))
    return mixed(trunk, ARM.weights(points), arm)


_SHIRT = (
    # height, half width, half depth, middle's depth
    (-1.30, 0.385, 0.375, 0.15), (-1.245, 0.43, 0.42, 0.15), (-1.28, 0.475, 0.455, 0.15),
    (-1.35, 0.54, 0.475, 0.15), (-1.42, 0.61, 0.48, 0.15), (-1.50, 0.665, 0.48, 0.15), (-1.59, 0.695, 0.48, 0.14),
    (-1.69, 0.705, 0.485, 0.13), (-1.80, 0.705, 0.49, 0.12), (-1.91, 0.70, 0.495, 0.11), (-2.02, 0.69, 0.50, 0.10),
    (-2.20, 0.685, 0.51, 0.10), (-2.38, 0.685, 0.52, 0.09), (-2.56, 0.695, 0.53, 0.09), (-2.74, 0.71, 0.535, 0.09),
    (-2.93, 0.725, 0.54, 0.10), (-3.12, 0.745, 0.545, 0.11), (-3.27, 0.765, 0.555, 0.12), (-3.31, 0.765, 0.555, 0.12),
    (-3.30, 0.735, 0.53, 0.12), (-3.18, 0.715, 0.515, 0.12),
)
_ARMHOLE = (4, 10)
_STRIPES = {0, 1, 11, 13, 17, 18}


def _shirt(skin: Skin) -> None:
    half = _half(_SHIRT)
    grid = np.array([skin.add(row, _upper(row, sleeve=False)) for row in half])
    first, last = _ARMHOLE
    for r in range(len(grid) - 1):
        for c in range(16):
            if not (first <= r < last and 5 <= c < 11):
                material = "stripe" if r in _STRIPES else "shirt"
                skin.quad((grid[r, c], grid[r, c + 1], grid[r + 1, c + 1], grid[r + 1, c]), material)
    hole = hole_ring(grid, _ARMHOLE, range(5, 12))
    hole = [hole[0], *hole[:0:-1]]
    rows = [(0.14, 0.31, 0.345), (0.24, 0.300, 0.325), (0.36, 0.295, 0.31), (0.48, 0.295, 0.305), (0.56, 0.30, 0.305),
            (0.62, 0.305, 0.31), (0.635, 0.295, 0.30), (0.62, 0.275, 0.28), (0.50, 0.25, 0.255)]
    rings = ARM.rings(rows, 24, np.deg2rad(45))
    rings[0] = 0.45 * np.array([skin.points[i] for i in hole]) + 0.55 * rings[0]
    materials = ["shirt"] * 5 + ["stripe"] * 3 + ["shirt"]
    grow(skin, hole, rings, [_upper(ring) for ring in rings], materials)


_SHORTS = (
    (-3.00, 0.655, 0.47, 0.13), (-3.15, 0.675, 0.485, 0.13), (-3.32, 0.70, 0.505, 0.13), (-3.48, 0.72, 0.52, 0.14),
    (-3.62, 0.73, 0.525, 0.15), (-3.76, 0.735, 0.52, 0.155),
)


def _lower(points: np.ndarray) -> dict[str, np.ndarray]:
    """The shorts: pelvis, then each leg; in the middle both legs share."""
    x, _, z = points.T
    leg = smoothstep(-z, 3.48, 4.02)
    right = 0.5 * (1 - smoothstep(x, 0.0, 0.16))
    own = LEG.weights(points)
    other = {other_bone(bone): share for bone, share in own.items()}
    return mixed({"DEF-spine": np.ones(len(points))}, mixed(own, other, right), leg)


def _shorts(skin: Skin) -> None:
    half = _half(_SHORTS, 2.3)
    rows = [skin.add(row, _lower(row)) for row in half]
    for one, other in pairwise(rows):
        skin.join(one, other, "shorts", closed=False)
    front, back = half[-1, 0], half[-1, 16]
    t = np.arange(1, 8)[:, None] / 8
    crotch = front + (back - front) * t + np.array([0, 0, -0.17]) * np.sin(np.pi * t) ** 0.7
    ring = [*rows[-1][::-1], *skin.add(crotch, _lower(crotch))]
    places = [(0.36, 0.365, 0.46), (0.50, 0.375, 0.44), (0.64, 0.385, 0.425), (0.78, 0.395, 0.42), (0.90, 0.405, 0.425),
              (0.925, 0.395, 0.415), (0.90, 0.37, 0.39), (0.76, 0.345, 0.365)]
    rings = LEG.rings(places, 24, np.deg2rad(-120))
    rings[0] = 0.4 * np.array([skin.points[i] for i in ring]) + 0.6 * rings[0]
    rings[..., 0] = np.maximum(rings[..., 0], 0.012)
    grow(skin, ring, rings, [_lower(each) for each in rings], ["shorts"] * 4 + ["hem"] * 3 + ["shorts"])


def _arm(skin: Skin) -> None:
    """From inside the sleeve to the wrist."""
    first, second = ARM.lengths
    rows = [(0.30, 0.19, 0.19), (0.48, 0.192, 0.195), (0.64, 0.186, 0.192), (0.78, 0.178, 0.184), (0.89, 0.173, 0.178),
            (first, 0.171, 0.176), (first + 0.09, 0.172, 0.178), (first + 0.20, 0.170, 0.178),
            (first + 0.36, 0.160, 0.168), (first + 0.54, 0.145, 0.154), (first + 0.70, 0.136, 0.151),
            (first + second - 0.07, 0.125, 0.150), (first + second, 0.122, 0.153)]
    rings = ARM.rings(rows, 20, np.deg2rad(-72))
    weights = [mixed(_upper(r), ARM.weights(r), np.full(20, smoothstep(np.array(t), 0.45, 0.75)))
               for r, (t, _, _) in zip(rings, rows, strict=True)]
    _hand(skin, grow(skin, [], rings, weights, ["skin"] * len(rings)))


def _hand(skin: Skin, wrist: np.ndarray) -> None:
    """A palm of twenty sides; eight quads of its end are the fingers' roots, four of its side the thumb's."""
    ahead, thumb, back = _hand_axes()
    i = np.arange(9) / 4 - 1
    across = np.concatenate([i, [1.16], i[::-1], [-1.16]])
    above = np.concatenate([1 - 0.35 * i**4, [0], -1 + 0.30 * i**4, [0]])
    rows = [(0.08, 0.165, 0.122), (0.15, 0.197, 0.126), (0.22, 0.225, 0.126), (0.29, 0.240, 0.122),
            (0.36, 0.245, 0.114), (_PALM, 0.245, 0.102)]
    made = [wrist]
    for at, wide, thick in rows:
        reach = at + (0.035 * (1 - across**2) * (at / _PALM) ** 3)
        points = (_WRIST + reach[:, None] * ahead + (wide * across)[:, None] * thumb + (thick * above)[:, None] * back)
        share = np.full(20, smoothstep(np.array(at), -0.11, 0.11))
        made.append(skin.add(points, mixed({ARM.bones[-2]: np.ones(20)}, {ARM.bones[-1]: np.ones(20)}, share)))
    for r in range(len(made) - 1):
        for k in range(20):
            if not (r in (2, 3) and k in (8, 9)):
                n = (k + 1) % 20
                skin.quad((made[r][k], made[r][n], made[r + 1][n], made[r + 1][k]), "skin")
    end, (*four, first) = made[-1], fingers()
    webs = np.array([(skin.points[end[c]] + skin.points[end[18 - c]]) / 2 - 0.015 * ahead for c in (2, 4, 6)])
    middle = [end[19], *skin.add(webs, {ARM.bones[-1]: np.ones(3)}), end[9]]
    for f, finger in enumerate(four):
        c = 2 * f
        base = [end[c], end[c + 1], end[c + 2], middle[f + 1], end[16 - c], end[17 - c], end[18 - c], middle[f]]
        finger.grow(skin, base, ARM.bones[-1], "skin")
    low, mid, high = made[2:5]
    first.grow(skin, [high[8], mid[8], low[8], low[9], low[10], mid[10], high[10], high[9]], ARM.bones[-1], "skin")


def _leg(skin: Skin) -> None:
    """From inside the shorts to inside the shoe; below, a sock."""
    first, second = LEG.lengths
    rows = [(0.60, 0.285, 0.295), (0.80, 0.27, 0.28), (0.94, 0.252, 0.262), (1.04, 0.240, 0.252), (first, 0.234, 0.248),
            (first + 0.08, 0.230, 0.242), (first + 0.19, 0.228, 0.236), (first + 0.34, 0.226, 0.236),
            (first + 0.48, 0.216, 0.226), (first + 0.52, 0.228, 0.236), (first + 0.535, 0.240, 0.248),
            (first + 0.60, 0.238, 0.246), (first + 0.66, 0.226, 0.234), (first + 0.78, 0.206, 0.212),
            (first + 0.90, 0.183, 0.187), (first + second - 0.06, 0.168, 0.172), (first + second + 0.06, 0.150, 0.150)]
    rings = LEG.rings(rows, 20)
    rings[:, :, 1] += 0.045 * np.exp(-(((np.array(rows)[:, 0] - first - 0.32) / 0.28) ** 2))[:, None]   # the calf
    materials = ["skin"] * 9 + ["sock", "stripe", "sock", "sock", "sock", "sock", "sock", "sock"]
    grow(skin, [], rings, [LEG.weights(ring) for ring in rings], materials)


def _shoe(skin: Skin) -> None:
    """A sneaker: rings from the sole's edge up, which draw in to the ankle."""
    turn = np.arange(24) / 24 * 2 * np.pi
    side, ahead = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.85, np.sin(turn)
    wide = 0.245 - 0.035 * smoothstep(-ahead, -0.2, 0.9) + 0.03 * smoothstep(ahead, -0.1, 0.5)
    print_x, print_y = 0.405 + 0.05 * smoothstep(ahead, -0.2, 1) + wide * side, -0.145 - 0.645 * ahead
    ankle_x, ankle_y = 0.205 * np.cos(turn), -0.23 * np.sin(turn)
    # share of the way from the sole's outline to the ankle's, height, size of the ankle's
    rows = [(0.03, 0.00, 1), (-0.03, 0.02, 1), (-0.045, 0.09, 1), (-0.03, 0.135, 1), (0.02, 0.145, 1),
            (0.02, 0.22, 1), (0.07, 0.305, 1), (0.18, 0.37, 1), (0.36, 0.425, 1), (0.58, 0.475, 1), (0.80, 0.525, 1),
            (0.95, 0.57, 1), (1, 0.60, 1.02), (1, 0.615, 0.97), (1, 0.60, 0.90), (1, 0.48, 0.88)]
    rings = []
    for inset, height, size in rows:
        x = print_x + inset * (LEG.joints[2][0] + size * ankle_x - print_x)
        y = print_y + inset * (LEG.joints[2][1] + size * ankle_y - print_y)
        if 0.1 < height < 0.5:      # a round toe cap rather than a wedge
            y = y - 0.05 * smoothstep(ahead, 0.3, 1.0) * np.sin(np.pi * (height - 0.1) / 0.4)
        rings.append(np.stack([x, y, np.full(24, FLOOR + height)], axis=1))
    materials = ["sole"] * 5 + ["shoe"] * 7 + ["sole"] * 3 + ["shoe"]
    weights = [along(-ring[:, 1], ("DEF-foot.L", "DEF-toe.L"), ((-_BALL[1], 0.14),)) for ring in rings]
    start = len(skin.points)
    grow(skin, [], np.array(rings), weights, materials)
    skin.cap(range(start, start + 24), np.zeros(3), "sole")
