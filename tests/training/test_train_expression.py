"""The encoder's stages: every expert learns, whom to believe is found, and the whole is what its parts were."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")

from addon.core import coefficients  # noqa: E402
from addon.core.errors import SemblanceError  # noqa: E402
from tests.training.test_expression_data import columns  # noqa: E402
from tests.training.test_expression_model import a_face  # noqa: E402
from training.encoder_losses import (  # noqa: E402
    answer_loss,
    by_sides,
    coefficient_error,
    points_loss,
    rightness,
)
from training.expression_data import Faces, faces_of, joined, read_to_learn, shards_of  # noqa: E402
from training.expression_experts import (  # noqa: E402
    ANSWERS,
    LandmarkExpert,
    PointExpert,
    answer_of,
    embedding_of,
)
from training.expression_model import EXPERTS, WAYS, ExpressionNetwork, compared  # noqa: E402
from training.face_points import POINT_COUNT  # noqa: E402
from training.stage_runs import Plan  # noqa: E402
from training.train_experts import (  # noqa: E402
    expert_path,
    mean_correlation,
    train_convolutions,
    train_landmarks,
    with_landmarks,
)
from training.train_expression import (  # noqa: E402
    Opinions,
    faces_by_kind,
    find_directions,
    not_negative,
    opinions,
    weigh,
    with_experts,
)
from training.triplets import perceived  # noqa: E402

PLAN = Plan(epochs=1, batch=16, rate=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of each kind: the crops alone have no landmarks, the drawn ones not every coefficient and no head."""
    folder = tmp_path_factory.mktemp("shards")
    for kind, seed in (("tracked", 0), ("crops", 1), ("drawn", 2)):
        shard = columns(80, seed)
        if kind == "crops":
            shard["landmarks"][:] = np.nan
            shard["points"] = np.random.default_rng(seed).normal(64, 20, (80, POINT_COUNT, 2)).astype(np.float16)
        if kind == "drawn":
            shard["character"][:], shard["head"][:], shard["person"][:] = 2, np.nan, 0
        else:
            shard["known"][:] = True
        shard["expression_class"][::3] = 4
        np.savez(folder / f"{kind}_000.npz", **shard)
    return folder


def learned(data: Path, aside: bool = False) -> dict[str, Faces]:
    return {kind: read_to_learn(paths, aside) for kind, paths in shards_of(data).items()}


def test_points_count_where_they_are_known(data: Path) -> None:
    faces, expert = learned(data)["people"], PointExpert()
    known = np.isfinite(faces.points).all((1, 2))
    assert 0 < known.sum() < len(faces)
    expert.learn_modes(faces.points[known])
    right = expert.modes_of(torch.from_numpy(np.nan_to_num(faces.points).astype(np.float32)))
    assert points_loss(expert, right, faces.points).item() < 1e-8
    right[torch.from_numpy(~known)] = 9  # of which nothing is known
    assert points_loss(expert, right, faces.points).item() < 1e-8
    assert points_loss(expert, right + 1, faces.points).item() == pytest.approx(1, abs=1e-3)
    assert points_loss(expert, right[:1] * 0, np.full_like(faces.points[:1], np.nan)).item() == 0


def test_what_is_kept_aside_is_kept_from_every_expert(data: Path) -> None:
    for kind, aside in learned(data, aside=True).items():
        rest = learned(data)[kind]
        assert len(aside) > 0 and len(aside) + len(rest) == (158 if kind == "people" else 79)
        if kind == "people":
            assert not set(aside.person) & set(rest.person)


def test_only_what_is_known_counts(data: Path) -> None:
    faces = learned(data)["drawn"][:12]
    empty, spread = np.zeros(12, bool), torch.full((54,), 0.2)
    answer = answer_of(torch.randn(12, ANSWERS, generator=torch.Generator().manual_seed(1)))
    before = answer_loss(answer, faces, empty, spread).item()
    unknown = replace(faces, coefficients=np.where(faces.known, faces.coefficients, 0.77).astype(np.float32))
    assert answer_loss(answer, unknown, empty, spread).item() == pytest.approx(before, abs=1e-5)
    known = replace(faces, coefficients=np.where(faces.known, 0.77, faces.coefficients).astype(np.float32))
    assert abs(answer_loss(answer, known, empty, spread).item() - before) > 1e-3


