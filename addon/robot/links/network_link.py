"""Heads behind a network address: values go out by name or in order, and nothing comes back."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from . import ActuatorLimits, Fault, LinkFault, LinkSettings


class NetworkLink:
    """A link that only talks. The receiver must clamp, and let go by itself when it hears nothing."""

    SPOKEN: str = ""
    """What sentences call the language."""

    def __init__(self, settings: LinkSettings, channels: Mapping[int, ActuatorLimits]) -> None:
        self.settings, self.channels = settings, dict(channels)
        self.enabled: set[int] = set()

    def address(self) -> tuple[str, int]:
        """Host and port that the settings name; this computer if they name no host.

        Raises:
            LinkFault: for an address that is none.
        """
        host, _, port = self.settings.port.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise LinkFault(f"'{self.settings.port}' is no {self.SPOKEN} address; write HOST:PORT, or only the port.")
        return host or "127.0.0.1", int(port)

    def send(self, raw: Mapping[int, float]) -> None:
        """One frame of the enabled channels; lost if the network is busy."""
        if any(not math.isfinite(value) for value in raw.values()):
            raise LinkFault(f"A value that is no number was to be sent by {self.SPOKEN}; nothing was sent.")
        if awake := {channel: float(value) for channel, value in raw.items() if channel in self.enabled}:
            self._frame(awake)

    def enable(self, channels: Sequence[int]) -> None:
        """These channels are sent from now on."""
        for channel in channels:
            if channel not in self.channels:
                raise LinkFault(f"Link '{self.settings.name}' has no channel {channel}.")
        self.enabled |= set(channels)

    def read_positions(self) -> dict[int, float] | None:
        """None: nothing answers."""
        return None

    def read_faults(self) -> list[Fault]:
        """All that can be told from here: nobody listens."""
        if self._is_heard():
            return []
        return [Fault(None, f"Nobody listens to {self.SPOKEN} on '{self.settings.port}'.", "warn")]

    def set_watchdog(self, seconds: float) -> bool:
        """False: that is the receiver's to have."""
        return False

    def _frame(self, values: Mapping[int, float]) -> None:
        raise NotImplementedError

    def _is_heard(self) -> bool:
        raise NotImplementedError
