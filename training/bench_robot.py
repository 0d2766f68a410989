"""A robot head under attack, beside a busy program, and how well the robot map carries a person to Ada.

robot.violations takes minutes: a million frames, three tenths of them through a pseudo-terminal to a judge in a
process of its own, which decodes the bytes by the vendors' documents and knows only the numbers of the map file. One
head is attacked on each core.
"""
from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.paths import ROOT
from training.figures import Row
from training.robot_judge import Judge

FRAMES: Final = {"maestro_head": 200_000, "bus_head": 100_000, "ameca_like": 700_000}
_SEED: Final = 7
_ROUND: Final = 25_000
"""Frames of one attack; each begins with a new head and another seed."""
_GARBAGE: Final = 0.2
"""Of all ticks, in which the shaper itself says nonsense: the gate trusts nobody."""
_JITTER_S: Final = 20.0
_LATENCY_FRAMES: Final = 200
_PICTURES_S: Final = 15


def measure_violations(frames: Mapping[str, int] = FRAMES) -> dict[str, Row]:
    """Bytes outside travel, speed or caps, of a million hostile frames."""
    rounds = [(name, min(_ROUND, count - begin), _SEED + begin)
              for name, count in frames.items() for begin in range(0, count, _ROUND)]
    violations, said, out = 0, Counter[str](), Counter[str]()
    with ProcessPoolExecutor() as pool:
        for (name, _, seed), report in zip(rounds, pool.map(attack, *zip(*rounds, strict=True)), strict=True):
            violations += report["violations"]
            said[name] += report["said"]
            out[name] += report["frames"]
            print(f"  {sum(said.values())} hostile frames, {violations} violations", file=sys.stderr, flush=True)
            for example in report["examples"][:10]:
                print(f"{name}, seed {seed}: {example}", file=sys.stderr)
    told = "; ".join(f"{name} {said[name]} in, {out[name]} out" for name in frames)
    return {"robot.violations": Row(float(violations), None, "", f"of {said.total()} hostile frames ({told})", "<= 0")}


def attack(name: str, count: int, seed: int = _SEED) -> dict:
    """The judge's report on one design after `count` hostile frames."""
    from addon.robot.map_reading import find_map

    robot = find_map(name)
    if next(iter(robot.links.values())).protocol in ("maestro", "feetech_sts"):
        with _board(robot.path) as (port, ended):
            link = next(iter(robot.links.values()))
            patient = dataclasses.replace(link, port=port, write_timeout_s=5.0)
            said, sent = _assail(dataclasses.replace(robot, links={link.name: patient}), None, count, seed)
            report = ended()
    else:
        judge = Judge(robot.path)
        said, sent = _assail(robot, judge, count, seed)
        report = judge.report()
    # What still waits when the torque goes is thrown away, so that the switching off comes first.
    if not (count * 0.8 < sent and 0.99 * sent <= report["frames"]):
        report["violations"] += 1
        report["examples"].append(f"{count} frames were said and {sent} sent, but the judge saw {report['frames']}")
    return report | {"said": said}


