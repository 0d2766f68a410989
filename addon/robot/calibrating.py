"""Measuring one head: jog a servo slowly, mark its neutral and its ends, write the unit file.

`Calibration` is the plain state that a terminal and a panel share; it moves nothing itself. `converse` is the
terminal's way through it, over a robot process whose chain (rules, shaping, gate, watchdog) stays between a key and a
servo.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np

from ..core.errors import SemblanceError
from .actuator_map import WHOLE_UNITS, Actuator, RobotMap, Travel
from .messages import Arm, Command, Disarm, Jog, RobotStatus, Sent, Stop
from .unit_file import misfit, unit_path, write_unit

Mark = Literal["low", "neutral", "high"]
MARKS: Final[tuple[Mark, ...]] = ("low", "neutral", "high")
STEP_U: Final = 0.02
SPEED_U_PER_S: Final = 0.25
"""How fast a jogged servo creeps: the whole travel takes eight seconds."""


class Calibration:
    """The servos of one head, which of them is being measured, where it is asked to be, what was marked."""

    def __init__(self, robot: RobotMap, unit: str, known: RobotMap | None = None) -> None:
        """
        Args:
            robot: the design; what can be jogged to.
            unit: the head's name.
            known: the design narrowed by the unit file that is there already, to go on with.

        Raises:
            SemblanceError: for a name that cannot be a file's.
        """
        self.robot, self.unit = robot, unit
        self.path = unit_path(robot, unit)
        before = known.actuators if known else robot.actuators
        self.travel = {actuator.name: actuator.travel for actuator in before}
        """What is known of each: the design's travel until something is marked."""
        self.marked: dict[str, set[Mark]] = {actuator.name: set() for actuator in robot.actuators}
        self._selected, self._u, self._goal_u = 0, 0.0, 0.0

    @property
    def actuator(self) -> Actuator:
        """The one that is measured now."""
        return self.robot.actuators[self._selected]

    @property
    def u(self) -> float:
        """Where it is asked to be, -1..1 of the design's travel."""
        return self._u

    @property
    def goal_u(self) -> float:
        """Where it creeps to."""
        return self._goal_u

    def select(self, name: str) -> None:
        """Measure this one, from its neutral.

        Raises:
            SemblanceError: if there is none of that name.
        """
        if name not in self.robot.index:
            raise SemblanceError(f"The robot '{self.robot.name}' has no actuator '{name}'.")
        self._selected, self._u, self._goal_u = self.robot.index[name], 0.0, 0.0

    def rename(self, unit: str) -> None:
        """Call the head otherwise.

        Raises:
            SemblanceError: for a name that cannot be a file's.
        """
        self.path, self.unit = unit_path(self.robot, unit), unit

    def step(self, by: int) -> None:
        """Go to the next (1) or the previous (-1) actuator."""
        self.select(self.robot.actuators[(self._selected + by) % len(self.robot)].name)

    def jog(self, by_u: float) -> None:
        """Creep by so much of the travel's side, within the design."""
        self.creep_to(self._goal_u + by_u)

    def creep_to(self, u: float) -> None:
        """Creep to there, within the design."""
        self._goal_u = min(1.0, max(-1.0, u))

    def to_neutral(self) -> None:
        """Creep back to the design's neutral."""
        self._goal_u = 0.0

    def stay(self) -> None:
        """Creep no further."""
        self._goal_u = self._u

    def tick(self, seconds: float) -> Jog:
        """Creep for so long; say the Jog to the robot process at least twice a second."""
        reach = SPEED_U_PER_S * min(max(seconds, 0.0), 0.2)
        self._u += min(reach, max(-reach, self._goal_u - self._u))
        return Jog(self.actuator.name, self._u)

    def raw(self, u: float) -> float:
        """u of the present actuator in its raw unit, as the gate rounds it."""
        values = np.zeros(len(self.robot))
        values[self._selected] = u
        raw = float(self.robot.raw(values)[self._selected])
        return float(round(raw)) if self.actuator.travel.unit in WHOLE_UNITS else raw

    def mark(self, which: Mark, u: float | None = None) -> Travel:
        """The servo stands at an end or its neutral: where it is asked to be, or at `u`, which it was read at.

        Raises:
            SemblanceError: if that would put the neutral outside the ends.
        """
        name, raw = self.actuator.name, self.raw(self._u if u is None else u)
        before = self.travel[name]
        measured = Travel(before.unit, *(raw if key == which else getattr(before, key) for key in MARKS))
        if sentence := misfit(self.actuator, measured):
            raise SemblanceError(f"The {which} of '{name}' was not set to {raw:g}: it {sentence}")
        self.travel[name] = measured
        self.marked[name].add(which)
        return measured

    def forget(self) -> None:
        """Back to the design's travel for the present actuator."""
        self.travel[self.actuator.name] = self.actuator.travel
        self.marked[self.actuator.name].clear()

    @property
    def left(self) -> list[str]:
        """The actuators of which nothing was marked yet."""
        return [name for name, marks in self.marked.items() if not marks]

    def write(self, ports: Mapping[str, str]) -> Path:
        """Write the unit file: whatever differs from the design, and the ports of the links that have one.

        Raises:
            SemblanceError: if it cannot be written.
        """
        designs = {actuator.name: actuator.travel for actuator in self.robot.actuators}
        changed = {name: travel for name, travel in self.travel.items() if travel != designs[name]}
        write_unit(self.path, self.robot, self.unit, {name: port for name, port in ports.items() if port}, changed)
        return self.path


