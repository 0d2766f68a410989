"""A head on an Arduino or ESP32 with our sketch (rigs/robots/firmware), which clamps and watches by itself."""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from ..protocols import sketch
from . import ActuatorLimits, Fault, LinkFault, LinkSettings
from .pulse_link import PulseLink
from .serial_link import whole

_Kind = TypeVar("_Kind", sketch.Hello, sketch.State)
_ANSWER_S: Final = 0.05
_START_S: Final = 3.0
"""Opening the port restarts most Arduinos; their boot loader keeps quiet for about two seconds."""


class SketchLink(PulseLink):
    """Channels are places in the sketch's own table, raw values us."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        super().__init__(settings, channels)
        self._reader = sketch.FrameReader()
        self._hello: sketch.Hello | None = None
        self._seen: sketch.State | None = None

    def enable(self, channels: Sequence[int]) -> None:
        """Wake these servos at their first pulse; clears a watchdog that fired."""
        self.port.write(sketch.enable(self._known(channels)))
        super().enable(channels)

    def set_watchdog(self, seconds: float) -> bool:
        """True if the sketch's own watchdog, a constant of its source, is as quick as that."""
        return self._hello is not None and 0 < self._hello.watchdog_ms <= seconds * 1000

    def read_faults(self) -> list[Fault]:
        """A watchdog that fired, frames that arrived damaged, pulses that the board had to clamp."""
        state, before = self._ask(sketch.query(), sketch.State), self._seen
        faults = self._heard(state is not None)
        if state is None:
            return faults
        self._seen = state
        if state.watchdog_fired and self.enabled:
            faults.append(Fault(None, "The board heard nothing for its watchdog's time and let its servos go.", "stop"))
        if before is not None and state.wrong_frames != before.wrong_frames:
            faults.append(Fault(None, "Frames arrive damaged at the board: check cable, ground and baud rate.", "warn"))
        if before is not None and state.clamped != before.clamped:
            faults.append(Fault(None, "The board's own travel is narrower than the map's; it clamped.", "warn"))
        return faults

    def _greet(self) -> None:
        self._hello = self._seen = None
        deadline = time.monotonic() + _START_S
        while self._hello is None and time.monotonic() < deadline:
            self._hello = self._ask(sketch.hello(), sketch.Hello)
        if self._hello is None:
            raise LinkFault(
                f"No board with Semblance's sketch answers on '{self.port.path}' at {self.port.baud} baud: upload "
                "rigs/robots/firmware/semblance_head, or choose the port of that board."
            )
        if self._hello.version != sketch.VERSION:
            raise LinkFault(
                f"The sketch on '{self.port.path}' speaks version {self._hello.version}, this Semblance "
                f"{sketch.VERSION}: upload rigs/robots/firmware/semblance_head again."
            )
        if (most := max(self.channels, default=-1)) >= self._hello.servos:
            raise LinkFault(
                f"The sketch on '{self.port.path}' has {self._hello.servos} servos, the map wants channel {most} "
                "(they count from 0): add it to the sketch's table."
            )

    def _pulse(self, pulses_us: Mapping[int, float]) -> None:
        self.port.write(sketch.targets({channel: whole(us) for channel, us in pulses_us.items()}))

    def _go_limp(self) -> None:
        self.port.write(sketch.limp())
        state = self._ask(sketch.query(), sketch.State)
        if state is None or state.attached:
            raise LinkFault(f"The board on '{self.port.path}' does not confirm that its servos are detached.")

    def _ask(self, request: bytes, kind: type[_Kind]) -> _Kind | None:
        for answer in self.port.ask(request, self._reader, 1, _ANSWER_S):
            if isinstance(answer, kind):
                return answer
        return None
