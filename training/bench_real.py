"""Figures of the expression encoder on real video, beside MediaPipe's blendshapes on the same frames.

Ours is measured as a user gets it, calibrated and smoothed; MediaPipe's in video mode, which smooths its landmarks.
"""
from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.commands import demo as demo_clip
from addon.core import coefficients
from addon.core.frames import ExpressionTrack, Frame, stack
from training.evaluate import GOOD_ON_MEDIAPIPE, blendshapes_of, mediapipe_landmarker
from training.figures import Row

RIVAL: Final = "MediaPipe blendshapes"
CLIP: Final = "webcam_video/man_at_webcam.mp4"
_GOOD: Final = coefficients.indices(GOOD_ON_MEDIAPIPE)
_BLINKS: Final = Path(__file__).with_name("webcam_blinks.toml")
_STILL_S: Final = 1.0
_STILL_SHARE: Final = 1 / 3
_LEAST_MOVEMENT: Final = 0.02
"""A channel of the rival whose standard deviation is less shows noise: nobody makes that movement in the video."""
_MOST_LAG: Final = 6
_BLINK_RISE: Final = 0.25
"""The lids close by so much, and open again by so much, within _BLINK_S on either side."""
_BLINK_S: Final = 0.4
_NEAR_FRAMES: Final = 2
"""How far from the counted frames a peak may lie and still be that blink."""


@dataclass(frozen=True)
class Clip:
    """A video seen by both."""

    raw: ExpressionTrack
    """What the encoder says of each frame."""
    calibrated: ExpressionTrack
    smoothed: ExpressionTrack
    """As a take has it: smoothed with what comes before and after."""
    live: ExpressionTrack
    """Smoothed with what came before alone."""
    rival: np.ndarray
    """MediaPipe's coefficients [T, 54], NaN without a face."""
    landmarks: np.ndarray
    """float32 [T, 478, 3] px."""
    crops: np.ndarray
    """uint8 [T, 128, 128, 3] BGR."""


def measure_webcam() -> dict[str, Row]:
    """Agreement where MediaPipe is right, jitter at rest, and lag; about half a minute."""
    clip = webcam()
    names = moving(clip.rival)
    r = [correlation(clip.smoothed, clip.rival, name) for name in names]
    still = still_windows(clip.landmarks, round(_STILL_S / _step_s(clip.raw)))
    theirs = jitter(clip.rival[:, _GOOD], still)
    columns = coefficients.indices(names)
    lags = [lag_frames(track.coefficients[:, columns], clip.calibrated.coefficients[:, columns])
            for track in (clip.live, clip.smoothed)]
    still_ones = ", ".join(sorted({name for name in GOOD_ON_MEDIAPIPE if name not in names})) or "none"
    words = f"mean r with {RIVAL} on {len(names)} channels; never moved: {still_ones}"
    return {
        "expression.real_agreement": Row(float(np.mean(r)), None, "", words, ">= 0.85"),
        "expression.rest_jitter_ratio": Row(
            jitter(clip.smoothed.coefficients[:, _GOOD], still) / theirs, 1.0, RIVAL, "ours / theirs", "<= 0.5"),
        "expression.live_jitter_ratio": Row(
            jitter(clip.live.coefficients[:, _GOOD], still) / theirs, 1.0, RIVAL, "ours / theirs, live", "<= 0.5"),
        "expression.lag_frames": Row(max(lags), None, "", f"frames live; {lags[1]:.2f} in a take", "<= 1"),
    }


def measure_blinks() -> dict[str, Row]:
    """Blinks found in our lids and in MediaPipe's by the same rule: the webcam video's, which were counted by eye, and
    those that the demo clip's performer was told to make (her winks are none)."""
    clip, demo = webcam(), watch(demo_clip.CLIP)
    told = find_blinks(demo_clip.read_truth(demo_clip.TRUTH)[0], 1 / _step_s(demo.raw))
    seen, doubtful = read_blinks(_BLINKS)
    judged = [
        [judge(find_blinks(values, 1 / _step_s(video.raw)), counted, open_)
         for values in (video.smoothed.coefficients, video.rival)]
        for video, counted, open_ in ((clip, seen, doubtful), (demo, [(i, i) for i in told], []))
    ]
    (ours, strays), (theirs, their_strays) = np.sum(judged, axis=0).tolist()
    count = len(seen) + len(told)
    unit = f"of {len(seen)} counted by eye and {len(told)} in the demo clip"
    return {
        "expression.blinks_found": Row(ours / count, theirs / count, RIVAL, unit, ">= 1"),
        "expression.blinks_invented": Row(strays, their_strays, RIVAL, "peaks without a blink", "<= 0"),
    }


def webcam() -> Clip:
    """The shared webcam video."""
    from training.performers import shared_folder

    return watch(shared_folder() / "data" / CLIP)


@cache
def watch(path: Path) -> Clip:
    """Track and encode a video, with MediaPipe beside it."""
    import mediapipe

    from addon.core.smoothing import LiveSmoother, Smoothing, smooth
    from addon.expression.calibration import calibrate, find_neutral
    from addon.expression.encoder import Encoder
    from addon.tracking.sources import open_source
    from addon.tracking.tracker import FaceTracker

    tracker, landmarker, faces, rows = FaceTracker(), mediapipe_landmarker(video=True), [], []
    with open_source(str(path)) as source:
        for frame in source:
            faces.append(tracker.track(frame))
            rows.append(_theirs(mediapipe, landmarker, frame))
    raw = Encoder().encode(faces)
    calibrated = calibrate(raw, find_neutral(raw))
    live = LiveSmoother(Smoothing())
    return Clip(
        raw, calibrated, smooth(calibrated, Smoothing()), stack([live(calibrated.row(i)) for i in range(len(raw))]),
        np.stack(rows), np.stack([face.landmarks for face in faces]), np.stack([face.crop for face in faces]),
    )


