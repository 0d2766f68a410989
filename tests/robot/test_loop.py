from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.robot.head import LIMP_TRIES, WATCHDOG_S
from addon.robot.links import LinkFault
from addon.robot.loop import ENABLE_APART_S
from addon.robot.map_reading import read_map
from addon.robot.messages import Jog, Play, Target
from addon.robot.sent_log import SentLog
from addon.robot.states import State

from .making import Bench, desk_head


@pytest.fixture
def bench(tmp_path):
    return Bench(desk_head(tmp_path))


@pytest.fixture
def live(bench):
    return bench.to_live()


def _as_bus(bench):
    """Servos that can tell where they stand."""
    for link in bench.links.values():
        link._settings = type(link._settings)(**{**vars(link._settings), "dialect": ""})


def test_nothing_moves_before_it_is_armed(bench):
    bench.loop.connect()
    bench.run(2, jawOpen=1.0)
    assert bench.loop.state is State.LIMP and bench.links["face"].sent == []


def test_a_limp_head_tells_where_it_was_turned_to(bench):
    bench.loop.connect()
    _as_bus(bench)
    bench.loop.newest = None
    bench.run(0.5, frames=False)
    told = bench.loop.newest
    assert told is not None and np.isnan(told.raw).all() and np.isfinite(told.read).all()
    assert np.abs(told.read).max() > 0.05 and bench.links["face"].sent == []


def test_it_follows(live):
    sent = live.run(1, jawOpen=0.5, eyeBlinkLeft=1.0)
    assert live.loop.state is State.LIVE
    assert sent[-1] == pytest.approx([0, -1, 0.62, 0], abs=1e-6)
    assert live.links["face"].sent[-1] == {1: 1500, 2: 1900, 3: 1698, 4: 1510}


def test_arming_does_not_jump(bench):
    """Whatever the first live pose is, the head leaves its place as slowly as its limits and the blend say."""
    bench.loop.connect()
    bench.loop.arm()
    sent = np.array(bench.run(3, jawOpen=1.0, eyeBlinkLeft=1.0, gazePitchLeft=0.5))
    assert np.abs(np.diff(sent, axis=0)).max() < 0.05
    assert np.abs(sent[:10]).max() < 0.02 and sent[-1] == pytest.approx([1, -1, 1, 0], abs=1e-3)


def test_arming_begins_where_the_motors_stand(bench):
    bench.loop.connect()
    _as_bus(bench)
    hangs = bench.head.positions()
    assert np.abs(hangs).max() > 0.05
    bench.loop.arm()
    sent = bench.run(0.1)
    assert sent[0] == pytest.approx(hangs, abs=1e-3)


def test_an_arm_while_frames_come_switches_the_motors_on(live):
    """After a stop, too: nobody may believe that it is live while nothing is sent."""
    live.loop.stop("test")
    live.run(0.5)
    assert live.links["face"].sent[-1:] and not live.links["face"].on
    live.say()
    live.loop.arm()
    sent = np.array(live.run(3, jawOpen=1.0))
    assert live.loop.state is State.LIVE and live.links["face"].on
    assert live.links["face"].sent[-1][3] == 1820 and np.abs(np.diff(sent, axis=0)).max() < 0.05


def test_groups_are_switched_on_one_after_the_other(bench):
    bench.loop.connect()
    bench.loop.arm()
    times = []
    for _ in range(20):
        bench.run(0.02)
        times.append(int(bench.head.enabled.sum()))
        if len(times) == 1:
            assert "hobby servos jump there" in bench.loop.status().reason
    assert times[0] == 2 and times[-1] == 4 and times.index(4) * 0.02 >= ENABLE_APART_S - 0.03
    assert bench.links["face"]._watchdog_s == WATCHDOG_S


@pytest.fixture
def heavy(tmp_path):
    """A head whose lip falls from anywhere but its lower end."""
    desk_head(tmp_path)
    path = tmp_path / "actuators.toml"
    text = path.read_text(encoding="utf-8").replace('name = "lip"', 'name = "lip"\nrest = -0.8')
    path.write_text(text.replace("rate_hz = 50", "rate_hz = 50\nlimp_after_s = 3"), encoding="utf-8")
    return Bench(read_map(path))


