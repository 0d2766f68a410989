"""Our body tracker beside MediaPipe's Holistic solution, our palms beside its Hands: the same pictures, the same run.

    python -m training.bench body         the figures
    python -m training.bench_body         the same, written into the models' cards

Holistic (`smooth_landmarks=False`, video mode) runs the graph that our tracker follows; raw values are compared with
raw values. Where a landmark is out of the picture the network only guesses, and its guess turns on the last digit; so
distances are of landmarks that MediaPipe believes to see.

Hands hang from wrists that are mostly out of the webcam's picture, each frame from the one before, so that the last
digit grows to pixels: Holistic beside itself, on pictures that nobody could tell apart (`touched`), differs by most of
what we do (`body.hand_free_px`, both columns). What our steps add is `body.hand_px`: from Holistic's own body and its
own hand of the frame before, all hands of all frames.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

import numpy as np

from addon.core.files import write_bytes
from addon.core.frames import BodyFrame, Frame
from addon.core.paths import MODELS
from addon.tracking.body import BodyTracker
from addon.tracking.hands import HandReader, HandTracker, palm_region
from addon.tracking.palms import PalmTracker
from addon.tracking.person import PersonTracker
from addon.tracking.pose import MARGIN, Pose
from addon.tracking.tracker import FaceTracker

from .bench_tracking import Turns, portrait, solution, webcam
from .drawn_bodies import walk
from .figures import Row

RIVAL: Final = "MediaPipe Holistic"
CROP_SIDE: Final = 256
HAND_SIDE: Final = 224
ELSEWHERE: Final = 40
"""A hand that is farther away, px of the 224-px region, is another one."""
STEP_S: Final = 1 / 30
"""Holistic's Python solution counts time so, whatever the film's rate; its region is steadied by time."""
SEEN: Final = 0.5
NETWORKS: Final = ("pose_detector", "pose", "palm_detector", "hand_recrop", "hand")


@dataclass
class Comparison(Turns):
    """What both made of one run of pictures; distances are px of the 256-px region around the body."""

    body: list[float] = field(default_factory=list)
    """Per frame: mean over the landmarks that are seen."""
    world: list[float] = field(default_factory=list)
    """Per frame: mean over the landmarks that are seen, m."""
    hands: list[float] = field(default_factory=list)
    """Per hand: mean over 21 landmarks."""
    steps: list[float] = field(default_factory=list)
    """The same of one step from Holistic's body and its hand of the frame before."""
    agreed: list[bool] = field(default_factory=list)
    """Body, left and right hand of each frame: found or not found by both."""


def compare(frames: Iterable[Frame]) -> Comparison:
    """Run both over `frames`, face included.

    Raises:
        SemblanceError: without MediaPipe.
    """
    result, whole, alike, step = Comparison(), BodyTracker(), BodyTracker(by_palms=False), _Step()
    timed = (replace(frame, time_s=i * STEP_S) for i, frame in enumerate(frames, 1))
    with _holistic() as rival:
        for frame, theirs, _ in result.look(timed, rival, PersonTracker(FaceTracker(), whole).track):
            _add(result, theirs, alike.track(frame), frame.image.shape[:2])
            result.steps += step(frame.image, theirs)
    return result


def _holistic() -> Any:
    return solution("holistic", "Holistic")(smooth_landmarks=False, refine_face_landmarks=True)


class _Step:
    """Our look at the hands of each frame, from Holistic's body and its hands of the frame before."""

    def __init__(self) -> None:
        reader = HandReader()
        self._hands = HandTracker(0, reader), HandTracker(1, reader)

    def __call__(self, image: np.ndarray, theirs: Any) -> list[float]:
        """How far each hand that both see is from Holistic's; px of the 256-px region around the body."""
        found: list[float] = []
        size, hands = image.shape[:2], (theirs.left_hand_landmarks, theirs.right_hand_landmarks)
        for tracker, landmarks in zip(self._hands, hands, strict=True):
            hand = tracker.track(image, _pose(theirs.pose_landmarks, size)) if theirs.pose_landmarks else None
            tracker.last = points(landmarks, size) if landmarks else None
            if landmarks and hand is not None and hand.found:
                side = region_side(points(theirs.pose_landmarks, size))
                found.append(float(_apart(hand.landmarks, points(landmarks, size), side).mean()))
        return found


