"""The face detector and the face mesh."""
from __future__ import annotations

import numpy as np

from ..core.network import Network

FEATURE = "Face tracking"


class DetectorNetwork(Network):
    """Where faces may be in a whole picture."""

    def __init__(self) -> None:
        super().__init__("face_detector", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [128, 128, 3] BGR → boxes float32 [896, 16] (cx, cy, w, h, 6 points; 0..1), scores float32 [896]."""
        boxes, scores = self.run(["boxes", "scores"], picture=picture[None])
        return boxes, scores


class MeshNetwork(Network):
    """The points of the one face in a crop."""

    def __init__(self) -> None:
        super().__init__("face_mesh", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, float]:
        """uint8 [192, 192, 3] BGR → landmarks float32 [478, 3] in px of the crop, probability of a face."""
        landmarks, presence = self.run(["landmarks", "presence"], picture=picture[None])
        return landmarks, float(presence[0])
