"""Feetech bus servos: packets and memory tables of the STS / SMS series and of the SCS series.

FF FF | id | length | instruction | parameters | inverted sum. STS and SMS store two bytes low first with the sign in
the highest bit; SCS stores them high first. Mixed up, a goal has a valid check sum and means a violent move: `Series`
is chosen by the map, and a link compares it with each servo's own `model_number` before it switches a torque on.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import ProtocolError, check, in_words, table

BROADCAST: Final = 0xFE
SERIES: Final = ("feetech_sts", "feetech_scs")
_HEADER: Final = b"\xff\xff"
_PING, _READ, _WRITE, _SYNC_READ, _SYNC_WRITE = 0x01, 0x02, 0x03, 0x82, 0x83
_LONGEST: Final = 64
"""What the length of an answer may say; the longest that is asked for has 8."""


@dataclass(frozen=True)
class Register:
    """A place in a servo's memory, and how two bytes are stored there."""

    address: int
    size: int
    big_endian: bool

    def encode(self, value: int) -> bytes:
        """The value as bytes.

        Raises:
            ProtocolError: if it does not fit.
        """
        what = f"The value for address {self.address}"
        if self.size == 1:
            return bytes((check(what, value, 0, 255),))
        if self.big_endian:
            return check(what, value, 0, 0xFFFF).to_bytes(2, "big")
        check(what, value, -0x7FFF, 0x7FFF)
        return (abs(value) | (0x8000 if value < 0 else 0)).to_bytes(2, "little")

    def decode(self, data: bytes) -> int:
        """The value that these bytes say.

        Raises:
            ProtocolError: if they are too few or too many.
        """
        if len(data) != self.size:
            raise ProtocolError(f"A servo answered {len(data)} bytes instead of {self.size}.")
        if self.size == 1 or self.big_endian:
            return int.from_bytes(data, "big")
        number = int.from_bytes(data, "little")
        return -(number & 0x7FFF) if number & 0x8000 else number


@dataclass(frozen=True)
class Answer:
    """What a servo answered."""

    ident: int
    errors: int
    params: bytes


@dataclass(frozen=True)
class Series:
    """The servos of one memory table: "feetech_sts" (also SMS) or "feetech_scs"."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in SERIES:
            raise ProtocolError(f"There is no Feetech series '{self.name}'; known are {' and '.join(SERIES)}.")

    @property
    def has_sync_read(self) -> bool:
        """SCS servos are asked one by one."""
        return self.name == "feetech_sts"

    def register(self, name: str) -> Register:
        """A register by its name in feetech.toml."""
        address, size = table("feetech")["registers"][self.name][name]
        return Register(address, size, self.name == "feetech_scs")


def series_of(model_number: bytes) -> str | None:
    """The series that a servo with these two bytes at address 3 belongs to; None for one that is not known."""
    generations = table("feetech")["generations"]
    return next((name for name, known in generations.items() if model_number[:1] and model_number[0] in known), None)


def model_name(model_number: bytes | int) -> str:
    """"STS3215 (model 9.3)" of the two bytes at address 3, or of 777, as a map says it."""
    if isinstance(model_number, int):
        model_number = bytes((model_number & 0xFF, model_number >> 8 & 0xFF))
    number = ".".join(map(str, model_number))
    name = table("feetech")["models"].get(number)
    return f"{name} (model {number})" if name else f"model {number}"


def ping(ident: int) -> bytes:
    """Answered without parameters; broadcast, all servos answer at once and disturb each other."""
    return packet(ident, _PING)


def read(ident: int, place: Register) -> bytes:
    """Answered with the register's bytes."""
    return packet(ident, _READ, bytes((place.address, place.size)))


def write(ident: int, place: Register, value: int) -> bytes:
    """Answered without parameters, unless broadcast."""
    return packet(ident, _WRITE, bytes((place.address,)) + place.encode(value))


def sync_write(place: Register, values: Mapping[int, int]) -> bytes:
    """Id → value in one packet; nobody answers."""
    data = b"".join(bytes((_servo(ident),)) + place.encode(value) for ident, value in values.items())
    return packet(BROADCAST, _SYNC_WRITE, bytes((place.address, place.size)) + data)


def sync_read(place: Register, idents: Sequence[int]) -> bytes:
    """Answered by each servo in the order of `idents`; not by SCS."""
    return packet(BROADCAST, _SYNC_READ, bytes((place.address, place.size, *map(_servo, idents))))


def packet(ident: int, instruction: int, params: bytes = b"") -> bytes:
    """An instruction packet.

    Raises:
        ProtocolError: for an id that no servo can have, or more parameters than the length byte can say.
    """
    if ident != BROADCAST:
        _servo(ident)
    body = bytes((ident, check("The length", len(params) + 2, 2, 255), instruction)) + params
    return _HEADER + body + bytes((~sum(body) & 0xFF,))


def errors_in_words(errors: int) -> list[str]:
    """What each bit of an answer's error byte says."""
    return in_words(table("feetech")["errors"], errors)


class AnswerReader:
    """Finds answers in what a port reads, whatever noise is between them; never raises, keeps little."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Answer]:
        """The answers that `data` completes."""
        self._buffer += data
        found: list[Answer] = []
        while True:
            start = self._buffer.find(_HEADER)
            del self._buffer[:start if start >= 0 else -1]
            if start < 0 or len(self._buffer) < 4:
                return found
            ident, length = self._buffer[2:4]
            end = 4 + length
            if ident >= BROADCAST or not 2 <= length <= _LONGEST:
                del self._buffer[:1]
            elif len(self._buffer) < end:
                return found
            elif ~sum(self._buffer[2:end - 1]) & 0xFF != self._buffer[end - 1]:
                del self._buffer[:1]
            else:
                found.append(Answer(ident, self._buffer[4], bytes(self._buffer[5:end - 1])))
                del self._buffer[:end]

    def clear(self) -> None:
        """Forget half an answer that nobody waits for any more."""
        self._buffer.clear()


def _servo(ident: int) -> int:
    return check("The servo's id", ident, 0, 253)