@contextmanager
def _board(path: Path) -> Iterator[tuple[str, Callable[[], dict]]]:
    """A judge behind a pseudo-terminal: its port, and what to call at the end for its report."""
    process = subprocess.Popen([sys.executable, "-m", "training.robot_judge", str(path)], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout

    def ended() -> dict:
        said, _ = process.communicate(timeout=600)
        return json.loads(said)

    try:
        yield process.stdout.readline().strip(), ended
    finally:
        process.kill()
        process.wait()


class _Recording:
    """A link in this process that hands every frame to the judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def send(self, raw: Mapping[int, float]) -> None:
        self._judge.frame(raw)

    def read_faults(self) -> list:
        return []

    def set_watchdog(self, seconds: float) -> bool:
        return False

    def limp(self) -> None:
        self._judge.forget(self._judge.channels)

    def read_positions(self) -> None:
        return None

    def enable(self, channels: Sequence[int]) -> None: ...

    def open(self) -> None: ...

    def close(self) -> None: ...


def _assail(robot, judge, count: int, seed: int) -> tuple[int, int]:
    """Send everything through the real chain with a clock of its own; frames said and frames that left."""
    from addon.robot.head import Head
    from addon.robot.links import open_link
    from addon.robot.loop import RobotLoop
    from training.hostile_frames import hostile_frames

    now_s = [1000.0]
    head = Head(robot, open_link if judge is None else lambda settings, channels: _Recording(judge))
    loop = RobotLoop(robot, head, lambda: now_s[0])
    random = np.random.default_rng(seed + 1)
    _spoil(loop, random)
    loop.connect()
    said = sent = 0

    def tick() -> None:
        nonlocal sent
        loop.tick()
        now_s[0] += loop.period_s
        if loop.newest:
            sent += bool(np.isfinite(loop.newest.raw).any())
            loop.newest = None

    try:
        for hostile in hostile_frames(robot.control_names, count, seed):
            for _ in range(hostile.silent_ticks):
                tick()
            for target in hostile.targets:
                loop.target(dataclasses.replace(target, time_s=now_s[0] + target.time_s))
            said += len(hostile.targets)
            if loop.state in ("LIMP", "STOPPED"):
                loop.arm()
            elif random.random() < 1e-4:
                loop.stop("The bench stops it now and then.")
            tick()
    finally:
        loop.close()
    return said, sent


def _spoil(loop, random: np.random.Generator) -> None:
    """Let the shaper say nonsense now and then."""
    honest, count = loop._shaper.step, len(loop.robot)

    def step(target: np.ndarray) -> np.ndarray:
        u = honest(target)
        if random.random() > _GARBAGE:
            return u
        return (random.uniform(-3, 3, count), np.where(random.random(count) < 0.2, np.nan, -u), u * 1e9,
                np.full(count, np.inf), np.zeros(3))[int(random.integers(5))]

    loop._shaper.step = step


def measure_jitter() -> dict[str, Row]:
    """How late a tick of the robot process is at 100 Hz, beside a Python program that never rests; and the rival: the
    same loop as a thread of that busy program."""
    from addon.core.processes import child_environment
    from addon.robot.client import RobotClient
    from addon.robot.signals import NAMES

    late_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        environment = child_environment() | {"SEMBLANCE_USER": folder}
        client = RobotClient.start(["--robot", "bus_head"], environment, "the benchmark")
        busy = subprocess.Popen([sys.executable, "-c", "while True: sum(range(1000))"])
        try:
            _drive(client, NAMES, _JITTER_S, lambda status: late_ms.append(status.jitter_ms))
        finally:
            busy.kill()
            busy.wait()
            client.wait_end()
    ours = float(np.median(late_ms[len(late_ms) // 4:]))
    rival = _thread_jitter_ms(5.0)
    unit = "ms late, 99th percentile, beside a busy Python process"
    return {"robot.jitter_p99_ms": Row(ours, rival, "a thread of the busy process", unit, "<= 2")}


def _drive(client, names: Sequence[str], seconds: float, told: Callable) -> None:
    """Arm a head and let it follow a lively face at 60 Hz."""
    from addon.robot.messages import Arm, Target

    end_s, armed, sequence = time.monotonic() + seconds, False, 0
    while time.monotonic() < end_s and client.state != "ended":
        sequence += 1
        now_s = time.monotonic()
        values = 0.5 + 0.5 * np.sin(now_s * 3 + np.arange(len(names)))
        client.send(Target(tuple(names), now_s, sequence, values))
        status = client.poll().status
        if status:
            if status.state == "LIVE":
                told(status)
            elif not armed:
                client.send(Arm())
                armed = True
        time.sleep(1 / 60)
    if client.state == "ended":
        raise RuntimeError(client.sentence)


def _thread_jitter_ms(seconds: float) -> float:
    """Of a 100 Hz thread beside a busy one in one process."""
    late_s, stop = [], threading.Event()

    def beat() -> None:
        due_s = time.monotonic()
        while not stop.is_set():
            due_s += 0.01
            time.sleep(max(0.0, due_s - time.monotonic()))
            late_s.append(time.monotonic() - due_s)
            due_s = max(due_s, time.monotonic() - 0.01)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        sum(range(1000))
    stop.set()
    thread.join(1)
    return float(np.percentile(late_s, 99) * 1000)


def measure_latency() -> dict[str, Row]:
    """From a picture of the webcam video to the bytes on a servo bus that it has a share in; and, in the unit, from a
    client's frame to the first pulse that is seen to move."""
    step_ms = _from_frame_to_pulse()
    picture_ms = _from_picture_to_bytes()
    unit = ("ms, 95th percentile, webcam video at 30 fps → Feetech bytes at 100 Hz (a client's frame → a moved pulse "
            f"at 50 Hz: {np.percentile(step_ms, 95):.1f})")
    return {"robot.latency_p95_ms": Row(float(np.median(picture_ms)), None, "", unit, "<= 40")}


def _from_picture_to_bytes() -> list[float]:
    """What the robot process says itself, about once a second."""
    from addon.core.processes import child_environment
    from addon.live.client import LiveClient
    from addon.live.messages import Open
    from addon.robot.client import RobotClient
    from addon.robot.messages import Arm, Follow
    from tests.robot.boards import FeetechBoard
    from training.performers import shared_folder

    told: list[float] = []
    worker = LiveClient.start("the benchmark", ("status",))
    with tempfile.TemporaryDirectory() as folder, FeetechBoard(list(range(1, 26))) as board:
        board.on_frame = lambda frame: [motor.moved.clear() for motor in board.motors.values()]
        client = RobotClient.start(["--robot", "bus_head", "--link", board.path],
                                   child_environment() | {"SEMBLANCE_USER": folder}, "the benchmark")
        try:
            worker.send(Open(str(shared_folder() / "data" / "webcam_video" / "man_at_webcam.mp4"), loop=True))
            asked, end_s = False, time.monotonic() + 60
            while len(told) < 4 * _PICTURES_S and time.monotonic() < end_s and client.state != "ended":
                status = client.poll().status
                if status and worker.state == "connected" and not asked:
                    asked = True
                    client.send(Follow(worker.port, worker.token))
                elif status and status.state == "LIMP" and status.playing:
                    client.send(Arm())
                elif status and status.state == "LIVE":
                    told.append(status.latency_ms)
                time.sleep(0.02)
        finally:
            client.wait_end()
            worker.stop()
    if not told:
        raise RuntimeError(client.sentence or "the head never followed the video")
    return told[len(told) // 2:]


def _from_frame_to_pulse() -> list[float]:
    """ms of each step."""
    from addon.core.processes import child_environment
    from addon.robot.client import RobotClient
    from addon.robot.signals import NAMES
    from tests.robot.boards import MaestroBoard

    heard: list[tuple[float, dict[int, int]]] = []
    with tempfile.TemporaryDirectory() as folder, MaestroBoard(24, crc=True) as board:
        board.on_frame = lambda frame: heard.append((time.monotonic(), frame))
        client = RobotClient.start(["--robot", "maestro_head", "--link", board.path],
                                   child_environment() | {"SEMBLANCE_USER": folder}, "the benchmark")
        try:
            return _step_latencies(client, NAMES, heard)
        finally:
            client.wait_end()


def _step_latencies(client, names: Sequence[str], heard: list) -> list[float]:
    """Blink, wait, open, wait; how long it takes until the lid's pulse changes."""
    from addon.robot.messages import Arm, Target

    late_ms: list[float] = []
    values, sequence, lid, asked_s, seen = np.zeros(len(names)), 0, 3, 0.0, 0
    random = np.random.default_rng(_SEED)
    live_s, toggle_s, end_s = 0.0, 0.0, time.monotonic() + 90
    while len(late_ms) < _LATENCY_FRAMES and time.monotonic() < end_s and client.state != "ended":
        now_s = time.monotonic()
        status = client.poll().status
        if status and status.state == "LIMP" and not live_s:
            client.send(Arm())
        if status and status.state == "LIVE" and not live_s:
            live_s = toggle_s = now_s
        if live_s and now_s > toggle_s:
            values[names.index("eyeBlinkLeft")] = 0.6 - values[names.index("eyeBlinkLeft")]
            still, seen, asked_s = heard[-1][1][lid], len(heard), now_s
            toggle_s = now_s + 0.25 + random.uniform(0, 0.02)
        sequence += 1
        client.send(Target(tuple(names), now_s, sequence, values))
        while seen < len(heard) and asked_s:
            at_s, frame = heard[seen]
            seen += 1
            if abs(frame[lid] - still) > 4:
                late_ms.append((at_s - asked_s) * 1000)
                asked_s = 0.0
        time.sleep(0.004)
    return late_ms


def measure_imitation() -> dict[str, Row]:
    """People of the test set to Ada: by the robot's map and by her own learned decoder, against what her profile says
    that the true expression means."""
    from training.robot_imitation import imitation

    errors = imitation()
    ours, rival = errors["robot map"], errors["Ada's decoder"]
    parts = ", ".join(f"{part} {error:.3f}" for part, error in ours.items() if part != "all")
    unit = f"X2C-normalised mean error ({parts})"
    return {"robot.imitation_mae": Row(ours["all"], rival["all"], "Ada's own decoder", unit, "report")}


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("robot.violations",): measure_violations,
    ("robot.jitter_p99_ms",): measure_jitter,
    ("robot.latency_p95_ms",): measure_latency,
    ("robot.imitation_mae",): measure_imitation,
}
