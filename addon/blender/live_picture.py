"""The live picture of the performer in the sidebar: an icon of this window, never an image of the user's file."""
from __future__ import annotations

from itertools import pairwise
from typing import Final

import bpy.utils.previews
import numpy as np

from ..live.messages import Picture

_CALM: Final = 0.15
"""Share of the way to the face that the part of the picture that is shown goes with each picture."""
_STEPS: Final = 6
"""Dots from one landmark of a line to the next."""
_DOT: Final = ((0, 0), (1, 0), (0, 1), (1, 1))
"""px of a dot; the picture is shown smaller than it is."""
_LINE: Final = (0, 255, 170)
"""Red, green, blue."""
# Landmarks along lids, lips, brows, nose and the face's outline, as MediaPipe numbers them.
_LINES: Final = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78),
    (70, 63, 105, 66, 107), (300, 293, 334, 296, 336), (168, 6, 197, 195, 5, 4),
    (48, 64, 98, 97, 2, 326, 327, 294, 278),
    (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
     136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10),
    (474, 475, 476, 477, 474), (469, 470, 471, 472, 469),
)
_PAIRS: Final = np.array([pair for line in _LINES for pair in pairwise(line)])
_SHARES: Final = np.linspace(0, 1, _STEPS, endpoint=False, dtype=np.float32)[:, None, None]

_previews: bpy.utils.previews.ImagePreviewCollection | None = None
_middle: np.ndarray | None = None
"""Where the face is, px; calm, so that the part that is shown does not tremble."""


def register() -> None:
    """Make a place for the picture."""
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    """Give it back."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None


def icon() -> int:
    """The icon; 0 while there is no picture."""
    return _previews["live"].icon_id if _previews is not None and "live" in _previews else 0


def clear() -> None:
    """Show no picture any more."""
    global _middle
    _middle = None
    if _previews is not None:
        _previews.clear()


def show(picture: Picture) -> None:
    """Let the icon be this picture with its landmarks."""
    if _previews is None:
        return
    if "live" not in _previews:
        _previews.new("live")
    preview, pixels = _previews["live"], drawn(picture)
    side = pixels.shape[0]
    if tuple(preview.image_size) != (side, side):
        preview.image_size = (side, side)
    preview.image_pixels.foreach_set(pixels.ravel())


def drawn(picture: Picture) -> np.ndarray:
    """int32 [S, S]: RGBA pixels from the lowest row up, as Blender's icons have them, of a square."""
    height, width = picture.image.shape[:2]
    side = min(height, width)
    left, top = _corner(picture.landmarks, width - side, height - side, side)
    rgba = np.empty((side, side, 4), np.uint8)
    shown = picture.image[top:top + side, left:left + side]
    for channel in range(3):
        rgba[..., channel] = shown[..., 2 - channel]
    rgba[..., 3] = 255
    points: np.ndarray = picture.landmarks - np.array((left, top), np.float32)
    ends: np.ndarray = points[_PAIRS]
    dots = (ends[:, 0] + _SHARES * (ends[:, 1] - ends[:, 0])).reshape(-1, 2)
    # What is no number becomes a place outside.
    dots = np.nan_to_num(dots, nan=-1).astype(np.int32)
    dots = dots[(dots.min(1) >= 0) & (dots.max(1) < side)]
    for x, y in _DOT:
        rgba[np.minimum(dots[:, 1] + y, side - 1), np.minimum(dots[:, 0] + x, side - 1), :3] = _LINE
    return rgba[::-1].view(np.int32)[..., 0]


def _corner(landmarks: np.ndarray, free_x: int, free_y: int, side: int) -> tuple[int, int]:
    """Left and upper edge of the square: it follows the face, calmly, as far as there is room."""
    global _middle
    seen = landmarks[np.isfinite(landmarks[:, 0])]
    middle = seen.mean(0) if len(seen) else np.array((free_x + side, free_y + side)) / 2
    _middle = middle if _middle is None else _middle + _CALM * (middle - _middle)
    left, top = np.clip(_middle - side / 2, 0, (free_x, free_y)).astype(int)
    return int(left), int(top)
