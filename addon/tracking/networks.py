"""A network that looks at a picture; which ones there are, the package's own text says."""
from __future__ import annotations

from typing import Final

import numpy as np

from ..core.network import Network

FACE: Final = "Face tracking"
BODY: Final = "Body tracking"
"""What is off where networks cannot run."""


class PictureNetwork(Network):
    """A network whose one input is a square picture."""

    def __init__(self, name: str, feature: str) -> None:
        """Raises SemblanceError if onnxruntime or the network is missing; `feature` is what is off then."""
        super().__init__(name, feature)
        self.side = self.card.inputs["picture"][1]

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [side, side, 3] BGR → float32 outputs by name, as the network's card tells them."""
        names = list(self.card.outputs)
        return dict(zip(names, self.run(names, picture=picture[None]), strict=True))
