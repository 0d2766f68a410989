"""Draws made people before a camera, by moderngl on EGL: whole figure, face and hands of one scene, and its depth."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import moderngl
import numpy as np

from addon.core import coefficients
from addon.core.body_motion import JOINT

from .body_meshes import BodyMesh, mesh_of
from .body_people import BODY_BONES, BONES, PATTERNS, SIDES, BodyPerson, hands_of, joints_of, pose_bones

_HERE: Final = Path(__file__).parent
PICTURE, FACE, HAND, DEPTH = 128, 64, 48, 64
"""px, sides of what is drawn."""
_FINER: Final = 2
"""Pictures are drawn so many times as large and made smaller."""
TO_CAMERA: Final = np.diag([1.0, -1.0, -1.0])
"""The body's frame (left, up, front) → the camera's (right, down, away), of a person who faces it."""
_NEAR, _FAR = 0.2, 60.0
_ATTRIBUTES: Final = (("place", 3), ("normal", 3), ("at", 3), ("paint", 3), ("part", 1), ("bones", 4), ("weights", 4))
_HEAD: Final = JOINT["head"]
_KEPT: Final = 240
"""Meshes of people who were drawn lately."""


@dataclass(frozen=True)
class BodyPose:
    """What a body does; whoever does it."""

    rotations: np.ndarray
    """float32 [22, 3, 3], each joint against the one above; the pelvis's against a person who faces the camera."""
    fingers: np.ndarray
    """float32 [2, 15, 3, 3]."""
    coefficients: np.ndarray
    """float32 [54]."""


@dataclass(frozen=True)
class BodyShot:
    """Camera, light and background of one picture."""

    distance: float
    """Camera to pelvis, in the person's heights."""
    from_hips: bool
    """Not the whole figure, but from the hips up."""
    filled: float
    """Share of the picture's side that the figure takes up."""
    offset: tuple[float, float]
    """Of the figure from the middle, share of the free room."""
    crops: np.ndarray
    """[3, 3]: of face, left and right hand: aside, down (shares of the side), size."""
    key_direction: np.ndarray
    """[3], of length 1: from the figure to the light, in the camera's frame."""
    key_colour: np.ndarray
    """[3] RGB, as the light from above and below is."""
    sky: np.ndarray
    ground: np.ndarray
    fill: float
    """How much the other side is lit, as a share of the key."""
    exposure: float
    noise: float
    """Standard deviation, of 255."""
    background: int
    """Seed of the backdrop and of the noise."""


@dataclass(frozen=True)
class BodyPicture:
    """What was drawn, and what is true of it."""

    picture: np.ndarray
    """uint8 [128, 128, 3] RGB."""
    face: np.ndarray
    """uint8 [64, 64, 3]."""
    hands: tuple[np.ndarray, np.ndarray]
    """uint8 [48, 48, 3], left and right."""
    joints: np.ndarray
    """float32 [22, 3] m in the camera's frame (right, down, away), the pelvis at 0."""
    hand_points: np.ndarray
    """float32 [2, 21, 3] m, each wrist at 0."""
    points: np.ndarray
    """float32 [22, 2] px in the picture; whole numbers are the middles of pixels."""
    depth: np.ndarray
    """float16 [64, 64] m from the pelvis's plane, NaN = background."""


def random_body_shot(random: np.random.Generator) -> BodyShot:
    """A camera and a light somewhere; most figures are whole."""
    key = np.array([random.uniform(-1.1, 1.1), random.uniform(-1.2, 0.1), random.uniform(-1.2, -0.4)])
    warm = random.uniform(-0.12, 0.12)
    ambient = random.uniform(0.25, 0.5)
    crops = random.uniform(-0.06, 0.06, (3, 3)) + (0, 0, 1.0)
    return BodyShot(
        distance=random.uniform(1.6, 4.0), from_hips=random.random() < 0.3, filled=random.uniform(0.78, 0.97),
        offset=(random.uniform(-1, 1), random.uniform(-1, 1)), crops=crops, key_direction=key / np.linalg.norm(key),
        key_colour=np.array([1 + warm, 1, 1 - warm]) * random.uniform(0.6, 1.05),
        sky=ambient * np.array([1 - warm, 1, 1 + warm]), ground=ambient * random.uniform(0.4, 0.8) * np.ones(3),
        fill=random.uniform(0.05, 0.35), exposure=random.uniform(0.85, 1.2),
        noise=float(random.choice([0.0, 1.5, 4.0])),
        background=int(random.integers(1 << 31)),
    )


