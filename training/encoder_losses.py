"""What the encoder and its teacher learn by: errors of every answer that is known, the order of the embedding, and what
the teacher says.
"""
from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core import coefficients
from training.expression_data import Faces
from training.expression_experts import Answer, PointExpert
from training.teacher_model import TeacherNetwork, answers
from training.triplet_loss import mine_triplets, triplet_loss

_MARGIN: Final = 0.15
_TRIPLETS: Final = 256
_DOUBTED: Final = 0.12
_LEFT: Final = np.flatnonzero([name.endswith("Left") for name in coefficients.NAMES])
_RIGHT: Final = np.array(coefficients.MIRROR)[_LEFT]
_CLOSED: Final = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_LOOKS: Final = np.array([coefficients.indices([f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up")])
                          for side in ("Left", "Right")])


def spread_of(kinds: dict[str, Faces]) -> Tensor:
    """How much each coefficient, `by_sides`, varies where it is known, float32 [54], and a little more."""
    values = [by_sides(torch.from_numpy(np.where(faces.known, faces.coefficients, np.nan))) for faces in kinds.values()]
    return torch.from_numpy((np.nanstd(torch.cat(values).numpy(), axis=0) + 0.05).astype(np.float32))


def by_sides(values: Tensor) -> Tensor:
    """[N, 54] → what both sides of the face do together, in the place of the left one, and in that of the right one by
    how much they differ; as long as before.

    One side alone moves in one face of fifty. Side by side, its share in the error is so small that networks learn it
    last: after ten thousand steps a wink was still half a blink of both eyes.
    """
    left, right = values[:, _LEFT], values[:, _RIGHT]
    turned = values.clone()
    turned[:, _LEFT], turned[:, _RIGHT] = (left + right) / 2**0.5, (left - right) / 2**0.5
    return turned


def coefficient_error(found: Tensor, truth: Tensor, known: Tensor, spread: Tensor) -> Tensor:
    """Mean square error of coefficients [N, 54] where they are `known`, each in units of its `spread_of`.

    Squared: most coefficients are 0 most of the time, so that an absolute error would make every doubt a 0.
    """
    return _mean((by_sides(found - truth) / spread) ** 2, known & known[:, coefficients.MIRROR])


def answer_loss(answer: Answer, faces: Faces, empty: np.ndarray, spread: Tensor) -> Tensor:
    """Errors of everything that is known; coefficients in units of their spread [54], so that rare ones count."""
    truth, known = torch.from_numpy(faces.coefficients), torch.from_numpy(faces.known)
    loss = 0.5 * coefficient_error(answer.coefficients, truth, known, spread)
    seen = known[:, _LOOKS].all(2) & ((truth * known)[:, _CLOSED] < 0.7)
    off = functional.smooth_l1_loss(answer.gaze / 0.2, torch.from_numpy(faces.gaze) / 0.2, beta=0.5, reduction="none")
    loss = loss + 0.4 * _mean(off.mean(2), seen)
    head = torch.from_numpy(faces.head)
    turned = functional.smooth_l1_loss(answer.head / 0.2, head.nan_to_num() / 0.2, beta=0.5, reduction="none")
    loss = loss + 0.2 * _mean(turned, head == head)
    labels = torch.from_numpy(faces.expression_class).long()
    if (labels >= 0).any():
        loss = loss + 0.1 * functional.cross_entropy(answer.classes, labels, ignore_index=-1)
    right = rightness(answer.coefficients.detach(), faces, empty)
    return loss + 0.1 * functional.binary_cross_entropy_with_logits(answer.confidence, right)


def points_loss(expert: PointExpert, modes: Tensor, points: np.ndarray) -> Tensor:
    """How far modes [N, MODES] are from those of points [N, POINT_COUNT, 2] px, where these are known.

    Large movements (where the head is) count more than small ones (what a lip does), by the root of their size.
    """
    known = np.isfinite(points).all((1, 2))
    if not known.any():
        return modes.sum() * 0
    truth = expert.modes_of(torch.from_numpy(points[known].astype(np.float32)).to(modes.device))
    weight = torch.sqrt(expert.size / expert.size.max())
    return (((modes[torch.from_numpy(known)] - truth) ** 2) * weight).mean() / weight.mean()


def rightness(found: Tensor, faces: Faces, empty: np.ndarray) -> Tensor:
    """[N], 1 if all coefficients [N, 54] are right, one half if they are wrong by _DOUBTED on average, 0 of no face."""
    known = torch.from_numpy(faces.known)
    wrong = ((found - torch.from_numpy(faces.coefficients)).abs() * known).sum(1) / known.sum(1).clamp_min(1)
    return torch.where(torch.from_numpy(empty), 0.0, 1 / (1 + (wrong / _DOUBTED) ** 4))


def similarity_loss(answer: Answer, faces: Faces, empty: np.ndarray, random: torch.Generator) -> Tensor:
    """Of the triplets, of people and characters alike, that the embedding orders worst."""
    there = torch.from_numpy(~empty)
    embedding, drawn = answer.embedding[there], torch.from_numpy(faces.character >= 0)[there]
    person = torch.from_numpy(faces.person)[there]
    truth, known = torch.from_numpy(faces.coefficients)[there], torch.from_numpy(faces.known)[there]
    rows, weights = mine_triplets(embedding, truth, known, person, drawn, random, _TRIPLETS)
    return 0.5 * triplet_loss(embedding, rows, weights, _MARGIN)


def distillation_loss(
    coefficients_: Tensor, teacher: TeacherNetwork, faces: Faces, empty: np.ndarray, spread: Tensor
) -> Tensor:
    """How far [N, 54] are from what the teacher says, who sees all there is; also those that nobody labelled count."""
    values = torch.from_numpy(answers(teacher, faces.crops, faces.landmarks)[0])
    there = torch.from_numpy(np.repeat(~empty[:, None], coefficients.COUNT, 1))
    return 0.25 * coefficient_error(coefficients_, values, there, spread)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum() / known.sum().clamp_min(1)
