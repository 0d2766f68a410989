"""Transfer's benchmark: its parts on what is known, with pictures replaced by what a recogniser would say of them."""
from __future__ import annotations

import numpy as np

from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.core.rig_profile import find_profile
from training import bench_transfer
from training.bench import ROOMS
from training.bench_transfer import CHARACTERS, MEASURES

MORA, UNO = find_profile("Mora"), find_profile("Uno")
PAIRS = decoded_pairs(MORA, UNO, 700)


def test_the_room_is_in_the_benchmark_with_the_designs_names():
    names = {name for figures in MEASURES for name in figures}
    assert "transfer" in ROOMS and {"transfer.error_ratio", "transfer.train_seconds"} <= names
    assert set(CHARACTERS) == {"Mora", "Pip", "Gus", "Uno", "Ada"}


def test_the_recipe_pairs_by_class_and_then_by_shape(monkeypatch):
    def seen(name: str) -> bench_transfer._Seen:
        sure = np.eye(7)[[0, 1, 0, 3]] * 0.8 + 0.2 / 7
        moved = np.array([[0.0], [1.0], [1.5], [3.0]]) * np.ones((1, 9))
        controls = find_profile(name).control_set
        return bench_transfer._Seen(np.tile(controls.neutral, (4, 1)) + np.arange(4)[:, None] * 0.01, sure, sure,
                                    moved if name == "Mora" else moved[::-1])

    monkeypatch.setattr(bench_transfer, "_seen", seen)
    pip = find_profile("Pip")
    first, second = bench_transfer._retrieved(MORA, pip)
    chosen = np.rint((first.target - pip.control_set.neutral)[:, 0] / 0.01).astype(int)
    # Class 0 is at 0 and 2, of which 2 is nearer to both of the source's.
    assert chosen.tolist() == [2, 1, 2, 3]
    assert second.target.shape == first.target.shape
    blind = bench_transfer._retrieved(MORA, UNO)[0]
    assert np.rint((blind.target - UNO.control_set.neutral)[:, 0] / 0.01).astype(int).tolist() == [0, 1, 0, 3]


def test_simple_rivals_do_what_their_names_say():
    one, other = MORA.control_set, UNO.control_set
    asked = decoded_pairs(MORA, UNO, 40, seed=3).source
    nearest = bench_transfer._nearest_pose(PAIRS, one)
    np.testing.assert_array_equal(nearest(PAIRS.source[:5]), PAIRS.target[:5])
    linear = bench_transfer._linear(PAIRS, one, other)(asked)
    assert (linear >= other.minimum).all() and (linear <= other.maximum).all()
    matched = bench_transfer._name_match(one, one)
    np.testing.assert_allclose(matched(asked), asked, atol=1e-5)
    assert (bench_transfer._name_match(one, other)(asked)[:, other.names.index("lid")] == other.neutral[
        other.names.index("lid")]).all()


def test_ten_poses_are_strong_and_different():
    ten = bench_transfer._busiest(MORA.control_set, PAIRS, 10)
    assert len(ten) == 10 and len(np.unique(ten.source, axis=0)) == 10
    shares = np.abs(MORA.control_set.shares(ten.source)).sum(1)
    assert np.median(shares) > 2 * np.median(np.abs(MORA.control_set.shares(PAIRS.source)).sum(1))


def test_longer_training_is_counted_in_batches(monkeypatch):
    asked = []
    monkeypatch.setattr(bench_transfer, "train_published", lambda pairs, one, other, epochs: asked.append(epochs))
    for count in (70, 700):
        pairs = PosePairs(PAIRS.source[:count], PAIRS.target[:count], PAIRS.fit[:count])
        bench_transfer._published(pairs, MORA.control_set, UNO.control_set)
    assert asked == [143, 715, 2858, 72, 286]


def test_the_truth_is_the_same_expression_on_all(shared):
    one, other = bench_transfer._truth("Mora"), bench_transfer._truth("Uno")
    assert [len(each) for each in one] == [len(each) for each in other] and len(one[0]) == 1500
    blink, lid = MORA.control_set.names.index("eyeBlinkLeft"), UNO.control_set.names.index("lid")
    closed = np.abs(UNO.control_set.shares(other[1]))[:, lid]
    assert np.corrcoef(one[1][:, blink], closed)[0, 1] > 0.8
    error = bench_transfer._error(MORA, UNO, lambda values: np.tile(UNO.control_set.neutral, (len(values), 1)))
    assert 0.1 < error < 0.4


def test_speed_is_measured_on_sixty_to_fifty_two_controls():
    rows = bench_transfer.measure_speed()
    assert set(rows) == {"transfer.frame_us", "transfer.batch_us"}
    assert 0 < rows["transfer.batch_us"].ours < rows["transfer.frame_us"].ours
    assert all(row.goal == "<= 20" for row in rows.values())
