"""A batch has what it should of every kind."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("moderngl")
pytest.importorskip("torch")

from tests.training.test_expression_data import columns
from training.expression_data import Faces, faces_of
from training.face_batches import draw_batch


@pytest.fixture(scope="module")
def kinds() -> dict[str, Faces]:
    """Few faces of each kind: the crops alone have no landmarks, the drawn ones not every coefficient."""
    tracked, crops, drawn = (columns(40, seed) for seed in range(3))
    tracked["known"][:] = crops["known"][:] = True
    crops["landmarks"][:] = np.nan
    drawn["character"][:] = 2
    return {"tracked": faces_of(tracked), "crops": faces_of(crops), "drawn": faces_of(drawn)}


def test_a_batch_has_all_kinds_and_a_few_without_a_face(kinds: dict[str, Faces]) -> None:
    batch, empty = draw_batch(kinds, np.random.default_rng(1), 128)
    assert len(batch) == 128 and 1 <= empty.sum() <= 8
    assert not batch.known[empty].any() and np.isnan(batch.landmarks[empty]).all()
    assert (batch.character[~empty] >= 0).sum() > 5
    whole = np.isfinite(batch.landmarks).all((1, 2)) & ~empty
    assert 30 < whole.sum() < 90
    # People of different kinds are never taken for the same.
    assert len(np.unique(batch.person[~empty])) > max(len(np.unique(faces.person)) for faces in kinds.values())


def test_the_same_seed_draws_the_same(kinds: dict[str, Faces]) -> None:
    one, other = (draw_batch(kinds, np.random.default_rng(5), 64)[0] for _ in range(2))
    np.testing.assert_array_equal(one.crops, other.crops)
    np.testing.assert_array_equal(one.coefficients, other.coefficients)
