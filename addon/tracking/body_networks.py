"""The networks that see a body and its hands."""
from __future__ import annotations

import numpy as np

from ..core.network import Network

FEATURE = "Body tracking"


class PoseDetectorNetwork(Network):
    """Where bodies may be in a whole picture."""

    def __init__(self) -> None:
        super().__init__("pose_detector", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [224, 224, 3] BGR → boxes float32 [2254, 12] (0..1, as its card says), scores float32 [2254]."""
        boxes, scores = self.run(["boxes", "scores"], picture=picture[None])
        return boxes, scores


class PoseNetwork(Network):
    """The points of the one body in a crop."""

    def __init__(self) -> None:
        super().__init__("pose", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [256, 256, 3] BGR → its outputs by name: 39 points, of which 33 are landmarks."""
        names = list(self.card.outputs)
        return dict(zip(names, self.run(names, picture=picture[None]), strict=True))


class RecropNetwork(Network):
    """Where exactly the hand is in a crop that should hold one."""

    def __init__(self) -> None:
        super().__init__("hand_recrop", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """uint8 [256, 256, 3] BGR → float32 [2, 2]: the hand's middle, the middle of its region's lower edge; px."""
        return self.run(["points"], picture=picture[None])[0]


class HandNetwork(Network):
    """The points of the one hand in a crop."""

    def __init__(self) -> None:
        super().__init__("hand", FEATURE)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [224, 224, 3] BGR → its outputs by name: 21 landmarks."""
        names = list(self.card.outputs)
        return dict(zip(names, self.run(names, picture=picture[None]), strict=True))