def test_one_side_alone_counts_as_much_as_both() -> None:
    """Rare as it is: in units of how often it happens, being wrong about it costs as much."""
    random = np.random.default_rng(3)
    truth = np.zeros((4000, 54), np.float32)
    left, right = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
    truth[:, left] = truth[:, right] = random.random(4000) * (random.random(4000) < 0.3)
    truth[:80, right] = 0
    values = torch.from_numpy(truth)
    np.testing.assert_allclose(by_sides(by_sides(values)), values, atol=1e-6)
    np.testing.assert_allclose(by_sides(values).norm(dim=1), values.norm(dim=1), atol=1e-5)
    turned = by_sides(values).numpy().std(0) + 1e-6
    known = torch.ones(4000, 54, dtype=torch.bool)

    def error(found: torch.Tensor) -> float:
        return coefficient_error(found, values, known, torch.from_numpy(turned)).item()

    even = values.clone()
    even[:, [left, right]] = values[:, [left, right]].mean(1, keepdim=True)
    uneven = by_sides(values)
    uneven[:, left] = uneven[:, left].mean()
    assert error(even) == pytest.approx(error(by_sides(uneven)), rel=0.1)
    assert error(values) == 0


def test_an_answer_is_right_or_wrong_or_of_nobody(data: Path) -> None:
    faces = learned(data)["people"][:3]
    found = torch.from_numpy(faces.coefficients) + torch.tensor([[0.0], [0.12], [0.0]])
    right = rightness(found, faces, np.array([False, False, True]))
    np.testing.assert_allclose(right, [1, 0.5, 0], atol=1e-4)


def test_weights_are_the_least_squares_that_are_not_negative() -> None:
    random = np.random.default_rng(3)
    told = torch.from_numpy(random.normal(size=(4000, 3)).astype(np.float32))
    aim = told @ torch.tensor([0.7, 0.3, 0.0])
    np.testing.assert_allclose(not_negative(told, aim), [0.7, 0.3, 0], atol=0.01)
    against = told @ torch.tensor([0.7, 0.3, -0.5])
    weights = not_negative(told, against)
    assert weights[2] == 0 and (weights >= 0).all()


def test_who_is_right_is_believed(data: Path) -> None:
    """Landmarks tell the truth but for a constant, the convolutions nothing."""
    faces = joined([learned(data)["people"]] * 3)
    network, count = ExpressionNetwork(), len(faces)
    truth = np.concatenate([faces.coefficients, faces.gaze.reshape(-1, 4), faces.head], 1)
    answers = torch.randn(count, len(EXPERTS), ANSWERS, generator=torch.Generator().manual_seed(0)) * 0.3
    answers[:, 0, :61] = torch.from_numpy(truth) - 0.25
    said = Opinions(faces, np.arange(count) < 9, answers)
    weigh(network, "both", said)
    coefficient = network.weights[WAYS.index("both"), :, :54]
    assert (coefficient[0] > 0.97).all() and (coefficient[1:] < 0.05).all()
    np.testing.assert_allclose(network.offset[WAYS.index("both"), :54], 0.25, atol=0.03)
    weigh(network, "crop", said)
    crop = network.weights[WAYS.index("crop")]
    assert not crop[EXPERTS.index("landmarks")].any() and (crop[:, :61] >= 0).all()


def test_the_landmark_expert_learns_what_landmarks_tell(tmp_path: Path) -> None:
    """On faces whose mouth stands as far down as the jaw is open."""
    random = np.random.default_rng(5)
    shard = columns(300, 5)
    shard["landmarks"][:] = a_face(np.random.default_rng(1))
    shard["coefficients"][:] = random.uniform(0, 1, (300, 1))
    shard["landmarks"][:, 61, 1] += 40 * shard["coefficients"][:, 0]
    shard["landmarks"][:, 291, 1] += 40 * shard["coefficients"][:, 0]
    shard["known"][:], shard["found"][:] = True, True
    faces, plan = faces_of(shard), Plan(epochs=40, batch=64, rate=2e-3)
    torch.manual_seed(1)
    network = LandmarkExpert()
    assert train_landmarks(network, faces, plan.steps(300), plan, tmp_path / "landmarks.pt") == 0
    assert mean_correlation(network, faces) > 0.9


