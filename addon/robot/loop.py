"""One tick of a head: newest frame → map → rules → shape → gate → one frame on each link; errors are read slowly.

It knows no sockets and no signals, takes its clock from outside, and never raises: whatever fails stops the head.
"""
from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from ..core.errors import SemblanceError
from .actuator_map import RobotMap
from .gate import Gate
from .head import Head
from .messages import Jog, Play, RobotStatus, Sent, Target
from .player import Player
from .rules import Rules
from .sent_log import SentLog
from .shaping import make_shaper
from .states import State, Supervisor
from .validate import Refused, Validator

ENABLE_APART_S: Final = 0.08
"""Between two groups that are switched on, so that the supply does not dip."""
WARNING_S: Final = 5.0
PROBLEM_S: Final = 3.0
"""So long a refused frame is told of."""
_READ_HZ: Final = 10.0
_AT_REST: Final = 0.02
_JITTER_TICKS: Final = 1000


class RobotLoop:
    """Holds the chain of one head together; `tick` once per period."""

    def __init__(self, robot: RobotMap, head: Head, clock: Callable[[], float] = time.monotonic) -> None:
        self.robot, self.period_s = robot, 1 / robot.loop.rate_hz
        self.newest: Sent | None = None
        self.log: SentLog | None = None
        self._head, self._clock = head, clock
        needed = {each.index for a in robot.actuators for each in a.inputs if not each.coupled}
        needed |= {a.override.index for a in robot.actuators if a.override}
        self._validator = Validator(robot.control_names, sorted(needed), robot.loop.stale_after_s)
        self._rules, self._gate = Rules(robot), Gate(robot, self.period_s)
        self._shaper, self._lasting = make_shaper(robot, self.period_s)
        self._problem, self._problem_s = "", float("-inf")
        self._unreached = ""
        """Why the motors could not be switched off."""
        self._states = Supervisor(robot.loop)
        self._logged: tuple[str, str] = ("", "")
        self._entries = 0
        self._live: tuple[np.ndarray, float] | None = None
        self._clip: Player | None = None
        self._clip_s: float | None = None
        """Of the clip, what the newest wanted pose is from; None: it is not from a clip."""
        self._jog: tuple[np.ndarray, float] | None = None
        self._owner = self._playing = ""
        self._anchor = self._wanted = np.zeros(len(robot))
        self._to_enable: list[list[int]] = []
        self._enable_s = self._polled_s = self._read_s = float("-inf")
        self._read = np.full(len(robot), np.nan)
        self._warned: dict[str, tuple[float, int | None]] = {}
        self._accepted = self._refused = 0
        self._made_s: float | None = None
        """When the picture of a live frame that has not left yet was made."""
        self._latency_s: deque[float] = deque(maxlen=_JITTER_TICKS)
        self._late_s: deque[float] = deque(maxlen=_JITTER_TICKS)
        self._ticks_s: deque[float] = deque(maxlen=_JITTER_TICKS)

    # What clients ask for.

    def connect(self) -> None:
        """Open all links; nothing moves.

        Raises:
            SemblanceError: as Link.open.
        """
        self._head.open()
        self._states.connected(self._clock())
        self._note()

    def arm(self, held: bool = False) -> None:
        """A person lets the head move; out of STOPPED only if the hardware reports no fault any more."""
        if self._states.state is State.STOPPED and not self._cleared():
            return
        self._states.arm(self._clock(), held)
        self._note()

    def still_held(self) -> None:
        """The arm button is still down."""
        self._states.held(self._clock())

    def disarm(self, reason: str = "Disarmed; eases to rest.") -> None:
        """To rest, then limp."""
        self._states.disarm(self._clock(), reason)
        self._note()

    def stop(self, reason: str) -> None:
        """Limp now; latched."""
        self._states.stop(self._clock(), reason)
        self._let_go()
        self._note()

    def target(self, target: Target) -> None:
        """A live frame; refused whole if anything about it is wrong."""
        now_s = self._clock()
        try:
            values = self._validator.check(target, now_s)
        except Refused as refusal:
            self._refused += 1
            self._problem, self._problem_s = str(refusal), now_s
            return
        self._accepted += 1
        self._live = self.robot.evaluate(values), now_s
        self._made_s = target.time_s

    def new_source(self) -> None:
        """Live frames are numbered anew from here."""
        self._validator.restart()

    def play(self, play: Play) -> None:
        """Play a performance while nothing live comes; one without frames ends what plays.

        Raises:
            SemblanceError: if it is not one, or names a control that the map does not know.
        """
        self._clip = None
        if len(play.times_s):
            player = Player(play)
            checker = Validator(self.robot.control_names, self._validator.needed, self.robot.loop.stale_after_s)
            now_s = self._clock()
            checker.check(Target(player.names, now_s, 0, player.values()), now_s)
            self._clip = player

    def jog(self, jog: Jog) -> None:
        """One actuator away from neutral; must be said again before rest_after_s is over.

        Raises:
            SemblanceError: for an actuator that is not there, or a u outside -1..1.
        """
        if jog.actuator not in self.robot.index or not -1 <= jog.u <= 1:
            raise SemblanceError(f"The robot '{self.robot.name}' cannot jog '{jog.actuator}' to {jog.u:g}; u goes from "
                                 "-1 to 1.")
        u = np.zeros(len(self.robot))
        u[self.robot.index[jog.actuator]] = jog.u
        self._jog = u, self._clock()

    # The beat.

    @property
    def state(self) -> State:
        """Where the head is."""
        return self._states.state

    @property
    def clip_ended(self) -> bool:
        """What was to be played has been played, or nothing was."""
        return self._clip is None

    def tick(self, late_s: float = 0.0) -> None:
        """One period; whatever goes wrong in it stops the head."""
        now_s = self._clock()
        self._late_s.append(late_s)
        self._ticks_s.append(now_s)
        try:
            self._tick(now_s)
        except Exception as error:
            sentence = str(error) or type(error).__name__
            self.stop(sentence if isinstance(error, SemblanceError) else f"Something unexpected failed: {sentence}")

    def _tick(self, now_s: float) -> None:
        wanted = self._source(now_s)
        if wanted is not None:
            self._states.frame(now_s)
            self._wanted = wanted
        at_rest = bool(np.abs(self._gate.sent - self.robot.rest).max(initial=0) < _AT_REST)
        self._states.tick(now_s, at_rest)
        # Counted, because a person's arm or disarm changes the state between two ticks.
        if self._states.entries != self._entries:
            self._entries = self._states.entries
            self._entered()
        if self._states.energised:
            if self._states.enabling:
                self._enable(now_s)
            self._move(now_s)
        self._poll(now_s)
        self._note()

    def _source(self, now_s: float) -> np.ndarray | None:
        """u [N] that the present owner wants; live goes before jog before clip. None: nothing fresh."""
        owner, wanted, self._clip_s = "", None, None
        if self._live and now_s - self._live[1] <= self.robot.loop.stale_after_s:
            owner, wanted = "live", self._live[0]
        elif self._jog and now_s - self._jog[1] <= self.robot.loop.rest_after_s:
            owner, wanted = "jog", self._jog[0]
        elif self._clip:
            owner, wanted = "clip", self._from_clip(self._clip)
        self._playing = owner
        if owner and owner != self._owner:
            if self._owner:
                self._states.owner_changed(now_s)
            self._owner = owner
        return wanted

    def _from_clip(self, clip: Player) -> np.ndarray:
        values = np.zeros(len(self.robot.control_names))
        values[[self.robot.control_names.index(name) for name in clip.names]] = clip.values()
        self._clip_s = clip.at_s
        if self._states.state is State.LIVE:
            clip.advance(self.period_s)
        if clip.ended:
            self._clip = None
        return self.robot.evaluate(values.tolist())

    def _entered(self) -> None:
        """A state has been entered, by whatever way, since the last tick."""
        state = self._states.state
        if self._states.enabling:
            u = self._head.standing()
            if not np.isfinite(u).any():
                self._states.reason = "Switches the motors on at rest, a group at a time; hobby servos jump there."
            self._gate.start(np.where(np.isfinite(u), u, self.robot.rest))
            self._shaper.start(self._gate.sent)
            self._rules.rested()
            groups = dict.fromkeys(a.group for a in self.robot.actuators)
            self._to_enable = [[i for i, a in enumerate(self.robot.actuators) if a.group == g] for g in groups]
            self._enable_s = float("-inf")
        if state in (State.ARMING, State.RESTING):
            self._anchor = self._gate.sent
        elif state is State.LIMP and self._head.enabled.any():
            self._let_go()

    def _enable(self, now_s: float) -> None:
        """Switch on the next group where it stands; the last one starts the blend."""
        if now_s - self._enable_s < ENABLE_APART_S:
            return
        if self._to_enable:
            group = self._to_enable.pop(0)
            self._head.enable(group, self._gate.raw(self._gate.sent))
            self._enable_s = now_s
            # What was limp until now may have sagged since it was read first.
            u, sent = self._head.standing(), self._gate.sent
            woken = np.isin(np.arange(len(u)), group) & np.isfinite(u)
            self._gate.start(np.where(woken, u, sent))
            self._shaper.start(self._gate.sent)
            self._anchor = self._gate.sent
        else:
            self._head.watch()
            self._states.enabled(now_s)

    def _move(self, now_s: float) -> None:
        """Aim, shape, pass the gate, send."""
        state, aim = self._states.state, self._wanted
        if state is State.RESTING:
            aim = self.robot.rest if self._states.leaving else np.zeros(len(self.robot))
        aim = self._rules.apply(aim, self.period_s, {place for _, place in self._warned.values() if place is not None})
        if state in (State.ARMING, State.RESTING):
            aim = self._anchor + self._states.share(now_s) * (aim - self._anchor)
        shaped = self._shaper.brake() if state is State.HOLD else self._shaper.step(aim)
        passed = self._gate.let_pass(shaped, self._head.enabled)
        if passed.changed.any():
            self._shaper.hold(passed.changed, passed.u)
        self._head.send(passed.raw)
        if self._made_s is not None:
            self._latency_s.append(self._clock() - self._made_s)
            self._made_s = None
        raw = np.where(self._head.enabled, passed.raw, np.nan)
        self.newest = Sent(now_s, aim, shaped, passed.u, raw, self._read)
        if self.log:
            self.log.frame(now_s, state, aim, raw, self._clip_s)

    def _poll(self, now_s: float) -> None:
        """Errors and positions, slowly; a fault of severity "stop" stops the head."""
        if self._states.state in (State.DISCONNECTED, State.STOPPED):
            return
        if now_s - self._polled_s >= 1 / self.robot.loop.poll_errors_hz:
            self._polled_s = now_s
            # A link may look at a few motors each time, so a warning counts until all have been looked at again.
            self._warned = {text: said for text, said in self._warned.items() if now_s - said[0] < WARNING_S}
            for place, fault in self._head.faults():
                if fault.severity == "stop" and self._states.energised:
                    self.stop(fault.sentence)
                self._warned[fault.sentence] = now_s, place
        elif now_s - self._read_s >= 1 / _READ_HZ:
            self._read_s = now_s
            self._read = self._head.positions()
            if not self._states.energised:  # so that one sees where a limp servo is turned to by hand
                rest, nothing = np.zeros(len(self.robot)), np.full(len(self.robot), np.nan)
                self.newest = Sent(now_s, rest, rest, rest, nothing, self._read)

    def _cleared(self) -> bool:
        """Whether a stopped head may be armed: its links are open again and report nothing deadly."""
        try:
            if not self._head.is_open:
                self._head.open()
            deadly = [fault.sentence for _, fault in self._head.faults() if fault.severity == "stop"]
        except SemblanceError as error:
            self._head.close()
            deadly = [str(error)]
        if deadly:
            self._states.reason = f"Still stopped: {deadly[0]}"
            return False
        self._unreached = ""
        return True

    def _let_go(self) -> None:
        """Limp; a link that cannot be reached is closed, so that arming opens it anew.

        What was played is over: who arms again does not expect the rest of it.
        """
        self._jog = self._clip = None
        failed = self._head.limp()
        if failed:
            self._unreached = failed[0]
            self._head.close()
            if self.log:
                self.log.event(self._clock(), "limp failed", failed[0])

    def close(self) -> None:
        """Limp and let go of everything; harmless twice."""
        failed = self._head.limp()
        self._head.close()
        self._states.disconnected(self._clock(), failed[0] if failed else "Limp and disconnected.")
        self._note()
        if self.log:
            self.log.close()

    # What clients are told.

    def status(self, problem: str = "", pid: int = 0) -> RobotStatus:
        """The heartbeat; `problem`: what went wrong outside of the loop."""
        now_s = self._clock()
        late, latency = np.array(self._late_s) * 1000, np.array(self._latency_s) * 1000
        recent = self._problem if now_s - self._problem_s < PROBLEM_S else ""
        return RobotStatus(
            self._states.state, self._states.reason, self.robot.name, tuple(a.name for a in self.robot.actuators),
            float(sum(now_s - t <= 1.0 for t in self._ticks_s)),
            float(np.percentile(late, 99)) if len(late) else 0.0, self._accepted, self._refused,
            self._playing, tuple(self._warned),
            self._unreached or problem or recent or self._lasting or (self.log.problem if self.log else ""), pid,
            str(self.log.path) if self.log else "", float(np.percentile(latency, 95)) if len(latency) else 0.0,
        )

    def _note(self) -> None:
        """Write a change of state down."""
        now = (str(self._states.state), self._states.reason)
        if self.log and now != self._logged:
            self.log.event(self._clock(), now[0], now[1])
        self._logged = now
