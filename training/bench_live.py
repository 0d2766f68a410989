"""How late and how steady live play is, beside MediaPipe's own live mode on the same stream.

    python -m training.bench live               the figures
    python -m training.bench_live --soak 30     thirty minutes, a line each; does memory or latency grow?

A camera on loopback (a process of its own) sends the webcam video as MJPEG, 640 × 480 at 30 a second. It draws the time
of time.monotonic(), which all processes share, into each picture before it compresses it. Latency is from there until
the controls that came of that picture are in a client of the worker: compression, network, decompression, tracking,
reading, calibration, smoothing, decoding and the way to the client are in it; a display is not. The stamp is read back
from the small pictures that the worker sends (12 a second), which carry the same time as the controls.
"""
from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.errors import SemblanceError
from addon.core.paths import ROOT
from addon.core.rig_profile import find_profile
from addon.live.client import LiveClient
from addon.live.messages import Character, CloseSource, Open, SetCast
from tests.mjpeg_server import read_stamp

from .figures import Row
from .performers import shared_folder

RIVAL: Final = "MediaPipe LIVE_STREAM"
CHARACTER: Final = "Pip"
FPS: Final = 30
_ROUNDS: Final = 4
"""Ours and the rival take turns, because other programs' load comes and goes."""
_SECONDS: Final = 5.0
_WARM_UP_S: Final = 3.0
"""Left out, for both: in it our tracker looks twice at every fourth picture, to be sure that it is a person's face."""
_START_S: Final = 30.0


@dataclass
class Run:
    """What was seen in one run."""

    latency_ms: list[float] = field(default_factory=list)
    """From the stamp in a picture until what came of it is here."""
    played_ms: list[float] = field(default_factory=list)
    """From a picture's arrival in the process that plays until what came of it is here."""
    frames: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Of the process that plays."""

    @property
    def fps(self) -> float:
        """Pictures answered a second."""
        return self.frames / self.seconds

    def __add__(self, other: Run) -> Run:
        """Both runs as one."""
        return Run(
            self.latency_ms + other.latency_ms, self.played_ms + other.played_ms, self.frames + other.frames,
            self.seconds + other.seconds, self.cpu_s + other.cpu_s,
        )


@contextlib.contextmanager
def camera(fps: float = FPS) -> Iterator[str]:
    """The address of a camera in a process of its own, which ends with the context."""
    video = shared_folder() / "data" / "webcam_video" / "man_at_webcam.mp4"
    command = [sys.executable, "-m", "tests.mjpeg_server", str(video), "--fps", f"{fps:g}", "--size", "640x480"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert server.stdin is not None and server.stdout is not None
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}/"
    finally:
        server.kill()
        server.communicate()


@contextlib.contextmanager
def worker() -> Iterator[LiveClient]:
    """A worker with one character."""
    client = LiveClient.start("benchmark", ("status", "controls", "picture"))
    try:
        client.send(SetCast((Character.of(find_profile(CHARACTER)),)))
        yield client
    finally:
        client.stop()


@contextlib.contextmanager
def playing(client: LiveClient, address: str) -> Iterator[None]:
    """What comes from `address`, warmed up."""
    client.poll()
    client.send(Open(address))
    end_s = time.monotonic() + _START_S
    while not client.poll().controls:
        client.wait(0.1)
        if client.state == "ended" or time.monotonic() > end_s:
            raise SemblanceError(client.sentence or "The worker plays nothing.")
    watch(client, _WARM_UP_S)
    yield
    client.send(CloseSource())


def watch(client: LiveClient, seconds: float) -> Run:
    """What a client of the worker sees for a while."""
    run, began_s, cpu_s = Run(), time.monotonic(), process_cpu_s(client.pid)
    arrived_s: dict[float, float] = {}
    while (now_s := time.monotonic()) - began_s < seconds:
        if client.state == "ended":
            raise SemblanceError(client.sentence)
        if not client.wait(0.1):
            continue
        now_s, update = time.monotonic(), client.poll()
        for controls in update.controls.values():
            arrived_s[controls.time_s] = now_s
            run.frames += 1
            run.played_ms.append(1000 * (now_s - controls.captured_s))
        if update.picture is not None and update.picture.time_s in arrived_s:
            stamp_s = read_stamp(update.picture.image, now_s)
            if stamp_s is not None:
                run.latency_ms.append(1000 * (arrived_s[update.picture.time_s] - stamp_s))
            arrived_s = {time_s: at for time_s, at in arrived_s.items() if time_s > update.picture.time_s}
    run.seconds = time.monotonic() - began_s
    run.cpu_s = process_cpu_s(client.pid) - cpu_s
    return run


def watch_rival(address: str, seconds: float) -> Run:
    """MediaPipe's Face Landmarker with blendshapes in live mode on pictures that OpenCV reads, as its examples do.

    Raises:
        SemblanceError: without MediaPipe.
    """
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise SemblanceError(f"{RIVAL} is not here ({error}); run 'make bench' with Python 3.11 or 3.12.") from error
    import cv2

    run, captured_s, lock = Run(), {}, threading.Lock()
    counting = threading.Event()

    def answered(result: object, image: mediapipe.Image, timestamp_ms: int) -> None:
        now_s = time.monotonic()
        stamp_s = read_stamp(image.numpy_view(), now_s)
        with lock:
            came_s = captured_s.pop(timestamp_ms)
        if counting.is_set() and stamp_s is not None and result.face_blendshapes:  # type: ignore[attr-defined]
            run.frames += 1
            run.latency_ms.append(1000 * (now_s - stamp_s))
            run.played_ms.append(1000 * (now_s - came_s))

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(shared_folder() / "models" / "face_landmarker.task")),
        running_mode=vision.RunningMode.LIVE_STREAM, output_face_blendshapes=True, result_callback=answered,
    )
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG)
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        began_s, cpu_s = time.monotonic() + _WARM_UP_S, 0.0
        while (now_s := time.monotonic()) - began_s < seconds:
            if now_s > began_s and not counting.is_set():
                counting.set()
                cpu_s = time.process_time()
            read, image = capture.read()
            if not read:
                raise SemblanceError("The camera of the benchmark has ended.")
            came_s = time.monotonic()
            with lock:
                captured_s[int(1000 * came_s)] = came_s
            rgb = np.ascontiguousarray(image[..., ::-1])
            landmarker.detect_async(mediapipe.Image(mediapipe.ImageFormat.SRGB, rgb), int(1000 * came_s))
        run.seconds, run.cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
    capture.release()
    return run


def process_cpu_s(pid: int | None) -> float:
    """CPU seconds that a process has used; NaN where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int | None) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure() -> dict[str, Row]:
    """All figures of this room; about a minute."""
    ours, rival = Run(), Run()
    with camera() as address, worker() as client:
        for _ in range(_ROUNDS):
            with playing(client, address):
                ours += watch(client, _SECONDS)
            rival += watch_rival(address, _SECONDS)

    def row(of: Callable[[Run], float], unit: str, goal: str) -> Row:
        return Row(of(ours), of(rival), RIVAL, unit, goal)

    return {
        "live.latency_p50_ms": row(lambda run: float(np.percentile(run.latency_ms, 50)), "ms", "report"),
        "live.latency_p95_ms": row(lambda run: float(np.percentile(run.latency_ms, 95)), "ms", "<= 40"),
        "live.played_p95_ms": row(lambda run: float(np.percentile(run.played_ms, 95)), "ms", "<= 40"),
        "live.fps": row(lambda run: run.fps, f"of {FPS}/s", ">= 29"),
        "live.cpu_share": row(lambda run: run.cpu_s / run.seconds, "cores", "report"),
    }


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("live.latency_p50_ms", "live.latency_p95_ms", "live.played_p95_ms", "live.fps", "live.cpu_share"): measure,
}


