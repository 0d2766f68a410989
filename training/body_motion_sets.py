"""Our own bodies with faces: body motion, and the face that authored affect curves give it in each style.

Bodies are the recorded walk (cut, retimed, mirrored, blended) and motions made here of breathing, sways, nods, head
turns, arm beats, bows, jumps and steps. A face is what `body_to_face_styles.toml` says: its base grows with the body's
energy, its accents, the head's and most blinks fall on the body's beats (`addon/expression/body_features.py` finds
both, in made bodies and recorded ones). What no body could tell is in it too: slow drifts, glances, blinks in between.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core import coefficients
from addon.core.body_motion import JOINT, JOINTS, PARENTS, BodyMotion, motion_of, resampled
from addon.core.errors import SemblanceError
from addon.expression.body_features import FPS, beats, smoothed

from .expression_classes import amounts

FILE: Final = Path(__file__).with_name("body_to_face_styles.toml")
WALK: Final = Path("data/body_motion/cmu_01_01.bvh")
_HELD_OUT_S: Final = 16.0
"""So much of the walk, from there to its end, is only for the test."""
_HEIGHTS: Final = {     # m, of a body that stands with its arms down: left of the middle, up, to the front
    "pelvis": (0, .95, 0), "left_hip": (.09, .90, 0), "spine1": (0, 1.05, 0), "left_knee": (.10, .50, .01),
    "spine2": (0, 1.18, 0), "left_ankle": (.10, .08, -.02), "spine3": (0, 1.30, 0), "left_foot": (.11, .02, .12),
    "neck": (0, 1.50, 0), "left_collar": (.07, 1.42, 0), "head": (0, 1.60, .02), "left_shoulder": (.18, 1.42, 0),
    "left_elbow": (.21, 1.14, -.02), "left_wrist": (.22, .89, .03),
}
OPPOSITE: Final = np.array([
    JOINT[name.replace("left", "right") if "left" in name else name.replace("right", "left")] for name in JOINTS
])
"""int [22]: each joint's partner on the other side."""
_GLANCE: Final = 0.12
"""Standard deviation of where eyes wander, as eyeLook."""
_RISE_S: Final = 0.07
_TREMBLE: Final = 0.10
"""Standard deviation of slow changes, as a share of each coefficient."""
_NUMBERS: Final = ("head_rest", "head_accent", "lively", "delay_s", "decay_s", "blinks_a_minute", "blink_s", "lids")
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])


@dataclass(frozen=True)
class Style:
    """One person's way to show one style."""

    base: np.ndarray
    """float32 [54]."""
    accent: np.ndarray
    """float32 [54], added at the peak of a beat."""
    head_rest: np.ndarray
    head_accent: np.ndarray
    """float32 [3] rad, yaw, pitch, roll."""
    lively: float
    """Share of the base that follows the body's energy."""
    delay_s: float
    decay_s: float
    blinks_a_minute: float
    blink_s: float
    lids: float
    """eyeBlink between blinks."""


@dataclass(frozen=True)
class Face:
    """A face over T frames at FPS."""

    coefficients: np.ndarray
    """float32 [T, 54], lids without blinks."""
    head: np.ndarray
    """float32 [T, 3], what the face adds to the head's motion."""
    blinks: np.ndarray
    """float32 [T], 1 on the frame at which a blink begins."""
    blink_s: float


