"""A body as one skinned mesh: limbs and clothes as tubes of quads that grow out of each other, and who moves them.

Only the left half of what is sided is made; `Skin.mirror` adds the right one. Limbs have two bones for each segment, so
that a twist is spread along them, and rings close together where they bend.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import bmesh
import bpy
import numpy as np

from .face import smoothstep
from .parts import Materials, hang, mesh_object

Weights = Mapping[str, np.ndarray]
"""Bone → its share [N] of what moves each vertex."""
BodyBone = tuple[str, np.ndarray, np.ndarray, str, Sequence[float] | np.ndarray]
"""Name, head, tail, parent, direction of the Z axis."""


@dataclass
class Skin:
    """A mesh that grows: vertices, quads with the names of their materials, and bones' shares in each vertex."""

    points: list[np.ndarray] = field(default_factory=list)
    faces: list[tuple[int, ...]] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)
    shares: list[dict[str, float]] = field(default_factory=list)

    def add(self, points: np.ndarray, weights: Weights) -> np.ndarray:
        """New vertices [N, 3]; returns their numbers."""
        start = len(self.points)
        self.points += list(np.asarray(points, float))
        self.shares += [{bone: float(w[i]) for bone, w in weights.items() if w[i] > 1e-3} for i in range(len(points))]
        return np.arange(start, len(self.points))

    def quad(self, corners: Sequence[int], material: str) -> None:
        """A face of three or four vertices."""
        self.faces.append(tuple(int(corner) for corner in corners))
        self.materials.append(material)

    def join(self, one: Sequence[int], other: Sequence[int], material: str, closed: bool = True) -> None:
        """Quads between two rows of as many vertices."""
        count = len(one)
        for k in range(count if closed else count - 1):
            n = (k + 1) % count
            self.quad((one[k], one[n], other[n], other[k]), material)

    def cap(self, ring: Sequence[int], rise: np.ndarray, material: str) -> None:
        """Close a ring of an even number of vertices by quads round one in its middle, `rise` [3] above."""
        shares = {bone: np.array([share]) for bone, share in self.shares[ring[0]].items()}
        middle = self.add(np.mean([self.points[i] for i in ring], axis=0)[None] + rise, shares)[0]
        for k in range(0, len(ring), 2):
            self.quad((middle, ring[k], ring[k + 1], ring[(k + 2) % len(ring)]), material)

    def mirror(self) -> None:
        """The other side of all that is there, once; vertices in the middle are shared."""
        partner = np.empty(len(self.points), int)
        for i in range(len(partner)):
            if abs(self.points[i][0]) < 1e-6:
                partner[i] = i
                continue
            partner[i] = len(self.points)
            self.points.append(self.points[i] * [-1, 1, 1])
            self.shares.append({other_bone(bone): share for bone, share in self.shares[i].items()})
        for face, material in list(zip(self.faces, self.materials, strict=True)):
            self.quad([partner[i] for i in face[::-1]], material)

    def object(self, name: str, slots: Materials, armature: bpy.types.Object) -> bpy.types.Object:
        """The mesh object, its normals outwards, hung on the armature's bones."""
        used = list(dict.fromkeys(self.materials))
        indices = [used.index(material) for material in self.materials]
        kept = sorted({corner for face in self.faces for corner in face})   # where a limb grows out, one is left over
        number = {old: new for new, old in enumerate(kept)}
        faces = [tuple(number[corner] for corner in face) for face in self.faces]
        made = mesh_object(name, np.array(self.points)[kept], faces, [slots[each] for each in used], indices)
        outwards = bmesh.new()
        outwards.from_mesh(made.data)
        bmesh.ops.recalc_face_normals(outwards, faces=outwards.faces)
        outwards.to_mesh(made.data)
        outwards.free()
        shares = [self.shares[i] for i in kept]
        hang(made, armature, {
            bone: np.array([each.get(bone, 0) / sum(each.values()) for each in shares])
            for bone in sorted({bone for each in shares for bone in each})
        })
        bend = made.modifiers["Armature"]
        bend.use_deform_preserve_volume = True      # keeps 0.94 of an elbow at 90 degrees, else 0.86
        made.modifiers.move(1, 0)                   # the cage is bent, and what bends is then made smooth
        return made