class BodyStage:
    """Draws a BodyPerson in a BodyPose as a BodyShot sees it; so many times `larger` for pages to look at."""

    def __init__(self, larger: int = 1) -> None:
        self._context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        names = "".join(f"#define {name} {i}\n" for i, name in enumerate(coefficients.NAMES))
        vertex, fragment = (
            (_HERE / f"body_{name}.glsl").read_text().replace("\n", f"\n#define BONES {BONES}\n{names}", 1)
            for name in ("vertex", "fragment")
        )
        self._program: Any = self._context.program(vertex_shader=vertex, fragment_shader=fragment)
        self._targets: dict[int, Any] = {}
        self._larger = larger
        for size in (PICTURE, FACE, HAND):
            wide = _FINER * larger * size
            self._targets[size] = self._context.framebuffer(
                [self._context.renderbuffer((wide, wide), 4)], self._context.depth_renderbuffer((wide, wide)))
        self._meshes: dict[int, tuple[Any, list[Any]]] = {}
        self._dressed: BodyPerson | None = None

    def draw(self, person: BodyPerson, pose: BodyPose, shot: BodyShot) -> BodyPicture:
        """The person's pictures and what is true of them."""
        matrices = np.tile(np.eye(4), (BONES, 1, 1))
        posed = pose_bones(person, pose.rotations, pose.fingers)
        matrices[:, :3] = TO_CAMERA @ posed[:, :3]
        away = np.array([0, 0, shot.distance * person.height])
        matrices[:, :3, 3] += away
        joints, hands = joints_of(person, matrices), hands_of(person, matrices)
        focal, middle = _framed(person, matrices, joints, hands, shot)
        self._dress(person)
        self._light(shot)
        self._set("bone", np.swapaxes(matrices, 1, 2))
        self._set("c", pose.coefficients)
        room = _room(shot.background, (middle[1] + focal * _floor(joints) / away[2]) / PICTURE)

        def cut(target: int, centre: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
            pixels, depth = self._shoot(person, target, focal, middle, centre - side / 2, side)
            return _developed(pixels, _behind(room, centre - side / 2, side, len(pixels)), shot), depth

        picture, depth = cut(PICTURE, np.full(2, PICTURE / 2), PICTURE)
        centre, side = _around_head(person, matrices, focal, middle)
        face, _ = cut(FACE, centre + side * shot.crops[0, :2], side * shot.crops[0, 2])
        both = []
        for i in range(len(SIDES)):
            centre, side = _around_hand(person, hands[i], focal, middle)
            both.append(cut(HAND, centre + side * shot.crops[1 + i, :2], side * shot.crops[1 + i, 2])[0])
        points = focal * joints[:, :2] / joints[:, 2:] + middle - 0.5
        return BodyPicture(
            picture, face, (both[0], both[1]), (joints - joints[:1]).astype(np.float32),
            (hands - hands[:, :1]).astype(np.float32), points.astype(np.float32), _metres(depth, away[2]),
        )

    def _set(self, name: str, value: float | np.ndarray) -> None:
        self._program[name].write(np.ascontiguousarray(value, np.float32).tobytes())

    def _dress(self, person: BodyPerson) -> None:
        """Mesh and paint of a person."""
        if person is self._dressed:
            return
        if person.seed not in self._meshes:
            if len(self._meshes) >= _KEPT:
                _, parts = self._meshes.pop(next(iter(self._meshes)))
                for each in parts:
                    each.release()
            self._meshes[person.seed] = self._upload(mesh_of(person))
        look, face = person.look, person.face
        for name in ("skin", "lips", "hair", "brows", "iris"):
            self._set(name, getattr(look, name))
        for name in ("eye_height", "eye_apart", "eye_size", "brow_height", "brow_width", "mouth_height", "mouth_width",
                     "beard", "glasses"):
            self._set(name, getattr(face, name))
        self._set("lip_size", face.lips)
        self._set("eye_tall", np.clip(0.52 + 0.42 * (person.shape["eyes"] - 0.9), 0.5, 1.0))
        self._set("head_height", person.head_height)
        self._set("clothes", person.clothes.colours)
        self._program["pattern"].value = max(0, PATTERNS.index(person.clothes.pattern) - 1)
        self._dressed = person

    def _upload(self, mesh: BodyMesh) -> tuple[Any, list[Any]]:
        columns = {"place": mesh.places, "normal": mesh.normals, "at": mesh.at, "paint": mesh.paint, "part": mesh.part,
                   "bones": mesh.bones, "weights": mesh.weights}
        rows = np.concatenate([columns[name].reshape(len(mesh.places), width) for name, width in _ATTRIBUTES], 1)
        vertices = self._context.buffer(rows.astype(np.float32).tobytes())
        triangles = self._context.buffer(mesh.triangles.tobytes())
        layout = " ".join(f"{width}f" for _, width in _ATTRIBUTES)
        names = [name for name, _ in _ATTRIBUTES]
        array = self._context.vertex_array(self._program, [(vertices, layout, *names)], triangles, skip_errors=True)
        return array, [array, vertices, triangles]

    def _light(self, shot: BodyShot) -> None:
        for name in ("key_direction", "key_colour", "sky", "ground", "fill", "exposure"):
            self._set(name, getattr(shot, name))

    def _shoot(
        self, person: BodyPerson, target: int, focal: float, middle: np.ndarray, corner: np.ndarray, side: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """RGBA [n, n, 4] and the depth buffer [n, n] of a square of the picture, in px of it."""
        zoom, shift = 2 * focal / side, 2 * (middle - corner) / side - 1
        camera = np.array([
            [zoom, 0, shift[0], 0], [0, -zoom, -shift[1], 0],
            [0, 0, (_FAR + _NEAR) / (_FAR - _NEAR), -2 * _FAR * _NEAR / (_FAR - _NEAR)], [0, 0, 1, 0],
        ])
        self._set("camera", camera.T)
        buffer = self._targets[target]
        buffer.use()
        buffer.clear(0, 0, 0, 0)
        self._context.enable_only(moderngl.DEPTH_TEST)
        self._meshes[person.seed][0].render()
        wide = _FINER * self._larger * target
        pixels = np.frombuffer(buffer.read(components=4), np.uint8).reshape(wide, wide, 4)[::-1]
        if target != PICTURE:
            return pixels, np.empty(0)
        depth = np.frombuffer(buffer.read(attachment=-1, components=1, dtype="f4"), np.float32)
        return pixels, depth.reshape(wide, wide)[::-1]


def _framed(
    person: BodyPerson, matrices: np.ndarray, joints: np.ndarray, hands: np.ndarray, shot: BodyShot
) -> tuple[float, np.ndarray]:
    """Focal length px and the principal point px that put the figure into the picture as the shot says."""
    seen = np.concatenate([joints, hands.reshape(-1, 3), _head_box(person, matrices)])
    if shot.from_hips:
        seen = np.concatenate([joints[[0, 1, 2, 3]], joints[9:], hands.reshape(-1, 3), _head_box(person, matrices)])
        seen = seen[seen[:, 1] < joints[0, 1] + 0.08 * person.height]
    plane = seen[:, :2] / seen[:, 2:]
    around = 0.05 * person.height / joints[0, 2]
    low, high = plane.min(0) - around, plane.max(0) + around
    focal = float(shot.filled * PICTURE / (high - low).max())
    free = np.maximum(PICTURE - focal * (high - low), 0)
    place = PICTURE / 2 + 0.5 * free * np.array(shot.offset)
    if shot.from_hips:
        place[1] = PICTURE - focal * (high - low)[1] / 2
    return focal, place - focal * (low + high) / 2


def _head_box(person: BodyPerson, matrices: np.ndarray) -> np.ndarray:
    """Places around the head: [8, 3]."""
    chin = person.height - person.head_height
    corners = np.array([(x, y, z) for x in (-0.4, 0.4) for y in (0, 1.08) for z in (-0.45, 0.45)])
    rest = np.array([0, chin, person.rest[_HEAD, 2]]) + person.head_height * corners
    return rest @ matrices[_HEAD, :3, :3].T + matrices[_HEAD, :3, 3]


def _around_head(
    person: BodyPerson, matrices: np.ndarray, focal: float, middle: np.ndarray
) -> tuple[np.ndarray, float]:
    """Middle and side, px, of the square that shows the face."""
    head = person.head_height
    rest = np.array([0, person.height - 0.52 * head, person.rest[_HEAD, 2] + 0.1 * head])
    place = matrices[_HEAD, :3, :3] @ rest + matrices[_HEAD, :3, 3]
    return focal * place[:2] / place[2] + middle, float(1.15 * head * focal / place[2])


def _around_hand(
    person: BodyPerson, hand: np.ndarray, focal: float, middle: np.ndarray
) -> tuple[np.ndarray, float]:
    """Middle and side, px, of the square that shows a hand of points [21, 3]."""
    flat = focal * hand[:, :2] / hand[:, 2:] + middle
    low, high = flat.min(0), flat.max(0)
    length = person.shape["hands"] * (person.height - person.head_height) * focal / hand[0, 2]
    return (low + high) / 2, float(max(1.22 * (high - low).max(), 0.95 * length))


def _floor(joints: np.ndarray) -> float:
    """How far below the camera's axis the lower foot is, m."""
    return float(joints[:BODY_BONES, 1].max())


def _metres(depth: np.ndarray, pelvis: float) -> np.ndarray:
    """The depth buffer as metres from the pelvis's plane, float16 [64, 64], NaN where nothing is."""
    every = len(depth) // DEPTH
    depth = depth[every // 2::every, every // 2::every].astype(np.float64)
    away = 2 * _FAR * _NEAR / (_FAR + _NEAR - (2 * depth - 1) * (_FAR - _NEAR))
    return np.where(depth < 1, away - pelvis, np.nan).astype(np.float16)


def _room(seed: int, horizon: float) -> np.ndarray:
    """A soft backdrop float32 [128, 128, 3]: a wall with things on it, and a floor from about where the feet are."""
    random = np.random.default_rng(seed)
    wall, floor = random.uniform(60, 235) + random.uniform(-35, 35, (2, 3))
    image = np.empty((PICTURE, PICTURE, 3), np.float32)
    shade = np.linspace(random.uniform(0.8, 1.15), random.uniform(0.8, 1.15), PICTURE, dtype=np.float32)
    image[:] = np.clip(wall, 10, 245) * shade[None, :, None]
    for _ in range(random.integers(0, 7)):
        corner = random.integers(-20, PICTURE, 2)
        far = corner + random.integers(8, 70, 2)
        colour = tuple(float(v) for v in np.clip(random.uniform(20, 240) + random.uniform(-50, 50, 3), 0, 255))
        cv2.rectangle(image, tuple(map(int, corner)), tuple(map(int, far)), colour, -1)
    edge = int(np.clip(horizon - random.uniform(0.02, 0.15), 0.35, 1.0) * PICTURE)
    if random.random() < 0.7:
        image[edge:] = np.clip(floor * random.uniform(0.5, 1.0), 5, 245) \
            * np.linspace(0.9, 1.1, PICTURE - edge, dtype=np.float32)[:, None, None]
    return cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 3.0))


def _behind(room: np.ndarray, corner: np.ndarray, side: float, wide: int) -> np.ndarray:
    """The square of the backdrop that a crop sees, [wide, wide, 3]."""
    scale = side / wide
    matrix = np.array([[scale, 0, corner[0] + 0.5 * scale - 0.5], [0, scale, corner[1] + 0.5 * scale - 0.5]])
    return cv2.warpAffine(room, matrix, (wide, wide), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REPLICATE)


def _developed(pixels: np.ndarray, behind: np.ndarray, shot: BodyShot) -> np.ndarray:
    """RGBA before a backdrop → uint8 RGB of half the side, with the sensor's noise."""
    target = len(pixels) // _FINER
    mask = pixels[..., 3:] > 0
    image = cv2.resize(np.where(mask, pixels[..., :3], behind).astype(np.float32), (target, target),
                       interpolation=cv2.INTER_AREA)
    if shot.noise:
        noise = np.random.default_rng([shot.background, target]).standard_normal(image.shape, np.float32)
        image = image + shot.noise * noise
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)
