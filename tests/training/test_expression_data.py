"""Training faces in memory: mirrors that mirror everything, variations that keep the truth, shards joined."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
torch = pytest.importorskip("torch")

from addon.core import coefficients  # noqa: E402
from training.expression_data import (  # noqa: E402
    LANDMARK_MIRROR,
    Faces,
    concatenated,
    faces_of,
    find_mirror,
    halves_mixed,
    joined,
    mirrored,
    read_shards,
    read_to_learn,
    varied,
)
from training.performers import gaze_of  # noqa: E402


def columns(count: int = 6, seed: int = 0) -> dict[str, np.ndarray]:
    """As a shard has them."""
    random = np.random.default_rng(seed)
    return {
        "landmarks": random.normal(0, 50, (count, 478, 3)).astype(np.float32),
        "crops": random.integers(0, 256, (count, 128, 128, 3), np.uint8),
        "coefficients": random.random((count, 54), np.float32), "known": random.random((count, 54)) < 0.8,
        "head": random.normal(0, 0.2, (count, 3)).astype(np.float32), "person": np.arange(count, dtype=np.int32) // 2,
        "expression_class": np.full(count, -1, np.int8), "character": np.full(count, -1, np.int8),
        "found": np.arange(count) != 1,
    }


def same(a: Faces, b: Faces) -> bool:
    names = Faces.__dataclass_fields__
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True) for name in names)


def test_the_landmark_mirror_is_one() -> None:
    assert (LANDMARK_MIRROR[LANDMARK_MIRROR] == np.arange(478)).all()
    # Outer and inner eye corners, mouth corners, irises, tip of the nose.
    pairs = {33: 263, 133: 362, 61: 291, 468: 473, 1: 1}
    assert all(LANDMARK_MIRROR[one] == other for one, other in pairs.items())
    half = np.random.default_rng(0).normal(size=(478, 3))
    symmetric = half + half[LANDMARK_MIRROR] * [-1, 1, 1]
    assert (find_mirror(symmetric) == LANDMARK_MIRROR).all()


def test_a_mirror_of_a_mirror_is_the_face() -> None:
    faces = faces_of(columns())
    rows = np.array([True, False, True, True, False])
    once = mirrored(faces, rows)
    assert same(mirrored(once, rows), faces)
    np.testing.assert_array_equal(once.coefficients[0], faces.coefficients[0][coefficients.MIRROR])
    np.testing.assert_array_equal(once.coefficients[1], faces.coefficients[1])
    # What the mirrored coefficients say of the eyes is what the mirrored gaze says.
    np.testing.assert_allclose(gaze_of(once.coefficients), once.gaze, atol=1e-6)


def test_variations_keep_what_is_true() -> None:
    faces = faces_of(columns())
    seen = varied(faces, np.random.default_rng(1))
    assert seen.crops.shape == faces.crops.shape and seen.crops.dtype == np.uint8
    assert not np.array_equal(seen.crops, faces.crops)
    back = mirrored(faces, np.any(seen.coefficients != faces.coefficients, axis=1))
    np.testing.assert_array_equal(seen.coefficients, back.coefficients)
    np.testing.assert_array_equal(seen.known, back.known)
    assert same(seen, varied(faces, np.random.default_rng(1)))


def test_a_half_of_another_face_brings_what_it_shows() -> None:
    faces = faces_of(columns())
    rows, others = np.array([True, False, True, False, False]), np.array([1, 2, 3, 4, 0])
    mixed = halves_mixed(faces, rows, others)
    assert same(mixed[~rows], faces[~rows])
    # The person's left is on the right of the picture.
    np.testing.assert_array_equal(mixed.crops[0, :, 64:], faces.crops[0, :, 64:])
    np.testing.assert_array_equal(mixed.crops[0, :, :64], faces.crops[1, :, :64])
    for name in coefficients.NAMES:
        column = coefficients.INDEX[name]
        if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") or not name.endswith(("Left", "Right")):
            assert not mixed.known[rows, column].any()
        else:
            source = faces if name.endswith("Left") else faces[others]
            np.testing.assert_array_equal(mixed.coefficients[rows, column], source.coefficients[rows, column])
            np.testing.assert_array_equal(mixed.known[rows, column], source.known[rows, column])
    np.testing.assert_allclose(gaze_of(mixed.coefficients), mixed.gaze, atol=1e-6)
    assert np.isnan(mixed.head[rows]).all() and np.isnan(mixed.landmarks[rows]).all()
    # In a mirror it is the other half that came from elsewhere.
    back = mirrored(halves_mixed(mirrored(faces, np.ones(5, bool)), rows, others), np.ones(5, bool))
    np.testing.assert_array_equal(back.crops[0, :, 64:], faces.crops[1, :, 64:])


def test_unknown_landmarks_stay_unknown() -> None:
    rows = columns()
    rows["landmarks"][2:] = np.nan
    seen = varied(faces_of(rows), np.random.default_rng(1))
    assert np.isnan(seen.landmarks[1:]).all() and np.isfinite(seen.landmarks[0]).all()


def test_people_of_different_shards_are_different(tmp_path: Path) -> None:
    for number in range(2):
        np.savez(tmp_path / f"{number}.npz", **columns(seed=number))
    faces = read_shards(sorted(tmp_path.glob("*.npz")))
    assert len(faces) == 10  # the missed ones are left out
    assert not set(faces.person[:5]) & set(faces.person[5:])
    assert same(joined([faces]), faces)
    parts = [read_to_learn(sorted(tmp_path.glob("*.npz")), aside) for aside in (False, True)]
    both = concatenated(parts)
    assert len(parts[1]) and same(both[both.person.argsort(kind="stable")], faces)
    with pytest.raises(SystemExit, match="make_expression_data"):
        read_shards([])
