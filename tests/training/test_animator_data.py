"""What is read off a character's own pictures is kept, and read anew once there are more of them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from addon.core.errors import SemblanceError
from addon.core.frames import unknown_landmarks
from addon.core.pair_set import TRAINING, PairHeader, Shard, write_header, write_shard
from addon.core.rig_profile import find_profile
from addon.expression.encoder import Encoder
from training.animator_data import at_hand, read_own

UNO = find_profile("Uno")
SIDE = 96


def write_pairs(folder: Path, shards: int, asked: int) -> None:
    """Pictures of nothing: two a shard, the first of them at rest."""
    random = np.random.default_rng(5)
    header = PairHeader(TRAINING, "Uno", "p", "b", UNO.control_set.names, ("mix",), SIDE, 1)
    folder.mkdir(exist_ok=True)
    write_header(folder, header, asked)
    for number in range(shards):
        controls = np.stack([UNO.control_set.neutral, UNO.control_set.maximum]).astype(np.float32)
        write_shard(folder, number, Shard(
            random.integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.uint8), controls, np.zeros(2, np.uint8),
            np.stack([unknown_landmarks()] * 2), np.zeros(2, np.float32)), header)


def test_more_pictures_are_read_anew(tmp_path: Path) -> None:
    pairs, kept, encoder = tmp_path / "pairs", tmp_path / "kept", Encoder()
    pairs.mkdir()

    def count() -> int:
        return len(read_own(encoder, UNO, pairs, TRAINING, kept, 10_000).truth)

    write_pairs(pairs / "uno", 1, 32)
    assert count() == 2
    (pairs / "uno" / "00000.npz").rename(tmp_path / "away.npz")
    assert count() == 2  # kept
    write_pairs(pairs / "uno", 2, 64)
    assert count() == 4


def test_no_more_than_are_wanted(tmp_path: Path) -> None:
    write_pairs(tmp_path / "uno", 1, 32)
    assert at_hand(tmp_path / "uno", 10) == 10 and at_hand(tmp_path / "uno", 100) == 32
    with pytest.raises(SemblanceError, match="no pairs"):
        at_hand(tmp_path / "nobody", 10)
