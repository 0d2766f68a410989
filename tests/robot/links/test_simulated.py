from __future__ import annotations

import pytest

from addon.core.errors import SemblanceError
from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.links.simulated import SimulatedLink, read_faults_wanted

from ..making import Clock

LIMITS = {3: ActuatorLimits(3, 1000, 1500, 2000, "us", "jaw"), 5: ActuatorLimits(5, 1400, 1500, 1700, "us", "lid")}


@pytest.fixture
def clock():
    return Clock()


def _link(clock, faults="", dialect=""):
    link = SimulatedLink(LinkSettings("face", "simulated", faults, dialect=dialect), LIMITS, clock)
    link.open()
    return link


def _reach(link, clock, goals, seconds, step_s=0.02):
    for _ in range(round(seconds / step_s)):
        link.send(goals)
        clock.now_s += step_s
    return link.read_positions()


def test_it_is_the_default_link():
    link = open_link(LinkSettings("face"), LIMITS)
    assert isinstance(link, SimulatedLink) and link.is_open


def test_servos_have_inertia_and_arrive(clock):
    link = _link(clock)
    start = link.read_positions()[3]
    link.enable([3, 5])
    soon = _reach(link, clock, {3: 2000.0, 5: 1500.0}, 0.04)
    assert start < soon[3] < 1700
    assert _reach(link, clock, {3: 2000.0, 5: 1500.0}, 1)[3] == pytest.approx(2000, abs=1)


def test_without_torque_nothing_moves(clock):
    link = _link(clock)
    start = link.read_positions()
    assert _reach(link, clock, {3: 2000.0}, 1) == start
    link.enable([5])
    assert _reach(link, clock, {3: 2000.0}, 1)[3] == start[3]
    link.limp()
    assert not link.on


def test_servos_on_pulses_cannot_tell_where_they_stand(clock):
    assert _link(clock, dialect="pwm").read_positions() is None


def test_the_watchdog_bites(clock):
    link = _link(clock)
    link.enable([3])
    assert link.set_watchdog(0.3)
    _reach(link, clock, {3: 1500.0}, 1)
    assert link.on
    clock.now_s += 0.4
    assert not link.on


def test_faults_come_when_they_are_asked_for(clock):
    link = _link(clock, "stuck:5@1,hot:3@2")
    link.enable([3, 5])
    _reach(link, clock, {3: 1500.0, 5: 1500.0}, 1)
    assert link.read_faults() == []
    _reach(link, clock, {3: 1500.0, 5: 1700.0}, 1)
    assert [(f.channel, f.severity) for f in link.read_faults()] == [(5, "stop")]
    _reach(link, clock, {3: 1500.0, 5: 1500.0}, 3)
    assert [(f.channel, f.severity) for f in link.read_faults()] == [(3, "warn")]
    _reach(link, clock, {3: 1500.0, 5: 1500.0}, 1)
    assert [(f.channel, f.severity) for f in link.read_faults()] == [(3, "stop")]


def test_unplugged_and_timed_out(clock):
    link = _link(clock, "unplugged@1")
    clock.now_s += 1
    for act in (lambda: link.send({3: 1500.0}), lambda: link.enable([3]), link.read_positions, link.read_faults):
        with pytest.raises(LinkFault, match="unplugged"):
            act()
    link.limp()
    with pytest.raises(LinkFault, match="took longer than 50 ms"):
        _link(clock, "timeout").send({3: 1500.0})


def test_lost_frames_are_some_not_all(clock):
    link = _link(clock, "lost")
    _reach(link, clock, {3: 1500.0}, 4)
    assert 120 < len(link.sent) < 190


@pytest.mark.parametrize("text", ["bored", "stuck:x", "stuck:1@soon", "stuck:1:2"])
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(SemblanceError, match="is no fault to simulate"):
        read_faults_wanted(text)


def test_a_channel_that_is_not_there_is_refused(clock):
    with pytest.raises(SemblanceError, match="no channel 4 to simulate a fault on; it has 3, 5"):
        _link(clock, "stuck:4")
