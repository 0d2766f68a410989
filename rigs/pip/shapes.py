"""Pip's shape keys: how far every vertex of the face goes in each, as smooth fields around mouth, eyes and brows.

A field says how a vertex slides over the head (`theta`, `phi`, radians) and how far it rises from it; the new place is
cast onto the head again, so that cheeks, brows and lips ride on the surface. Near the mouth the fields live in
elliptic coordinates whose focal line is the slit between the lips: `sine` is +1 above, -1 below and 0 at the corners,
continuous everywhere except across the slit, which is what parts the lips.
"""
from __future__ import annotations

import numpy as np
import surface
from face import MOUTH, MOUTH_HALF, Face, points_with_lids, smoothstep

JAW_OPEN = 0.50
"""rad: rotation of the jaw at jaw_open = 1."""
JAW_SIDE = 0.10
JAW_FORWARD = 0.09


class Fields:
    """The coordinates of all placed vertices of a face, for the fields below."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.theta, self.phi = face.theta, face.phi
        across = np.abs(self.theta)
        slit = MOUTH + np.interp(across, *_slit_line(face))
        up = self.phi - slit
        up = np.where(face.lip != 0, face.lip * 1e-9, up)
        wave = np.arccosh((self.theta + 1j * up) / MOUTH_HALF)
        self.mu, self.sine = wave.real, np.sin(wave.imag)
        self.up = np.where(face.lip != 0, 0, up)
        self.left = smoothstep(self.theta, -0.13, 0.13)
        front = np.cos(np.clip(self.theta, -1.5, 1.5))
        self.lips = np.exp(-((self.mu / 0.75) ** 2))
        self.upper_lip, self.lower_lip = np.maximum(self.sine, 0) * self.lips, np.maximum(-self.sine, 0) * self.lips
        self.front = front
        # lids and lashes move by their own keys only
        lids = np.hypot((across - 0.43) / 0.33, (self.phi - 0.02) / 0.21)
        self.off_lids = np.where(face.free, 1.0, smoothstep(lids, 0.85, 1.45))

    def bump(self, theta: float, phi: float, wide: float, high: float | None = None) -> np.ndarray:
        """A Gaussian [N] around a direction in degrees, with its widths in degrees."""
        across, up = np.rad2deg(self.theta) - theta, np.rad2deg(self.phi) - phi
        return np.exp(-((across / wide) ** 2) - (up / (high or wide)) ** 2)

    def corner(self, wide: float, high: float | None = None) -> np.ndarray:
        """A Gaussian [N] around the left corner of the mouth, widths in degrees."""
        across, up = np.rad2deg(self.theta - MOUTH_HALF), np.rad2deg(self.up)
        return np.exp(-((across / wide) ** 2) - (up / (high or wide)) ** 2)

    def slide(self, theta: np.ndarray | float = 0, phi: np.ndarray | float = 0,
              rise: np.ndarray | float = 0) -> np.ndarray:
        """Displacements [N, 3] of a slide in radians and a rise in units."""
        face = self.face
        skin = surface.cast(face.theta + theta, face.phi + phi)
        moved = skin + (face.height + rise)[:, None] * surface.normals(skin)
        return self.carry(moved - self._rest)

    def carry(self, displacement: np.ndarray) -> np.ndarray:
        """Give anchored vertices their share of their anchor's displacement."""
        return displacement[self.face.anchor] * self.face.follows[:, None]

    @property
    def _rest(self) -> np.ndarray:
        if not hasattr(self, "_cached"):
            skin = surface.cast(self.face.theta, self.face.phi)
            self._cached = skin + self.face.height[:, None] * surface.normals(skin)
        return self._cached

    def jaw_weight(self) -> np.ndarray:
        """How far each vertex goes with the jaw: 0 above the mouth, 1 below, 0.5 at the corners."""
        # close to the lips squarer than an ellipse, so that the open mouth is not pointed
        square = 0.5 * np.exp(-((self.mu / 0.4) ** 2))
        below = 0.5 - 0.5 * self.sine * (1 + square * (1 - self.sine**2))
        side = 1 - smoothstep(np.abs(self.theta), 0.5, 1.75)
        upper = np.where(self.up > 0, 1 - smoothstep(self.up, 0.02, 0.42), 1.0)
        throat = 1 - 0.75 * smoothstep(-self.phi, 1.05, 1.5)
        deep = np.array([1, 1, 1, 1, 1, 0.65, 0.3, 0.0])[self.face.ring]
        return below * side * upper * throat * deep

    def jaw_sealed(self) -> np.ndarray:
        """The jaw weight with both lips together: no step across the slit."""
        # both reds as one stiff band between the two jaws
        sealed = 0.45 * (1 - smoothstep(self.up, 0.05, 0.34)) + 0.55 * smoothstep(-self.up, 0.07, 0.42)
        near = np.exp(-((self.mu / 1.1) ** 4))
        weight = self.jaw_weight()
        inside = self.face.ring > 0
        depth = np.where(inside, 1 - self.face.follows[:], 0.0)
        return np.where(inside, sealed * (1 - depth) + weight * depth, weight + (sealed - weight) * near)


