"""Figures of body to face beside the nearest clip of the training set and its mean face, on the same held-out inputs.

Held out: bodies made from other seeds and the end of the recorded walk, and takes whose faces training never drew
(`held_out` in body_to_face_styles.toml). Style comes from two other clips of the same take. The face is what users get:
addon/expression/from_body.py with the shipped networks.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
from addon.core.take import Take
from addon.expression.body_features import FPS, beats, features, smoothed
from addon.expression.from_body import built_in_style, face_from_body, style_of, with_blinks

from .body_motion_sets import NAMES, draw_motion, draw_style, make_face
from .body_to_face import SECONDS, Clips, make_clips, shown, walk_parts
from .figures import Row

_SEED: Final = 90_009
_TAKES: Final = 6
"""Of each style."""
_KNOWN: Final = 160
_BROWS: Final = coefficients.in_group("brows")
_LIDS: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_STILL: Final = ~(coefficients.in_group("gaze") | np.isin(np.arange(coefficients.COUNT), _LIDS))
_AFTER_S: Final = 0.5
_RIVAL: Final = "nearest clip"


@dataclass(frozen=True)
class Asked:
    """A body, a style, and three answers beside the truth: faces float32 [T, 57] with blinks, the head's own motion."""

    style: int
    heard: np.ndarray
    faces: dict[str, np.ndarray]
    """"truth", "ours", "nearest", "mean"."""


@cache
def asked() -> tuple[Asked, ...]:
    """The test set, answered."""
    random, walk = np.random.default_rng(_SEED), walk_parts()[1]
    clips = known()
    mean = clips.shown.mean((0, 1, 2))
    found = []
    for name in np.repeat(NAMES, _TAKES):
        person = draw_style(random, name, held_out=True)
        reference = []
        for _ in range(2):
            body = draw_motion(random, SECONDS, walk)
            reference.append(shown(random, make_face(random, person, features(body)), body))
        motion = draw_motion(random, SECONDS, walk)
        heard = features(motion)
        true = make_face(random, person, heard)
        truth = np.concatenate([with_blinks(true.coefficients, true.blinks, true.blink_s), true.head], 1)
        style = style_of(as_take(np.concatenate(reference)), name)
        ours = own_face(face_from_body(motion, style, own_head=False))
        faces = {"truth": truth, "ours": ours, "nearest": nearest(clips, heard, np.concatenate(reference)),
                 "mean": np.tile(mean, (len(heard), 1))}
        found.append(Asked(NAMES.index(name), heard, faces))
    return tuple(found)


@cache
def known() -> Clips:
    """What rivals may answer with and the judge learns from: clips of our styles as training draws them."""
    return make_clips(np.random.default_rng(3), _KNOWN, walk_parts()[0], free=0.0)


def own_face(take: Take) -> np.ndarray:
    """A take as an answer [T, 57]."""
    return np.concatenate([take.smoothed.coefficients, take.smoothed.head], 1)


def as_take(face: np.ndarray) -> Take:
    """A face [T, 57] as a performance."""
    count = len(face)
    track = ExpressionTrack(
        np.arange(count) / FPS, face[:, :coefficients.COUNT].astype(np.float32),
        np.zeros((count, EMBEDDING_SIZE), np.float32), np.zeros((count, 2, 2), np.float32),
        face[:, coefficients.COUNT:].astype(np.float32), np.ones(count, np.float32),
    )
    return Take(np.ones(count, bool), np.empty((0, LANDMARK_COUNT, 3), np.float32), track, track)


