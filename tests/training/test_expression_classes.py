"""Labelled faces: what makes a class is there, and what is held out stays out."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.key_poses import CLASSES
from training.expression_classes import FILE, class_mix, read_classes

CORE = {
    "anger": ("browDown",), "disgust": ("noseSneer",), "fear": ("browInnerUp", "browDown", "eyeWide", "mouthStretch"),
    "joy": ("mouthSmile",), "sadness": ("browInnerUp", "mouthFrown"), "surprise": ("browInnerUp", "browOuterUp"),
}
"""What must be seen of a class, in ARKit's names without sides."""


def mean(values: np.ndarray, stem: str) -> float:
    return float(values[coefficients.indices([f"{stem}Left", f"{stem}Right"])].mean())


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.booleans())
def test_a_face_shows_its_class_and_the_same_seed_gives_it_again(seed: int, klass: int, held_out: bool) -> None:
    values, label = class_mix(np.random.default_rng(seed), klass, held_out)
    assert label == klass and values.shape == (54,) and values.dtype == np.float32
    assert values.min() >= 0 and values.max() <= 1 and values[coefficients.INDEX["tongueOut"]] == 0
    for stem in CORE.get(CLASSES[klass], ()):
        assert mean(values, stem) > 0.1, stem
    if CLASSES[klass] == "neutral":
        moved = ~(coefficients.in_group("gaze") | coefficients.in_group("eyelids"))
        assert values[moved].max() <= 0.25
    np.testing.assert_array_equal(values, class_mix(np.random.default_rng(seed), klass, held_out)[0])


def test_every_class_comes_up_equally_often_and_no_face_twice() -> None:
    random = np.random.default_rng(4)
    faces, labels = zip(*(class_mix(random) for _ in range(1400)), strict=True)
    assert (np.bincount(labels, minlength=7) > 150).all()
    assert len(np.unique(np.stack(faces), axis=0)) == 1400


def test_sides_are_left_as_often_as_right() -> None:
    random = np.random.default_rng(5)
    faces = np.stack([class_mix(random)[0] for _ in range(3000)])
    np.testing.assert_allclose(faces.mean(0), faces.mean(0)[coefficients.MIRROR], atol=0.03)


def test_held_out_variants_are_other_faces() -> None:
    """No drawn training face comes nearer to a held-out variant than its own kind does: the closest are told apart."""
    classes = read_classes()
    known = [each for each in classes.variants if not each.held_out]
    for asked in (each for each in classes.variants if each.held_out):
        nearest = min(np.abs(asked.coefficients - each.coefficients).max() for each in known)
        assert nearest >= 0.15, asked.name
    for name in CLASSES:
        of_class = [each for each in classes.variants if CLASSES[each.klass] == name]
        assert name == "neutral" or (sum(each.held_out for each in of_class), len(of_class)) == (3, 11)


@pytest.mark.parametrize(("wrong", "sentence"), [
    ('class = "joy"\nname = "smile"\nunits = { 99 = 0.5 }', "'smile' has 99"),
    ('class = "joy"\nname = "smile"\nunits = { 12 = 1.5 }', "'smile' has 12 = 1.5"),
    ('class = "glee"\nname = "smile"\nunits = {}', "'glee'"),
    ('class = "joy"\nname = "smile"', "lacks 'units'"),
])
def test_a_wrong_table_is_refused(tmp_path: Path, wrong: str, sentence: str) -> None:
    path = tmp_path / "classes.toml"
    path.write_text("[action_unit]\n12 = { mouthSmile = 1 }\n[everyday]\n[[variant]]\n" + wrong, encoding="utf-8")
    with pytest.raises(SemblanceError, match=sentence) as caught:
        read_classes(path)
    assert str(path) in str(caught.value)


def test_units_name_coefficients(tmp_path: Path) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(FILE.read_text(encoding="utf-8").replace("browInnerUp = 1.0", "browInerUp = 1.0"), encoding="utf-8")
    with pytest.raises(SemblanceError, match="unit 1 has browInerUp"):
        read_classes(path)
