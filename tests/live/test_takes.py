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


def moment(time_s: float, confidence: float = 0.9, height: float = 0.5) -> Moment:
    nothing = np.zeros(EMBEDDING_SIZE, np.float32)
    seen = Expression(time_s, np.full(coefficients.COUNT, height, np.float32), nothing, np.zeros((2, 2), np.float32),
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
    assert [(each.source["face"], each.source["begins_s"]) for each in (first, other)] == [
        (1, 0.0), (3, pytest.approx(31 / 30 - 0.5))]


def record(folder: Path, name: str, seen_s: dict[int, tuple[float, float]], height: float, **punch: object) -> None:
    """A second of two faces at 30 a second by a clock of its own; each is seen from one time to another."""
    told: list = []
    takes = Takes(Record(str(folder / f"{name}.take"), **punch), SOURCE, {0: Performer(), 1: Performer()}, told.append)
    for t in np.arange(30) / 30:
        takes.add({face: moment(100 * height + t, 0.9 if begin <= t < end else 0.0, height)
                   for face, (begin, end) in seen_s.items()})
    finished(takes, told)


ALWAYS = (0.0, 9.0)


def jaw(folder: Path, name: str) -> tuple[float, np.ndarray]:
    """When the take begins, after the first face's, and its values."""
    take = read_take(folder / f"{name}.take")
    return take.source["begins_s"], take.raw.coefficients[:, coefficients.INDEX["jawOpen"]]


def test_a_part_is_played_again_by_every_face_in_the_same_take(tmp_path: Path):
    record(tmp_path, "a", {0: ALWAYS, 1: (0.2, 9.0)}, 0.2)
    into = {"punch_into": str(tmp_path / "a.take"), "at_s": 0.5}
    record(tmp_path, "b", {0: ALWAYS, 1: (0.3, 9.0)}, 0.8, **into)
    begins, first = jaw(tmp_path, "b")
    assert begins == 0 and len(first) == 45 and np.allclose(first[:15], 0.2) and np.allclose(first[20:], 0.8)
    begins, other = jaw(tmp_path, "b face 2")
    assert begins == pytest.approx(0.2) and len(other) == 39  # from 0.2 s to 1.5 s, of which 0.8 s on are new
    assert np.allclose(other[:18], 0.2) and np.allclose(other[24:], 0.8)


def test_a_face_that_a_part_does_not_see_or_sees_anew(tmp_path: Path):
    record(tmp_path, "a", {0: ALWAYS, 1: (0.6, 0.8)}, 0.2)
    into = {"punch_into": str(tmp_path / "a.take"), "at_s": 0.5}
    record(tmp_path, "unseen", {0: ALWAYS, 1: (8.0, 9.0)}, 0.8, **into)
    assert (tmp_path / "unseen face 2.take").read_bytes() == (tmp_path / "a face 2.take").read_bytes()
    record(tmp_path, "before", {0: ALWAYS, 1: ALWAYS}, 0.8, **{**into, "at_s": 0.1})
    begins, other = jaw(tmp_path, "before face 2")
    assert begins == pytest.approx(0.1) and len(other) == 30
    record(tmp_path, "alone", {0: ALWAYS, 1: (8.0, 9.0)}, 0.2)
    record(tmp_path, "anew", {0: ALWAYS, 1: (0.1, 9.0)}, 0.8, punch_into=str(tmp_path / "alone.take"), at_s=0.5)
    begins, other = jaw(tmp_path, "anew face 2")
    assert begins == pytest.approx(0.6) and len(other) == 27


@pytest.mark.parametrize("at_s", [-0.1, 3.1])
def test_a_part_outside_the_take_is_refused(tmp_path: Path, at_s: float):
    record(tmp_path, "a", {0: ALWAYS}, 0.2)
    with pytest.raises(SemblanceError, match="must begin between 0 and 0.97 s"):
        record(tmp_path, "b", {0: ALWAYS}, 0.2, punch_into=str(tmp_path / "a.take"), at_s=at_s)
    with pytest.raises(SemblanceError, match="Cannot read the take"):
        record(tmp_path, "b", {0: ALWAYS}, 0.2, punch_into=str(tmp_path / "none.take"))


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
