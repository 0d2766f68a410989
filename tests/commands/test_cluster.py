"""A batch on a Dask cluster of two real workers, one of which is killed."""
from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from addon.commands import cluster
from addon.commands.__main__ import main
from addon.core.take import write_take

from ..conftest import ROOT
from ..core.making import a_take
from .test_manifest import ended, started

CLIP = ROOT / "assets" / "demo" / "performer.mp4"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    lines = ["video,name,end", f"{CLIP},clip,0.4"]
    write_take(a_take(12), tmp_path / "shot.take")
    lines.append("shot.take,,")
    (tmp_path / "shots.csv").write_text("\n".join(lines))
    return tmp_path / "shots.csv"


def test_a_killed_worker_costs_nothing_and_workers_do_not_change_takes(shots: Path, tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    psutil = pytest.importorskip("distributed") and pytest.importorskip("psutil")
    out, alone = tmp_path / "out", tmp_path / "alone"
    batch = started(shots, out, "--scheduler", "local", "--jobs", "2")
    try:
        deadline = time.monotonic() + 120
        killed = False
        while not killed and time.monotonic() < deadline and batch.poll() is None:
            for process in psutil.Process(batch.pid).children(recursive=True):
                try:
                    if "--item" in process.cmdline():
                        # The worker and what it works on, as when its computer is switched off.
                        os.kill(process.ppid(), signal.SIGKILL)
                        process.kill()
                        killed = True
                        break
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.05)
        assert killed
    finally:
        said = ended(batch)
    assert "2 of 2 done" in said, said
    summary = json.loads((out / "summary.json").read_text())
    assert [(row["name"], row["status"]) for row in summary["items"]] == [("clip", "done"), ("shot", "done")]
    assert "2 of 2 done" in ended(started(shots, alone, "--jobs", "1"))
    for name in ("clip", "shot"):
        assert (out / name / f"{name}.take").read_bytes() == (alone / name / f"{name}.take").read_bytes()


def test_a_scheduler_that_is_not_there_is_one_sentence(shots: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    pytest.importorskip("bpy")
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_CONNECT_S", 1)
    command = ["batch", "--manifest", str(shots), "--out", str(tmp_path / "out"), "--scheduler"]
    assert main([*command, "tcp://127.0.0.1:9"]) == 1
    assert "The Dask scheduler 'tcp://127.0.0.1:9' cannot be reached" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*command, "local"]) == 1
    assert "pip install 'semblance[cluster]'" in capsys.readouterr().err
