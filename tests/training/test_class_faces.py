"""Who shows which class: what training draws, what is kept for the test, and what lies in a folder already."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("moderngl")
from addon.core import coefficients
from addon.core.key_poses import CLASSES
from training import class_faces
from training.class_faces import FACES_PER_PERSON, SHARD_FACES, make, training_samples
from training.expression_classes import read_classes


def test_training_shows_all_classes_of_many_people() -> None:
    samples = list(training_samples("crops", 3))
    assert len(samples) == SHARD_FACES
    assert len({id(each.person) for each in samples}) == SHARD_FACES // FACES_PER_PERSON
    assert (np.bincount([each.expression_class for each in samples], minlength=len(CLASSES)) > SHARD_FACES / 14).all()
    again, other = list(training_samples("crops", 3)), list(training_samples("crops", 4))
    np.testing.assert_array_equal(samples[7].shot.coefficients, again[7].shot.coefficients)
    assert (samples[7].shot.coefficients != other[7].shot.coefficients).any()


def test_the_test_asks_each_person_for_each_class_in_held_out_variants() -> None:
    samples = list(class_faces.test_samples(people=4))
    assert [each.expression_class for each in samples] == list(range(7)) * 4
    trained, asked = ({each.person.identity.tobytes() for each in some}
                      for some in (training_samples("crops", 0), samples))
    assert len(asked) == 4 and not trained & asked
    variants = [each for each in read_classes().variants if CLASSES[each.klass] != "neutral"]
    right = []
    for sample in samples:
        shown = sample.shot.coefficients[:53]
        sides = [each.coefficients[order] for each in variants for order in (slice(None), coefficients.MIRROR)]
        away = [np.linalg.norm(shown / shown.max() - side[:53] / side.max()) for side in sides]
        if CLASSES[sample.expression_class] != "neutral":
            right.append(variants[int(np.argmin(away)) // 2].held_out)
    assert np.mean(right) > 0.7  # one in four variants is


def test_what_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def draw(samples: object, renderer: object, seed: int) -> dict[str, np.ndarray]:
        made.append(seed)
        return {"found": np.ones(2, bool)}

    monkeypatch.setattr(class_faces, "FaceRenderer", object)
    monkeypatch.setattr(class_faces, "draw_crops", draw)
    make("crops", 2 * SHARD_FACES, tmp_path)
    assert len(made) == 2 == len(list(tmp_path.glob("crops_*.npz")))
    make("crops", 3 * SHARD_FACES, tmp_path)
    assert len(made) == 3 == len(set(made))


def test_held_out_poses_of_all_characters_together(tmp_path: Path) -> None:
    for number, name in enumerate(class_faces.CHARACTERS):
        np.savez(tmp_path / f"test_poses_{name.lower()}.npz", crops=np.full((2, 128, 128, 3), number, np.uint8),
                 expression_class=np.array([number, 6], np.int8))
    crops, classes = class_faces.test_characters("poses", tmp_path)
    assert crops[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert classes.tolist() == [0, 6, 1, 6, 2, 6, 3, 6, 4, 6]


def test_characters_play_every_class_in_variants_that_are_held_out_or_not(shared: Path) -> None:
    """Mora's controls are the coefficients, so what she plays can be read off them."""
    from training.performers import PerformanceCurves

    curves, variants = PerformanceCurves(), [v for v in read_classes().variants if CLASSES[v.klass] != "neutral"]
    for test in (False, True):
        player, random = class_faces.Player("Mora", curves, test), np.random.default_rng(1)
        rows = [player.draw(random) for _ in range(21)]
        assert [int(row["expression_class"]) for row in rows] == list(range(7)) * 3
        shown, _ = player.shown.explain(np.stack([row["controls"] for row in rows]))
        meant = np.stack([row["coefficients"] for row in rows])
        apart = np.abs(shown - meant)[:, player.shown.known]
        assert np.median(apart) < 0.02
        nearest = [min(variants, key=lambda v: min(np.abs(row - v.coefficients).sum(),
                                                   np.abs(row - v.coefficients[coefficients.MIRROR]).sum()))
                   for row, klass in zip(meant, np.arange(21) % 7, strict=True) if CLASSES[klass] != "neutral"]
        assert np.mean([v.held_out == test for v in nearest]) > 0.7
