"""A head of Dynamixel X servos: goals by sync write, the bus watchdog as the hardware's own stop."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..protocols import dynamixel, table
from ..protocols.dynamixel import StatusReader, register
from . import ActuatorLimits, Fault, LinkFault, LinkSettings
from .bus_link import SOON_S, BusLink

_STATUS_BYTES: Final = 11
"""Of an answer without its parameters."""
_FIRED: Final = 0xFF
_ALERT: Final = 0x80


class DynamixelLink(BusLink):
    """Motors of the X series in position mode, told apart by their model numbers."""

    POLLED = ("temperature", "bus_watchdog", "torque_enable")
    ALARM = "hardware_error"

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._reader = StatusReader()
        self._watchdog = 0

    def enable(self, channels: Sequence[int]) -> None:
        """Re-arm in the manual's order: watchdog off, profiles, goal = present, torque, watchdog on."""
        super().enable(channels)
        self._write("bus_watchdog", dict.fromkeys(channels, self._watchdog))

    def set_watchdog(self, seconds: float) -> bool:
        """True: each motor stops by itself after this silence, to 20 ms; from the next `enable`, and at once if awake.

        A motor stops and holds; its torque stays on. Of the 330-size motors some kept turning (firmware 51): try it.
        """
        self._watchdog = dynamixel.watchdog_count(seconds)
        if self.enabled:
            self._write("bus_watchdog", dict.fromkeys(sorted(self.enabled), self._watchdog))
        return True

    def _greet(self) -> None:
        """Every motor answers, is the model that the map names, and is in position mode."""
        for ident, number in self._read_surely("model_number", list(self.channels)).items():
            wanted, name = self.channels[ident].model, dynamixel.model_name(number)
            if wanted is not None and number != wanted:
                raise LinkFault(
                    f"Motor {self._label(ident)} on '{self.port.path}' is a {name or 'model ' + str(number)} "
                    f"({number}), the map wants {dynamixel.model_name(wanted) or 'model'} ({wanted}): wrong port or id?"
                )
            if name is None:
                raise LinkFault(
                    f"Motor {self._label(ident)} on '{self.port.path}' has the model number {number}, which is none of "
                    "the X series; its registers are elsewhere, so nothing is written to it."
                )
        position_mode = table("dynamixel")["position_mode"]
        for ident, mode in self._read_surely("operating_mode", list(self.channels)).items():
            if mode != position_mode:
                raise LinkFault(
                    f"Motor {self._label(ident)} is in operating mode {mode}, not in position mode ({position_mode}): "
                    "set it in Dynamixel Wizard."
                )

    def _prepare(self, channels: Sequence[int]) -> None:
        # A watchdog that fired makes goals and profiles read-only until 0 is written. Profile 0 = no ramp of the
        # motor's own: how a face moves is decided in one place, on this side.
        for name in ("bus_watchdog", "profile_acceleration", "profile_velocity"):
            self._write(name, dict.fromkeys(channels, 0))

    def _reason(self, ident: int) -> str:
        words = dynamixel.hardware_errors_in_words(self._read("hardware_error", [ident]).get(ident, 0))
        return f": {'; '.join(words)} (switch its supply off and on)" if words else ""

    def _judge(self, name: str, ident: int, value: int) -> list[Fault]:
        if name == "temperature":
            data = table("dynamixel")
            return self._heat(ident, value, data["warm_c"], data["hot_c"])
        if name == "torque_enable":
            sentence = f"Motor {self._label(ident)} has lost its torque: its supply was off, or it started anew."
            return [Fault(ident, sentence, "stop")] if not value and ident in self.enabled else []
        if name == "bus_watchdog":
            sentence = f"The bus watchdog stopped motor {self._label(ident)}: nothing came for its time."
            return [Fault(ident, sentence, "stop")] if value == _FIRED else []
        return [Fault(ident, f"Motor {self._label(ident)} reports: {words}.", "stop")
                for words in dynamixel.hardware_errors_in_words(value)]

    def _read(self, name: str, channels: Sequence[int], late_s: float = SOON_S) -> dict[int, int]:
        place = register(name)
        # Each motor waits up to 0.5 ms before it answers (the factory's return delay); ten bits a byte.
        line_s = len(channels) * (0.0005 + (_STATUS_BYTES + place.size) * 10 / self.port.baud)
        request = dynamixel.sync_read(place, channels)
        answers = self.port.ask(request, self._reader, len(channels), 2 * line_s + late_s)
        self._alarmed |= {answer.ident for answer in answers if answer.error & _ALERT} & self.channels.keys()
        signed = name == "present_position"
        return {answer.ident: answer.number(signed) for answer in answers
                if answer.ident in channels and not answer.refusal() and len(answer.params) == place.size}

    def _write(self, name: str, values: Mapping[int, int]) -> None:
        self.port.write(dynamixel.sync_write(register(name), values))
