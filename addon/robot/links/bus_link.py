"""Bus servos: they tell where they are, so they are woken exactly there, and say whether their torque is off."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from . import ActuatorLimits, Fault, LinkFault, LinkSettings
from .serial_link import SerialLink, whole

_SLACK: Final = 0.02
"""Of its travel, that a servo may stand outside and be woken at the end; further out it would jump."""
_DEAF_READINGS: Final = 2
"""Readings in a row that nobody answers: more than noise, and quicker than a hand at a switch."""
_WARN_SILENCES, _STOP_SILENCES = 2, 5
"""Answers in a row that one servo owes; half a second in the beat."""
_MEETS: Final = 0.05
"""Of its travel: how near its first goal must be to where a servo woke."""
SOON_S: Final = 0.02
"""How long an answer may be late in the beat."""
_PATIENCE_S: Final = (SOON_S, 0.05, 0.1)
"""The same for each try outside the beat, when it must be heard."""
_POLLED_AT_ONCE: Final = 4
"""Servos: about 3 ms of a bus at 1 Mbit/s with the factory's return delay."""


class BusLink(SerialLink):
    """Channels are the servos' ids, raw values ticks. Registers go by the names of the protocol's TOML."""

    POLLED: tuple[str, ...] = ()
    """What `read_faults` asks in turn."""
    ALARM: str = ""
    """What it asks at once of a servo whose answer had an alarm in it, whatever was asked."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._polls = 0
        self._alarmed: set[int] = set()
        self._woke_at: dict[int, int] = {}
        self._deaf = 0
        self._silent = dict.fromkeys(channels, 0)

    def send(self, raw: Mapping[int, float]) -> None:
        """One packet with the goals of the enabled servos; a limp one is never sent a goal.

        Raises:
            LinkFault: also if the first goal of a servo is not where it woke; it would get there at full speed.
        """
        self._known(list(raw))
        if awake := {ident: whole(value) for ident, value in raw.items() if ident in self.enabled}:
            for ident in self._woke_at.keys() & awake:
                self._meet(ident, awake[ident])
            self._write("goal_position", awake)

    def enable(self, channels: Sequence[int]) -> None:
        """Goal = where it stands, then torque on: a servo that wakes does not move.

        Raises:
            LinkFault: if one does not tell where it stands, stands outside its travel, or does not wake.
        """
        self._known(channels)
        goals = {ident: self._start(ident, at) for ident, at in self._read_surely("present_position", channels).items()}
        self._prepare(channels)
        self._write("goal_position", goals)
        self._confirm("goal_position", goals, "does not take a goal")
        self._write("torque_enable", dict.fromkeys(channels, 1))
        # Set before it is confirmed: whatever is half awake gets goals until `limp`, never silence with torque.
        self.enabled |= set(channels)
        self._woke_at |= goals
        self._confirm("torque_enable", dict.fromkeys(channels, 1), "does not switch its torque on")

    def read_positions(self) -> dict[int, float] | None:
        """Where the servos stand, of those that answer in time.

        Raises:
            LinkFault: if none answers any more. Their supply was switched off, and when it comes back nobody may be
                told to go where the face is by then.
        """
        found = self._read("present_position", list(self.channels))
        self._count_silences(list(self.channels), found)
        self._deaf = 0 if found or not self.enabled else self._deaf + 1
        if self._deaf >= _DEAF_READINGS:
            raise LinkFault(f"No servo on '{self.port.path}' answers any more: is their supply off, or the cable out?")
        return {ident: float(position) for ident, position in found.items()}

    def read_faults(self) -> list[Fault]:
        """One register of a few servos at each call, in turn, so that no call holds the loop up for long."""
        name, asked = self._next_poll()
        found = self._read(name, asked)
        self._count_silences(asked, found)
        faults = [Fault(ident, f"Servo {self._label(ident)} did not answer {times} times in a row.",
                        "stop" if times >= _STOP_SILENCES else "warn")
                  for ident, times in self._silent.items() if times >= _WARN_SILENCES]
        return faults + [fault for ident, value in found.items() for fault in self._judge(name, ident, value)]

    def _count_silences(self, asked: Sequence[int], found: Mapping[int, int]) -> None:
        for ident in asked:
            self._silent[ident] = 0 if ident in found else self._silent[ident] + 1

    def _next_poll(self) -> tuple[str, list[int]]:
        if self._alarmed:
            asked = sorted(self._alarmed)[:_POLLED_AT_ONCE]
            self._alarmed -= set(asked)
            return self.ALARM, asked
        servos = list(self.channels)
        names, batches = len(self.POLLED), -(-len(servos) // _POLLED_AT_ONCE)
        batch, name = divmod(self._polls % (names * batches), names)
        self._polls += 1
        return self.POLLED[name], servos[batch * _POLLED_AT_ONCE:(batch + 1) * _POLLED_AT_ONCE]

    def _start(self, ident: int, position: int) -> int:
        limits = self.channels[ident]
        slack = max(1.0, _SLACK * (limits.high - limits.low))
        if not limits.low - slack <= position <= limits.high + slack:
            raise LinkFault(
                f"Servo {self._label(ident)} stands at {position}, outside its travel {limits.low:g} to "
                f"{limits.high:g}: turn it inside by hand, then arm again."
            )
        return min(max(position, whole(limits.low)), whole(limits.high))

    def _meet(self, ident: int, goal: int) -> None:
        limits, woke_at = self.channels[ident], self._woke_at.pop(ident)
        if abs(goal - woke_at) > max(2.0, _MEETS * (limits.high - limits.low)):
            raise LinkFault(f"Servo {self._label(ident)} woke at {woke_at}, but its first goal is {goal}: arm again.")

    def _go_limp(self) -> None:
        self._woke_at.clear()
        # A head that was stopped for these may be armed again once it answers.
        self._deaf, self._silent = 0, dict.fromkeys(self.channels, 0)
        self._write("torque_enable", dict.fromkeys(self.channels, 0))
        torques = self._read("torque_enable", list(self.channels))
        for ident in self.channels:
            if torques.get(ident) != 0:
                raise LinkFault(f"Servo {self._label(ident)} does not confirm that its torque is off.")

    def _read_surely(self, name: str, channels: Sequence[int]) -> dict[int, int]:
        """A register of all `channels`; those that were not heard are asked again."""
        found: dict[int, int] = {}
        for late_s in _PATIENCE_S:
            if missing := [ident for ident in channels if ident not in found]:
                found |= self._read(name, missing, late_s)
        if missing := [ident for ident in channels if ident not in found]:
            servos = ", ".join(map(self._label, missing))
            raise LinkFault(
                f"Servo {servos} does not answer on '{self.port.path}' at {self.port.baud} baud: check its cable, its "
                f"id and the supply ('semblance robot doctor --port {self.port.path}' shows who answers)."
            )
        return found

    def _confirm(self, name: str, wanted: Mapping[int, int], refusal: str) -> None:
        for ident, value in self._read_surely(name, list(wanted)).items():
            if value != wanted[ident]:
                raise LinkFault(f"Servo {self._label(ident)} {refusal}{self._reason(ident)}.")

    def _heat(self, ident: int, celsius: int, warm: int, hot: int) -> list[Fault]:
        if celsius < warm:
            return []
        sentence = f"Servo {self._label(ident)} has {celsius} °C."
        return [Fault(ident, sentence, "stop" if celsius >= hot else "warn")]

    def _prepare(self, channels: Sequence[int]) -> None:
        """What must be set before a torque goes on."""

    def _reason(self, ident: int) -> str:
        """Why a servo refuses, to be put behind a sentence."""
        return ""

    def _judge(self, name: str, ident: int, value: int) -> list[Fault]:
        """What the value of a polled register means."""
        raise NotImplementedError

    def _read(self, name: str, channels: Sequence[int], late_s: float = SOON_S) -> dict[int, int]:
        """A register of those that answer in time, `late_s` more than the bytes need."""
        raise NotImplementedError

    def _write(self, name: str, values: Mapping[int, int]) -> None:
        raise NotImplementedError
