"""What travels between the rooms: Frame, FaceFrame, BodyFrame, Expression, ControlFrame.

Conventions, everywhere in the project:

* image: uint8 BGR, row 0 on top; pixel coordinates x right, y down.
* left and right are the *person's* own.
* head: (yaw, pitch, roll) rad, R = Ry(yaw) · Rx(-pitch) · Rz(roll) in a frame with x to the person's left, y up and
  z out of the face; so yaw > 0 turns to the person's left, pitch > 0 looks up, roll > 0 lifts the left ear.
* gaze: [eye (left, right), (yaw, pitch)] rad relative to the head, the same signs as head.
* time: seconds of the source's own clock.
* body: x right, y down, z away from the camera; px of the picture (z in the scale of x), or m from the hips' middle
  (a hand: from the hand's middle).
"""
from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

EMBEDDING_SIZE = 128
LANDMARK_COUNT = 478
POSE_COUNT = 33
HAND_COUNT = 21
CROP_SIZE = 128


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    image: np.ndarray
    """uint8 [H, W, 3], BGR."""
    time_s: float
    index: int


def unknown_landmarks() -> np.ndarray:
    """Those of a face on which none are known: float32 [478, 3], all NaN."""
    return np.full((LANDMARK_COUNT, 3), np.nan, np.float32)


@dataclass(frozen=True)
class FaceFrame:
    """What tracking saw in one Frame; also made when no face was found."""

    time_s: float
    found: bool
    """There is a region with a face: a crop of it, and landmarks if they are known."""
    landmarks: np.ndarray
    """float32 [478, 3] px of the source picture (z in the scale of x); all NaN where they are not known: no face was
    found, or it is a drawn one on which the landmark network finds nothing."""
    confidence: float
    """0..1: probability that the crop shows a face."""
    crop: np.ndarray
    """uint8 [128, 128, 3] BGR, eyes level and centred; all black where it is not known."""

    @property
    def has_landmarks(self) -> bool:
        """False for a face of which only the crop is known, and where none was found."""
        return bool(np.isfinite(self.landmarks).all())


@dataclass(frozen=True)
class BodyFrame:
    """What whole-body tracking saw in one Frame; also made when no body was found. Hands are [left, right]."""

    time_s: float
    landmarks: np.ndarray
    """float32 [33, 3] px in MediaPipe's order; all NaN where no body was found."""
    world: np.ndarray
    """float32 [33, 3] m; likewise."""
    visibility: np.ndarray
    """float32 [33], 0..1: probability that the landmark is in the picture and not hidden; 0 without a body."""
    confidence: float
    """0..1: probability that this is a body."""
    hands: np.ndarray
    """float32 [2, 21, 3] px; NaN for a hand that was not found."""
    hands_world: np.ndarray
    """float32 [2, 21, 3] m; likewise."""
    hands_confidence: np.ndarray
    """float32 [2], 0..1: probability that this is a hand; 0 where none was looked for."""
    hands_right: np.ndarray
    """float32 [2], 0..1: probability that this looks like a right hand; NaN without a hand."""

    @property
    def found(self) -> bool:
        """There is a body."""
        return bool(np.isfinite(self.landmarks).all())


@dataclass(frozen=True)
class BodyTrack:
    """BodyFrames over time; shapes as there behind the frame axis."""

    times_s: np.ndarray
    landmarks: np.ndarray
    world: np.ndarray
    visibility: np.ndarray
    confidence: np.ndarray
    hands: np.ndarray
    hands_world: np.ndarray
    hands_confidence: np.ndarray
    hands_right: np.ndarray

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def found(self) -> np.ndarray:
        """bool [T]: there is a body."""
        return np.isfinite(self.landmarks).all((1, 2))

    @property
    def hands_found(self) -> np.ndarray:
        """bool [T, 2]: there is this hand."""
        return np.isfinite(self.hands).all((2, 3))


