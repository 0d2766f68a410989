"""Figures of the expression encoder beside MediaPipe's blendshapes (and what the card says of ridge and nearest).

The test sets are rendered anew when they are not in out/expression: about two minutes each.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.frames import ExpressionTrack, Frame
from addon.core.paths import ROOT
from training.figures import Row

_OUT: Final = ROOT / "out" / "expression"
_RIVAL: Final = "MediaPipe blendshapes"
_STILL_S: Final = 1.0
_STILL_SHARE: Final = 1 / 3


def measure_random() -> dict[str, Row]:
    """DESIGN's random mixes: 2000 faces of 400 unseen people."""
    from training.evaluate import encode, figures, mediapipe_blendshapes
    from training.make_expression_data import test_set

    columns = test_set("random", _OUT)
    guess, ms = encode(columns)
    truth = columns["coefficients"]
    ours, rival = figures(guess, truth), figures(mediapipe_blendshapes(columns), truth)
    return {
        "expression.random_r": Row(ours["mean_r"], rival["mean_r"], _RIVAL, "mean r over 53", ">= 0.55"),
        "expression.random_mae": Row(ours["mae"], rival["mae"], _RIVAL, "mean over 53", "<= 0.03"),
        "expression.dead_min_r": Row(ours["dead_min_r"], rival["dead_min_r"], _RIVAL, "least r of 7", ">= 0.6"),
        "expression.encode_ms": Row(ms, None, "", "ms a face", "<= 3"),
    }


def measure_performance() -> dict[str, Row]:
    """The same people driven by held-out stretches of the Live Link take."""
    from training.evaluate import encode, figures, mediapipe_blendshapes
    from training.make_expression_data import test_set

    columns = test_set("performance", _OUT)
    ours = figures(encode(columns)[0], columns["coefficients"])
    rival = figures(mediapipe_blendshapes(columns), columns["coefficients"])
    return {"expression.performance_r": Row(ours["mean_r"], rival["mean_r"], _RIVAL, "mean r", ">= 0.90")}


def measure_webcam() -> dict[str, Row]:
    """The real webcam video, both as a user gets them: ours calibrated and smoothed, MediaPipe's in video mode."""
    from training.evaluate import GOOD_ON_MEDIAPIPE

    ours, rival, landmarks = _webcam()
    good = coefficients.indices(list(GOOD_ON_MEDIAPIPE))
    both = (ours.confidence > 0) & np.isfinite(rival[:, 0])
    r = [np.corrcoef(ours.coefficients[both, i], rival[both, i])[0, 1] for i in good]
    still = _still(landmarks, round(_STILL_S / float(np.median(np.diff(ours.times_s)))))
    ratio = _jitter(ours.coefficients[:, good], still) / _jitter(rival[:, good], still)
    return {
        "expression.real_agreement": Row(float(np.mean(r)), None, "", f"mean r with {_RIVAL}", ">= 0.85"),
        "expression.rest_jitter_ratio": Row(ratio, 1.0, _RIVAL, "ours / theirs", "<= 0.5"),
    }


def _webcam() -> tuple[ExpressionTrack, np.ndarray, np.ndarray]:
    """Our track as delivered, MediaPipe's coefficients [T, 54] (NaN without a face), landmarks [T, 478, 3]."""
    import mediapipe

    from addon.core.smoothing import Smoothing, smooth
    from addon.expression.calibration import calibrate, find_neutral
    from addon.expression.encoder import Encoder
    from addon.tracking.sources import open_source
    from addon.tracking.tracker import FaceTracker
    from training.evaluate import blendshapes_of, mediapipe_landmarker
    from training.performers import shared_folder

    tracker, rival, faces, rows = FaceTracker(), mediapipe_landmarker(video=True), [], []
    with open_source(str(shared_folder() / "data" / "webcam_video" / "man_at_webcam.mp4")) as source:
        for frame in source:
            faces.append(tracker.track(frame))
            rows.append(_theirs(mediapipe, rival, blendshapes_of, frame))
    raw = Encoder().encode(faces)
    ours = smooth(calibrate(raw, find_neutral(raw)), Smoothing())
    return ours, np.stack(rows), np.stack([face.landmarks for face in faces])


def _theirs(mediapipe: object, landmarker: object, read: Callable[..., np.ndarray | None], frame: Frame) -> np.ndarray:
    rgb = np.ascontiguousarray(frame.image[..., ::-1])
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)  # type: ignore[attr-defined]
    answer = read(landmarker.detect_for_video(picture, round(frame.time_s * 1000)))  # type: ignore[attr-defined]
    return np.full(coefficients.COUNT, np.nan, np.float32) if answer is None else answer


def _still(landmarks: np.ndarray, length: int) -> list[slice]:
    """The third of all windows of `length` frames in which the points [T, 478, 3] move least."""
    windows = [slice(start, start + length) for start in range(0, len(landmarks) - length + 1, length)]
    motion = np.array([landmarks[window, :, :2].std(0).mean() for window in windows])
    return [window for window, m in zip(windows, motion, strict=True) if m <= np.nanquantile(motion, _STILL_SHARE)]


def _jitter(values: np.ndarray, windows: list[slice]) -> float:
    """Mean size of the second difference of values [T, n] in the windows, each channel as a share of its range."""
    low, high = np.nanpercentile(values, [1, 99], axis=0)
    bends = np.concatenate([np.abs(np.diff(values[window], 2, axis=0)) for window in windows])
    return float(np.nanmean(bends / np.maximum(high - low, 0.05)))


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("expression.random_r", "expression.random_mae", "expression.dead_min_r", "expression.encode_ms"): measure_random,
    ("expression.performance_r",): measure_performance,
    ("expression.real_agreement", "expression.rest_jitter_ratio"): measure_webcam,
}
