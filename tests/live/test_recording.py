"""Takes recorded live: by the source's times, safe from a crash, and replaced in part."""
from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.coefficients import INDEX
from addon.core.errors import SemblanceError
from addon.core.frames import FaceFrame
from addon.core.take import Take, read_take, write_take
from addon.expression.calibration import Calibration
from addon.live import recording
from addon.live.live_performance import Moment
from addon.live.recording import UNFINISHED, Recorder, recover
from addon.live.splicing import SEAM_S, splice

from ..conftest import ROOT
from ..core.making import a_take
from .making import a_performance, an_expression, heard

INFO = {"kind": "camera", "name": "camera 0", "width": 64, "height": 48, "frame_count": None, "fps": 30.0}
DOOR = INFO | {"kind": "osc", "width": 0, "height": 0}
JAW = INDEX["jawOpen"]


def moments(times_s: np.ndarray, jaw: float = 0.5, face: bool = True) -> list[Moment]:
    made = []
    for time_s in times_s:
        raw = an_expression(float(time_s), jawOpen=jaw)
        points = np.full((478, 3), time_s, np.float32)
        seen = FaceFrame(float(time_s), True, points, 1.0, np.zeros((128, 128, 3), np.uint8)) if face else None
        made.append(Moment(float(time_s), seen, raw, raw))
    return made


def recorded(path: Path, times_s: np.ndarray, jaw: float = 0.5, face: bool = True, **options: object) -> Take:
    recorder = Recorder(path, INFO if face else DOOR, {"expression": "e 1"}, Calibration(), **options)
    for moment in moments(times_s, jaw, face):
        recorder.add(moment)
    return recorder.finish()[1]


def unfinished(folder: Path) -> list[Path]:
    return list(folder.glob(f".*{UNFINISHED}"))


def test_a_take_keeps_the_source_s_times(tmp_path: Path) -> None:
    times = 700 + np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 40))  # a camera that runs since long, unevenly
    take = recorded(tmp_path / "new" / "a", times)
    assert np.array_equal(take.times_s, times) and take.source["first_frame_time_s"] == times[0]
    again = read_take(tmp_path / "new" / "a.take")
    assert np.array_equal(again.raw.coefficients, take.raw.coefficients) and again.landmarks.shape == (40, 478, 3)
    assert again.landmarks[3, 0, 0] == np.float32(times[3]) and again.models == {"expression": "e 1"}
    assert again.source["kind"] == "camera" and again.source["frame_count"] == 40 and again.source["markers"] == []
    assert not unfinished(tmp_path / "new")


def test_29_97_frames_a_second_end_where_they_should(tmp_path: Path) -> None:
    from addon.core.timeline import resample

    take = recorded(tmp_path / "a.take", np.arange(900) * 1001 / 30000)
    frames, _ = resample(take.times_s, take.smoothed.coefficients, 1, 24)
    assert abs(frames[-1] - (1 + take.times_s[-1] * 24)) <= 1


def test_countdown_length_and_markers(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration(), countdown_s=1.0)
    assert recorder.countdown_s == 1 and recorder.recorded_s == 0 and recorder.first_frame_time_s is None
    for i, moment in enumerate(moments(5 + np.arange(60) / 30)):
        recorder.add(moment)
        if i == 14:
            assert recorder.countdown_s == pytest.approx(1 - 14 / 30) and recorder.frames == 0
            recorder.mark("too early")
        if i == 44:
            recorder.mark("clap")
            recorder.mark("line 2: Ünï")
    assert recorder.countdown_s == 0 and recorder.frames == 30 and recorder.first_frame_time_s == pytest.approx(6)
    assert recorder.recorded_s == pytest.approx(29 / 30)
    _, take = recorder.finish()
    assert take.times_s[0] == pytest.approx(6) and len(take) == 30
    assert take.source["markers"] == [[pytest.approx(6.0), "too early"], [pytest.approx(5 + 44 / 30), "clap"],
                                      [pytest.approx(5 + 44 / 30), "line 2: Ünï"]]


def test_frames_without_a_face_are_bridged_and_the_calibration_counts(tmp_path: Path) -> None:
    performance = a_performance()
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration())
    script = [*heard(performance, np.arange(10) / 30, jawOpen=0.2),
              *(performance.miss(i / 30) for i in range(10, 20)),
              *heard(performance, np.arange(20, 40) / 30, jawOpen=0.8)]
    for moment in script:
        recorder.add(moment)
    recorder.calibration = Calibration(gains={"jaw": 0.5})  # as set while it was recorded
    _, take = recorder.finish()
    jaw = take.raw.coefficients[:, JAW]
    assert take.found.tolist() == [True] * 10 + [False] * 10 + [True] * 20
    assert np.all(np.diff(jaw[9:21]) > 0) and np.isnan(take.landmarks).all()
    assert take.smoothed.coefficients[-1, JAW] == pytest.approx(0.4, abs=0.01)
    assert take.calibration["gains"] == {"jaw": 0.5}


