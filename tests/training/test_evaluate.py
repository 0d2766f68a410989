"""Figures of the encoder against independent formulas, and the card that ships with it."""
from __future__ import annotations

import tomllib

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.model_card import load_network
from addon.core.paths import ROOT

pytest.importorskip("cv2")
from training.evaluate import DEAD_ON_MEDIAPIPE, correlations, figures


def test_correlations_are_pearsons() -> None:
    random = np.random.default_rng(4)
    truth = random.random((200, 54)).astype(np.float32)
    guess = (truth * 0.4 + random.random((200, 54)) * 0.6).astype(np.float32)
    wanted = [np.corrcoef(guess[:, i], truth[:, i])[0, 1] for i in range(53)]
    np.testing.assert_allclose(correlations(guess, truth), wanted, atol=1e-6)


def test_dead_and_still_channels() -> None:
    random = np.random.default_rng(4)
    truth = random.random((200, 54)).astype(np.float32)
    guess = truth.copy()
    guess[:, coefficients.INDEX["cheekPuffLeft"]] = 0
    truth[:, 0] = 0.5  # nothing to correlate with
    r = correlations(guess, truth)
    assert np.isnan(r[0]) and r[coefficients.INDEX["cheekPuffLeft"]] == 0
    assert "cheekPuffLeft" in DEAD_ON_MEDIAPIPE
    assert figures(guess, truth)["dead_min_r"] == 0
    assert figures(truth, truth)["mae"] == 0


def test_the_shipped_card_tells_its_quality() -> None:
    """Better than every simple rival on the same faces (rivals.toml)."""
    _, card = load_network("expression")
    quality = card.data["quality"]
    told = tomllib.loads((ROOT / "models" / "expression" / "rivals.toml").read_text(encoding="utf-8"))
    rivals = [values for values in told.values() if isinstance(values, dict)]
    assert len(rivals) >= 4
    for kind in ("random", "performance"):
        assert quality[kind]["mean_r"] > max(rival[f"{kind}_r"] for rival in rivals)
        assert quality[kind]["faces"] >= 2000
    assert quality["random"]["mean_r"] >= 0.6 and quality["performance"]["mean_r"] >= 0.75
    assert card.inputs == {"landmarks": (-1, 478, 3), "crop": (-1, 128, 128, 3)}
