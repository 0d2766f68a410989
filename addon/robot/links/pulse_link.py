"""Boards that send pulses to hobby servos: where a servo stands is unknown, its first pulse is what wakes it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from . import ActuatorLimits, Fault, LinkSettings
from .serial_link import SerialLink

_STOP_SILENCES: Final = 3
"""Answers in a row that may be lost before the head is stopped."""


class PulseLink(SerialLink):
    """A link in us; a channel gets no pulse before it is enabled."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._wanted = {channel: limits.neutral for channel, limits in channels.items()}
        self._silences = 0

    def send(self, raw: Mapping[int, float]) -> None:
        """One write for the enabled channels; the others only learn where to begin."""
        self._known(list(raw))
        self._wanted.update(raw)
        if awake := {channel: value for channel, value in raw.items() if channel in self.enabled}:
            self._pulse(awake)

    def enable(self, channels: Sequence[int]) -> None:
        """The first pulse: where the last `send` wants the channel, else its neutral. The servo jumps there."""
        self.enabled |= set(self._known(channels))
        self._pulse({channel: self._wanted[channel] for channel in channels})

    def limp(self) -> None:
        """No pulses; the next start is from neutral again."""
        self._wanted = {channel: limits.neutral for channel, limits in self.channels.items()}
        self._silences = 0
        super().limp()

    def read_positions(self) -> dict[int, float] | None:
        """None: a hobby servo does not tell."""
        return None

    def _heard(self, answered: bool) -> list[Fault]:
        """Count lost answers: the first ones are told, too many in a row stop the head."""
        self._silences = 0 if answered else self._silences + 1
        if answered:
            return []
        sentence = f"The board on '{self.port.path}' did not answer {self._silences} times in a row."
        return [Fault(None, sentence, "stop" if self._silences >= _STOP_SILENCES else "warn")]

    def _pulse(self, pulses_us: Mapping[int, float]) -> None:
        raise NotImplementedError
