"""The figures of live play are of what they say: a stamp in the picture, read back beside its controls."""
from __future__ import annotations

import os
import sys
import time

import pytest

from training import bench_live
from training.bench import ROOMS


def test_its_room_is_in_the_benchmark():
    assert "live" in ROOMS
    assert {"live.latency_p50_ms", "live.latency_p95_ms"} <= {name for names in bench_live.MEASURES for name in names}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_cpu_and_memory_are_those_of_the_process():
    before = bench_live.process_cpu_s(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert 0.05 <= bench_live.process_cpu_s(os.getpid()) - before < 1
    held = memoryview(bytearray(b"x" * 50_000_000))
    assert bench_live.memory_mb(os.getpid()) > 50
    del held


def test_latency_counts_from_before_the_picture_was_sent(shared):
    with bench_live.camera() as address, bench_live.worker() as client, bench_live.playing(client, address):
        run = bench_live.watch(client, 2.0)
    assert len(run.latency_ms) > 3 and run.frames > 10
    assert min(run.played_ms) > 0 and min(run.latency_ms) > min(run.played_ms)
    assert max(run.latency_ms) < 5000
    both = run + run
    assert both.fps == run.fps and len(both.latency_ms) == 2 * len(run.latency_ms)
