from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from training import ship_speed


def test_a_clip_of_any_length_is_the_short_one_again(shared: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = ship_speed.long_clip(tmp_path / "long.mp4", 1.1)
    with av.open(str(tmp_path / "long.mp4")) as clip:
        times = sorted(float(packet.pts * packet.time_base) for packet in clip.demux(video=0) if packet.pts is not None)
    assert len(times) == frames == pytest.approx(1.1 * 60 * 25, abs=3)
    steps = [after - before for before, after in itertools.pairwise(times)]
    assert min(steps) > 0.03 and max(steps) < 0.1


def test_what_is_measured_at_places_is_summed_between_them() -> None:
    peers = {"places": [(0, 1.0, 0.5), (100, 3.0, 1.5)], "save": [7.0, 2.0]}
    assert ship_speed.total(peers, 101, 0) == pytest.approx(101 * 2.0 + 7)
    assert ship_speed.total(peers, 101, 1) == pytest.approx(101 * 1.0 + 2)
    assert ship_speed.total({"parts": {"a": [1.0, 2.0], "b": [3.0, 4.0]}}, 101, 0) == 4
