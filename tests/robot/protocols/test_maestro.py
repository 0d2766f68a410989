"""The Maestro's commands: only data bytes below 128, only values that fit, errors in words."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.protocols import ProtocolError
from addon.robot.protocols.maestro import Maestro, errors_in_words, word
from tests.robot.boards import MaestroBoard

DRESSES = [Maestro("compact"), Maestro("compact", crc=True), Maestro("pololu", 12), Maestro("pololu", 7, True)]


@given(st.sampled_from(DRESSES), st.dictionaries(st.integers(0, 23), st.integers(3968, 8000), min_size=1))
def test_any_set_of_channels_reaches_the_board_in_one_write(maestro: Maestro, targets: dict[int, int]) -> None:
    board = MaestroBoard(24, maestro.device, maestro.crc)
    board.obey(maestro.set_targets(targets))
    assert board.errors == 0
    assert {channel: pulse for channel, pulse in enumerate(board.pulses) if pulse} == targets


@given(st.sampled_from(DRESSES), st.dictionaries(st.integers(0, 23), st.integers(0, 16383), min_size=1))
def test_only_the_first_byte_of_a_command_is_a_command_byte(maestro: Maestro, targets: dict[int, int]) -> None:
    for channel, target in targets.items():
        for command in (maestro.set_target(channel, target), maestro.set_speed(channel, target)):
            assert command[0] >= 0x80 and max(command[1:]) < 0x80
    block = maestro.set_targets(targets)
    starts = sum(byte >= 0x80 for byte in block)
    assert starts == sum(channel - 1 not in targets for channel in targets)


@given(st.one_of(st.integers().filter(lambda value: not 0 <= value < 16384), st.floats(), st.none()))
def test_a_target_that_does_not_fit_is_refused(target: int) -> None:
    with pytest.raises(ProtocolError, match="target"):
        Maestro().set_target(0, target)
    with pytest.raises(ProtocolError, match="target"):
        Maestro().set_targets({0: 6000, 1: target})


BLOCK = Maestro("compact").set_targets({0: 6000, 1: 7000})


@given(st.lists(st.one_of(st.binary(max_size=9), st.just(BLOCK)), max_size=9))
def test_after_any_noise_the_board_listens_again(noise: list[bytes]) -> None:
    maestro, board = Maestro("compact"), MaestroBoard()
    for piece in noise:
        board.obey(piece)
    board.obey(maestro.resynchronise())
    board.obey(maestro.set_targets({0: 5000, 1: 5001}))
    assert board.errors == 0 and board.pulses[:2] == [5000, 5001]


def test_no_error_bit_goes_without_a_sentence() -> None:
    assert errors_in_words(0) == []
    assert [len(errors_in_words(1 << bit)) for bit in range(16)] == [1] * 16
    assert "CRC is on in the board" in errors_in_words(1 << 3)[0]
    assert errors_in_words(0x21) == [*errors_in_words(0x01), *errors_in_words(0x20)]
    assert "no document" in errors_in_words(1 << 12)[0]


def test_an_answer_is_two_bytes() -> None:
    assert word(b"\x70\x17") == 6000
    for answer in (b"", b"\x70", b"\x70\x17\x00"):
        with pytest.raises(ProtocolError, match="instead of 2"):
            word(answer)


def test_unknown_dialects_and_devices_are_refused() -> None:
    with pytest.raises(ProtocolError, match="'mini-ssc'"):
        Maestro("mini-ssc")
    with pytest.raises(ProtocolError, match="device number"):
        Maestro("pololu", 128)
    with pytest.raises(ProtocolError, match="acceleration"):
        Maestro().set_acceleration(0, 256)
