"""Hair with a shape of its own, as a sheet that falls from the crown over the head and, where it is long, hangs."""
from __future__ import annotations

import numpy as np

from training.appearance import Hair
from training.worn_shapes import Mesh, Skull, sheet, tube

_COLUMNS, _ON_HEAD, _HANGING = 80, 11, 12
_TURN = np.linspace(-np.pi, np.pi, _COLUMNS, endpoint=False)


def hair(style: Hair, skull: Skull, hairline_cm: float, colour: np.ndarray, random: np.random.Generator) -> list[Mesh]:
    """Meshes of `style` on `skull`; `hairline_cm` as in performers.Look."""
    side = np.abs(np.degrees(_TURN))
    curly = style.style == "curly"
    ragged = _wave(random, 9) * (1.0 if curly else 0.5) + random.standard_normal(_COLUMNS) * (0.0 if curly else 0.5)
    front = 1 / (1 + np.exp((side - 62 - 3 * _wave(random, 3)) / 2.0))
    # Where it leaves the forehead: the hairline, or the fringe's tips; swept to one side from a parting.
    painted = np.degrees(np.arccos(np.clip((6.6 + hairline_cm) / 11.3, 0, 1)))
    line = np.radians(painted + (78 - painted) * style.fringe + ragged * (3.5 * style.fringe + 0.8))
    if style.style == "swept":
        line = line + np.radians(7) * np.sin(_TURN + random.choice([-0.6, 0.6]))
    long = style.length_cm > 0
    behind = np.radians(98) if long else np.radians(112) - np.radians(16) * (side < 115)
    last = front * line + (1 - front) * behind
    share = np.linspace(0, 1, _ON_HEAD)[:, None]
    tilt = share * last
    thick = style.thickness_cm * (0.75 + 0.25 * np.cos(_TURN + np.pi)) * (1 + 0.12 * ragged)
    bulge = np.minimum(1, 0.45 + 1.3 * share) * thick
    if style.style == "swept":
        bulge = bulge + 1.8 * style.waves * front * share * (1 - share) * 2.5
    # A hairline lies on the skin; a fringe and hanging hair stand off.
    at_line = front * (1 - min(1, style.fringe * 2.5))
    bulge = bulge * (1 - at_line * share**4) - 0.25 * at_line * share**4
    points = skull.at(tilt, np.broadcast_to(_TURN, tilt.shape), bulge)
    along = tilt * 9.0
    if long:
        points = np.concatenate([points, _hanging(points[-1], front, style, ragged, random)])
        fall = np.linspace(0, 1, _HANGING + 1)[1:, None] * style.length_cm
        along = np.concatenate([along, along[-1] + fall])
    if curly:
        points = points + _lumps(points, random) * style.thickness_cm * 0.3
    elif style.waves > 0.4:
        points[..., 0] += 0.35 * style.waves * np.sin(along * 0.9 + 2 * _wave(random, 5)) * np.sin(_TURN)
    texture = np.stack(np.broadcast_arrays(_TURN * 9.0, along, random.uniform(0, 50)), -1)
    meshes = [sheet(points, colour, "curls" if curly else "hair", 0.04 if curly else 0.28, closed=True,
                    texture=points if curly else texture)]
    if style.style == "bun":
        meshes.append(_bun(skull, colour, random))
    return meshes


def _hanging(start: np.ndarray, front: np.ndarray, style: Hair, ragged: np.ndarray,
             random: np.random.Generator) -> np.ndarray:
    """Rows below `start` [C, 3]; before the face nothing hangs."""
    fall = np.linspace(0, 1, _HANGING + 1)[1:, None]
    length = style.length_cm * (1 + 0.05 * ragged) * (1 - front)
    points = start + fall[..., None] * np.zeros_like(start)
    points[..., 1] -= fall * length
    outward = np.sin(fall * np.pi) * 0.9 + fall * random.uniform(-0.8, 1.2)
    points[..., 0] += outward * np.sin(_TURN) * (1 - front)
    # Beside the face it closes in over the cheeks and comes forward; behind it lies on the back.
    beside = (1 - front) * np.clip(np.cos(_TURN) + 0.25, 0, 1)
    points[..., 0] -= fall**0.7 * style.curtain_cm * np.sign(np.sin(_TURN)) * beside * 1.4
    points[..., 2] += fall * 3.0 * beside
    points[..., 2] -= fall * 1.5 * np.clip(-np.cos(_TURN), 0, 1)
    return points


def _bun(skull: Skull, colour: np.ndarray, random: np.random.Generator) -> Mesh:
    radius, tilt = random.uniform(2.2, 3.4), np.array(np.radians(random.uniform(-8, 55)))
    centre = skull.at(tilt, np.array(np.pi), np.array(radius * 0.6))
    angle = np.linspace(-1.3, 1.3, 7)[:, None]
    path = centre + np.array([0, 1, 0.0]) * np.sin(angle) * radius * 0.6
    return tube(path, radius * np.cos(angle[:, 0] * 0.85), colour, "hair", 0.25, sides=16)


def _wave(random: np.random.Generator, waves: int) -> np.ndarray:
    """A smooth random curve around the head [C], about -1..1."""
    k = np.arange(1, waves + 1)[:, None]
    phases, strengths = random.uniform(0, 6.3, (waves, 1)), random.standard_normal((waves, 1))
    return (strengths * np.sin(k * _TURN + phases)).sum(0) / waves**0.5


def _lumps(points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Displacement [R, C, 3] outwards in locks."""
    outward = points - Skull.CENTRE
    outward = outward / np.maximum(np.linalg.norm(outward, axis=-1, keepdims=True), 1e-6)
    axes = random.standard_normal((6, 3)) * 1.3
    bumps = np.sin(points @ axes.T + random.uniform(0, 6.3, 6)).sum(-1) / 6**0.5
    bumps[0] = bumps[0].mean()
    return outward * bumps[..., None]
