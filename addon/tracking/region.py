"""A square region of a picture, turned so that the face in it is level: cut out, and mapped back."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core.errors import SemblanceError, require

MARGIN = 1.5
"""How much larger than the face's box the region is that the mesh network sees; it was trained so."""
_ROUNDING = 1e-6
"""How far shares of a picture may reach out of it."""
_GRID = (np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2) + 0.5) / 16
"""Places [256, 2] all over the unit square."""


@dataclass(frozen=True)
class Region:
    """A turned square; px of the picture and rad (clockwise as seen, since y points down)."""

    x: float
    y: float
    side: float
    angle: float

    @property
    def to_picture(self) -> np.ndarray:
        """float64 [2, 3]: unit square (0..1) → px of the picture."""
        cos, sin = self.side * np.cos(self.angle), self.side * np.sin(self.angle)
        return np.array([
            [cos, -sin, self.x - (cos - sin) / 2],
            [sin, cos, self.y - (sin + cos) / 2],
        ])

    @property
    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Upper left and lower right corner [2] of the upright square."""
        middle = np.array([self.x, self.y])
        return middle - self.side / 2, middle + self.side / 2

    def holds(self, point: np.ndarray) -> bool:
        """True if a point [2] of the picture is inside; for an upright square."""
        return bool(np.abs(point - (self.x, self.y)).max() <= self.side / 2)

    def share_in(self, image: np.ndarray) -> float:
        """0..1: how much of it lies in uint8 [H, W, 3]."""
        places = self.project(_GRID)
        return float(((places >= 0) & (places < (image.shape[1], image.shape[0]))).all(1).mean())

    def cut(self, image: np.ndarray, size: int, *, extend: bool) -> np.ndarray:
        """uint8 [size, size, 3], bilinear; outside the picture black, or with `extend` its outermost pixels again."""
        cv2 = require("cv2", "Face tracking")
        matrix = self.to_picture * [1 / size, 1 / size, 1]
        border = cv2.BORDER_REPLICATE if extend else cv2.BORDER_CONSTANT
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=border)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Points [N, 2 or 3] of the unit square → px of the picture; z gets the scale of x."""
        matrix = self.to_picture
        moved = points * self.side
        moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        return moved


@dataclass(frozen=True)
class FaceBox:
    """Where a user says that the head is; shares 0..1 of the picture's width and height."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        """Raises SemblanceError for a box that is not in the picture."""
        inside = 0 <= self.left < 1 and 0 <= self.top < 1 and self.left + self.width <= 1 + _ROUNDING
        if not (inside and self.top + self.height <= 1 + _ROUNDING and min(self.width, self.height) > 0):
            raise SemblanceError(
                f"The face box {self.percent} (left, top, width and height in % of the picture) must lie inside the "
                "picture and not be empty."
            )

    @staticmethod
    def from_percent(text: str) -> FaceBox:
        """The inverse of `percent`.

        Raises:
            ValueError: if the text is not four numbers.
            SemblanceError: as the constructor.
        """
        left, top, width, height = (float(number) / 100 for number in text.split(","))
        return FaceBox(left, top, width, height)

    @property
    def percent(self) -> str:
        """Left, top, width, height in % of the picture, such as "30,10,40,50"."""
        return ",".join(f"{100 * share:.6g}" for share in (self.left, self.top, self.width, self.height))

    def square(self, image: np.ndarray) -> Region:
        """The upright square around the box, by its longer side."""
        size = np.array([image.shape[1], image.shape[0]])
        x, y = size * (self.left + self.width / 2, self.top + self.height / 2)
        return Region(float(x), float(y), float((size * (self.width, self.height)).max()), 0.0)

    def surroundings(self, image: np.ndarray) -> Region:
        """The square with the room around it that the face detector wants."""
        square = self.square(image)
        return replace(square, side=square.side * MARGIN)


def middle_box(width: int, height: int) -> FaceBox:
    """The largest square in the middle of a picture of that size in px, for one that a face fills."""
    across, down = (min(width, height) / side for side in (width, height))
    return FaceBox((1 - across) / 2, (1 - down) / 2, across, down)


def whole(image: np.ndarray) -> Region:
    """The smallest upright square around the picture."""
    height, width = image.shape[:2]
    return Region(width / 2, height / 2, max(width, height), 0.0)


def around(low: np.ndarray, high: np.ndarray, right: np.ndarray, left: np.ndarray) -> Region:
    """The face's region: the box `low`..`high` made square by its long side, enlarged, level with two points.

    `right` is the person's right eye (on the left of the picture), `left` the other; all are px [2].
    """
    x, y = (low + high) / 2
    along = left - right
    return Region(float(x), float(y), float((high - low).max() * MARGIN), float(np.arctan2(along[1], along[0])))
