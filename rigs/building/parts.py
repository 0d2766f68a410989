"""The parts that characters share besides the face: materials, meshes, eyes, teeth, tongue."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np
from mathutils import Matrix

from .face import Eye, Face, smoothstep
from .rig import Wiring
from .solid import directions

Materials = Mapping[str, bpy.types.Material]
Surface = tuple[tuple[float, float, float], float, float]
"""Colour (scene linear), roughness, subsurface."""


def materials(character: str, table: Mapping[str, Surface]) -> dict[str, bpy.types.Material]:
    """All materials, with the colour that Workbench shows and a principled surface for EEVEE and Cycles."""
    made = {}
    for name, (colour, roughness, subsurface) in table.items():
        material = bpy.data.materials.new(f"{character}-{name}")
        material.diffuse_color = (*colour, 1)
        material.roughness = roughness
        material.use_nodes = True
        shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value = (*colour, 1)
        shader.inputs["Roughness"].default_value = roughness
        if subsurface:
            shader.inputs["Subsurface Weight"].default_value = subsurface
            shader.inputs["Subsurface Radius"].default_value = (0.10, 0.04, 0.02)
        if name == "catchlight":
            shader.inputs["Emission Color"].default_value = (1, 1, 1, 1)
            shader.inputs["Emission Strength"].default_value = 1.0
        made[name] = material
    return made


def mesh_object(name: str, points: np.ndarray, faces: list, slots: Sequence[bpy.types.Material],
                indices: list[int] | np.ndarray | None = None, subdivide: int = 1) -> bpy.types.Object:
    """A smooth-shaded mesh object in character space."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.asarray(points).tolist(), [], [tuple(int(v) for v in f) for f in faces])
    for slot in slots:
        mesh.materials.append(slot)
    if indices is not None:
        mesh.polygons.foreach_set("material_index", np.asarray(indices, np.int32))
    mesh.shade_smooth()
    mesh.validate()
    made = bpy.data.objects.new(name, mesh)
    if subdivide:
        modifier = made.modifiers.new("Subdivision", "SUBSURF")
        modifier.levels, modifier.render_levels = subdivide, max(subdivide, 2)
        # Points on the limit surface cost 0.8 s a frame at the poles of a head, and look the same.
        modifier.use_limit_surface = False
    return made


def attach(child: bpy.types.Object, armature: bpy.types.Object, bone: str) -> None:
    """Parent an object whose mesh is in character space to a bone, leaving it where it is."""
    rest = armature.data.bones[bone]
    child.parent, child.parent_type, child.parent_bone = armature, "BONE", bone
    child.matrix_parent_inverse = (rest.matrix_local @ Matrix.Translation((0, rest.length, 0))).inverted()


def grid_faces(rows: int, columns: int, closed: bool = False, flip: bool = False) -> list[tuple[int, ...]]:
    """Quads of a grid of vertices numbered row by row; `closed` joins the last column to the first."""
    faces = []
    for r in range(rows - 1):
        for c in range(columns if closed else columns - 1):
            n = (c + 1) % columns
            quad = (r * columns + c, r * columns + n, (r + 1) * columns + n, (r + 1) * columns + c)
            faces.append(quad[::-1] if flip else quad)
    return faces


def loft(rows: Sequence[tuple[float, float, float, float]], around: int = 36, square: float = 2.0) -> np.ndarray:
    """Points [rows * around, 3] of rings (height, half width, half depth, middle's depth); `square` 2 is an ellipse."""
    turn = np.arange(around) / around * 2 * np.pi
    across, along = (np.sign(v) * np.abs(v) ** (2 / square) for v in (np.cos(turn), np.sin(turn)))
    return np.concatenate([
        np.stack([x * across, middle + y * along, np.full(around, z)], axis=1) for z, x, y, middle in rows
    ])