def _slit_line(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Angles from the middle and the slit's elevation above MOUTH there."""
    rim = face.rims["lip_upper"]
    rim = rim[face.theta[rim] >= -1e-9]
    return (np.append(face.theta[rim], [0.45, 0.8]),
            np.append(face.phi[rim] - MOUTH, np.array([0.6, 0]) * (face.phi[rim[-1]] - MOUTH)))


def _jaw_turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Displacement of points turned about the jaw's axis."""
    relative = points - surface.JAW_PIVOT
    c, s = np.cos(angle), np.sin(angle)
    y = c * relative[:, 1] - s * relative[:, 2]
    z = s * relative[:, 1] + c * relative[:, 2]
    return np.stack([points[:, 0], y + surface.JAW_PIVOT[1], z + surface.JAW_PIVOT[2]], axis=1) - points


def central_keys(face: Face) -> dict[str, np.ndarray]:
    """Displacements [N, 3] of the keys that have no side."""
    f = Fields(face)
    weight, sealed = f.jaw_weight()[:, None], f.jaw_sealed()[:, None]
    turn = _jaw_turn(face.points, JAW_OPEN)
    # opening narrows the mouth a little and lengthens the cheeks
    narrow = f.slide(theta=-0.12 * f.theta * np.exp(-((f.mu / 1.1) ** 2)))
    drop = f.slide(phi=-0.055 * f.lower_lip, rise=-0.01 * f.lower_lip)
    side, forward = np.array([JAW_SIDE, 0.012, 0]), np.array([0, -JAW_FORWARD, 0.01])
    lips = np.exp(-((f.mu / 0.9) ** 2))
    near = np.exp(-((f.mu / 0.55) ** 2)) * (1 - smoothstep(f.up, 0.09, 0.24))
    broad = np.exp(-((f.mu / 1.0) ** 2)) * (1 - smoothstep(f.up, 0.12, 0.30))
    ball = f.bump(0, -51, 15, 7)
    keys = {
        "jaw_open": weight * turn + narrow + drop,
        "jaw_left": weight * side,
        "jaw_right": weight * side * [-1, 1, 1],
        "jaw_forward": weight * forward,
        "mouth_close": (sealed - weight) * turn - drop + f.slide(phi=0.05 * f.bump(0, -55, 18, 9)),
        "mouth_left": f.slide(theta=0.15 * lips),
        "mouth_right": f.slide(theta=-0.15 * lips),
        "pucker": f.slide(theta=-0.46 * f.theta * lips,
                          phi=0.025 * f.lips * f.sine * (1 - np.exp(-((f.up / 0.05) ** 2))),
                          rise=0.10 * near + 0.06 * broad + 0.035 * (f.upper_lip + f.lower_lip)),
        "funnel": f.slide(theta=-0.34 * f.theta * lips, phi=0.058 * near * f.sine,
                          rise=0.10 * near * (0.6 + 0.4 * np.abs(f.sine))),
        "roll_upper": f.slide(phi=-0.045 * _rim(f, 1), rise=-0.085 * _rim(f, 1)),
        "roll_lower": f.slide(phi=0.055 * _rim(f, -1), rise=-0.085 * _rim(f, -1)),
        "tongue_parts_lips": f.slide(phi=(0.035 * f.upper_lip - 0.10 * f.lower_lip) * np.exp(-((f.theta / 0.2) ** 2))),
        "chin_raise": f.slide(phi=0.085 * _band(f, -0.68, 0.12),
                              rise=0.030 * f.lower_lip + 0.05 * ball + 0.02 * _band(f, -0.68, 0.06)),
        "shrug_upper": f.slide(phi=0.065 * np.sqrt(np.maximum(f.sine, 0)) * _band(f, -0.06, 0.30),
                               rise=0.012 * f.upper_lip),
    }
    return keys


def _rim(f: Fields, side: int) -> np.ndarray:
    """1 on the red of one lip, fading over the skin beside it."""
    part = np.maximum(f.sine * side, 0)
    fade = np.exp(-((np.maximum(f.up * side, 0) / 0.085) ** 2) - (f.mu / 0.6) ** 4)
    return fade * part * (1.6 - 0.6 * part)


def _band(f: Fields, low: float, high: float) -> np.ndarray:
    """A smooth band of rows around the mouth, both lips alike, as wide as the mouth."""
    across = np.exp(-((np.abs(f.theta) / (MOUTH_HALF * 0.95)) ** 4))
    return across * smoothstep(f.up, low, low * 0.25) * (1 - smoothstep(f.up, 0.02, high))


def left_keys(face: Face) -> dict[str, np.ndarray]:
    """Displacements [N, 3] of the keys of Pip's left side; the right side mirrors them."""
    f = Fields(face)
    corner, wide = _corners(f, 12), f.corner(17, 13)
    under = f.bump(27, -12, 14, 5)
    apple = f.bump(31, -21, 13, 10)
    high, off = f.bump(35, -21, 22, 15) * (1 - f.corner(9, 7)), f.off_lids
    inner, middle, outer = f.bump(9, 23, 10, 12) * off, f.bump(23, 27, 9, 12) * off, f.bump(37, 23, 10, 13) * off
    furrow = f.bump(10, 22, 9, 9) * off
    near = np.exp(-((f.mu / 0.5) ** 2))
    sneer = f.bump(8, -17, 5, 6)
    fold = f.bump(14, -24, 7, 7)
    broad = np.exp(-((f.mu / 1.0) ** 2)) * (1 - smoothstep(f.up, 0.12, 0.30))
    low = _band(f, -0.62, 0.12) * np.maximum(-f.sine, 0)
    press = f.left * np.exp(-((f.up / 0.085) ** 2)) * f.lips
    keys = {
        "brow_inner_up": f.slide(phi=0.15 * inner, rise=0.006 * inner),
        "brow_inner_down": f.slide(phi=-0.115 * inner, rise=0.012 * inner),
        "brow_mid_up": f.slide(phi=0.11 * middle, rise=0.004 * middle),
        "brow_mid_down": f.slide(phi=-0.09 * middle),
        "brow_outer_up": f.slide(phi=0.14 * outer, rise=0.004 * outer),
        "brow_outer_down": f.slide(phi=-0.10 * outer, rise=0.01 * outer),
        "brow_squeeze": f.slide(theta=-0.095 * furrow, phi=-0.06 * furrow, rise=0.022 * furrow),
        "cheek_puff": f.slide(phi=0.035 * f.bump(33, -30, 18, 14),
                              rise=0.15 * f.bump(33, -34, 22, 18) + 0.035 * f.left * near + 0.05 * f.left * broad),
        "cheek_suck": f.slide(rise=-0.11 * f.bump(36, -36, 14, 14)),
        "cheek_raise": f.slide(phi=0.085 * high * off + 0.03 * under * off, rise=0.022 * high + 0.018 * under),
        "nose_sneer": f.slide(phi=0.10 * sneer + 0.10 * fold * f.left + 0.04 * f.left * f.upper_lip
                              - 0.04 * f.bump(9, 21, 8, 9) * off,
                              theta=0.02 * sneer, rise=0.035 * sneer + 0.02 * f.bump(5, 3, 4, 7)),
        "corner_up": f.slide(theta=0.095 * wide, phi=0.155 * corner + 0.03 * wide, rise=0.05 * apple - 0.05 * corner),
        "corner_down": f.slide(theta=-0.015 * corner, phi=-0.135 * corner - 0.025 * wide, rise=0.012 * corner),
        "corner_out": f.slide(theta=0.15 * wide + 0.03 * f.theta * f.left * near,
                              phi=-0.18 * f.up * near * f.left, rise=-0.012 * near * f.left),
        "corner_in": f.slide(theta=-0.14 * wide, rise=0.04 * corner),
        "dimple": f.slide(theta=0.06 * f.corner(9), rise=-0.075 * f.corner(6.5) + 0.02 * f.corner(14)),
        "upper_lip_raise": f.slide(phi=0.105 * f.left * f.upper_lip + 0.105 * f.bump(14, -24, 9, 7)
                                   + 0.035 * f.corner(9, 8), rise=0.012 * f.left * f.upper_lip),
        "lower_lip_depress": f.slide(phi=-0.115 * f.left * f.lower_lip, rise=0.010 * f.left * f.lower_lip),
        "press": f.slide(phi=-f.up * press * np.where(f.up > 0, 0.20, 0.70) + 0.026 * f.left * low,
                         rise=-0.018 * press + 0.012 * f.corner(8)),
        "squint": f.slide(phi=0.03 * f.bump(26, -12, 14, 6) * off - 0.03 * f.bump(30, 18, 12, 8) * off,
                          rise=0.025 * f.bump(26, -12, 13, 5) * off),
    }
    return keys | _lid_keys(face)


def _corners(f: Fields, high: float) -> np.ndarray:
    """1 at the left corner of the mouth; falls to 0 like a parabola towards the middle of the lips."""
    s = np.maximum(f.theta, 0) / MOUTH_HALF
    across = np.where(s < 1, 0.12 + 0.88 * s**2.3, np.exp(-(((s - 1) / 0.75) ** 2)))
    return across * f.left * np.exp(-((np.rad2deg(f.up) / high) ** 2))


def _lid_keys(face: Face) -> dict[str, np.ndarray]:
    left = (face.theta > 0)[:, None] * ~face.free[:, None]
    rest = face.points
    shut, half = points_with_lids(face, 1, 0) - rest, points_with_lids(face, 0.5, 0) - rest
    keys = {
        "lid_close": shut,
        "lid_close_arc": half - shut / 2,
        "lid_wide": points_with_lids(face, -0.32, 0) - rest,
        "lid_raise": points_with_lids(face, 0, 1) - rest,
        "lid_drop": points_with_lids(face, 0, -0.45) - rest,
    }
    return {name: value * left for name, value in keys.items()}


def mirrored(displacement: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """The same key on the other side; `partner` [N] is each vertex's mirror image."""
    return displacement[partner] * [-1, 1, 1]


def mirror_partners(face: Face) -> np.ndarray:
    """int [N]: the vertex at the mirrored place of each vertex."""
    tag = np.stack([np.round(face.points[:, 0] * -1, 5), np.round(face.points[:, 1], 5), np.round(face.points[:, 2], 5),
                    face.ring, face.lip], axis=1)
    own = tag * [-1, 1, 1, 1, 1]
    order, wanted = np.lexsort(own.T + 0.0), np.lexsort(tag.T + 0.0)
    partner = np.empty(len(own), int)
    partner[wanted] = order
    assert np.abs(face.points[partner] * [-1, 1, 1] - face.points).max() < 1e-4, "the face is not symmetric"
    return partner

