"""Dataclasses as the messages of core.messages and back, with every type checked; each pair of processes has one list
of what it says.
"""
from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .errors import SemblanceError
from .messages import Message


def array_field(dtype: str, *shape: int) -> dict[str, Any]:
    """The metadata of a dataclass field that is an array: what it must be; -1 = any length."""
    return {"dtype": dtype, "shape": shape}


class Vocabulary:
    """What may be said: a name for each dataclass."""

    def __init__(self, kinds: Mapping[str, type]) -> None:
        self._kinds = dict(kinds)
        self._names = {kind: name for name, kind in kinds.items()}

    def to_message(self, said: Any) -> Message:
        """What `core.messages.pack` takes."""
        values, arrays = {}, {}
        for each in fields(said):
            value = getattr(said, each.name)
            if each.metadata:
                arrays[each.name] = np.asarray(value, each.metadata["dtype"])
            else:
                values[each.name] = _plain(value)
        return Message(self._names[type(said)], values, arrays)

    def from_message(self, message: Message) -> Any:
        """The inverse of `to_message`: an instance of one of the dataclasses.

        Raises:
            SemblanceError: for a kind, key, type or array that is not known here; the other side is of another version.
        """
        kind = self._kinds.get(message.kind)
        if kind is None:
            raise SemblanceError(f"The other side says '{message.kind[:40]}', which this Semblance does not know.")
        try:
            return _read(kind, message.values, message.arrays)
        except (TypeError, ValueError, OverflowError) as error:
            raise SemblanceError(f"The other side says '{message.kind}' in a form unknown here: {error}.") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(kind: type, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """An instance of the dataclass; keys that it does not have are refused by its constructor."""
    types_of = _types(kind)
    read: dict[str, Any] = {}
    for name, value in {**values, **arrays}.items():
        if name in types_of:
            hint, metadata = types_of[name]
            read[name] = _fitting(name, value, metadata) if metadata else _typed(name, value, hint)
        else:
            read[name] = value
    return kind(**read)


@functools.cache
def _types(kind: type) -> dict[str, tuple[Any, Any]]:
    hints = typing.get_type_hints(kind)
    return {each.name: (hints[each.name], each.metadata) for each in fields(kind)}


def _fitting(name: str, value: Any, metadata: types.MappingProxyType[str, Any]) -> np.ndarray:
    """The array, if it has the type and the shape that the field names."""
    shape = metadata["shape"]
    good = isinstance(value, np.ndarray) and value.dtype.name == metadata["dtype"] and value.ndim == len(shape)
    if not good or any(wanted not in (-1, length) for wanted, length in zip(shape, value.shape, strict=True)):
        raise ValueError(f"'{name}' is not {metadata['dtype']} {list(shape)}")
    return value


def _typed(name: str, value: Any, hint: Any) -> Any:
    """The JSON value as the type that the field names."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_typed(name, one, one_hint) for one, one_hint in zip(value, each, strict=True))
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return {key: _typed(name, one, inner[1]) for key, one in value.items()}
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _read(hint, value, {})
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"'{name}' cannot be {str(value)[:40]!r}")
    return value
