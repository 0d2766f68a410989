"""The frames of our own sketch, against its second implementation in `boards` (and against the C++ one, beside it)."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.protocols import ProtocolError, sketch
from addon.robot.protocols.sketch import FrameReader, Hello, State
from tests.robot.boards import SketchBoard

from .noise import lines

TRAVEL = dict.fromkeys(range(32), (900, 2100))
FRAMES = st.sampled_from([sketch.hello(), sketch.query(), sketch.enable([1, 2]), sketch.targets({1: 1500, 2: 1600})])
ANSWERS = st.sampled_from([SketchBoard(TRAVEL).obey(frame) for frame in (sketch.hello(), sketch.query())])


@given(st.dictionaries(st.integers(0, 31), st.integers(0, 65535), min_size=1))
def test_targets_arrive_and_are_clamped_by_the_boards_own_table(pulses: dict[int, int]) -> None:
    board = SketchBoard(TRAVEL)
    board.obey(sketch.enable(pulses) + sketch.targets(pulses))
    assert {c: p for c, p in board.pulses.items() if p} == {c: min(max(p, 900), 2100) for c, p in pulses.items()}
    (state,) = FrameReader().feed(board.obey(sketch.query()))
    assert state == State(True, False, 0, sum(not 900 <= pulse <= 2100 for pulse in pulses.values()))


def test_nothing_moves_before_it_is_enabled_and_after_limp() -> None:
    board = SketchBoard(TRAVEL)
    board.obey(sketch.targets({1: 1500}))
    assert not any(board.pulses.values())
    board.obey(sketch.enable([1]) + sketch.targets({1: 1500, 2: 1500}))
    assert [c for c, pulse in board.pulses.items() if pulse] == [1]
    board.obey(sketch.limp() + sketch.targets({1: 1600}))
    assert not any(board.pulses.values()) and len(board.frames) == 1


@given(st.lists(st.one_of(st.binary(max_size=30), FRAMES, FRAMES.map(lambda frame: frame[:5])), max_size=8))
def test_limp_gets_through_whatever_was_begun(noise: list[bytes]) -> None:
    board = SketchBoard(TRAVEL)
    board.obey(sketch.enable([1]) + sketch.targets({1: 1500}) + b"".join(noise) + sketch.limp())
    assert not any(board.pulses.values())


@given(lines(ANSWERS, b"\xa5\x5ahs"), ANSWERS)
def test_after_any_noise_the_next_answer_is_found(noise: list[bytes], last: bytes) -> None:
    reader = FrameReader()
    for piece in noise:
        reader.feed(piece)
    assert [*reader.feed(last), *reader.feed(last * 20)]
    assert len(reader._buffer) < 128


@given(st.binary(max_size=2000))
def test_noise_is_never_an_error_and_never_kept(noise: bytes) -> None:
    reader = FrameReader()
    reader.feed(noise)
    assert len(reader._buffer) <= 6 + 5
    reader.clear()
    assert reader.feed(SketchBoard(TRAVEL).obey(sketch.hello())) == [Hello(sketch.VERSION, 32, 250)]


@given(st.binary(min_size=6, max_size=60), st.integers(0, 479))
def test_one_wrong_bit_is_never_obeyed(payload: bytes, bit: int) -> None:
    good = sketch.frame("T", payload[:len(payload) // 3 * 3])
    at, bit = divmod(bit % (8 * len(good)), 8)
    board = SketchBoard(TRAVEL)
    board.obey(sketch.enable(TRAVEL) + good[:at] + bytes((good[at] ^ 1 << bit,)) + good[at + 1:] + sketch.query())
    assert board.frames == []


def test_what_does_not_fit_is_refused() -> None:
    assert len(sketch.targets(dict.fromkeys(range(32), 1500))) == 102
    with pytest.raises(ProtocolError, match="length"):
        sketch.targets(dict.fromkeys(range(33), 1500))
    for pulses in ({256: 1500}, {-1: 1500}, {1: 65536}, {1: -1}, {1: 1500.5}):
        with pytest.raises(ProtocolError, match="whole number"):
            sketch.targets(pulses)  # type: ignore[arg-type]
