"""Sets of pairs: what is written comes back, what is damaged or belongs elsewhere is refused."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.core.pair_set import (
    HEADER,
    SHARD,
    TEST,
    TRAINING,
    PairHeader,
    Shard,
    read_header,
    read_pairs,
    read_shard,
    shard_count,
    shard_path,
    write_header,
    write_shard,
)

A_HEADER = PairHeader(
    TRAINING, "Pip", "ab" * 32, "cd" * 32, ("brow", "jaw"), ("neutral", "mix"), 8, 3, {"take 1": "ef"}
)


def a_shard(count: int = 5) -> Shard:
    random = np.random.default_rng(count)
    landmarks = random.random((count, 478, 3), np.float32)
    landmarks[1] = np.nan
    return Shard(
        random.integers(0, 255, (count, 8, 8, 3), np.uint8), random.random((count, 2), np.float32),
        random.integers(0, 2, count, np.uint8), landmarks, random.random(count, np.float32),
    )


def test_a_set_comes_back_as_it_was(tmp_path: Path):
    shards = [a_shard(SHARD), a_shard(5)]
    write_header(tmp_path, A_HEADER, SHARD + 5)
    for number, shard in enumerate(shards):
        write_shard(tmp_path, number, shard, A_HEADER)
    assert read_header(tmp_path) == (A_HEADER, SHARD + 5)
    header, again = read_pairs(tmp_path, TRAINING)
    assert header == A_HEADER
    for before, after in zip(shards, again, strict=True):
        for part in dataclasses.fields(Shard):
            assert np.array_equal(getattr(before, part.name), getattr(after, part.name), equal_nan=True)
        assert np.array_equal(after.found, np.arange(len(after)) != 1)
    assert [shard_count(n) for n in (1, SHARD, SHARD + 1)] == [1, 1, 2]


def test_a_test_set_is_not_read_for_training(tmp_path: Path):
    write_header(tmp_path, dataclasses.replace(A_HEADER, purpose=TEST), 1)
    with pytest.raises(SemblanceError, match="is a test set of Pip and must not be used for training"):
        read_pairs(tmp_path, TRAINING)


def test_a_shard_that_strayed_in_from_another_set_is_refused(tmp_path: Path):
    for purpose in (TRAINING, TEST):
        write_shard(tmp_path / purpose, 0, a_shard(), dataclasses.replace(A_HEADER, purpose=purpose))
    shard_path(tmp_path / TEST, 0).replace(shard_path(tmp_path / TRAINING, 0))
    with pytest.raises(SemblanceError, match="belongs to another set"):
        read_shard(tmp_path / TRAINING, 0, A_HEADER)


def test_random_numbers_of_a_test_set_never_come_up_in_training():
    held_out = dataclasses.replace(A_HEADER, purpose=TEST)
    for seed in (A_HEADER.seed, held_out.seed):
        training = dataclasses.replace(A_HEADER, seed=seed)
        assert training.rng(0).integers(1 << 60) != held_out.rng(0).integers(1 << 60)
    assert A_HEADER.rng(7).random() == A_HEADER.rng(7).random() != A_HEADER.rng(8).random()


@pytest.mark.parametrize(
    "change",
    [
        {"controls": np.zeros((5, 3), np.float32)}, {"controls": np.full((5, 2), np.nan, np.float32)},
        {"images": np.zeros((5, 9, 9, 3), np.uint8)}, {"kinds": np.full(5, 2, np.uint8)},
        {"landmarks": np.zeros((5, 468, 3), np.float32)}, {"confidence": np.zeros(5)},
        {"controls": np.zeros((0, 2), np.float32)}, {"controls": np.float32(1)},
    ],
)
def test_arrays_that_do_not_fit_are_damage(change, tmp_path: Path):
    write_shard(tmp_path, 0, dataclasses.replace(a_shard(), **change), A_HEADER)
    with pytest.raises(SemblanceError, match="is damaged"):
        read_shard(tmp_path, 0, A_HEADER)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("pairs")
    write_shard(folder, 0, a_shard(2), A_HEADER)
    return shard_path(folder, 0).read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_a_damaged_shard_is_refused_or_read_whole(whole, tmp_path: Path, data):
    kind = data.draw(st.sampled_from(["cut", "flip", "noise"]))
    if kind == "cut":
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif kind == "flip":
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        damaged = data.draw(st.binary(max_size=400))
    shard_path(tmp_path, 0).write_bytes(damaged)
    try:
        assert len(read_shard(tmp_path, 0, A_HEADER)) == 2
    except SemblanceError as error:
        assert str(tmp_path) in str(error)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(key=st.sampled_from([*json.loads(json.dumps(dataclasses.asdict(A_HEADER))), "format", "version", "count"]),
       value=JSON)
def test_a_header_with_anything_in_it_is_refused_or_sound(tmp_path: Path, key, value):
    write_header(tmp_path, A_HEADER, 5)
    data = json.loads((tmp_path / HEADER).read_text())
    (tmp_path / HEADER).write_text(json.dumps({**data, key: value}))
    try:
        header, count = read_header(tmp_path)
    except SemblanceError as error:
        assert str(tmp_path) in str(error)
    else:
        assert header.purpose in (TRAINING, TEST) and header.size >= 0 and count >= 0 and header.fingerprint


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": "semblance pairs", "version": 9}', "\xff"])
def test_what_is_no_header_is_told(text, tmp_path: Path):
    (tmp_path / HEADER).write_bytes(text.encode("latin-1"))
    with pytest.raises(SemblanceError, match="pairs.json"):
        read_header(tmp_path)
    with pytest.raises(SemblanceError, match="There are no pairs in"):
        read_header(tmp_path / "absent")
