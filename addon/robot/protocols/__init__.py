"""Protocols: what the boards' bytes mean. Values in, bytes out and back; nothing here opens a port or waits."""
from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from ...core.errors import SemblanceError


class ProtocolError(SemblanceError):
    """A value that the protocol cannot carry, or an answer that is not one."""


@cache
def table(name: str) -> dict[str, Any]:
    """The data of `name`.toml beside this module: registers, models, error bits in words."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def in_words(bits: dict[str, str], word: int) -> list[str]:
    """The sentence of each set bit of an error word, the lowest first; bits that no document names say so."""
    return [bits.get(str(bit), f"bit {bit} of the error word, which no document explains")
            for bit in range(word.bit_length()) if word >> bit & 1]


def check(what: str, value: int, low: int, high: int) -> int:
    """`value` itself.

    Raises:
        ProtocolError: if it is not a whole number from `low` to `high`.
    """
    if not isinstance(value, int) or not low <= value <= high:
        raise ProtocolError(f"{what} {value!r} is not a whole number from {low} to {high}, which is all that fits.")
    return value
