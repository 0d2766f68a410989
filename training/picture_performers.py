"""Draw the page of synthetic performers in docs/pictures: the same kinds of people that the encoder is trained on.

    python -m training.picture_performers [--out docs/pictures/performers.jpg]
"""
from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from addon.core.files import write_bytes
from training.appearance import Appearance, random_appearance, varied_shot
from training.performers import PerformanceCurves, Person, Shot, random_person
from training.render_performers import FaceRenderer

_ROWS, _COLUMNS, _TILE_PX, _FINER = 4, 6, 160, 2
_SEED = 404


def person_in_shot(number: int, curves: PerformanceCurves) -> tuple[Person, Shot, Appearance]:
    """Who is on tile `number`: as in training, but nearer, sharper and not so dark that a page of it is hard to see."""
    random = np.random.default_rng([_SEED, number])
    person = random_person(random)
    shot = varied_shot(random, curves.sample(random))
    appearance = random_appearance(random)
    size = _TILE_PX * _FINER
    shot = replace(shot, size=size, head=shot.head * np.float32(0.7), face_px=size * random.uniform(0.3, 0.38),
                   offset=np.array([0.0, 0.04]), distance_cm=random.uniform(60, 120), noise=0.0, blur_px=0.0, jpeg=0,
                   exposure=random.uniform(0.85, 1.0))
    camera = replace(appearance.camera, motion_px=0.0, darkness=0.0, coarse=1.0, contrast=1.1, saturation=1.1,
                     white_balance=appearance.camera.white_balance**0.4)
    return person, shot, replace(appearance, camera=camera)


def page() -> np.ndarray:
    """uint8 [640, 960, 3] BGR."""
    curves, renderer = PerformanceCurves(), FaceRenderer(_TILE_PX * _FINER)
    tiles = [renderer.render(*person_in_shot(number, curves)) for number in range(_ROWS * _COLUMNS)]
    tiles = [cv2.resize(tile, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA) for tile in tiles]
    return np.vstack([np.hstack(tiles[row * _COLUMNS:][:_COLUMNS]) for row in range(_ROWS)])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/performers.jpg"))
    out = parser.parse_args().out
    write_bytes(out, cv2.imencode(".jpg", page(), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
