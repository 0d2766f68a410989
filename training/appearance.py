"""What real footage has and a plain Look and Shot lack: hair, head-wear, glasses, beards, make-up, uneven light, things
held before the face, rooms behind it and what cameras do to a picture. None of it changes the expression.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.performers import Shot, random_shot

HAIR_STYLES = ("long", "bob", "fringe", "curly", "bun", "swept")
HEAD_WEAR = ("cap", "beanie", "headband", "headscarf", "headphones")
GLASSES = ("round", "square", "aviator", "cat", "wide")
HELD = ("hand", "cheek", "fist", "microphone", "phone", "cup")
SHADOWS = ("none", "blinds", "edge", "leaves")


@dataclass(frozen=True)
class Hair:
    """Hair with a shape of its own, beyond what is painted on the scalp."""

    style: str
    """One of HAIR_STYLES."""
    colour: np.ndarray | None
    """Linear RGB; None: the person's own."""
    thickness_cm: float
    length_cm: float
    """How far it hangs below the widest part of the head."""
    fringe: float
    """How far it comes down the forehead: 0 hairline, 1 brows."""
    curtain_cm: float
    """How far it falls over the cheeks."""
    waves: float


@dataclass(frozen=True)
class Glasses:
    """Spectacles."""

    shape: str
    """One of GLASSES."""
    colour: np.ndarray
    rim_cm: float
    scale: float
    tint: np.ndarray
    """Linear RGB of the lenses and how dark they are, 0 clear … 1."""
    glint: float


@dataclass(frozen=True)
class Paint:
    """Beard and make-up; strengths 0..1."""

    beard: np.ndarray
    """[4]: cheeks, moustache, chin, how dense."""
    eye_shadow: np.ndarray
    """Linear RGB and strength, as lipstick."""
    blush: np.ndarray
    """Times the skin's colour, and strength."""
    lipstick: np.ndarray
    eyeliner: float


@dataclass(frozen=True)
class Light:
    """What is added to the Shot's key, fill and ambient."""

    second_direction: np.ndarray
    second_colour: np.ndarray
    shadow: str
    """One of SHADOWS, cast by the key light."""
    shadow_scale_cm: float
    shadow_angle: float
    shadow_depth: float
    shadow_shift_cm: float


@dataclass(frozen=True)
class Camera:
    """What the camera does; levels 0..255."""

    motion_px: float
    """Of a 320 px picture."""
    motion_angle: float
    white_balance: np.ndarray
    """Gains [3], BGR."""
    darkness: float
    """0 as the Shot says … 1 nearly black; noise rises with it."""
    contrast: float
    saturation: float
    coarse: float
    """Pixels of the camera over pixels of the picture, 0.4..1."""


@dataclass(frozen=True)
class Appearance:
    """Everything that `FaceRenderer.render` adds to a person in a shot."""

    hair: Hair | None
    head_wear: str
    """One of HEAD_WEAR or empty."""
    wear_colour: np.ndarray
    glasses: Glasses | None
    paint: Paint
    light: Light
    held: str
    """One of HELD or empty: what covers a part of the mouth or cheek."""
    held_side: float
    """1 the person's left hand, -1 the right."""
    held_shift_cm: np.ndarray
    """[3]."""
    clothes: np.ndarray
    camera: Camera
    seed: int

    @property
    def hair_volume(self) -> float:
        """Share of the Look's own hair thickness that is left: hats and worn hair press it down."""
        return 0.3 if self.head_wear in ("cap", "beanie", "headscarf") or self.hair else 1.0


def random_appearance(random: np.random.Generator) -> Appearance:
    """One of everything, most of it absent in most pictures."""
    wear = str(random.choice(HEAD_WEAR)) if random.random() < 0.2 else ""
    return Appearance(
        hair=None if wear == "headscarf" or random.random() < 0.4 else _hair(random, wear),
        head_wear=wear, wear_colour=_colour(random),
        glasses=_glasses(random) if random.random() < 0.28 else None, paint=_paint(random), light=_light(random),
        held=str(random.choice(HELD)) if random.random() < 0.14 else "", held_side=float(random.choice([-1, 1])),
        held_shift_cm=random.normal(0, (0.8, 0.9, 0.3)), clothes=_colour(random), camera=_camera(random),
        seed=int(random.integers(1 << 31)),
    )


def varied_shot(random: np.random.Generator, values: np.ndarray) -> Shot:
    """A picture of the expression `values` [54] as people film themselves: the head turned up to ±50°, near and far,
    lit from anywhere."""
    shot = random_shot(random, values, 1.25)
    yaw = np.clip(random.standard_normal() * 22, -50, 50) if random.random() < 0.7 else random.uniform(-50, 50)
    pitch, roll = np.clip(random.standard_normal(2) * (12, 9), -35, 35)
    key = np.array([random.uniform(-1.6, 1.6), random.uniform(-0.4, 1.4), random.uniform(0.15, 1.2)])
    return replace(
        shot, head=np.radians([yaw, pitch, roll]).astype(np.float32),
        face_px=float(np.exp(random.uniform(np.log(42), np.log(170)))),
        distance_cm=float(np.exp(random.uniform(np.log(30), np.log(180)))), key_direction=key / np.linalg.norm(key),
        fill=random.uniform(0.03, 0.7), ambient=random.uniform(0.1, 0.55) * (1 + random.uniform(-0.15, 0.15, 3)),
        exposure=random.uniform(0.6, 1.15), jpeg=int(random.integers(20, 98)),
    )


