"""Maestro and our sketch: error words, the check sum's setting, watchdogs of the hardware."""
from __future__ import annotations

import time

import pytest

from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.protocols import sketch
from tests.robot.boards import MaestroBoard, SketchBoard

SIX = {channel: ActuatorLimits(channel, 1000, 1500, 2000, name=f"servo_{channel}") for channel in range(6)}
EIGHTEEN = {channel: ActuatorLimits(channel, 1000, 1500, 2000) for channel in (*range(3), *range(5, 18))}


@pytest.mark.parametrize("dialect", ["compact", "pololu", ""])
@pytest.mark.parametrize("crc", [False, True])
def test_a_whole_head_in_one_write(dialect: str, crc: bool) -> None:
    with MaestroBoard(24, crc=crc) as board:
        link = open_link(LinkSettings("face", "maestro", board.path, dialect=dialect, crc=crc), EIGHTEEN)
        link.enable(list(EIGHTEEN))
        board.settle()
        frames, before = len(board.frames), board.received
        link.send({channel: 1500 + channel for channel in EIGHTEEN})
        board.settle()
        assert {c: p / 4 for c, p in enumerate(board.pulses) if p} == {c: 1500 + c for c in EIGHTEEN}
        # Two runs of channels, 0-2 and 5-17, in one write.
        assert len(board.frames) - frames == 2
        assert board.received - before == 2 * len(EIGHTEEN) + 2 * ({"compact": 3}.get(dialect, 5) + crc)
        link.limp()
        assert not any(board.pulses) and board.errors == 0
        link.close()


def test_the_boards_own_speed_limits_are_taken_off() -> None:
    with MaestroBoard(crc=True) as board:
        board.speeds[0], board.accelerations[0], board.speeds[7] = 20, 5, 20
        link = open_link(LinkSettings("face", "maestro", board.path, crc=True), SIX)
        link.enable([0, 1])
        board.settle()
        assert (board.speeds[0], board.accelerations[0], board.speeds[7]) == (0, 0, 20), "another's is left alone"
        link.limp()
        link.close()


def test_a_micro_maestro_has_no_command_for_several() -> None:
    with MaestroBoard(6, multiple=False) as board:
        link = open_link(LinkSettings("face", "maestro", board.path), SIX)
        link.enable([0, 5])
        board.settle()
        assert board.pulses == [6000, 0, 0, 0, 0, 6000] and board.errors == 0
        link.limp()
        link.close()


def test_another_device_number_or_check_sum_is_seen_before_anything_moves() -> None:
    for board, settings, words in (
        (MaestroBoard(device=13), {}, "device number 12"),
        (MaestroBoard(crc=True), {}, "CRC off"),
        (MaestroBoard(), {"crc": True}, "a command that it does not know"),
    ):
        with board, pytest.raises(LinkFault, match=words):
            open_link(LinkSettings("face", "maestro", board.path, **settings), SIX)


def test_errors_before_us_are_cleared_and_later_ones_told_in_words() -> None:
    board = MaestroBoard()
    board.fail(board.SERIAL_SIGNAL)
    with board:
        link = open_link(LinkSettings("face", "maestro", board.path), SIX)
        assert link.read_faults() == []
        board.fail(board.BUFFER_FULL | board.CRC)
        assert [(f.severity, f.sentence[:38]) for f in link.read_faults()] == [
            ("stop", "The Maestro reports its serial buffer "), ("stop", "The Maestro reports a wrong check sum:")]
        assert link.read_faults() == []
        link.close()


def test_the_boards_own_time_out_goes_limp_when_the_process_is_gone() -> None:
    """What a Maestro with a serial time-out of 0.2 s does when nobody writes any more."""
    with MaestroBoard(timeout_s=0.2) as board:
        link = open_link(LinkSettings("face", "maestro", board.path), SIX)
        assert link.set_watchdog(0.3) is False
        link.enable([0, 1])
        for _ in range(15):
            link.send({0: 1500, 1: 1600})
            time.sleep(0.02)
        assert board.pulses[:2] == [6000, 6400]
        time.sleep(0.3)
        assert not any(board.pulses)
        assert "its serial time-out has passed" in link.read_faults()[0].sentence
        link.close()


def test_the_sketchs_watchdog_lets_go_and_is_told() -> None:
    with SketchBoard(dict.fromkeys(range(6), (1000, 2000))) as board:
        link = open_link(LinkSettings("face", "arduino", board.path), SIX)
        assert link.set_watchdog(0.3) and not link.set_watchdog(0.1)
        link.enable([0, 1])
        for _ in range(20):
            link.send({0: 1500, 1: 1600})
            time.sleep(0.02)
        assert board.pulses[1] == 1600 and link.read_faults() == []
        time.sleep(0.35)
        assert not any(board.pulses.values())
        link.send({0: 1500, 1: 1600})
        board.settle()
        assert not any(board.pulses.values()), "only arming wakes it again"
        assert "heard nothing" in link.read_faults()[0].sentence
        link.limp()
        link.enable([0])
        board.settle()
        assert board.pulses[0] == 1500 and link.read_faults() == []
        link.close()


def test_asking_how_it_is_does_not_feed_the_sketchs_watchdog() -> None:
    with SketchBoard(dict.fromkeys(range(6), (1000, 2000))) as board:
        link = open_link(LinkSettings("face", "arduino", board.path), SIX)
        link.enable([0])
        for _ in range(20):
            link.read_faults()
            time.sleep(0.02)
        assert not any(board.pulses.values())
        link.close()


def test_the_sketchs_table_wins_and_says_so() -> None:
    with SketchBoard(dict.fromkeys(range(6), (1200, 1800))) as board:
        link = open_link(LinkSettings("face", "arduino", board.path), SIX)
        link.enable([0])
        link.read_faults()
        link.send({0: 2000})
        board.settle()
        assert board.pulses[0] == 1800
        assert [f.severity for f in link.read_faults()] == ["warn"]
        board.obey(sketch.targets({0: 1500})[:-1] + b"\x00")
        assert "damaged" in link.read_faults()[0].sentence
        link.limp()
        link.close()


def test_a_sketch_of_another_version_or_with_too_few_servos_is_refused() -> None:
    with SketchBoard({0: (1000, 2000)}) as board, pytest.raises(LinkFault, match="has 1 servos, the map wants chann"):
        open_link(LinkSettings("face", "arduino", board.path), SIX)

    class Newer(SketchBoard):
        def _run(self, kind: str, payload: bytes) -> bytes:
            return self._frame("h", bytes((2, 6, 250, 0))) if kind == "H" else super()._run(kind, payload)

    with Newer(dict.fromkeys(range(6), (1000, 2000))) as newer, pytest.raises(LinkFault, match="speaks version 2"):
        open_link(LinkSettings("face", "arduino", newer.path), SIX)
