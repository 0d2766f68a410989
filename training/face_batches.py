"""Batches to learn from: faces of every kind, varied, and a few backdrops without a face."""
from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from addon.core.frames import CROP_SIZE
from training.expression_data import Faces, concatenated, halves_mixed, varied
from training.render_performers import backdrop

_SHARES: Final = {"tracked": 0.42, "crops": 0.44, "people": 0.86, "drawn": 0.11}
"""Of a batch, of the kinds that are there; the rest is backdrops, which teach doubt."""
_HALVES: Final = 0.2
"""Of the people, so many have two halves of different faces."""


def draw_batch(kinds: dict[str, Faces], random: np.random.Generator, size: int) -> tuple[Faces, np.ndarray]:
    """A varied batch with each kind's share, and which rows show no face at all (bool [N])."""
    share = {kind: _SHARES[kind] for kind in kinds}
    parts = []
    for kind, faces in kinds.items():
        count = round(size * 0.97 * share[kind] / sum(share.values()))
        part = varied(faces[random.integers(len(faces), size=count)], random)
        # Only of people: the halves of two characters do not meet.
        mixed = (random.random(count) < _HALVES) & (part.character < 0).all()
        part = halves_mixed(part, mixed, random.permutation(count))
        parts.append(replace(part, person=part.person + 1_000_000 * len(parts)))
    empty = no_faces(parts[0], size - sum(map(len, parts)), random)
    batch = concatenated([*parts, empty])
    return batch, np.arange(len(batch)) >= len(batch) - len(empty)


def no_faces(like: Faces, count: int, random: np.random.Generator) -> Faces:
    """Rows of which nothing is known."""
    rows = like[random.integers(len(like), size=count)]
    crops = [backdrop(int(seed), CROP_SIZE) for seed in random.integers(1 << 31, size=count)]
    return replace(rows, crops=np.array(crops, np.uint8).reshape(count, CROP_SIZE, CROP_SIZE, 3),
                   landmarks=np.full_like(rows.landmarks, np.nan), points=np.full_like(rows.points, np.nan),
                   known=np.zeros_like(rows.known),
                   head=np.full_like(rows.head, np.nan), expression_class=np.full_like(rows.expression_class, -1))
