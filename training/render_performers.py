"""Pictures of ICT-FaceKit people with exact coefficients, by moderngl on EGL (no window, no GPU needed).

Mesh parts by vertex range as in the data's README; tear film, eye blend and eye occlusion are left out. The eyeballs
turn with `performers.gaze_of`; irises, brows, lips, hair, stubble and shirt are painted by the fragment shader.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import moderngl
import numpy as np

from addon.core.frames import head_rotation
from training.appearance import Appearance
from training.performers import SHAPES, TONGUE_OUT, Person, Shot, gaze_of, shared_folder
from training.photograph import photograph
from training.tongue import tongue_out
from training.wardrobe import Wardrobe, rectangle

_HERE = Path(__file__).parent
# Vertex ranges: part number of the fragment shader → (first, last + 1).
_PARTS: dict[int, tuple[tuple[int, int], ...]] = {
    0: ((0, 11248), (13294, 14062)), 1: ((11248, 13294),), 2: ((14062, 17039),), 3: ((17039, 21451),),
    4: ((21451, 22221), (23021, 23791)), 5: ((25351, 26719),),
}
_EYEBALLS = _PARTS[4]
_FACE_VERTICES = 9409
_CENTRE = np.array([0.0, 1.0, 8.0])
"""What the camera aims at, cm: between the eyes and the mouth."""
_OUTER_EYES_CM = 8.92
_NECK_CM = -11.3
"""Below is the shirt."""


class FaceModel:
    """ICT-FaceKit's geometry: identity and expression to vertices, and vertex normals."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or shared_folder() / "data" / "ict_facekit" / "ict_facekit.npz"
        with np.load(path) as data:
            self.neutral = data["neutral_vertices"]
            self.faces = data["faces"]
            self.landmarks = data["landmark_vertices"]
            self._expressions = data["expression_deltas"].astype(np.float32).reshape(SHAPES, -1)
            self._tongue = tongue_out(self.neutral)
            self._identities = data["identity_deltas"].astype(np.float32).reshape(len(data["identity_deltas"]), -1)
        corners = np.where(self.faces < 0, self.faces[:, :1], self.faces)
        order = np.argsort(corners.ravel(), kind="stable")
        self._corners, self._face_of = corners, order // 4
        used, self._starts = np.unique(corners.ravel()[order], return_index=True)
        self._used = used

    def person(self, identity: np.ndarray) -> np.ndarray:
        """Resting vertices float32 [V, 3], cm, of identity weights [100]."""
        return self.neutral + (identity @ self._identities).reshape(-1, 3)

    def expression(self, values: np.ndarray) -> np.ndarray:
        """Displacement float32 [V, 3], cm, of coefficients [54]."""
        active = np.flatnonzero(values[:SHAPES])
        moved = (values[active] @ self._expressions[active]).reshape(-1, 3)
        return moved + values[TONGUE_OUT] * self._tongue if values[TONGUE_OUT] > 0 else moved

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Unit normals float32 [V, 3], the mean over the faces around each vertex, weighted by area."""
        a, b, c, d = (np.take(vertices, self._corners[:, i], axis=0) for i in range(4))
        across, along = c - a, d - b
        face = np.empty_like(across)
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            face[:, i] = across[:, j] * along[:, k] - across[:, k] * along[:, j]
        normal = np.zeros_like(vertices)
        normal[self._used] = np.add.reduceat(np.take(face, self._face_of, axis=0), self._starts, axis=0)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


def _inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Signed distance [N] of points [N, 2] to a closed polygon [M, 2], positive inside."""
    start, end = polygon, np.roll(polygon, -1, axis=0)
    edge = end - start
    offset = points[:, None] - start
    along = np.clip((offset * edge).sum(-1) / (edge**2).sum(-1), 0, 1)
    distance = np.linalg.norm(offset - along[..., None] * edge, axis=-1).min(1)
    above = (start[:, 1] > points[:, 1:2]) != (end[:, 1] > points[:, 1:2])
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = points[:, 0:1] < edge[:, 0] * (points[:, 1:2] - start[:, 1]) / edge[:, 1] + start[:, 0]
    return np.where((above & crossing).sum(1) % 2 == 1, distance, -distance)


