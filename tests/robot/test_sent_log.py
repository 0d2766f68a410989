from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot import sent_log
from addon.robot.sent_log import SentLog, sent_by_clip

from .making import desk_head


def _rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_only_what_changed_is_written_and_what_is_off_is_null(tmp_path):
    log = SentLog(desk_head(tmp_path), tmp_path / "log.jsonl")
    raw = np.array([1500.0, 1420.0, np.nan, np.nan])
    for k in range(5):
        log.frame(10 + k, "LIVE", np.zeros(4), raw)
    log.frame(20, "LIVE", np.zeros(4), raw + 1)
    log.event(21, "STOPPED", "why")
    log.close()
    rows = _rows(tmp_path / "log.jsonl")
    assert rows[0]["robot"] == "desk_head" and rows[0]["units"] == ["us"] * 4
    assert [row.get("raw") for row in rows[1:]] == [[1500, 1420, None, None], [1501, 1421, None, None], None]
    assert rows[-1] == {"t": 21, "event": "STOPPED", "text": "why"}


def test_the_log_before_is_kept_and_a_long_one_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(sent_log, "LARGEST_BYTES", 3000)
    path, robot = tmp_path / "log.jsonl", desk_head(tmp_path)
    log = SentLog(robot, path)
    for k in range(200):
        log.frame(k, "LIVE", np.zeros(4), np.full(4, 1500.0 + k))
    log.close()
    assert path.stat().st_size < 3500 and (tmp_path / "log.before.jsonl").stat().st_size < 3500
    assert _rows(path)[0]["schema"] == _rows(tmp_path / "log.before.jsonl")[0]["schema"] == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    log = SentLog(desk_head(tmp_path), tmp_path / "file" / "log.jsonl")
    log.frame(0, "LIVE", np.zeros(4), np.zeros(4))
    log.close()
    assert "is not written down: cannot write" in log.problem


def _played(tmp_path, moments):
    robot, path = desk_head(tmp_path), tmp_path / "log.jsonl"
    log = SentLog(robot, path)
    for k, clip_s in enumerate(moments):
        log.frame(10 + k, "LIVE", np.zeros(4), np.array([1500.0 + k, np.nan, 0, 0]), clip_s)
    log.event(99, "RESTING", "ends")
    log.close()
    return robot, path


def test_what_was_sent_is_found_by_the_moments_of_the_clip(tmp_path):
    robot, path = _played(tmp_path, [None, 0.0, 0.0, 0.02, 0.04, None])
    moments_s, raw = sent_by_clip(path, robot)
    assert moments_s.tolist() == [0.0, 0.0, 0.02, 0.04]
    assert raw[:, 0].tolist() == [1501, 1502, 1503, 1504] and np.isnan(raw[:, 1]).all()


def test_of_two_performances_the_last_counts(tmp_path):
    robot, path = _played(tmp_path, [0.0, 0.5, 0.0, 0.25])
    moments_s, raw = sent_by_clip(path, robot)
    assert moments_s.tolist() == [0.0, 0.25] and raw[:, 0].tolist() == [1502, 1503]


def test_a_log_without_a_performance_and_one_of_another_head_are_refused(tmp_path):
    robot, path = _played(tmp_path, [None, None])
    with pytest.raises(SemblanceError, match="tells of no performance"):
        sent_by_clip(path, robot)
    path.write_text(path.read_text(encoding="utf-8").replace('"jaw"', '"beak"'), encoding="utf-8")
    with pytest.raises(SemblanceError, match="tells of the robot 'desk_head', not of"):
        sent_by_clip(path, robot)
    with pytest.raises(SemblanceError, match="Cannot read what was sent"):
        sent_by_clip(tmp_path / "none.jsonl", robot)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 1000), noise=st.binary(max_size=12), cut=st.booleans())
def test_a_damaged_log_is_one_sentence_or_still_makes_sense(tmp_path, at, noise, cut):
    robot, path = _played(tmp_path, [0.0, 0.02, 0.04])
    data = path.read_bytes()
    at %= len(data)
    path.write_bytes(data[:at] + noise + (b"" if cut else data[at:]))
    try:
        moments_s, raw = sent_by_clip(path, robot)
    except SemblanceError:
        return
    assert raw.shape == (len(moments_s), 4) and len(moments_s)