def eyeball(name: str, centre: np.ndarray, radius: float, slots: Materials) -> bpy.types.Object:
    """A ball whose rings run round the line of sight, so that iris and pupil have clean edges; vertex 0 is its front.

    `slots` needs pupil, iris_inner, iris, limbus and sclera.
    """
    rings = np.deg2rad([0, 7, 14, 15, 21, 27, 31.5, 33, 38, 48, 62, 80, 105, 130, 155, 180])
    around = 40
    points = [np.array([0, -1, 0.0])]
    for angle in rings[1:-1]:
        for turn in np.arange(around) / around * 2 * np.pi:
            points.append(np.array([np.sin(angle) * np.cos(turn), -np.cos(angle), np.sin(angle) * np.sin(turn)]))
    points.append(np.array([0, 1, 0.0]))
    names = ["pupil", "iris_inner", "iris", "limbus", "sclera"]
    ring_material = [0, 0, 0, 1, 2, 2, 3] + [4] * 20
    faces, indices = [], []
    for k in range(around):
        n = (k + 1) % around
        faces.append((0, 1 + k, 1 + n))
        indices.append(0)
        for r in range(len(rings) - 3):
            a, b = 1 + r * around, 1 + (r + 1) * around
            faces.append((a + k, b + k, b + n, a + n))
            indices.append(ring_material[r + 1])
        a = 1 + (len(rings) - 3) * around
        faces.append((a + k, len(points) - 1, a + n))
        indices.append(4)
    world = np.array(points) * radius + centre
    return mesh_object(name, world, faces, [slots[n] for n in names], indices, subdivide=0)


def catchlights(name: str, centres: Sequence[np.ndarray], radius: float, slots: Materials,
                lights: Sequence[tuple[float, float, float]] = ((-15, 20, 5.5), (14, -15, 2.8))) -> bpy.types.Object:
    """Small lights (theta, phi, size in degrees) on each eye; they stay where the light is when the eye turns."""
    points, faces = [], []
    for centre in centres:
        for theta, phi, size in lights:
            start = len(points)
            for r in (0.0, 1.0):
                for turn in (np.arange(20) / 20 * 2 * np.pi if r else [0.0]):
                    unit = directions(np.deg2rad(theta + size * r * np.cos(turn)),
                                      np.deg2rad(phi + size * r * np.sin(turn)))
                    points.append(centre + unit * (radius + 0.005))
            faces += [(start, start + 1 + k, start + 1 + (k + 1) % 20) for k in range(20)]
    return mesh_object(name, np.array(points), faces, [slots["catchlight"]], subdivide=0)


def teeth(name: str, upper: bool, lip_line: np.ndarray, slots: Materials, size: float = 1.0) -> bpy.types.Object:
    """A row of twelve rounded teeth on a gum behind the lips; `lip_line` [3] is the middle of the closed lips.

    `slots` needs teeth and gums; `size` scales the row about `lip_line`.
    """
    up = 1 if upper else -1
    edge = -0.022 if upper else 0.026
    #        depth, height above the edge (towards the gum)
    section = [(0.030, 0.012), (0.008, 0.004), (0.000, 0.030), (0.004, 0.120), (0.000, 0.140), (0.012, 0.19),
               (0.06, 0.19), (0.050, 0.03)]
    points, count, per = [], 12, 5
    stations = count * per + 1
    for k in range(stations):
        t = k / (stations - 1) * 2 - 1
        angle = t * 1.25
        groove = abs(((k % per) / per) - 0.5) * 2 if k % per else 1.0
        dent = 0.010 * groove**6
        radius = (0.305 if upper else 0.275) - dent
        x, y = radius * np.sin(angle), -radius * 0.78 * (np.cos(angle) - 1)
        outward = np.array([np.sin(angle), -np.cos(angle)])
        for depth, height in section:
            tooth = height < 0.13
            step = depth + (dent * 0.6 if tooth else 0.0)
            raised = height + (0.012 * groove**4 if height < 0.02 else 0.0)
            points.append([x - outward[0] * step, lip_line[1] + (0.090 if upper else 0.108) + y - outward[1] * step,
                           lip_line[2] + edge + up * raised])
    around = len(section)
    faces = grid_faces(stations, around, closed=True, flip=upper)
    indices = [1 if 3 <= i % around <= 5 else 0 for i in range(len(faces))]
    placed = lip_line + (np.array(points) - lip_line) * size
    return mesh_object(name, placed, faces, [slots["teeth"], slots["gums"]], indices)


