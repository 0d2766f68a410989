"""What client and worker say: everything comes out as it went in, and what is not known is refused in one sentence."""
from __future__ import annotations

import dataclasses
import typing
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from addon.core.errors import SemblanceError
from addon.core.messages import Message, Unpacker, pack
from addon.core.rig_profile import read_profile, shipped_files
from addon.live import messages
from addon.live.live_settings import LiveSettings
from addon.live.messages import Character, Controls, Open, Picture, Status, from_message, to_message

ALL = [*typing.get_args(messages.Command), *typing.get_args(messages.Report)]
_NUMBER = st.floats(-1e6, 1e6)
_BY_TYPE = {str: st.text(), int: st.integers(-2**40, 2**40), bool: st.booleans(), float: _NUMBER}


def strategy(kind: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass of ours."""
    if kind is LiveSettings:
        return st.builds(LiveSettings, head=st.booleans(), smoothing=st.floats(0, 3), regions=st.just({"mouth": False}))
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{each.name: _of(hints[each.name], each.metadata) for each in dataclasses.fields(kind)})


def _of(hint: Any, metadata: Any) -> st.SearchStrategy[Any]:
    if metadata:
        shape = tuple(3 if length < 0 else length for length in metadata["shape"])
        return hnp.arrays(metadata["dtype"], shape)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        if inner[-1] is Ellipsis:
            return st.lists(_of(inner[0], None), max_size=3).map(tuple)
        return st.tuples(*(_of(each, None) for each in inner))
    return strategy(hint) if dataclasses.is_dataclass(hint) else _BY_TYPE[hint]


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    for each in dataclasses.fields(a):
        one, other = getattr(a, each.name), getattr(b, each.name)
        if not (one.tobytes() == other.tobytes() if each.metadata else one == other):
            return False
    return True


@given(st.sampled_from(ALL).flatmap(strategy))
@settings(max_examples=120)
def test_everything_that_is_said_arrives(said: Any) -> None:
    [message] = Unpacker().feed(pack(to_message(said)))
    assert same(from_message(message), said)


def test_numbers_of_numpy_are_numbers() -> None:
    said = Status("running", fps=np.float32(29.5), width=np.int64(640))  # type: ignore[arg-type]
    [message] = Unpacker().feed(pack(to_message(said)))
    assert from_message(message) == Status("running", fps=29.5, width=640)


def test_a_character_travels_with_its_profile() -> None:
    for profile in map(read_profile, shipped_files()):
        assert Character.of(profile).rig_profile == profile


_ANY = st.none() | st.booleans() | st.integers() | _NUMBER | st.text() | st.lists(st.text(), max_size=2)


@given(st.sampled_from([kind.__name__ for kind in ALL] + ["Settings", "Nonsense"]), st.data())
@settings(max_examples=200)
def test_anything_else_is_refused_in_words(kind: str, data: st.DataObject) -> None:
    known = ["address", "state", "characters", "seconds", "regions", "values", "token", "width", "other"]
    values = data.draw(st.dictionaries(st.sampled_from(known), _ANY | st.dictionaries(st.text(), _ANY, max_size=2)))
    arrays = data.draw(st.dictionaries(st.sampled_from(known), hnp.arrays(np.float32, (2,)), max_size=2))
    try:
        assert from_message(Message(kind, values, arrays)) is not None
    except SemblanceError as refused:
        assert str(refused).endswith(".")


@pytest.mark.parametrize("message", [
    Message("Open", {"address": 0}), Message("Open", {}), Message("Open", {"address": "0", "speed": 2}),
    Message("Open", {"address": "0", "width": 1.5}), Message("Open", {"address": "0", "loop": 1}),
    Message("Controls", {"id": "a", "time_s": 0, "captured_s": 0}),
    Message("Controls", {"id": "a", "time_s": 0, "captured_s": 0, "values": [1.0]}),
    Message("Controls", {"id": "a", "time_s": 0, "captured_s": 0}, {"values": np.zeros(3)}),
    Message("SetCast", {"characters": [{"id": "a"}]}), Message("SetCast", {"characters": ["a"]}),
    Message("Settings", {"when_lost": "cry"}), Message("Settings", {"regions": {"mouth": 1}}),
    Message("TakeDone", {"path": "a", "frames": 1, "seconds": 1, "first_frame_time_s": 0, "markers": [[1.0]]}),
])
def test_a_wrong_form_is_refused(message: Message) -> None:
    with pytest.raises(SemblanceError):
        from_message(message)


def test_arrays_keep_their_type_whatever_was_given() -> None:
    said = to_message(Controls("a", 0.0, 0.0, np.arange(3)))  # type: ignore[arg-type]
    assert said.arrays["values"].dtype == np.float32
    picture = Picture(0.0, 2, 1, np.zeros((1, 2, 3), np.uint8), np.full((478, 2), np.nan, np.float32))
    assert np.isnan(from_message(Unpacker().feed(pack(to_message(picture)))[0]).landmarks).all()
    assert from_message(to_message(Open("0", fps=30))).fps == 30.0