def read_styles(path: Path = FILE) -> dict[str, dict[str, Any]]:
    """The table of styles.

    Raises:
        SemblanceError: if a coefficient or a key is not what it should be; the sentence names it.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, row in table.items():
        try:
            for key in _NUMBERS:
                row[key] = np.array(row[key], np.float32)
            row["accent"] = amounts(row["accent"], f"'{name}'")
            held = [face.pop("held_out", False) for face in row["faces"]]
            row["faces"] = [(amounts(face, f"'{name}'"), out) for face, out in zip(row["faces"], held, strict=True)]
        except KeyError as error:
            raise SemblanceError(f"'{path}': '{name}' lacks {error}.") from error
        except SemblanceError as error:
            raise SemblanceError(f"'{path}': {error}") from error
    return table


STYLES: Final = read_styles()
NAMES: Final = tuple(STYLES)


def draw_style(random: np.random.Generator, name: str, held_out: bool = False) -> Style:
    """One person's way to show a style, every time another one; for tests faces that training never draws."""
    row = STYLES[name]
    faces = [face for face, out in row["faces"] if out == held_out]
    weights = random.dirichlet(np.full(len(faces), 0.6))
    uneven = 1 + random.normal(0, 0.12, coefficients.COUNT)
    uneven = np.where(random.random() < 0.5, uneven, (uneven + uneven[coefficients.MIRROR]) / 2)
    loud = random.uniform(0.75, 1.15)
    base = sum(weight * face for weight, face in zip(weights, faces, strict=True)) * loud * uneven
    accent = row["accent"] * random.uniform(0.7, 1.3) * (1 + random.normal(0, 0.15, coefficients.COUNT))
    if random.random() < 0.5:
        base, accent = base[coefficients.MIRROR], accent[coefficients.MIRROR]
    scale = random.uniform(0.8, 1.25, 6)
    return Style(
        np.clip(base, 0, 1).astype(np.float32), np.clip(accent, 0, 1).astype(np.float32),
        row["head_rest"] + random.normal(0, 0.02, 3).astype(np.float32), row["head_accent"] * np.float32(scale[0]),
        float(np.clip(row["lively"] * scale[1], 0, 0.9)), float(row["delay_s"]), float(row["decay_s"] * scale[2]),
        float(row["blinks_a_minute"] * scale[3]), float(row["blink_s"] * scale[4]),
        float(np.clip(row["lids"] * scale[5], 0, 0.6)),
    )


def between(random: np.random.Generator, one: Style, other: Style) -> Style:
    """Somebody between two styles: references that users bring belong to none of ours."""
    share = float(random.uniform(0.2, 0.8))
    mixed = {key: (1 - share) * getattr(one, key) + share * getattr(other, key) for key in one.__dataclass_fields__}
    return Style(**mixed)


def make_face(random: np.random.Generator, style: Style, heard: np.ndarray) -> Face:
    """The face that a style gives to a body's features [T, F]."""
    count, energy = len(heard), heard[:, -1].astype(np.float64)
    lively = np.clip(smoothed(energy, 0.5) / 1.2, 0, 1.5)[:, None]
    pulse = _pulses(energy, style)
    drift = 1 + _TREMBLE * _drifts(random, count, coefficients.COUNT)
    values = style.base * (1 - style.lively / 2 + style.lively * np.clip(lively, 0, 1.2)) * drift
    values = values + style.accent * pulse[:, None] * (0.7 + 0.3 * np.clip(lively, 0, 1))
    effort = coefficients.INDEX["jawOpen"]
    values[:, effort] += 0.10 * np.clip(lively[:, 0] - 0.7, 0, 1)
    turning = heard[:, -4]      # the head's yaw rate; eyes go first where the head goes
    glance = _GLANCE * _drifts(random, count, 2) + np.stack([0.35 * smoothed(turning, 0.1), np.zeros(count)], 1)
    for name, amount in _look(*glance.T).items():
        values[:, coefficients.INDEX[name]] += np.clip(amount, 0, 0.7)
    values[:, _BLINK] = style.lids * (1 + 0.3 * _drifts(random, count, 1)) * (1 - 0.4 * pulse[:, None])
    head = style.head_rest + pulse[:, None] * style.head_accent + 0.015 * _drifts(random, count, 3)
    rate = style.blinks_a_minute / 60 * (0.55 + 2.2 * pulse + 1.0 * np.clip(np.abs(turning), 0, 1))
    return Face(np.clip(values, 0, 1).astype(np.float32), head.astype(np.float32), _blinks(random, rate), style.blink_s)


def draw_motion(random: np.random.Generator, seconds: float, walk: BodyMotion | None = None) -> BodyMotion:
    """A body at FPS: a stretch of the recorded walk in a third of the cases, if there is one, else one made here."""
    if walk is None or random.random() > 0.34:
        return made_motion(random, seconds)
    found = [_stretch(random, walk, seconds) for _ in range(2)]
    motion = _blended(*found) if random.random() < 0.3 else found[0]
    return mirrored(motion) if random.random() < 0.5 else motion