def _theirs(mediapipe: Any, landmarker: Any, frame: Frame) -> np.ndarray:
    rgb = np.ascontiguousarray(frame.image[..., ::-1])
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)
    answer = blendshapes_of(landmarker.detect_for_video(picture, round(frame.time_s * 1000)))
    return np.full(coefficients.COUNT, np.nan, np.float32) if answer is None else answer


def _step_s(track: ExpressionTrack) -> float:
    return float(np.median(np.diff(track.times_s)))


def moving(rival: np.ndarray) -> list[str]:
    """The channels in which MediaPipe is right and moves in its coefficients [T, 54]."""
    return [coefficients.NAMES[i] for i in _GOOD if np.nanstd(rival[:, i]) >= _LEAST_MOVEMENT]


def correlation(ours: ExpressionTrack, rival: np.ndarray, name: str) -> float:
    """Pearson r of one channel over the frames in which both see a face; 0 for one of ours that never moves."""
    column = coefficients.INDEX[name]
    both = (ours.confidence > 0) & np.isfinite(rival[:, column])
    a, b = ours.coefficients[both, column], rival[both, column]
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0


def still_windows(landmarks: np.ndarray, length: int) -> list[slice]:
    """The third of all windows of `length` frames in which the points [T, 478, 3] move least."""
    windows = [slice(start, start + length) for start in range(0, len(landmarks) - length + 1, length)]
    motion = np.array([landmarks[window, :, :2].std(0).mean() for window in windows])
    return [window for window, m in zip(windows, motion, strict=True) if m <= np.nanquantile(motion, _STILL_SHARE)]


def jitter(values: np.ndarray, windows: list[slice]) -> float:
    """Mean size of the second difference of values [T, n] in the windows, each channel as a share of its range."""
    low, high = np.nanpercentile(values, [1, 99], axis=0)
    bends = np.concatenate([np.abs(np.diff(values[window], 2, axis=0)) for window in windows])
    return float(np.nanmean(bends / np.maximum(high - low, 0.05)))


def lag_frames(late: np.ndarray, early: np.ndarray) -> float:
    """By how many frames `late` [T, n] follows `early`: where their correlation, mean over the channels, is highest.

    A parabola through the best shift and its neighbours gives parts of a frame.
    """
    inner = slice(_MOST_LAG, len(early) - _MOST_LAG)
    shifts = range(-_MOST_LAG, _MOST_LAG + 1)
    r = np.array([_mean_r(late[inner.start + shift:inner.stop + shift], early[inner]) for shift in shifts])
    best = int(r[1:-1].argmax()) + 1
    before, top, after = r[best - 1:best + 2]
    return shifts[best] + 0.5 * (before - after) / min(before - 2 * top + after, -1e-9)


def _mean_r(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(0), b - b.mean(0)
    return float(np.mean((a * b).sum(0) / np.maximum(np.sqrt((a**2).sum(0) * (b**2).sum(0)), 1e-9)))


def find_blinks(values: np.ndarray, fps: float) -> list[int]:
    """Frames in which both lids of the coefficients [T, 54] are most closed between two times of being more open."""
    lids = np.nan_to_num(values[:, coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])]).min(1)
    reach = max(1, round(_BLINK_S * fps))
    found = []
    for i in range(1, len(lids) - 1):
        before, after = lids[max(0, i - reach):i], lids[i + 1:i + 1 + reach]
        top = lids[i] > before.max() and lids[i] >= after.max()
        if top and lids[i] - before.min() >= _BLINK_RISE and lids[i] - after.min() >= _BLINK_RISE:
            found.append(i)
    return found


def read_blinks(path: Path) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """First and last frame of each blink that was counted, and of each place where nobody can tell."""
    with path.open("rb") as file:
        table = tomllib.load(file)
    counted, doubtful = ([(entry["frames"][0], entry["frames"][1]) for entry in table[kind]]
                         for kind in ("blink", "doubtful"))
    return counted, doubtful


def judge(found: Sequence[int], counted: Sequence[tuple[int, int]], doubtful: Sequence[tuple[int, int]]
          ) -> tuple[int, int]:
    """How many of the counted blinks have a peak, and how many peaks belong to nothing counted or doubtful.

    Two peaks in one blink are one of each.
    """
    def inside(frame: int, span: tuple[int, int]) -> bool:
        return span[0] - _NEAR_FRAMES <= frame <= span[1] + _NEAR_FRAMES

    peaks = [[frame for frame in found if inside(frame, span)] for span in counted]
    stray = [frame for frame in found if not any(inside(frame, span) for span in (*counted, *doubtful))]
    return sum(map(bool, peaks)), len(stray) + sum(max(len(some) - 1, 0) for some in peaks)


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("expression.real_agreement", "expression.rest_jitter_ratio", "expression.live_jitter_ratio",
     "expression.lag_frames"): measure_webcam,
    ("expression.blinks_found", "expression.blinks_invented"): measure_blinks,
}
