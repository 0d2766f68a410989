"""What else could read a robot's controls from the same pictures, for the same test: one line each of the table.

Constants, the nearest picture, ridge regression on landmarks and on oriented gradients (Dalal and Triggs, CVPR 2005),
and the way that the extension itself goes: our expression encoder, which was not trained for this, with ridge or a
small network behind it, or with the character's own decoder.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from addon.characters.decoder import load_decoder
from addon.core.control_set import ControlSet
from addon.core.frames import ExpressionTrack
from addon.core.rig_profile import find_profile
from addon.expression.encoder import Encoder
from training.face_inputs import OrientedGradients
from training.rivals import nearest, network, ridge, standardised
from training.x2c_data import Renders

_GRADIENT_PX: Final = 96
_GREY: Final = torch.tensor([0.299, 0.587, 0.114])
TRIVIAL: Final = ("mean", "nearest picture", "ridge on landmarks", "ridge on gradients")
"""Those that DESIGN's goal compares with."""


def rival_guesses(learned: Renders, asked: Renders, controls: ControlSet) -> dict[str, np.ndarray]:
    """Name → values [N, 30] in the robot's units, inside the limits, for the pictures asked about."""
    truth = torch.from_numpy(controls.scaled(learned.controls))
    seen, questions = gradients_of(learned.pictures), gradients_of(asked.pictures)
    found = {"neutral": constant(controls.scaled(controls.neutral), asked), "mean": constant(truth.mean(0), asked)}
    found["nearest picture"] = _fitted(nearest, seen, truth, questions)
    found["ridge on gradients"] = _fitted(ridge, seen, truth, questions)
    if learned.faces and asked.faces:
        found["ridge on landmarks"] = _where_found(landmarks_of(learned), truth, landmarks_of(asked))
        known, asks = readings_of(learned), readings_of(asked)
        found["our encoder + ridge"] = _fitted(ridge, known, truth, asks)
        found["our encoder + network"] = _fitted(network, known, truth, asks)
    values = {name: controls.clamped(controls.unscaled(guess.numpy())) for name, guess in found.items()}
    if asked.faces:
        values["our encoder + decoder"] = decoded(asked, controls)
    return values


def constant(values: np.ndarray | Tensor, asked: Renders) -> Tensor:
    """The same answer for every picture."""
    return torch.as_tensor(values).expand(len(asked), -1)


def _fitted(method: Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]], known: Tensor, truth: Tensor,
            asked: Tensor) -> Tensor:
    inputs, scale = standardised(known)
    return method(inputs, truth)(scale(asked)).clamp(-1, 1)


def _where_found(known: Tensor, truth: Tensor, asked: Tensor) -> Tensor:
    """Ridge on the rows whose landmarks are known, the mean for the others."""
    guess = constant(truth.mean(0), asked).clone()
    here, there = (torch.isfinite(rows).all(1) for rows in (known, asked))
    if here.any() and there.any():
        guess[there] = _fitted(ridge, known[here], truth[here], asked[there])
    return guess


def landmarks_of(renders: Renders) -> Tensor:
    """[N, 1434] px; NaN where no face was found. Where the head is says how it is held, so nothing is taken off."""
    return torch.from_numpy(np.stack([face.landmarks.reshape(-1) for face in renders.faces]))


def gradients_of(pictures: np.ndarray) -> Tensor:
    """[N, 4608]: oriented gradients of the pictures at 96 px, in cells of 4 px."""
    make, parts = OrientedGradients(), []
    for first in range(0, len(pictures), 128):
        grey = (torch.from_numpy(np.array(pictures[first:first + 128])).float() @ _GREY)[:, None]
        size = (_GRADIENT_PX, _GRADIENT_PX)
        parts.append(make(torch.nn.functional.interpolate(grey, size=size, mode="area")))
    return torch.cat(parts)


def readings_of(renders: Renders) -> Tensor:
    """[N, 189]: coefficients, embedding, gaze and head as the shipped encoder reads them."""
    track = Encoder().encode(renders.faces)
    parts = [track.coefficients, track.embedding, track.gaze.reshape(len(track), 4), track.head]
    return torch.from_numpy(np.concatenate(parts, 1).astype(np.float32))


def decoded(renders: Renders, controls: ControlSet) -> np.ndarray:
    """What the extension would make of a video of the robot: the encoder, then Ada's own decoder."""
    track = Encoder().encode(renders.faces)
    calm = ExpressionTrack(track.times_s, track.coefficients.clip(0, 1), track.embedding, track.gaze, track.head,
                           track.confidence)
    return controls.clamped(load_decoder(find_profile("ada")).decode(calm).values)
