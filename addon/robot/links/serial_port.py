"""Serial ports: found by name, opened for us alone, never waited for longer than said. The one user of pyserial."""
from __future__ import annotations

import contextlib
import errno
import os
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from ...core.errors import SemblanceError, require
from . import LinkFault

_FEATURE: Final = "Driving a robot over a serial port"
# pyserial re-applies all settings when a time-out changes, so reading waits in short steps of this length.
_STEP_S: Final = 0.002

Answer = TypeVar("Answer")


class Reader(Protocol[Answer]):
    """Turns bytes into answers; one of `protocols`."""

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that `data` completes."""

    def clear(self) -> None:
        """Forget what is half there."""


@dataclass(frozen=True)
class PortInfo:
    """A serial port of this computer."""

    path: str
    name: str
    """What its maker calls it: "Pololu Mini Maestro 18-Channel USB Servo Controller"."""
    vendor: int | None
    """The USB vendor; None: not a USB port."""
    serial: str = ""


def list_ports() -> list[PortInfo]:
    """The serial ports here, USB ones first. None is opened."""
    tools = require("serial.tools.list_ports", _FEATURE)
    ports = []
    for port in tools.comports():
        names = (port.product or port.description, port.interface)
        words = [word for word in names if word and word not in ("n/a", port.device)]
        ports.append(PortInfo(port.device, " ".join(words) or "serial port", port.vid, port.serial_number or ""))
    return sorted(ports, key=lambda port: (port.vendor is None, port.path))


class SerialPort:
    """One port, opened exclusively; a failure is a LinkFault in one sentence."""

    def __init__(self, path: str, baud: int, write_timeout_s: float = 0.05) -> None:
        self.path, self.baud, self.write_timeout_s = path, baud, write_timeout_s
        self._serial: Any = None

    def open(self) -> None:
        """Open it for this process alone.

        Raises:
            SemblanceError: if it is not there, taken, not allowed, or cannot run at this rate.
        """
        if not self.path:
            raise LinkFault(f"No serial port is named; choose one of: {_ports_in_words()}.")
        serial = require("serial", _FEATURE)
        # Windows has no other way than exclusive, and pyserial refuses to be told so.
        alone = {"exclusive": True} if os.name == "posix" else {}
        try:
            self._serial = serial.Serial(
                self.path, self.baud, timeout=_STEP_S, write_timeout=self.write_timeout_s, **alone
            )
        except (serial.SerialException, OSError) as error:
            raise LinkFault(self._why_not(error)) from error
        except (ValueError, OverflowError) as error:
            raise LinkFault(f"The port '{self.path}' cannot run at {self.baud} baud ({error}).") from error
        # An FTDI adapter keeps answers back for 16 ms unless told otherwise; only Linux can, and not on every port.
        with contextlib.suppress(Exception):
            self._serial.set_low_latency_mode(True)

    def write(self, data: bytes) -> None:
        """Hand all of `data` to the system.

        Raises:
            LinkFault: within the write time-out, if the system does not take it or the port is gone.
        """
        serial = require("serial", _FEATURE)
        if self._serial is None:
            raise LinkFault(f"The port '{self.path}' is not open.")
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkFault(
                f"The board on '{self.path}' took no bytes for {self.write_timeout_s * 1000:.0f} ms: "
                "it hangs, or the baud rate is too low for this many servos."
            ) from error
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: pyserial after a failed close
            raise self._gone() from error

    def read(self) -> bytes:
        """What has come, or nothing after a few milliseconds.

        Raises:
            LinkFault: if the port is gone.
        """
        serial = require("serial", _FEATURE)
        if self._serial is None:
            raise LinkFault(f"The port '{self.path}' is not open.")
        try:
            return bytes(self._serial.read(max(1, self._serial.in_waiting)))
        except (serial.SerialException, OSError, TypeError) as error:
            raise self._gone() from error

    def ask(self, request: bytes, reader: Reader[Answer], count: int, within_s: float) -> list[Answer]:
        """Send `request` and gather up to `count` answers; fewer if they do not come `within_s`.

        Raises:
            LinkFault: as `write` and `read`.
        """
        reader.clear()
        self.discard_input()
        self.write(request)
        deadline = time.monotonic() + within_s
        answers: list[Answer] = []
        while len(answers) < count and time.monotonic() < deadline:
            answers += reader.feed(self.read())
        return answers[:count]

    def discard_input(self) -> None:
        """Throw away late answers of an earlier question."""
        self._quietly("reset_input_buffer")

    def discard_output(self) -> None:
        """Throw away what still waits to be sent, so that what matters goes out first."""
        self._quietly("reset_output_buffer")

    def close(self) -> None:
        """Give the port back."""
        self._quietly("close")
        self._serial = None

    def _quietly(self, action: str) -> None:
        # A port that is gone fails in as many ways as there are systems; whoever writes next is told so. termios.error
        # is an Exception of its own.
        with contextlib.suppress(Exception):
            getattr(self._serial, action)()

    def _gone(self) -> LinkFault:
        return LinkFault(f"The port '{self.path}' is gone: unplugged, or its board lost power.")

    def _why_not(self, error: Exception) -> str:
        number, text = getattr(error, "errno", None), str(error)
        if number in (errno.EAGAIN, errno.EBUSY) or (os.name == "nt" and "PermissionError" in text):
            return f"The port '{self.path}' is taken by another program; close it there first."
        if number in (errno.EACCES, errno.EPERM):
            return (f"You may not open the port '{self.path}': add yourself to its group "
                    "(sudo usermod -aG dialout $USER) and log in again.")
        if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in text:
            return f"There is no port '{self.path}'; here are: {_ports_in_words()}."
        # pyserial tells the number of a failed open, but only the text of a failed configuration.
        if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or os.strerror(errno.ENOTTY) in text:
            return f"'{self.path}' is not a serial port; here are: {_ports_in_words()}."
        return f"The port '{self.path}' does not open: {text}."


def _ports_in_words() -> str:
    with contextlib.suppress(SemblanceError):
        if ports := list_ports():
            return ", ".join(f"{port.path} ({port.name})" for port in ports)
    return "no ports at all; is the board plugged in and powered?"
