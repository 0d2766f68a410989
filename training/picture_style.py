"""Draw docs/pictures/style.jpg: moments of the demo clip, played calmly, as performed and broadly.

    python -m training.picture_style [--character Gus] [--out docs/pictures/style.jpg]
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from addon.blender.portrait import Portrait
from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.characters.style import Style
from addon.commands import demo, sheets
from addon.core.files import write_bytes
from addon.core.rig_profile import find_profile
from addon.live.performance import record_take
from addon.tracking.sources import open_source

FRAMES: Final = (217, 28, 54, 66, 88, 110, 200)
"""Closed lips, half-closed lids, smiles, a blink with an open mouth, surprise, one eye shut."""
ROWS: Final = (("calm, x 0.5", 0.5), ("as performed", 1.0), ("broad, x 2", 2.0))
_CELL_PX: Final = 170
_LABEL_PX: Final = 112
_WORDS_PX: Final = 10


def page(character: str) -> np.ndarray:
    """A row of the performer, then one for each strength; uint8 [H, W, 3] BGR."""
    profile = find_profile(character)
    decoder, track = load_decoder(profile), record_take(str(demo.CLIP)).smoothed
    with open_source(str(demo.CLIP)) as source:
        performer = {frame.index: frame.image for frame in source if frame.index in FRAMES}
    rows = [("performer", [performer[frame] for frame in FRAMES])]
    with Portrait(profile, _CELL_PX) as portrait:
        for words, strength in ROWS:
            values = act(track, decoder, profile.control_set, Style(strength)).values
            rows.append((words, [portrait.take(values[frame])[..., ::-1] for frame in FRAMES]))
    sheet = sheets.blank(_LABEL_PX + _CELL_PX * len(FRAMES), _CELL_PX * len(rows))
    for down, (words, pictures) in enumerate(rows):
        sheets.write(sheet, words, 8, down * _CELL_PX + _CELL_PX // 2, _WORDS_PX)
        for across, picture in enumerate(pictures):
            small = cv2.resize(_square(picture), (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA)
            sheets.place(sheet, small, _LABEL_PX + across * _CELL_PX, down * _CELL_PX)
    return sheet


def _square(picture: np.ndarray) -> np.ndarray:
    """Its middle, as wide as high."""
    size = min(picture.shape[:2])
    top, left = ((side - size) // 2 for side in picture.shape[:2])
    return picture[top : top + size, left : left + size]


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--character", default="Gus")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/style.jpg"))
    arguments = parser.parse_args()
    data = cv2.imencode(".jpg", page(arguments.character), [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    write_bytes(arguments.out, data)
    print(f"{arguments.out}: {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
