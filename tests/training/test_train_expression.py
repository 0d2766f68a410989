"""One run of training: it learns, it goes on where it stopped, and a batch has what it should."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")

from tests.training.test_expression_data import columns  # noqa: E402
from training.encoder_losses import loss_of  # noqa: E402
from training.expression_data import Faces, faces_of, to_torch  # noqa: E402
from training.expression_model import GRADIENTS, ExpressionNetwork  # noqa: E402
from training.train_expression import Training, answer_each_way, draw_batch, fit_linear, see  # noqa: E402


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


def test_faces_with_both_are_asked_about_three_times(kinds: dict[str, Faces], tmp_path: Path) -> None:
    network = Training(tmp_path / "encoder.pt", kinds, 10, 1e-3).network.eval()
    some = Faces(*(np.concatenate([getattr(kinds[kind], name)[:3] for kind in ("tracked", "crops")])
                   for name in Faces.__dataclass_fields__))
    answer, asked = answer_each_way(network, *network.features(*to_torch(some)))
    assert asked.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 0, 1, 2]
    with torch.no_grad():
        without_crop = network(torch.from_numpy(some.landmarks[:3]), torch.zeros(3, 128, 128, 3, dtype=torch.uint8))
        without = network(torch.full((3, 478, 3), torch.nan), torch.from_numpy(some.crops[:3]))
    torch.testing.assert_close(answer.coefficients[6:9], without_crop.coefficients)
    torch.testing.assert_close(answer.coefficients[9:], without.coefficients)


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
    assert answers.shape == (len(kinds["drawn"]), 54) and answers.min() >= 0 and answers.max() <= 1


def test_the_linear_part_finds_what_is_linear(kinds: dict[str, Faces]) -> None:
    """Coefficients that are a line in the gradients are found from the crop, with landmarks and without."""
    random = np.random.default_rng(3)
    torch.manual_seed(1)
    network = ExpressionNetwork().eval()
    faces = kinds["tracked"][np.arange(400) % len(kinds["tracked"])]
    gradients = torch.from_numpy(random.random((400, GRADIENTS), np.float32)).half()
    faces.coefficients[:] = gradients[:, :54].float().numpy()
    network.answer[-1].weight.data.zero_()  # the layers say the same of everything
    fit_linear(network, faces, gradients)
    scaled = network.crop.scale(gradients.float())
    there, seen = torch.zeros(400, 1, dtype=torch.bool), torch.ones(400, 1, dtype=torch.bool)
    found = network.linear(torch.zeros(400, 965), there, scaled, seen) + network.answer[-1].bias[:54]
    error = (found.detach() - torch.from_numpy(faces.coefficients)).abs().mean()
    assert error < 0.5 * np.abs(faces.coefficients - faces.coefficients.mean(0)).mean()
    assert network.linear.both.any() and network.linear.landmarks.any()
