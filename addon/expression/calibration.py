"""Calibration to one performer: what their face shows at rest is taken off, and each group gets a gain.

A pure function on the raw track, so that it can be changed after tracking. The eyelids have their own path: taking a
resting value off a blink would leave the eye open, so blinks are measured from the resting lid to the closed eye of
this performer, and a full blink is always full.
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import ExpressionTrack, angles_of, head_rotation

_GAINED: Final = (*coefficients.GROUPS, "head")
_GAZE: Final = coefficients.in_group("gaze")
_BLINK: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
# Channels that move the same thing in opposite directions: beyond rest on one side is the other side.
_OPPOSITES: Final = np.stack([
    coefficients.indices(pair)
    for pair in (
        ("eyeLookUpLeft", "eyeLookDownLeft"), ("eyeLookUpRight", "eyeLookDownRight"),
        ("eyeLookOutLeft", "eyeLookInLeft"), ("eyeLookOutRight", "eyeLookInRight"),
        ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"),
    )
])
# Brows that sink below rest and brows that rise are one movement: together they tell how high the brow is.
_RAISED_AND_LOWERED: Final = tuple(
    (coefficients.indices([f"browInnerUp{side}", f"browOuterUp{side}"]), coefficients.INDEX[f"browDown{side}"])
    for side in ("Left", "Right")
)
_MOST_AT_REST: Final = 0.9
"""A resting value is believed up to here; what is left of the range is stretched to 1."""
_LEAST_BLINK: Final = 0.45
"""Blinks that never get here are no measure of the performer's full closure."""
_LEAST_RANGE: Final = 0.1
_MOST_FRAMES: Final = 600
_AROUND_S: Final = 0.1


