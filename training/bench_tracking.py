"""Our tracker beside MediaPipe's FaceMesh on the same pictures, in the same run.

    python -m training.bench tracking       the figures
    python -m training.bench_tracking       the same, written into the models' cards

FaceMesh (`refine_landmarks=True`, video mode) runs the graph that our tracker follows, without any smoothing; its Face
Landmarker task would add One Euro smoothing when it tracks a single face, so raw values are compared with raw values.
"""
from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from addon.core.errors import SemblanceError
from addon.core.files import write_bytes
from addon.core.frames import Frame
from addon.core.paths import MODELS

from .figures import Row
from .performers import shared_folder

RIVAL = "MediaPipe FaceMesh"
CROP_SIDE = 192
LEAVING_S = 6.0
"""Period in which the wandering picture leaves the frame and comes back."""


@dataclass
class Turns:
    """Ours and MediaPipe's, which look at the same pictures turn by turn."""

    ours_s: list[float] = field(default_factory=list)
    rival_s: list[float] = field(default_factory=list)

    def look(
        self, frames: Iterable[Frame], rival: Any, track: Callable[[Frame], Any]
    ) -> Iterator[tuple[Frame, Any, Any]]:
        """Each frame, what `rival.process` made of it and what `track` did; how long they took is kept."""
        for frame in frames:
            rgb = np.ascontiguousarray(frame.image[..., ::-1])
            begin = time.perf_counter()
            theirs = rival.process(rgb)
            middle = time.perf_counter()
            ours = track(frame)
            self.ours_s.append(time.perf_counter() - middle)
            self.rival_s.append(middle - begin)
            yield frame, theirs, ours


def solution(module: str, name: str) -> Any:
    """One of MediaPipe's solutions, such as "FaceMesh" in "face_mesh".

    Raises:
        SemblanceError: without MediaPipe.
    """
    try:
        return getattr(importlib.import_module(f"mediapipe.python.solutions.{module}"), name)
    except ImportError as error:
        raise SemblanceError(
            f"MediaPipe {name} is not here ({error}); run 'make bench' with Python 3.11 or 3.12."
        ) from error


@dataclass
class Comparison(Turns):
    """What both trackers made of one run of pictures."""

    distances: list[float] = field(default_factory=list)
    """Per frame with a face: mean over 478 points, px of the crop that FaceMesh's points define."""
    agreed: list[bool] = field(default_factory=list)


def compare(frames: Iterator[Frame]) -> Comparison:
    """Run both over `frames`.

    Raises:
        SemblanceError: without MediaPipe.
    """
    from addon.tracking.tracker import FaceTracker

    result = Comparison()
    with solution("face_mesh", "FaceMesh")(max_num_faces=1, refine_landmarks=True) as rival:
        for frame, theirs, face in result.look(frames, rival, FaceTracker().track):
            height, width = frame.image.shape[:2]
            found = theirs.multi_face_landmarks
            result.agreed.append(bool(found) == face.found)
            if found and face.found:
                theirs = np.array([[p.x * width, p.y * height] for p in found[0].landmark])
                result.distances.append(crop_distance(face.landmarks[:, :2], theirs))
    return result


def crop_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Mean distance of points [478, 2] in px of the 192-px crop that MediaPipe would cut around `theirs`."""
    side = 1.5 * float(np.ptp(theirs, axis=0).max())
    return float(np.linalg.norm(ours - theirs, axis=1).mean()) * CROP_SIDE / side


def webcam() -> Iterator[Frame]:
    """Every frame of the shared webcam video."""
    from addon.tracking.sources import open_source

    with open_source(shared_folder() / "data" / "webcam_video" / "man_at_webcam.mp4") as source:
        yield from source


def wandering() -> Iterator[Frame]:
    """The webcam video pushed sideways out of the picture and back, with a second of black every ten."""
    for frame in webcam():
        image = np.zeros_like(frame.image)
        width = image.shape[1]
        shift = round(width * np.sin(2 * np.pi * frame.time_s / LEAVING_S))
        if frame.time_s % 10 < 9:
            image[:, max(shift, 0):width + min(shift, 0)] = frame.image[:, max(-shift, 0):width - max(shift, 0)]
        yield Frame(image, frame.time_s, frame.index)


def portrait() -> Iterator[Frame]:
    """The shared portrait as a film of three frames: found, then followed."""
    from addon.tracking.sources import open_source

    with open_source(shared_folder() / "data" / "portrait" / "business_person.png") as source:
        still = next(iter(source)).image
    yield from (Frame(still, i / 30, i) for i in range(3))


def measure() -> dict[str, Row]:
    """All figures of this room; about half a minute."""
    still, video, hard = compare(portrait()), compare(webcam()), compare(wandering())
    pixels = max(np.mean(run.distances) for run in (still, video))
    agreement = min(np.mean(run.agreed) for run in (still, video, hard))
    # Frame by frame, because another program's load comes and goes.
    ratio = np.median(np.divide(video.ours_s, video.rival_s))
    theirs = 1000 * float(np.median(video.rival_s))
    return {
        "tracking.landmark_px": Row(float(pixels), None, f"{RIVAL} is the measure", "px", "<= 0.5"),
        "tracking.found_agreement": Row(float(agreement), None, f"{RIVAL} is the measure", "of frames", ">= 0.99"),
        "tracking.ms_ratio": Row(float(ratio), 1.0, f"{RIVAL}, {theirs:.2f} ms a frame", "×", "<= 1.3"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("tracking.landmark_px", "tracking.found_agreement", "tracking.ms_ratio"): measure,
}


def main() -> None:
    """Measure, and replace the [quality] part at the end of both cards."""
    lines = ["[quality]", f'against = "{RIVAL} with refined landmarks: portrait, webcam video, wandering picture"']
    for name, row in measure().items():
        lines.append(f'{name.removeprefix("tracking.")} = {row.ours:.4g}  # {row.unit}, goal {row.goal}')
    for name in ("face_detector", "face_mesh"):
        path: Path = MODELS / name / "card.toml"
        card = path.read_text(encoding="utf-8").partition("\n[quality]")[0]
        write_bytes(path, "\n".join([card, *lines, ""]).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