def add_bones(armature: bpy.types.Object, bones: Sequence[BodyBone]) -> None:
    """Bones that deform, in edit mode; those of the left also on the right."""
    for name, head, tail, parent, axis in bones:
        for own, sign in {name: 1, other_bone(name): -1}.items() if other_bone(name) != name else [(name, 1)]:
            new = armature.data.edit_bones.new(own)
            new.head, new.tail = np.multiply(head, [sign, 1, 1]), np.multiply(tail, [sign, 1, 1])
            new.align_roll(np.multiply(axis, [sign, 1, 1]))
            new.parent = armature.data.edit_bones[parent if sign > 0 else other_bone(parent)]


def dress_bones(armature: bpy.types.Object, names: Sequence[str], ring: bpy.types.Object) -> None:
    """A body's bones turn freely, as quaternions, and show rings of about the limbs' size."""
    for name in names:
        bone = armature.pose.bones[name]
        bone.rotation_mode = "QUATERNION"
        bone.lock_rotation, bone.lock_rotation_w = (False, False, False), False
        size = min(0.45 * bone.length, 0.3)
        bone.custom_shape, bone.custom_shape_scale_xyz = ring, (size, size, size)
        bone.custom_shape_translation = (0, bone.length / 2, 0)
        bone.use_custom_shape_bone_size = False


def other_bone(name: str) -> str:
    """The bone on the right of one on the left."""
    return name[:-2] + ".R" if name.endswith(".L") else name.replace(".L.", ".R.")


def along(t: np.ndarray, bones: Sequence[str], cuts: Sequence[tuple[float, float]]) -> dict[str, np.ndarray]:
    """Shares of a chain of bones at places `t` [N] along it; at each cut (place, half width) one hands over."""
    passed = [smoothstep(t, at - half, at + half) for at, half in cuts]
    left, shares = np.ones_like(t), {}
    for bone, share in zip(bones, (*passed, np.zeros_like(t)), strict=True):
        shares[bone] = left * (1 - share)
        left = left * share
    return shares


def mixed(one: Weights, other: Weights, share: np.ndarray) -> dict[str, np.ndarray]:
    """`share` [N] of the other, the rest of the one."""
    zero = np.zeros_like(share)
    return {bone: one.get(bone, zero) * (1 - share) + other.get(bone, zero) * share for bone in {**one, **other}}


