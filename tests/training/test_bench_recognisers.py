"""The class figures: what is compared with what, on answers that are made up."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("cv2")
from addon.core import coefficients
from addon.core.key_poses import CLASSES
from training import bench, bench_recognisers, class_faces, evaluate, recognisers
from training.bench_recognisers import (
    first_people,
    measure_agreement,
    measure_classes,
    measure_kept_by_pose,
    nearest_pose_classes,
)
from training.drawn_faces import CHARACTERS

COUNT = 28


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """A test set of four people; a crop's first pixel is the class that a recogniser sees in it."""
    classes = np.arange(COUNT) % 7
    crops = np.zeros((COUNT, 128, 128, 3), np.uint8)
    crops[:, 0, 0, 0] = classes
    given = {
        "crops": crops, "expression_class": classes.astype(np.int8), "person": np.arange(COUNT) // 7,
        "found": np.ones(COUNT, bool), "coefficients": np.eye(COUNT, 54, dtype=np.float32),
        "pictures": np.arange(2 * COUNT), "picture_ends": np.arange(1, COUNT + 1) * 2,
    }
    monkeypatch.setattr(class_faces, "test_faces", lambda folder: given)
    monkeypatch.setattr(class_faces, "test_characters", lambda kind, folder: (crops[:14], classes[:14]))
    monkeypatch.setattr(recognisers, "recognise", lambda some, name: {"classes": np.eye(7)[some[:, 0, 0, 0]]})
    return given


def test_the_class_on_the_person_against_the_class_on_the_character(
    columns: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns["crops"][:7, 0, 0, 0] = 0  # the first person looks angry whatever is meant
    columns["found"][8] = False
    monkeypatch.setattr(evaluate, "encode", lambda some: (some["coefficients"], 1.0))
    monkeypatch.setattr(evaluate, "mediapipe_blendshapes", lambda some: np.zeros_like(some["coefficients"]))
    asked = []

    def classes_on(character: str, values: np.ndarray) -> np.ndarray:
        asked.append((character, len(values)))
        # what is meant is seen, except by Uno's viewer, who sees joy; nothing moved is neutral
        seen = np.where(values.any(1), values.argmax(1) % 7, 4)
        return np.full(len(values), 3) if character == "Uno" else seen

    monkeypatch.setattr(bench_recognisers, "classes_on", classes_on)
    rows = measure_agreement()
    row = rows["expression.class_agreement"]
    assert asked == [(name, 3 * 27) for name in CHARACTERS]
    person = np.concatenate([np.zeros(7), np.delete(np.arange(21) % 7, 1)])
    meant = np.delete(np.arange(COUNT) % 7, 8)
    assert row.ours == pytest.approx((4 * (person == meant).mean() + (person == 3).mean()) / 5)
    assert row.rival == pytest.approx((4 * (person == 4).mean() + (person == 3).mean()) / 5)
    assert "ours on Ada 0.78" in row.rival_name and row.goal == ">= 0.85"
    assert rows["animator.class_kept"].ours == pytest.approx((4 + (meant == 3).mean()) / 5)


def test_a_smile_is_nearest_to_joy_on_every_character() -> None:
    smiling = np.zeros((2, coefficients.COUNT), np.float32)
    for name in ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"):
        smiling[:, coefficients.INDEX[name]] = (0.9, 0.45)
    for character in CHARACTERS:
        assert (nearest_pose_classes(character, smiling) == CLASSES.index("joy")).all(), character


def test_kept_by_pose_counts_all_people_and_characters(
    columns: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "encode", lambda some: (some["coefficients"], 1.0))
    monkeypatch.setattr(evaluate, "mediapipe_blendshapes", lambda some: np.zeros_like(some["coefficients"]))
    monkeypatch.setattr(bench_recognisers, "nearest_pose_classes",
                        lambda character, values: np.where(values.any(1), values.argmax(1) % 7, 4))
    row, = measure_kept_by_pose().values()
    assert row.ours == 1 and row.rival == pytest.approx(1 / 7) and "exact coefficients 1.00" in row.rival_name


def test_right_answers_are_counted_over_the_found(columns: dict[str, np.ndarray]) -> None:
    columns["crops"][:14, 0, 0, 0] = (columns["expression_class"][:14] + 1) % 7
    columns["found"][:7] = False
    rows = measure_classes()
    assert rows["expression.class_people"].ours == pytest.approx(2 / 3)
    assert rows["expression.class_characters"].ours == 0
    row = rows["expression.class_people"]
    assert row.rival == 0.8971 and "hog + linear" in row.rival_name


def test_pictures_stay_with_their_faces(columns: dict[str, np.ndarray]) -> None:
    columns["found"][3] = False
    some = first_people(columns, 1)
    assert some["expression_class"].tolist() == [0, 1, 2, 4, 5, 6]
    assert some["pictures"].tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13] and some["picture_ends"][-1] == 12


def test_the_benchmark_names_them() -> None:
    names = [name for names in bench.collect()[0] for name in names]
    wanted = {"expression.class_people", "expression.class_characters", "expression.class_driven",
              "expression.class_agreement"}
    assert wanted <= set(names)