def test_what_comes_through_a_door_has_no_landmarks(tmp_path: Path) -> None:
    assert recorded(tmp_path / "a.take", np.arange(5) / 60, face=False).landmarks.shape == (0, 478, 3)


def test_nothing_recorded_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration(), countdown_s=3)
    recorder.add(moments(np.array([0.0]))[0])
    with pytest.raises(SemblanceError, match="Nothing was recorded"):
        recorder.finish()
    performance = a_performance()
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration())
    for i in range(5):
        recorder.add(performance.miss(i / 30))
    with pytest.raises(SemblanceError, match="No face was seen while it was recorded"):
        recorder.finish()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SemblanceError, match="Cannot write"):
        Recorder(tmp_path / "file" / "a.take", INFO, {}, Calibration())


def test_a_disk_that_fills_up_loses_nothing_that_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration())
    script = moments(np.arange(10) / 30)
    for moment in script[:6]:
        recorder.add(moment)

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, data: bytes) -> int:
            self.file.write(data[:1000])  # a row that was cut off
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            self.file.close()

    monkeypatch.setattr(recorder, "_file", Full(recorder._file))
    with pytest.raises(SemblanceError, match=r"Cannot record '.*a\.take' any further: No space left on device"):
        recorder.add(script[6])
    recorder.add(script[7])  # said once; nothing is written behind half a row
    assert len(recorder.finish()[1]) == 6


# Crashes

