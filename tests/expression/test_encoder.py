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
from addon.core.frames import ExpressionTrack, FaceFrame, Frame
from addon.core.paths import MODELS, ROOT
from addon.expression.calibration import calibrate, find_neutral
from addon.expression.encoder import Encoder
from addon.tracking.tracker import FaceTracker

from .making import write_model

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
def track(faces: list[FaceFrame], encoder: Encoder) -> ExpressionTrack:
    return encoder.encode(faces)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """float [T, 54]."""
    with (DEMO / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name]) for name in coefficients.NAMES] for row in rows])


def test_it_follows_the_performer(track: ExpressionTrack, truth: np.ndarray) -> None:
    assert len(track) == len(truth)
    assert track.coefficients.min() > -1.5 and track.coefficients.max() < 2.5  # calibration clips
    for name in ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUpLeft", "browOuterUpLeft", "mouthSmileRight",
                 "browDownLeft", "mouthPucker", "cheekPuffLeft"):
        i = coefficients.INDEX[name]
        assert np.corrcoef(track.coefficients[:, i], truth[:, i])[0, 1] > 0.6, name


def test_blinks_close_the_eyes_after_calibration(track: ExpressionTrack, truth: np.ndarray) -> None:
    blink = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    calibrated = calibrate(track, find_neutral(track)).coefficients[:, blink].mean(1)
    wanted = truth[:, blink].mean(1)
    both = (truth[:, blink] > 0.95).all(1)
    assert calibrated[both].mean() > 0.8
    assert np.median(calibrated[wanted == 0]) < 0.1


def test_head_and_gaze_have_the_right_signs(track: ExpressionTrack) -> None:
    with (DEMO / "truth.csv").open(newline="") as file:
        head = np.array([[float(row[n]) for n in ("headYaw", "headPitch", "headRoll")] for row in csv.DictReader(file)])
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


def test_threads_that_sleep_read_the_same(faces: list[FaceFrame], encoder: Encoder) -> None:
    busy, other = Encoder(busy=True).encode_one(faces[0]), encoder.encode_one(faces[0])
    np.testing.assert_allclose(busy.coefficients, other.coefficients, atol=1e-5)


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


UNKNOWN = np.full((478, 3), np.nan, np.float32)


def a_face(time_s: float = 0.0, *, grey: int = 100, landmarks: np.ndarray = UNKNOWN, found: bool = True) -> FaceFrame:
    """A face of one grey, of a confidence of 0.8."""
    return FaceFrame(time_s, found, landmarks, 0.8, np.full((128, 128, 3), grey, np.uint8))


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(write_model(tmp_path_factory.mktemp("stand_in")))


def test_faces_without_landmarks_or_without_a_crop_are_read(stand_in: Encoder) -> None:
    seen = np.arange(478 * 3, dtype=np.float32).reshape(478, 3)
    torn = seen.copy()
    torn[5, 1] = np.inf
    faces = [a_face(0.0), a_face(1.0, grey=0, landmarks=seen), a_face(2.0, landmarks=torn)]
    track = stand_in.encode(faces)
    np.testing.assert_allclose(track.confidence, 0.4)
    np.testing.assert_allclose(track.head, [[7, 7, 7], [0, 1, 2], [7, 7, 7]])
    np.testing.assert_allclose(track.coefficients[:, 0], [100 / 255, 0, 100 / 255], atol=1e-4)
    for i, face in enumerate(faces):
        np.testing.assert_allclose(stand_in.encode_one(face).head, track.head[i])


def test_a_face_of_which_nothing_is_known_counts_as_not_found(stand_in: Encoder) -> None:
    faces = [a_face(0.0, grey=50), a_face(1.0, grey=0), a_face(2.0, grey=70), a_face(3.0, found=False)]
    track = stand_in.encode(faces)
    np.testing.assert_array_equal(track.confidence > 0, [True, False, True, False])
    assert np.isfinite(track.coefficients).all()
    assert stand_in.encode_one(faces[1]).confidence == 0


def test_classes_of_many_faces_and_of_none(stand_in: Encoder) -> None:
    faces = [a_face(float(i), grey=i, found=i % 3 != 0) for i in range(1, 151)]
    told = stand_in.classes(faces)
    assert told.shape == (150, 7) and told.dtype == np.float32
    for i, row in zip(range(1, 151), told, strict=True):
        np.testing.assert_allclose(row, i / 255 if i % 3 else np.nan, atol=1e-4)
    assert stand_in.classes([]).shape == (0, 7)


def test_a_network_that_cannot_do_without_landmarks_does_not_spoil_the_others(
    faces: list[FaceFrame], encoder: Encoder
) -> None:
    """Whatever the shipped network makes of drawn faces, its neighbours in the batch are as without them."""
    drawn = [replace(face, landmarks=UNKNOWN) for face in faces[:3]]
    mixed = encoder.encode([face for pair in zip(faces, drawn, strict=False) for face in pair])
    assert _is_sound(mixed)
    np.testing.assert_allclose(mixed.coefficients[::2], encoder.encode(faces[:3]).coefficients, atol=1e-4)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_empty_crops_give_finite_values(faces: list[FaceFrame], encoder: Encoder, grey: int) -> None:
    crop = np.full((128, 128, 3), grey, np.uint8)
    track = encoder.encode([replace(faces[0], crop=crop), replace(faces[1], crop=crop, landmarks=UNKNOWN)])
    assert _is_sound(track)


def _is_sound(track: ExpressionTrack) -> bool:
    arrays = (track.coefficients, track.embedding, track.gaze, track.head, track.confidence)
    return all(np.isfinite(each).all() for each in arrays) and bool(np.all((track.confidence >= 0)
                                                                           & (track.confidence <= 1)))


@pytest.mark.parametrize("other", ["face_mesh", "face_detector", "decoder_pip"])
def test_another_kind_of_network_is_refused_in_one_sentence(other: str) -> None:
    with pytest.raises(SemblanceError, match=f"The network '{other}' is no expression encoder") as caught:
        Encoder(MODELS / other)
    assert "\n" not in str(caught.value)


def test_an_older_network_tells_no_classes(tmp_path: Path) -> None:
    encoder = Encoder(write_model(tmp_path))
    older = {name: shape for name, shape in encoder.card.outputs.items() if name not in ("classes", "confidence")}
    encoder.card = replace(encoder.card, outputs=older)
    assert encoder.encode([a_face()]).confidence == pytest.approx(0.8)
    with pytest.raises(SemblanceError, match="'stand_in 1 .*' tells no classes of expression"):
        encoder.classes([a_face()])
