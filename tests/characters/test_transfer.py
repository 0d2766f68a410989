"""A whole transfer: round trips, few poses, its file, and rigs that changed."""
from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.characters.transfer import PAIRS, Transfer, read_transfer, train, write_transfer
from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.core.control_set import ControlSet
from addon.core.errors import SemblanceError
from addon.core.frames import ControlFrame, ControlTrack
from addon.core.rig_profile import RigProfile, find_profile

MORA, GUS, PIP = (find_profile(name) for name in ("Mora", "Gus", "Pip"))
EMPTY = hashlib.sha256(b"[[]]").hexdigest()
ASKED = decoded_pairs(GUS, MORA, 300, seed=5)


@pytest.fixture(scope="module")
def transfer() -> Transfer:
    return train(GUS, MORA, decoded_pairs(GUS, MORA, 3000))


def track_of(values: np.ndarray) -> ControlTrack:
    return ControlTrack(np.arange(len(values)) / 30, values)


def error(profile: RigProfile, found: np.ndarray, true: np.ndarray) -> float:
    return float(np.abs(profile.control_set.scaled(found) - profile.control_set.scaled(true)).mean())


def with_control(profile: RigProfile, name: str, **changed: object) -> RigProfile:
    controls = tuple(replace(c, **changed) if c.name == name else c for c in profile.control_set.controls)
    return replace(profile, control_set=ControlSet(controls))


def test_a_frame_alone_is_the_frame_of_the_track(transfer):
    track = transfer.transfer(track_of(ASKED.source))
    assert track.values.dtype == np.float32 and track.values.shape == ASKED.target.shape
    frame = transfer.transfer_one(ControlFrame(4.5, ASKED.source[7]))
    assert frame.time_s == 4.5
    np.testing.assert_allclose(frame.values, track.values[7], atol=1e-5)
    assert error(MORA, track.values, ASKED.target) < 0.045


def test_there_and_back_again(transfer):
    back = train(MORA, GUS, decoded_pairs(MORA, GUS, 3000))
    again = back.transfer(transfer.transfer(track_of(ASKED.source)))
    assert error(GUS, again.values, ASKED.source) < 0.03
    assert error(GUS, np.tile(GUS.control_set.neutral, (300, 1)), ASKED.source) > 0.1


def test_ten_poses_are_enough_to_start():
    pairs = decoded_pairs(MORA, GUS, 400, seed=2)
    busy = np.argsort(-np.abs(MORA.control_set.shares(pairs.source)).sum(1))[:10]
    ten = train(MORA, GUS, PosePairs(pairs.source[busy], pairs.target[busy], pairs.fit[busy]))
    asked = decoded_pairs(MORA, GUS, 300, seed=5)
    rest = error(GUS, np.tile(GUS.control_set.neutral, (300, 1)), asked.target)
    assert error(GUS, ten.network(asked.source), asked.target) < 0.85 * rest
    shown = error(GUS, ten.network(pairs.source[busy]), pairs.target[busy])
    assert shown < 0.25 * error(GUS, np.tile(GUS.control_set.neutral, (10, 1)), pairs.target[busy])


def test_controls_that_no_pair_moves_stay_neutral_and_are_named(transfer):
    assert train(MORA, GUS, decoded_pairs(MORA, GUS, 700)).notes == (
        "No pair moves 'tongue_side' of the target: what no pair moves stays neutral.",)
    column = GUS.control_set.names.index("tongue_side")
    found = train(MORA, GUS, decoded_pairs(MORA, GUS, 700)).network(ASKED.target)
    assert (found[:, column] == GUS.control_set.neutral[column]).all()


@pytest.mark.parametrize("published", [False, True])
def test_a_file_gives_the_same_transfer_again(tmp_path, published):
    pairs = PAIRS["KEY_POSES"](GUS, MORA)
    before = train(GUS, MORA, pairs, published)
    write_transfer(before, tmp_path / "t.npz")
    after = read_transfer(tmp_path / "t.npz", GUS, MORA)
    assert type(after.network) is type(before.network) and after.notes == before.notes
    np.testing.assert_array_equal(after.network(ASKED.source), before.network(ASKED.source))
    np.testing.assert_array_equal(after.judge(track_of(ASKED.source)).confidence,
                                  before.judge(track_of(ASKED.source)).confidence)


