"""Body to face: a face that goes with a body's motion, in the style of a reference (after B2F, arXiv 2511.13988).

Two networks: models/face_style hears a face and tells its style as 12 choices of one in 16; models/body_to_face gives
the face of a body (`body_features`) in a style, and how probable a blink is at each moment. Blinks, which B2F lacks,
are drawn from that with a seed. Built-in styles are such choices too, in models/body_to_face/styles.toml.
"""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.body_motion import BodyMotion, resampled
from ..core.errors import SemblanceError
from ..core.frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
from ..core.network import Network
from ..core.paths import MODELS
from ..core.take import Take
from . import body_features
from .body_features import FPS

WINDOW: Final = 64
"""Frames that the networks see at once."""
GROUPS: Final = 12
CHOICES: Final = 16
CHANNELS: Final = coefficients.COUNT + 3
"""The 54 coefficients, and the head's yaw, pitch, roll in rad."""
CALM: Final = "calm"
"""What strength 0 gives."""
STRENGTH_MOST: Final = 2.0
_HOP: Final = WINDOW // 2
_BATCH: Final = 16
_STEADY: Final = 4.0
"""Shape of the gamma distribution of the time between blinks; 1 would be as irregular as chance."""
_STILL: Final = 0.03
"""Energy of a body that hardly moves."""
_BLINK_S: Final = 0.25
_SHUT: Final = 0.5
_LONGEST_BLINK_S: Final = 0.8
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])


@dataclass(frozen=True)
class FaceStyle:
    """How somebody's face goes with their body."""

    name: str
    choices: np.ndarray
    """int [12], 0..15."""
    blink_s: float
    """How long a blink takes."""

    @property
    def code(self) -> np.ndarray:
        """float32 [192], as the network wants it."""
        return np.eye(CHOICES, dtype=np.float32)[self.choices].reshape(-1)


@lru_cache
def style_names() -> tuple[str, ...]:
    """The built-in styles, calm first; none where the network is not installed."""
    try:
        return tuple(_table())
    except SemblanceError:
        return ()


