"""The face detector and the face mesh, run by onnxruntime; the only module of this room that imports it."""
from __future__ import annotations

import numpy as np

from ..core.errors import SemblanceError, require
from ..core.model_card import load_network

THREADS = 1
"""A second thread gains nothing on networks this small, and the rest of the work needs the core."""


class _Network:
    """One ONNX file from `models/` with a square uint8 picture as its input."""

    def __init__(self, name: str, threads: int) -> None:
        onnxruntime = require("onnxruntime", "Face tracking")
        data, self.card = load_network(name)
        self.side = self.card.inputs["picture"][1]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base class for what it raises
            raise SemblanceError(f"onnxruntime cannot load the network '{name}': {error}.") from error

    def run(self, picture: np.ndarray) -> list[np.ndarray]:
        """All outputs for uint8 [side, side, 3] BGR."""
        return self._session.run(None, {"picture": picture[None]})


class DetectorNetwork(_Network):
    """Where faces may be in a whole picture."""

    def __init__(self, threads: int = THREADS) -> None:
        super().__init__("face_detector", threads)

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [128, 128, 3] BGR → boxes float32 [896, 16] (cx, cy, w, h, 6 points; 0..1), scores float32 [896]."""
        boxes, scores = self.run(picture)
        return boxes, scores


class MeshNetwork(_Network):
    """The points of the one face in a crop."""

    def __init__(self, threads: int = THREADS) -> None:
        super().__init__("face_mesh", threads)

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, float]:
        """uint8 [192, 192, 3] BGR → landmarks float32 [478, 3] in px of the crop, probability of a face."""
        landmarks, presence = self.run(picture)
        return landmarks, float(presence[0])
