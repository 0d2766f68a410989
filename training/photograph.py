"""A drawn head → a photograph: a room behind it, shadows of what is worn, and what lenses, sensors and codecs do."""
from __future__ import annotations

import cv2
import numpy as np

from training.appearance import Appearance
from training.performers import Shot

_DRAWN_PX = 320
"""Lengths in px of Shot and Appearance are of a picture this wide."""
_SOLID, _WORN_BELOW = 185, 223
"""Alpha: less is a lens before the room, up to the second is worn, above is the head."""


def photograph(pixels: np.ndarray, shot: Shot, appearance: Appearance) -> np.ndarray:
    """RGBA of the head [S, S, 4] → uint8 [S, S, 3] BGR."""
    size = len(pixels)
    random = np.random.default_rng(appearance.seed)
    pixels = np.ascontiguousarray(pixels)
    alpha = pixels[..., 3]
    head = _with_contact_shadow(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR), alpha, shot)
    back = room(random, size)
    if appearance.light.second_colour.any():
        back = cv2.multiply(back, (*(0.75 + 0.5 * appearance.light.second_colour[::-1]), 1.0))
    cover = np.where(alpha >= _SOLID, np.float32(1), alpha * np.float32(1 / 255))
    # Lenses before the room are the only see-through things; their colours are premultiplied.
    lens = (alpha > 0) & (alpha < _SOLID)
    head[lens] = np.minimum(head[lens] / cover[lens][:, None], 255)
    soft = cv2.GaussianBlur(cover, (0, 0), 0.55 * max(size / _DRAWN_PX, 0.6))
    soft = np.minimum(soft, cover)  # where nothing was drawn there is no colour to show
    return _sensor(cv2.blendLinear(head, back, soft, 1 - soft), shot, appearance, random)


def _with_contact_shadow(head: np.ndarray, alpha: np.ndarray, shot: Shot) -> np.ndarray:
    """Darker skin beside what is worn, away from the light."""
    small = cv2.resize(alpha, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_NEAREST)
    worn = cv2.inRange(small, _SOLID, _WORN_BELOW)
    cm = shot.face_px / 8.92 * len(small) / shot.size
    shift = -shot.key_direction[:2] * (1, -1) * 0.55 * cm + (0, 0.15 * cm)
    moved = cv2.warpAffine(worn, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), small.shape[::-1])
    shade = cv2.GaussianBlur(moved, (0, 0), max(0.35 * cm, 0.5))
    shade = cv2.subtract(255, cv2.multiply(shade, cv2.bitwise_not(worn), scale=0.42 / 255))
    shade = cv2.resize(shade, head.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    shade[cv2.inRange(alpha, _SOLID, _WORN_BELOW) > 0] = 255
    return cv2.multiply(head, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), scale=1 / 255)


def _sensor(picture: np.ndarray, shot: Shot, appearance: Appearance, random: np.random.Generator) -> np.ndarray:
    """Blur, colour, noise and compression."""
    camera, size = appearance.camera, len(picture)
    scale = size / _DRAWN_PX
    if camera.motion_px * scale > 1:
        picture = cv2.filter2D(picture, -1, _streak(camera.motion_px * scale, camera.motion_angle))
    picture = cv2.GaussianBlur(picture, (0, 0), max(shot.blur_px, 0.45) * scale)
    if camera.saturation != 1:
        grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        picture = cv2.addWeighted(picture, camera.saturation, grey, 1 - camera.saturation, 0)
    picture = cv2.LUT(picture, _tones(camera.white_balance, camera.darkness, camera.contrast))
    small = camera.coarse < 1
    if small:
        picture = cv2.resize(picture, None, fx=camera.coarse, fy=camera.coarse, interpolation=cv2.INTER_AREA)
    noise = shot.noise + 9 * camera.darkness
    if noise > 0:
        cv2.setRNGSeed(int(random.integers(1 << 30)))
        grain = cv2.randn(np.empty(picture.shape, np.int16), 0, noise)
        picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
    if shot.jpeg:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR) if small else picture


def _tones(balance: np.ndarray, darkness: float, contrast: float) -> np.ndarray:
    """Table uint8 [1, 256, 3] of what the sensor makes of each level."""
    level = np.arange(256)[:, None] / 255
    level = (level * balance) * (1 - 0.78 * darkness)
    level = np.clip(level, 0, 1.2) ** (1 + 0.15 * darkness)
    return np.clip(((level - 0.45) * contrast + 0.45) * 255, 0, 255).astype(np.uint8)[None]


