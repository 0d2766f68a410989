"""One run of training: it learns, it goes on where it stopped, and a batch has what it should."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")

from tests.training.test_expression_data import columns  # noqa: E402
from training.expression_data import Faces, faces_of  # noqa: E402
from training.train_expression import Training, draw_batch, loss_of, see  # noqa: E402


@pytest.fixture(scope="module")
def kinds() -> dict[str, Faces]:
    """Few faces of each kind: the crops alone have no landmarks, the drawn ones not every coefficient."""
    tracked, crops, drawn = (columns(40, seed) for seed in range(3))
    tracked["known"][:] = crops["known"][:] = True
    crops["landmarks"][:] = np.nan
    drawn["character"][:] = 2
    drawn["head"][:] = np.nan
    tracked["expression_class"][::3] = 4
    return {"tracked": faces_of(tracked), "crops": faces_of(crops), "drawn": faces_of(drawn)}


def test_a_batch_has_all_kinds_and_a_few_without_a_face(kinds: dict[str, Faces]) -> None:
    batch, empty = draw_batch(kinds, np.random.default_rng(1))
    assert len(batch) == 128 and 1 <= empty.sum() <= 8
    assert not batch.known[empty].any() and np.isnan(batch.landmarks[empty]).all()
    assert (batch.character[~empty] >= 0).sum() > 5
    whole = np.isfinite(batch.landmarks).all((1, 2)) & ~empty
    assert 30 < whole.sum() < 90
    # People of different kinds are never taken for the same.
    assert len(np.unique(batch.person[~empty])) > max(len(np.unique(faces.person)) for faces in kinds.values())


def test_only_what_is_known_counts(kinds: dict[str, Faces], tmp_path: Path) -> None:
    training = Training(tmp_path / "encoder.pt", kinds, 10, 1e-3)
    batch, empty = draw_batch(kinds, np.random.default_rng(1))
    network = training.network.eval()
    answer = network(torch.from_numpy(batch.landmarks), torch.from_numpy(batch.crops))

    def loss(faces: Faces) -> float:
        return loss_of(answer, faces, empty, training.spread, torch.Generator().manual_seed(0)).item()

    before = loss(batch)
    batch.coefficients[~batch.known] = 0.77
    assert loss(batch) == pytest.approx(before, abs=1e-6)
    batch.coefficients[batch.known] = 0.77
    assert abs(loss(batch) - before) > 1e-3


def test_training_goes_on_where_it_stopped(kinds: dict[str, Faces], tmp_path: Path) -> None:
    once = Training(tmp_path / "once.pt", kinds, 10, 1e-3)
    losses = [once.advance() for _ in range(3)]
    first = Training(tmp_path / "twice.pt", kinds, 10, 1e-3)
    assert first.advance() == pytest.approx(losses[0], rel=1e-4)
    first.save()
    second = Training(tmp_path / "twice.pt", kinds, 10, 1e-3)
    assert second.step == 1
    assert [second.advance() for _ in range(2)] == pytest.approx(losses[1:], rel=1e-3)
    answers = see(second.network, kinds["drawn"])
    assert answers.shape == (len(kinds["drawn"]), 54) and 0 <= answers.min() and answers.max() <= 1
