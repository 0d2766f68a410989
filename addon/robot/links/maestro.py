"""A head on a Pololu Maestro: one write for all channels, its error word, pulses off.

Its hardware watchdog is the "serial timeout" of Maestro Control Center (with "On startup or error: Off" for every
channel); no command sets it, so `set_watchdog` cannot.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..protocols.maestro import Maestro, errors_in_words, word
from . import ActuatorLimits, Fault, LinkFault, LinkSettings
from .pulse_link import PulseLink
from .serial_link import whole

_ANSWER_S: Final = 0.05
_MICRO_CHANNELS: Final = 6
"""A Micro Maestro has so many and no command for several targets."""
_QUARTERS: Final = 4


class MaestroLink(PulseLink):
    """Channels are the Maestro's, raw values us."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self.protocol = Maestro(settings.dialect or "pololu", settings.device, settings.crc)
        self._left_on: dict[int, float] = {}

    def enable(self, channels: Sequence[int]) -> None:
        """Without the board's own speed and acceleration limits: how a face moves is decided in one place."""
        self.port.write(b"".join(
            self.protocol.set_speed(channel, 0) + self.protocol.set_acceleration(channel, 0)
            for channel in self._known(channels)
        ))
        super().enable(channels)

    def limp(self) -> None:
        """No pulses; the next start is from neutral again."""
        self._left_on = {}
        super().limp()

    def read_positions(self) -> dict[int, float] | None:
        """None, but for a board whose pulses were on when it was opened: a program was killed and the servos hold.

        Then it is known where they stand, until they are enabled there; those without a pulse begin at neutral.
        """
        if not self._left_on or self.enabled:
            return None
        return {channel: self._left_on.get(channel, limits.neutral) for channel, limits in self.channels.items()}

    def set_watchdog(self, seconds: float) -> bool:
        """False: only Maestro Control Center sets the board's serial time-out."""
        return False

    def read_faults(self) -> list[Fault]:
        """The error word; on any error the board has put its servos into their error positions by itself."""
        errors = self._ask(self.protocol.get_errors())
        if errors is None:
            return self._heard(False)
        self._heard(True)
        return [Fault(None, f"The Maestro reports {words}.", "stop") for words in errors_in_words(errors)]

    def _greet(self) -> None:
        """Whether a Maestro answers, and understands: the first answer may tell of noise before us."""
        # Filling bytes that complete nothing are an error, which may make it move: only for one that does not answer.
        if self._ask(self.protocol.get_errors()) is None and self._ask(self.protocol.resynchronise()) is None:
            raise LinkFault(
                f"No Maestro answers on '{self.port.path}': it needs the serial mode 'USB Dual Port' and the Command "
                f"Port (the lower number of its two), device number {self.protocol.device}, "
                f"CRC {'on' if self.protocol.crc else 'off'}."
            )
        if errors := self._ask(self.protocol.get_errors()):
            raise LinkFault(f"The Maestro on '{self.port.path}' reports {'; '.join(errors_in_words(errors))}.")
        pulses = {channel: self._ask(self.protocol.get_position(channel)) for channel in self.channels}
        self._left_on = {channel: pulse / _QUARTERS for channel, pulse in pulses.items() if pulse}

    def _pulse(self, pulses_us: Mapping[int, float]) -> None:
        self.port.write(self._targets({channel: whole(us, _QUARTERS) for channel, us in pulses_us.items()}))

    def _targets(self, targets: Mapping[int, int]) -> bytes:
        if max(self.channels) < _MICRO_CHANNELS:
            return b"".join(self.protocol.set_target(channel, target) for channel, target in targets.items())
        return self.protocol.set_targets(targets)

    def _go_limp(self) -> None:
        off = self._targets(dict.fromkeys(self.channels, 0))
        # The errors first: a command that broke off is ended by it.
        if self._ask(self.protocol.resynchronise() + off + self.protocol.get_errors(), count=2) is None:
            raise LinkFault(f"The Maestro on '{self.port.path}' does not confirm that its pulses are off.")
        for channel in self.channels:
            if self._ask(self.protocol.get_position(channel)) != 0:
                raise LinkFault(f"The Maestro on '{self.port.path}' does not say that channel {channel} is off.")

    def _ask(self, request: bytes, count: int = 1) -> int | None:
        """The last of `count` two-byte answers."""
        answers = self.port.ask(request, TwoByteReader(), count, _ANSWER_S)
        return word(answers[-1]) if len(answers) == count else None


class TwoByteReader:
    """A Maestro's answers, which have no frame: two bytes each."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Each two bytes."""
        data = self._rest + data
        even = len(data) // 2 * 2
        self._rest = data[even:]
        return [data[at:at + 2] for at in range(0, even, 2)]

    def clear(self) -> None:
        """Begin at an answer's first byte."""
        self._rest = b""
