"""Who performs and what: random people, looks, cameras and lights, and expressions as random mixes or from real curves.

People are ICT-FaceKit identities (MIT). Everything is drawn from a numpy Generator, so a seed names a data set.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from addon.core import coefficients
from addon.core.coefficients import GAZE_OUT as GAZE_OUT
from addon.core.coefficients import gaze_of as gaze_of
from addon.core.errors import SemblanceError
from addon.core.live_link import read_live_link

IDENTITY_MODES = 100
SHAPES = 53
TONGUE_OUT = coefficients.INDEX["tongueOut"]
# One central shape is no left/right partner of another (jawLeft, jawRight would cancel).
_PARTNER = np.array([
    i if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") else coefficients.MIRROR[i]
    for i, name in enumerate(coefficients.NAMES)
])


def shared_folder() -> Path:
    """The folder with the data sets: `../shared` beside the checkout, or what SEMBLANCE_SHARED names.

    Raises:
        SemblanceError: if it is absent.
    """
    folder = Path(os.environ.get("SEMBLANCE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (folder / "data").is_dir():
        raise SemblanceError(f"There is no shared data at '{folder}'; set SEMBLANCE_SHARED to its folder.")
    return folder


@dataclass(frozen=True)
class Look:
    """Paint of one person; colours are linear RGB 0..1."""

    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    iris: np.ndarray
    shirt: np.ndarray
    hair_thickness_cm: float
    hairline_cm: float
    """Shift of the hairline, up positive."""
    brow_thickness_cm: float
    brow_lift_cm: float
    brow_tilt: float
    brow_opacity: float
    lip_opacity: float
    lash_opacity: float
    stubble: float
    blush: float
    roughness: float
    """Strength of the skin's mottling."""
    gloss: float
    iris_radius: float
    """Angle from the eyeball's centre, rad."""
    pupil: float
    """Share of the iris."""
    wrinkles: float
    seed: float


@dataclass(frozen=True)
class Person:
    """One performer."""

    identity: np.ndarray
    """float32 [100]: weights of ICT-FaceKit's identity modes."""
    look: Look


@dataclass(frozen=True)
class Shot:
    """One picture to take of a person."""

    coefficients: np.ndarray
    """float32 [54]."""
    head: np.ndarray
    """float32 [3]: yaw, pitch, roll as in core.frames."""
    size: int
    """Width and height, px."""
    face_px: float
    """Between the outer eye corners if the head faced the camera."""
    distance_cm: float
    """Camera to the middle of the face; with face_px it sets the lens."""
    offset: np.ndarray
    """float [2]: where the face is, share of the picture away from the centre (right, down)."""
    key_direction: np.ndarray
    key_colour: np.ndarray
    fill: float
    """Light from the other side, share of the key."""
    ambient: np.ndarray
    background: int
    """Seed of the backdrop; negative = plain soft backdrop."""
    exposure: float
    blur_px: float
    noise: float
    """Standard deviation, 0..255 levels."""
    jpeg: int
    """Quality 1..100; 0 = not compressed."""


def random_mix(random: np.random.Generator) -> np.ndarray:
    """Coefficients float32 [54] of DESIGN's "random mixes": a tenth neutral, else 1–9 shapes, Beta(1.2, 1.2), and with
    probability 0.7 the left/right partner at the same value ± 0.1."""
    values = np.zeros(coefficients.COUNT, np.float32)
    if random.random() < 0.1:
        return values
    for shape in random.choice(SHAPES, random.integers(1, 10), replace=False):
        values[shape] = random.beta(1.2, 1.2)
        if _PARTNER[shape] != shape and random.random() < 0.7:
            values[_PARTNER[shape]] = np.clip(values[shape] + random.uniform(-0.1, 0.1), 0, 1)
    return values


class PerformanceCurves:
    """Frames of the real Live Link take; every fourth stretch of about 11 s is held out from training."""

    STRETCHES = 12
    GAP_S = 0.5

    def __init__(self, path: Path | None = None) -> None:
        path = path or shared_folder() / "data" / "livelink_take" / "range_of_motion.csv"
        take = read_live_link(path).raw
        stretch = take.times_s / take.times_s[-1] * self.STRETCHES
        held_out = np.floor(stretch).astype(int) % 4 == 2
        # Neighbouring frames look alike: keep a gap around each held-out stretch.
        gap = self.GAP_S / take.times_s[-1] * self.STRETCHES
        near = (np.floor(stretch - gap).astype(int) % 4 == 2) | (np.floor(stretch + gap).astype(int) % 4 == 2)
        self.train = self._without_tongue(take.coefficients[~(held_out | near)])
        self.test = self._without_tongue(take.coefficients[held_out])

    @staticmethod
    def _without_tongue(values: np.ndarray) -> np.ndarray:
        """No tongue is modelled, so its coefficient is 0."""
        values = np.clip(values, 0, 1).copy()
        values[:, TONGUE_OUT] = 0
        return values

    def sample(self, random: np.random.Generator) -> np.ndarray:
        """A training frame [54]: half the time mirrored, groups louder or softer, now and then with something added."""
        values = self.train[random.integers(len(self.train))].copy()
        if random.random() < 0.5:
            values = values[coefficients.MIRROR]
        for group in coefficients.GROUPS:
            values[coefficients.in_group(group)] *= random.uniform(0.6, 1.4)
        if random.random() < 0.5:
            values = np.maximum(values, random_mix(random) * random.uniform(0.3, 1.0))
        if random.random() < 0.25:
            other = self.train[random.integers(len(self.train))]
            upper = np.isin(coefficients.GROUP_OF, ("brows", "eyelids", "gaze"))
            values = np.where(upper, other, values)
        return np.clip(values, 0, 1).astype(np.float32)


