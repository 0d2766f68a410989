"""How a batch grows faster with workers: measured with one and two on this computer, on paper with a thousand clips.

    python -m training.ship_scaling            measures and prints, some minutes; on a quiet computer only
    python -m training.ship_scaling --write    the same, and into docs/batch.md

Each worker has one core for itself: one worker alone would keep two busy, as tracking reads ahead in other threads. The
clips are the demo's, half of them whole and half of them short, so that what an item costs at its start is told from
what each frame costs.
"""
from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.paths import DEMO_CLIP, ROOT

PAGE: Final = ROOT / "docs" / "batch.md"
PAIRS: Final = 4
"""So many whole clips and so many short ones."""
SHORT_S: Final = 2.0
CLIPS: Final = 1000
FRAMES: Final = 900
"""Of a clip on paper: 30 s at 30 frames a second."""
CORES: Final = (2, 16, 64)
_BEGIN, _END = "<!-- python -m training.ship_scaling --write -->", "<!-- until here -->"


@dataclass(frozen=True)
class Batch:
    """One run over all clips."""

    workers: int
    seconds: float
    cpu_s: float
    items: list[tuple[int, float]]
    """(frames, seconds) of each."""
    takes: list[bytes]
    """Of each item, in order."""


def run(workers: int, folder: Path, command: list[str] | None = None) -> Batch:
    """The batch on a local Dask cluster of so many workers, each with a core for itself.

    Raises:
        RuntimeError: if there are fewer cores, or an item fails.
    """
    cores = sorted(os.sched_getaffinity(0))[:workers]
    if len(cores) < workers:
        raise RuntimeError(f"{workers} workers need {workers} cores; here is {len(cores)}.")
    manifest, out = folder / "clips.csv", folder / f"keyed{workers}"
    lines = [f"{DEMO_CLIP},{name}{i},{end}" for name, end in (("whole", ""), ("short", SHORT_S)) for i in range(PAIRS)]
    manifest.write_text("\n".join(["video,name,end", *lines]), encoding="utf-8")
    batch = command or [sys.executable, str(ROOT / "render_batch.py"), "--scheduler", "local", "--jobs", str(workers)]
    begun, before = time.perf_counter(), os.times()
    ended = subprocess.run(
        [*batch, "--manifest", str(manifest), "--character", "Pip", "--out", str(out)], capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, preexec_fn=lambda: os.sched_setaffinity(0, cores), check=False,
    )
    seconds, after = time.perf_counter() - begun, os.times()
    if ended.returncode:
        raise RuntimeError((ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1])
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*/report.json"))]
    return Batch(
        workers, seconds, after.children_user + after.children_system - before.children_user - before.children_system,
        [(report["source_frames"], report["seconds"]) for report in reports],
        [path.read_bytes() for path in sorted(out.glob("*/*.take"))],
    )


def cost(one: Batch) -> tuple[float, float]:
    """(seconds for what an item needs beside its frames, Blender's start above all; seconds for each frame).

    The frames' by least squares over what the items took; the rest is shared by all.
    """
    frames, seconds = np.array(one.items, float).T
    each = float(np.polyfit(frames, seconds, 1)[0])
    return (one.seconds - each * frames.sum()) / len(frames), each


def on_paper(start_s: float, frame_s: float, cores: int) -> float:
    """Seconds for CLIPS clips of FRAMES frames, on so many cores that never wait for one another."""
    return math.ceil(CLIPS / cores) * (start_s + FRAMES * frame_s)


def paragraph(one: Batch, two: Batch) -> str:
    """What the page says."""
    start_s, frame_s = cost(one)
    (most, _), (least, _) = max(one.items), min(one.items)
    same = "the same bytes" if one.takes == two.takes else "NOT the same bytes"
    paper = ", ".join(f"{told(on_paper(start_s, frame_s, cores))} on {cores} cores" for cores in CORES)
    measured = (
        f"{len(one.items)} items ({PAIRS} clips of {most} frames, {PAIRS} of {least}) on local Dask workers, a core "
        f"each, starting the cluster included: {_of(one)}, {_of(two)}, {one.seconds / two.seconds:.2f} times as fast. "
        f"The takes are {same}."
    )
    thousand = (
        f"On paper, with the {start_s:.1f} s that an item needs beside its frames and {1000 * frame_s:.1f} ms for each "
        f"frame: {CLIPS} clips of {FRAMES} frames take {paper}, as items know nothing of each other."
    )
    return "\n\n".join(textwrap.fill(text, 120) for text in (measured, thousand))


def _of(batch: Batch) -> str:
    workers = {1: "one worker", 2: "two"}[batch.workers]
    return f"{workers} {batch.seconds:.0f} s ({batch.cpu_s:.0f} s of CPU time)"


def told(seconds: float) -> str:
    """In minutes, or in hours."""
    return f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"


def written(page: str, text: str) -> str:
    """The page with the text between its marks.

    Raises:
        RuntimeError: if it has no such marks.
    """
    pattern = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"'{PAGE}' has no line '{_BEGIN}' with a line '{_END}' below it.")
    return pattern.sub(lambda _: f"{_BEGIN}\n{text}\n{_END}", page)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="training.ship_scaling")
    parser.add_argument("--write", action="store_true", help="into docs/batch.md too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semblance-scaling-") as folder:
        one, two = (run(workers, Path(folder)) for workers in (1, 2))
    text = paragraph(one, two)
    print(text)
    if args.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
