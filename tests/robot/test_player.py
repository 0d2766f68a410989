from __future__ import annotations

import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.robot.messages import Play
from addon.robot.player import Player


def _play(times_s, values):
    return Play(("a", "b"), np.array(times_s, np.float64), np.array(values, np.float32))


def test_it_waits_at_the_first_frame_and_runs_between_frames():
    player = Player(_play([5.0, 5.5, 6.5], [[0, 0], [1, 2], [3, 2]]))
    assert player.values().tolist() == [0, 0] == player.values().tolist()
    player.advance(0.25)
    assert player.values().tolist() == [0.5, 1.0]
    player.advance(0.75)
    assert player.values().tolist() == [2, 2] and not player.ended
    player.advance(10)
    assert player.values().tolist() == [3, 2] and player.ended


def test_one_frame_is_a_performance():
    player = Player(_play([0.0], [[1, 2]]))
    assert player.values().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("times_s", "values"),
    [([0, 1], [[0, 0]]), ([], np.zeros((0, 2))), ([0, 0], [[0, 0]] * 2), ([0, np.nan], [[0, 0]] * 2),
     ([0, 1], [[0, 0], [np.inf, 0]]), ([0.0], [[0, 0, 0]])],
)
def test_what_is_none_is_refused(times_s, values):
    with pytest.raises(SemblanceError, match="^The performance has"):
        Player(_play(times_s, values))