def parts_of_walk(walk: BodyMotion) -> tuple[BodyMotion, BodyMotion]:
    """What is learned from, and what is only for the test; ten frames between them belong to neither."""
    at = int(np.searchsorted(walk.times_s, _HELD_OUT_S))
    return part_of(walk, slice(None, at - 10)), part_of(walk, slice(at, None))


def part_of(motion: BodyMotion, rows: slice | np.ndarray) -> BodyMotion:
    """Some of a motion's frames, at their own times."""
    return replace(motion, times_s=motion.times_s[rows], joints=motion.joints[rows], head=motion.head[rows])


def mirrored(motion: BodyMotion) -> BodyMotion:
    """As seen in a mirror."""
    joints = motion.joints[:, OPPOSITE] * np.array([-1, 1, 1], np.float32)
    return replace(motion, joints=joints, head=motion.head * np.array([-1, 1, -1], np.float32))


def made_motion(random: np.random.Generator, seconds: float) -> BodyMotion:
    """A body that stands or walks and does some of what bodies do, as lively as a number drawn for it says."""
    count = int(seconds * FPS)
    body = _Body(random, count, random.uniform(0.25, 1.4))
    gestures: list[Callable[[_Body], None]] = [_nod, _turn_head, _beat_arm, _bow, _jump, _shrug]
    if random.random() < 0.4:
        _walk(body)
    liked = random.dirichlet(np.full(len(gestures), 0.5))
    at = random.uniform(0, 1.0)
    while at < seconds - 0.4:
        body.at = int(at * FPS)
        gestures[random.choice(len(gestures), p=liked)](body)
        at += random.uniform(0.35, 1.9) / (0.5 + body.energy)
    return body.motion()


def posed(name: str, times_s: np.ndarray, turned: np.ndarray, place: np.ndarray) -> BodyMotion:
    """Our skeleton's motion from each joint's rotation against its parent [T, 22, 3, 3] and the hips' way [T, 3]."""
    rest = np.array([_HEIGHTS.get(joint) or np.multiply(_HEIGHTS[joint.replace("right", "left")], (-1, 1, 1))
                     for joint in JOINTS], np.float64)
    positions, rotations = np.empty((*turned.shape[:2], 3)), np.empty(turned.shape)
    for i, parent in enumerate(PARENTS):
        if parent < 0:
            positions[:, i], rotations[:, i] = rest[i] + place, turned[:, i]
            continue
        positions[:, i] = positions[:, parent] + rotations[:, parent] @ (rest[i] - rest[parent])
        rotations[:, i] = rotations[:, parent] @ turned[:, i]
    return motion_of(name, times_s, JOINTS, PARENTS, rest, positions, rotations)


def rotations(axes: np.ndarray) -> np.ndarray:
    """Axis · rad [..., 3] → rotations [..., 3, 3] (Rodrigues)."""
    angle = np.linalg.norm(axes, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axes, -1, 0)
    none = np.zeros_like(x)
    cross = np.stack([np.stack([none, -z, y], -1), np.stack([z, none, -x], -1), np.stack([-y, x, none], -1)], -2)
    safe = np.maximum(angle, 1e-9)
    return np.eye(3) + np.sin(angle) / safe * cross + (1 - np.cos(angle)) / safe ** 2 * (cross @ cross)


