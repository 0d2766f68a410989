"""Pip's head as a smooth solid: blended ellipsoids, seen from a centre inside the skull.

Character space: +X is Pip's left, -Y the front, +Z up; the head is about two units wide. A direction is (theta, phi) in
radians: theta 0 is the front and grows to Pip's left, phi is the elevation.
"""
from __future__ import annotations

import numpy as np

EYE = np.array([0.385, -0.560, 0.02])
"""Centre of the left eyeball; the right one mirrors it."""
EYE_RADIUS = 0.335
LID_RADIUS = EYE_RADIUS + 0.026
JAW_PIVOT = np.array([0.0, 0.08, -0.22])

# centre x, y, z · radii x, y, z · softness of the blend; mirrored where x is not 0
_SOLIDS = (
    ((0.0, 0.10, 0.27), (1.02, 1.02, 0.96), 0.0),        # skull
    ((0.0, -0.10, -0.29), (0.86, 0.78, 0.72), 0.42),     # lower face
    ((0.0, -0.52, -0.80), (0.27, 0.25, 0.20), 0.36),     # chin
    ((0.47, -0.45, -0.33), (0.40, 0.40, 0.34), 0.36),    # cheeks
    ((0.0, -0.74, -0.60), (0.28, 0.15, 0.20), 0.24),     # muzzle
)
_NOSE = (
    ((0.0, -0.87, 0.00), (0.06, 0.09, 0.22), 0.20),      # bridge
    ((0.0, -0.975, -0.235), (0.100, 0.105, 0.088), 0.10),  # tip
    ((0.072, -0.915, -0.262), (0.062, 0.075, 0.056), 0.05),  # wings
)


def directions(theta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Unit vectors [..., 3] of directions in radians."""
    return np.stack([np.cos(phi) * np.sin(theta), -np.cos(phi) * np.cos(theta), np.sin(phi)], axis=-1)


def angles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(theta, phi) in radians of points [..., 3]."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.arctan2(x, -y), np.arctan2(z, np.hypot(x, y))


def cast(theta: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Where the rays of (theta, phi) [...] leave the head, [..., 3]."""
    unit = directions(np.asarray(theta, float), np.asarray(phi, float))
    flat = unit.reshape(-1, 3)
    radii = np.linspace(1.8, 0.5, 40)
    outside = np.stack([_distance(flat * r) > 0 for r in radii])
    last = np.argmin(outside, axis=0)                    # first sample inside, from without
    low, high = radii[last], radii[np.maximum(last - 1, 0)]
    for _ in range(22):
        middle = (low + high) / 2
        out = _distance(flat * middle[:, None]) > 0
        high, low = np.where(out, middle, high), np.where(out, low, middle)
    return (flat * low[:, None]).reshape(unit.shape)


def normals(points: np.ndarray) -> np.ndarray:
    """Outward unit normals [N, 3] of the solid's distance field at points [N, 3]."""
    step = 1e-3
    gradient = np.stack(
        [_distance(points + e) - _distance(points - e) for e in np.eye(3) * step], axis=-1
    )
    return gradient / np.linalg.norm(gradient, axis=-1, keepdims=True)


def _distance(points: np.ndarray) -> np.ndarray:
    mirrored = np.abs(points) * [1, 0, 0] + points * [0, 1, 1]
    solid = _ellipsoid(points, *_SOLIDS[0][:2])
    for centre, radii, softness in _SOLIDS[1:]:
        solid = _union(solid, _ellipsoid(mirrored if centre[0] else points, centre, radii), softness)
    eye = np.linalg.norm(mirrored - EYE, axis=-1)
    solid = -_union(-solid, eye - (LID_RADIUS + 0.000), 0.20)     # a shallow socket around the lids
    for centre, radii, softness in _NOSE:
        solid = _union(solid, _ellipsoid(mirrored if centre[0] else points, centre, radii), softness)
    return _union(solid, eye - LID_RADIUS, 0.13)


def _ellipsoid(points: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    relative = points - centre
    near = np.linalg.norm(relative / radii, axis=-1)
    return near * (near - 1) / np.maximum(np.linalg.norm(relative / np.square(radii), axis=-1), 1e-9)


def _union(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """Smooth minimum; `softness` is how far from the seam the two blend."""
    if softness <= 0:
        return np.minimum(a, b)
    blend = np.maximum(softness - np.abs(a - b), 0) / softness
    return np.minimum(a, b) - blend**3 * softness / 6
