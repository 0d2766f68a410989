"""Pololu Maestro: servo targets as bytes, in the compact and the Pololu protocol, with or without CRC-7.

User's guide 0J40, sections 5.c to 5.e. Targets are quarter-microseconds; 0 stops the pulses of a channel. Every command
byte has its high bit set, every data byte has not, so a command that was cut short ends where the next one begins.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import ProtocolError, check, in_words, table

_HIGHEST: Final = (1 << 14) - 1
# Pololu's advice after noise: fill up whatever command was begun, then read (and so clear) the errors.
_FILLING: Final = b"\x00\x00"
_SET_TARGET, _SET_SPEED, _SET_ACCELERATION, _SET_TARGETS = 0x84, 0x87, 0x89, 0x9F
_GET_POSITION, _GET_ERRORS, _GO_HOME = 0x90, 0xA1, 0xA2


@dataclass(frozen=True)
class Maestro:
    """How commands to one board are written."""

    dialect: str = "pololu"
    """"compact": whoever hears it; "pololu": the board with the number `device`."""
    device: int = 12
    crc: bool = False
    """Each command ends in a CRC-7; set in Maestro Control Center, off as shipped."""

    def __post_init__(self) -> None:
        if self.dialect not in ("compact", "pololu"):
            raise ProtocolError(f"A Maestro speaks the dialects 'compact' and 'pololu', not '{self.dialect}'.")
        check("The Maestro's device number", self.device, 0, 127)

    def set_target(self, channel: int, quarter_us: int) -> bytes:
        """One channel to a pulse; 0 stops its pulses."""
        return self._command(_SET_TARGET, _channel(channel), *_halves("The target", quarter_us))

    def set_targets(self, targets: Mapping[int, int]) -> bytes:
        """Channel → quarter-us as one write: a command for each run of neighbouring channels (not on a Micro 6)."""
        parts = []
        for first, run in _runs(targets):
            data = [half for value in run for half in _halves("The target", value)]
            parts.append(self._command(_SET_TARGETS, len(run), _channel(first), *data))
        return b"".join(parts)

    def set_speed(self, channel: int, speed: int) -> bytes:
        """0.25 us per 10 ms; 0: unlimited."""
        return self._command(_SET_SPEED, _channel(channel), *_halves("The speed", speed))

    def set_acceleration(self, channel: int, acceleration: int) -> bytes:
        """0.25 us per 10 ms per 80 ms, up to 255; 0: unlimited."""
        check("The acceleration", acceleration, 0, 255)
        return self._command(_SET_ACCELERATION, _channel(channel), *_halves("The acceleration", acceleration))

    def get_position(self, channel: int) -> bytes:
        """Answered by two bytes for `word`: the pulse that is sent, not where the servo is."""
        return self._command(_GET_POSITION, _channel(channel))

    def get_errors(self) -> bytes:
        """Answered by two bytes for `word` and `errors_in_words`; clears them on the board."""
        return self._command(_GET_ERRORS)

    def go_home(self) -> bytes:
        """Every channel to its state at start-up."""
        return self._command(_GO_HOME)

    def resynchronise(self) -> bytes:
        """What gets the board's attention after noise; answered like `get_errors`."""
        return _FILLING + self.get_errors()

    def _command(self, compact: int, *data: int) -> bytes:
        head = (compact,) if self.dialect == "compact" else (0xAA, self.device, compact & 0x7F)
        command = bytes((*head, *data))
        return command + bytes((crc7(command),)) if self.crc else command


def crc7(command: bytes) -> int:
    """The check byte of a whole command: polynomial 0x91, lowest bit first."""
    crc = 0
    for byte in command:
        crc = _CRC[crc ^ byte]
    return crc


def word(answer: bytes) -> int:
    """Two answered bytes as a number.

    Raises:
        ProtocolError: if they are not two.
    """
    if len(answer) != 2:
        raise ProtocolError(f"The Maestro answered {len(answer)} bytes instead of 2.")
    return int.from_bytes(answer, "little")


def errors_in_words(errors: int) -> list[str]:
    """What each bit of the error word says."""
    return in_words(table("maestro")["errors"], errors)


def _table() -> list[int]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = (row ^ 0x91) >> 1 if row & 1 else row >> 1
        rows.append(row)
    return rows


_CRC: Final = _table()


def _channel(channel: int) -> int:
    return check("The channel", channel, 0, 127)


def _halves(what: str, value: int) -> tuple[int, int]:
    check(what, value, 0, _HIGHEST)
    return value & 0x7F, value >> 7


def _runs(targets: Mapping[int, int]) -> list[tuple[int, Sequence[int]]]:
    """(first channel, values) of each run of neighbouring channels."""
    runs: list[tuple[int, list[int]]] = []
    for channel in sorted(targets):
        if runs and channel == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(targets[channel])
        else:
            runs.append((channel, [targets[channel]]))
    return list(runs)
