"""The judge must see what is wrong, or its silence means nothing."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from addon.robot.map_reading import ROBOTS
from training.hostile_frames import KINDS, hostile_frames
from training.robot_judge import Judge


@pytest.fixture
def judge():
    return Judge(ROBOTS / "maestro_head" / "actuators.toml")


def _neutral(judge):
    return dict(zip(judge.channels, judge._neutral.tolist(), strict=True))


def test_a_head_at_rest_is_innocent(judge):
    for _ in range(30):
        judge.frame(_neutral(judge))
    assert judge.report() == {"frames": 30, "violations": 0, "kinds": {}, "examples": []}


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ([{15: 1851}], {"travel", "speed"}),
        ([{15: 1160}], {"speed"}),
        ([{15: 1500 + 18}], set()),
        ([{15: 1500 + 20}], {"speed"}),
        ([{15: 1500 + round(17.4 * k + 1)} for k in range(1, 12)], set()),
        ([{15: 1500 + round(18.4 * k)} for k in range(1, 12)], {"speed"}),
        ([{10: 1580}, {10: 1680}, {10: 1780}, {10: 1850}, {14: 1548}], set()),
        ([{10: 1580}, {10: 1680}, {10: 1780}, {10: 1850}, {14: 1550}], {"cap"}),
        ([{99: 1500}], {"channel"}),
        ([{15: float("inf")}], {"travel", "speed"}),
    ],
)
def test_what_is_wrong_is_seen(judge, changes, kinds):
    """The neck's yaw may go 2.5 u/s = 17.5 us a frame; the lip 0.2 of its way up beside a wide jaw."""
    now = _neutral(judge)
    for _ in range(12):
        judge.frame(now)
    for change in changes:
        now = now | change
        judge.frame(now)
    assert set(judge.report()["kinds"]) == kinds


def test_who_is_switched_off_may_begin_elsewhere(judge):
    judge.frame(_neutral(judge))
    judge.forget(judge.channels)
    judge.frame(_neutral(judge) | {15: 1200})
    assert judge.report()["violations"] == 0


def test_the_hostile_frames_are_hostile():
    kinds, said = set(), 0
    wild = False
    for hostile in hostile_frames([f"c{i}" for i in range(8)], 3000, 1):
        kinds.add(hostile.kind)
        said += len(hostile.targets)
        wild = wild or any(not np.isfinite(target.values).all() for target in hostile.targets)
    assert kinds == set(KINDS) and wild and 3000 <= said < 3020


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("name", ["maestro_head", "ameca_like"])
def test_a_short_attack_finds_nothing_and_the_head_moves(name):
    from training.bench_robot import attack

    report = attack(name, 700)
    assert report["violations"] == 0, report["examples"]
    assert report["frames"] > 500


def test_a_gate_that_sleeps_is_found(monkeypatch):
    from addon.robot.gate import Gate, Passed
    from training.bench_robot import attack

    def asleep(self, u, moving=None):
        u = np.clip(np.nan_to_num(u) if np.shape(u) == self._sent.shape else self._sent, -1.2, 1.2)
        return Passed(u, self._robot.raw(u), np.zeros(len(u), bool))

    monkeypatch.setattr(Gate, "let_pass", asleep)
    assert {"travel", "speed", "cap"} <= set(attack("ameca_like", 400)["kinds"])
