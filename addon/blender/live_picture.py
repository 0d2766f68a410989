"""The live picture of the performer in the sidebar: an icon of this window, never an image of the user's file."""
from __future__ import annotations

from itertools import pairwise
from typing import Final

import bpy.utils.previews
import numpy as np

from ..live.messages import Picture

_SIDE: Final = 240
"""px of the square icon: the picture's height; as wide a part of it, around the face."""
_STEPS: Final = 5
"""Dots from one landmark of a line to the next."""
_LINE: Final = (120, 255, 190)
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
_middle: float | None = None
"""Where the face is in the picture's width, px; calm, so that the part that is shown does not tremble."""


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
    # The size has to be set before there is room for pixels; the large picture is what a panel shows.
    if tuple(preview.image_size) != (_SIDE, _SIDE):
        preview.image_size = preview.icon_size = (_SIDE, _SIDE)
    preview.image_pixels.foreach_set(pixels)
    preview.icon_pixels.foreach_set(pixels)


def drawn(picture: Picture) -> np.ndarray:
    """int32 [240 · 240]: RGBA pixels from the lowest row up, as Blender's icons have them."""
    height, width = picture.image.shape[:2]
    rgba = np.full((_SIDE, _SIDE, 4), (24, 24, 24, 255), np.uint8)
    scale = _SIDE / max(height, 1)
    left = _left(picture, width * scale) / scale
    rows = np.minimum(((np.arange(_SIDE) + 0.5) / scale).astype(int), height - 1)
    columns = ((np.arange(_SIDE) + 0.5) / scale + left).astype(int)
    inside = (columns >= 0) & (columns < width)
    rgba[:, inside, :3] = picture.image[rows[:, None], columns[inside]][..., ::-1]
    points = (picture.landmarks - (left, 0)) * scale
    ends = points[_PAIRS]
    dots = (ends[:, 0] + _SHARES * (ends[:, 1] - ends[:, 0])).reshape(-1, 2)
    dots = dots[np.isfinite(dots).all(1)].astype(int)
    dots = dots[((dots >= 0) & (dots < _SIDE)).all(1)]
    rgba[dots[:, 1], dots[:, 0], :3] = _LINE
    return np.ascontiguousarray(rgba[::-1]).view(np.int32).ravel()


def _left(picture: Picture, width: float) -> float:
    """Left edge, px of the scaled picture, of the square that is shown: it follows the face sideways, calmly."""
    global _middle
    unscaled = picture.image.shape[1]
    x = picture.landmarks[:, 0]
    seen = float(np.nanmean(x)) / unscaled * width if np.isfinite(x).any() else width / 2
    _middle = seen if _middle is None else _middle + 0.15 * (seen - _middle)
    room = width - _SIDE
    return float(np.clip(_middle - _SIDE / 2, 0, room)) if room > 0 else room / 2