@pytest.mark.parametrize(("source", "target", "words"), [
    (with_control(GUS, "tongue_side", maximum=0.5), MORA, "'Gus' have changed.*maximum of 'tongue_side' was 0.24"),
    (replace(GUS, control_set=ControlSet(GUS.control_set.controls[:2] + GUS.control_set.controls[4:])), MORA,
     f"where '{GUS.control_set.names[4]}' is now there was '{GUS.control_set.names[2]}'"),
    (GUS, with_control(MORA, "jawOpen", neutral=0.25), "'Mora' have changed.*neutral of 'jawOpen' was 0.0"),
    (PIP, MORA, "was trained for 'Gus', not for 'Pip'"),
    (replace(GUS, control_set=ControlSet(GUS.control_set.controls[:-1])), MORA, "was there"),
])
def test_a_rig_that_changed_is_refused_by_its_first_control_that_differs(tmp_path, source, target, words):
    write_transfer(train(GUS, MORA, PAIRS["KEY_POSES"](GUS, MORA)), tmp_path / "t.npz")
    with pytest.raises(SemblanceError, match=words):
        read_transfer(tmp_path / "t.npz", source, target)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("transfer") / "t.npz"
    write_transfer(train(GUS, MORA, PAIRS["KEY_POSES"](GUS, MORA)), path)
    return path.read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), bits=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_file_is_refused_or_read_whole(stored, tmp_path, at, bits, cut):
    place = int(at * (len(stored) - 1))
    bad = stored[:place] if cut else stored[:place] + bytes([stored[place] ^ bits]) + stored[place + 1:]
    _refused_or_whole(bad, tmp_path / "bad.npz")


def _refused_or_whole(data: bytes, path) -> None:
    path.write_bytes(data)
    try:
        found = read_transfer(path, GUS, MORA)
    except SemblanceError as caught:
        assert str(path) in str(caught)
    else:
        assert np.isfinite(found.network(ASKED.source)).all()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_hostile_file_is_refused_or_read_whole(stored, tmp_path, data):
    with np.load(io.BytesIO(stored)) as file:
        arrays = {name: file[name] for name in file.files}
    name = data.draw(st.sampled_from(sorted(arrays)))
    header = json.loads(arrays["header"].tobytes())
    if name == "header":
        key = data.draw(st.sampled_from(sorted(header)))
        wrong = {"name": "Gus", "controls": [[]], "sha256": EMPTY}
        header[key] = data.draw(st.sampled_from([None, 3, "", [], {}, [1], wrong, "x"]))
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    else:
        old = arrays[name]
        arrays[name] = data.draw(st.sampled_from([
            old[..., None], old.astype(np.float64), np.full_like(old, np.nan), np.zeros(0, np.float32),
            np.zeros((3, 3), np.float32), np.array(["text"]),
        ]))
    if data.draw(st.booleans()):
        del arrays[data.draw(st.sampled_from(sorted(arrays)))]
    file = io.BytesIO()
    np.savez(file, **arrays)
    _refused_or_whole(file.getvalue(), tmp_path / "bad.npz")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(SemblanceError, match="Cannot read"):
        read_transfer(tmp_path / "none.npz", GUS, MORA)
    np.savez(tmp_path / "other.npz", header=np.frombuffer(b'{"format": "x", "version": 1}', np.uint8))
    with pytest.raises(SemblanceError, match="is not a transfer"):
        read_transfer(tmp_path / "other.npz", GUS, MORA)
    np.savez(tmp_path / "new.npz", header=np.frombuffer(b'{"format": "semblance transfer", "version": 9}', np.uint8))
    with pytest.raises(SemblanceError, match="version 9, this Semblance reads 1"):
        read_transfer(tmp_path / "new.npz", GUS, MORA)
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(SemblanceError, match="damaged"):
        read_transfer(tmp_path / "pickled.npy", GUS, MORA)
