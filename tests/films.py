"""Short films for tests."""
from __future__ import annotations

from pathlib import Path

import cv2


def piece_of(film: Path, path: Path, first: int, last: int) -> Path:
    """Write the frames `first` to `last` - 1 of a film of 25 frames a second to `path`, an .mp4."""
    source = cv2.VideoCapture(str(film))
    pictures = [source.read()[1] for _ in range(last)][first:]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, pictures[0].shape[1::-1])
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path
