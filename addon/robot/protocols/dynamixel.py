"""Dynamixel protocol 2.0 and the X series' control table: packets, byte stuffing, CRC-16, status packets.

ROBOTIS e-manual, protocol 2.0: FF FF FD 00 | id | length | instruction | parameters | CRC, numbers little-endian. FF FF
FD in instruction and parameters is followed by one more FD, which counts in the length and the CRC; so the four bytes
of a header occur nowhere else, and a packet that broke off ends where the next header stands.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import ProtocolError, check, in_words, table

BROADCAST: Final = 0xFE
_HEADER: Final = b"\xff\xff\xfd\x00"
_STATUS, _PING, _READ, _WRITE, _SYNC_READ, _SYNC_WRITE = 0x55, 0x01, 0x02, 0x03, 0x82, 0x83
_LEAST, _LONGEST = 4, 512
"""What the length field of a status packet may say: instruction, error, CRC; far more than is ever read."""


@dataclass(frozen=True)
class Register:
    """A place in a motor's control table."""

    address: int
    size: int

    def encode(self, value: int) -> bytes:
        """The value as bytes, negative ones in two's complement.

        Raises:
            ProtocolError: if it does not fit.
        """
        bits = 8 * self.size
        check(f"The value for address {self.address}", value, -(1 << bits - 1), (1 << bits) - 1)
        return (value % (1 << bits)).to_bytes(self.size, "little")


@dataclass(frozen=True)
class Status:
    """What a motor answered."""

    ident: int
    error: int
    params: bytes

    def refusal(self) -> str:
        """Why the instruction was refused; empty if it was not. Bit 7 is the hardware error, told in its register."""
        number = self.error & 0x7F
        return table("dynamixel")["refusals"].get(str(number), f"error number {number}") if number else ""

    def number(self, signed: bool = False) -> int:
        """The parameters as a number."""
        return int.from_bytes(self.params, "little", signed=signed)


def register(name: str) -> Register:
    """A register of the X series by its name in dynamixel.toml."""
    address, size = table("dynamixel")["registers"][name]
    return Register(address, size)


def model_name(number: int) -> str | None:
    """"XM430-W350" of 1020; None for what is not of the X series."""
    return table("dynamixel")["models"].get(str(number))


def ping(ident: int = BROADCAST) -> bytes:
    """Answered with model number (2 bytes) and firmware (1 byte), by every motor if broadcast."""
    return packet(ident, _PING)


def read(ident: int, place: Register) -> bytes:
    """Answered with the register's bytes."""
    return packet(ident, _READ, _place(place))


def write(ident: int, place: Register, value: int) -> bytes:
    """Answered without parameters, unless broadcast."""
    return packet(ident, _WRITE, place.address.to_bytes(2, "little") + place.encode(value))


def sync_write(place: Register, values: Mapping[int, int]) -> bytes:
    """Id → value in one packet; nobody answers."""
    data = b"".join(bytes((_motor(ident),)) + place.encode(value) for ident, value in values.items())
    return packet(BROADCAST, _SYNC_WRITE, _place(place) + data)


def sync_read(place: Register, idents: Sequence[int]) -> bytes:
    """Answered by each motor in the order of `idents`."""
    return packet(BROADCAST, _SYNC_READ, _place(place) + bytes(map(_motor, idents)))


def packet(ident: int, instruction: int, params: bytes = b"") -> bytes:
    """An instruction packet.

    Raises:
        ProtocolError: for an id that no motor can have, or parameters too long for the length field.
    """
    if ident != BROADCAST:
        _motor(ident)
    body = (bytes((instruction,)) + params).replace(b"\xff\xff\xfd", b"\xff\xff\xfd\xfd")
    check("The length", len(body) + 2, 0, 0xFFFF)
    whole = _HEADER + bytes((ident,)) + (len(body) + 2).to_bytes(2, "little") + body
    return whole + crc16(whole).to_bytes(2, "little")


def watchdog_count(seconds: float) -> int:
    """The bus watchdog's register for a silence: 20 ms each, 1 to 127; 0 for 0, which switches it off.

    Raises:
        ProtocolError: if it is longer than the register can say.
    """
    data = table("dynamixel")
    if not 0 <= seconds <= data["watchdog_most"] * data["watchdog_unit_s"]:
        raise ProtocolError(f"The bus watchdog counts up to 2.54 s of silence, not {seconds} s.")
    return math.ceil(round(seconds / data["watchdog_unit_s"], 6))


def hardware_errors_in_words(bits: int) -> list[str]:
    """What each bit of the hardware error register says."""
    return in_words(table("dynamixel")["hardware_errors"], bits)


class StatusReader:
    """Finds status packets in what a port reads, whatever noise is between them; never raises, keeps little."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Status]:
        """The packets that `data` completes."""
        self._buffer += data
        found: list[Status] = []
        while True:
            start = self._buffer.find(_HEADER)
            # Without a header only its first bytes can still be waiting for the rest.
            del self._buffer[:start if start >= 0 else -len(_HEADER) + 1]
            if start < 0 or len(self._buffer) < 7:
                return found
            length = int.from_bytes(self._buffer[5:7], "little")
            end = 7 + length
            cut = self._buffer.find(_HEADER, 4, end - 2)
            if not _LEAST <= length <= _LONGEST:
                del self._buffer[:1]
            elif cut > 0:
                del self._buffer[:cut]  # the packet broke off and another one begins
            elif len(self._buffer) < end:
                return found
            elif (status := _status(bytes(self._buffer[:end]))) is None:
                del self._buffer[:1]
            else:
                found.append(status)
                del self._buffer[:end]

    def clear(self) -> None:
        """Forget half a packet of an answer that nobody waits for any more."""
        self._buffer.clear()


def crc16(data: bytes) -> int:
    """Polynomial 0x8005, initially 0, highest bit first."""
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFF00) ^ _CRC[crc >> 8 ^ byte]
    return crc


def _status(whole: bytes) -> Status | None:
    if crc16(whole[:-2]) != int.from_bytes(whole[-2:], "little"):
        return None
    body = whole[7:-2].replace(b"\xff\xff\xfd\xfd", b"\xff\xff\xfd")
    # An adapter that echoes what is sent gives instruction packets back too.
    return Status(whole[4], body[1], body[2:]) if body[0] == _STATUS and len(body) >= 2 else None


def _table() -> list[int]:
    rows = []
    for row in range(256):
        crc = row << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x8005 if crc & 0x8000 else 0)) & 0xFFFF
        rows.append(crc)
    return rows


_CRC: Final = _table()


def _place(place: Register) -> bytes:
    return place.address.to_bytes(2, "little") + place.size.to_bytes(2, "little")


def _motor(ident: int) -> int:
    return check("The motor's id", ident, 0, 252)