def nearest(clips: Clips, heard: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The face of the known clip whose body and style are nearest: frame by frame, and in the mean face."""
    bodies = clips.heard.reshape(-1, *clips.heard.shape[2:])
    spread = bodies.std((0, 1)) + 1e-6
    body = np.square((bodies - heard) / spread).mean((1, 2))
    style = np.square(clips.shown.mean(2) - reference.mean(0))[..., :coefficients.COUNT].mean(2).reshape(-1)
    best = np.argmin(body / body.mean() + style / style.mean())
    faces = clips.face.copy()
    return with_begun(faces.reshape(-1, *faces.shape[2:])[best], clips.blinks.reshape(len(bodies), -1)[best])


def with_begun(face: np.ndarray, begun: np.ndarray) -> np.ndarray:
    """A face [T, 57] with its blinks."""
    count = coefficients.COUNT
    return np.concatenate([with_blinks(face[:, :count], begun, 0.25), face[:, count:]], 1)


def measure_style() -> dict[str, Row]:
    """How often a judge that knows only authored faces sees the asked style in the answer."""
    judge = Judge(known())
    right = {way: np.mean([judge(each.faces[way]) == each.style for each in asked()])
             for way in ("ours", "nearest", "mean", "truth")}
    return {"body_to_face.style_accuracy": Row(
        float(right["ours"]), float(right["nearest"]), f"{_RIVAL} (mean face {right['mean']:.2f}, truth "
        f"{right['truth']:.2f})", f"share of {len(asked())}", ">= 0.80")}


def measure_beats() -> dict[str, Row]:
    """Do brows, head and blinks go with the body's beats? For blinks: their share near beats over chance."""
    rows = {}
    for part, score in (("brow", _brow), ("head", _head), ("blink", _blink)):
        got = {way: float(np.nanmean([score(each.faces[way], each.heard) for each in asked()]))
               for way in ("ours", "nearest", "truth")}
        unit = "times chance" if part == "blink" else "mean r with the body's beats"
        rivals = f"{_RIVAL} (truth {got['truth']:.2f}; mean face: none)"
        rows[f"body_to_face.beat_{part}"] = Row(got["ours"], got["nearest"], rivals, unit, "report")
    return rows


def measure_motion() -> dict[str, Row]:
    """How different the answers are, and how they tremble, as shares of what authored faces do."""
    spread = {way: _spread([each.faces[way].mean(0) for each in asked()]) for way in ("ours", "nearest", "truth")}
    shake = {way: float(np.mean([_shake(each.faces[way]) for each in asked()])) for way in ("ours", "nearest", "truth")}
    return {
        "body_to_face.diversity": Row(spread["ours"] / spread["truth"], spread["nearest"] / spread["truth"],
                                      f"{_RIVAL} (mean face 0)", "distance between answers / truth's", "report"),
        "body_to_face.jitter": Row(shake["ours"] / shake["truth"], shake["nearest"] / shake["truth"],
                                   f"{_RIVAL} (mean face 0)", "second difference / truth's", "<= 1.1"),
    }


def measure_swaps() -> dict[str, Row]:
    """The same bodies in every built-in style: is the body known again by its face in another style, and each style?"""
    random, walk, judge = np.random.default_rng(_SEED + 1), walk_parts()[1], Judge(known())
    bodies = [draw_motion(random, SECONDS, walk) for _ in NAMES]
    faces = [[own_face(face_from_body(body, built_in_style(name), own_head=False)) for body in bodies]
             for name in NAMES]
    styled = np.mean([judge(face) == i for i, row in enumerate(faces) for face in row])
    ways = np.array([[_away(face) for face in row] for row in faces])
    found = [np.argmax([np.corrcoef(way, other)[0, 1] for other in ways[j]]) == body
             for i in range(len(NAMES)) for j in range(len(NAMES)) if i != j for body, way in enumerate(ways[i])]
    chance = 1 / len(NAMES)
    return {
        "body_to_face.swapped_style": Row(float(styled), chance, "chance", f"share of {len(NAMES)}²", ">= 0.80"),
        "body_to_face.swapped_content": Row(
            float(np.mean(found)), chance, "chance",
            f"top-1 of the body among {len(NAMES)}, by its face in another style", "report"),
    }


class Judge:
    """Tells the style of a face by linear discriminants of how its channels lie and move; knows authored faces only."""

    def __init__(self, clips: Clips) -> None:
        faces = [with_begun(face, begun) for rows, blinks in zip(clips.face, clips.blinks, strict=True)
                 for face, begun in zip(rows, blinks, strict=True)]
        seen = np.array([self._seen(face) for face in faces])
        labels = np.repeat([NAMES.index(name) for name in clips.names], clips.face.shape[1])
        means = np.array([seen[labels == i].mean(0) for i in range(len(NAMES))])
        within = np.cov((seen - means[labels]).T)
        spread = within + 0.1 * np.diag(np.diag(within)) + 1e-5 * np.eye(len(within))
        self._weights = np.linalg.solve(spread, means.T)
        self._bias = -0.5 * (means.T * self._weights).sum(0)

    def __call__(self, face: np.ndarray) -> int:
        """Index into NAMES."""
        return int(np.argmax(self._seen(face) @ self._weights + self._bias))

    @staticmethod
    def _seen(face: np.ndarray) -> np.ndarray:
        return np.concatenate([face.mean(0), face.std(0)])


def _pulse(heard: np.ndarray) -> np.ndarray:
    found = np.zeros(len(heard))
    frames, weights = beats(heard[:, -1].astype(np.float64))
    found[frames] = weights
    return smoothed(found, 0.15)


def _brow(face: np.ndarray, heard: np.ndarray) -> float:
    return _follows(face[:, :coefficients.COUNT][:, _BROWS], heard)


def _head(face: np.ndarray, heard: np.ndarray) -> float:
    return _follows(face[:, coefficients.COUNT:], heard)


def _follows(values: np.ndarray, heard: np.ndarray) -> float:
    """Correlation of how far values leave their rest with the body's beats, at the best delay up to 0.4 s."""
    away = np.linalg.norm(values - np.median(values, axis=0), axis=1)
    pulse = _pulse(heard)
    if away.std() < 1e-9 or pulse.std() < 1e-9:
        return 0.0
    return max(np.corrcoef(away[late:], pulse[:len(pulse) - late])[0, 1] for late in range(13))


def _away(face: np.ndarray) -> np.ndarray:
    """[T]: how far a face without its eyes leaves its rest."""
    values = face[:, :coefficients.COUNT][:, _STILL]
    return np.linalg.norm(values - np.median(values, axis=0), axis=1)


def _blink(face: np.ndarray, heard: np.ndarray) -> float:
    """Share of blinks that begin within half a second after a beat, over that share of all frames."""
    lids = face[:, _LIDS].mean(1) > 0.7
    begun = np.flatnonzero(lids[1:] & ~lids[:-1])
    near = np.zeros(len(heard), bool)
    for frame in beats(heard[:, -1].astype(np.float64))[0]:
        near[max(0, frame - 3):frame + int(_AFTER_S * FPS)] = True
    return near[begun].mean() / near.mean() if len(begun) and near.any() else np.nan


def _spread(faces: list[np.ndarray]) -> float:
    values = np.array(faces)
    return float(np.mean([np.linalg.norm(one - other) for i, one in enumerate(values) for other in values[:i]]))


def _shake(face: np.ndarray) -> float:
    return float(np.abs(np.diff(face[:, :coefficients.COUNT][:, _STILL], 2, axis=0)).mean())


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("body_to_face.style_accuracy",): measure_style,
    ("body_to_face.beat_brow", "body_to_face.beat_head", "body_to_face.beat_blink"): measure_beats,
    ("body_to_face.diversity", "body_to_face.jitter"): measure_motion,
    ("body_to_face.swapped_style", "body_to_face.swapped_content"): measure_swaps,
}