def _colour(random: np.random.Generator) -> np.ndarray:
    """Cloth: often black, white or grey, else of any hue; linear RGB."""
    if random.random() < 0.45:
        return np.full(3, random.choice([0.015, 0.04, 0.12, 0.4, 0.75])) * random.uniform(0.9, 1.1, 3)
    return random.uniform(0.02, 0.7) * random.uniform(0.25, 1.0, 3)


_DYED = np.array([[0.5, 0.05, 0.12], [0.08, 0.15, 0.45], [0.05, 0.3, 0.2], [0.6, 0.25, 0.4], [0.55, 0.42, 0.25]])


def _hair(random: np.random.Generator, wear: str) -> Hair:
    styles = HAIR_STYLES[:3] if wear in ("cap", "beanie") else HAIR_STYLES
    style = str(random.choice(styles))
    length = {"long": random.uniform(14, 26), "bob": random.uniform(5, 11), "fringe": random.choice([-3.0, 8, 20]),
              "curly": random.uniform(-2, 9)}.get(style, -4.0)
    fringe = random.uniform(0.55, 1.0) if style == "fringe" else random.choice([0.0, random.uniform(0, 0.5)])
    return Hair(
        style=style, colour=_DYED[random.integers(len(_DYED))] if random.random() < 0.08 else None,
        thickness_cm=random.uniform(2.0, 4.5) if style == "curly" else random.uniform(0.5, 1.4), length_cm=length,
        fringe=0.0 if wear in ("cap", "beanie", "headband") else fringe,
        curtain_cm=random.choice([0.0, random.uniform(0, 2.2)]), waves=random.uniform(0, 1),
    )


def _glasses(random: np.random.Generator) -> Glasses:
    tinted = random.random() < 0.2
    tint = np.append(random.uniform(0.0, 0.25, 3), random.uniform(0.25, 0.75) if tinted else random.uniform(0, 0.06))
    metal = random.random() < 0.4
    colour = np.array([0.35, 0.3, 0.22]) * random.uniform(0.3, 1.6) if metal else _colour(random) * 0.5
    return Glasses(
        shape=str(random.choice(GLASSES)), colour=np.clip(colour, 0.004, 0.9),
        rim_cm=random.uniform(0.07, 0.12) if metal else random.uniform(0.14, 0.32), scale=random.uniform(0.88, 1.15),
        tint=tint, glint=random.choice([0.0, random.uniform(0.1, 0.8)]),
    )


def _paint(random: np.random.Generator) -> Paint:
    """A beard or make-up or neither."""
    beard, strengths, eyeliner = np.zeros(4), np.zeros(3), 0.0
    choice = random.random()
    if choice < 0.24:
        beard = random.choice([(1, 1, 1), (0, 1, 0), (0, 1, 1), (0.6, 0.8, 1), (0.9, 0.4, 0.8)])
        beard = np.append(beard * random.uniform(0.7, 1.0), random.uniform(0.45, 1.0))
    elif choice < 0.5:
        strengths = random.uniform(0.15, 0.9, 3) * (random.random(3) < 0.7)
        eyeliner = random.uniform(0, 1.0)
    shadow = random.uniform(0.02, 0.5) * random.uniform(0.2, 1.0, 3)
    cheeks, lips = np.array([1.0, 0.42, 0.40]), np.array([0.5, 0.05, 0.08]) * random.uniform(0.4, 1.4, 3)
    return Paint(beard, np.append(shadow, strengths[0]), np.append(cheeks, 0.6 * strengths[1]),
                 np.append(lips, strengths[2]), eyeliner)


def _light(random: np.random.Generator) -> Light:
    direction = np.array([random.choice([-1, 1]) * random.uniform(0.5, 1), random.uniform(-0.6, 0.8),
                          random.uniform(-0.4, 0.6)])
    hue = random.uniform(0.15, 1.0, 3)
    second = hue / hue.max() * random.uniform(0.2, 0.9) if random.random() < 0.3 else np.zeros(3)
    shadow = str(random.choice(SHADOWS[1:])) if random.random() < 0.18 else "none"
    scale = {"blinds": random.uniform(1.5, 4), "edge": random.uniform(0.2, 2), "leaves": random.uniform(2, 6)}
    return Light(direction / np.linalg.norm(direction), second, shadow, scale.get(shadow, 1.0),
                 random.uniform(-1.2, 1.2), random.uniform(0.3, 0.8), random.uniform(-4, 4))


def _camera(random: np.random.Generator) -> Camera:
    warm, green = random.normal(0, 0.09), random.normal(0, 0.03)
    return Camera(
        motion_px=random.uniform(1.5, 6) if random.random() < 0.15 else 0.0, motion_angle=random.uniform(0, np.pi),
        white_balance=np.array([1 - warm, 1 + green, 1 + warm]),
        darkness=random.uniform(0.3, 0.75) if random.random() < 0.15 else 0.0, contrast=random.uniform(0.8, 1.25),
        saturation=random.choice([1.0, random.uniform(0.6, 1.3), 0.0], p=[0.45, 0.5, 0.05]),
        coarse=random.uniform(0.4, 0.9) if random.random() < 0.2 else 1.0,
    )
