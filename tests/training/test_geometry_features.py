"""ExprGen's nine measures on ICT-FaceKit's faces as our tracker's landmarks would have them, and on moved points."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from addon.core.frames import head_rotation
from training.geometry_features import MIRROR, NAMES, geometry_features, standardised

_TABLE = Path(__file__).parents[2] / "addon" / "tracking" / "rigid_points.toml"


def face(**moved: tuple[int, float, float]) -> np.ndarray:
    """A flat mask [478, 3], 100 px between the eyes' centres, with what the measures read where faces have it.

    `moved` shifts a landmark: name → (landmark, right, down), shares of the eyes' distance.
    """
    import tomllib

    points = np.zeros((478, 3))
    for key, place in tomllib.loads(_TABLE.read_text(encoding="utf-8"))["position"].items():
        points[int(key)] = place
    for left, right, across, down in ((334, 105, 0.6, -0.4), (386, 159, 0.5, -0.08), (374, 145, 0.5, 0.08),
                                      (358, 129, 0.25, 0.65), (291, 61, 0.4, 1.0)):
        points[left], points[right] = (across, down, 0), (-across, down, 0)
    points[13], points[14], points[152], points[10] = (0, 0.98, 0), (0, 1.02, 0), (0, 1.8, 0), (0, -0.9, 0.1)
    for landmark, across, down in moved.values():
        points[landmark, :2] += across, down
    return points * 100


def measured(**moved: tuple[int, float, float]) -> dict[str, float]:
    return dict(zip(NAMES, geometry_features(face(**moved)[None])[0], strict=True))


def test_shares_of_the_face_box() -> None:
    rest = measured()
    assert rest["mouth_width"] == pytest.approx(0.8 / 2.212, rel=1e-3)
    assert rest["nose_width"] == pytest.approx(0.5 / 2.212, rel=1e-3)
    assert rest["brow_height_left"] == pytest.approx(0.4 / 2.7, rel=1e-3)
    assert rest["lid_height_right"] == pytest.approx(0.16 / 2.7, rel=1e-3)
    assert rest["mouth_opening"] == pytest.approx(0.04 / 2.7, rel=1e-3)
    assert rest["corner_height_left"] == pytest.approx(0.92 / 2.7, rel=1e-3)


@pytest.mark.parametrize(("name", "landmark", "across", "down", "sign"), [
    ("brow_height_left", 334, 0, -0.1, 1), ("brow_height_right", 105, 0, 0.1, -1),
    ("lid_height_left", 386, 0, 0.05, -1), ("lid_height_right", 145, 0, 0.05, 1), ("nose_width", 358, 0.1, 0, 1),
    ("mouth_width", 61, -0.1, 0, 1), ("mouth_opening", 14, 0, 0.3, 1), ("corner_height_left", 291, 0, -0.1, -1),
    ("corner_height_right", 61, 0, 0.1, 1),
])
def test_each_measure_follows_its_movement(name: str, landmark: int, across: float, down: float, sign: int) -> None:
    change = {key: value - measured()[key] for key, value in measured(one=(landmark, across, down)).items()}
    assert sign * change[name] > 0.01
    others = [abs(value) for key, value in change.items() if key != name]
    assert max(others) < abs(change[name]) / 2 or name.startswith("lid")  # the lower lid is where a corner counts from


def test_pose_and_place_do_not_matter() -> None:
    points, random = face(), np.random.default_rng(3)
    turned = [points @ (head_rotation(random.normal(0, 0.3, 3)) * random.uniform(0.5, 2)).T + random.normal(0, 200, 3)
              for _ in range(5)]
    np.testing.assert_allclose(geometry_features(np.stack(turned)), np.repeat(
        geometry_features(points[None]), 5, 0), atol=2e-3)


def test_a_mirrored_face_swaps_the_sides() -> None:
    from training.expression_data import LANDMARK_MIRROR

    points = face(brow=(334, 0, -0.2), corner=(291, 0.1, -0.1))
    mirrored = points[LANDMARK_MIRROR] * [-1, 1, 1]
    np.testing.assert_allclose(geometry_features(mirrored[None])[0], geometry_features(points[None])[0, MIRROR],
                               atol=1e-4)


def test_unknown_landmarks_stay_unknown() -> None:
    both = np.stack([face(), np.full((478, 3), np.nan)])
    features = geometry_features(both)
    assert features.dtype == np.float32 and np.isfinite(features[0]).all() and np.isnan(features[1]).all()
    own = standardised(features, features)
    np.testing.assert_allclose(own[0], 0, atol=1e-6)


def test_standard_deviations_from_ones_own_kind() -> None:
    kind = np.random.default_rng(1).normal(5, 2, (500, 9))
    np.testing.assert_allclose(standardised(kind, kind).std(0), 1, atol=1e-6)