@dataclass(frozen=True)
class Calibration:
    """What is known of one performer; the default changes nothing."""

    neutral: np.ndarray = field(default_factory=lambda: np.zeros(coefficients.COUNT, np.float32))
    """float32 [54]: coefficients of the resting face."""
    head: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    """float32 [3]: where the head points at rest."""
    gaze: np.ndarray = field(default_factory=lambda: np.zeros((2, 2), np.float32))
    """float32 [2, 2]: where the eyes look at rest."""
    closed: np.ndarray = field(default_factory=lambda: np.ones(2, np.float32))
    """float32 [2]: eyeBlink (left, right) of the performer's closed eyes; becomes 1."""
    gains: dict[str, float] = field(default_factory=dict)
    """Group of core.coefficients, or "head" → factor; 1 where absent."""
    source: str = "none"
    """"none", "auto" or "frame"."""
    time_s: float | None = None
    """The chosen frame's time for "frame"."""

    def __post_init__(self) -> None:
        for group, gain in self.gains.items():
            if group not in _GAINED:
                groups = ", ".join(_GAINED)
                raise SemblanceError(f"There is no group '{group}' to give a gain; the groups are {groups}.")
            if not (np.isfinite(gain) and gain >= 0):
                raise SemblanceError(f"The gain of '{group}' must be 0 or more (found {gain}).")

    def to_json(self) -> dict[str, Any]:
        """Plain numbers for a take's header; the neutral by name."""
        return {
            "neutral": {name: float(v) for name, v in zip(coefficients.NAMES, self.neutral, strict=True)},
            "head": self.head.tolist(), "gaze": self.gaze.tolist(), "closed": self.closed.tolist(),
            "gains": dict(self.gains), "source": self.source, "time_s": self.time_s,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Calibration:
        """The inverse of `to_json`; what is absent keeps its default.

        Raises:
            SemblanceError: if a value has the wrong form.
        """
        default = Calibration()
        try:
            neutral = data.get("neutral", {})
            head, gaze, closed = (
                np.array(data.get(name, own), np.float32).reshape(own.shape)
                for name, own in (("head", default.head), ("gaze", default.gaze), ("closed", default.closed))
            )
            rest = np.array([neutral.get(name, 0.0) for name in coefficients.NAMES], np.float32)
            if not all(np.isfinite(values).all() for values in (rest, head, gaze, closed)):
                raise ValueError("not a number")
            return Calibration(
                rest, head, gaze, closed,
                {str(group): float(gain) for group, gain in data.get("gains", {}).items()},
                str(data.get("source", "none")),
                None if data.get("time_s") is None else float(data["time_s"]),
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise SemblanceError(f"The calibration in this take is damaged ({error}); calibrate again.") from error


def calibrate(track: ExpressionTrack, calibration: Calibration) -> ExpressionTrack:
    """The track with the performer's rest taken off: rest becomes 0, 1 stays 1, then gains; coefficients in 0..1."""
    neutral = np.clip(calibration.neutral, -1, _MOST_AT_REST)
    raw = track.coefficients
    values = _beyond(raw, neutral)
    values[:, _OPPOSITES] = _beyond_pairs(raw[:, _OPPOSITES].clip(0, 1), neutral[_OPPOSITES].clip(0))
    for raised, lowered in _RAISED_AND_LOWERED:
        lifted = np.clip(neutral[lowered].clip(0) - raw[:, lowered].clip(0), 0, None)
        values[:, raised] += lifted[:, None]
    values[:, _BLINK] = _blinks(raw[:, _BLINK], neutral[_BLINK], calibration.closed)
    gains = np.array([calibration.gains.get(group, 1.0) for group in coefficients.GROUP_OF], np.float32)
    return replace(
        track,
        coefficients=np.clip(values * gains, 0, 1).astype(np.float32),
        gaze=((track.gaze - calibration.gaze) * np.float32(calibration.gains.get("gaze", 1.0))).astype(np.float32),
        head=_relative(track.head, calibration.head) * np.float32(calibration.gains.get("head", 1.0)),
    )


def neutral_from(track: ExpressionTrack, time_s: float) -> Calibration:
    """The face around `time_s` (the median over ± 0.1 s) as the resting face.

    Raises:
        SemblanceError: if no face was seen there.
    """
    measured = track.confidence > 0
    near = measured & (np.abs(track.times_s - time_s) <= _AROUND_S)
    if not near.any():
        raise SemblanceError(f"No face was seen at {time_s:.2f} s; choose a moment that shows the resting face.")
    return replace(_from_frames(track, near), source="frame", time_s=float(time_s))


def find_neutral(track: ExpressionTrack) -> Calibration:
    """The resting face found by itself: where the performer is most often, least moving and least expressive.

    Each measured frame is scored by its distance to the tenth of all frames nearest to it (a face that is held often
    has near neighbours) plus how far it is above the performer's own low values; unusual lids and turned heads cost.
    """
    measured = np.flatnonzero(track.confidence > 0)
    if len(measured) == 0:
        return Calibration()
    chosen = measured[np.unique(np.linspace(0, len(measured) - 1, _MOST_FRAMES).astype(int))]
    face = track.coefficients[chosen][:, ~_GAZE]
    distances = np.linalg.norm(face[:, None] - face[None], axis=-1)
    near = max(1, len(chosen) // 10)
    crowd = np.sort(distances, axis=1)[:, :near].mean(1)
    active = np.linalg.norm(np.clip(face - np.quantile(face, 0.1, axis=0), 0, None), axis=1)
    blink = track.coefficients[chosen][:, _BLINK].mean(1)
    lids = np.abs(blink - np.median(blink))
    turned = np.linalg.norm(track.head[chosen] - np.median(track.head[measured], axis=0), axis=1)
    best = np.argmin(crowd + 0.5 * active + lids + 0.5 * turned)
    members = np.zeros(len(track), bool)
    members[chosen[np.argsort(distances[best], kind="stable")[:near]]] = True
    return replace(_from_frames(track, members), source="auto")


def _from_frames(track: ExpressionTrack, rows: np.ndarray) -> Calibration:
    """Median of the chosen rows (bool [T]); the closure from all measured ones."""
    neutral, head, gaze = (
        np.median(values[rows], axis=0).astype(np.float32) for values in (track.coefficients, track.head, track.gaze)
    )
    return Calibration(neutral, head, gaze, _closure(track.coefficients[track.confidence > 0][:, _BLINK]))


def _closure(blink: np.ndarray) -> np.ndarray:
    """float32 [2]: how far the eyes close in this performance's blinks, 1 if it has none to judge by."""
    most = np.quantile(blink, 0.995, axis=0, method="higher")
    return np.where(most >= _LEAST_BLINK, np.clip(most, 0, 1), 1).astype(np.float32)


def _beyond(values: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Rest → 0, 1 → 1, straight between."""
    return np.clip((values - rest) / (1 - rest), 0, 1)


def _beyond_pairs(pairs: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """[T, P, 2] of P pairs of opposite channels: the difference is measured from rest and shared out again.

    What both have in common (they cancel in the face) is kept beyond what they have in common at rest.
    """
    shift, common_rest = rest[:, 0] - rest[:, 1], rest.min(-1)
    difference = pairs[..., 0] - pairs[..., 1] - shift
    room = np.where(difference > 0, 1 - shift, 1 + shift)
    difference = difference / np.maximum(room, 0.1)
    common = np.clip(pairs.min(-1) - common_rest, 0, None)
    return np.stack([np.clip(difference, 0, None) + common, np.clip(-difference, 0, None) + common], -1)


def _blinks(values: np.ndarray, rest: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Blinks [T, 2]: rest → 0 and this performer's closed eyes → 1, straight between; the range never gets tiny."""
    return np.clip((values - rest) / np.maximum(closed - rest, _LEAST_RANGE), 0, 1)


def _relative(head: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Head angles [T, 3] seen from the resting head: the angles of inverse(R_rest) · R, conventions of core.frames."""
    if not rest.any():
        return head
    return angles_of(head_rotation(rest).T @ head_rotation(head))