def test_a_heavy_head_is_laid_down_before_its_torque_goes(heavy):
    heavy.to_live(mouthLowerDownLeft=0.5)
    heavy.loop.disarm()
    heavy.run(2, mouthLowerDownLeft=0.5)
    assert heavy.loop.state is State.LIMP and not heavy.links["face"].on
    lips = [frame[4] for frame in heavy.links["face"].sent[-60:]]
    assert lips[-1] == pytest.approx(1510 - 0.8 * 210, abs=4) and np.abs(np.diff(lips)).max() < 12


def test_a_heavy_head_without_frames_looks_ahead_until_it_is_laid_down(heavy):
    heavy.to_live()
    assert heavy.run(3, frames=False)[-1] == pytest.approx([0, 0, 0, 0], abs=1e-3)
    assert heavy.loop.state is State.RESTING
    heavy.run(4, frames=False)
    assert heavy.loop.state is State.LIMP
    assert heavy.links["face"].sent[-1][4] == pytest.approx(1510 - 0.8 * 210, abs=4)


def test_a_heavy_head_is_woken_where_it_lies(heavy):
    heavy.loop.connect()
    heavy.loop.arm()
    assert heavy.run(0.1)[0] == pytest.approx([0, 0, 0, -0.8])


def test_stop_does_not_wait_for_a_heavy_head(heavy):
    heavy.to_live()
    heavy.loop.stop("now")
    assert not heavy.links["face"].on and heavy.loop.state is State.STOPPED


def test_without_frames_it_holds_then_rests_then_goes_limp(live):
    live.run(1, jawOpen=0.5)
    held = live.run(0.5, frames=False)
    assert live.loop.state is State.HOLD and held[-1][2] == pytest.approx(0.62, abs=0.01)
    rested = live.run(3, frames=False)
    assert live.loop.state is State.RESTING and rested[-1] == pytest.approx([0, 0, 0, 0], abs=1e-3)
    live.run(30, frames=False)
    assert live.loop.state is State.LIMP and not live.links["face"].on


def test_holding_is_a_standstill_not_a_frozen_jump(live):
    moving = live.run(0.12, jawOpen=1.0)
    after = live.run(0.6, frames=False)
    path = np.array([*moving, *after])[:, 2]
    accel = np.diff(path, 2) / live.loop.period_s**2
    assert np.abs(accel).max() <= 160 * 1.01
    assert path[-1] == pytest.approx(path[-5])


def test_a_frame_that_is_wrong_is_refused_whole(live):
    names = live.robot.control_names
    values = np.zeros(len(names))
    values[0] = np.nan
    live.run(0.5, jawOpen=0.5)
    before, at = live.loop.newest.sent, live.clock()
    live.loop.target(Target(names, at, live.sequence + 1, values))
    live.loop.target(Target(names, at - 0.2, live.sequence + 2, np.zeros(len(names))))
    live.loop.target(Target(names, at, live.sequence, np.zeros(len(names))))
    live.loop.target(Target(("nose",), at, live.sequence + 3, np.zeros(1)))
    live.loop.tick()
    assert live.loop.newest.sent == pytest.approx(before, abs=1e-3)
    status = live.loop.status()
    assert status.refused == 4 and "'nose', which the map does not know" in status.problem


def test_a_hot_servo_warns_backs_off_and_then_stops_the_head(tmp_path):
    bench = Bench(desk_head(tmp_path), "hot:3@1").to_live()
    sent = bench.run(1.2, jawOpen=1.0)
    assert bench.loop.state is State.LIVE and "warm" in bench.loop.status().faults[0]
    assert sent[-1][2] == pytest.approx(0.6, abs=0.01)
    bench.run(2, jawOpen=1.0)
    assert bench.loop.state is State.STOPPED and "'jaw'" in bench.loop.status().reason
    assert not bench.links["face"].on
    bench.loop.arm()
    bench.run(1)
    assert bench.loop.state is State.STOPPED, "not while the error is there"
    assert bench.loop.status().reason.startswith("Still stopped: The servo of 'jaw'")


def test_a_stuck_servo_stops_the_head(tmp_path):
    bench = Bench(desk_head(tmp_path), "stuck:3@2").to_live()
    bench.run(3, jawOpen=1.0)
    assert bench.loop.state is State.STOPPED and "does not move" in bench.loop.status().reason


def test_unplugged_in_motion_stops_and_arming_opens_the_link_again(tmp_path):
    bench = Bench(desk_head(tmp_path), "unplugged@4").to_live()
    bench.run(2, jawOpen=1.0)
    assert bench.loop.state is State.STOPPED and "unplugged" in bench.loop.status().reason
    assert not bench.links["face"].on
    bench.links["face"]._wanted = []
    bench.loop.arm()
    bench.run(3)
    assert bench.loop.state is State.LIVE