_SKINS = np.array([
    [0.88, 0.66, 0.55], [0.80, 0.56, 0.44], [0.74, 0.50, 0.37], [0.62, 0.40, 0.28], [0.46, 0.28, 0.19],
    [0.30, 0.17, 0.11], [0.19, 0.10, 0.065], [0.85, 0.60, 0.52], [0.70, 0.48, 0.34],
])
_HAIRS = np.array([
    [0.015, 0.012, 0.010], [0.05, 0.03, 0.02], [0.12, 0.06, 0.03], [0.28, 0.15, 0.07], [0.50, 0.34, 0.16],
    [0.30, 0.10, 0.04], [0.45, 0.44, 0.43], [0.70, 0.69, 0.67],
])
_HAIR_CHANCE = np.array([0.25, 0.22, 0.18, 0.1, 0.09, 0.04, 0.07, 0.05])
_IRISES = np.array([
    [0.10, 0.05, 0.025], [0.17, 0.09, 0.04], [0.05, 0.025, 0.015], [0.16, 0.24, 0.32], [0.12, 0.20, 0.12],
    [0.22, 0.24, 0.26], [0.20, 0.15, 0.06],
])


def random_look(random: np.random.Generator) -> Look:
    """Paint for a random person."""
    skin = _SKINS[random.integers(len(_SKINS))] * random.uniform(0.85, 1.15) * random.uniform(0.95, 1.05, 3)
    hair = _HAIRS[random.choice(len(_HAIRS), p=_HAIR_CHANCE)] * random.uniform(0.7, 1.3)
    if skin[0] < 0.5:
        hair = _HAIRS[random.integers(2)] * random.uniform(0.7, 1.3)
    painted = random.random() < 0.2
    lips = skin * (0.85, 0.56, 0.58) if not painted else np.array([0.45, 0.06, 0.09]) * random.uniform(0.5, 1.5)
    return Look(
        skin=np.clip(skin, 0.03, 0.92), lips=np.clip(lips * random.uniform(0.8, 1.15, 3), 0, 1), hair=hair,
        brows=np.clip(hair * random.uniform(0.5, 1.1), 0, 0.4),
        iris=_IRISES[random.integers(len(_IRISES))] * random.uniform(0.7, 1.5),
        shirt=random.uniform(0.02, 0.8, 3),
        hair_thickness_cm=0.0 if random.random() < 0.15 else random.uniform(0.2, 2.0),
        hairline_cm=random.uniform(-0.8, 1.5), brow_thickness_cm=random.uniform(0.26, 0.62),
        brow_lift_cm=random.uniform(-0.25, 0.3), brow_tilt=random.uniform(-0.08, 0.08),
        brow_opacity=random.uniform(0.45, 1.0), lip_opacity=1.0 if painted else random.uniform(0.35, 0.9),
        lash_opacity=random.uniform(0.15, 0.9),
        stubble=random.choice([0.0, 0.0, 0.0, 0.2, 0.5, 0.9]) * random.uniform(0.5, 1),
        blush=random.uniform(0, 0.35), roughness=random.uniform(0.03, 0.22), gloss=random.uniform(0.03, 0.5),
        iris_radius=random.uniform(0.35, 0.44), pupil=random.uniform(0.28, 0.55), wrinkles=random.uniform(0, 1.0),
        seed=float(random.uniform(0, 1000)),
    )


def random_person(random: np.random.Generator) -> Person:
    """DESIGN's people: 100 modes × N(0,1) × U(0.5, 1.2)."""
    identity = random.standard_normal(IDENTITY_MODES) * random.uniform(0.5, 1.2)
    return Person(identity.astype(np.float32), random_look(random))


def random_head(random: np.random.Generator) -> np.ndarray:
    """Yaw, pitch, roll rad, N(0; 14°, 9°, 6°)."""
    return np.radians(random.standard_normal(3) * (14, 9, 6)).astype(np.float32)


def random_shot(random: np.random.Generator, values: np.ndarray, wider: float = 1.0) -> Shot:
    """A picture at 320 px of the expression `values` [54] under a random pose, lens, light and sensor.

    `wider` multiplies the head's angles and the range of face sizes; 1 is DESIGN's test.
    """
    key = np.array([random.uniform(-1.2, 1.2), random.uniform(-0.3, 1.3), random.uniform(0.4, 1.2)])
    warm = random.uniform(-0.12, 0.12)
    return Shot(
        coefficients=values.astype(np.float32), head=random_head(random) * np.float32(wider), size=320,
        face_px=random.uniform(60 / wider, 140 * wider),
        distance_cm=float(np.exp(random.uniform(np.log(35), np.log(150)))),
        offset=random.uniform(-0.06, 0.06, 2), key_direction=key / np.linalg.norm(key),
        key_colour=np.array([1 + warm, 1, 1 - warm]) * random.uniform(0.45, 1.1),
        fill=random.uniform(0.1, 0.7), ambient=random.uniform(0.15, 0.55) * (1 + random.uniform(-0.1, 0.1, 3)),
        background=int(random.integers(1 << 31)), exposure=random.uniform(0.75, 1.25),
        blur_px=random.choice([0.0, random.uniform(0.3, 1.4)]), noise=random.choice([0.0, random.uniform(0, 7)]),
        jpeg=int(random.integers(35, 98)),
    )
