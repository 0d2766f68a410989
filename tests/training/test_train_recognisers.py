"""Training and measuring the recognisers, on tiny networks and on faces that are stripes."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
import torch

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.key_poses import CLASSES
from addon.core.model_card import read_card
from training import evaluate_recognisers, train_recognisers
from training.evaluate_recognisers import accuracy, confusion, retrieval, rivals, write_cards
from training.recognisers import CHARACTERS, FEATURES, PEOPLE, SIMILARITY, Recogniser, Similarity, Size, recognise
from training.stage_runs import Plan
from training.train_recognisers import (
    Labelled,
    pair,
    read_labelled,
    train_classes,
    train_similarity,
    train_stage,
)

TINY = Size(slice(32, 96), slice(32, 96), 1, (5, 3), 8)


def columns(count: int, seed: int, character: int = -1) -> dict[str, np.ndarray]:
    """Faces as shards have them, in which the width of stripes tells the class; landmarks tell nothing."""
    random = np.random.default_rng(seed)
    classes = np.arange(count) % len(CLASSES)
    crops = random.integers(60, 90, (count, 128, 128, 3), np.uint8)
    for crop, klass in zip(crops, classes, strict=True):
        crop[np.arange(128) // (5 + 4 * klass) % 2 == 0] = 220
    values = np.zeros((count, coefficients.COUNT), np.float32)
    values[np.arange(count), classes * 5] = 1
    return {
        "crops": crops, "expression_class": classes.astype(np.int8), "found": np.ones(count, bool),
        "landmarks": random.normal(60, 20, (count, 478, 3)).astype(np.float32), "coefficients": values,
        "known": np.ones_like(values, bool), "character": np.full(count, character, np.int8),
    }


@pytest.fixture
def faces() -> Labelled:
    return train_recognisers.labelled(columns(70, 1))


def quick(network: Recogniser, faces: Labelled, path: Path, **changes: float) -> int:
    return train_classes(network, faces, replace(Plan(epochs=30, batch=14, rate=1e-2), **changes), path, {"a": "b"})


def test_it_learns_and_goes_on_where_it_stopped(faces: Labelled, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Recogniser(TINY)
    assert quick(network, faces, tmp_path / "one.pt", minutes=0) == 150
    assert quick(network, faces, tmp_path / "one.pt") == 0
    assert quick(network, faces, tmp_path / "one.pt") == 0
    with torch.no_grad():
        seen = network.eval()(torch.from_numpy(columns(70, 2)["crops"])).argmax(1).numpy()
    assert accuracy(seen, faces.classes) > 0.8


def test_confusion_counts_classes_alike() -> None:
    classes = np.array([0, 0, 0, 0, 1, 3])
    seen = np.array([0, 0, 0, 1, 1, 0])
    table = confusion(seen, classes)
    assert table[0, 0] == 0.75 and table[0, 1] == 0.25 and table[1, 1] == 1 and table[3, 0] == 1 and table[2].sum() == 0
    assert accuracy(seen, classes) == pytest.approx((0.75 + 1 + 0) / 3)


def test_pairs_match_in_class_and_geometry(faces: Labelled) -> None:
    features, random = torch.zeros(70, FEATURES), np.random.default_rng(2)
    characters = replace(faces, geometry=random.normal(size=faces.geometry.shape))
    seen = np.roll(faces.classes, 1)  # what HCNN says counts, not what is true
    pairs = pair(features, features, seen, faces, characters)
    nearest = pairs.nearest.numpy()
    np.testing.assert_array_equal(characters.classes[nearest], seen)
    apart = np.linalg.norm(faces.geometry[:, None] - characters.geometry, axis=2)
    apart[seen[:, None] != characters.classes] = np.inf
    np.testing.assert_array_equal(nearest, apart.argmin(1))
    differs = pairs.differs.numpy()
    assert differs[seen[:, None] != characters.classes].all() and not differs[np.arange(70), nearest].any()
    assert 0.3 < differs[seen[:, None] == characters.classes].mean() < 0.6


def test_matches_come_out_above_the_rest(faces: Labelled, tmp_path: Path) -> None:
    torch.manual_seed(0)
    shown = torch.nn.functional.one_hot(torch.from_numpy(faces.classes), FEATURES).float() * 3
    pairs = pair(shown, shown.flip(1), faces.classes, faces, faces)
    network = Similarity()
    assert train_similarity(network, pairs, Plan(epochs=80, batch=20, rate=1e-2), tmp_path / "s.pt", {}) == 0
    with torch.no_grad():
        alike = network(shown[:7].repeat_interleave(7, 0), shown.flip(1)[:7].repeat(7, 1)).reshape(7, 7)
    assert (alike.diagonal() > 0.5).all() and alike.argmax(1).tolist() == list(range(7))


def test_only_labelled_faces_are_read(tmp_path: Path) -> None:
    given = columns(14, 3)
    given["expression_class"][3], given["found"][5] = -1, False
    np.savez(tmp_path / "crops_000.npz", **given)
    found = read_labelled([tmp_path / "crops_000.npz"])
    np.testing.assert_array_equal(found.crops, np.delete(given["crops"], [3, 5], 0))
    with pytest.raises(SemblanceError, match="training.class_faces"):
        read_labelled([])


def test_every_stage_and_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three stages on tiny sets, from shards to networks whose cards say how good they are."""
    data, more, models = (tmp_path / name for name in ("data", "more", "models"))
    data.mkdir(), more.mkdir()
    for folder, name, seed, who in ((data, "tracked_000", 1, -1), (data, "test", 2, -1), (data, "poses_ada", 3, 0),
                                    (data, "test_poses_ada", 4, 0), (data, "test_driven_ada", 6, 0),
                                    (more, "crops_000", 5, -1)):
        np.savez(folder / f"{name}.npz", **columns(42, seed, who))
    monkeypatch.setitem(train_recognisers.SIZES, "small", TINY)
    monkeypatch.setattr(train_recognisers, "PLANS", dict.fromkeys(train_recognisers.STAGES, Plan(12, 14, 5e-3)))
    monkeypatch.setattr(train_recognisers, "MODELS", models)
    with np.load(data / "test.npz") as asked:
        test = dict(asked)
    monkeypatch.setattr(evaluate_recognisers.class_faces, "test_faces", lambda folder: test)
    with pytest.raises(SemblanceError, match="run the stage that makes it first"):
        train_stage("characters", "small", data, more)
    for stage in train_recognisers.STAGES:
        train_stage(stage, "small", data, more)
    write_cards(list(train_recognisers.STAGES), "small", data, more, models)
    for name in (PEOPLE, CHARACTERS, SIMILARITY):
        card = read_card(models / name)
        assert card.name == name and card.data["quality"] and (models / name / "model.onnx").stat().st_size < 2e6
    people = read_card(models / PEOPLE).data
    assert set(people["confusion"]) == set(CLASSES) and set(people["quality"]) >= {
        "accuracy", "hog_linear", "geometry_nearest", "majority", "faces_asked"}
    assert people["quality"]["faces_trained"] == 84
    seen = recognise(test["crops"], PEOPLE, models)["classes"]
    np.testing.assert_allclose(seen.sum(1), 1, atol=1e-5)
    assert people["quality"]["accuracy"] == pytest.approx(accuracy(seen.argmax(1), test["expression_class"]), abs=1e-4)


def test_rivals_and_retrieval_know_what_is_right(faces: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    told = rivals(faces, train_recognisers.labelled(columns(70, 5)))
    assert told["hog_linear"] > 0.9 and told["majority"] == pytest.approx(1 / 7) and told["geometry_nearest"] < 0.5
    shown = np.eye(FEATURES, dtype=np.float32)[faces.classes]
    answers = {"features": shown, "perception": shown[:, :7]}
    monkeypatch.setattr(evaluate_recognisers, "recognise", lambda *_: answers)
    monkeypatch.setattr(evaluate_recognisers, "similarity", lambda one, other, _: (one * other).sum(1))
    found = retrieval(faces, replace(faces, character=np.zeros(70, int)))
    assert found == pytest.approx({"class_right": 1, "geometry": 1, "perception": 1, "chance": 1 / 7})
