"""Each shipped design plays a real performance: sane motion, every actuator moves, caps and limits are respected."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from addon.core.live_link import read_live_link
from addon.core.rig_profile import find_profile
from addon.robot.head import Head
from addon.robot.loop import RobotLoop
from addon.robot.map_reading import find_map, shipped_maps
from addon.robot.messages import Play
from addon.robot.rules import excess
from addon.robot.signals import NAMES, map_signals

from .making import Clock, StillLink

FASTER = 4
"""The take lasts 134 s and goes through one movement after the other."""
DESIGNS = {path.parent.name: find_map(str(path)) for path in shipped_maps()}
BY_FACE = [name for name, robot in DESIGNS.items() if robot.controls == "expression"]


def _played(robot, play):
    """Everything that is sent from arming to the end: u [T, N] and raw [T, N]."""
    clock = Clock()
    loop = RobotLoop(robot, Head(robot, lambda settings, channels: StillLink()), clock)
    loop.connect()
    loop.play(play)
    loop.arm()
    u, raw = [], []
    while not loop.clip_ended:
        loop.tick()
        clock.now_s += loop.period_s
        if loop.newest:
            u.append(loop.newest.sent)
            raw.append(loop.newest.raw)
    assert loop.status().problem == "" and loop.state == "LIVE"
    return np.array(u), np.array(raw)


def _check_motion(robot, u, raw, least):
    step = robot.limits("speed") / robot.loop.rate_hz
    assert (np.abs(np.diff(u, axis=0)) <= step + 1e-9).all() and (np.abs(u) <= 1).all()
    for i, actuator in enumerate(robot.actuators):
        sent = raw[np.isfinite(raw[:, i]), i]
        assert actuator.travel.low <= sent.min() and sent.max() <= actuator.travel.high
        assert np.ptp(u[:, i]) > least, f"{actuator.name} hardly moves"
        assert np.mean(np.abs(u[:, i]) > 0.98) < 0.2, f"{actuator.name} sits at its end"
    for cap in robot.caps:
        assert max(excess(cap, row) for row in u) <= 1e-6


@pytest.mark.parametrize("name", BY_FACE)
def test_a_face_drives_it(name, shared):
    take = read_live_link(shared / "data" / "livelink_take" / "range_of_motion.csv").smoothed
    times_s = take.times_s / FASTER
    # The phone stood still: the head's nods and turns are ours.
    head = 0.35 * np.sin(np.outer(times_s, [0.8, 1.1, 1.4]))
    values = map_signals(take.coefficients, take.gaze, head).astype(np.float32)
    robot = DESIGNS[name]
    u, raw = _played(robot, Play(NAMES, times_s, values))
    _check_motion(robot, u, raw, 0.1)


@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in BY_FACE])
def test_a_character_drives_it(name):
    """Each control from its one end to the other, one after the other."""
    robot = DESIGNS[name]
    controls = find_profile(robot.controls).control_set
    rows = []
    for i in range(len(controls)):
        for value in (controls.minimum[i], controls.maximum[i], controls.neutral[i]):
            rows.append(controls.neutral.copy())
            rows[-1][i] = value
    times_s = 0.2 * np.arange(len(rows), dtype=np.float64)
    u, raw = _played(robot, Play(robot.control_names, times_s, np.array(rows, np.float32)))
    _check_motion(robot, u, raw, 0.5)


def test_ada_and_the_robot_that_she_drives_have_the_same_numbers():
    """What is sent in native units is what Ada's own controls say, so she can be its twin on the screen."""
    robot = DESIGNS["ameca_by_ada"]
    ada = find_profile("ada").control_set
    u = robot.evaluate([float(v) for v in ada.neutral])
    raw = dict(zip([a.name for a in robot.actuators], robot.raw(u), strict=True))
    assert raw == pytest.approx(dict(zip(ada.names, map(float, ada.neutral), strict=True)), abs=1e-6)


def test_the_same_head_by_face_and_by_character_has_the_same_motors():
    for one, other in (("ameca_like", "ameca_by_ada"), ("maestro_head", "maestro_by_pip")):
        motors = [[replace(a, inputs=(), override=None) for a in DESIGNS[name].actuators] for name in (one, other)]
        assert motors[0] == motors[1]
        assert (DESIGNS[one].caps, DESIGNS[one].groups) == (DESIGNS[other].caps, DESIGNS[other].groups)
