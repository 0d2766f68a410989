"""One take for each face that plays, the first under the name that was asked for."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.frames import EMBEDDING_SIZE, Expression
from addon.core.take import read_take
from addon.expression.calibration import Calibration
from addon.live.live_performance import Moment
from addon.live.live_settings import LiveSettings
from addon.live.messages import Problem, Record, TakeDone
from addon.live.takes import Takes
from addon.tracking.sources import SourceInfo

SOURCE = SourceInfo("camera", "camera 0", 640, 480, None, 30.0)


class Performer:
    """As much of a performance as a take needs."""

    stamps, recorded_calibration, settings = {"expression": "a 1 b"}, Calibration(), LiveSettings(smoothing=0.5)


def moment(time_s: float, confidence: float = 0.9) -> Moment:
    nothing = np.zeros(EMBEDDING_SIZE, np.float32)
    seen = Expression(time_s, np.full(coefficients.COUNT, 0.5, np.float32), nothing, np.zeros((2, 2), np.float32),
                      np.zeros(3, np.float32), confidence)
    return Moment(time_s, None, seen, seen)


def finished(takes: Takes, told: list) -> None:
    thread = takes.finish()
    thread.join(20)
    assert not thread.is_alive()
    assert [type(each) for each in told] == [TakeDone]


def test_every_face_has_its_take_and_the_first_is_told(tmp_path: Path):
    told: list = []
    takes = Takes(Record(str(tmp_path / "a.take"), 0.5), SOURCE, {1: Performer(), 3: Performer()}, told.append)
    for i in range(60):
        takes.add({1: moment(i / 30), 3: moment(i / 30, 0.9 if i > 30 else 0.0)})
        assert takes.countdown_s == pytest.approx(max(0.5 - i / 30, 0))
    takes.mark("end")
    finished(takes, told)
    first, other = read_take(tmp_path / "a.take"), read_take(tmp_path / "a face 4.take")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a face 4.take", "a.take"]
    assert first.times_s[0] == pytest.approx(0.5) and len(first) == told[0].frames == 45
    assert other.times_s[0] == pytest.approx(31 / 30) and len(other) == 29
    assert told[0].path == str(tmp_path / "a.take") and told[0].markers == ((59 / 30, "end"),)
    assert first.smoothing["strength"] == 0.5


def test_a_face_that_was_never_seen_leaves_no_file(tmp_path: Path):
    told: list = []
    takes = Takes(Record(str(tmp_path / "a.take")), SOURCE, {0: Performer(), 1: Performer()}, told.append)
    for i in range(5):
        takes.add({0: moment(i / 30), 1: moment(i / 30, 0.0)})
    finished(takes, told)
    assert [path.name for path in tmp_path.iterdir()] == ["a.take"]


def test_nothing_recorded_is_a_problem(tmp_path: Path):
    told: list = []
    Takes(Record(str(tmp_path / "a.take")), SOURCE, {0: Performer()}, told.append).finish().join(20)
    assert [type(each) for each in told] == [Problem] and list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_has_is_refused():
    with pytest.raises(SemblanceError):
        Takes(Record("a\0.take"), SOURCE, {0: Performer()}, print)