class Seen(Protocol):
    """What a poll of a robot process brings (client.Update)."""

    status: RobotStatus | None
    sent: Sent | None


class Process(Protocol):
    """A robot process that is talked to (client.RobotClient)."""

    state: str
    sentence: str

    def send(self, command: Command) -> None:
        """Say this."""

    def poll(self) -> Seen:
        """What is new."""


_HELP: Final = """\
  arm            switch the motors on (they wake where they stand; hobby servos jump to neutral)
  Enter          the last jog again
  + -  ++ --     creep a little, creep further; 0 creeps back to neutral, . stays
  l  n  h        it stands at its low end, neutral, high end (raw values); limp bus servos may be turned by hand
  next back NAME another servo;  forget  the design's travel again;  show  all of them
  off            to rest, then limp;  stop  limp at once
  write          write the unit file and end;  quit  end without writing"""


def converse(
    calibration: Calibration, process: Process, typed: Iterable[str | None], say: Callable[[str], None],
    ports: Mapping[str, str], clock: Callable[[], float] = time.monotonic,
) -> Path | None:
    """Measure a head from a terminal; returns the unit file if it was written.

    Args:
        typed: lines as they are typed; None a few times a second while nothing is.
        say: shows a line.
        ports: of the links, to be written beside the travel.

    Raises:
        SemblanceError: if the robot process ends, or the file cannot be written.
    """
    talk = _Talk(calibration, process, say, clock)
    say(f"{_HELP}\n{talk.where()}")
    for line in typed:
        talk.tick()
        command = None if line is None else line.strip()
        if command == "quit":
            return None
        if command == "write":
            return calibration.write(ports)
        if command is not None:
            try:
                talk.obey(command)
            except SemblanceError as error:
                say(str(error))
    return None


class _Talk:
    """One conversation: what was said last, what the process said."""

    def __init__(
        self, calibration: Calibration, process: Process, say: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._calibration, self._process, self._say, self._clock = calibration, process, say, clock
        self._then_s = clock()
        self._jog = STEP_U
        self._state, self._sentence = "", ""
        self._read: float | None = None

    def tick(self) -> None:
        """Keep the process fed while it moves, and tell what it says."""
        now_s = self._clock()
        jog = self._calibration.tick(now_s - self._then_s)
        self._then_s = now_s
        if self._state in ("ARMING", "LIVE", "HOLD") or self._sentence.startswith("Armed"):
            self._process.send(jog)
        seen = self._process.poll()
        if self._process.state == "ended":
            raise SemblanceError(self._process.sentence or "The robot process has ended.")
        if seen.status and (seen.status.state, seen.status.reason) != (self._state, self._sentence):
            self._state, self._sentence = seen.status.state, seen.status.reason
            self._say(f"{self._state}: {self._sentence}")
        if seen.sent is not None:
            read = float(seen.sent.read[self._calibration.robot.index[self._calibration.actuator.name]])
            self._read = read if math.isfinite(read) else None

    def obey(self, command: str) -> None:
        """One line of _HELP."""
        calibration = self._calibration
        jogs = {"+": STEP_U, "-": -STEP_U, "++": 5 * STEP_U, "--": -5 * STEP_U}
        if command in jogs or command == "":
            self._jog = jogs.get(command, self._jog)
            calibration.jog(self._jog)
        elif command in ("0", "."):
            (calibration.to_neutral if command == "0" else calibration.stay)()
        if command in (*jogs, "", "0", "."):
            raw, unit = calibration.raw(calibration.goal_u), calibration.actuator.travel.unit
            self._say(f"{calibration.actuator.name} creeps to {raw:g} {unit}")
            return
        if command in ("l", "n", "h"):
            which = {"l": MARKS[0], "n": MARKS[1], "h": MARKS[2]}[command]
            calibration.mark(which, self._read if self._state == "LIMP" else None)
        elif command in ("next", "back"):
            calibration.step(1 if command == "next" else -1)
        elif command == "forget":
            calibration.forget()
        elif command == "show":
            self._say("\n".join(map(self._line, calibration.robot.actuators)))
        elif command in ("arm", "off", "stop"):
            calibration.stay()
            said: dict[str, Command] = {"arm": Arm(), "off": Disarm(), "stop": Stop("Stopped while calibrating.")}
            self._process.send(said[command])
            if command == "arm":
                self._process.send(calibration.tick(0))
            return
        elif command in calibration.robot.index:
            calibration.select(command)
        else:
            self._say(_HELP)
        self._say(self.where())

    def where(self) -> str:
        """The present servo in a line."""
        calibration = self._calibration
        return f"→ {self._line(calibration.actuator)}; asked for {calibration.raw(calibration.u):g}"

    def _line(self, actuator: Actuator) -> str:
        travel, marks = self._calibration.travel[actuator.name], self._calibration.marked[actuator.name]
        numbers = "  ".join(f"{key} {getattr(travel, key):g}{'*' * (key in marks)}" for key in MARKS)
        return f"{actuator.name} (link {actuator.link}, channel {actuator.channel}): {numbers} {travel.unit}"
