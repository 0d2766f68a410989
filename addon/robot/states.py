"""When a head may move: a state machine that knows only events and a clock.

DISCONNECTED → LIMP → ARMING → LIVE ⇄ HOLD → RESTING → LIMP; from every energised state to STOPPED, which is latched:
only a person's arm leads out of it.
"""
from __future__ import annotations

import enum
from typing import Final

from .actuator_map import LoopSettings

ARM_WAITS_S: Final = 10.0
"""An arm without a frame to follow lapses, so that a camera started later does not move the head by surprise."""
HELD_S: Final = 1.0
"""A held arm button that is not said again for this long has been let go."""
EASE_S: Final = 1.0
"""To neutral, before the shaper's limits."""
REST_GIVES_UP_S: Final = 5.0


class State(enum.StrEnum):
    """Where the head is."""

    DISCONNECTED = "DISCONNECTED"
    LIMP = "LIMP"
    ARMING = "ARMING"
    LIVE = "LIVE"
    HOLD = "HOLD"
    RESTING = "RESTING"
    STOPPED = "STOPPED"


ENERGISED: Final = frozenset({State.ARMING, State.LIVE, State.HOLD, State.RESTING})


class Supervisor:
    """The present state and why; every event and `tick` names the time, which never runs backwards."""

    def __init__(self, settings: LoopSettings) -> None:
        self._settings = settings
        self.state = State.DISCONNECTED
        self.reason = "Not connected."
        self.enabling = False
        """ARMING, and the motors are still being switched on; `enabled` ends it."""
        self.entries = 0
        """How often a state was entered."""
        self._since_s = self._left_s = 0.0
        self._blend_s = settings.arm_blend_s
        self._frame_s = float("-inf")
        self._arm_s: float | None = None
        self._held_s: float | None = None
        self.leaving = False
        """RESTING, and on its way to where it goes limp."""

    @property
    def energised(self) -> bool:
        """The motors have, or are about to get, torque."""
        return self.state in ENERGISED

    def connected(self, now_s: float) -> None:
        """The links are open and answered rightly."""
        if self.state is State.DISCONNECTED:
            self._go(State.LIMP, now_s, "Connected; nothing moves before you arm it.")

    def disconnected(self, now_s: float, reason: str) -> None:
        """The links are closed."""
        self._arm_s = self._held_s = None
        self._go(State.DISCONNECTED, now_s, reason)

    def arm(self, now_s: float, held: bool = False) -> None:
        """A person lets the head move; from STOPPED only call it when the errors are cleared."""
        self._held_s = now_s if held else None
        if self.state is State.STOPPED:
            self._go(State.LIMP, now_s, "")
        if self.state is State.LIMP:
            self._arm_s = now_s
            self.reason = "Armed; waits for a frame to follow."
        elif self.state is State.RESTING:
            self.leaving = False

    def held(self, now_s: float) -> None:
        """The arm button is still down; it keeps the head armed, and never arms it."""
        if self._held_s is not None:
            self._held_s = now_s

    def disarm(self, now_s: float, reason: str = "Disarmed; eases to rest.") -> None:
        """Rest, then limp."""
        if self._arm_s is not None:
            self.reason = "Disarmed before a frame came."
        self._arm_s = self._held_s = None
        if self.energised and not self.leaving:
            if self.state is not State.RESTING:
                self._go(State.RESTING, now_s, reason)
            self.leaving, self._left_s, self.reason = True, now_s, reason

    def stop(self, now_s: float, reason: str) -> None:
        """Limp at once, and stay so until a person arms."""
        self._arm_s = self._held_s = None
        if self.state is not State.DISCONNECTED:
            self._go(State.STOPPED, now_s, reason)

    def frame(self, now_s: float) -> None:
        """A fresh frame was taken."""
        self._frame_s = now_s

    def enabled(self, now_s: float) -> None:
        """All motors are switched on and stand where they stood."""
        self.enabling = False
        self._since_s = now_s

    def owner_changed(self, now_s: float) -> None:
        """Another source moves the head now: through the blend."""
        if self.state is State.LIVE:
            self._arming(now_s, self._settings.return_blend_s, False, "Another source took over.")

    def tick(self, now_s: float, at_rest: bool = False) -> State:
        """Time passes; `at_rest`: the head stands where it rests. Returns the state now."""
        if self._held_s is not None and now_s - self._held_s > HELD_S:
            self.disarm(now_s, "The arm button was let go; eases to rest.")
        fresh = now_s - self._frame_s <= self._settings.stale_after_s
        for_s = now_s - self._since_s
        if self.state is State.LIMP:
            self._tick_limp(now_s, fresh)
        elif self.state is State.ARMING and not self.enabling:
            if not fresh:
                self._go(State.HOLD, now_s, "No fresh frame; holds still.")
            elif for_s >= self._blend_s:
                self._go(State.LIVE, now_s, "Follows.")
        elif self.state is State.LIVE and not fresh:
            self._go(State.HOLD, now_s, "No fresh frame; holds still.")
        elif self.state is State.HOLD:
            if fresh:
                self._arming(now_s, self._settings.return_blend_s, False, "Frames are back.")
            elif now_s - self._frame_s >= self._settings.rest_after_s:
                self._go(State.RESTING, now_s, "Still no fresh frame; eases to rest.")
        elif self.state is State.RESTING:
            self._tick_resting(now_s, for_s, fresh, at_rest)
        return self.state

    def share(self, now_s: float) -> float:
        """0..1, smooth: how much of the way ARMING has blended to the source, or RESTING to neutral."""
        over_s = EASE_S if self.state is State.RESTING else self._blend_s
        x = 0.0 if self.enabling else min(1.0, max(0.0, (now_s - self._since_s) / over_s))
        return x * x * (3 - 2 * x)

    def _tick_limp(self, now_s: float, fresh: bool) -> None:
        if self._arm_s is None:
            return
        if fresh:
            self._arm_s = None
            self._arming(now_s, self._settings.arm_blend_s, True, "Switches the motors on where they stand.")
        elif now_s - self._arm_s > ARM_WAITS_S:
            self._arm_s = None
            self.reason = f"No frame came within {ARM_WAITS_S:.0f} s of arming; start a source and arm again."

    def _tick_resting(self, now_s: float, for_s: float, fresh: bool, at_rest: bool) -> None:
        limp_after_s = self._settings.limp_after_s
        if self.leaving:
            if (at_rest and for_s >= EASE_S) or now_s - self._left_s >= REST_GIVES_UP_S:
                self._go(State.LIMP, now_s, "At rest and limp; arm to move again.")
        elif fresh:
            self._arming(now_s, self._settings.arm_blend_s, False, "Frames are back.")
        elif limp_after_s and for_s >= limp_after_s:
            self.disarm(now_s, f"Rested for {limp_after_s:.0f} s; goes limp.")

    def _arming(self, now_s: float, blend_s: float, enabling: bool, reason: str) -> None:
        self._go(State.ARMING, now_s, reason)
        self._blend_s, self.enabling = blend_s, enabling

    def _go(self, state: State, now_s: float, reason: str) -> None:
        self.state, self.reason, self._since_s = state, reason, now_s
        self.enabling = self.leaving = False
        self.entries += 1
