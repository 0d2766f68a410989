"""Boards that are not there: each plays one piece of hardware on the far side of a pseudo-terminal.

They decode by the vendors' documents, bit by bit and without any product code, so that they can judge what the product
sends. Each keeps what a servo would do (`pulses`, a motor's memory), reports every frame to `on_frame`, and has the
faults of real benches: no reply, half a reply, garbage on the line, a reader that sleeps, a pulled plug, error words,
a watchdog that fires.

    with MaestroBoard(channels=18) as board:
        link = MaestroLink(LinkSettings("face", "maestro", port=board.path), channels)
"""
from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

_TICK_S = 0.002


@dataclass
class Faults:
    """What goes wrong; every field may be changed while the board runs."""

    mute: bool = False
    """It hears but never answers."""
    half_reply: bool = False
    """Answers break off in the middle."""
    garbage: bytes = b""
    """Noise in front of each answer."""
    late_s: float = 0.0
    """Answers come so much later."""
    asleep: bool = False
    """It reads nothing: the sender's buffer fills, writes time out."""
    unplug_after: int | None = None
    """The plug is pulled once so many bytes have been read."""


class Board:
    """The far side of a pseudo-terminal; `path` is the port to open. Use it in a `with` block."""

    baud: int | None = None
    """It answers only at this rate; None: at any."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.on_frame: Callable[[dict[int, int]], None] | None = None
        """Called with channel → raw of each frame that is obeyed."""
        self.frames: list[tuple[float, dict[int, int]]] = []
        """(time.monotonic(), channel → raw) of each frame, unless `on_frame` takes them."""
        self.received = self._laps = 0
        self.clock: Callable[[], float] = time.monotonic
        self._ending = threading.Event()
        self._plugged = True

    def __enter__(self) -> Board:
        if not hasattr(os, "openpty"):
            import pytest

            pytest.skip("no pseudo-terminals on this system")
        import tty

        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(5)
        self.unplug()

    def unplug(self) -> None:
        """Pull the plug: the port is gone for whoever has it open."""
        if self._plugged:
            self._plugged = False
            os.close(self._master)
            os.close(self._slave)

    def settle(self, seconds: float = 2.0) -> None:
        """Wait until everything that was written has been read and obeyed."""
        deadline, quiet = time.monotonic() + seconds, 0
        while time.monotonic() < deadline and quiet < 3:
            received, laps = self.received, self._laps
            time.sleep(2 * _TICK_S)
            # On a busy machine the thread may not have had its turn yet: two laps, so that one of them was whole.
            while self._laps < laps + 2 and self._thread.is_alive() and time.monotonic() < deadline:
                time.sleep(_TICK_S)
            waiting = bool(self._plugged and select.select([self._master], [], [], 0)[0])
            quiet = quiet + 1 if self.received == received and not waiting else 0

    def obey(self, data: bytes) -> bytes:
        """What the board answers to `data`, in any pieces; also usable without a port."""
        raise NotImplementedError

    def tick(self) -> None:
        """Called every few milliseconds: watchdogs."""

    def note(self, frame: dict[int, int]) -> None:
        """A frame was obeyed."""
        if self.on_frame is not None:
            self.on_frame(frame)
        else:
            self.frames.append((self.clock(), frame))

    def _serve(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while not self._ending.is_set() and self._plugged:
                self.tick()
                self._laps += 1
                if self.faults.asleep or not select.select([self._master], [], [], _TICK_S)[0]:
                    if self.faults.asleep:
                        time.sleep(_TICK_S)
                    continue
                self._take(os.read(self._master, self._piece()))

    def _piece(self) -> int:
        limit = self.faults.unplug_after
        return 4096 if limit is None else max(1, min(4096, limit - self.received))

    def _take(self, data: bytes) -> None:
        self.received += len(data)
        if self.faults.unplug_after is not None and self.received >= self.faults.unplug_after:
            self.unplug()
            return
        if self.baud is not None and not self._at_my_baud():
            return
        answer = self.obey(data)
        if not answer or self.faults.mute:
            return
        if self.faults.late_s:
            self._ending.wait(self.faults.late_s)
        answer = answer[: len(answer) // 2] if self.faults.half_reply else answer
        os.write(self._master, self.faults.garbage + answer)

    def _at_my_baud(self) -> bool:
        import termios

        # Both sides of a pseudo-terminal share its settings, so the rate that the sender chose can be read here.
        return termios.tcgetattr(self._master)[5] == getattr(termios, f"B{self.baud}")


class MaestroBoard(Board):
    """Pololu Maestro, by the user's guide (0J40): both protocols, CRC, error word, serial time-out, go home."""

    # Bytes that follow a command byte (with its high bit cleared).
    _DATA: ClassVar = {0x04: 3, 0x07: 3, 0x09: 3, 0x10: 1, 0x13: 0, 0x21: 0, 0x22: 0}
    _MULTIPLE, _MINI_SSC, _POLOLU = 0x1F, 0xFF, 0xAA
    SERIAL_SIGNAL, OVERRUN, BUFFER_FULL, CRC, PROTOCOL, TIMEOUT = (1 << bit for bit in range(6))

    def __init__(self, channels: int = 24, device: int = 12, crc: bool = False, timeout_s: float = 0.0,
                 travel: tuple[int, int] = (3968, 8000), multiple: bool = True) -> None:
        super().__init__()
        self.device, self.crc, self.timeout_s, self.travel, self.multiple = device, crc, timeout_s, travel, multiple
        self.pulses = [0] * channels
        """Quarter-microseconds; 0: no pulse."""
        self.speeds = [0] * channels
        self.accelerations = [0] * channels
        self.errors = 0
        self._packet = bytearray()
        self._heard_s = self.clock()

    def fail(self, bit: int) -> None:
        """An error occurs: its bit is kept until it is read, and every servo goes to its error state, off."""
        self.errors |= bit
        self.pulses = [0] * len(self.pulses)

    def tick(self) -> None:
        """The serial time-out counts while a pulse is out."""
        if self.timeout_s and any(self.pulses) and self.clock() - self._heard_s > self.timeout_s:
            self.fail(self.TIMEOUT)

    def obey(self, data: bytes) -> bytes:
        """Take bytes one at a time, as the guide describes: a command byte always begins a new command."""
        answer = b""
        for byte in data:
            begins = byte & 0x80 and not (self._packet[:1] == b"\xff" and len(self._packet) < 3)
            if begins:
                if self._packet:
                    self.fail(self.PROTOCOL)  # the command before was cut short
                self._packet = bytearray((byte,))
            elif self._packet:
                self._packet.append(byte)
            else:
                self.fail(self.PROTOCOL)  # a data byte that belongs to nothing
                continue
            answer += self._try_command()
        return answer

    def _try_command(self) -> bytes:
        packet = self._packet
        if packet[0] == self._MINI_SSC:
            if len(packet) == 3:
                self._packet = bytearray()
                self._heard_s = self.clock()
            return b""
        head = 3 if packet[0] == self._POLOLU else 1
        if len(packet) < head:
            return b""
        command = packet[2] if head == 3 else packet[0] & 0x7F
        length = self._length(command, packet[head:])
        if length == -1:
            self._packet = bytearray()
            self.fail(self.PROTOCOL)
            return b""
        if length is None or len(packet) < head + length + self.crc:
            return b""
        self._packet = bytearray()
        if self.crc and self._crc7(packet[:-1]) != packet[-1]:
            self.fail(self.CRC)
            return b""
        if head == 3 and packet[1] != self.device:
            return b""
        self._heard_s = self.clock()
        return self._run(command, bytes(packet[head:head + length]))

    def _length(self, command: int, data: bytes | bytearray) -> int | None:
        """Data bytes of a command; None: not known yet; -1: no such command."""
        if command == self._MULTIPLE and self.multiple:
            return 2 + 2 * data[0] if data else None
        return self._DATA.get(command, -1)

    def _run(self, command: int, data: bytes) -> bytes:
        if command == 0x21:
            word, self.errors = self.errors, 0
            return bytes((word % 256, word // 256))
        if command == 0x22:
            self.pulses = [0] * len(self.pulses)
        elif command == 0x13:
            return b"\x00"
        elif command == 0x10:
            pulse = self.pulses[data[0]] if data[0] < len(self.pulses) else 0
            return bytes((pulse % 256, pulse // 256))
        elif command in (0x04, self._MULTIPLE):
            first, values = (data[1], data[2:]) if command == self._MULTIPLE else (data[0], data[1:])
            self._move({first + i: values[2 * i] + 128 * values[2 * i + 1] for i in range(len(values) // 2)})
        elif data[0] < len(self.pulses):
            {0x07: self.speeds, 0x09: self.accelerations}[command][data[0]] = data[1] + 128 * data[2]
        return b""

    def _move(self, targets: dict[int, int]) -> None:
        if any(channel >= len(self.pulses) for channel in targets):
            self.fail(self.PROTOCOL)
            return
        for channel, target in targets.items():
            self.pulses[channel] = target and min(max(target, self.travel[0]), self.travel[1])
        self.note(targets)

    @staticmethod
    def _crc7(data: bytes | bytearray) -> int:
        """The guide's own loop: polynomial 0x91 over bits, the lowest first."""
        crc = 0
        for byte in data:
            for bit in range(8):
                crc ^= (byte >> bit) & 1
                crc = (crc >> 1) ^ (0x48 if crc & 1 else 0)
        return crc


@dataclass
class Motor:
    """A bus servo: its control table and where it stands."""

    memory: bytearray
    fed_s: float = 0.0
    moved: list[int] = field(default_factory=list)
    """Every goal that it followed with torque on."""


class DynamixelBoard(Board):
    """A bus of Dynamixel X motors, by the e-manual: protocol 2.0 with stuffing, status packets, bus watchdog."""

    _GOALS = range(100, 120)
    VOLTAGE, OVERHEATING, ENCODER, SHOCK, OVERLOAD = 1, 4, 8, 16, 32

    def __init__(self, models: dict[int, int], present: int = 2048) -> None:
        super().__init__()
        self.motors = {ident: Motor(bytearray(256)) for ident in models}
        for ident, model in models.items():
            for address, size, value in ((0, 2, model), (6, 1, 45), (7, 1, ident), (11, 1, 3), (48, 4, 4095),
                                         (132, 4, present), (116, 4, present), (144, 2, 120), (146, 1, 30)):
                self.poke(ident, address, size, value)
        self._line = bytearray()

    def peek(self, ident: int, address: int, size: int) -> int:
        """A register as an unsigned number."""
        return sum(self.motors[ident].memory[address + i] << (8 * i) for i in range(size))

    def poke(self, ident: int, address: int, size: int, value: int) -> None:
        """Set a register as the motor itself would."""
        for i in range(size):
            self.motors[ident].memory[address + i] = (value >> (8 * i)) & 0xFF

    def tick(self) -> None:
        """The bus watchdog counts in each motor whose torque is on."""
        for ident, motor in self.motors.items():
            limit = motor.memory[98]
            if motor.memory[64] and 1 <= limit <= 127 and self.clock() - motor.fed_s > limit * 0.02:
                motor.memory[98] = 0xFF
                self.poke(ident, 108, 8, 0)

    def obey(self, data: bytes) -> bytes:
        """Find packets in what has come so far and run them."""
        self._line += data
        answer = b""
        while True:
            start = self._line.find(b"\xff\xff\xfd\x00")
            if start < 0:
                del self._line[:-3]
                return answer
            del self._line[:start]
            if len(self._line) < 7:
                return answer
            size = 7 + self._line[5] + 256 * self._line[6]
            if size > 1024:
                del self._line[:1]
                continue
            if len(self._line) < size:
                again = self._line.find(b"\xff\xff\xfd\x00", 4)
                if again < 0:
                    return answer
                del self._line[:again]
                continue
            packet = bytes(self._line[:size])
            if self._crc16(packet[:-2]) != packet[-2] + 256 * packet[-1]:
                del self._line[:1]
                continue
            del self._line[:size]
            answer += self._run(packet[4], packet[7], self._unstuff(packet[7:-2])[1:])

    def _run(self, ident: int, instruction: int, params: bytes) -> bytes:
        for motor in self.motors.values():
            motor.fed_s = self.clock()  # any instruction on the bus feeds every watchdog
        named = [ident] if ident in self.motors else sorted(self.motors) if ident == 0xFE else []
        if instruction == 1:
            return b"".join(self._status(i, bytes(self.motors[i].memory[k] for k in (0, 1, 6))) for i in named)
        if instruction == 2 and len(params) == 4:
            address, size = params[0] + 256 * params[1], params[2] + 256 * params[3]
            return b"".join(self._read(i, address, size) for i in named if ident != 0xFE)
        if instruction == 3 and len(params) >= 3:
            errors = {i: self._write(i, params[0] + 256 * params[1], params[2:]) for i in named}
            return b"" if ident == 0xFE else b"".join(self._status(i, b"", error) for i, error in errors.items())
        if instruction == 8:
            for i in named:
                self.motors[i].memory[64] = 0
                self.motors[i].memory[70] = 0
            return b"" if ident == 0xFE else b"".join(self._status(i, b"") for i in named)
        if instruction == 0x82 and len(params) > 4:
            address, size = params[0] + 256 * params[1], params[2] + 256 * params[3]
            return b"".join(self._read(i, address, size) for i in params[4:] if i in self.motors)
        if instruction == 0x83 and len(params) > 4:
            self._sync_write(params)
        return b""

    def _sync_write(self, params: bytes) -> None:
        address, size = params[0] + 256 * params[1], params[2] + 256 * params[3]
        frame = {}
        for at in range(4, len(params) - size, size + 1):
            ident, data = params[at], params[at + 1:at + 1 + size]
            if ident in self.motors:
                obeyed = not self._write(ident, address, data)
                if obeyed and address <= 116 < address + size:
                    frame[ident] = self.peek(ident, 116, 4)
        if frame:
            self.note(frame)

    def _read(self, ident: int, address: int, size: int) -> bytes:
        if address + size > 256:
            return self._status(ident, b"", 7)
        return self._status(ident, bytes(self.motors[ident].memory[address:address + size]))

    def _write(self, ident: int, address: int, data: bytes) -> int:
        """0, or the error number of the status packet."""
        memory = self.motors[ident].memory
        if address + len(data) > 256 or (address < 64 and memory[64]):
            return 7
        if memory[98] == 0xFF and set(range(address, address + len(data))) & set(self._GOALS):
            return 7  # a fired watchdog makes the goals read-only
        if address <= 64 < address + len(data) and data[64 - address] and memory[70]:
            return 7  # shut down until a reboot
        if address <= 98 < address + len(data) and data[98 - address] == 0:
            memory[98] = 0
        memory[address:address + len(data)] = data
        if address <= 116 < address + len(data) and memory[64]:
            memory[132:136] = memory[116:120]
            self.motors[ident].moved.append(self.peek(ident, 116, 4))
        return 0

    def _status(self, ident: int, params: bytes, error: int = 0) -> bytes:
        alert = 0x80 if self.motors[ident].memory[70] else 0
        body = self._stuff(bytes((0x55, error | alert)) + params)
        packet = b"\xff\xff\xfd\x00" + bytes((ident, (len(body) + 2) % 256, (len(body) + 2) // 256)) + body
        crc = self._crc16(packet)
        return packet + bytes((crc % 256, crc // 256))

    @staticmethod
    def _stuff(body: bytes) -> bytes:
        out = bytearray()
        for byte in body:
            out.append(byte)
            if out[-3:] == b"\xff\xff\xfd":
                out.append(0xFD)
        return bytes(out)

    @staticmethod
    def _unstuff(body: bytes) -> bytes:
        out, skip = bytearray(), False
        for at, byte in enumerate(body):
            if skip:
                skip = False
                continue
            out.append(byte)
            skip = body[at - 2:at + 2] == b"\xff\xff\xfd\xfd" if at >= 2 else False
        return bytes(out)

    @staticmethod
    def _crc16(data: bytes) -> int:
        crc = 0
        for byte in data:
            for bit in range(7, -1, -1):
                top = (crc >> 15) ^ (byte >> bit & 1)
                crc = (crc << 1 & 0xFFFF) ^ (0x8005 if top else 0)
        return crc


class FeetechBoard(Board):
    """A bus of Feetech servos: STS/SMS (little-endian, sign bit 15) or SCS (big-endian, no sync read)."""

    VOLTAGE, ENCODER, OVERHEATING, CURRENT, OVERLOAD = 1, 2, 4, 8, 32

    def __init__(self, idents: list[int], series: str = "sts", present: int | None = None) -> None:
        super().__init__()
        self.big = series == "scs"
        version = {"sts": (9, 3), "sms": (8, 44), "scs": (5, 4)}[series]
        self.motors = {ident: Motor(bytearray(256)) for ident in idents}
        for ident, motor in self.motors.items():
            motor.memory[0:6] = bytes((3, 9, int(self.big), *version, ident))
            motor.memory[62:64] = bytes((74, 31))
            self.poke(ident, 56, (511 if self.big else 2048) if present is None else present)
            self.poke(ident, 11, 1023 if self.big else 4095)
        self._line = bytearray()

    def peek(self, ident: int, address: int) -> int:
        """A 16-bit register; STS positions are sign and magnitude."""
        high, low = self.motors[ident].memory[address:address + 2]
        if not self.big:
            high, low = low, high
            return -((high & 0x7F) * 256 + low) if high & 0x80 else high * 256 + low
        return high * 256 + low

    def poke(self, ident: int, address: int, value: int) -> None:
        """Set a 16-bit register as the servo itself would."""
        high, low = abs(value) // 256 | (0x80 if value < 0 else 0), abs(value) % 256
        self.motors[ident].memory[address:address + 2] = bytes((high, low) if self.big else (low, high))

    def obey(self, data: bytes) -> bytes:
        """Find packets in what has come so far and run them."""
        self._line += data
        answer = b""
        while True:
            start = self._line.find(b"\xff\xff")
            if start < 0:
                del self._line[:-1]
                return answer
            del self._line[:start]
            if len(self._line) >= 3 and self._line[2] == 0xFF:
                del self._line[:1]
                continue
            if len(self._line) < 4:
                return answer
            size = 4 + self._line[3]
            if self._line[3] < 2:
                del self._line[:1]
                continue
            if len(self._line) < size:
                return answer
            packet = bytes(self._line[:size])
            if 255 - sum(packet[2:-1]) % 256 != packet[-1]:
                del self._line[:1]
                continue
            del self._line[:size]
            answer += self._run(packet[2], packet[4], packet[5:-1])

    def _run(self, ident: int, instruction: int, params: bytes) -> bytes:
        named = [ident] if ident in self.motors else sorted(self.motors) if ident == 0xFE else []
        if instruction == 1:
            return b"".join(self._status(i, b"") for i in named)
        if instruction == 2 and len(params) == 2 and ident != 0xFE:
            return b"".join(self._status(i, self._memory(i, *params)) for i in named)
        if instruction == 3 and len(params) >= 2:
            frame = {}
            for i in named:
                self._write(i, params[0], params[1:])
                if params[0] <= 42 < params[0] + len(params) - 1:
                    frame[i] = self.peek(i, 42)
            if frame:
                self.note(frame)
            return b"" if ident == 0xFE else b"".join(self._status(i, b"") for i in named)
        if instruction == 0x82 and len(params) > 2 and not self.big:
            return b"".join(self._status(i, self._memory(i, *params[:2])) for i in params[2:] if i in self.motors)
        if instruction == 0x83 and len(params) > 2:
            self._sync_write(params)
        return b""

    def _sync_write(self, params: bytes) -> None:
        address, size = params[0], params[1]
        frame = {}
        for at in range(2, len(params) - size, size + 1):
            if params[at] in self.motors:
                self._write(params[at], address, params[at + 1:at + 1 + size])
                if address <= 42 < address + size:
                    frame[params[at]] = self.peek(params[at], 42)
        if frame:
            self.note(frame)

    def _memory(self, ident: int, address: int, size: int) -> bytes:
        return bytes(self.motors[ident].memory[address:address + size])

    def _write(self, ident: int, address: int, data: bytes) -> None:
        memory = self.motors[ident].memory
        memory[address:address + len(data)] = data
        del memory[256:]
        if address <= 42 < address + len(data):
            memory[40] = 1  # as the real ones do: a goal switches the torque on
            memory[56:58] = memory[42:44]
            self.motors[ident].moved.append(self.peek(ident, 42))

    def _status(self, ident: int, params: bytes) -> bytes:
        body = bytes((ident, len(params) + 2, self.motors[ident].memory[65])) + params
        return b"\xff\xff" + body + bytes((255 - sum(body) % 256,))


class SketchBoard(Board):
    """The Arduino / ESP32 sketch of rigs/robots/firmware, written a second time from its description."""

    def __init__(self, travel: dict[int, tuple[int, int]], watchdog_s: float = 0.25) -> None:
        super().__init__()
        self.travel, self.watchdog_s = travel, watchdog_s
        self.pulses = dict.fromkeys(travel, 0)
        """us; 0: detached."""
        self.enabled: set[int] = set()
        self.fired = False
        self.bad, self.clamped = 0, 0
        self._line = bytearray()
        self._fed_s = self.clock()

    def tick(self) -> None:
        """Counts while a servo is attached."""
        if self.enabled and self.clock() - self._fed_s > self.watchdog_s:
            self._detach()
            self.fired = True

    def obey(self, data: bytes) -> bytes:
        """A5 5A | kind | length | payload | CRC-16 (CCITT, initial FFFF, high byte first, over kind to payload)."""
        self._line += data
        answer = b""
        while len(self._line) >= 6:
            if self._line[:2] != b"\xa5\x5a" or self._line[3] > 96:
                del self._line[:1]
                continue
            size = 6 + self._line[3]
            if len(self._line) < size:
                break
            packet = bytes(self._line[:size])
            if self._crc(packet[2:-2]) != packet[-2] * 256 + packet[-1]:
                self.bad = (self.bad + 1) % 65536
                del self._line[:1]
                continue
            del self._line[:size]
            answer += self._run(chr(packet[2]), packet[4:-2])
        return answer

    def _run(self, kind: str, payload: bytes) -> bytes:
        if kind == "H":
            watchdog_ms = round(self.watchdog_s * 1000)
            return self._frame("h", bytes((1, len(self.travel), watchdog_ms % 256, watchdog_ms // 256)))
        if kind == "Q":
            flags = bool(self.enabled) | self.fired << 1
            counts = (self.bad % 256, self.bad // 256, self.clamped % 256, self.clamped // 256)
            return self._frame("s", bytes((flags, *counts)))
        if kind == "L":
            self._detach()
        elif kind == "E":
            self.enabled |= set(payload) & set(self.travel)
            self.fired, self._fed_s = False, self.clock()
        elif kind == "T" and len(payload) % 3 == 0:
            self._move(payload)
        return b""

    def _move(self, payload: bytes) -> None:
        self._fed_s = self.clock()
        frame = {}
        for at in range(0, len(payload), 3):
            channel, pulse = payload[at], payload[at + 1] + 256 * payload[at + 2]
            if channel in self.enabled:
                low, high = self.travel[channel]
                self.clamped += not low <= pulse <= high
                self.pulses[channel] = min(max(pulse, low), high)
                frame[channel] = pulse
        if frame:
            self.note(frame)

    def _detach(self) -> None:
        self.enabled.clear()
        self.pulses = dict.fromkeys(self.pulses, 0)

    def _frame(self, kind: str, payload: bytes) -> bytes:
        body = kind.encode() + bytes((len(payload),)) + payload
        crc = self._crc(body)
        return b"\xa5\x5a" + body + bytes((crc // 256, crc % 256))

    @staticmethod
    def _crc(data: bytes) -> int:
        crc = 0xFFFF
        for byte in data:
            for bit in range(7, -1, -1):
                top = (crc >> 15) ^ (byte >> bit & 1)
                crc = (crc << 1 & 0xFFFF) ^ (0x1021 if top else 0)
        return crc


@contextlib.contextmanager
def board(kind: str) -> Iterator[Board]:
    """One board of a kind ("maestro", "dynamixel2", "feetech_sts", "feetech_scs", "arduino") with channels 1 to 6."""
    made: Board = {
        "maestro": lambda: MaestroBoard(),
        "dynamixel2": lambda: DynamixelBoard(dict.fromkeys(range(1, 7), 1200)),
        "feetech_sts": lambda: FeetechBoard([*range(1, 7)], "sts"),
        "feetech_scs": lambda: FeetechBoard([*range(1, 7)], "scs"),
        "arduino": lambda: SketchBoard(dict.fromkeys(range(7), (900, 2100))),
    }[kind]()
    with made:
        yield made
