"""Draw the page of made bodies in docs/pictures: people in shared poses, as motion tokens learn from them.

    python -m training.picture_bodies [--out docs/pictures/bodies.jpg]
"""
from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from addon.core.files import write_bytes

from .body_people import person_of
from .body_poses import Poses
from .body_stage import BodyPicture, BodyStage, random_body_shot

_LARGER, _SEED = 2, 41
_POSES: Final = (0, 30, 15, 29)
_PEOPLE: Final = (6, 9, 4, 22, 27, 19)


def tile(seen: BodyPicture) -> np.ndarray:
    """The whole figure; below it face, right and left hand."""
    side = len(seen.picture)
    ends = np.linspace(0, side, 4).astype(int)
    crops = [cv2.resize(crop, (int(b - a), side // 3), interpolation=cv2.INTER_AREA)
             for crop, (a, b) in zip((seen.face, *seen.hands[::-1]), pairwise(ends), strict=True)]
    return np.vstack([seen.picture, np.hstack(crops)])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/bodies.jpg"))
    out = parser.parse_args().out
    stage, poses = BodyStage(_LARGER), Poses()
    rows = []
    for number in _POSES:
        random = np.random.default_rng([_SEED, number])
        shots = [replace(random_body_shot(random), noise=0.0, from_hips=False, filled=0.95) for _ in _PEOPLE]
        rows.append(np.hstack([tile(stage.draw(person_of(seed), poses.pose(number, True), shot))
                               for seed, shot in zip(_PEOPLE, shots, strict=True)]))
    page = np.vstack(rows)[..., ::-1]
    write_bytes(out, cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes())
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
