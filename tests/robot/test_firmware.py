"""The Arduino sketch itself, compiled here: its bytes against ours, its watchdog and clamp behind a pseudo-terminal."""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.robot.links import ActuatorLimits, LinkFault, LinkSettings, open_link
from addon.robot.links.sketch import SketchLink
from addon.robot.protocols import sketch
from tests.conftest import ROOT
from tests.robot.boards import SketchBoard

SKETCH = ROOT / "rigs" / "robots" / "firmware" / "semblance_head"
BENCH = Path(__file__).parent / "bench_arduino"
LIMITS = {channel: ActuatorLimits(channel, 1200, 1500, 1800, name=f"servo_{channel}") for channel in range(6)}


def compiled(source: str, folder: Path) -> Path:
    """Build one of the programs beside this file around the sketch."""
    compiler = shutil.which("g++") or shutil.which("clang++") or shutil.which("c++")
    if not compiler:
        pytest.skip("no C++ compiler here to build the sketch with")
    program = folder / Path(source).stem
    subprocess.run(
        [compiler, "-std=c++11", "-Wall", "-Wextra", "-Werror", "-O1", f"-I{SKETCH}", f"-I{BENCH}", str(BENCH / source),
         "-o", str(program)], check=True, timeout=120,
    )
    return program


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("replay.cpp", tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def sketch_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled("sketch.cpp", tmp_path_factory.mktemp("sketch"))


CHANNELS = st.integers(0, 6)
FRAMES = st.one_of(
    st.dictionaries(CHANNELS, st.integers(0, 65535), max_size=7).map(sketch.targets),
    st.lists(CHANNELS, max_size=7).map(sketch.enable),
    st.sampled_from([sketch.hello(), sketch.query(), sketch.limp()]),
)
PIECES = st.one_of(
    FRAMES, st.binary(max_size=12), FRAMES.map(lambda frame: frame[:-1]), FRAMES.map(lambda frame: frame * 2),
    st.tuples(FRAMES, st.integers(0, 999)).map(
        lambda both: both[0][:both[1] % len(both[0])] + b"\xff" + both[0][both[1] % len(both[0]) + 1:]),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([5, 20, 90, 400]), PIECES), max_size=12))
def test_the_sketch_and_its_model_do_the_same(replay: Path, story: list[tuple[int, bytes]]) -> None:
    """Any frames, noise and pauses: the same servos at the same pulses, the same answers, the same watchdog."""
    clock, heard = 1000, 1000
    board = SketchBoard(dict.fromkeys(range(5), (900, 2100)))
    board.clock = lambda: clock / 1000
    lines, expected = [], []
    for pause, piece in story:
        clock += pause
        board.tick()
        if piece and clock - heard > 100:
            board._line.clear()  # a frame that pauses is forgotten
        heard = clock if piece else heard
        expected.append((board.obey(piece), dict(board.pulses)))
        lines.append(f"{clock} {piece.hex() or '-'}\n")
    ended = subprocess.run([replay], input="".join(lines), capture_output=True, text=True, timeout=20, check=True)
    assert _told(ended.stdout, len(story)) == expected


def _told(text: str, steps: int) -> list[tuple[bytes, dict[int, int]]]:
    pulses, found = dict.fromkeys(range(5), 0), []
    for step in text.split(".\n")[:steps]:
        answers = b""
        for line in step.splitlines():
            what, *values = line.split()
            if what == "answer":
                answers += bytes.fromhex(values[0])
            else:
                pulses[int(values[0])] = int(values[1]) if what == "pulse" else 0
        found.append((answers, dict(pulses)))
    return found


class Bench:
    """The compiled sketch on the far side of a pseudo-terminal."""

    def __init__(self, program: Path) -> None:
        if not hasattr(os, "openpty"):
            pytest.skip("no pseudo-terminals on this system")
        import tty

        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._process = subprocess.Popen([program], stdin=self._master, stdout=subprocess.PIPE)
        self._slave = slave
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self.pulses: dict[int, int] = {}

    def look(self, seconds: float = 0.05) -> dict[int, int]:
        """Pin → us of the servos that have pulses now."""
        time.sleep(seconds)
        assert self._process.stdout is not None
        for line in (self._process.stdout.read() or b"").decode().splitlines():
            what, pin, *us = line.split()
            if what == "pulse":
                self.pulses[int(pin)] = int(us[0])
            else:
                self.pulses.pop(int(pin), None)
        return dict(self.pulses)

    def close(self) -> None:
        """End it whatever happened."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)
        for descriptor in (self._master, self._slave):
            os.close(descriptor)


@pytest.fixture
def bench(sketch_program: Path) -> Iterator[Bench]:
    bench = Bench(sketch_program)
    yield bench
    bench.close()


@pytest.fixture
def link(bench: Bench) -> Iterator[SketchLink]:
    link = open_link(LinkSettings("face", "arduino", bench.path), LIMITS)
    assert isinstance(link, SketchLink)
    yield link
    link.close()


def test_a_head_is_driven_and_let_go(bench: Bench, link: SketchLink) -> None:
    assert bench.look() == {}
    link.enable([0, 1, 5])
    assert bench.look() == {2: 1500, 3: 1500, 7: 1500}
    link.send({0: 1250, 1: 1300, 2: 1400, 5: 1790})
    assert bench.look() == {2: 1250, 3: 1300, 7: 1790}
    link.send({0: 100, 1: 2600, 5: 1500})
    assert bench.look() == {2: 1200, 3: 1800, 7: 1500}
    link.limp()
    assert bench.look() == {}


def test_its_watchdog_lets_go_within_a_third_of_a_second(bench: Bench, link: SketchLink) -> None:
    assert link.set_watchdog(0.3)
    link.enable([0, 1])
    for _ in range(10):
        link.send({0: 1500, 1: 1600})
        time.sleep(0.03)
    assert bench.look(0) == {2: 1500, 3: 1600}
    assert bench.look(0.33) == {}
    link.send({0: 1500, 1: 1600})
    assert bench.look() == {}
    assert [fault.severity for fault in link.read_faults()] == ["stop"]
    link.enable([0])
    assert bench.look() == {2: 1500}


def test_a_map_with_more_servos_than_the_sketch_is_refused(bench: Bench) -> None:
    with pytest.raises(LinkFault, match="has 6 servos, the map wants channel 9"):
        open_link(LinkSettings("face", "arduino", bench.path), {9: ActuatorLimits(9, 1200, 1500, 1800)})