def test_the_convolutions_go_on_where_they_stopped(data: Path, tmp_path: Path) -> None:
    kinds = learned(data)

    def network() -> PointExpert:
        torch.manual_seed(2)
        return PointExpert()

    once, twice = network(), network()
    assert train_convolutions(once, kinds, 3, PLAN, tmp_path / "once.pt") == 0
    assert train_convolutions(twice, kinds, 3, replace(PLAN, minutes=0), tmp_path / "twice.pt") == 3
    assert train_convolutions(twice, kinds, 3, PLAN, tmp_path / "twice.pt") == 0
    for one, other in zip(once.parameters(), twice.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert -1 <= mean_correlation(once, kinds["people"]) <= 1


def test_all_stages_make_one_network(data: Path) -> None:
    """What each expert says, alone, is what it says in the network."""
    with pytest.raises(SemblanceError, match="run the stage that makes it first"):
        with_experts(data)
    experts = {"landmarks": LandmarkExpert(), "convolutions": PointExpert()}
    train_landmarks(experts["landmarks"], with_landmarks(shards_of(data)["people"]), 2, PLAN,
                    expert_path(data, "landmarks"))
    train_convolutions(experts["convolutions"], learned(data), 2, PLAN, expert_path(data, "convolutions"))
    network = with_experts(data)
    people = learned(data, aside=True)["people"]
    said = {way: opinions(network, people, way) for way in WAYS}
    assert said["crop"].empty.sum() == round(len(people) * 0.05) and np.isnan(said["crop"].faces.landmarks).all()
    known = said["landmarks"].faces
    assert np.isfinite(known.landmarks).all() and not known.crops.any() and len(known) < len(people)
    with torch.no_grad():
        alone = {"crop": experts["convolutions"](torch.from_numpy(said["crop"].faces.crops)),
                 "landmarks": experts["landmarks"](torch.from_numpy(known.landmarks))}
    for way, name in (("crop", "convolutions"), ("landmarks", "landmarks")):
        torch.testing.assert_close(said[way].answers[:, EXPERTS.index(name)], alone[way])
    assert faces_by_kind(shards_of(data)) == {"tracked": 79, "crops": 79, "drawn": 79}


def test_the_embedding_is_as_far_apart_as_faces_look() -> None:
    values = np.random.default_rng(6).uniform(-0.2, 1.2, (40, 54)).astype(np.float32)
    found = embedding_of(torch.from_numpy(values)).numpy()
    seen = perceived(values.clip(0, 1))
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found[None], axis=-1), apart, atol=1e-4)
    assert found.shape == (40, 128)


def test_directions_keep_what_differs_and_a_mirror() -> None:
    """Of faces that mostly differ by twenty coefficients, and hardly by all others."""
    random = np.random.default_rng(6)
    values = random.uniform(0, 1, (300, 54)) * np.where(np.arange(54) < 20, 1, 0.05)
    faces = compared(torch.from_numpy(values.astype(np.float32)))
    directions = find_directions(faces)
    kept = directions[:, :40]
    torch.testing.assert_close(kept.T @ kept, torch.eye(40), atol=1e-5, rtol=0)
    assert not directions[:, 40:].any()
    close = torch.nn.functional.normalize(faces, dim=1)
    lost = torch.cdist(close, close) - torch.cdist(close @ directions, close @ directions)
    assert lost.max() < 0.02 * torch.cdist(close, close).max()
    mirrored = compared(torch.from_numpy(values[:, coefficients.MIRROR].astype(np.float32))) @ directions
    sides = (mirrored / (faces @ directions))[:, :40].nanmedian(0).values
    torch.testing.assert_close(sides.abs(), torch.ones(40), atol=1e-2, rtol=0)