class _Body:
    """Joint angles under way; rad about x (forward), y (to the left) and z."""

    def __init__(self, random: np.random.Generator, count: int, energy: float) -> None:
        self.random, self.count, self.energy, self.at = random, count, energy, 0
        self.angles = np.zeros((count, len(JOINTS), 3))
        self.place = np.zeros((count, 3))
        times = np.arange(count) / FPS
        breath = np.sin(2 * np.pi * (random.uniform(0.2, 0.35) * times + random.random()))
        self.add("spine3", 0, -0.02 * breath)
        sway = 0.05 * _drifts(random, count, 6, 1.2) * (0.5 + energy)
        for joint, columns in (("spine1", (0, 1)), ("neck", (2, 3)), ("head", (4, 5))):
            self.angles[:, JOINT[joint], :2] += sway[:, columns]
        self.place[:, [0, 2]] += 0.03 * _drifts(random, count, 2, 1.5)
        self.add("left_shoulder", 2, 0.12)
        self.add("right_shoulder", 2, -0.12)

    def add(self, joint: str, axis: int, values: np.ndarray | float) -> None:
        """Turn a joint further."""
        self.angles[:, JOINT[joint], axis] += values

    def pulse(self, seconds: float) -> np.ndarray:
        """[T]: up and down again within so long, from `at` on."""
        share = (np.arange(self.count) - self.at) / (seconds * FPS)
        return np.where((share > 0) & (share < 1), np.square(np.sin(np.pi * share)), 0)

    def motion(self) -> BodyMotion:
        """As our skeleton moves with these angles."""
        return posed("made", np.arange(self.count) / FPS, _rotation(self.angles), self.place)


def _nod(body: _Body) -> None:
    amount = body.random.uniform(0.15, 0.4) * body.energy
    body.add("head", 0, amount * body.pulse(body.random.uniform(0.3, 0.6)))


def _turn_head(body: _Body) -> None:
    amount = body.random.normal(0, 0.6) * (0.4 + 0.6 * body.energy)
    body.add("head", 1, amount * body.pulse(body.random.uniform(0.8, 2.5)))


def _beat_arm(body: _Body) -> None:
    pulse = body.energy * body.pulse(body.random.uniform(0.35, 0.9))
    swing, bend, out = body.random.uniform((0.2, 0.4, 0.0), (1.2, 1.6, 0.7))
    for side, sign in (("left", 1), ("right", -1)):
        if body.random.random() < 0.65:
            body.add(f"{side}_shoulder", 0, -swing * pulse)
            body.add(f"{side}_shoulder", 2, sign * out * pulse)
            body.add(f"{side}_elbow", 0, -bend * pulse)


def _bow(body: _Body) -> None:
    pulse = body.random.uniform(0.1, 0.35) * body.energy * body.pulse(body.random.uniform(0.7, 1.6))
    for joint in ("spine1", "spine2", "spine3"):
        body.add(joint, 0, pulse)


def _jump(body: _Body) -> None:
    long_s = body.random.uniform(0.5, 0.9)
    crouch, up = body.pulse(long_s), np.roll(body.pulse(long_s), int(0.5 * long_s * FPS))
    body.place[:, 1] += body.energy * (0.25 * up - 0.1 * crouch)
    for side in ("left", "right"):
        body.add(f"{side}_hip", 0, -0.5 * crouch)
        body.add(f"{side}_knee", 0, 1.0 * crouch)
        body.add(f"{side}_shoulder", 0, -0.8 * body.energy * up)


def _shrug(body: _Body) -> None:
    pulse = body.random.uniform(0.15, 0.4) * body.energy * body.pulse(body.random.uniform(0.4, 0.9))
    body.add("left_collar", 2, pulse)
    body.add("right_collar", 2, -pulse)
    body.add("head", 2, body.random.normal(0, 0.4) * pulse)


def _walk(body: _Body) -> None:
    times = np.arange(body.count) / FPS
    phase = 2 * np.pi * (body.random.uniform(0.7, 1.1) * (0.6 + 0.4 * body.energy) * times + body.random.random())
    wide = 0.35 + 0.25 * body.energy
    for side, sign in (("left", 1), ("right", -1)):
        body.add(f"{side}_hip", 0, -sign * wide * np.sin(phase))
        body.add(f"{side}_knee", 0, wide * (1 + np.sin(phase + sign * 1.2)) * 0.6)
        body.add(f"{side}_shoulder", 0, sign * 0.7 * wide * np.sin(phase))
        body.add(f"{side}_elbow", 0, -0.4)
    body.place[:, 2] += 1.2 * wide * times
    body.place[:, 1] += 0.03 * np.cos(2 * phase)
    body.add("pelvis", 1, 0.6 * _drifts(body.random, body.count, 1, 2.0)[:, 0])


