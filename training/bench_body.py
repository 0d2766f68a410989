"""Our body tracker beside MediaPipe's Holistic solution on the same pictures, in the same run.

    python -m training.bench body         the figures
    python -m training.bench_body         the same, written into the models' cards

Holistic (`smooth_landmarks=False`, video mode) runs the graph that our tracker follows; raw values are compared with
raw values. Where a landmark is out of the picture the network only guesses, and its guess turns on the last digit; so
distances are of landmarks that MediaPipe believes to see.
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
from addon.tracking.pose import MARGIN

from .bench_tracking import Turns, portrait, solution, webcam
from .drawn_bodies import walk
from .figures import Row

RIVAL: Final = "MediaPipe Holistic"
CROP_SIDE: Final = 256
STEP_S: Final = 1 / 30
"""Holistic's Python solution counts time so, whatever the film's rate; its region is steadied by time."""
SEEN: Final = 0.5
NETWORKS: Final = ("pose_detector", "pose", "hand_recrop", "hand")


@dataclass
class Comparison(Turns):
    """What both made of one run of pictures; distances are px of the 256-px region around the body."""

    body: list[float] = field(default_factory=list)
    """Per frame: mean over the landmarks that are seen."""
    world: list[float] = field(default_factory=list)
    """Per frame: mean over the landmarks that are seen, m."""
    hands: list[float] = field(default_factory=list)
    """Per hand: mean over 21 landmarks."""
    agreed: list[bool] = field(default_factory=list)
    """Body, left and right hand of each frame: found or not found by both."""


def compare(frames: Iterable[Frame]) -> Comparison:
    """Run both over `frames`, face included.

    Raises:
        SemblanceError: without MediaPipe.
    """
    from addon.tracking.body import BodyTracker
    from addon.tracking.person import PersonTracker
    from addon.tracking.tracker import FaceTracker

    result, tracker = Comparison(), PersonTracker(FaceTracker(), BodyTracker())
    timed = (replace(frame, time_s=i * STEP_S) for i, frame in enumerate(frames, 1))
    with solution("holistic", "Holistic")(smooth_landmarks=False, refine_face_landmarks=True) as rival:
        for frame, theirs, (_, ours) in result.look(timed, rival, tracker.track):
            _add(result, theirs, ours, frame.image.shape[:2])
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
    """All figures of this room; about a minute."""
    still, video, drawn = compare(portrait()), compare(clip()), compare(walk())
    runs = (still, video, drawn)
    ms, theirs = (1000 * float(np.median(times)) for times in (video.ours_s, video.rival_s))
    is_measure = f"{RIVAL} is the measure"
    agreed = float(np.mean([each for run in runs for each in run.agreed]))
    return {
        "body.landmark_px": Row(max(float(np.mean(r.body)) for r in runs), None, is_measure, "px of 256", "<= 0.5"),
        "body.hand_px": Row(float(np.mean(still.hands + video.hands)), None, is_measure, "px of 256", "<= 0.5"),
        "body.world_mm": Row(1000 * max(float(np.mean(r.world)) for r in runs), None, is_measure, "mm", "<= 10"),
        "body.found_agreement": Row(agreed, None, is_measure, "of bodies, hands", ">= 0.97"),
        "body.ms": Row(ms, theirs, RIVAL, "ms", "<= 25"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("body.landmark_px", "body.hand_px", "body.world_mm", "body.found_agreement", "body.ms"): measure,
}


def main() -> None:
    """Measure, and replace the [quality] part at the end of the cards."""
    films = "portrait, every eighth frame of the webcam video, drawn walk"
    lines = ["[quality]", f'against = "{RIVAL} without smoothing: {films}"']
    for name, row in measure().items():
        if row.unit == "ms":  # of a machine, not of the networks
            continue
        lines.append(f'{name.removeprefix("body.")} = {row.ours:.4g}  # {row.unit}, goal {row.goal}')
    for name in NETWORKS:
        path = MODELS / name / "card.toml"
        card = path.read_text(encoding="utf-8").partition("\n[quality]")[0]
        write_bytes(path, "\n".join([card, *lines, ""]).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