def _pose(landmarks: Any, size: tuple[int, int]) -> Pose:
    """Holistic's body as our hand tracker takes it."""
    places, visibility = points(landmarks, size), np.array([p.visibility for p in landmarks.landmark])
    return Pose(places.astype(np.float32), places, visibility, 1.0)


def own_difference(frames: Iterable[Frame]) -> list[float]:
    """Per hand: Holistic beside itself on `touched` pictures; px of the 256-px region around the body."""
    apart: list[float] = []
    random = np.random.default_rng(0)
    with _holistic() as one, _holistic() as other:
        for frame in frames:
            size = frame.image.shape[:2]
            images = [np.ascontiguousarray(frame.image[..., ::-1])]
            images.append(touched(images[0], random))
            seen = [each.process(image) for each, image in zip((one, other), images, strict=True)]
            for name in ("left_hand_landmarks", "right_hand_landmarks"):
                hands = [getattr(each, name) for each in seen]
                if all(hands):
                    side = region_side(points(seen[0].pose_landmarks, size))
                    apart.append(float(_apart(*(points(hand, size) for hand in hands), side).mean()))
    return apart


def touched(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The picture, one value in a hundred a grey level lighter."""
    return image + ((random.random(image.shape) < 0.01) & (image < 255)).astype(np.uint8)


@dataclass
class Palms(Turns):
    """What our palm tracker and MediaPipe's Hands made of one run of pictures."""

    apart: list[float] = field(default_factory=list)
    """Per hand of theirs: its distance to ours, px of its 224-px region; infinite without one of ours."""


def compare_palms(frames: Iterable[Frame]) -> Palms:
    """Run both over `frames`; ours looks for palms in every frame that lacks a hand, as Hands does."""
    result, tracker = Palms(), PalmTracker(HandReader(), every_s=0.0)
    with solution("hands", "Hands")(max_num_hands=2) as rival:
        for frame, theirs, ours in result.look(frames, rival, lambda frame: tracker.track(frame, [None, None])):
            for landmarks in theirs.multi_hand_landmarks or ():
                hand = points(landmarks, frame.image.shape[:2])
                away = [np.linalg.norm(each.landmarks[:, :2] - hand, axis=1).mean() for each in ours if each]
                nearest = HAND_SIDE * min(away, default=np.inf) / palm_region(hand).side
                result.apart.append(float(nearest) if nearest < ELSEWHERE else np.inf)
    return result


def _add(result: Comparison, theirs: Any, ours: BodyFrame, size: tuple[int, int]) -> None:
    """Compare what both made of one picture."""
    hands = (theirs.left_hand_landmarks, theirs.right_hand_landmarks)
    result.agreed.append(bool(theirs.pose_landmarks) == ours.found)
    if not (theirs.pose_landmarks and ours.found):
        return
    body, seen = points(theirs.pose_landmarks, size), np.array([p.visibility for p in theirs.pose_landmarks.landmark])
    side = region_side(body)
    if (seen >= SEEN).any():
        result.body.append(_apart(ours.landmarks, body, side)[seen >= SEEN].mean())
        world = np.array([[p.x, p.y, p.z] for p in theirs.pose_world_landmarks.landmark])
        result.world.append(float(np.linalg.norm(ours.world - world, axis=1)[seen >= SEEN].mean()))
    for hand, found in zip(ours.hands, hands, strict=True):
        result.agreed.append(bool(found) == bool(np.isfinite(hand).all()))
        if found and np.isfinite(hand).all():
            result.hands.append(float(_apart(hand, points(found, size), side).mean()))


def points(landmarks: Any, size: tuple[int, int]) -> np.ndarray:
    """MediaPipe's landmarks as float [N, 2] px of a picture of (height, width)."""
    return np.array([[p.x * size[1], p.y * size[0]] for p in landmarks.landmark])


def region_side(body: np.ndarray) -> float:
    """About the side of the square that the pose network sees, px: around the hips, its rim above the head."""
    hips, nose = body[23:25].mean(0), body[0]
    return float(2 * MARGIN * 1.15 * np.linalg.norm(nose - hips))


def _apart(ours: np.ndarray, theirs: np.ndarray, side: float) -> np.ndarray:
    return np.linalg.norm(ours[:, :2] - theirs, axis=1) * CROP_SIDE / side


def clip(every: int = 8, most: int | None = None) -> Iterator[Frame]:
    """Frames of the webcam video, which is long: a man from the chest up, hands that come and go."""
    return islice(webcam(), 0, None if most is None else every * most, every)


def measure() -> dict[str, Row]:
    """What both see; about two minutes."""
    still, video, drawn = compare(portrait()), compare(clip()), compare(walk())
    own, palms = float(np.mean(own_difference(clip()))), np.array(compare_palms(clip(2)).apart)
    runs = (still, video, drawn)
    is_measure = f"{RIVAL} is the measure"
    agreed = float(np.mean([each for run in runs for each in run.agreed]))
    return {
        "body.landmark_px": Row(max(float(np.mean(r.body)) for r in runs), None, is_measure, "px of 256", "<= 0.5"),
        "body.hand_px": Row(float(np.mean(still.steps + video.steps)), None, is_measure, "px of 256", "<= 0.5"),
        "body.hand_free_px": Row(float(np.mean(video.hands)), own, f"{RIVAL} beside itself", "px of 256", "<= 0.5"),
        "body.palm_found": Row(float(np.isfinite(palms).mean()), None, "MediaPipe Hands is the measure",
                               "of its hands", ">= 0.95"),
        "body.palm_px": Row(float(np.median(palms)), None, "MediaPipe Hands is the measure", "px of 224, median",
                            "<= 1"),
        "body.world_mm": Row(1000 * max(float(np.mean(r.world)) for r in runs), None, is_measure, "mm", "<= 10"),
        "body.found_agreement": Row(agreed, None, is_measure, "of bodies, hands", ">= 0.97"),
    }


def measure_speed() -> dict[str, Row]:
    """How long a frame takes, face included, on the webcam video; half a minute."""
    turns, person = Turns(), PersonTracker(FaceTracker(), BodyTracker())
    timed = (replace(frame, time_s=i * STEP_S) for i, frame in enumerate(clip(), 1))
    with _holistic() as rival:
        for _ in turns.look(timed, rival, person.track):
            pass
    ours, theirs = (1000 * float(np.median(times)) for times in (turns.ours_s, turns.rival_s))
    # Frame by frame, because another program's load comes and goes.
    ratio = float(np.median(np.divide(turns.ours_s, turns.rival_s)))
    return {
        "body.ms": Row(ours, theirs, RIVAL, "ms", "<= 25"),
        "body.ms_ratio": Row(ratio, 1.0, RIVAL, "×", "<= 0.7"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("body.landmark_px", "body.hand_px", "body.hand_free_px", "body.palm_found", "body.palm_px", "body.world_mm",
     "body.found_agreement"): measure,
    ("body.ms", "body.ms_ratio"): measure_speed,
}


def main() -> None:
    """Measure, and replace the [quality] part at the end of the cards."""
    films = "portrait, every eighth frame of the webcam video, drawn walk; palms: Hands, every second frame"
    lines = ["[quality]", f'against = "{RIVAL} without smoothing: {films}"']
    for name, row in measure().items():
        lines.append(f'{name.removeprefix("body.")} = {row.ours:.4g}  # {row.unit}, goal {row.goal}')
    for name in NETWORKS:
        path = MODELS / name / "card.toml"
        card = path.read_text(encoding="utf-8").partition("\n[quality]")[0]
        write_bytes(path, "\n".join([card, *lines, ""]).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
