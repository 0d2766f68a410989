"""The tracker against MediaPipe itself; no face, several faces, a face that comes and goes."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.core.frames import FaceFrame, Frame
from addon.core.paths import RIGS, ROOT
from addon.tracking.detection import overlap
from addon.tracking.following import follow_all
from addon.tracking.region import FaceBox, around
from addon.tracking.tracker import FaceTracker


@pytest.fixture(scope="module")
def portrait(shared: Path) -> np.ndarray:
    """uint8 [H, W, 3] BGR."""
    return cv2.imread(str(shared / "data/portrait/business_person.png"))


def follow(tracker: FaceTracker, images: list[np.ndarray]) -> list[FaceFrame]:
    """Track pictures as a film of 25 frames a second."""
    return [tracker.track(Frame(image, i / 25, i)) for i, image in enumerate(images)]


def crop_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Mean distance of landmarks [478, 2+] in px of the 192-px crop around the face."""
    low, high = theirs[:, :2].min(0), theirs[:, :2].max(0)
    side = around(low, high, theirs[33, :2], theirs[263, :2]).side
    return float(np.linalg.norm(ours[:, :2] - theirs[:, :2], axis=1).mean() * 192 / side)


def test_portrait_agrees_with_mediapipe(portrait: np.ndarray) -> None:
    mediapipe = pytest.importorskip("mediapipe")
    with mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True) as rival:
        theirs = rival.process(cv2.cvtColor(portrait, cv2.COLOR_BGR2RGB)).multi_face_landmarks[0].landmark
    height, width = portrait.shape[:2]
    theirs = np.array([[p.x * width, p.y * height, p.z * width] for p in theirs])
    face, = follow(FaceTracker(), [portrait])
    assert face.found and face.confidence > 0.9 and face.landmarks.dtype == np.float32
    assert crop_distance(face.landmarks, theirs) < 0.1
    assert np.abs(face.landmarks[:, 2] - theirs[:, 2]).mean() < 1.0


def test_no_face_is_marked() -> None:
    for value in (0, 127, 255):
        face, = follow(FaceTracker(), [np.full((120, 160, 3), value, np.uint8)])
        assert not face.found and np.isnan(face.landmarks).all() and not face.crop.any()
        assert 0 <= face.confidence < 0.5


def test_face_is_lost_and_found_again(portrait: np.ndarray) -> None:
    black = np.zeros_like(portrait)
    faces = follow(FaceTracker(), [portrait, portrait, black, black, portrait])
    assert [face.found for face in faces] == [True, True, False, False, True]


@pytest.fixture(scope="module")
def two_faces(portrait: np.ndarray) -> np.ndarray:
    """A small face on the left, a large one on the right."""
    head = portrait[:960]
    scene = np.full((600, 1000, 3), 200, np.uint8)
    scene[150:500, 50:399] = cv2.resize(head, (349, 350), interpolation=cv2.INTER_AREA)
    scene[20:580, 420:979] = cv2.resize(head, (559, 560), interpolation=cv2.INTER_AREA)
    return scene


@pytest.mark.parametrize(("face", "left_of"), [(0, False), (1, True)])
def test_faces_are_chosen_by_size(two_faces: np.ndarray, face: int, left_of: bool) -> None:
    for seen in follow(FaceTracker(face), [two_faces] * 3):
        assert seen.found and (np.mean(seen.landmarks[:, 0]) < 400) == left_of


def test_same_face_is_kept_after_a_gap(two_faces: np.ndarray) -> None:
    black = np.zeros_like(two_faces)
    only_small = two_faces.copy()
    only_small[:, 410:] = 200
    faces = follow(FaceTracker(1), [two_faces, black, only_small, black, two_faces])
    assert [face.found for face in faces] == [True, False, True, False, True]
    assert all(np.mean(face.landmarks[:, 0]) < 400 for face in faces if face.found)


