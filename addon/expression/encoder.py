"""The expression encoder: FaceFrames → Expressions, by the network in models/expression."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError
from ..core.frames import (
    CROP_SIZE,
    EMBEDDING_SIZE,
    LANDMARK_COUNT,
    Expression,
    ExpressionTrack,
    FaceFrame,
    unknown_landmarks,
)
from ..core.gaps import bridge
from ..core.key_poses import CLASSES
from ..core.network import Network

_BATCH = 16
"""More at once takes more memory and no less time."""
_INPUTS = {"landmarks": (-1, LANDMARK_COUNT, 3), "crop": (-1, CROP_SIZE, CROP_SIZE, 3)}
_OUTPUTS = {
    "coefficients": (-1, coefficients.COUNT), "gaze": (-1, 2, 2), "head": (-1, 3), "embedding": (-1, EMBEDDING_SIZE),
}
_MORE_OUTPUTS = {"classes": (-1, len(CLASSES)), "confidence": (-1,)}
"""What older networks do not tell."""
_LEAST_CONFIDENCE = 1e-3
"""Of a face that was read; 0 is kept for frames that were not."""


class Encoder:
    """Reads expressions from tracked faces; raw, neither calibrated nor smoothed.

    A face may lack its landmarks (a drawn one) or its crop. A network that cannot read such a face answers with NaN;
    then it counts as not found.
    """

    def __init__(self, model: str | Path = "expression", busy: bool = False) -> None:
        """Load a shipped model by its name or one in a folder.

        Args:
            busy: other programs need the cores too, as Blender does in live work: its threads wait asleep, which on two
                cores takes 1 ms longer for a face if nothing else runs, half the time if something does, and half the
                CPU.

        Raises:
            SemblanceError: if the model or onnxruntime cannot be loaded, or it is no expression encoder.
        """
        self._network = Network(model, "Reading expressions", threads=2, spin=not busy)
        self.card = self._network.card
        more = {name: shape for name, shape in _MORE_OUTPUTS.items() if name in self.card.outputs}
        self._network.expect("expression encoder", _INPUTS, _OUTPUTS | more)
        self._last: Expression | None = None

    def encode(self, faces: list[FaceFrame]) -> ExpressionTrack:
        """All faces of a source in time order; where none was found confidence is 0 and the values are bridged.

        ValueError for an empty list.
        """
        if not faces:
            raise ValueError("encode needs at least one face frame")
        track = _nothing(np.array([face.time_s for face in faces], np.float64))
        seen = np.flatnonzero([_can_be_read(face) for face in faces])
        for first in range(0, len(seen), _BATCH):
            rows = seen[first:first + _BATCH]
            answers, confidence = self._read([faces[row] for row in rows])
            track.confidence[rows] = confidence
            for name, values in answers.items():
                getattr(track, name)[rows[confidence > 0]] = values[confidence > 0]
        return bridge(track)

    def encode_one(self, face: FaceFrame) -> Expression:
        """One face now; where none was found, confidence 0 and the values of the last one that was."""
        if _can_be_read(face):
            answers, (confidence,) = self._read([face])
            if confidence > 0:
                values = {name: each[0] for name, each in answers.items()}
                self._last = Expression(face.time_s, confidence=float(confidence), **values)
                return self._last
        last = self._last or _nothing(np.array([face.time_s])).row(0)
        return replace(last, time_s=face.time_s, confidence=0.0)

    def classes(self, faces: list[FaceFrame]) -> np.ndarray:
        """float32 [N, 7]: the probability of each class of core.key_poses.CLASSES; NaN where no face was found.

        Raises:
            SemblanceError: if the network is one that tells no classes.
        """
        if "classes" not in self.card.outputs:
            raise SemblanceError(f"The network '{self.card.stamp}' tells no classes of expression; take a newer one.")
        told = np.full((len(faces), len(CLASSES)), np.nan, np.float32)
        seen = np.flatnonzero([_can_be_read(face) for face in faces])
        for first in range(0, len(seen), _BATCH):
            rows = seen[first:first + _BATCH]
            told[rows], = self._run(["classes"], [faces[row] for row in rows])
        return told

    def _read(self, faces: list[FaceFrame]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Coefficients, gaze, head and embedding of N faces, and the confidence float32 [N]: tracker's × network's."""
        names = [*_OUTPUTS, *(["confidence"] if "confidence" in self.card.outputs else [])]
        answers = dict(zip(names, self._run(names, faces), strict=True))
        confidence = np.array([face.confidence for face in faces], np.float32) * answers.pop("confidence", 1)
        sound = np.all([np.isfinite(each.reshape(len(faces), -1)).all(1) for each in answers.values()], axis=0)
        return answers, np.where(sound, np.clip(confidence, _LEAST_CONFIDENCE, 1), 0).astype(np.float32)

    def _run(self, names: list[str], faces: list[FaceFrame]) -> list[np.ndarray]:
        landmarks = np.stack([face.landmarks if face.has_landmarks else unknown_landmarks() for face in faces])
        crops = np.stack([face.crop for face in faces])
        return self._network.run(names, landmarks=landmarks.astype(np.float32), crop=crops)


def _can_be_read(face: FaceFrame) -> bool:
    """Something of a face is known."""
    return face.found and (face.has_landmarks or bool(face.crop.any()))


def _nothing(times_s: np.ndarray) -> ExpressionTrack:
    count = len(times_s)
    return ExpressionTrack(
        times_s, np.zeros((count, coefficients.COUNT), np.float32), np.zeros((count, EMBEDDING_SIZE), np.float32),
        np.zeros((count, 2, 2), np.float32), np.zeros((count, 3), np.float32), np.zeros(count, np.float32),
    )
