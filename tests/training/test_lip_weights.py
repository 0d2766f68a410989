"""The table of how coefficients part the lips is what the script measures."""
from __future__ import annotations

import tomllib

import pytest

from training import lip_weights


def test_the_table_is_the_measured_one(shared):
    table = tomllib.loads(lip_weights.OUTPUT.read_text())
    kept = {**table["parting"], **{name: -value for name, value in table["closing"].items()}}
    measured = lip_weights.weights()
    assert set(kept) == set(measured) and kept == pytest.approx(measured, abs=0.006)
    assert (table["touch"], table["apart"]) == (lip_weights.TOUCH, lip_weights.APART)
    for name, value in measured.items():
        if name.endswith("Left"):
            assert measured[name.replace("Left", "Right")] == pytest.approx(value, abs=0.02)