def test_two_trackers_never_follow_one_face(two_faces: np.ndarray) -> None:
    first, second = FaceTracker(0), FaceTracker(1)
    only_small = two_faces.copy()
    only_small[:, 410:] = 200
    for i, image in enumerate([two_faces, two_faces, only_small, only_small, two_faces]):
        frame = Frame(image, i / 30, i)
        large, small = follow_all([first, second], frame)
        assert small.found and np.mean(small.landmarks[:, 0]) < 400
        assert large.found == (image is two_faces) and (not large.found or np.mean(large.landmarks[:, 0]) > 400)
    # Who is already on the face of another lets go of it.
    intruder = FaceTracker(0)
    assert intruder.track(frame).found and intruder.place is not None
    assert not intruder.track(frame, [first.place]).found and intruder.place is None


def test_a_box_chooses_the_face_in_it(two_faces: np.ndarray) -> None:
    small, nobody = FaceBox(0.05, 0.25, 0.35, 0.58), FaceBox(0.35, 0.0, 0.15, 0.2)
    for seen in follow(FaceTracker(box=small), [two_faces] * 2):
        assert seen.found and np.mean(seen.landmarks[:, 0]) < 400
    assert not any(face.found for face in follow(FaceTracker(box=nobody), [two_faces] * 2))


def test_a_face_that_is_not_there(two_faces: np.ndarray) -> None:
    assert not any(face.found for face in follow(FaceTracker(2), [two_faces] * 2))


def test_negative_face_is_refused() -> None:
    with pytest.raises(SemblanceError, match=r"must be 0 \(the largest\) or more, not -1"):
        FaceTracker(-1)


def test_overlap() -> None:
    low, high = np.zeros(2), np.ones(2)
    assert overlap(low, high, low, high) == 1
    assert overlap(low, high, low + 2, high + 2) == 0
    assert overlap(low, high, np.array([0.5, 0]), np.array([1.5, 1])) == pytest.approx(1 / 3)


def first_frames(path: Path, count: int) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    return [video.read()[1] for _ in range(count)]


def looks_drawn(images: list[np.ndarray]) -> bool:
    tracker = FaceTracker()
    follow(tracker, images)
    return tracker.looks_drawn


def test_people_do_not_look_drawn_in_whatever_light(shared: Path) -> None:
    frames = first_frames(shared / "data/webcam_video/man_at_webcam.mp4", 5)
    random = np.random.default_rng(0)
    dark = [np.clip(image * 0.12 + random.normal(0, 4, image.shape), 0, 255).astype(np.uint8) for image in frames]
    blurred = [cv2.GaussianBlur(image, (0, 0), 9) for image in frames]
    nobody = np.zeros_like(frames[0])
    for images in (frames, dark, blurred, [frames[0], *[nobody] * 4]):
        assert not looks_drawn(images)


@pytest.mark.parametrize("name", ["ada", "mora", "pip"])
def test_characters_with_a_persons_face_do_not_look_drawn(name: str) -> None:
    assert not looks_drawn([cv2.imread(str(RIGS / name / "thumbnail.png"))])


def test_faces_that_landmarks_do_not_fit_look_drawn() -> None:
    uno = cv2.imread(str(RIGS / "uno" / "thumbnail.png"))
    pictures = []
    for left in (0, 10, 20):
        picture = np.full((240, 320, 3), 150, np.uint8)
        picture[20:190, left:left + 170] = cv2.resize(uno, (170, 170), interpolation=cv2.INTER_AREA)
        pictures.append(picture)
    # The network is sure of itself all the same.
    assert follow(FaceTracker(), pictures)[0].confidence > 0.9
    assert looks_drawn(pictures)
    assert looks_drawn([np.zeros((120, 160, 3), np.uint8)])


def test_the_performer_of_the_demo_does_not_look_drawn() -> None:
    assert not looks_drawn(first_frames(ROOT / "assets/demo/performer.mp4", 12))
