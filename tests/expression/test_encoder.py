"""The encoder on the demo clip: it follows the true performance, and frames without a face are bridged."""
from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.frames import FaceFrame, Frame
from addon.core.paths import ROOT
from addon.expression.calibration import calibrate, find_neutral
from addon.expression.encoder import Encoder
from addon.tracking.tracker import FaceTracker

DEMO = ROOT / "assets" / "demo"


@pytest.fixture(scope="module")
def faces() -> list[FaceFrame]:
    video, tracker = cv2.VideoCapture(str(DEMO / "performer.mp4")), FaceTracker()
    frames: list[FaceFrame] = []
    while True:
        there, image = video.read()
        if not there:
            return frames
        frames.append(tracker.track(Frame(image, len(frames) / 25, len(frames))))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """float [T, 54]."""
    with (DEMO / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in coefficients.NAMES] for row in rows])


def test_it_follows_the_performer(faces: list[FaceFrame], encoder: Encoder, truth: np.ndarray) -> None:
    track = encoder.encode(faces)
    assert len(track) == len(truth)
    assert track.coefficients.min() > -1.5 and track.coefficients.max() < 2.5  # calibration clips
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUpLeft", "browOuterUpLeft", "mouthSmileRight",
                 "browDownLeft", "mouthPucker", "cheekPuffLeft"):
        i = coefficients.INDEX[name]
        assert np.corrcoef(track.coefficients[:, i], truth[:, i])[0, 1] > 0.6, name


def test_blinks_close_the_eyes_after_calibration(faces: list[FaceFrame], encoder: Encoder, truth: np.ndarray) -> None:
    track = encoder.encode(faces)
    blink = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    calibrated = calibrate(track, find_neutral(track)).coefficients[:, blink].mean(1)
    wanted = truth[:, blink].mean(1)
    both = (truth[:, blink] > 0.95).all(1)
    assert calibrated[both].mean() > 0.8
    assert np.median(calibrated[wanted == 0]) < 0.1


def test_head_and_gaze_have_the_right_signs(faces: list[FaceFrame], encoder: Encoder) -> None:
    with (DEMO / "truth.csv").open(newline="") as file:
        head = np.array([[float(row[n]) for n in ("headYaw", "headPitch", "headRoll")] for row in csv.DictReader(file)])
    track = encoder.encode(faces)
    for axis in range(3):
        assert np.corrcoef(track.head[:, axis], head[:, axis])[0, 1] > 0.9
    assert np.abs(track.head - head).max() < np.radians(8)
    left = slice(round(8.72 * 25), round(8.93 * 25))
    right_up = slice(round(9.32 * 25), round(9.58 * 25))
    assert (track.gaze[left, :, 0].mean(0) > 0.15).all()
    assert (track.gaze[right_up, :, 0].mean(0) < -0.1).all()
    assert (track.gaze[right_up, :, 1].mean(0) > 0.1).all()


def test_one_at_a_time_is_the_same(faces: list[FaceFrame], encoder: Encoder) -> None:
    track = encoder.encode(faces[:70])
    for i in (0, 33, 69):
        one = encoder.encode_one(faces[i])
        np.testing.assert_allclose(one.coefficients, track.coefficients[i], atol=1e-4)
        np.testing.assert_allclose(one.embedding, track.embedding[i], atol=1e-3)


def test_missing_faces_are_bridged(faces: list[FaceFrame], encoder: Encoder) -> None:
    lost = replace(faces[1], found=False, confidence=0.0, landmarks=np.full((478, 3), np.nan, np.float32))
    track = encoder.encode([faces[0], lost, faces[2]])
    np.testing.assert_array_equal(track.confidence > 0, [True, False, True])
    np.testing.assert_allclose(track.coefficients[1], track.coefficients[[0, 2]].mean(0), atol=1e-6)
    last = encoder.encode_one(faces[5])
    held = encoder.encode_one(replace(lost, time_s=9.0))
    assert (held.confidence, held.time_s) == (0.0, 9.0)
    np.testing.assert_array_equal(held.coefficients, last.coefficients)


def test_a_source_without_any_face(faces: list[FaceFrame]) -> None:
    lost = replace(faces[1], found=False, confidence=0.0, landmarks=np.full((478, 3), np.nan, np.float32))
    track = Encoder().encode([lost, replace(lost, time_s=1.0)])
    assert not track.confidence.any() and not track.coefficients.any()
    assert Encoder().encode_one(lost).confidence == 0
    with pytest.raises(ValueError, match="at least one"):
        Encoder().encode([])


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SemblanceError, match="Cannot read the model card"):
        Encoder(tmp_path)
