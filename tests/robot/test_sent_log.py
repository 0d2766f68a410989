from __future__ import annotations

import json

import numpy as np

from addon.robot import sent_log
from addon.robot.sent_log import SentLog

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
