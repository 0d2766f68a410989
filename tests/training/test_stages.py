"""The teacher's stages: they stop and go on, start from what was learned before, and do without a missing input."""
from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("moderngl")
torch = pytest.importorskip("torch")

from addon.core import coefficients  # noqa: E402
from addon.core.errors import SemblanceError  # noqa: E402
from tests.training.test_expression_data import columns  # noqa: E402
from training import stage_runs  # noqa: E402
from training.ablations import Trial, measure, table, trials_of  # noqa: E402
from training.expression_data import Faces, faces_of  # noqa: E402
from training.pretrain_faces import image_crops, pretrain, shard_crops, shard_paths  # noqa: E402
from training.stage_runs import Plan, read_checkpoint, run  # noqa: E402
from training.teacher_model import answers, load_teacher  # noqa: E402
from training.train_similarity import Lesson, new_teacher, train_teacher  # noqa: E402
from training.triplets import both_ways  # noqa: E402
from training.vision_transformer import SIZES, Size  # noqa: E402

PLAN = Plan(epochs=1, batch=8, rate=1e-2)


@pytest.fixture(scope="module", autouse=True)
def tiny() -> object:
    """A size that learns nothing, but quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "tiny", Size(16, 1, 2, 32, 1))
        yield


@pytest.fixture(scope="module")
def kinds() -> dict[str, Faces]:
    tracked, crops, drawn = (columns(20, seed) for seed in range(3))
    crops["landmarks"][:] = np.nan
    drawn["character"][:] = 2
    return {"tracked": faces_of(tracked), "crops": faces_of(crops), "drawn": faces_of(drawn)}


def line() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))


@pytest.mark.parametrize("by_muon", [False, True])
def test_a_run_that_was_stopped_ends_like_one_that_was_not(
    by_muon: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(name: str, minutes: float) -> tuple[int, torch.nn.Module]:
        network = line()
        left = run(network, lambda random: network(torch.from_numpy(random.random((4, 3), np.float32))).square().mean(),
                   10, replace(PLAN, minutes=minutes), tmp_path / name, {"network": "line"},
                   [network[0].weight] if by_muon else [])
        return left, network

    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: next(ticks), process_time=lambda: next(ticks))
    monkeypatch.setattr(stage_runs, "time", clock)
    assert train("once.pt", 60)[0] == 0
    first, _ = train("twice.pt", 0.15)
    assert 0 < first < 10
    second, network = train("twice.pt", 60)
    once, twice = read_checkpoint(tmp_path / "once.pt"), read_checkpoint(tmp_path / "twice.pt")
    assert second == 0 and not network.training and once["step"] == twice["step"] == 10
    for name, values in once["network"].items():
        assert torch.equal(values, twice["network"][name])
    assert twice["seconds"] > once["seconds"] / 2 > 0  # of both runs together
    # A stage that is done is left as it is.
    before = (tmp_path / "twice.pt").stat()
    assert train("twice.pt", 60)[0] == 0
    assert (tmp_path / "twice.pt").stat().st_ino == before.st_ino  # written anew it would be another file


def test_the_rate_rises_and_falls() -> None:
    rates = [PLAN.rate_at(step / 100) for step in range(101)]
    assert max(rates) == pytest.approx(PLAN.rate) and rates.index(max(rates)) == 5
    assert rates[1] < rates[4] and all(np.diff(rates[5:]) < 0) and rates[-1] == pytest.approx(0)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    network, path = line(), tmp_path / "line.pt"
    run(network, lambda random: network(torch.ones(1, 3)).mean(), 1, PLAN, path, {"network": "line"})
    with pytest.raises(SemblanceError, match=r"line\.pt' is of .*'line'.* not of .*'curve'"):
        run(network, lambda random: network(torch.ones(1, 3)).mean(), 1, PLAN, path, {"network": "curve"})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SemblanceError, match="damaged"):
        read_checkpoint(path)
    with pytest.raises(SemblanceError, match="run the stage that makes it first"):
        read_checkpoint(tmp_path / "none.pt")


def test_pre_training_reads_shards_and_pictures_and_leaves_a_picture(tmp_path: Path, shared: Path) -> None:
    with pytest.raises(SemblanceError, match="no training shards"):
        shard_paths(tmp_path)
    shard = columns(9)
    shard["crops"][3] = 0
    np.savez(tmp_path / "tracked_000.npz", **shard)
    np.savez(tmp_path / "test_random_0.npz", **shard)
    crops = shard_crops(shard_paths(tmp_path))
    assert crops.shape == (8, 128, 128, 3)
    images = tmp_path / "images"
    images.mkdir()
    (images / "a.png").write_bytes(b"no picture")
    cv2.imwrite(str(images / "b.png"), np.zeros((40, 40, 3), np.uint8))
    (images / "c.png").write_bytes((shared / "data" / "portrait" / "business_person.png").read_bytes())
    found = image_crops(images, tmp_path)
    assert found.shape == (1, 128, 128, 3) and found.std() > 20
    (images / "c.png").unlink()
    assert np.array_equal(image_crops(images, tmp_path), found)  # as kept
    assert pretrain(np.concatenate([crops, found]), "tiny", PLAN, tmp_path / "faces.pt") == 0
    picture = cv2.imread(str(tmp_path / "faces.png"))
    assert picture.shape == (3 * 112, 12 * 96, 3)
    # The first row is the crops, the second mostly grey.
    assert np.abs(picture[:112, :96].astype(int) - crops[0, 16:, 16:112]).max() <= 1
    assert 0.7 < (np.abs(picture[112:224].astype(int) - 128) <= 1).all(2).mean() < 0.8


def test_the_teacher_starts_from_what_was_pre_trained(tmp_path: Path, kinds: dict[str, Faces]) -> None:
    pretrain(kinds["crops"].crops, "tiny", PLAN, tmp_path / "faces.pt")
    learned = read_checkpoint(tmp_path / "faces.pt")["network"]
    network = new_teacher("tiny", kinds, tmp_path / "faces.pt", seed=1)
    fresh = new_teacher("tiny", kinds, None, seed=1)
    for name, values in network.crop.encoder.state_dict().items():
        assert torch.equal(values, learned["encoder." + name])
    assert not torch.equal(network.crop.encoder.places, fresh.crop.encoder.places)
    assert torch.equal(network.answer.weight, fresh.answer.weight)


def test_a_missing_input_is_done_without(kinds: dict[str, Faces]) -> None:
    network, faces = new_teacher("tiny", kinds, None, seed=2).eval(), kinds["tracked"][:6]
    landmarks, crops = faces.landmarks.copy(), faces.crops.copy()
    landmarks[[1, 3]], crops[[2, 3]] = np.nan, 0
    with torch.no_grad():
        answer = network(torch.from_numpy(landmarks), torch.from_numpy(crops))
    shapes = {name: tuple(getattr(answer, name).shape) for name in answer.__dataclass_fields__}
    assert shapes == {"coefficients": (6, 54), "gaze": (6, 2, 2), "head": (6, 3), "embedding": (6, 128),
                      "classes": (6, 7), "confidence": (6,)}
    assert all(torch.isfinite(getattr(answer, name)).all() for name in shapes)
    np.testing.assert_allclose(answer.embedding.norm(dim=1), 1, atol=1e-5)
    values, _ = answers(network, faces.crops, faces.landmarks)
    np.testing.assert_allclose(answer.coefficients[[0, 4, 5]], values[[0, 4, 5]], atol=1e-5)
    # Where both are missing, whoever it is, the answer is the same; where one is, only the other counts.
    nothing = np.zeros_like(crops), np.full_like(landmarks, np.nan)
    np.testing.assert_allclose(answers(network, *nothing)[0][[0, 1]], answer.coefficients[[3, 3]], atol=1e-5)
    assert np.abs(answer.coefficients[1] - values[1]).max() > 1e-3
    assert np.abs(answer.coefficients[2] - values[2]).max() > 1e-3


@pytest.mark.parametrize("lesson", [Lesson(), Lesson(triplets=False), Lesson(crop=False), Lesson(landmarks=False)])
def test_every_part_learns_that_is_given_something(
    lesson: Lesson, kinds: dict[str, Faces], tmp_path: Path
) -> None:
    plan = replace(PLAN, batch=40, rate=1e-3)
    network = new_teacher("tiny", kinds, None, plan.seed)
    before = {name: values.clone() for name, values in network.named_parameters()}
    about = {"network": "teacher", "size": "tiny"}
    assert train_teacher(network, kinds, 2, plan, tmp_path / "teacher.pt", about, lesson) == 0
    # The optimiser's decay moves everything with a gradient, and nothing else.
    moved = {name.split(".")[0] for name, values in network.named_parameters() if not torch.equal(values, before[name])}
    wanted = {"answer", "fuse"} | ({"crop"} if lesson.crop else set()) | ({"landmarks"} if lesson.landmarks else set())
    assert wanted <= moved and ("embedding" in moved) == lesson.triplets
    assert ("crop" in moved, "landmarks" in moved) == (lesson.crop, lesson.landmarks)
    faces = kinds["tracked"]
    told = answers(network, faces.crops, faces.landmarks)
    for one, other in zip(told, answers(load_teacher(tmp_path / "teacher.pt"), faces.crops, faces.landmarks),
                          strict=True):
        np.testing.assert_array_equal(one, other)
    assert told[0].shape == (len(faces), 54) and told[1].shape == (len(faces), 128)


def test_the_table_of_ablations(kinds: dict[str, Faces]) -> None:
    network, lesson = new_teacher("tiny", kinds, None, seed=3), Lesson(crop=False)
    people, pip = {"random": kinds["tracked"], "performance": kinds["tracked"][4:]}, {"Pip": kinds["drawn"]}
    rows = np.array([[0, 1, 2], [3, 4, 5]])
    trials = [Trial("random", None, rows), Trial("performance", None, rows), Trial("random", "Pip", rows + 14)]
    found = measure(network, lesson, people, pip, trials)
    assert list(found) == ["random, mean r", "performance, mean r", "triplets, people", "triplets, characters"]
    # A trial with a character counts its faces after the people's: rows beyond the people are drawn ones.
    both = np.concatenate([answers(network, *shown)[1] for shown in (
        (lesson.shown(faces).crops, faces.landmarks) for faces in (kinds["tracked"], kinds["drawn"]))])
    assert found["triplets, characters"] == both_ways(both, rows + 14)
    text = table({"full": found | {"core minutes": 1.25}, "half": found | {"core minutes": 12.0}}).splitlines()
    assert len(text) == 4 and text[2].startswith("| full | ") and text[3].endswith("| 12.0 |")
    assert len({line.count("|") for line in text}) == 1


def test_triplets_with_a_character_are_of_one_drawn_face_each() -> None:
    random = np.random.default_rng(5)
    people, drawn = (columns(120, seed) for seed in range(2))
    for some in (people, drawn):
        some["coefficients"][:] = 0
        some["coefficients"][:, coefficients.indices(["jawOpen", "mouthPucker"])] = random.random((120, 2))
        some["known"][:] = True
    drawn["person"][:] = 0
    drawn["known"][::7] = False  # a pose that coefficients do not explain
    drawn["known"][:, 5] = False
    trials = trials_of({"random": faces_of(people)}, {"Pip": faces_of(drawn)})
    assert [(trial.people, trial.character) for trial in trials] == [("random", None), ("random", "Pip")]
    assert (trials[0].triplets < 119).all() and ((trials[1].triplets >= 119).sum(1) == 1).all()
    explained = faces_of(drawn).known.any(1)
    assert explained[trials[1].triplets[trials[1].triplets >= 119] - 119].all()