def _stretch(random: np.random.Generator, walk: BodyMotion, seconds: float) -> BodyMotion:
    """Some of the walk, quicker or slower, so that it lasts so long."""
    speed = float(np.exp(random.normal(0, 0.2)))
    length = min(seconds * speed, float(walk.times_s[-1] - walk.times_s[0]) - 0.1)
    begin = walk.times_s[0] + random.uniform(0, float(walk.times_s[-1] - walk.times_s[0]) - length)
    rows = (walk.times_s >= begin) & (walk.times_s <= begin + length)
    part = part_of(walk, rows)
    part = resampled(replace(part, times_s=(part.times_s - begin) * seconds / length), FPS)
    rows_at = np.clip(np.arange(int(seconds * FPS)), 0, len(part) - 1)
    return replace(part, times_s=np.arange(len(rows_at)) / FPS, joints=part.joints[rows_at], head=part.head[rows_at])


def _blended(one: BodyMotion, other: BodyMotion) -> BodyMotion:
    """From one motion into another, which begins where the first one is in the middle."""
    middle = len(one) // 2
    shift = (one.joints[middle, 0] - other.joints[middle, 0]) * np.array([1, 0, 1], np.float32)
    share = np.clip((np.arange(len(one)) - middle) / FPS + 0.5, 0, 1).astype(np.float32)
    share = share * share * (3 - 2 * share)
    joints = one.joints + share[:, None, None] * (other.joints + shift - one.joints)
    return replace(one, joints=joints, head=one.head + share[:, None] * (other.head - one.head))


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Angles [..., 3] about x, y, z → [..., 3, 3] = Ry · Rx · Rz."""
    (sx, sy, sz), (cx, cy, cz) = np.moveaxis(np.sin(angles), -1, 0), np.moveaxis(np.cos(angles), -1, 0)
    return np.stack([
        np.stack([cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx], -1),
        np.stack([cx * sz, cx * cz, -sx], -1),
        np.stack([-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx], -1),
    ], -2)


def _pulses(energy: np.ndarray, style: Style) -> np.ndarray:
    """[T] 0..1: up shortly before each beat of the body, and down as slowly as the style does."""
    found = np.zeros(len(energy))
    for frame, weight in zip(*beats(energy), strict=True):
        after = (np.arange(len(energy)) - frame) / FPS - style.delay_s
        wide_s = np.where(after < 0, _RISE_S, style.decay_s)
        found = np.maximum(found, weight * np.exp(-0.5 * np.square(after / wide_s)))
    return found


def _drifts(random: np.random.Generator, count: int, columns: int, slow_s: float = 0.5) -> np.ndarray:
    """Slow noise [T, columns] of standard deviation 1."""
    weights = _hills(count, slow_s)
    return weights @ random.normal(0, 1, (weights.shape[1], columns))


@lru_cache
def _hills(count: int, slow_s: float) -> np.ndarray:
    """[T, K]: bell curves one after the other, each row of length 1."""
    step = slow_s * FPS
    at = np.arange(-2, count / step + 3) * step
    found = np.exp(-0.5 * np.square((np.arange(count)[:, None] - at) / step))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _look(yaw: np.ndarray, pitch: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "eyeLookOutLeft": yaw, "eyeLookInRight": yaw, "eyeLookInLeft": -yaw, "eyeLookOutRight": -yaw,
        "eyeLookUpLeft": pitch, "eyeLookUpRight": pitch, "eyeLookDownLeft": -pitch, "eyeLookDownRight": -pitch,
    }


def _blinks(random: np.random.Generator, rate: np.ndarray) -> np.ndarray:
    """Frames [T] at which blinks begin, so many a second; none within a third of a second of another."""
    found, last = np.zeros(len(rate), np.float32), -10
    for i in np.flatnonzero(random.random(len(rate)) < rate / FPS):
        if i - last >= FPS / 3:
            found[i], last = 1, i
    return found