def _streak(length: float, angle: float) -> np.ndarray:
    """Kernel of a straight motion."""
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), np.float32)
    middle, reach = side // 2, length / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = (tuple(int(v) for v in np.round((middle + s * reach) * 16)) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return kernel / kernel.sum() if kernel.sum() > 0 else np.ones((1, 1), np.float32)


def room(random: np.random.Generator, size: int) -> np.ndarray:
    """uint8 [size, size, 3] BGR: a wall with things on it, shelves, a window, outdoors or plain; out of focus."""
    half = max(size // 2, 48)
    makers = (_wall, _shelves, _window, _outdoors, _plain)
    make = makers[random.choice(5, p=[0.3, 0.2, 0.2, 0.15, 0.15])]
    blur = random.choice([0.4, 1.2, 3.5]) * random.uniform(0.6, 1.3) + (2.5 if make is _outdoors else 0.0)
    picture = cv2.GaussianBlur(make(random, half), (0, 0), blur * half / 160)
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_LINEAR)


def _tone(random: np.random.Generator, low: float = 30, high: float = 225, hue: float = 22) -> np.ndarray:
    warm = np.array([-1, 0, 1]) * random.normal(0.35, 0.8) * hue  # rooms are warm more often than purple or green
    return np.clip(random.uniform(low, high) + warm + random.normal(0, 0.4 * hue, 3), 4, 250)


