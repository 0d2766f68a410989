"""Triplets mined from a batch, and the loss that orders its embedding by them (FreeAvatar, section 3.1.2 of the paper).

    rows, weights = mine_triplets(embedding, coefficients, known, person, drawn, random)
    loss = triplet_loss(embedding, rows, weights)

FreeAvatar's weights are the share of annotators who agree; ours say how certain the order of the exact coefficients is.
The two that look alike are always of two people (or a person and a character), the third may be one of them: so
expressions are pulled together across faces and faces apart across expressions.
"""
from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core import coefficients as names
from training.triplets import LEAST, RATIO, perceived

MARGIN: Final = 0.2
"""FreeAvatar's code has 0.1 and 0.2."""
_CANDIDATES: Final = 4000
_KNOWN: Final = 20
"""Faces that share fewer known coefficients are not compared."""
_PLACE: Final = np.arange(len(names.NAMES))
_FIRST: Final = np.concatenate([names.MIRROR >= _PLACE, names.MIRROR > _PLACE])
"""bool [108]: `perceived` says what both sides do twice; once, and louder, is as good and half the work."""
_LOUDER: Final = np.tile(np.where(names.MIRROR == _PLACE, 1, np.sqrt(2)), 2)[_FIRST].astype(np.float32)
_OF: Final = np.tile(_PLACE, 2)[_FIRST]
"""Which coefficient, and its mirror, each of them needs."""


def mine_triplets(
    embedding: Tensor, coefficients: Tensor, known: Tensor, person: Tensor, drawn: Tensor, random: torch.Generator,
    count: int = 512,
) -> tuple[Tensor, Tensor]:
    """At most `count` triplets of a batch, those first that the embedding orders wrongly, then those nearly so.

    Faces are compared by the coefficients that all three show. If there are drawn faces, half of the triplets have one
    for as long as there are enough.

    Args:
        embedding: float [B, D], as the network gives it; no gradient is taken.
        coefficients: float [B, 54], exact where `known`, bool [B, 54].
        person: int [B], who each face is; a character is a person of its own.
        drawn: bool [B].
        random: a generator on the CPU.

    Returns:
        rows int64 [T, (anchor, positive, negative)] of the batch and weights float32 [T] 0..1, on embedding's device.
    """
    coefficients, known, person, drawn = coefficients.cpu(), known.cpu(), person.cpu(), drawn.cpu()
    rows, weights = _certain(_candidates(drawn, random), coefficients, known)
    across = person[rows[:, 0]] != person[rows[:, 1]]
    rows, weights = rows[across], weights[across]
    anchor, positive, negative = functional.normalize(embedding.detach().cpu().float(), dim=1)[rows].unbind(1)
    gap = _apart(anchor, positive) - torch.minimum(_apart(anchor, negative), _apart(positive, negative))
    # 0: right with the margin kept, 1: right without it, 2: wrong; chance decides between equals
    order = (gap > -MARGIN).float() + (gap > 0).float() + torch.rand(len(rows), generator=random)
    mixed = drawn[rows].any(1)
    best = [part[order[part].argsort(descending=True)] for part in (mixed.nonzero()[:, 0], (~mixed).nonzero()[:, 0])]
    share = max(count // 2, count - len(best[1])), max(count - count // 2, count - len(best[0]))
    chosen = torch.cat([part[:most] for part, most in zip(best, share, strict=True)])
    return rows[chosen].to(embedding.device), weights[chosen].to(embedding.device)


def triplet_loss(embedding: Tensor, rows: Tensor, weights: Tensor, margin: float = MARGIN) -> Tensor:
    """Mean of w · max(0, |a − p| − |a − n| + margin), once from the anchor and once from the positive.

    Embeddings [B, D] are brought to length 1 first; 0 for no rows.
    """
    if not len(rows):
        return embedding.sum() * 0
    anchor, positive, negative = functional.normalize(embedding, dim=1)[rows].unbind(1)
    pair = _apart(anchor, positive)
    ways = [functional.relu(pair - _apart(face, negative) + margin) for face in (anchor, positive)]
    return (weights * (ways[0] + ways[1])).mean() / 2


def _candidates(drawn: Tensor, random: torch.Generator) -> Tensor:
    """int64 [M, 3]: three different faces each, in every second of them one that is drawn, if any is."""
    rows = torch.randint(len(drawn), (_CANDIDATES, 3), generator=random)
    ours = drawn.nonzero()[:, 0]
    if len(ours):
        half = _CANDIDATES // 2
        rows[:half, 0] = ours[torch.randint(len(ours), (half,), generator=random)]
    different = (rows[:, 0] != rows[:, 1]) & (rows[:, 0] != rows[:, 2]) & (rows[:, 1] != rows[:, 2])
    return rows[different]


def _certain(rows: Tensor, coefficients: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Those of the faces [M, 3] whose order is certain, the odd one last, and how certain each is, float32 [T]."""
    values = torch.where(known, coefficients, torch.zeros(())).numpy()
    seen = torch.from_numpy(perceived(values)[:, _FIRST].astype(np.float32) * _LOUDER)
    both = known & known[:, torch.as_tensor(names.MIRROR)]
    shared = both[rows].all(1)
    rows, shared = rows[shared.sum(1) >= _KNOWN], shared[shared.sum(1) >= _KNOWN]
    faces = seen[rows] * shared[:, torch.from_numpy(_OF)][:, None]
    # at place i: how far the other two are apart, so the least says which is the odd one
    between = torch.stack([_apart(faces[:, (odd + 1) % 3], faces[:, (odd + 2) % 3]) for odd in range(3)], 1)
    nearest, second = between.sort(1).values[:, :2].unbind(1)
    certain = (second >= RATIO * nearest) & (second >= nearest + LEAST)
    odd = between[certain].argmin(1)[:, None]
    ordered = rows[certain].gather(1, (odd + torch.tensor([1, 2, 3])) % 3)
    return ordered, (1 - nearest / second)[certain]


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distances of rows; a little is added where a root has no slope."""
    return ((one - other).square().sum(-1) + 1e-12).sqrt()
