"""What Pip has besides the face: eyes, teeth, tongue, ears, hair, neck, shirt and their materials."""
from __future__ import annotations

import bpy
import numpy as np
import surface
from face import smoothstep
from mathutils import Matrix

# name: colour (scene linear), roughness, subsurface
MATERIALS = {
    "skin": ((0.92, 0.56, 0.40), 0.55, 0.15),
    "lips": ((0.78, 0.29, 0.25), 0.45, 0.10),
    "mouth": ((0.20, 0.035, 0.04), 0.60, 0.0),
    "lash": ((0.045, 0.022, 0.018), 0.60, 0.0),
    "brow": ((0.16, 0.055, 0.022), 0.70, 0.0),
    "freckle": ((0.70, 0.34, 0.20), 0.50, 0.0),
    "hair": ((0.27, 0.085, 0.028), 0.45, 0.0),
    "sclera": ((0.90, 0.90, 0.88), 0.15, 0.0),
    "limbus": ((0.035, 0.09, 0.075), 0.12, 0.0),
    "iris": ((0.09, 0.30, 0.22), 0.12, 0.0),
    "iris_inner": ((0.20, 0.46, 0.28), 0.12, 0.0),
    "pupil": ((0.006, 0.006, 0.008), 0.45, 0.0),
    "catchlight": ((1.0, 1.0, 1.0), 0.05, 0.0),
    "teeth": ((0.92, 0.90, 0.84), 0.20, 0.0),
    "gums": ((0.62, 0.20, 0.20), 0.35, 0.0),
    "tongue": ((0.68, 0.22, 0.22), 0.40, 0.0),
    "shirt": ((0.05, 0.25, 0.33), 0.85, 0.0),
    "stripe": ((0.85, 0.62, 0.22), 0.85, 0.0),
}
FACE_SLOTS = ("skin", "lips", "mouth", "lash", "brow", "freckle")


def materials() -> dict[str, bpy.types.Material]:
    """All materials, with the colour that Workbench shows and a principled surface for EEVEE and Cycles."""
    made = {}
    for name, (colour, roughness, subsurface) in MATERIALS.items():
        material = bpy.data.materials.new("Pip-" + name)
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


def mesh_object(name: str, points: np.ndarray, faces: list, slots: list[bpy.types.Material],
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


def eyeball(name: str, sign: int, slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """A ball whose rings run round the line of sight, so that iris and pupil have clean edges."""
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
    world = np.array(points) * surface.EYE_RADIUS + surface.EYE * [sign, 1, 1]
    return mesh_object(name, world, faces, [slots[n] for n in names], indices, subdivide=0)


def catchlights(slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """Two small lights on each eye; they stay where the light is when the eye turns."""
    points, faces = [], []
    for sign in (1, -1):
        for theta, phi, radius in ((-15, 20, 5.5), (14, -15, 2.8)):
            start = len(points)
            for r, rise in ((0.0, 0.0), (1.0, 0.0)):
                for turn in (np.arange(20) / 20 * 2 * np.pi if r else [0.0]):
                    unit = surface.directions(np.deg2rad(theta + radius * r * np.cos(turn)),
                                              np.deg2rad(phi + radius * r * np.sin(turn)))
                    points.append(surface.EYE * [sign, 1, 1] + unit * (surface.EYE_RADIUS + 0.005 + rise))
            faces += [(start, start + 1 + k, start + 1 + (k + 1) % 20) for k in range(20)]
    return mesh_object("Pip-catchlights", np.array(points), faces, [slots["catchlight"]], subdivide=0)


def teeth(name: str, upper: bool, lip_line: np.ndarray, slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """A row of twelve rounded teeth on a gum behind the lips; `lip_line` [3] is the middle of the closed lips."""
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
    size = len(section)
    faces = grid_faces(stations, size, closed=True, flip=upper)
    indices = [1 if 3 <= i % size <= 5 else 0 for i in range(len(faces))]
    return mesh_object(name, np.array(points), faces, [slots["teeth"], slots["gums"]], indices)


def tongue(lip_line: np.ndarray,
           slots: dict[str, bpy.types.Material]) -> tuple[bpy.types.Object, dict[str, np.ndarray]]:
    """The tongue and the displacements of its keys."""
    stations, around = 14, 12
    points, along = [], []
    for k in range(stations):
        t = k / (stations - 1)
        width = 0.150 * np.sqrt(max(1 - (max(t - 0.45, 0) / 0.55) ** 2.2, 0.0)) + 0.004
        thick = 0.050 * np.sqrt(max(1 - t**3, 0.0)) + 0.004
        for a in np.arange(around) / around * 2 * np.pi:
            dip = 0.014 * np.exp(-((np.cos(a) / 0.35) ** 2)) * (np.sin(a) > 0) * (1 - t * 0.5)
            points.append([width * np.cos(a), lip_line[1] + 0.60 - 0.445 * t,
                           lip_line[2] - 0.085 - 0.02 * (1 - t) + thick * np.sin(a) - dip])
            along.append(t)
    faces = grid_faces(stations, around, closed=True)
    faces += [tuple(range(around))[::-1], tuple((stations - 1) * around + i for i in range(around))]
    t = np.array(along)
    points = np.array(points)
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
    return mesh_object("Pip-tongue", points, faces, [slots["tongue"]]), keys


def ears(slots: dict[str, bpy.types.Material]) -> bpy.types.Object:
    """Both ears: a dish with a raised rim."""
    # radius of the ring, rise out of the head
    profile = ((0.02, 0.030), (0.30, 0.020), (0.52, 0.030), (0.68, 0.085), (0.84, 0.110), (0.97, 0.085), (1.0, 0.04),
               (0.92, -0.05), (0.75, -0.10))
    around = 28
    points, faces = [], []
    for sign in (1, -1):
        start = len(points)
        centre = np.array([0.965 * sign, 0.06, -0.10])
        out = np.array([0.86 * sign, -0.42, 0.05])
        out /= np.linalg.norm(out)
        up = np.array([0.10 * sign, 0.16, 1.0])
        back = np.cross(up, out) * sign
        back, up = back / np.linalg.norm(back), up / np.linalg.norm(up)
        rows = []
        for radius, rise in profile:
            row = []
            for a in np.arange(around) / around * 2 * np.pi:
                tall = 0.27 * (1 + 0.06 * np.sin(a)) * np.sin(a)
                wide = 0.185 * np.cos(a) * (1 + 0.24 * np.sin(a))
                lobe = 0.6 if np.sin(a) < -0.75 and 0.6 < radius < 1 else 1.0
                front = 0.45 if np.cos(a) < -0.45 and radius > 0.4 else 1.0
                points.append(centre + (back * wide + up * tall) * radius + out * rise * lobe * front)
                row.append(len(points) - 1)
            rows.append(row)
        grid = grid_faces(len(rows), around, closed=True, flip=sign < 0)
        faces += [tuple(start + v for v in f) for f in grid]
    return mesh_object("Pip-ears", np.array(points), faces, [slots["skin"]])


def body(armature: bpy.types.Object, slots: dict[str, bpy.types.Material]) -> list[bpy.types.Object]:
    """Neck (bends with the head) and shirt."""
    around = 36
    turn = np.arange(around) / around * 2 * np.pi

    def loft(rows: list[tuple[float, ...]], square: float = 2.0) -> np.ndarray:
        points = []
        for z, x, y, middle in rows:
            across, along = (np.sign(v) * np.abs(v) ** (2 / square) for v in (np.cos(turn), np.sin(turn)))
            points.append(np.stack([x * across, middle + y * along, np.full(around, z)], axis=1))
        return np.concatenate(points)

    rows = [(-0.72, 0.24, 0.24, 0.02), (-0.84, 0.28, 0.27, 0.06), (-0.96, 0.295, 0.29, 0.11), (-1.08, 0.30, 0.30, 0.14),
            (-1.25, 0.315, 0.32, 0.16),
            (-1.42, 0.40, 0.38, 0.16), (-1.60, 0.52, 0.44, 0.16)]
    points = loft(rows)
    neck = mesh_object("Pip-neck", points, grid_faces(len(rows), around, closed=True, flip=True), [slots["skin"]])
    head = smoothstep(points[:, 2], -1.30, -0.80)
    for name, weights in (("CTRL-head", head), ("neck", 1 - head)):
        group = neck.vertex_groups.new(name=name)
        for i, weight in enumerate(weights):
            group.add([i], float(weight), "REPLACE")
    bend = neck.modifiers.new("Armature", "ARMATURE")
    bend.object = armature
    neck.parent = armature
    shirt_rows = [(-1.36, 0.40, 0.38, 0.15), (-1.33, 0.46, 0.45, 0.15), (-1.40, 0.52, 0.49, 0.15),
                  (-1.47, 0.62, 0.52, 0.15), (-1.56, 0.80, 0.55, 0.15), (-1.68, 0.98, 0.58, 0.15),
                  (-1.84, 1.10, 0.60, 0.14), (-2.05, 1.16, 0.62, 0.13),
                  (-2.30, 1.18, 0.63, 0.12), (-2.60, 1.18, 0.63, 0.12)]
    faces = grid_faces(len(shirt_rows), around, closed=True, flip=True)
    indices = [1 if i // around in (0, 1, 5) else 0 for i in range(len(faces))]
    shirt = mesh_object("Pip-shirt", loft(shirt_rows, 2.2), faces, [slots["shirt"], slots["stripe"]], indices)
    return [neck, shirt]
