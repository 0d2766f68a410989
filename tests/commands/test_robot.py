from __future__ import annotations

import argparse
import json
import time

import numpy as np
import pytest

from addon.commands.__main__ import main
from addon.commands.robot import add_arguments, chosen_robot
from addon.commands.robot_feed import WorkerFeed
from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
from addon.core.live_link import write_live_link
from addon.core.take import Take
from addon.live.client import Update
from addon.live.for_robots import performance
from addon.live.messages import Controls, ExpressionSeen
from addon.robot.map_reading import ROBOTS, find_map
from addon.robot.messages import Follow
from addon.robot.one_writer import running
from addon.robot.sent_log import sent_by_clip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))
    return tmp_path


@pytest.fixture
def take():
    """A second in which the jaw opens."""
    times_s = np.arange(30) / 30
    values = np.zeros((30, coefficients.COUNT), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = np.linspace(0.2, 0.9, 30)
    track = ExpressionTrack(times_s, values, np.zeros((30, EMBEDDING_SIZE), np.float32),
                            np.zeros((30, 2, 2), np.float32), np.zeros((30, 3), np.float32), np.ones(30, np.float32))
    return Take(np.ones(30, bool), np.empty((0, LANDMARK_COUNT, 3), np.float32), track, track, {})


@pytest.fixture
def quick(tmp_path):
    """The hobby head, blending faster."""
    text = (ROBOTS / "maestro_head" / "actuators.toml").read_text(encoding="utf-8")
    path = tmp_path / "quick.toml"
    path.write_text(text.replace("arm_blend_s = 1.5", "arm_blend_s = 0.3"), encoding="utf-8")
    return path


def _parsed(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_maps_lists_all_designs_and_checks_those_that_are_named(tmp_path, capsys):
    assert main(["robot", "maps"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("ameca_like", "bus_head", "maestro_head")) and "Note:" not in shown
    assert main(["robot", "maps", "bus_head"]) == 0
    assert "controls move nothing" in capsys.readouterr().out
    wrong = tmp_path / "actuators.toml"
    wrong.write_text("schema = 1\nnaem = 'x'\n", encoding="utf-8")
    assert main(["robot", "maps", str(wrong)]) == 1
    assert "line 2: key 'naem' is unknown here" in capsys.readouterr().out


def test_a_take_is_played_on_simulated_servos_and_the_head_ends_limp(tmp_path, take, quick, capsys):
    write_live_link(take, tmp_path / "clip.csv")
    assert main(["robot", "play", str(tmp_path / "clip.csv"), "--robot", str(quick), "--arm"]) == 0
    shown = capsys.readouterr().out
    assert "18 actuators; nothing moves yet" in shown and "LIMP: At rest and limp" in shown
    log = tmp_path / "user" / "logs" / "maestro_head.jsonl"
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert max(row["raw"][10] or 0 for row in rows if "raw" in row) > 1700
    moments_s, raw = sent_by_clip(log, find_map(str(quick)))
    assert moments_s[0] == 0 and moments_s[-1] == pytest.approx(29 / 30, abs=0.03) and np.isfinite(raw[-1]).all()
    assert running() == []


def test_without_a_yes_nothing_moves(tmp_path, take, quick, capsys):
    write_live_link(take, tmp_path / "clip.csv")
    assert main(["robot", "play", str(tmp_path / "clip.csv"), "--robot", str(quick)]) == 1
    assert "only with --arm" in capsys.readouterr().err
    assert '"raw"' not in (tmp_path / "user" / "logs" / "maestro_head.jsonl").read_text(encoding="utf-8")


def test_a_head_that_stops_is_told(tmp_path, take, quick, capsys):
    write_live_link(take, tmp_path / "clip.csv")
    command = ["robot", "play", str(tmp_path / "clip.csv"), "--robot", str(quick), "--arm", "--fault", "unplugged@1"]
    assert main(command) == 1
    assert "The head was stopped: The simulated link 'face' does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("job", ["rest", "stop"])
def test_rest_and_stop_say_when_there_is_nothing(job, capsys):
    assert main(["robot", job]) == 0
    assert capsys.readouterr().out == "No robot process runs here.\n"


def test_rest_and_stop_reach_every_head(quick, capsys):
    from addon.core.processes import child_environment
    from addon.robot.client import RobotClient

    client = RobotClient.start(["--robot", str(quick)], child_environment())
    try:
        until_s = time.monotonic() + 20
        while not client.poll().status and time.monotonic() < until_s:
            time.sleep(0.02)
        assert main(["robot", "rest"]) == 0
        assert "maestro_head on simulated" in (shown := capsys.readouterr().out) and ": LIMP" in shown
        assert main(["robot", "stop"]) == 0
        assert "maestro_head on simulated" in (shown := capsys.readouterr().out) and "STOPPED" in shown
    finally:
        client.wait_end()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--robot", "hall"], "There is no robot 'hall'"),
        (["--robot", "bus_head", "--link", "unit"], "name it with --unit"),
        (["--robot", "bus_head", "--link", "COM3", "--fault", "late"], "simulated link only"),
        (["--robot", "bus_head", "--unit", "head-007"], "No unit 'head-007'"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, sentence):
    with pytest.raises(SemblanceError, match=sentence):
        chosen_robot(_parsed("serve", *arguments))


def test_doctor_looks_and_moves_nothing(capsys):
    main(["robot", "doctor"])
    assert "'serial' for serial ports" in capsys.readouterr().out


def test_a_character_drives_its_head_through_its_decoder(take):
    played = performance(find_map("maestro_by_pip"), take.smoothed)
    pip = played.names.index("jaw_open")
    assert played.values.shape == (30, 53) and played.values[15, pip] < -0.03


class _Client:
    """What a feed needs of a live client."""

    state, sentence = "connected", ""

    def __init__(self, **update):
        self._updates = [Update(**update)]

    def poll(self):
        return self._updates.pop() if self._updates else Update()


@pytest.mark.parametrize("robot", ["bus_head", "maestro_by_pip"])
def test_a_feed_gives_the_newest_face_or_the_controls_of_the_character(robot, monkeypatch):
    seen = ExpressionSeen(1, 0.0, 12.5, 1.0, np.full(54, 0.25, np.float32), np.zeros((2, 2), np.float32),
                          np.zeros(3, np.float32))
    played = Controls("Pip", 0.0, 12.5, np.full(53, 0.5, np.float32))
    client = _Client(expressions={1: seen}, controls={"Pip": played})
    monkeypatch.setattr("addon.commands.robot_feed.LiveClient.join", lambda *_: client)
    feed = WorkerFeed(Follow(1, "t", "Pip", 1), find_map(robot))
    target = feed.newest()
    assert target.time_s == 12.5 and target.sequence == 1 and target.names == find_map(robot).control_names
    assert len(target.values) == len(target.names)
    assert feed.newest() is None and feed.problem == ""
    client.state, client.sentence = "ended", "The live worker has ended."
    assert feed.newest() is None and feed.problem == "The live worker has ended."
    again = _Client(expressions={1: seen}, controls={"Pip": played})
    monkeypatch.setattr("addon.commands.robot_feed.LiveClient.join", lambda *_: again)
    monkeypatch.setattr("addon.commands.robot_feed._AGAIN_S", -1.0)
    assert feed.newest().sequence == 2 and feed.problem == ""
