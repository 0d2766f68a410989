"""X2C's error: the formula as the authors wrote it, values worked out by hand, parts that make up the whole."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.rig_profile import find_profile
from training.x2c_metric import CONTROLS, PARTS, x2c_mae, x2c_mae_by_part

ADA = find_profile("ada").control_set
LIMITS = ADA.minimum, ADA.maximum


def as_written(pred: np.ndarray, true: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> float:
    """The authors' formula, line by line (reference/papers.md, 1.4)."""
    keep = np.ones_like(true)
    keep[np.ix_((true[:, 6] < 0) & (true[:, 7] < 0), [8, 9])] = 0
    return np.abs(2 * (pred * keep - true * keep) / (hi - lo)).mean()


def drawn(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values beyond the limits too; half of the faces have their lids closed."""
    random = np.random.default_rng(seed)
    pred, true = (random.uniform(-1.2, 1.2, (2, count, CONTROLS)) + 1) / 2 * (LIMITS[1] - LIMITS[0]) + LIMITS[0]
    true[random.random(count) < 0.5, 6:8] = -0.5
    return pred, true


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12))
def test_it_is_the_authors_formula(seed: int, count: int) -> None:
    pred, true = drawn(seed, count)
    assert x2c_mae(pred, true, *LIMITS) == pytest.approx(as_written(pred, true, *LIMITS), rel=1e-9)


def test_values_worked_out_by_hand() -> None:
    true = np.tile(ADA.neutral, (2, 1)).astype(float)
    pred = true.copy()
    pred[0, ADA.names.index("Gaze Target Phi")] += 26       # 2 · 26 / 260 = 0.2
    pred[0, ADA.names.index("Head Yaw")] -= 15              # 2 · 15 / 60 = 0.5
    pred[1, ADA.names.index("Nose Wrinkle")] += 0.4         # 2 · 0.4 / 1 = 0.8
    assert x2c_mae(pred, true, *LIMITS) == pytest.approx(1.5 / 60, abs=1e-6)
    parts = x2c_mae_by_part(pred, true, *LIMITS)
    assert parts == pytest.approx({"brow": 0, "eyelids": 0, "gaze": 0.2 / 4, "head and neck": 0.5 / 10,
                                   "mouth and jaw": 0, "nose": 0.4}, abs=1e-6)


@pytest.mark.parametrize(("left", "right", "judged"), [(-0.1, -0.1, False), (0.0, -0.1, True), (-0.1, 0.0, True)])
def test_gaze_is_judged_unless_both_lids_are_shut_in_the_truth(left: float, right: float, judged: bool) -> None:
    true = ADA.neutral[None].astype(float)
    true[0, 6:8] = left, right
    pred = true.copy()
    pred[0, 8:10] += 13, 12                                 # 0.1 and 0.2
    assert x2c_mae(pred, true, *LIMITS) == pytest.approx(0.3 / 30 if judged else 0, abs=1e-6)
    pred[0, 6:8] = -1                                       # what is predicted of the lids changes nothing
    assert x2c_mae_by_part(pred, true, *LIMITS)["gaze"] == pytest.approx(0.15 if judged else 0, abs=1e-6)


def test_parts_make_up_the_whole() -> None:
    assert sorted(column for columns in PARTS.values() for column in columns) == list(range(CONTROLS))
    pred, true = drawn(3, 20)
    parts = x2c_mae_by_part(pred, true, *LIMITS)
    whole = sum(parts[part] * len(columns) for part, columns in PARTS.items()) / CONTROLS
    assert whole == pytest.approx(x2c_mae(pred, true, *LIMITS))


def test_parts_are_what_the_controls_are_called() -> None:
    words = {"brow": ("Brow",), "eyelids": ("Eyelid",), "gaze": ("Gaze",), "head and neck": ("Head", "Neck"),
             "mouth and jaw": ("Jaw", "Lip"), "nose": ("Nose",)}
    for part, columns in PARTS.items():
        assert {ADA.names[column].split()[0] for column in columns} == set(words[part])


def test_other_shapes_are_refused() -> None:
    values = np.zeros((4, CONTROLS))
    for pred, true in ((values[:, :29], values[:, :29]), (values[:3], values), (values[:0], values[:0]),
                       (values[0], values[0])):
        with pytest.raises(ValueError, match="x2c_mae needs values"):
            x2c_mae(pred, true, *LIMITS)
    with pytest.raises(ValueError, match="limits"):
        x2c_mae(values, values, LIMITS[0][:2], LIMITS[1][:2])