def built_in_style(name: str) -> FaceStyle:
    """One of `style_names`.

    Raises:
        SemblanceError: if there is none of that name, or the table is damaged.
    """
    table = _table()
    if name not in table:
        raise SemblanceError(f"There is no face style '{name}'; use {', '.join(table)}, or a take.")
    try:
        choices = np.array(table[name]["choices"], int)
        if choices.shape != (GROUPS,) or choices.min() < 0 or choices.max() >= CHOICES:
            raise ValueError("choices")
        return FaceStyle(name, choices, float(table[name]["blink_s"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SemblanceError(f"The face style '{name}' is damaged ({error}); install Semblance again.") from error


def style_of(take: Take, name: str) -> FaceStyle:
    """The style that a performance shows; a few seconds are enough, half a minute is better.

    Raises:
        SemblanceError: if no face was seen in the take, or onnxruntime is missing.
    """
    if not take.found.any():
        raise SemblanceError(f"The take '{name}' shows no face, so it has no style; choose another one.")
    track = take.smoothed
    count = max(2, int((track.times_s[-1] - track.times_s[0]) * FPS) + 1)
    at = track.times_s[0] + np.arange(count) / FPS
    given = np.concatenate([track.coefficients, track.head], 1)
    face = np.stack([np.interp(at, track.times_s, column) for column in given.T], 1).astype(np.float32)
    logits = _style_network().run(["logits"], face=np.clip(_windows(face), -2, 2))[0].mean(0)
    return FaceStyle(name, logits.argmax(1), _blink_length(face[:, _BLINK].max(1)))


def face_from_body(
    motion: BodyMotion, style: FaceStyle, strength: float = 1.0, own_head: bool = True, seed: int = 0
) -> Take:
    """The face of a whole motion at 30 frames a second; raw = smoothed.

    Args:
        strength: 0 is calm, 1 the style, up to 2 exaggerates it.
        own_head: the head turns as the body's does, besides what the face adds; not for a character whose head moves
            with the body already.
        seed: other numbers give other blinks.

    Raises:
        SemblanceError: if the motion is too short, strength is out of range, or onnxruntime is missing.
    """
    if not 0 <= strength <= STRENGTH_MOST:
        raise SemblanceError(f"The strength of a style goes from 0 to {STRENGTH_MOST:g} (found {strength}).")
    motion = resampled(motion, FPS)
    heard = body_features.features(motion)
    calm, styled = (_answer(heard, each.code) for each in (built_in_style(CALM), style))
    face, rate = (low + strength * (high - low) for low, high in zip(calm, styled, strict=True))
    begun = draw_blinks(np.exp(rate), seed)
    values = with_blinks(np.clip(face[:, :coefficients.COUNT], 0, 1), begun, style.blink_s)
    head = face[:, coefficients.COUNT:] + (motion.head if own_head else 0)
    count = len(motion)
    track = ExpressionTrack(
        motion.times_s - motion.times_s[0], values, np.zeros((count, EMBEDDING_SIZE), np.float32),
        coefficients.gaze_of(values).astype(np.float32), head.astype(np.float32), np.ones(count, np.float32),
    )
    source = {
        "kind": "body", "name": motion.name, "frame_count": count, "style": style.name,
        "style_choices": style.choices.tolist(), "strength": strength, "warnings": _warnings(motion, heard),
    }
    nothing = np.empty((0, LANDMARK_COUNT, 3), np.float32)
    return Take(np.ones(count, bool), nothing, track, track, source, {"body to face": _network().card.stamp})


def _warnings(motion: BodyMotion, heard: np.ndarray) -> list[str]:
    """What to say about a body with these features."""
    still = f"In '{motion.name}' the body hardly moves, so its face hardly does."
    return [*motion.warnings, *([still] if heard[:, -1].max() < _STILL else [])]


def with_blinks(values: np.ndarray, begun: np.ndarray, blink_s: float) -> np.ndarray:
    """Coefficients float32 [T, 54] with blinks that begin where `begun` [T] is true: shut fast, open slowly."""
    values = values.astype(np.float32).copy()
    for frame in np.flatnonzero(begun):
        share = (np.arange(len(values)) - frame) / (blink_s * FPS)
        down = np.interp(share, [0, 0.3, 0.45, 1.0], [0, 1, 1, 0], left=0, right=0)
        values[:, _BLINK] = np.maximum(values[:, _BLINK], (down * down * (3 - 2 * down))[:, None])
    return values


def draw_blinks(rate: np.ndarray, seed: int) -> np.ndarray:
    """bool [T]: where blinks begin, drawn at a rate [T] a second that varies; more regular than chance, as people's."""
    random = np.random.default_rng(seed)
    begun = np.zeros(len(rate), bool)
    left = random.random()
    for i, expected in enumerate(np.clip(rate, 0, 2) / FPS):
        left -= expected
        if left <= 0:
            begun[i] = True
            left = random.gamma(_STEADY) / _STEADY
    return begun


def _blink_length(lids: np.ndarray) -> float:
    """How long the blinks [T] of a reference take on average; the usual length if it has none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (lids > _SHUT).astype(int), [0]])))
    lengths = (edges[1::2] - edges[::2]) / FPS
    lengths = lengths[lengths < _LONGEST_BLINK_S]
    # The lids are below half for about half of a blink.
    return float(np.clip(2 * lengths.mean(), 0.15, 0.7)) if len(lengths) else _BLINK_S


def _answer(heard: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Face [T, 57] and the logarithm of blinks a second [T]; windows overlap by half and fade into one another."""
    windows = _windows(heard)
    answers: list[list[np.ndarray]] = []
    for first in range(0, len(windows), _BATCH):
        body = windows[first:first + _BATCH]
        styles = np.repeat(code[None], len(body), 0)
        answers.append(_network().run(["face", "blink"], body=body, style=styles))
    face, blink = (np.concatenate(each) for each in zip(*answers, strict=True))
    both = np.concatenate([face, blink[..., None]], 2)
    weight = np.minimum(np.arange(1, WINDOW + 1), np.arange(WINDOW, 0, -1)).astype(np.float64)[:, None]
    total, sums = np.zeros((len(heard) + 2 * WINDOW, 1)), np.zeros((len(heard) + 2 * WINDOW, both.shape[2]))
    for i, window in enumerate(both):
        rows = slice(i * _HOP, i * _HOP + WINDOW)
        total[rows] += weight
        sums[rows] += weight * window
    found = (sums / np.maximum(total, 1e-9))[_HOP:_HOP + len(heard)].astype(np.float32)
    return found[:, :-1], found[:, -1]


def _windows(values: np.ndarray) -> np.ndarray:
    """[T, C] → [N, WINDOW, C], each half a window after the other; the ends are held for half a window."""
    count = -(-(len(values) + _HOP) // _HOP)
    padded = np.pad(values, ((_HOP, (count + 1) * _HOP - _HOP - len(values)), (0, 0)), mode="edge")
    return np.stack([padded[i * _HOP:i * _HOP + WINDOW] for i in range(count)]).astype(np.float32)


@lru_cache
def _network() -> Network:
    network = Network("body_to_face", "Face from body")
    network.expect("body-to-face network", {"body": (-1, WINDOW, body_features.COUNT), "style": (-1, GROUPS * CHOICES)},
                   {"face": (-1, WINDOW, CHANNELS), "blink": (-1, WINDOW)})
    return network


@lru_cache
def _style_network() -> Network:
    network = Network("face_style", "Face from body")
    network.expect("style network", {"face": (-1, WINDOW, CHANNELS)}, {"logits": (-1, GROUPS, CHOICES)})
    return network


def _table() -> dict[str, dict]:
    path = MODELS / "body_to_face" / "styles.toml"
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SemblanceError(f"'{path}' is damaged ({error}); install Semblance again.") from error