class Paint:
    """Where lips, brows, hair, stubble and the tips of the lashes are on the mean face, per vertex."""

    def __init__(self, model: FaceModel) -> None:
        rest, marks = model.neutral, model.neutral[model.landmarks]
        self._rest, count = rest, len(rest)
        face = np.arange(count) < _FACE_VERTICES
        self.lips = np.full(count, -9.0, np.float32)
        near = face & (rest[:, 2] > 8) & (np.abs(rest[:, 0]) < 4) & (rest[:, 1] > -6.5) & (rest[:, 1] < -1)
        self.lips[near] = _inside(rest[near][:, :2], marks[48:60, :2])
        self._brow_vertices = np.flatnonzero(face & (rest[:, 1] > 3.8) & (rest[:, 1] < 8.5) & (rest[:, 2] > 6))
        self._brow_line = marks[22:27, :2]
        self.cavity = self._cavity(model)
        x, y, z = rest.T
        below = np.clip((-1.2 - y + 0.25 * np.clip(np.abs(x) - 3, 0, None)) / 1.2, 0, 1)
        self.stubble = np.where(face, below * np.clip((y + 11.5) / 3, 0, 1) * np.clip((z - 2) / 3, 0, 1), 0)
        self._scalp = np.arange(count) < 11248
        self.lashes = np.zeros(count, np.float32)
        (first, last), = _PARTS[5]
        lids = rest[face & (z > 7.5) & (y > 1.5) & (y < 5.5)]
        self.lashes[first:last] = [np.linalg.norm(lids - hair, axis=1).min() for hair in rest[first:last]]
        self.lashes /= self.lashes.max()

    @staticmethod
    def _cavity(model: FaceModel) -> np.ndarray:
        """How hollow the skin is, 0 flat; hollows get less light."""
        rest, normals = model.neutral, model.normals(model.neutral)
        total, around = np.zeros_like(rest), np.zeros(len(rest))
        corners = model._corners
        for i in range(4):
            for j in ((i + 1) % 4, (i + 3) % 4):
                np.add.at(total, corners[:, i], rest[corners[:, j]])
                np.add.at(around, corners[:, i], 1)
        mean = total / np.maximum(around, 1)[:, None]
        hollow = ((mean - rest) * normals).sum(1)
        return np.clip(hollow * 6, -0.05, 0.75).astype(np.float32)

    def brows(self, thickness: float, lift: float, tilt: float) -> np.ndarray:
        """cm inside the brows [V]."""
        points = self._rest[self._brow_vertices][:, :2].copy()
        points[:, 0] = np.abs(points[:, 0])
        line = self._brow_line + np.array([0.1, lift - 0.12])
        line[:, 1] += (line[:, 0] - line[0, 0]) * tilt
        width = thickness * np.array([0.85, 1.05, 1.0, 0.75, 0.3])
        best = np.full(len(points), -9.0)
        for i in range(4):
            edge = line[i + 1] - line[i]
            along = np.clip(((points - line[i]) @ edge) / (edge @ edge), 0, 1)
            distance = np.linalg.norm(points - line[i] - along[:, None] * edge, axis=1)
            best = np.maximum(best, width[i] * (1 - along) + width[i + 1] * along - distance)
        inside = np.full(len(self._rest), -9.0, np.float32)
        inside[self._brow_vertices] = best
        return inside

    def hair(self, hairline: float) -> np.ndarray:
        """cm inside the hair [V]."""
        x, y, z = self._rest.T
        side = np.abs(x)
        front = y - 10.2 - hairline + 0.035 * side**2 - np.clip(3.2 - side, 0, None) * 0.1
        back = (y + 3.5) - np.clip(z + 1.5, 0, None) * 2.2
        temple = np.minimum(y - 3.2, 4.4 - z + np.clip(y - 5, 0, None) * 1.1)
        inside = np.maximum(front, np.minimum(back, 4.5 - z))
        inside = np.maximum(inside, np.minimum(temple, 1.2))
        ear = np.maximum(np.maximum(np.abs(y - 2.2) - 4.0, np.abs(z - 1.0) - 2.9), 7.6 - side)
        return np.where(self._scalp, np.minimum(inside, ear), -9).astype(np.float32)


