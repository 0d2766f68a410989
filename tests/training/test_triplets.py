"""Triplets with a certain order, and the measures that are taken on them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.pair_set import TEST, TRAINING, PairHeader, Shard, write_header, write_shard
from addon.core.rig_profile import find_profile

pytest.importorskip("cv2")
from training.performers import random_mix
from training.triplets import (
    ASYMMETRY,
    LEAST,
    RATIO,
    WEIGHTS,
    both_ways,
    common,
    draw_triplets,
    exact_coefficients,
    identity_probe,
    pair_columns,
    perceived,
    spaces,
)

PERSON = np.repeat(np.arange(120), 5)


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    random = np.random.default_rng(6)
    return np.stack([random_mix(random) for _ in PERSON])


def face(**values: float) -> np.ndarray:
    row = np.zeros((1, 54), np.float32)
    for name, value in values.items():
        row[0, coefficients.INDEX[name]] = value
    return row


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(perceived(one) - perceived(other)))


def test_every_coefficient_has_a_weight() -> None:
    assert WEIGHTS.shape == (54,) and (WEIGHTS > 0).all()
    np.testing.assert_array_equal(WEIGHTS, WEIGHTS[coefficients.MIRROR])


def test_what_people_see(values: np.ndarray) -> None:
    still = face()
    smile, half = face(mouthSmileLeft=0.6, mouthSmileRight=0.6), face(mouthSmileLeft=0.6)
    weight = WEIGHTS[coefficients.INDEX["mouthSmileLeft"]]
    assert apart(smile, still) == pytest.approx(0.6 * weight * 2**0.5)
    # one side alone is half the movement and half asymmetry
    assert apart(half, still) == pytest.approx(0.6 * weight * ((1 + ASYMMETRY**2) / 2) ** 0.5)
    assert apart(half, smile) == pytest.approx(apart(half, still))
    closed, looking = face(eyeBlinkLeft=1, eyeBlinkRight=1), face(eyeBlinkLeft=1, eyeBlinkRight=1, eyeLookInLeft=1)
    assert apart(closed, looking) == pytest.approx(0) and apart(face(eyeLookInLeft=1), still) > 0.3
    mirrored = values[:, coefficients.MIRROR]
    lengths = [np.linalg.norm(perceived(some), axis=1) for some in (values, mirrored)]
    np.testing.assert_allclose(*lengths, rtol=1e-6)


def certain(values: np.ndarray, triplets: np.ndarray) -> bool:
    """The margins, worked out one triplet after the other."""
    for a, p, n in triplets:
        pair = apart(values[[a]], values[[p]])
        other = min(apart(values[[a]], values[[n]]), apart(values[[p]], values[[n]]))
        if other < RATIO * pair * 0.999 or other < (pair + LEAST) * 0.999:
            return False
    return True


def test_triplets_are_certain_balanced_and_fixed(values: np.ndarray) -> None:
    triplets = draw_triplets(values, PERSON, 300, seed=3)
    assert triplets.shape == (300, 3) and certain(values, triplets)
    who = PERSON[triplets]
    assert ((who[:, 0] != who[:, 1]) & (who[:, 0] != who[:, 2]) & (who[:, 1] != who[:, 2])).all()
    strength = np.linalg.norm(perceived(values), axis=1)[triplets]
    assert np.bincount((strength[:, 2:] > strength[:, :2]).sum(1)).tolist() == [100, 100, 100]
    np.testing.assert_array_equal(triplets, draw_triplets(values, PERSON, 300, seed=3))
    assert (triplets != draw_triplets(values, PERSON, 300, seed=4)).any()


def test_across_people_and_characters_telling_them_apart_is_chance(values: np.ndarray) -> None:
    drawn, random = PERSON >= 90, np.random.default_rng(0)
    triplets = draw_triplets(values, PERSON, 180, seed=3, drawn=drawn)
    assert certain(values, triplets)
    np.testing.assert_array_equal(drawn[triplets].sum(0), [60, 60, 60])
    assert (drawn[triplets].sum(1) == 1).all()
    only_style = drawn[:, None] + random.normal(0, 1e-3, (len(drawn), 1))
    assert both_ways(only_style, triplets) == pytest.approx(1 / 3, abs=0.01)


def test_the_rule_goes_both_ways(values: np.ndarray) -> None:
    line = np.array([[0.0], [1.0], [3.0], [-0.5]])
    assert both_ways(line, np.array([[0, 1, 2]])) == 1
    assert both_ways(line, np.array([[0, 1, 3]])) == 0
    # right for the anchor, but not for the positive, and the other way round
    assert both_ways(line, np.array([[2, 1, 0]])) == 0 and both_ways(line, np.array([[1, 2, 0]])) == 0
    assert both_ways(np.zeros((3, 4)), np.array([[0, 1, 2]])) == 0
    triplets = draw_triplets(values, PERSON, 900, seed=3)
    assert both_ways(perceived(values), triplets) == 1
    assert both_ways(values, triplets) > 0.93
    noise = np.random.default_rng(1).normal(size=(len(values), 16))
    assert both_ways(noise, triplets) == pytest.approx(1 / 3, abs=0.06)
    assert both_ways(np.linalg.norm(perceived(values), axis=1, keepdims=True), triplets) < 0.65


def test_only_what_all_show_is_compared(values: np.ndarray) -> None:
    known = np.ones(values.shape, bool)
    known[3, coefficients.INDEX["mouthSmileLeft"]] = False
    shown = common(values, known)
    hidden = coefficients.indices(["mouthSmileLeft", "mouthSmileRight"])
    assert not shown[:, hidden].any() and values[:, hidden].any()
    np.testing.assert_array_equal(np.delete(shown, hidden, 1), np.delete(values, hidden, 1))


def test_alike_faces_have_no_order() -> None:
    with pytest.raises(SemblanceError, match="30 triplets"):
        draw_triplets(np.full((40, 54), 0.2), np.arange(40), 30, seed=0)


def test_the_probe_finds_people_only_where_they_are() -> None:
    random = np.random.default_rng(2)
    noise = random.normal(size=(600, 30)) * np.linspace(0.1, 5, 30)
    assert identity_probe(noise, PERSON) < 4 / 120
    # a faint trace of the person in directions where expressions hardly move
    traced = noise.copy()
    traced[:, :6] += random.normal(size=(120, 6))[PERSON]
    assert identity_probe(traced, PERSON) > 0.4
    traced[:, 20] = 0  # a channel that is dead tells nothing and breaks nothing
    shuffled = random.permutation(600)
    assert identity_probe(traced[shuffled], PERSON[shuffled]) > 0.4


def test_moras_controls_are_coefficients() -> None:
    controls = find_profile("Mora").control_set
    assert not exact_coefficients(controls, controls.neutral[None]).any()
    rows = controls.neutral + np.eye(len(controls))[[controls.names.index(name) for name in (
        "mouthSmileLeft", "browInnerUp", "head_yaw", "tongueOut")]] * 0.5
    wanted = np.concatenate([face(mouthSmileLeft=0.5), face(browInnerUpLeft=0.5, browInnerUpRight=0.5), face(),
                             face(tongueOut=0.5)])
    np.testing.assert_allclose(exact_coefficients(controls, rows), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["Pip", "Gus", "Ada", "Uno"])
def test_other_characters_have_none(name: str) -> None:
    controls = find_profile(name).control_set
    with pytest.raises(SemblanceError, match="is not one coefficient"):
        exact_coefficients(controls, controls.neutral[None])


def test_pairs_become_a_test_set(tmp_path: Path) -> None:
    controls, random = find_profile("Mora").control_set, np.random.default_rng(1)
    header = PairHeader(TEST, "Mora", "p", "b", controls.names, ("mix",), 64, 1)
    values = np.stack([controls.neutral, controls.maximum]).astype(np.float32)
    images = random.integers(0, 256, (2, 64, 64, 3), np.uint8)
    landmarks = random.normal(32, 10, (2, 478, 3)).astype(np.float32)
    landmarks[1] = np.nan
    shard = Shard(images, values, np.zeros(2, np.uint8), landmarks, np.array([1, 0], np.float32))
    write_header(tmp_path, header, 2)
    write_shard(tmp_path, 0, shard, header)
    columns = pair_columns(tmp_path, controls)
    assert columns["found"].tolist() == [True, False] and not columns["person"].any()
    assert not columns["coefficients"][0].any() and columns["coefficients"][1].min() == 1
    assert columns["crops"].shape == (2, 128, 128, 3) and not columns["crops"][1].any() and columns["crops"][0].any()
    from training.evaluate import pictures_of

    np.testing.assert_array_equal(np.stack(list(pictures_of(columns)))[..., ::-1], images)
    write_header(tmp_path, PairHeader(TRAINING, "Mora", "p", "b", controls.names, ("mix",), 64, 1), 2)
    with pytest.raises(SemblanceError, match="must not be used"):
        pair_columns(tmp_path, controls)


def test_spaces_of_faces_without_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    random = np.random.default_rng(3)
    places = random.normal(64, 20, (2, 478, 3)).astype(np.float32)
    columns = {"landmarks": np.stack([places[0], np.full((478, 3), np.nan, np.float32), places[1]]),
               "crops": random.integers(0, 256, (3, 128, 128, 3), np.uint8), "found": np.ones(3, bool)}
    blendshapes = random.random((3, 54)).astype(np.float32)
    monkeypatch.setattr("training.evaluate.mediapipe_blendshapes", lambda _: blendshapes)
    views = spaces(columns)
    assert set(views) == {"embedding", "coefficients", "MediaPipe blendshapes", "landmarks", "HOG"}
    for name, view in views.items():
        assert len(view) == 3 and np.isfinite(view).all(), name
    assert not views["landmarks"][1].any() and views["landmarks"][[0, 2]].any(1).all()
    assert views["HOG"].std(0).any() and views["embedding"][[0, 2]].any(1).all()


def test_characters_are_measured_by_what_they_show(monkeypatch: pytest.MonkeyPatch, values: np.ndarray) -> None:
    from training import bench_expression

    half = len(values) // 2
    known = np.ones((half, 54), bool)
    known[:, :20] = False
    unseen = np.where(known, values[half:], 0.9)
    shown = common(values, np.concatenate([np.ones((half, 54), bool), known]))

    def table(rows: slice, truth: np.ndarray) -> dict[str, np.ndarray]:
        view = perceived(shown)[rows]
        return {"truth": truth, "person": PERSON[rows], "embedding": view, "MediaPipe blendshapes": view * 0}

    people = table(slice(0, half), values[:half])
    drawn = table(slice(half, None), unseen) | {"known": known}
    monkeypatch.setattr(bench_expression, "_people", lambda: [people])
    found = bench_expression._across(drawn, 90)
    assert found["embedding"] == 1 and found["MediaPipe blendshapes"] == 0
    assert 0.2 < found["strength alone"] < 0.7