@pytest.mark.parametrize("faults", ["lost", "late"])
def test_lost_bytes_and_late_reads_are_lived_with(tmp_path, faults, monkeypatch):
    monkeypatch.setattr("addon.robot.links.simulated.time.sleep", lambda seconds: None)
    bench = Bench(desk_head(tmp_path), faults).to_live()
    bench.run(2, jawOpen=0.5)
    assert bench.loop.state is State.LIVE


def test_stop_survives_write_timeout(tmp_path):
    """The write that fails is what stops the head; switching off must still be tried, and succeed."""
    bench = Bench(desk_head(tmp_path), "timeout@4").to_live()
    bench.run(2, jawOpen=1.0)
    assert bench.loop.state is State.STOPPED and "took longer than" in bench.loop.status().reason
    assert not bench.links["face"].on


def test_switching_off_is_tried_five_times_and_a_failure_is_told(live):
    link, tries = live.links["face"], []

    def fails():
        tries.append(1)
        raise LinkFault("Nobody listens.")

    link.limp = fails
    live.loop.stop("Stop was pressed.")
    assert len(tries) == LIMP_TRIES
    assert "use the switch of its supply" in live.loop.status().problem
    assert live.loop.status().reason == "Stop was pressed." and live.loop.state is State.STOPPED
    live.say()
    live.loop.arm()
    assert live.loop.status().problem == "", "the link was opened again and answers"


def test_a_mistake_of_ours_stops_the_head(live, monkeypatch):
    monkeypatch.setattr(live.loop._shaper, "step", lambda target: 1 / 0)
    live.run(0.02)
    assert live.loop.state is State.STOPPED and "division by zero" in live.loop.status().reason
    assert not live.links["face"].on


def test_signal_during_write_still_goes_limp(live):
    """A signal's handler only sets a flag; but even what raises in the middle of a frame leaves the link usable."""
    link = live.links["face"]
    whole = link.send

    def interrupted(raw):
        whole(dict(list(raw.items())[:1]))
        raise InterruptedError("signal")

    link.send = interrupted
    live.run(0.02)
    assert live.loop.state is State.STOPPED and not link.on


def test_a_performance_waits_for_the_head_and_plays_to_its_end(bench):
    times_s = np.linspace(0, 1, 31)
    values = np.sin(times_s * np.pi)[:, None].astype(np.float32)
    bench.loop.connect()
    names = list(bench.robot.control_names)
    track = np.zeros((31, len(names)), np.float32)
    track[:, names.index("jawOpen")] = values[:, 0]
    bench.loop.play(Play(tuple(names), times_s, track))
    assert not bench.loop.clip_ended
    bench.loop.arm()
    sent = np.array(bench.run(5, frames=False))
    assert sent[:, 2].max() > 0.95 and bench.loop.clip_ended
    assert bench.loop.status().playing == ""
    bench.run(2, frames=False)
    assert bench.loop.state is State.RESTING


def test_what_was_played_is_over_after_a_stop(bench):
    names = bench.robot.control_names
    bench.loop.connect()
    bench.loop.play(Play(names, np.array([0.0, 60.0]), np.zeros((2, len(names)), np.float32)))
    bench.loop.arm()
    bench.run(3, frames=False)
    assert bench.loop.state is State.LIVE
    bench.loop.stop("test")
    bench.run(0.2, frames=False)
    bench.loop.arm()
    bench.run(1, frames=False)
    assert bench.loop.state is State.LIMP and "waits for a frame" in bench.loop.status().reason


def test_live_goes_before_a_clip_and_takes_over_through_a_blend(bench):
    names = bench.robot.control_names
    track = np.zeros((2, len(names)), np.float32)
    track[:, names.index("jawOpen")] = 1.0
    bench.loop.connect()
    bench.loop.play(Play(names, np.array([0.0, 60.0]), track))
    bench.loop.arm()
    assert bench.run(3, frames=False)[-1][2] == pytest.approx(1, abs=0.01)
    assert bench.loop.status().playing == "clip"
    sent = np.array(bench.run(1, jawOpen=0.0))
    assert bench.loop.status().playing == "live"
    assert np.abs(np.diff(sent[:, 2])).max() < 0.2 and sent[-1][2] == pytest.approx(0, abs=0.01)


