"""What two processes of ours say to each other over a socket: a kind, values as JSON, and arrays; nothing is pickled.

One message is b"SMB1", the lengths of the JSON and of the arrays' bytes (uint32 each), the JSON, the arrays one after
the other; everything little-endian. The JSON is {"kind": …, "values": {…}, "arrays": [[name, dtype, shape], …]}.
"""
from __future__ import annotations

import hmac
import json
import math
import struct
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .errors import SemblanceError

MAGIC: Final = b"SMB1"
LARGEST_JSON: Final = 1 << 20
LARGEST_ARRAYS: Final = 64 << 20
"""bytes: a longer message is refused before memory is set aside for it."""
DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "float32": np.dtype("<f4"), "float64": np.dtype("<f8"), "uint8": np.dtype("u1"),
}
_HEADER: Final = struct.Struct("<4sII")
_MOST_DIMENSIONS: Final = 4


@dataclass(frozen=True)
class Message:
    """One thing that is said."""

    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    """Whatever JSON can say; every number finite."""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    """float32, float64 or uint8 of any shape up to four dimensions."""


def pack(message: Message) -> bytes:
    """The bytes of one message.

    Raises:
        ValueError: for values that JSON cannot say, an array of another type, or a message that is too long.
    """
    entries, parts = [], []
    for name, array in message.arrays.items():
        if array.dtype.name not in DTYPES or array.ndim > _MOST_DIMENSIONS:
            raise ValueError(f"the array '{name}' of {message.kind} is {array.dtype} with {array.ndim} dimensions")
        entries.append([name, array.dtype.name, list(array.shape)])
        parts.append(array.astype(DTYPES[array.dtype.name], copy=False).tobytes())
    said = {"kind": message.kind, "values": message.values, "arrays": entries}
    text = json.dumps(said, allow_nan=False, separators=(",", ":")).encode()
    length = sum(map(len, parts))
    if len(text) > LARGEST_JSON or length > LARGEST_ARRAYS:
        raise ValueError(f"the message {message.kind} is too long ({len(text)} + {length} bytes)")
    return b"".join([_HEADER.pack(MAGIC, len(text), length), text, *parts])


def same_token(said: str, own: str) -> bool:
    """True if a client says the token that it must know; whatever it says, and in the same time for any."""
    return hmac.compare_digest(said.encode(errors="replace"), own.encode())


class Unpacker:
    """Messages from bytes that come in pieces; after an error the rest of that stream means nothing."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order.

        Raises:
            SemblanceError: if this is no stream of our messages, or one of them is damaged or too long.
        """
        self._data += data
        messages = []
        while (end := self._end()) is not None and len(self._data) >= end:
            whole = bytes(self._data[:end])
            del self._data[:end]
            messages.append(_unpack(whole))
        return messages

    def _end(self) -> int | None:
        """Where the first message ends; None until its header is here."""
        if not self._data.startswith(MAGIC[:len(self._data)]):
            raise SemblanceError("What came over the connection is not a message of Semblance.")
        if len(self._data) < _HEADER.size:
            return None
        _, text, arrays = _HEADER.unpack_from(self._data)
        if text > LARGEST_JSON or arrays > LARGEST_ARRAYS:
            raise SemblanceError(f"A message of {text + arrays} bytes came over the connection; it was refused.")
        return _HEADER.size + text + arrays


def _unpack(whole: bytes) -> Message:
    _, length, _ = _HEADER.unpack_from(whole)
    start = _HEADER.size + length
    try:
        said = json.loads(whole[_HEADER.size:start].decode(), parse_constant=_refuse, parse_float=_finite)
        kind, values, entries = said["kind"], said["values"], said["arrays"]
        if set(said) != {"kind", "values", "arrays"} or not (isinstance(kind, str) and isinstance(values, dict)):
            raise ValueError
        return Message(kind, values, _arrays(entries, whole, start))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SemblanceError("A damaged message came over the connection.") from error


def _arrays(entries: list[Any], whole: bytes, start: int) -> dict[str, np.ndarray]:
    """The arrays that `entries` tell of; they must fill the message from `start` to its end exactly."""
    arrays: dict[str, np.ndarray] = {}
    for name, kind, shape in entries:
        if not isinstance(name, str) or name in arrays or len(shape) > _MOST_DIMENSIONS:
            raise ValueError
        if not all(type(length) is int and 0 <= length <= LARGEST_ARRAYS for length in shape):
            raise ValueError
        dtype, count = DTYPES[kind], math.prod(shape)
        if start + count * dtype.itemsize > len(whole):
            raise ValueError
        # A copy: it may be written to and does not keep the whole message alive.
        arrays[name] = np.frombuffer(whole, dtype, count, start).astype(np.dtype(kind)).reshape(shape)
        start += count * dtype.itemsize
    if start != len(whole):
        raise ValueError
    return arrays


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is not a number")
