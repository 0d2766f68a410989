"""Pip's hair: a cap that follows the skull, chunky locks combed from the crown over it, and a tuft."""
from __future__ import annotations

import bpy
import numpy as np
import surface
from face import smoothstep
from parts import grid_faces, mesh_object

_LINE = (np.array([0, 25, 45, 62, 76, 86, 100, 118, 140, 180]), np.array([50, 47, 40, 30, 14, 4, 2, -18, -30, -34]))
"""The hairline: azimuth and elevation in degrees."""

_CROWN = (160.0, 74.0)
# tip theta, phi · width · rise in the middle · rise of the tip · sideways bow · where the lock starts on its way from
# the crown; degrees but for the rises and the start
_LOCKS = (
    # under layer, round the head
    (-20, 40, 12, 0.085, 0.05, -14, 0.25), (0, 43, 12, 0.085, 0.05, -14, 0.25), (20, 41, 12, 0.085, 0.05, -10, 0.25),
    (40, 32, 12, 0.085, 0.05, -4, 0.2), (58, 22, 12, 0.085, 0.04, 2, 0.2), (-40, 33, 12, 0.085, 0.05, -8, 0.2),
    (-58, 22, 12, 0.085, 0.04, -4, 0.2), (74, 6, 13, 0.09, 0.04, 3, 0.2), (-74, 6, 13, 0.09, 0.04, -3, 0.2),
    (94, 0, 14, 0.10, 0.05, 0, 0.1), (-94, 0, 14, 0.10, 0.05, 0, 0.1), (116, -26, 14, 0.10, 0.05, 0, 0.1),
    (-116, -26, 14, 0.10, 0.05, 0, 0.1), (140, -38, 14, 0.10, 0.06, 0, 0.1), (-140, -38, 14, 0.10, 0.06, 0, 0.1),
    (163, -42, 14, 0.10, 0.06, 0, 0.1), (-163, -42, 14, 0.10, 0.06, 0, 0.1), (180, -43, 14, 0.11, 0.06, 0, 0.0),
    # upper layer, between them
    (-31, 31, 11, 0.15, 0.075, -18, 0.25), (-10, 36, 12, 0.165, 0.085, -18, 0.22), (10, 36, 12, 0.175, 0.085, -16, 0.2),
    (30, 34, 11.5, 0.165, 0.08, -10, 0.2), (48, 26, 11, 0.15, 0.065, -2, 0.2), (66, 14, 11, 0.14, 0.05, 4, 0.2),
    (-50, 24, 11, 0.14, 0.06, -8, 0.2), (-68, 13, 11, 0.13, 0.05, -4, 0.2), (84, -6, 12, 0.14, 0.04, 4, 0.15),
    (-84, -6, 12, 0.14, 0.04, -4, 0.15), (105, -14, 13, 0.15, 0.05, 0, 0.1), (-105, -14, 13, 0.15, 0.05, 0, 0.1),
    (128, -33, 13, 0.15, 0.06, 0, 0.05), (-128, -33, 13, 0.15, 0.06, 0, 0.05), (152, -40, 13, 0.15, 0.07, 0, 0.05),
    (-152, -40, 13, 0.15, 0.07, 0, 0.05), (172, -42, 13, 0.155, 0.07, 2, 0.0), (-172, -42, 13, 0.155, 0.07, -2, 0.0),
)
# the tuft on the crown: start · bend · tip in character space, width
_TUFT = (
    ((0.02, 0.22, 1.22), (-0.02, 0.08, 1.50), (0.22, -0.12, 1.52), 0.090),
    ((-0.06, 0.28, 1.20), (-0.16, 0.22, 1.45), (-0.02, 0.02, 1.56), 0.080),
    ((0.10, 0.30, 1.20), (0.20, 0.25, 1.40), (0.36, 0.12, 1.40), 0.075),
    ((-0.12, 0.36, 1.16), (-0.26, 0.36, 1.34), (-0.32, 0.20, 1.40), 0.070),
)


def hair(slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """One object: cap, locks and tuft."""
    points, faces = _cap()
    for more, quads in (*(_lock(*lock) for lock in _LOCKS), *(_tuft(*tuft) for tuft in _TUFT)):
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
        rise = 0.085 * smoothstep(np.full(columns, t), -0.02, 0.22) + 0.06 * t - 0.012 * (t == 0)
        skin = surface.cast(theta, phi)
        points.append(skin + rise[:, None] * surface.directions(theta, phi))
    return np.concatenate(points), grid_faces(rows, columns, closed=True)


def _lock(theta: float, phi: float, width: float, middle: float, tip: float, bow: float,
          begin: float) -> tuple[np.ndarray, list]:
    """A tapered lock combed from the crown to its tip, arched over the skull."""
    start, end = (surface.directions(*np.deg2rad(pair)) for pair in (_CROWN, (theta, phi)))
    aside = np.cross(start, end)
    aside /= np.linalg.norm(aside)
    angle = np.arccos(np.clip(start @ end, -1, 1))
    t = np.linspace(0, 1, 14)
    way = (begin + (1 - begin) * t)[:, None]
    units = start * np.sin((1 - way) * angle) + end * np.sin(way * angle)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    units += aside * np.deg2rad(bow) * np.sin(np.pi * way)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    skin = surface.cast(*surface.angles(units))
    rise = 0.07 * (1 - t) + middle * np.sin(np.pi * t**0.85) ** 0.8 + tip * t**2
    half = np.deg2rad(width) * np.sin(np.pi * (0.20 + 0.80 * t)) ** 0.75
    half[-1] = 0.004
    return _tube(skin + rise[:, None] * units, units, half)


def _tuft(start: tuple[float, ...], bend: tuple[float, ...], tip: tuple[float, ...],
          width: float) -> tuple[np.ndarray, list]:
    """A lock that stands up and curls over."""
    t = np.linspace(0, 1, 10)[:, None]
    line = (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(bend) + t**2 * np.array(tip)
    half = width * np.sin(np.pi * (0.30 + 0.70 * t[:, 0])) ** 0.8
    half[-1] = 0.003
    return _tube(line, np.tile([0.0, -0.75, 0.66], (10, 1)), half, 0.7)


def _tube(line: np.ndarray, outward: np.ndarray, half: np.ndarray, flat: float = 0.5) -> tuple[np.ndarray, list]:
    """Vertices and faces of a tapered tube along `line`, wide across `outward`."""
    around = 8
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, outward)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    points = [line + side * (np.cos(a) * half)[:, None] + up * (np.sin(a) * half * flat)[:, None]
              for a in np.arange(around) / around * 2 * np.pi]
    faces = grid_faces(len(line), around, closed=True, flip=True)
    faces += [tuple(range(around)), tuple((len(line) - 1) * around + i for i in range(around))[::-1]]
    return np.stack(points, axis=1).reshape(-1, 3), faces