def stack_bodies(frames: list[BodyFrame]) -> BodyTrack:
    """Bodies in time order → one track; ValueError for an empty list."""
    if not frames:
        raise ValueError("no frames")
    names = [field.name for field in fields(BodyTrack)[1:]]
    columns = {name: np.array([getattr(frame, name) for frame in frames]) for name in names}
    times_s = np.array([frame.time_s for frame in frames], np.float64)
    return BodyTrack(times_s, **{name: values.astype(np.float32) for name, values in columns.items()})


@dataclass(frozen=True)
class ExpressionTrack:
    """Expressions over time; an Expression is one row of it."""

    times_s: np.ndarray
    """float64 [T], strictly rising."""
    coefficients: np.ndarray
    """float32 [T, 54], 0..1; as the encoder gives them, before calibration, also a little below and above."""
    embedding: np.ndarray
    """float32 [T, 128]; zeros where the source has none (a Live Link take)."""
    gaze: np.ndarray
    """float32 [T, 2, 2]."""
    head: np.ndarray
    """float32 [T, 3]."""
    confidence: np.ndarray
    """float32 [T], 0..1; 0 where no face was found (the other values are then bridged, not measured)."""

    def __len__(self) -> int:
        return len(self.times_s)

    def row(self, i: int) -> Expression:
        """The expression of frame `i`."""
        return Expression(
            float(self.times_s[i]), self.coefficients[i], self.embedding[i], self.gaze[i], self.head[i],
            float(self.confidence[i]),
        )


@dataclass(frozen=True)
class Expression:
    """What one face means; shapes as a row of ExpressionTrack."""

    time_s: float
    coefficients: np.ndarray
    embedding: np.ndarray
    gaze: np.ndarray
    head: np.ndarray
    confidence: float


def stack(expressions: list[Expression]) -> ExpressionTrack:
    """Expressions in time order → one track; ValueError for an empty list."""
    return ExpressionTrack(
        np.array([e.time_s for e in expressions], np.float64),
        np.stack([e.coefficients for e in expressions]).astype(np.float32),
        np.stack([e.embedding for e in expressions]).astype(np.float32),
        np.stack([e.gaze for e in expressions]).astype(np.float32),
        np.stack([e.head for e in expressions]).astype(np.float32),
        np.array([e.confidence for e in expressions], np.float32),
    )


@dataclass(frozen=True)
class ControlFrame:
    """The controls of one character at one time."""

    time_s: float
    values: np.ndarray
    """float32 [K] in the rig's own units, in the order of the character's ControlSet."""


@dataclass(frozen=True)
class ControlTrack:
    """ControlFrames over time."""

    times_s: np.ndarray
    """float64 [T], strictly rising."""
    values: np.ndarray
    """float32 [T, K] in the rig's own units."""

    def __len__(self) -> int:
        return len(self.times_s)


def head_rotation(head: np.ndarray) -> np.ndarray:
    """Head angles [..., 3] rad → rotation [..., 3, 3]: Ry(yaw) · Rx(-pitch) · Rz(roll)."""
    (sy, sp, sr), (cy, cp, cr) = np.moveaxis(np.sin(head), -1, 0), np.moveaxis(np.cos(head), -1, 0)
    return np.stack([
        np.stack([cy * cr - sy * sp * sr, -cy * sr - sy * sp * cr, sy * cp], -1),
        np.stack([cp * sr, cp * cr, sp], -1),
        np.stack([-sy * cr - cy * sp * sr, sy * sr - cy * sp * cr, cy * cp], -1),
    ], -2)


def angles_of(rotation: np.ndarray) -> np.ndarray:
    """Rotations [..., 3, 3] → yaw, pitch, roll float32 [..., 3] rad: the inverse of `head_rotation`."""
    yaw = np.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])
    pitch = np.arcsin(np.clip(rotation[..., 1, 2], -1, 1))
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return np.stack([yaw, pitch, roll], -1).astype(np.float32)
