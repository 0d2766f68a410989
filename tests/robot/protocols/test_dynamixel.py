"""Dynamixel packets both ways: against a board written from the e-manual, and against ROBOTIS' own SDK."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.protocols import ProtocolError, dynamixel
from addon.robot.protocols.dynamixel import Register, StatusReader, register
from tests.robot.boards import DynamixelBoard

from .noise import lines

VALUES = st.one_of(
    st.integers(-(1 << 31), (1 << 32) - 1),
    st.sampled_from([0x00FDFFFF, 0xFDFFFFFF, 0xFDFDFFFF, 0xFFFDFFFF, 0xFFFFFDFF, 0xFFFFFFFD, 0xFFFFFFFF]),
)


def answer(ident: int, params: bytes, error: int = 0) -> bytes:
    """A status packet, made by the board."""
    board = DynamixelBoard({ident: 1020})
    return board._status(ident, params, error)


ANSWERS = st.builds(answer, st.integers(0, 252), st.one_of(
    st.binary(max_size=8), st.sampled_from([b"\xff\xff\xfd", b"\xff\xff\xfd\x00\x01", b"\xff\xff\xfd\xfd"])))


@given(st.dictionaries(st.integers(0, 252), VALUES, min_size=1, max_size=30))
def test_goals_reach_the_motors_whatever_must_be_stuffed(goals: dict[int, int]) -> None:
    board = DynamixelBoard(dict.fromkeys(goals, 1020))
    assert board.obey(dynamixel.sync_write(register("goal_position"), goals)) == b""
    assert {ident: board.peek(ident, 116, 4) for ident in goals} == {i: v % (1 << 32) for i, v in goals.items()}


@given(st.dictionaries(st.integers(0, 252), VALUES, min_size=1, max_size=30), st.integers(1, 40))
def test_values_are_read_back_in_any_pieces(values: dict[int, int], piece: int) -> None:
    board = DynamixelBoard(dict.fromkeys(values, 1020))
    for ident, value in values.items():
        board.poke(ident, 132, 4, value)
    line = board.obey(dynamixel.sync_read(register("present_position"), list(values)))
    reader = StatusReader()
    found = [status for at in range(0, len(line), piece) for status in reader.feed(line[at:at + piece])]
    assert [(status.ident, status.number() % (1 << 32)) for status in found] == [
        (i, v % (1 << 32)) for i, v in values.items()]


@given(lines(ANSWERS, b"\xff\xff\xfd\x00\x55"), ANSWERS)
def test_after_any_noise_the_next_answer_is_found(noise: list[bytes], last: bytes) -> None:
    reader = StatusReader()
    for piece in noise:
        for status in reader.feed(piece):
            assert 0 <= status.ident <= 255 and isinstance(status.refusal(), str)
    # A length that noise made up may swallow one answer, never a second after what it asked for has come.
    assert [*reader.feed(last), *reader.feed(last * 40)]
    assert len(reader._buffer) < 1024


@given(st.binary(max_size=2000))
def test_noise_is_never_an_error_and_never_kept(noise: bytes) -> None:
    reader = StatusReader()
    reader.feed(noise)
    assert len(reader._buffer) <= 7 + 512
    reader.clear()
    assert [status.params for status in reader.feed(answer(3, b"\x01\x02"))] == [b"\x01\x02"]


def test_a_packet_that_broke_off_does_not_swallow_the_next() -> None:
    whole = answer(1, b"\x00\x08\x00\x00")
    for cut in range(len(whole)):
        assert [s.ident for s in StatusReader().feed(whole[:cut] + answer(2, b"\x00\x04\x00\x00"))] == [2], cut


def test_an_echo_of_what_was_sent_is_no_answer() -> None:
    assert StatusReader().feed(dynamixel.read(1, register("temperature"))) == []


def test_the_watchdog_counts_20_ms_each() -> None:
    counts = {0: 0, 0.001: 1, 0.02: 1, 0.25: 13, 0.5: 25, 2.54: 127}
    assert {seconds: dynamixel.watchdog_count(seconds) for seconds in counts} == counts
    for seconds in (2.56, -0.1, float("nan"), float("inf")):
        with pytest.raises(ProtocolError, match=r"2\.54 s"):
            dynamixel.watchdog_count(seconds)


@pytest.mark.parametrize("wrong", [-1, 253, 254, 255, 300])
def test_ids_that_no_motor_has_are_refused(wrong: int) -> None:
    with pytest.raises(ProtocolError, match="id"):
        dynamixel.sync_write(register("goal_position"), {wrong: 0})
    with pytest.raises(ProtocolError, match="id"):
        dynamixel.sync_read(register("goal_position"), [wrong])


@given(st.integers(1, 4), st.integers())
def test_values_that_do_not_fit_are_refused(size: int, value: int) -> None:
    place = Register(64, size)
    if -(1 << 8 * size - 1) <= value < 1 << 8 * size:
        assert int.from_bytes(place.encode(value), "little") == value % (1 << 8 * size)
    else:
        with pytest.raises(ProtocolError, match="64"):
            place.encode(value)


def test_errors_are_words() -> None:
    assert StatusReader().feed(answer(1, b"", 7))[0].refusal() == "the register cannot be read or written now"
    assert StatusReader().feed(answer(1, b""))[0].refusal() == ""
    assert dynamixel.hardware_errors_in_words(0x24) == ["it is overheated", "it was overloaded for too long"]
    assert dynamixel.model_name(1020) == "XM430-W350" and dynamixel.model_name(350) is None


class _Wire:
    """A port of the SDK that keeps what is written and gives what it is told."""

    def __init__(self, to_read: bytes = b"") -> None:
        self.is_using, self.written, self.to_read = False, b"", to_read

    def clearPort(self) -> None: ...  # noqa: N802

    def writePort(self, packet: list[int]) -> int:  # noqa: N802
        self.written = bytes(packet)
        return len(packet)

    def readPort(self, length: int) -> bytes:  # noqa: N802
        data, self.to_read = self.to_read[:length], self.to_read[length:]
        return data

    def setPacketTimeout(self, length: int) -> None: ...  # noqa: N802

    def setPacketTimeoutMillis(self, seconds: float) -> None: ...  # noqa: N802

    def isPacketTimeout(self) -> bool:  # noqa: N802
        return not self.to_read


class TestAgainstTheSdk:
    """dynamixel-sdk 4.1.0 where it is right; it does not stuff what it sends, so those packets are left out."""

    @given(st.integers(0, 252), st.integers(0, 255))
    def test_writes(self, ident: int, value: int) -> None:
        sdk = pytest.importorskip("dynamixel_sdk")
        wire = _Wire()
        sdk.PacketHandler(2.0).write1ByteTxOnly(wire, ident, 64, value)
        assert wire.written == dynamixel.write(ident, register("torque_enable"), value)

    @given(st.dictionaries(st.integers(0, 252), st.integers(0, 4095), min_size=1, max_size=30))
    def test_goals(self, goals: dict[int, int]) -> None:
        sdk = pytest.importorskip("dynamixel_sdk")
        wire, writer = _Wire(), None
        writer = sdk.GroupSyncWrite(wire, sdk.PacketHandler(2.0), 116, 4)
        for ident, goal in goals.items():
            writer.addParam(ident, list(goal.to_bytes(4, "little")))
        writer.txPacket()
        assert wire.written == dynamixel.sync_write(register("goal_position"), goals)

    @given(st.integers(0, 252), st.integers(0, 4095))
    def test_answers(self, ident: int, position: int) -> None:
        sdk = pytest.importorskip("dynamixel_sdk")
        line = answer(ident, position.to_bytes(4, "little"))
        read, result, error = sdk.PacketHandler(2.0).read4ByteTxRx(_Wire(line), ident, 132)
        (status,) = StatusReader().feed(line)
        assert (result, read, error) == (0, status.number(), status.error)

    def test_its_bug_is_still_there(self) -> None:
        """When this fails, a newer SDK stuffs what it sends, and the class above can be an oracle for that too."""
        sdk = pytest.importorskip("dynamixel_sdk")
        wire = _Wire()
        sdk.PacketHandler(2.0).write4ByteTxOnly(wire, 1, 116, 0x00FDFFFF)
        assert b"\xff\xff\xfd\x00" in wire.written[4:]
        assert b"\xff\xff\xfd\x00" not in dynamixel.write(1, register("goal_position"), 0x00FDFFFF)[4:]
