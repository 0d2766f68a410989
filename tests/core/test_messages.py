"""Messages between processes: what is packed comes out again, in any pieces; anything else is one sentence."""
from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.core.errors import SemblanceError
from addon.core.messages import LARGEST_ARRAYS, LARGEST_JSON, Message, Unpacker, pack

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2**53, 2**53) | st.text() | st.floats(-1e300, 1e300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8,
)
_ARRAY = st.sampled_from([np.float32, np.float64, np.uint8]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
_MESSAGE = st.builds(
    Message, st.text(), st.dictionaries(st.text(), _JSON, max_size=3), st.dictionaries(st.text(), _ARRAY, max_size=3)
)


def same(a: Message, b: Message) -> bool:
    return (a.kind, a.values, list(a.arrays)) == (b.kind, b.values, list(b.arrays)) and all(
        a.arrays[name].dtype == b.arrays[name].dtype and a.arrays[name].shape == b.arrays[name].shape
        and a.arrays[name].tobytes() == b.arrays[name].tobytes() for name in a.arrays
    )


@given(st.lists(_MESSAGE, max_size=3), st.data())
@settings(max_examples=60)
def test_messages_come_out_as_they_went_in_whatever_the_pieces(messages: list[Message], data: st.DataObject) -> None:
    stream = b"".join(map(pack, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    unpacker, got = Unpacker(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += unpacker.feed(stream[start:end])
    assert len(got) == len(messages) and all(map(same, got, messages))


def test_arrays_not_in_one_piece_of_memory_and_of_the_other_byte_order_are_the_same_numbers() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    [message] = Unpacker().feed(pack(Message("x", {}, {"t": array.T, "big": array.astype(">f4")})))
    assert np.array_equal(message.arrays["t"], array.T) and np.array_equal(message.arrays["big"], array)
    message.arrays["t"][0, 0] = 5


@given(_MESSAGE, st.data())
@settings(max_examples=150)
def test_a_damaged_stream_is_told_in_one_sentence(message: Message, data: st.DataObject) -> None:
    stream = bytearray(pack(message) * 2)
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    feed_to_the_end(bytes(stream))


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_any_bytes_are_heard_or_refused(data: bytes) -> None:
    feed_to_the_end(data)
    feed_to_the_end(raw(data))
    feed_to_the_end(raw(b'{"kind":"x","values":{},"arrays":' + data + b"}", data))


def feed_to_the_end(stream: bytes) -> None:
    try:
        for message in Unpacker().feed(stream):
            json.dumps(message.values, allow_nan=False)
    except SemblanceError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


def raw(text: bytes, arrays: bytes = b"") -> bytes:
    return struct.pack("<4sII", b"SMB1", len(text), len(arrays)) + text + arrays


@pytest.mark.parametrize("stream", [
    b"GET / HTTP/1.1\r\n", b"S\0", struct.pack("<4sII", b"SMB1", LARGEST_JSON + 1, 0),
    struct.pack("<4sII", b"SMB1", 2, LARGEST_ARRAYS + 1), raw(b""), raw(b"[]"), raw(b'{"kind":"x"}'), raw(b"\xff"),
    raw(b"[" * 100_000), raw(b'{"kind":"x","values":{"a":NaN},"arrays":[]}'),
    raw(b'{"kind":"x","values":{"a":1e999},"arrays":[]}'), raw(b'{"kind":1,"values":{},"arrays":[]}'),
    raw(b'{"kind":"x","values":{},"arrays":[],"more":1}'), raw(b'{"kind":"x","values":{},"arrays":[]}', b"left over"),
])
def test_what_is_no_message_is_refused(stream: bytes) -> None:
    with pytest.raises(SemblanceError):
        Unpacker().feed(stream)


@pytest.mark.parametrize("entry", [
    ["a", "object", [1]], ["a", "float32", [2]], ["a", "float32", [-1]], ["a", "float32", [True]],
    ["a", "float32", [0, 10**30]], ["a", "float32", "1"], ["a", "float32"], ["a", ["float32"], [1]],
    [1, "float32", [1]], ["a", "float32", [1, 1, 1, 1, 1]], "abc", None,
])
def test_an_array_that_is_not_what_it_says_is_refused(entry: Any) -> None:
    text = json.dumps({"kind": "x", "values": {}, "arrays": [entry]}).encode()
    with pytest.raises(SemblanceError):
        Unpacker().feed(raw(text, b"\0" * 4))


@pytest.mark.parametrize("message", [
    Message("x", {"a": float("nan")}), Message("x", {"a": object()}), Message("x", {}, {"a": np.zeros(2, np.int32)}),
    Message("x", {}, {"a": np.array([None])}), Message("x", {"a": "b" * LARGEST_JSON}),
])
def test_what_cannot_be_said_is_not_packed(message: Message) -> None:
    with pytest.raises((ValueError, TypeError)):
        pack(message)
