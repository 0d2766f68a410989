"""Recorded bodies with faces (BEAT2, Motion-X) as clips to learn body to face from, beside our authored ones.

Each file is one style take of one person. FLAME's numbers become coefficients by a module of `training.flame`; blinks
are told apart from the lids' slower ways, and the head, which these sets keep with the body, adds nothing to the face.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.body_motion import BodyMotion, resampled
from addon.core.errors import SemblanceError
from addon.expression.body_features import FPS, features
from addon.expression.from_body import CHANNELS

from .body_face_formats import FLAME_TO_ARKIT, BodyFace, coefficients_of, read_beat2, read_motion_x
from .body_to_face import SECONDS, TIMES, Clips

_READERS: Final = {".npz": read_beat2, ".npy": read_motion_x}
_LIDS: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_LENGTH: Final = int(SECONDS * FPS)
_BLINK_S: Final = 0.5
"""Lids that are down for longer do not blink."""
_SHUT: Final = 0.35
"""How far above their slower way lids go in a blink."""


def recorded_clips(paths: list[Path], module: Path = FLAME_TO_ARKIT) -> Clips:
    """Clips of every file that is long enough for them.

    Raises:
        SemblanceError: naming a file that cannot be read, or if none is long enough.
    """
    takes = [_clips_of(_read(path), module) for path in paths]
    takes = [take for take in takes if take is not None]
    if not takes:
        raise SemblanceError(f"None of {len(paths)} files lasts {TIMES * SECONDS:g} s, which {TIMES} clips need.")
    heard, face, shown, blinks = (np.stack(each) for each in zip(*takes, strict=True))
    return Clips(heard, face, shown, blinks, ("",) * len(takes))


def joined(one: Clips, other: Clips) -> Clips:
    """The takes of both."""
    arrays = [np.concatenate([getattr(one, each.name), getattr(other, each.name)]) for each in fields(Clips)[:-1]]
    return Clips(*arrays, one.names + other.names)


def without_blinks(lids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lids [T, 2] at FPS → their slower way [T, 2], and 1 on each frame at which a blink begins, float32 [T]."""
    reach = int(_BLINK_S * FPS / 2)
    slow = _rolling(_rolling(lids, reach, np.min), reach, np.max)
    down = (lids - slow).mean(1) > _SHUT
    return slow, np.concatenate([[0.0], np.diff(down.astype(np.float32)).clip(0)]).astype(np.float32)


def _read(path: Path) -> BodyFace:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SemblanceError(f"'{path}' is neither BEAT2 (.npz) nor Motion-X (.npy).")
    return reader(path)


def _clips_of(recorded: BodyFace, module: Path) -> list[np.ndarray] | None:
    """What `Clips` has of one take; None if it is too short."""
    motion = resampled(recorded.motion, FPS)
    if len(motion) < TIMES * _LENGTH:
        return None
    values = _at(recorded.motion, coefficients_of(recorded, module), motion)
    lids, begun = without_blinks(values[:, _LIDS])
    face = np.zeros((len(motion), CHANNELS), np.float32)
    face[:, :coefficients.COUNT] = values
    shown = face.copy()
    face[:, _LIDS], shown[:, coefficients.COUNT:] = lids, motion.head
    begins = np.linspace(0, len(motion) - _LENGTH, TIMES).astype(int)
    return [np.stack([whole[at:at + _LENGTH] for at in begins]) for whole in (features(motion), face, shown, begun)]


def _at(source: BodyMotion, values: np.ndarray, motion: BodyMotion) -> np.ndarray:
    """Values [T, K] of a source's frames at another motion's times."""
    return np.stack([np.interp(motion.times_s, source.times_s, column) for column in values.T], 1).astype(np.float32)


def _rolling(values: np.ndarray, reach: int, most: Callable[..., np.ndarray]) -> np.ndarray:
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return most(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, 0), axis=-1)