_CHILD = """
import sys, time
import numpy as np
from pathlib import Path
from addon.expression.calibration import Calibration
from addon.live.recording import Recorder
from tests.live.test_recording import INFO, moments
recorder = Recorder(Path(sys.argv[1]) / "kept.take", INFO, {"expression": "e 1"}, Calibration(gains={"jaw": 0.5}))
for moment in moments(np.arange(20) / 30):
    recorder.add(moment)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_name_with_a_dot_stays(tmp_path: Path) -> None:
    recorded(tmp_path / "line 2.5", np.arange(3) / 30)
    assert (tmp_path / "line 2.5.take").is_file()


def test_a_part_whose_take_is_gone_is_recovered_alone(tmp_path: Path) -> None:
    recorded(tmp_path / "a.take", np.arange(30) / 30)
    recorder = Recorder(tmp_path / "b.take", INFO, {}, Calibration(), punch_into=tmp_path / "a.take", at_s=0.5)
    for moment in moments(np.arange(6) / 30):
        recorder.add(moment)
    (tmp_path / "a.take").unlink()
    with pytest.raises(SemblanceError, match=r"Cannot read the take '.*a\.take'"):
        recorder.finish()
    (path,), sentences = recover(tmp_path)
    assert path.name == "b recovered.take" and len(read_take(path)) == 6 and sentences == []


@pytest.mark.skipif(os.name == "nt", reason="no kill -9 on this system")
def test_a_recording_survives_kill_9(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout and child.stdout.readline() == "ready\n"
        assert recover(tmp_path) == ([], []) and len(unfinished(tmp_path)) == 1  # it is still going on
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    finally:
        child.kill()
        child.wait(10)
        child.stdout.close()
    write_take(a_take(), tmp_path / "kept recovered.take")  # of an earlier crash
    (path,), sentences = recover(tmp_path)
    assert sentences == [] and path.name == "kept recovered 2.take" and not unfinished(tmp_path)
    take = read_take(path)
    assert len(take) == 20 and take.smoothed.coefficients[10, JAW] == pytest.approx(0.25, abs=0.01)
    assert take.models == {"expression": "e 1"}
    assert recover(tmp_path) == ([], [])


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("left")
    recorder = Recorder(folder / "a.take", DOOR, {}, Calibration())
    for moment in moments(np.arange(8) / 30, face=False):
        recorder.add(moment)
    return unfinished(folder)[0]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_recordings_are_recovered_or_named(tmp_path: Path, left_behind: Path, data: st.DataObject) -> None:
    content = bytearray(left_behind.read_bytes())
    del content[data.draw(st.integers(0, len(content))):]
    for _ in range(data.draw(st.integers(0, 6))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / f".a.0{UNFINISHED}").write_bytes(content)
    takes, sentences = recover(tmp_path)
    assert len(takes) + len(sentences) <= 1 and not unfinished(tmp_path)
    for take in map(read_take, takes):
        assert all(b > a for a, b in itertools.pairwise(take.times_s)) and np.isfinite(take.smoothed.coefficients).all()
    for sentence in sentences:
        assert f".a.0{UNFINISHED}" in sentence and "\n" not in sentence
    for path in takes:
        path.unlink()


# Punching in


def long_take(path: Path, count: int = 90, jaw: float = 0.2, begin: float = 40.0) -> Take:
    recorder = Recorder(path, INFO, {}, Calibration())
    for i, moment in enumerate(moments(begin + np.arange(count) / 30, jaw)):
        recorder.add(moment)
        if i in (10, 40, 80):
            recorder.mark(f"mark {i}")
    return recorder.finish()[1]


def test_punching_in_replaces_only_its_range_and_blends_the_seams(tmp_path: Path) -> None:
    old = long_take(tmp_path / "a.take")
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration(), punch_into=tmp_path / "a.take", at_s=1.0)
    for moment in moments(9 + np.arange(31) / 30, 0.9):
        recorder.add(moment)
    recorder.mark("new")
    path, new = recorder.finish()
    assert path == tmp_path / "a.take" and len(new) == 90
    assert np.allclose(new.times_s, old.times_s, atol=1e-9)
    inside = (old.times_s > 41 - 1e-6) & (old.times_s < 42 + 1e-6)
    for half in ("raw", "smoothed"):
        for name, values in vars(getattr(old, half)).items():
            if name != "times_s":
                assert np.array_equal(getattr(getattr(new, half), name)[~inside], values[~inside]), name
        jaw = getattr(new, half).coefficients[:, JAW]
        assert jaw[inside][15] == pytest.approx(0.9, abs=0.01)
        assert np.abs(np.diff(jaw)).max() < 0.7 * 0.45
        assert np.ptp(jaw[inside][math.ceil(SEAM_S * 30):-math.ceil(SEAM_S * 30)]) < 1e-6
    assert np.array_equal(new.landmarks[~inside], old.landmarks[~inside])
    assert [text for _, text in new.source["markers"]] == ["mark 10", "mark 40", "new", "mark 80"]
    assert new.source["markers"][2][0] == pytest.approx(42.0)
    assert [(p["begin_s"], p["end_s"]) for p in new.source["parts"]] == [(pytest.approx(41), pytest.approx(42))]
    again = read_take(path)
    assert np.array_equal(again.smoothed.coefficients, new.smoothed.coefficients)


def test_punching_in_at_the_ends_and_beyond(tmp_path: Path) -> None:
    old = long_take(tmp_path / "a.take")
    at_begin = recorded(tmp_path / "b.take", np.arange(10) / 30, 0.9, punch_into=tmp_path / "a.take", at_s=0.0)
    assert at_begin.times_s[0] == old.times_s[0] and len(at_begin) == 90
    assert at_begin.raw.coefficients[0, JAW] == pytest.approx(0.9)  # nothing before it to grow out of
    beyond = recorded(tmp_path / "b.take", np.arange(60) / 30, 0.9, punch_into=tmp_path / "a.take", at_s=2.0)
    assert beyond.times_s[-1] - beyond.times_s[0] == pytest.approx(2 + 59 / 30)
    assert beyond.raw.coefficients[-1, JAW] == pytest.approx(0.9)
    for at_s in (-0.1, 3.1, math.nan):
        with pytest.raises(SemblanceError, match="must begin between 0 and 2.97 s after its first frame"):
            recording.check_punch(old, at_s, tmp_path / "a.take")


def test_a_part_with_landmarks_in_a_take_without(tmp_path: Path) -> None:
    recorded(tmp_path / "door.take", np.arange(60) / 60, face=False)
    take = recorded(tmp_path / "b.take", np.arange(10) / 30, punch_into=tmp_path / "door.take", at_s=0.5)
    assert take.landmarks.shape == (len(take), 478, 3)
    assert np.isnan(take.landmarks[take.times_s < 0.49]).all() and np.isfinite(take.landmarks[31]).all()
    write_take(take, tmp_path / "c.take")


steps_s = st.lists(st.floats(0.004, 0.3), min_size=1, max_size=20)


@settings(max_examples=60)
@given(steps_s, steps_s, st.floats(-1, 2), st.floats(-1e4, 1e4))
def test_any_part_at_any_place_keeps_times_rising(
    old_steps: list[float], new_steps: list[float], share: float, begin: float
) -> None:
    old, new = (a_take(len(steps) + 1) for steps in (old_steps, new_steps))
    old, new = (_timed(take, first + np.concatenate([[0], np.cumsum(steps)]))
                for take, steps, first in ((old, old_steps, begin), (new, new_steps, 3.0)))
    at_s = share * (old.times_s[-1] - old.times_s[0])
    joined = splice(old, new, at_s)
    assert np.all(np.diff(joined.times_s) > 0) and np.isfinite(joined.smoothed.coefficients).all()
    assert len(joined.found) == len(joined.landmarks) == len(joined) >= len(new)
    low = min(old.raw.coefficients.min(), new.raw.coefficients.min())
    assert joined.raw.coefficients.min() >= low - 1e-6


def _timed(take: Take, times_s: np.ndarray) -> Take:
    return replace(take, raw=replace(take.raw, times_s=times_s), smoothed=replace(take.smoothed, times_s=times_s))


def test_ten_minutes_are_no_trouble(tmp_path: Path) -> None:
    """A tenth of it, at a tenth of the time that it may take beside a camera."""
    recorder = Recorder(tmp_path / "a.take", INFO, {}, Calibration())
    script = moments(np.arange(1800) / 30)
    begin = time.perf_counter()
    for moment in script:
        recorder.add(moment)
    assert time.perf_counter() - begin < 1.8
    header = json.loads(unfinished(tmp_path)[0].open("rb").readline())
    assert header["format"] == recording._FORMAT
    _, take = recorder.finish()
    assert len(take) == 1800
