"""Mora's skin is as far from the truth as what drives her is wrong."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy")

from addon.core import coefficients
from training import bench_mesh
from training.slits import CharacterSlits


@pytest.fixture(scope="module")
def mora() -> CharacterSlits:
    return CharacterSlits("mora")


def faces(jaw: float) -> np.ndarray:
    """A face that opens its jaw and one that closes an eye too."""
    values = np.zeros((2, coefficients.COUNT), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = jaw
    values[1, coefficients.INDEX["eyeBlinkLeft"]] = jaw
    return values


def test_an_exact_reading_errs_by_nothing_and_a_rival_at_rest_by_all_that_moves(
    mora: CharacterSlits, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = {"found": np.array([True, False, True]), "coefficients": faces(1)[[0, 0, 1]], "pictures": np.arange(3),
            "picture_ends": np.arange(1, 4)}
    read = faces(1)
    monkeypatch.setattr(bench_mesh, "_FACES", 2)
    monkeypatch.setattr(bench_mesh, "test_set", lambda kind, folder: some)
    monkeypatch.setattr(bench_mesh, "encode", lambda columns: (read, 1.0))
    monkeypatch.setattr(bench_mesh, "mediapipe_blendshapes", lambda columns: 0 * columns["coefficients"])
    row = bench_mesh.mesh_row(mora, "performance")
    assert row.ours == 0 and row.rival is not None and 1 < row.rival < 15
    assert f"at rest {row.rival:.2f}" in row.unit
    read *= 0.5
    assert 0.3 * row.rival < bench_mesh.mesh_row(mora, "performance").ours < 0.7 * row.rival


def test_a_head_that_turns_counts_for_nothing(mora: CharacterSlits) -> None:
    controls = mora.profile.control_set
    turned = np.where([control.group == "head" for control in controls.controls], controls.maximum, controls.neutral)
    rest, other = mora.skin(np.stack([controls.neutral, turned]))
    np.testing.assert_allclose(rest, other)
    assert 100 < np.ptp(rest[:, 0]) < 300
