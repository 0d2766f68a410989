"""Draws what the body tracker saw over the frames of a clip, as a page to look at.

    python -m training.picture_body clip.mp4 clip.take -o body.png
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from addon.core.errors import SemblanceError
from addon.core.files import write_bytes
from addon.core.frames import BodyTrack
from addon.core.take import read_take
from addon.tracking.sources import open_source

BODY: Final = (
    (11, 12), (11, 23), (12, 24), (23, 24), (11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26),
    (26, 28), (27, 29), (29, 31), (27, 31), (28, 30), (30, 32), (28, 32), (0, 2), (0, 5), (2, 7), (5, 8), (9, 10),
)
HAND: Final = tuple(
    pair for first in (1, 5, 9, 13, 17) for pair in ((0, first), *((first + i, first + i + 1) for i in range(3)))
) + ((5, 9), (9, 13), (13, 17))
COLOURS: Final = {"body": (255, 235, 80), "left": (90, 200, 255), "right": (255, 120, 220)}
"""BGR."""
SEEN: Final = 0.5


def drawn(image: np.ndarray, track: BodyTrack, i: int) -> np.ndarray:
    """A copy of uint8 [H, W, 3] BGR with frame `i` of the track on it; what is hidden is thin."""
    image = np.ascontiguousarray(image).copy()
    width = max(2, round(max(image.shape) / 250))
    if track.found[i]:
        for a, b in BODY:
            seen = track.visibility[i, [a, b]].min() >= SEEN
            _line(image, track.landmarks[i, [a, b], :2], COLOURS["body"], width if seen else 1)
    for side, name in enumerate(("left", "right")):
        if track.hands_found[i, side]:
            for a, b in HAND:
                _line(image, track.hands[i, side, [a, b], :2], COLOURS[name], max(1, width // 2))
    return image


def page(clip: str, track: BodyTrack, count: int = 6, height: int = 480) -> np.ndarray:
    """`count` frames of the clip beside one another, evenly chosen."""
    wanted = set(np.linspace(0, len(track) - 1, count).round().astype(int).tolist())
    with open_source(clip) as source:
        images = [drawn(frame.image, track, i) for i, frame in enumerate(source) if i in wanted]
    scale = height / images[0].shape[0]
    return np.hstack([cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in images])


def _line(image: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], width: int) -> None:
    a, b = (tuple(int(v) for v in np.round(end)) for end in ends)
    cv2.line(image, a, b, colour, width, cv2.LINE_AA)


def main() -> None:
    """Read the clip and its take, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clip")
    parser.add_argument("take", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("out/body.png"))
    args = parser.parse_args()
    track = read_take(args.take).body
    if track is None:
        raise SemblanceError(f"'{args.take}' has no body; track it with --body.")
    write_bytes(args.output, cv2.imencode(".png", page(args.clip, track))[1].tobytes())
    print(f"Wrote '{args.output}'.")


if __name__ == "__main__":
    main()