@dataclass(frozen=True)
class Limb:
    """A path of two segments, and a frame that goes along it."""

    joints: np.ndarray
    """float [3, 3]: shoulder, elbow, wrist, or hip, knee, ankle."""
    across: np.ndarray
    """float [3]: a direction across it that rings count their angles from."""
    bones: tuple[str, ...]
    """Two for each segment, and the hand or foot."""
    blends: tuple[float, ...] = (0.3, 0.14, 0.3, 0.11)
    """Half widths of the four places where one bone hands over to the next."""

    @property
    def lengths(self) -> np.ndarray:
        """float [2]."""
        return np.linalg.norm(np.diff(self.joints, axis=0), axis=1)

    def frames(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points, and the two directions across, each [N, 3], at distances `t` [N] from the first joint."""
        upper, lower = (step / np.linalg.norm(step) for step in np.diff(self.joints, axis=0))
        first = self.lengths[0]
        bent = smoothstep(t, first - 0.12, first + 0.12)[:, None]
        ahead = upper * (1 - bent) + lower * bent
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        before, after = np.minimum(t, first)[:, None], np.maximum(t - first, 0)[:, None]
        one = self.across - (ahead @ self.across)[:, None] * ahead
        one /= np.linalg.norm(one, axis=1, keepdims=True)
        return self.joints[0] + upper * before + lower * after, one, np.cross(ahead, one)

    def rings(self, rows: Sequence[tuple[float, float, float]], around: int, turn: float = 0.0) -> np.ndarray:
        """Points [rows, around, 3] of rings (distance, half width along and across `across`), from angle `turn` on."""
        t, wide, high = np.array(rows).T
        middle, one, two = self.frames(t)
        angles = turn + np.arange(around) / around * 2 * np.pi
        return (middle[:, None] + np.cos(angles)[None, :, None] * (wide[:, None] * one)[:, None]
                + np.sin(angles)[None, :, None] * (high[:, None] * two)[:, None])

    def weights(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Shares of its bones in points [N, 3], by how far along it they are."""
        first, second = self.lengths
        upper, lower = (step / np.linalg.norm(step) for step in np.diff(self.joints, axis=0))
        t = (points - self.joints[0]) @ upper
        past = (points - self.joints[1]) @ lower
        t = np.where(t > first, first + np.maximum(past, 0), np.minimum(t, first + np.minimum(past, 0)))
        cuts = (first / 2, first, first + second / 2, first + second)
        return along(t, self.bones, tuple(zip(cuts, self.blends, strict=True)))


def grow(skin: Skin, start: Sequence[int], rings: np.ndarray, weights: Sequence[Weights], materials: Sequence[str]
         ) -> np.ndarray:
    """Tubes on from the ring `start` (or an open end, if it is empty) over rings [R, N, 3]; returns the last ring."""
    last = np.asarray(start, int)
    for ring, shares, material in zip(rings, weights, materials, strict=True):
        new = skin.add(ring, shares)
        if len(last):
            skin.join(last, new, material)
        last = new
    return last


@dataclass(frozen=True)
class Finger:
    """From the knuckle on."""

    bone: str
    """Of its first joint, with {} for the number of the joint."""
    knuckle: np.ndarray
    """float [3]: where its first bone begins, inside the hand."""
    ahead: np.ndarray
    """float [3], unit."""
    back: np.ndarray
    """float [3], unit: the side of the nail, across `ahead`."""
    start: float
    """How far from the knuckle the finger leaves the hand."""
    joints: tuple[float, float]
    """Of its middle and last joint, from the knuckle."""
    length: float
    radius: float

    @property
    def bones(self) -> tuple[str, ...]:
        """The three."""
        return tuple(self.bone.format(i) for i in (1, 2, 3))

    def ends(self) -> np.ndarray:
        """Of its bones, from the knuckle to the tip, [4, 3]."""
        return self.knuckle + np.array([[0.0], [self.joints[0]], [self.joints[1]], [self.length]]) * self.ahead

    def grow(self, skin: Skin, base: Sequence[int], hand: str, material: str) -> None:
        """Eight sides from the ring `base` in the hand to a round tip; the ring starts at the nail side's first corner.
        """
        near, far = self.joints
        bend = 0.4 * self.radius
        places = [self.start + 0.35 * self.radius, near - bend, near, near + bend, far - bend, far, far + bend,
                  self.length - 0.65 * self.radius, self.length - 0.22 * self.radius]
        thick = np.array([1.0, 0.98, 1.04, 0.96, 0.93, 0.98, 0.92, 0.80, 0.50]) * self.radius
        one = np.cross(self.back, self.ahead)
        # corners of the ring are nearly corners: fingers are a little square
        angles = np.deg2rad([48, 90, 132, 180, 228, 270, 312, 360])
        circle = np.cos(angles)[:, None] * one + np.sin(angles)[:, None] * self.back
        rings = np.array([self.knuckle + t * self.ahead + r * circle for t, r in zip(places, thick, strict=True)])
        cuts = ((0.0, 0.55 * self.start + 0.02), (near, 0.75 * self.radius), (far, 0.75 * self.radius))
        weights = [along(np.full(8, t), (hand, *self.bones), cuts) for t in places]
        last = grow(skin, base, rings, weights, [material] * len(rings))
        skin.cap(last, 0.10 * self.radius * self.ahead, material)


def hole_ring(grid: np.ndarray, rows: tuple[int, int], columns: Sequence[int]) -> list[int]:
    """The vertices round a patch of a grid, row by row from `rows` first to last: top, far side, bottom, near side."""
    first, last = rows
    top, bottom = [grid[first, c] for c in columns], [grid[last, c] for c in columns]
    near, far = (list(grid[first + 1:last, column]) for column in (columns[0], columns[-1]))
    return [*top, *far, *bottom[::-1], *near[::-1]]