def soak(minutes: float) -> bool:
    """Play for `minutes`, print a line for each, and whether memory and latency stayed; True if they did.

    Memory and latency of the last third are compared with those of the second: the first fills caches.
    """
    rows = []
    with camera() as address, worker() as client, playing(client, address):
        end_s = time.monotonic() + 60 * minutes
        print("minute  worker MB  client MB  open files  p50 ms  p95 ms  pictures/s  CPU", flush=True)
        while time.monotonic() < end_s:
            run = watch(client, min(60.0, max(end_s - time.monotonic(), 5.0)))
            gc.collect()
            files = len(os.listdir(f"/proc/{client.pid}/fd"))
            p50, p95 = np.percentile(run.latency_ms, [50, 95])
            rows.append((memory_mb(client.pid), memory_mb(os.getpid()), files, p50, p95))
            print(f"{len(rows):6}  {rows[-1][0]:9.1f}  {rows[-1][1]:9.1f}  {files:10}  {p50:6.1f}  {p95:6.1f}  "
                  f"{run.fps:10.1f}  {run.cpu_s / run.seconds:4.0%}", flush=True)
    third = max(len(rows) // 3, 1)
    before, after = np.median(rows[-2 * third:-third] or rows[:1], axis=0), np.median(rows[-third:], axis=0)
    grown = after - before
    kept = bool(grown[0] < 5 and grown[1] < 5 and grown[2] <= 0 and grown[3] < 5)
    print(f"worker {grown[0]:+.1f} MB, client {grown[1]:+.1f} MB, open files {grown[2]:+.0f}, p50 {grown[3]:+.1f} ms: "
          f"{'nothing grows' if kept else 'IT GROWS'}")
    return kept


def main() -> int:
    """The soak; the figures are `python -m training.bench live`."""
    parser = argparse.ArgumentParser(description="Play live for long and see whether anything grows.")
    parser.add_argument("--soak", type=float, metavar="MINUTES", required=True)
    return int(not soak(parser.parse_args().soak))


if __name__ == "__main__":
    sys.exit(main())
