"""Meshes of what people wear and hold, built around one person's resting head; cm in the head's space.

Everything is a sheet: points [rows, columns, 3] joined to their neighbours.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

MATERIALS = ("plain", "hair", "curls", "knitted", "cloth", "hand", "grille")


@dataclass(frozen=True)
class Mesh:
    """Vertices and triangles for the renderer's buffers."""

    place: np.ndarray
    normal: np.ndarray
    rest: np.ndarray
    """Coordinates of the texture."""
    paint: np.ndarray
    """[n, 4]: linear RGB, shine."""
    marks: np.ndarray
    """[n, 2]: place in MATERIALS, unused."""
    triangles: np.ndarray


def joined(meshes: list[Mesh]) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0] + [len(mesh.place) for mesh in meshes[:-1]])
    columns = [np.concatenate([getattr(mesh, name) for mesh in meshes]).astype(np.float32)
               for name in ("place", "normal", "rest", "paint", "marks")]
    triangles = np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)])
    return Mesh(*columns, triangles.astype(np.int32))


@lru_cache(maxsize=64)
def _quads(rows: int, columns: int, closed: bool) -> np.ndarray:
    right = columns if closed else columns - 1
    row, column = (a.ravel() for a in np.mgrid[:rows - 1, :right])
    a, b = row * columns + column, row * columns + (column + 1) % columns
    c, d = a + columns, b + columns
    return np.stack([a, b, c, b, d, c], -1).reshape(-1, 3)


def _ahead(points: np.ndarray, closed: bool = False) -> np.ndarray:
    """From the point before to the point after, along the first axis."""
    after = np.concatenate([points[1:], points[:1] if closed else points[-1:]])
    before = np.concatenate([points[-1:] if closed else points[:1], points[:-1]])
    return after - before