def test_a_performance_that_names_a_wrong_control_is_refused(bench):
    with pytest.raises(SemblanceError, match="'nose'"):
        bench.loop.play(Play(("nose",), np.array([0.0]), np.zeros((1, 1), np.float32)))


def test_jogging_moves_one_actuator(bench):
    bench.loop.connect()
    bench.loop.arm()
    for _ in range(100):
        bench.loop.jog(Jog("lip", -0.5))
        sent = bench.run(0.04, frames=False)
    assert sent[-1] == pytest.approx([0, 0, 0, -0.5], abs=1e-3)
    bench.run(3, frames=False)
    assert bench.loop.state is State.RESTING, "it must be said again"
    with pytest.raises(SemblanceError, match="cannot jog 'ear'"):
        bench.loop.jog(Jog("ear", 0.1))
    with pytest.raises(SemblanceError, match="cannot jog 'lip' to 1.5"):
        bench.loop.jog(Jog("lip", 1.5))


def test_the_watchdog_of_the_hardware_bites_when_nobody_sends(live):
    live.clock.now_s += WATCHDOG_S + 0.1
    assert not live.links["face"].on


def test_closing_is_limp_and_harmless_twice(live):
    live.loop.close()
    live.loop.close()
    assert live.loop.state is State.DISCONNECTED and not live.links["face"].on and not live.links["face"].is_open


def test_what_was_sent_is_written_down(bench, tmp_path):
    path = tmp_path / "logs" / "desk.jsonl"
    bench.loop.log = SentLog(bench.robot, path)
    bench.to_live()
    bench.run(0.5, jawOpen=1.0)
    bench.loop.stop("Stop was pressed.")
    bench.loop.close()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["actuators"] == ["gaze_pitch", "lid", "jaw", "lip"]
    frames = [row for row in rows if "raw" in row]
    assert frames[-1]["raw"] == [float(v) for v in bench.links["face"].sent[-1].values()]
    assert frames[0]["raw"][2] is None, "the mouth was not switched on yet"
    events = [row["event"] for row in rows if "event" in row]
    assert events[0] == "LIMP" and "LIVE" in events and events[-2:] == ["STOPPED", "DISCONNECTED"]
    assert [row["t"] for row in rows[1:]] == sorted(row["t"] for row in rows[1:])


def test_a_full_disk_ends_the_log_not_the_motion(bench, tmp_path, monkeypatch):
    bench.loop.log = log = SentLog(bench.robot, tmp_path / "desk.jsonl")
    bench.to_live()

    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            pass

        close = flush

    log._file = Full()
    bench.run(0.2, jawOpen=1.0)
    assert bench.loop.state is State.LIVE and "No space left" in bench.loop.status().problem


@settings(max_examples=25)
@given(data=st.data())
def test_random_lives_never_leave_the_limits(tmp_path_factory, data):
    """Frames, silence, arms, stops and faults in any order: what arrives at the link is always inside."""
    bench = Bench(desk_head(tmp_path_factory.mktemp("head")),
                  data.draw(st.sampled_from(["", "lost", "stuck:3@1", "timeout@2", "unplugged@2", "hot@1"])))
    bench.loop.connect()
    link, names = bench.links["face"], list(bench.robot.control_names)
    for _ in range(data.draw(st.integers(1, 15))):
        match data.draw(st.sampled_from(["frames", "silence", "arm", "stop", "disarm", "wild"])):
            case "frames":
                at = data.draw(st.dictionaries(st.sampled_from(names), st.floats(-2, 2), max_size=6))
                bench.run(data.draw(st.floats(0.02, 1.5)), **at)
            case "silence":
                bench.run(data.draw(st.floats(0.02, 1.5)), frames=False)
            case "arm":
                bench.loop.arm()
            case "stop":
                bench.loop.stop("test")
                assert not link.on
            case "disarm":
                bench.loop.disarm()
            case "wild":
                wild = np.array(data.draw(st.lists(st.floats(), min_size=len(names), max_size=len(names))))
                bench.sequence += 1
                bench.loop.target(Target(tuple(names), bench.clock(), bench.sequence, wild))
        if bench.loop.state in (State.LIMP, State.STOPPED, State.DISCONNECTED):
            assert not link.on
    for frame in link.sent:
        for channel, value in frame.items():
            limits = bench.robot.channels("face")[channel]
            assert limits.low <= value <= limits.high and value == round(value)
