"""Feetech packets both ways, in both orders of bytes, and the series that a servo says it is."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.protocols import ProtocolError, feetech
from addon.robot.protocols.feetech import AnswerReader, Series
from tests.robot.boards import FeetechBoard

from .noise import lines

STS, SCS = Series("feetech_sts"), Series("feetech_scs")


def answer(ident: int, params: bytes) -> bytes:
    """A servo's answer, made by the board."""
    return FeetechBoard([ident])._status(ident, params)


ANSWERS = st.builds(answer, st.integers(0, 253), st.binary(max_size=6))


@given(st.dictionaries(st.integers(0, 253), st.integers(-32767, 32767), min_size=1, max_size=30), st.integers(1, 40))
def test_sts_goals_arrive_and_positions_come_back(goals: dict[int, int], piece: int) -> None:
    board = FeetechBoard(list(goals), "sts")
    board.obey(feetech.sync_write(STS.register("goal_position"), goals))
    assert {ident: board.peek(ident, 42) for ident in goals} == goals
    place = STS.register("present_position")
    line = board.obey(feetech.sync_read(place, list(goals)))
    reader = AnswerReader()
    found = [each for at in range(0, len(line), piece) for each in reader.feed(line[at:at + piece])]
    assert {each.ident: place.decode(each.params) for each in found} == goals


@given(st.dictionaries(st.integers(0, 253), st.integers(0, 1023), min_size=1, max_size=30))
def test_scs_goals_arrive_and_positions_come_back(goals: dict[int, int]) -> None:
    board = FeetechBoard(list(goals), "scs")
    board.obey(feetech.sync_write(SCS.register("goal_position"), goals))
    assert {ident: board.peek(ident, 42) for ident in goals} == goals
    place, reader = SCS.register("present_position"), AnswerReader()
    for ident, goal in goals.items():
        (found,) = reader.feed(board.obey(feetech.read(ident, place)))
        assert place.decode(found.params) == goal


def test_the_wrong_series_would_be_a_violent_move() -> None:
    """Why the model number is compared: the packet is valid and the goal is another one."""
    board = FeetechBoard([1], "scs")
    board.obey(feetech.sync_write(STS.register("goal_position"), {1: 512}))
    assert board.peek(1, 42) == 2


@given(lines(ANSWERS, b"\xff\xff\xfe\x02\x04"), ANSWERS)
def test_after_any_noise_the_next_answer_is_found(noise: list[bytes], last: bytes) -> None:
    reader = AnswerReader()
    for piece in noise:
        for found in reader.feed(piece):
            assert 0 <= found.ident < 254
    assert [*reader.feed(last), *reader.feed(last * 20)]
    assert len(reader._buffer) < 128


@given(st.binary(max_size=2000))
def test_noise_is_never_an_error_and_never_kept(noise: bytes) -> None:
    reader = AnswerReader()
    reader.feed(noise)
    assert len(reader._buffer) <= 4 + 64
    reader.clear()
    assert [each.ident for each in reader.feed(answer(3, b"\x01"))] == [3]


def test_a_servo_says_its_series_whatever_the_order_of_bytes() -> None:
    for kind, name in (("sts", "feetech_sts"), ("sms", "feetech_sts"), ("scs", "feetech_scs")):
        memory = FeetechBoard([1], kind).motors[1].memory
        assert feetech.series_of(bytes(memory[3:5])) == name
    assert feetech.model_name(b"\x09\x03") == "STS3215 (model 9.3)"
    assert feetech.model_name(b"\x09\x63") == "model 9.99"
    for unknown in (b"", b"\x00\x00", b"\x0a\x01", b"\xff"):
        assert feetech.series_of(unknown) is None


@given(st.integers())
def test_values_that_do_not_fit_are_refused(value: int) -> None:
    for place, fits in (
        (STS.register("goal_position"), abs(value) < 1 << 15), (SCS.register("goal_position"), 0 <= value < 1 << 16),
        (STS.register("torque_enable"), 0 <= value < 256),
    ):
        if fits:
            assert place.decode(place.encode(value)) == value
        else:
            with pytest.raises(ProtocolError, match="whole number"):
                place.encode(value)


def test_more_servos_than_a_packet_holds_are_refused() -> None:
    place = STS.register("goal_position")
    assert len(feetech.sync_write(place, dict.fromkeys(range(83), 0))) == 257
    with pytest.raises(ProtocolError, match="length"):
        feetech.sync_write(place, dict.fromkeys(range(84), 0))


def test_answers_of_the_wrong_size_and_unknown_series_are_refused() -> None:
    with pytest.raises(ProtocolError, match="1 bytes instead of 2"):
        STS.register("goal_position").decode(b"\x01")
    with pytest.raises(ProtocolError, match="feetech_hls"):
        Series("feetech_hls")
    for wrong in (-1, 254, 255):
        with pytest.raises(ProtocolError, match="id"):
            feetech.sync_write(STS.register("goal_position"), {wrong: 0})


def test_errors_are_words() -> None:
    assert feetech.errors_in_words(0x24) == ["it is overheated", "it was overloaded for too long"]
    assert feetech.errors_in_words(0) == []
