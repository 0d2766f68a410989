"""The expression encoder: FaceFrames → Expressions, by the network in models/expression."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core import coefficients
from ..core.errors import require
from ..core.frames import EMBEDDING_SIZE, Expression, ExpressionTrack, FaceFrame
from ..core.gaps import bridge
from ..core.model_card import ModelCard, load_network

_BATCH = 64


class Encoder:
    """Reads expressions from tracked faces; raw, neither calibrated nor smoothed."""

    def __init__(self, model: str | Path = "expression") -> None:
        """Load a shipped model by its name or one in a folder.

        Raises:
            SemblanceError: if the model or onnxruntime cannot be loaded.
        """
        onnxruntime = require("onnxruntime", "Reading expressions")
        self.card: ModelCard
        network, self.card = load_network(model)
        options = onnxruntime.SessionOptions()
        # One face is too little work to share: more threads only wait for each other.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        self._last: Expression | None = None

    def encode(self, faces: list[FaceFrame]) -> ExpressionTrack:
        """All faces of a source in time order; where none was found confidence is 0 and the values are bridged.

        ValueError for an empty list.
        """
        if not faces:
            raise ValueError("encode needs at least one face frame")
        found = np.array([face.found for face in faces])
        track = _nothing(np.array([face.time_s for face in faces], np.float64))
        seen = [face for face in faces if face.found]
        for first in range(0, len(seen), _BATCH):
            part = seen[first:first + _BATCH]
            rows = np.flatnonzero(found)[first:first + _BATCH]
            answers = self._run(np.stack([face.landmarks for face in part]), np.stack([face.crop for face in part]))
            for name, values in answers.items():
                getattr(track, name)[rows] = values
        track.confidence[found] = [max(face.confidence, 1e-3) for face in seen]
        return bridge(track)

    def encode_one(self, face: FaceFrame) -> Expression:
        """One face now; where none was found, confidence 0 and the values of the last one that was."""
        if face.found:
            answers = {name: values[0] for name, values in self._run(face.landmarks[None], face.crop[None]).items()}
            self._last = Expression(face.time_s, confidence=max(face.confidence, 1e-3), **answers)
            return self._last
        last = self._last or _nothing(np.array([face.time_s])).row(0)
        return replace(last, time_s=face.time_s, confidence=0.0)

    def _run(self, landmarks: np.ndarray, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Coefficients, gaze, head and embedding of landmarks [N, 478, 3] and crops [N, 128, 128, 3]."""
        names = ["coefficients", "gaze", "head", "embedding"]
        answers = self._session.run(names, {"landmarks": landmarks.astype(np.float32), "crop": crops})
        return dict(zip(names, answers, strict=True))


def _nothing(times_s: np.ndarray) -> ExpressionTrack:
    count = len(times_s)
    return ExpressionTrack(
        times_s, np.zeros((count, coefficients.COUNT), np.float32), np.zeros((count, EMBEDDING_SIZE), np.float32),
        np.zeros((count, 2, 2), np.float32), np.zeros((count, 3), np.float32), np.zeros(count, np.float32),
    )
