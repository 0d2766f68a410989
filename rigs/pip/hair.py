"""Pip's hair: a cap that follows the skull and chunky locks combed over it."""
from __future__ import annotations

import bpy
import numpy as np
import surface
from face import smoothstep
from parts import grid_faces, mesh_object

_LINE = (np.array([0, 25, 45, 62, 76, 86, 100, 118, 140, 180]), np.array([50, 47, 40, 30, 14, 4, 2, -18, -30, -34]))
"""The hairline: azimuth and elevation in degrees."""

# root theta, phi · tip theta, phi · width · rise in the middle · rise of the tip · sideways bow, all in degrees but rises
_LOCKS = (
    (-8, 78, -34, 33, 11, 0.16, 0.05, -10), (4, 80, -16, 36, 12, 0.19, 0.06, -12), (10, 80, 5, 38, 12, 0.20, 0.07, -10),
    (16, 78, 24, 37, 11, 0.19, 0.06, -6), (20, 74, 41, 33, 11, 0.17, 0.05, 0), (30, 68, 58, 25, 11, 0.15, 0.04, 4),
    (-24, 72, -52, 27, 11, 0.15, 0.04, -4), (-40, 66, -70, 15, 12, 0.13, 0.03, -4), (46, 62, 73, 13, 12, 0.13, 0.03, 4),
    (-58, 58, -84, -4, 12, 0.12, 0.02, -2), (62, 56, 85, -5, 12, 0.12, 0.02, 2), (80, 52, 104, -8, 14, 0.13, 0.03, 2),
    (-80, 52, -104, -8, 14, 0.13, 0.03, -2), (104, 48, 124, -28, 15, 0.13, 0.04, 2), (-104, 48, -124, -28, 15, 0.13, 0.04, -2),
    (130, 44, 148, -38, 15, 0.13, 0.05, 2), (-130, 44, -148, -38, 15, 0.13, 0.05, -2), (160, 42, 168, -42, 15, 0.13, 0.05, 0),
    (-160, 42, -168, -42, 15, 0.13, 0.05, 0), (170, 70, 40, 84, 12, 0.20, 0.34, 30), (-150, 72, -30, 83, 11, 0.18, 0.28, -25),
    (120, 74, 60, 70, 11, 0.17, 0.16, 10), (-110, 74, -66, 66, 11, 0.17, 0.14, -10),
)


def hair(slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """One object: cap and locks."""
    points, faces = _cap()
    for lock in _LOCKS:
        more, quads = _lock(*lock)
        faces += [tuple(v + len(points) for v in q) for q in quads]
        points = np.concatenate([points, more])
    return mesh_object("Pip-hair", points, faces, [slots["hair"]])


def _cap() -> tuple[np.ndarray, list]:
    columns, rows = 60, 12
    theta = np.linspace(-np.pi, np.pi, columns, endpoint=False)
    line = np.deg2rad(np.interp(np.abs(np.rad2deg(theta)), *_LINE))
    points = []
    for r in range(rows):
        t = r / (rows - 1)
        phi = line + (np.deg2rad(89) - line) * t
        rise = 0.085 * smoothstep(np.full(columns, t), -0.02, 0.22) + 0.05 * t - 0.012 * (t == 0)
        skin = surface.cast(theta, phi)
        points.append(skin + rise[:, None] * surface.directions(theta, phi))
    return np.concatenate(points), grid_faces(rows, columns, closed=True)


def _lock(theta0: float, phi0: float, theta1: float, phi1: float, width: float, middle: float, tip: float,
          bow: float) -> tuple[np.ndarray, list]:
    """A tapered lock from root to tip, arched over the skull."""
    stations, around = 12, 8
    start, end = (surface.directions(*np.deg2rad([t, p])) for t, p in ((theta0, phi0), (theta1, phi1)))
    aside = np.cross(start, end)
    aside /= np.linalg.norm(aside)
    centres, t = [], np.linspace(0, 1, stations)
    for k in t:
        unit = start * np.sin((1 - k) * _angle(start, end)) + end * np.sin(k * _angle(start, end))
        unit = unit / np.linalg.norm(unit) + aside * np.deg2rad(bow) * np.sin(np.pi * k)
        centres.append(unit / np.linalg.norm(unit))
    units = np.array(centres)
    skin = surface.cast(*surface.angles(units))
    rise = 0.06 * (1 - t) + middle * np.sin(np.pi * t**0.8) * 0.75 + tip * t**2
    line = skin + rise[:, None] * units
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, units)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    half = np.deg2rad(width) * np.sin(np.pi * (0.16 + 0.84 * t)) ** 0.7
    half[-1] = 0.004
    points = [line + side * (np.cos(a) * half)[:, None] + up * (np.sin(a) * half * 0.55)[:, None]
              for a in np.arange(around) / around * 2 * np.pi]
    faces = grid_faces(stations, around, closed=True, flip=True)
    faces += [tuple(range(around)), tuple((stations - 1) * around + i for i in range(around))[::-1]]
    return np.stack(points, axis=1).reshape(-1, 3), faces


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.arccos(np.clip(a @ b, -1, 1)))