def _gradient(random: np.random.Generator, size: int, colour: np.ndarray, depth: float = 0.4) -> np.ndarray:
    """A surface lit from one corner."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + depth * (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)))
    return np.clip(light[..., None] * colour, 0, 255).astype(np.uint8)


def _box(picture: np.ndarray, corner: tuple[float, float], extent: tuple[float, float], colour: np.ndarray) -> None:
    size = len(picture)
    first = tuple(int(v * size) for v in corner)
    last = tuple(int((v + e) * size) for v, e in zip(corner, extent, strict=True))
    cv2.rectangle(picture, first, last, tuple(float(v) for v in colour), -1)


def _wall(random: np.random.Generator, size: int) -> np.ndarray:
    """Pictures, a door or curtain, a lamp, a plant, something on a table."""
    colour = _tone(random, 70, 235, 14)
    picture = _gradient(random, size, colour, random.uniform(0.1, 0.7))
    if random.random() < 0.4:
        x = random.uniform(-0.1, 0.8)
        _box(picture, (x, random.uniform(0, 0.15)), (random.uniform(0.2, 0.35), 1.0), _tone(random))
        _box(picture, (x + 0.02, 0.2), (random.uniform(0.12, 0.25), 1.0), _tone(random))
    for _ in range(random.integers(0, 4)):
        corner = random.uniform(0, 0.85), random.uniform(0, 0.5)
        wide, high = random.uniform(0.1, 0.3, 2)
        _box(picture, corner, (wide, high), _tone(random, 10, 230, 8))
        inner = corner[0] + 0.015, corner[1] + 0.015
        _box(picture, inner, (wide - 0.03, high - 0.03), _tone(random, 60, 240, 40))
    if random.random() < 0.35:
        _plant(picture, random, random.uniform(0, 1), random.uniform(0.4, 1.0))
    if random.random() < 0.4:
        _lamp(picture, random)
    if random.random() < 0.5:
        _box(picture, (-0.1, random.uniform(0.62, 0.9)), (1.2, 0.6), _tone(random, 20, 170, 25))
    return picture


def _shelves(random: np.random.Generator, size: int) -> np.ndarray:
    """Books and boxes in rows."""
    picture = _gradient(random, size, _tone(random, 25, 150, 18), 0.5)
    board, row = _tone(random, 40, 200, 18), random.uniform(0.18, 0.32)
    y = random.uniform(-0.15, 0.1)
    while y < 1:
        x = random.uniform(-0.1, 0.1)
        while x < 1.05:
            if random.random() < 0.12:
                x += random.uniform(0.05, 0.25)
            wide, high = random.uniform(0.018, 0.06), row * random.uniform(0.5, 0.86)
            _box(picture, (x, y + row - high), (wide, high), _tone(random, 25, 215, 38))
            x += wide + 0.004
        _box(picture, (-0.1, y + row), (1.2, 0.025), board)
        y += row + 0.03
    for _ in range(random.integers(0, 3)):
        _box(picture, (random.uniform(0, 1), -0.1), (0.025, 1.2), board)
    return picture


def _window(random: np.random.Generator, size: int) -> np.ndarray:
    """A bright window with bars, beside it wall and curtain."""
    picture = _gradient(random, size, _tone(random, 40, 170, 14), 0.4)
    x, y = random.uniform(-0.25, 0.6), random.uniform(-0.2, 0.2)
    wide, high = random.uniform(0.35, 0.8), random.uniform(0.5, 0.9)
    _box(picture, (x - 0.02, y - 0.02), (wide + 0.04, high + 0.04), _tone(random, 120, 240, 8))
    sky = np.array([250, 244, 236]) * random.uniform(0.75, 1.0)
    _box(picture, (x, y), (wide, high), sky)
    trees = np.array([90, 150, 110]) * random.uniform(0.6, 1.5)
    _box(picture, (x, y + high * random.uniform(0.5, 0.8)), (wide, high * 0.2), trees)
    bar = _tone(random, 100, 240, 8)
    for k in range(1, random.integers(1, 4) + 1):
        _box(picture, (x + wide * k / 3 - 0.01, y), (0.02, high), bar)
    _box(picture, (x, y + high * 0.45), (wide, 0.02), bar)
    curtain = _tone(random, 60, 230, 20)
    for k in range(random.integers(0, 9)):
        _box(picture, (x - 0.12 + 0.022 * k, -0.1), (0.02, 1.2), curtain * random.uniform(0.7, 1.08))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _outdoors(random: np.random.Generator, size: int) -> np.ndarray:
    """Sky, leaves or houses, light spots."""
    picture = _gradient(random, size, np.array([235, 215, 190]) * random.uniform(0.5, 1.05), 0.5)
    horizon = random.uniform(0.2, 0.7)
    ground = np.array([70, 120, 95]) * random.uniform(0.5, 1.5) if random.random() < 0.6 else _tone(random, 60, 170, 10)
    _box(picture, (-0.1, horizon), (1.2, 1.2), ground)
    for _ in range(random.integers(8, 40)):
        at = random.uniform(0, 1), horizon + random.normal(0, 0.22)
        colour = ground * random.uniform(0.35, 1.6) + random.normal(0, 9, 3)
        radius = int(random.uniform(0.02, 0.11) * size)
        middle = int(at[0] * size), int(at[1] * size)
        cv2.circle(picture, middle, radius, tuple(float(v) for v in np.clip(colour, 0, 255)), -1, cv2.LINE_AA)
    return picture


def _plain(random: np.random.Generator, size: int) -> np.ndarray:
    """A studio's cloth or a screen of light."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    away = (x - random.uniform(-0.3, 0.3)) ** 2 + (y - random.uniform(-0.3, 0.3)) ** 2
    glow = np.exp(-away / random.uniform(0.1, 0.6))[..., None]
    return np.clip(_tone(random, 15, 180, 16) + glow * random.uniform(10, 90), 0, 255).astype(np.uint8)


def _plant(picture: np.ndarray, random: np.random.Generator, x: float, y: float) -> None:
    size = len(picture)
    for _ in range(22):
        angle, length = random.normal(-np.pi / 2, 0.8), random.uniform(0.1, 0.34)
        end = (int((x + np.cos(angle) * length) * size), int((y + np.sin(angle) * length) * size))
        green = np.array([50, 120, 60]) * random.uniform(0.4, 1.4)
        start, thick = (int(x * size), int(y * size)), int(random.integers(1, 5))
        cv2.line(picture, start, end, tuple(float(v) for v in green), thick, cv2.LINE_AA)


def _lamp(picture: np.ndarray, random: np.random.Generator) -> None:
    size = len(picture)
    at, radius = (random.uniform(0, 1, 2) * (1, 0.5) * size).astype(int), int(random.uniform(0.03, 0.09) * size)
    light = np.zeros(picture.shape, np.float32)
    cv2.circle(light, tuple(int(v) for v in at), radius * 3, (30.0, 55.0, 70.0), -1)
    light = cv2.GaussianBlur(light, (0, 0), radius * 1.5)
    cv2.circle(light, tuple(int(v) for v in at), radius, (170.0, 215.0, 245.0), -1)
    np.copyto(picture, np.clip(picture + light, 0, 255).astype(np.uint8))