class FaceRenderer:
    """Draws a Person in a Shot."""

    def __init__(self, size: int = 320, model: FaceModel | None = None) -> None:
        self.model = model or FaceModel()
        self.paint = Paint(self.model)
        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        vertex, paint = ((_HERE / f"performer_{name}.glsl").read_text() for name in ("vertex", "fragment"))
        surface = (_HERE / "performer_surface.glsl").read_text()
        self._surface: Any = self._context.program(vertex_shader=vertex, fragment_shader=surface)
        self._lashes: Any = self._context.program(vertex_shader=vertex, fragment_shader=paint)
        self._seen: Any = self._context.program(
            vertex_shader="#version 330\nin vec2 at; void main() { gl_Position = vec4(at, 1.0, 1.0); }",
            fragment_shader=paint.replace("\n", "\n#define SEEN\n", 1),
        )
        self._seen["surface"].value = 0, 1, 2, 3
        self._wardrobe = Wardrobe(
            self._context, self._surface, vertex, paint, self.model.neutral, self.model.landmarks)
        self._uniforms: dict[str, list[Any]] = {}
        for program in (self._surface, self._lashes, self._seen, self._wardrobe.seen, self._wardrobe.glass):
            for name in program:
                self._uniforms.setdefault(name, []).append(program[name])
        self._size = size
        depth = self._context.depth_renderbuffer((size, size))
        self._layers = [self._context.texture((size, size), 4, dtype="f4") for _ in range(4)]
        self._front = self._context.framebuffer(self._layers, depth)
        self._target = self._context.framebuffer([self._context.renderbuffer((size, size), 4)], depth)
        self._buffers: dict[str, Any] = {}
        self._arrays = self._vertex_arrays()
        self._person: Person | None = None
        self._rest = self._hair_volume = self.model.neutral
        self._eyes: list[np.ndarray] = []

    def _vertex_arrays(self) -> dict[int, Any]:
        count = len(self.model.neutral)
        for name, width in (("place", 3), ("normal", 3), ("rest", 3), ("paint", 4), ("marks", 2)):
            self._buffers[name] = self._context.buffer(reserve=count * width * 4, dynamic=True)
        layout = [(self._buffers[name], f"{width}f", name)
                  for name, width in (("place", 3), ("normal", 3), ("rest", 3), ("paint", 4), ("marks", 2))]
        faces = self.model.faces
        quads = faces[:, 3] >= 0
        # Halves of a quad beside each other: only vertices used a moment ago need no new computing. Not for the lashes,
        # where the order is seen.
        near = np.stack([faces[:, :3], faces[:, [0, 2, 3]]], 1)[np.stack([quads | True, quads], 1)]
        apart = np.concatenate([faces[:, :3], faces[quads][:, [0, 2, 3]]])
        arrays = {}
        for part, ranges in _PARTS.items():
            inside = np.zeros(count, bool)
            for first, last in ranges:
                inside[first:last] = True
            triangles, program = (apart, self._lashes) if part == 5 else (near, self._surface)
            chosen = triangles[inside[triangles].all(1)].astype(np.int32)
            arrays[part] = self._context.vertex_array(
                program, layout, self._context.buffer(chosen.tobytes()), skip_errors=True)
            if part == 0:  # a worn shirt takes the place of the painted one
                chosen = chosen[(self.model.neutral[chosen, 1] > _NECK_CM).any(1)]
                self._bare = self._context.vertex_array(
                    program, layout, self._context.buffer(chosen.tobytes()), skip_errors=True)
        self._whole = rectangle(self._context, self._seen)
        return arrays

    def _set(self, name: str, value: float | np.ndarray) -> None:
        """Hand a number, vector or matrix to every program that uses it."""
        data = np.asarray(value, np.float32).T.tobytes()
        for uniform in self._uniforms[name]:
            uniform.write(data)

    def render(self, person: Person, shot: Shot, appearance: Appearance | None = None) -> np.ndarray:
        """uint8 [size, size, 3] BGR; an `appearance` adds what real footage has."""
        if person is not self._person:
            self._dress(person)
        self._pose(shot, 1.0 if appearance is None else appearance.hair_volume)
        self._light(shot)
        if appearance is not None:
            self._wardrobe.dress(appearance, person, shot, self._rest)
        self._front.color_mask = [(False,) * 4] * 4  # old colours are never looked at: only the depth needs clearing
        self._front.clear()
        self._front.color_mask = [(True,) * 4] * 4
        self._front.use()
        self._context.enable_only(moderngl.DEPTH_TEST)
        for part in (0, 1, 2, 3, 4):
            self._surface["part"].value = part
            (self._arrays[part] if part or appearance is None else self._bare).render()
        if appearance is not None:
            self._wardrobe.draw_worn()
        self._target.depth_mask = False
        self._target.clear(0, 0, 0, 0)
        self._target.use()
        for place, layer in enumerate(self._layers):
            layer.use(place)
        self._context.depth_func = ">"  # the rectangle is farthest away: it is drawn where something is before it
        (self._whole if appearance is None else self._wardrobe.whole).render()
        self._context.depth_func, self._target.depth_mask = "<", True
        self._context.enable(moderngl.BLEND)
        self._context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE  # type: ignore
        self._arrays[5].render()
        if appearance is not None:
            self._wardrobe.draw_glass()
        pixels = np.frombuffer(self._target.read(components=4), np.uint8).reshape(self._size, self._size, 4)[::-1]
        return _develop(pixels, shot) if appearance is None else photograph(pixels, shot, appearance)

    def project(self, vertices: np.ndarray, shot: Shot) -> np.ndarray:
        """Where places of the resting head's space are in the picture that `render` makes of `shot`.

        vertices [n, 3] cm, as `FaceModel.person` and `FaceModel.expression` give them → float [n, 3]: px right and down
        (whole numbers are the middles of pixels), and depth in the same scale, 0 at the middle of the face and growing
        away from the camera.
        """
        seen = (vertices - _CENTRE) @ head_rotation(shot.head).T
        scale = self._size / shot.size * shot.face_px / _OUTER_EYES_CM
        nearer = scale * shot.distance_cm / (shot.distance_cm - seen[:, 2])
        middle = self._size * (0.5 + np.asarray(shot.offset)) - 0.5
        return np.stack([middle[0] + nearer * seen[:, 0], middle[1] - nearer * seen[:, 1], -scale * seen[:, 2]], 1)

    def _dress(self, person: Person) -> None:
        """Geometry and paint of a new person."""
        look, paint = person.look, self.paint
        self._person, self._rest = person, self.model.person(person.identity)
        hair = paint.hair(look.hairline_cm)
        normals = self.model.normals(self._rest)
        self._hair_volume = normals * (np.clip(hair / 2.5, 0, 1) * look.hair_thickness_cm)[:, None].astype(np.float32)
        brows = paint.brows(look.brow_thickness_cm, look.brow_lift_cm, look.brow_tilt)
        columns = np.stack([paint.lips, brows, hair, paint.cavity], 1).astype(np.float32)
        self._buffers["paint"].write(columns.tobytes())
        marks = np.stack([paint.stubble, paint.lashes], 1).astype(np.float32)
        self._buffers["marks"].write(marks.tobytes())
        rest = self.model.neutral.copy()
        self._eyes.clear()
        for first, last in _EYEBALLS:
            ball = self._rest[first:last]
            centre = (ball.min(0) + ball.max(0)) / 2
            forward = ball[ball[:, 2].argmax()] - centre
            forward /= np.linalg.norm(forward)
            self._eyes.append(centre)
            rest[first:last] = (ball - centre) @ _to_z(forward).T
        self._buffers["rest"].write(rest.astype(np.float32).tobytes())
        for name in ("skin", "lips", "hair", "brows", "iris", "shirt"):
            self._set(name, getattr(look, name))
        for name in ("lip_opacity", "brow_opacity", "lash_opacity", "stubble", "blush", "roughness", "gloss",
                     "iris_radius", "pupil", "wrinkles", "seed"):
            self._set(name, getattr(look, name))

    def _pose(self, shot: Shot, hair_volume: float) -> None:
        """Vertices of the expression and the camera."""
        values = shot.coefficients
        vertices = self._rest + self.model.expression(values) + self._hair_volume * np.float32(hair_volume)
        normals = self.model.normals(vertices)
        for (first, last), centre, (yaw, pitch) in zip(_EYEBALLS, self._eyes, gaze_of(values), strict=True):
            turn = head_rotation(np.array([yaw, pitch, 0])).astype(np.float32)
            vertices[first:last] = (self._rest[first:last] - centre) @ turn.T + centre
            normals[first:last] = normals[first:last] @ turn.T
        self._buffers["place"].write(vertices.astype(np.float32).tobytes())
        self._buffers["normal"].write(normals.astype(np.float32).tobytes())
        turn = head_rotation(shot.head)
        place = np.eye(4)
        place[:3, :3], place[:3, 3] = turn, -turn @ _CENTRE
        place[2, 3] -= shot.distance_cm
        focal = 2 * shot.face_px * shot.distance_cm / _OUTER_EYES_CM / shot.size
        near, far = max(shot.distance_cm - 40, 2.0), shot.distance_cm + 60
        lens = np.zeros((4, 4))
        lens[0, 0] = lens[1, 1] = focal
        lens[0, 2], lens[1, 2] = -2 * shot.offset[0], 2 * shot.offset[1]
        lens[2] = [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)]
        lens[3, 2] = -1
        self._set("clip_from_head", lens @ place)
        self._set("camera_from_head", turn)
        self._set("camera_from_head_place", place[:3])

    def _light(self, shot: Shot) -> None:
        for name in ("key_direction", "key_colour", "ambient", "fill", "exposure"):
            self._set(name, getattr(shot, name))
        self._set("tongue", shot.coefficients[TONGUE_OUT])
        at = dict(zip(_CREASED, (shot.coefficients[list(i)].max() for i in _CREASED.values()), strict=True))
        self._set("creases", np.array([at[name] for name in _CREASED]))


