"""A head of Feetech bus servos, STS / SMS or SCS: told apart by their model numbers before anything is written.

They have no watchdog: when the process is killed they hold their last goal with torque on. The README's physical switch
is what remains.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..protocols import feetech, table
from ..protocols.feetech import AnswerReader, Series
from . import ActuatorLimits, Fault, LinkFault, LinkSettings
from .bus_link import SOON_S, BusLink

_ANSWER_BYTES: Final = 6
"""Of an answer without its parameters."""


class FeetechLink(BusLink):
    """Servos of one series in position mode."""

    POLLED = ("temperature",)
    ALARM = "status"

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self.series = Series(settings.protocol)
        self._reader = AnswerReader()

    def set_watchdog(self, seconds: float) -> bool:
        """False: these servos have none."""
        return False

    def _greet(self) -> None:
        """Every servo answers, is of the map's series (STS and SCS read each other's goals wrongly), and the model."""
        for ident, value in self._read_surely("model_number", list(self.channels)).items():
            number = self.series.register("model_number").encode(value)
            found, name = feetech.series_of(number), feetech.model_name(number)
            if found != self.series.name:
                raise LinkFault(
                    f"Servo {self._label(ident)} on '{self.port.path}' is {name} of the series {found or 'unknown'}, "
                    f"the map says {self.series.name}: it would read every goal wrongly, so nothing is written to it."
                )
            wanted = self.channels[ident].model
            if wanted is not None and int.from_bytes(number, "little") != wanted:
                raise LinkFault(
                    f"Servo {self._label(ident)} on '{self.port.path}' is {name}, the map wants "
                    f"{feetech.model_name(wanted)}: wrong port or id?"
                )
        if self.series.name == "feetech_sts":
            for ident, mode in self._read_surely("operating_mode", list(self.channels)).items():
                if mode:
                    raise LinkFault(f"Servo {self._label(ident)} is in operating mode {mode}, not in 0, for positions.")

    def _judge(self, name: str, ident: int, value: int) -> list[Fault]:
        if name == "temperature":
            data = table("feetech")
            return self._heat(ident, value, data["warm_c"], data["hot_c"])
        return [Fault(ident, f"Servo {self._label(ident)} reports: {words}.", "stop")
                for words in feetech.errors_in_words(value)]

    def _read(self, name: str, channels: Sequence[int], late_s: float = SOON_S) -> dict[int, int]:
        place = self.series.register(name)
        # A greeting asks one by one, which servos of both series answer.
        if self.series.has_sync_read and name != "model_number":
            line_s = len(channels) * (0.0005 + (_ANSWER_BYTES + place.size) * 10 / self.port.baud)
            questions = [(feetech.sync_read(place, channels), len(channels), 2 * line_s + late_s)]
        else:
            questions = [(feetech.read(ident, place), 1, late_s / 2) for ident in channels]
        answers = [answer for request, count, within_s in questions
                   for answer in self.port.ask(request, self._reader, count, within_s)]
        self._alarmed |= {answer.ident for answer in answers if answer.errors} & self.channels.keys()
        return {answer.ident: place.decode(answer.params) for answer in answers
                if answer.ident in channels and len(answer.params) == place.size}

    def _write(self, name: str, values: Mapping[int, int]) -> None:
        self.port.write(feetech.sync_write(self.series.register(name), values))
