"""One test per row of the state table, with a clock that is set by hand."""
from __future__ import annotations

import pytest

from addon.robot.actuator_map import LoopSettings
from addon.robot.states import ARM_WAITS_S, HELD_S, REST_GIVES_UP_S, State, Supervisor

SETTINGS = LoopSettings(arm_blend_s=1.5, return_blend_s=0.4, limp_after_s=30)


class Head:
    """A supervisor and its time."""

    def __init__(self):
        self.states, self.now_s = Supervisor(SETTINGS), 50.0

    def pass_(self, seconds, frames=True, at_rest=False):
        """Time in steps of 10 ms, with a frame in each or none."""
        for _ in range(round(seconds * 100)):
            self.now_s += 0.01
            if frames:
                self.states.frame(self.now_s)
            self.states.tick(self.now_s, at_rest)
        return self.states.state

    def to(self, state):
        """By the shortest way."""
        self.states.connected(self.now_s)
        if state in (State.ARMING, State.LIVE, State.HOLD, State.RESTING):
            self.states.arm(self.now_s)
            self.pass_(0.05)
            if state is not State.ARMING:
                self.states.enabled(self.now_s)
                self.pass_(1.6)
            if state is State.HOLD:
                self.pass_(0.2, frames=False)
            elif state is State.RESTING:
                self.pass_(1.2, frames=False)
        elif state is State.STOPPED:
            self.states.stop(self.now_s, "a test")
        assert self.states.state is state
        return self


@pytest.fixture
def head():
    return Head()


def test_disconnected_becomes_limp_when_opened(head):
    assert head.states.state is State.DISCONNECTED
    head.states.connected(head.now_s)
    assert head.states.state is State.LIMP and "nothing moves before you arm" in head.states.reason


def test_limp_needs_a_person_and_a_fresh_frame(head):
    head.to(State.LIMP)
    assert head.pass_(5) is State.LIMP, "frames alone move nothing"
    head.pass_(0.3, frames=False)
    head.states.arm(head.now_s)
    assert head.pass_(1, frames=False) is State.LIMP, "an arm alone moves nothing"
    assert "waits for a frame" in head.states.reason
    assert head.pass_(0.01) is State.ARMING and head.states.enabling


def test_an_arm_that_waits_too_long_lapses(head):
    head.to(State.LIMP).states.arm(head.now_s)
    head.pass_(ARM_WAITS_S + 0.1, frames=False)
    assert head.pass_(1) is State.LIMP and "arm again" in head.states.reason


def test_arming_becomes_live_when_the_blend_is_done(head):
    head.to(State.ARMING)
    assert head.pass_(5) is State.ARMING, "not before the motors are switched on"
    assert head.states.share(head.now_s) == 0
    head.states.enabled(head.now_s)
    assert head.pass_(1.4) is State.ARMING and 0.9 < head.states.share(head.now_s) < 1
    assert head.pass_(0.15) is State.LIVE


def test_live_holds_after_a_tenth_of_a_second_without_a_frame(head):
    head.to(State.LIVE)
    assert head.pass_(0.09, frames=False) is State.LIVE
    assert head.pass_(0.03, frames=False) is State.HOLD


def test_arming_holds_too(head):
    head.to(State.ARMING).states.enabled(head.now_s)
    assert head.pass_(0.15, frames=False) is State.HOLD


def test_hold_goes_on_through_a_short_blend(head):
    head.to(State.HOLD)
    assert head.pass_(0.01) is State.ARMING and not head.states.enabling
    assert head.pass_(0.3) is State.ARMING
    assert head.pass_(0.15) is State.LIVE


def test_hold_rests_after_a_second(head):
    head.to(State.HOLD)
    assert head.pass_(0.7, frames=False) is State.HOLD
    assert head.pass_(0.2, frames=False) is State.RESTING


def test_resting_goes_limp_in_the_end_and_must_be_armed_again(head):
    head.to(State.RESTING)
    assert head.pass_(29, frames=False, at_rest=True) is State.RESTING
    assert head.pass_(2, frames=False, at_rest=True) is State.LIMP
    assert head.pass_(2) is State.LIMP


def test_resting_goes_on_when_frames_are_back(head):
    head.to(State.RESTING)
    assert head.pass_(0.01) is State.ARMING
    assert head.pass_(1.4) is State.ARMING, "by the long blend"
    assert head.pass_(0.15) is State.LIVE


@pytest.mark.parametrize("state", [State.ARMING, State.LIVE, State.HOLD, State.RESTING, State.LIMP])
def test_stop_is_reached_from_everywhere_and_latched(head, state):
    head.to(state).states.stop(head.now_s, "The jaw is too hot.")
    assert head.states.state is State.STOPPED and head.states.reason == "The jaw is too hot."
    assert head.pass_(60) is State.STOPPED
    head.states.held(head.now_s)
    head.states.disarm(head.now_s)
    head.states.owner_changed(head.now_s)
    assert head.pass_(1) is State.STOPPED, "nothing but an arm leads out"


def test_stopped_is_left_only_by_an_arm_through_arming(head):
    head.to(State.STOPPED).states.arm(head.now_s)
    assert head.pass_(0.01) is State.ARMING and head.states.enabling


@pytest.mark.parametrize("state", [State.ARMING, State.LIVE, State.HOLD, State.RESTING])
def test_disarmed_rests_and_goes_limp_though_frames_come(head, state):
    head.to(state).states.disarm(head.now_s)
    assert head.pass_(0.5) is State.RESTING
    assert head.pass_(0.1, at_rest=True) is State.RESTING
    assert head.pass_(0.5, at_rest=True) is State.LIMP
    assert head.pass_(5) is State.LIMP


def test_a_head_that_cannot_get_to_rest_goes_limp_all_the_same(head):
    head.to(State.LIVE).states.disarm(head.now_s)
    assert head.pass_(REST_GIVES_UP_S + 0.1) is State.LIMP


def test_a_held_arm_is_let_go(head):
    head.to(State.LIMP).states.arm(head.now_s, held=True)
    head.pass_(0.05)
    head.states.enabled(head.now_s)
    for _ in range(8):
        head.pass_(0.4)
        head.states.held(head.now_s)
    assert head.states.state is State.LIVE
    assert head.pass_(HELD_S + 0.1) is State.RESTING and "let go" in head.states.reason
    head.states.held(head.now_s)
    assert head.pass_(2, at_rest=True) is State.LIMP


def test_another_source_takes_over_through_the_blend(head):
    head.to(State.LIVE).states.owner_changed(head.now_s)
    assert head.states.state is State.ARMING and not head.states.enabling
    assert head.pass_(0.5) is State.LIVE


def test_closed_links_are_told(head):
    head.to(State.LIVE).states.disconnected(head.now_s, "The port was closed.")
    assert head.pass_(1) is State.DISCONNECTED and head.states.reason == "The port was closed."