# Which coefficients fold the skin where; positions in core.coefficients.NAMES.
_CREASED = {"forehead": (2, 3, 4, 5), "frown": (0, 1), "nose": (51, 52), "feet": (8, 9, 20, 21, 45, 46)}


def _to_z(forward: np.ndarray) -> np.ndarray:
    """Rotation [3, 3] that takes the unit vector `forward` to +z."""
    x = np.cross([0.0, 1.0, 0.0], forward)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(forward, x), forward])


def backdrop(seed: int, size: int) -> np.ndarray:
    """uint8 [size, size, 3]: a blurred room; a soft grey-blue studio for a negative seed."""
    random = np.random.default_rng(abs(seed))
    if seed < 0:
        y, x = np.mgrid[:size, :size] / size - 0.5
        glow = np.exp(-((x + 0.1) ** 2 + (y - 0.05) ** 2) / 0.35)[..., None]
        return (np.array([96, 84, 74]) + glow * np.array([90, 86, 80])).astype(np.uint8)
    coarse = random.integers(0, 256, (*random.integers(2, 7, 2), 3)).astype(np.float32)
    coarse = coarse.mean(-1, keepdims=True) * 0.65 + coarse * 0.35
    tone, spread = random.uniform(20, 230), random.uniform(0.1, 0.9)
    picture = cv2.resize(tone + (coarse - 128) * spread, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(random.integers(0, 5)):
        corner, far = random.integers(0, size, 2), random.integers(0, size, 2)
        colour = tuple(float(v) for v in np.clip(random.uniform(0, 255) + random.uniform(-30, 30, 3), 0, 255))
        cv2.rectangle(picture, tuple(map(int, corner)), tuple(map(int, far)), colour, -1)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), random.uniform(1, 9)), 0, 255).astype(np.uint8)


def _develop(pixels: np.ndarray, shot: Shot) -> np.ndarray:
    """RGBA of the head → a photograph: backdrop, lens blur, sensor noise, JPEG."""
    size = len(pixels)
    alpha = pixels[..., 3:].astype(np.float32) / 255
    picture = pixels[..., 2::-1] * alpha + backdrop(shot.background, size) * (1 - alpha)
    if shot.blur_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), shot.blur_px)
    if shot.noise > 0:
        random = np.random.default_rng(abs(shot.background))
        picture = picture + random.standard_normal(picture.shape, np.float32) * shot.noise
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if shot.jpeg:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture
