from __future__ import annotations

import csv

import numpy as np
import pytest

from addon.commands.demo import correlations, read_truth
from addon.core import coefficients
from addon.core.errors import SemblanceError


def test_correlations_are_pearsons():
    random = np.random.default_rng(0)
    truth = random.random((200, 5))
    ours = truth * 0.5 + random.random((200, 5))
    expected = [np.corrcoef(ours[:, i], truth[:, i])[0, 1] for i in range(5)]
    assert np.allclose(correlations(ours, truth), expected)


def test_what_does_not_move_is_left_out_and_what_should_counts_as_nothing():
    truth = np.column_stack([np.zeros(50), np.linspace(0, 1, 50)])
    ours = np.column_stack([np.linspace(0, 1, 50), np.full(50, 0.3)])
    assert np.isnan(correlations(ours, truth)[0])
    assert correlations(ours, truth)[1] == 0


@pytest.fixture
def truth_file(tmp_path):
    path = tmp_path / "truth.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *reversed(coefficients.NAMES), "headYaw", "headPitch", "headRoll"])
        values = [[i + c / 100 for c in range(coefficients.COUNT)] for i in range(3)]
        writer.writerows([i / 25, *reversed(row), 0.1, 0.2, 0.3] for i, row in enumerate(values))
    return path


def test_truth_is_read_by_column_names(truth_file):
    truth, head = read_truth(truth_file)
    assert head.tolist() == [[0.1, 0.2, 0.3]] * 3
    assert truth.shape == (3, coefficients.COUNT)
    assert np.allclose(truth[2], 2 + np.arange(coefficients.COUNT) / 100)


@pytest.mark.parametrize(
    "damage",
    [lambda text: text.replace("jawOpen", "jaw"), lambda text: text[:-40], lambda text: text.replace("1.1", "x")],
)
def test_damaged_truth_is_named(truth_file, damage):
    truth_file.write_text(damage(truth_file.read_text()))
    with pytest.raises(SemblanceError, match=r"truth\.csv"):
        read_truth(truth_file)
