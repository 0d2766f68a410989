"""The encoder's rivals on faces whose landmarks and crops tell the answer plainly."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core import coefficients

pytest.importorskip("torch")
from training import rivals
from training.expression_data import Faces
from training.face_inputs import RigidPose
from training.face_points import POINT_COUNT

JAW = coefficients.INDEX["jawOpen"]


def some_faces(count: int, seed: int) -> Faces:
    """Faces whose landmarks and a bright bar in the crop sink with jawOpen."""
    random = np.random.default_rng(seed)
    values = np.zeros((count, 54), np.float32)
    values[:, JAW] = random.random(count)
    rigid = RigidPose()
    landmarks = np.zeros((count, 478, 3), np.float32)
    landmarks[:, rigid.points] = rigid.places * 60 + 200
    others = np.setdiff1d(np.arange(478), rigid.points.numpy())
    landmarks[:, others] = np.random.default_rng(0).random((len(others), 3)) * 100 + 150
    landmarks[:, others[::3], 1] += 20 * values[:, JAW, None]
    landmarks += random.normal(0, 0.2, landmarks.shape).astype(np.float32)
    crops = random.integers(90, 110, (count, 128, 128, 3)).astype(np.uint8)
    for crop, jaw in zip(crops, values[:, JAW], strict=True):
        top = 60 + round(40 * float(jaw))
        crop[top:top + 8, 40:90] = 220
    nothing = np.zeros((count, 3), np.float32)
    return Faces(landmarks, crops, values, np.ones((count, 54), bool), np.zeros((count, 2, 2), np.float32), nothing,
                 np.arange(count, dtype=np.int32), np.full(count, -1, np.int8), np.full(count, -1, np.int8),
                 np.full((count, POINT_COUNT, 2), np.nan, np.float16))


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(rivals, "_BATCH", 48)
    monkeypatch.setattr(rivals, "_EPOCHS", 10)
    monkeypatch.setattr(rivals, "_COMPONENTS", 40)


def test_every_rival_finds_what_its_input_shows(quick, monkeypatch) -> None:
    seen = []

    def kept(guess, truth):
        seen.append(np.corrcoef(guess[:, JAW], truth[:, JAW])[0, 1])
        return {"mean_r": 0.5, "mae": 0.1, "dead_min_r": 0.2}

    monkeypatch.setattr(rivals, "figures", kept)
    found = rivals.rival_figures(some_faces(160, 1), {"random": some_faces(60, 2)})
    assert list(found) == ["landmark network", "HOG + ridge", "HOG + network", "nearest neighbour"]
    assert found["HOG + ridge"] == {"random_r": 0.5, "random_mae": 0.1, "random_dead_min_r": 0.2}
    assert len(seen) == 4 and min(seen) > 0.6


def test_ridge_is_the_same_from_few_faces_and_from_many() -> None:
    import torch

    torch.manual_seed(0)
    known, truth, asked = torch.randn(60, 30), torch.rand(60, 54), torch.randn(5, 30)
    known, truth = known.double(), truth.double()
    wide = torch.cat([known, torch.zeros(60, 100, dtype=torch.float64)], 1)
    asked = asked.double()
    one = rivals.damped(known, truth, [0.1])[0](asked)
    other = rivals.damped(wide, truth, [0.1])[0](torch.cat([asked, torch.zeros(5, 100, dtype=torch.float64)], 1))
    torch.testing.assert_close(one, other)


def test_figures_are_kept_and_told(tmp_path: Path) -> None:
    path = tmp_path / "rivals.toml"
    assert rivals.told("random_r", path) == ""
    rivals.write({"HOG + ridge": {"random_r": 0.44}, "nearest neighbour": {"random_r": 0.2}}, 100, path)
    assert rivals.told("random_r", path) == "nearest neighbour 0.2, HOG + ridge 0.44"