def _across(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product; np.cross takes several times as long."""
    (ax, ay, az), (bx, by, bz) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def sheet(points: np.ndarray, colour: np.ndarray, material: str = "plain", shine: float = 0.05,
          closed: bool = False, texture: np.ndarray | None = None) -> Mesh:
    """A sheet through points [rows, columns, 3]; `closed` joins the last column to the first. Colour [3] or each."""
    rows, columns = points.shape[:2]
    normal = _across(_ahead(points.swapaxes(0, 1), closed).swapaxes(0, 1), _ahead(points))
    # At a pole all points of a row are one: take the next row's.
    for row, next_row in ((0, 1), (-1, -2)):
        if abs(points[row] - points[row, 0]).max() < 1e-6:
            normal[row] = normal[next_row]
    normal /= np.sqrt(np.maximum((normal**2).sum(-1, keepdims=True), 1e-18))
    paint = np.empty((rows, columns, 4), np.float32)
    paint[..., :3], paint[..., 3] = colour, shine
    count = rows * columns
    marks = np.full((count, 2), float(MATERIALS.index(material)))
    texture = points if texture is None else texture
    return Mesh(points.reshape(-1, 3), normal.reshape(-1, 3), texture.reshape(-1, 3), paint.reshape(-1, 4), marks,
                _quads(rows, columns, closed))


def tube(path: np.ndarray, radius: np.ndarray | float, colour: np.ndarray, material: str = "plain",
         shine: float = 0.05, sides: int = 10, closed: bool = False, flat: float = 1.0) -> Mesh:
    """A round rod along path [n, 3] with rounded ends, or a ring if `closed`; `flat` squeezes it across its side."""
    ahead = _ahead(path, closed)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    helper = np.array([0.0, 0.0, 1.0]) if abs(ahead[:, 2]).mean() < 0.8 else np.array([0.0, 1.0, 0.0])
    right = _across(ahead, np.broadcast_to(helper, ahead.shape))
    right /= np.maximum(np.linalg.norm(right, axis=1, keepdims=True), 1e-9)
    up = _across(right, ahead) * flat
    radii = np.broadcast_to(radius, len(path)).astype(float)
    centres = path
    if closed:
        centres, radii, right, up = (np.concatenate([a, a[:1]]) for a in (path, radii, right, up))
    else:  # half balls at the ends
        bow = np.array([0.0, 0.35, 0.7, 0.92])
        reach = np.sqrt(1 - bow[::-1] ** 2)
        first, last = radii[0], radii[-1]
        centres = np.concatenate([path[0] - ahead[0] * (reach[::-1] * first)[:, None], path,
                                  path[-1] + ahead[-1] * (reach * last)[:, None]])
        radii = np.concatenate([np.array([0.0, 0.5, 0.8, 0.97]) * first, radii, np.array([0.97, 0.8, 0.5, 0.0]) * last])
        right, up = (np.concatenate([np.repeat(a[:1], 4, 0), a, np.repeat(a[-1:], 4, 0)]) for a in (right, up))
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    ring = np.cos(angle) * right[:, None] + np.sin(angle) * up[:, None]
    return sheet(centres[:, None] + ring * radii[:, None, None], colour, material, shine, closed=True)


def smooth(points: np.ndarray, count: int) -> np.ndarray:
    """`count` points of a curve through points [n, 3] (Catmull-Rom)."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    at = np.linspace(0, len(points) - 1, count)
    i = np.minimum(at.astype(int), len(points) - 2)
    t = (at - i)[:, None]
    a, b, c, d = (ends[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


class Skull:
    """The head as a distance from its middle in every direction: what hair and hats lie on."""

    CENTRE = np.array([0.0, 4.0, 0.3])
    _TILTS, _TURNS = 24, 48

    def __init__(self, neutral: np.ndarray) -> None:
        head = neutral[:11248] - self.CENTRE
        ears = (np.abs(neutral[:11248, 0]) > 7.4) & (np.abs(neutral[:11248, 1] - 1.5) < 5) & (neutral[:11248, 2] < 4)
        usable = np.flatnonzero(~ears & (neutral[:11248, 1] > -9))
        direction = head[usable] / np.linalg.norm(head[usable], axis=1, keepdims=True)
        self._tilt = np.linspace(0, np.radians(140), self._TILTS)
        turn = np.linspace(-np.pi, np.pi, self._TURNS, endpoint=False)
        grid = directions(*np.meshgrid(self._tilt, turn, indexing="ij"))
        self._nearest = usable[(grid.reshape(-1, 3) @ direction.T).argmax(1)]
        self._radius = np.zeros((self._TILTS, self._TURNS))

    def fit(self, rest: np.ndarray) -> None:
        """Take the shape of resting vertices [V, 3]."""
        radius = np.linalg.norm(rest[self._nearest] - self.CENTRE, axis=1).reshape(self._TILTS, self._TURNS)
        radius = 0.5 * radius + 0.25 * (np.roll(radius, 1, 1) + np.roll(radius, -1, 1))
        radius[0] = radius[0].mean()
        self._radius = radius

    def at(self, tilt: np.ndarray, turn: np.ndarray, lift: np.ndarray | float = 0.0) -> np.ndarray:
        """Places [..., 3] `lift` cm over the skin, `tilt` rad from straight up, `turn` rad from the front leftwards."""
        row = np.clip(tilt / self._tilt[1], 0, self._TILTS - 1.001)
        column = (turn + np.pi) / (2 * np.pi) * self._TURNS
        i, j = row.astype(int), np.floor(column).astype(int)
        u, v = row - i, column - j
        j, k = j % self._TURNS, (j + 1) % self._TURNS
        r = self._radius
        radius = (r[i, j] * (1 - v) + r[i, k] * v) * (1 - u) + (r[i + 1, j] * (1 - v) + r[i + 1, k] * v) * u
        return self.CENTRE + directions(tilt, turn) * (radius + lift)[..., None]

    @staticmethod
    def edge(turn: np.ndarray, front_y: float, back_y: float) -> np.ndarray:
        """Tilt at which the head meets a plane at height `front_y` before the face and `back_y` behind it."""
        middle, slope = (front_y + back_y) / 2 - Skull.CENTRE[1], (front_y - back_y) / 2
        height = middle + slope * np.cos(turn)
        return np.arccos(np.clip(height / 9.3, -0.9, 0.95))


def directions(tilt: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Unit vectors [..., 3]."""
    return np.stack([np.sin(tilt) * np.sin(turn), np.cos(tilt), np.sin(tilt) * np.cos(turn)], -1)


def dome(skull: Skull, edge: np.ndarray, lift: np.ndarray, turn: np.ndarray, colour: np.ndarray, material: str,
         shine: float = 0.03) -> Mesh:
    """A cap of rows lift [R, 1 or C] from the crown to `edge` [C]; texture by the way around."""
    share = np.linspace(0, 1, len(lift))[:, None]
    tilt = share * edge
    points = skull.at(tilt, np.broadcast_to(turn, tilt.shape), np.broadcast_to(lift, tilt.shape))
    texture = np.stack(np.broadcast_arrays(turn * 9.0, tilt * 9.0, 0.0), -1)
    return sheet(points, colour, material, shine, closed=True, texture=texture)