def tongue_body(depth: np.ndarray, height: np.ndarray, width: np.ndarray, thick: np.ndarray, groove: np.ndarray,
                narrow: float) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Points [12 N, 3] and faces of a tongue from root to tip.

    Each of its N rings has a depth and a height, a half width, a half thickness, and a groove on top, so deep and the
    share `narrow` of the width wide.
    """
    around = np.arange(12) / 12 * 2 * np.pi
    dip = np.outer(groove, np.exp(-((np.cos(around) / narrow) ** 2)) * (np.sin(around) > 0))
    rings = np.stack([
        np.outer(width, np.cos(around)), np.repeat(depth[:, None], 12, axis=1),
        height[:, None] + np.outer(thick, np.sin(around)) - dip,
    ], axis=2)
    faces = grid_faces(len(rings), 12, closed=True)
    faces += [tuple(range(12))[::-1], tuple((len(rings) - 1) * 12 + i for i in range(12))]
    return rings.reshape(-1, 3), faces


def tongue(name: str, lip_line: np.ndarray, slots: Materials,
           size: float = 1.0) -> tuple[bpy.types.Object, dict[str, np.ndarray]]:
    """The tongue behind the closed lips' middle `lip_line` [3], and the displacements of its keys."""
    t = np.linspace(0, 1, 14)
    width = 0.150 * np.sqrt(1 - (np.maximum(t - 0.45, 0) / 0.55) ** 2.2) + 0.004
    thick = 0.050 * np.sqrt(1 - t**3) + 0.004
    depth, height = lip_line[1] + 0.60 - 0.445 * t, lip_line[2] - 0.085 - 0.02 * (1 - t)
    points, faces = tongue_body(depth, height, width, thick, 0.014 * (1 - t * 0.5), 0.35)
    t = np.repeat(t, len(points) // len(t))
    reach = smoothstep(t, 0.15, 1.0)
    zero = np.zeros_like(t)
    out = np.stack([-0.10 * points[:, 0] * reach, -0.40 * reach,
                    0.045 * smoothstep(t, 0.1, 0.6) - 0.15 * smoothstep(t, 0.6, 1)], axis=1)
    keys = {
        "tongue_out": out,
        "tongue_left": np.stack([0.15 * reach**1.3, zero, zero], axis=1),
        "tongue_right": np.stack([-0.15 * reach**1.3, zero, zero], axis=1),
        "tongue_up": np.stack([zero, 0.03 * reach, 0.15 * reach**1.5], axis=1),
        "tongue_down": np.stack([zero, 0.02 * reach, -0.10 * reach**1.5], axis=1),
    }
    placed = lip_line + (points - lip_line) * size
    made = mesh_object(name, placed, faces, [slots["tongue"]])
    return made, {key: moved * size for key, moved in keys.items()}


def ears(name: str, centre: Sequence[float], slot: bpy.types.Material, size: float = 1.0) -> bpy.types.Object:
    """Both ears, dishes with a raised rim; `centre` is the left one's."""
    # radius of the ring, rise out of the head
    profile = ((0.02, 0.030), (0.30, 0.020), (0.52, 0.030), (0.68, 0.085), (0.84, 0.110), (0.97, 0.085), (1.0, 0.04),
               (0.92, -0.05), (0.75, -0.10))
    around = 28
    points, faces = [], []
    for sign in (1, -1):
        start = len(points)
        out = np.array([0.86 * sign, -0.42, 0.05])
        out /= np.linalg.norm(out)
        up = np.array([0.10 * sign, 0.16, 1.0])
        back = np.cross(up, out) * sign
        back, up = back / np.linalg.norm(back), up / np.linalg.norm(up)
        for radius, rise in profile:
            for a in np.arange(around) / around * 2 * np.pi:
                tall = 0.27 * (1 + 0.06 * np.sin(a)) * np.sin(a)
                wide = 0.185 * np.cos(a) * (1 + 0.24 * np.sin(a))
                lobe = 0.6 if np.sin(a) < -0.75 and 0.6 < radius < 1 else 1.0
                front = 0.45 if np.cos(a) < -0.45 and radius > 0.4 else 1.0
                offset = (back * wide + up * tall) * radius + out * rise * lobe * front
                points.append(np.array([sign, 1, 1]) * centre + offset * size)
        grid = grid_faces(len(profile), around, closed=True, flip=sign < 0)
        faces += [tuple(start + v for v in f) for f in grid]
    return mesh_object(name, np.array(points), faces, [slot])


def neck(name: str, rows: Sequence[tuple[float, float, float, float]], armature: bpy.types.Object, head_bone: str,
         neck_bone: str, slot: bpy.types.Material, bend: tuple[float, float] = (-1.30, -0.80)) -> bpy.types.Object:
    """A lofted neck that bends from `neck_bone` to `head_bone` between the heights `bend`."""
    points = loft(rows)
    made = mesh_object(name, points, grid_faces(len(rows), 36, closed=True, flip=True), [slot])
    head = smoothstep(points[:, 2], *bend)
    hang(made, armature, {head_bone: head, neck_bone: 1 - head})
    return made


def hang(part: bpy.types.Object, armature: bpy.types.Object, weights: Mapping[str, np.ndarray]) -> None:
    """Let bones move the vertices of `part`: bone → weights [N]."""
    for bone, shares in weights.items():
        group = part.vertex_groups.new(name=bone)
        for i in np.flatnonzero(shares):
            group.add([int(i)], float(shares[i]), "REPLACE")
    modifier = part.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    part.parent = armature


def add_keys(owner: bpy.types.Object, keys: Mapping[str, np.ndarray]) -> None:
    """Shape keys from displacements [N, 3], in the order of `keys`."""
    rest = np.empty(len(owner.data.vertices) * 3, np.float32)
    owner.data.vertices.foreach_get("co", rest)
    owner.shape_key_add(name="Basis")
    for name, moved in keys.items():
        owner.shape_key_add(name=name).data.foreach_set("co", rest + moved.astype(np.float32).ravel())


def add_driven_keys(owner: bpy.types.Object, keys: Mapping[str, np.ndarray],
                    expressions: Mapping[str, tuple[str, str]], wires: Wiring) -> None:
    """Shape keys from displacements [N, 3], each driven by its expression (and side), in the order of `expressions`."""
    ordered = {name: keys[name] for name in expressions if name in keys}
    add_keys(owner, ordered)
    for name in ordered:
        expression, side = expressions[name]
        wires.drive(owner.data.shape_keys.key_blocks[name], "value", -1, expression, side)


def eyes(character: str, eye: Eye, slots: Materials) -> tuple[dict[str, bpy.types.Object], bpy.types.Object]:
    """The two eyeballs by side (".L", ".R"), and the lights on them."""
    centres = {".L": eye.centre, ".R": eye.centre * [-1, 1, 1]}
    balls = {side: eyeball(f"{character}-eye{side}", centre, eye.radius, slots) for side, centre in centres.items()}
    return balls, catchlights(f"{character}-catchlights", list(centres.values()), eye.radius, slots)


def guard_eyes(head: bpy.types.Object, face: Face, balls: Mapping[str, bpy.types.Object]) -> None:
    """`guard_lids` for both eyes of a face."""
    eye = face.form.eye
    for side, sign in ((".L", 1), (".R", -1)):
        near = (np.linalg.norm(face.points - eye.centre * [sign, 1, 1], axis=1) < eye.radius * 1.35) & ~face.free
        guard_lids(head, balls[side], near, side)


def guard_lids(head: bpy.types.Object, ball: bpy.types.Object, near: np.ndarray, side: str = "") -> None:
    """Keep the lids (vertices `near`, bool [N]) outside the ball whatever the mix of keys."""
    group = head.vertex_groups.new(name="lids" + side)
    group.add(np.flatnonzero(near).tolist(), 1.0, "REPLACE")
    guard = head.modifiers.new("Lids" + side, "SHRINKWRAP")
    guard.target, guard.vertex_group = ball, group.name
    guard.wrap_method, guard.wrap_mode, guard.offset = "NEAREST_SURFACEPOINT", "OUTSIDE", 0.004
    head.modifiers.move(len(head.modifiers) - 1, 0)
