import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.core.take import read_take, write_take

from .making import a_body, a_take


def test_a_take_comes_back_as_it_was(tmp_path):
    take, path = a_take(), tmp_path / "a.take"
    write_take(take, path)
    again = read_take(path)
    for part in ("found", "landmarks"):
        assert np.array_equal(getattr(again, part), getattr(take, part), equal_nan=part == "landmarks")
    for half in ("raw", "smoothed"):
        for f in dataclasses.fields(take.raw):
            assert np.array_equal(getattr(getattr(again, half), f.name), getattr(getattr(take, half), f.name))
    assert (again.source, again.models, again.calibration, again.smoothing) == (
        take.source, take.models, take.calibration, take.smoothing)
    assert [p.name for p in tmp_path.iterdir()] == ["a.take"]


def test_a_take_without_pictures_has_no_landmarks(tmp_path):
    take = dataclasses.replace(a_take(), landmarks=np.empty((0, 478, 3), np.float32))
    write_take(take, tmp_path / "a.take")
    assert read_take(tmp_path / "a.take").landmarks.shape == (0, 478, 3)


def test_a_take_of_a_drawn_face_has_frames_that_were_found_without_landmarks(tmp_path):
    take = a_take(4)
    take.landmarks[2:] = np.nan
    write_take(take, tmp_path / "a.take")
    again = read_take(tmp_path / "a.take")
    assert again.found.tolist() == [True, False, True, True]
    assert np.isfinite(again.landmarks).all((1, 2)).tolist() == [True, False, False, False]


def test_a_body_comes_back_as_it_was(tmp_path):
    take, path = dataclasses.replace(a_take(), body=a_body()), tmp_path / "a.take"
    write_take(take, path)
    body = read_take(path).body
    assert body is not None and body.found.tolist() == [True, False, True, True, True]
    for f in dataclasses.fields(body):
        assert np.array_equal(getattr(body, f.name), getattr(take.body, f.name), equal_nan=True)


def test_only_a_take_with_a_body_needs_a_newer_semblance(tmp_path):
    for body, version in ((None, 1), (a_body(), 2)):
        write_take(dataclasses.replace(a_take(), body=body), tmp_path / "a.take")
        with np.load(tmp_path / "a.take") as file:
            assert json.loads(file["header"].tobytes())["version"] == version
            assert ("body_world" in file.files) == (body is not None)


@pytest.fixture(scope="module", params=["face", "body"])
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("take") / "a.take"
    write_take(dataclasses.replace(a_take(3), body=a_body(3) if request.param == "body" else None), path)
    return path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_a_damaged_take_is_refused_or_read_whole(whole, tmp_path, data):
    kind = data.draw(st.sampled_from(["cut", "flip", "noise"]))
    if kind == "cut":
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif kind == "flip":
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        damaged = data.draw(st.binary(max_size=400))
    path = tmp_path / "b.take"
    path.write_bytes(damaged)
    try:
        assert len(read_take(path)) == 3
    except SemblanceError as error:
        assert str(path) in str(error)


def _npz(path, header, **arrays):
    np.savez(path.open("wb"), header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)


def test_a_newer_take_says_so(tmp_path):
    path = tmp_path / "a.take"
    _npz(path, {"format": "semblance take", "version": 99})
    with pytest.raises(SemblanceError, match="update Semblance"):
        read_take(path)


def test_another_npz_is_not_a_take(tmp_path):
    path = tmp_path / "a.take"
    _npz(path, {"format": "something else"})
    with pytest.raises(SemblanceError, match="not a Semblance take"):
        read_take(path)


def test_pickles_are_not_opened(tmp_path):
    path = tmp_path / "a.take"
    np.savez(path.open("wb"), header=np.array([object()], dtype=object))
    with pytest.raises(SemblanceError, match="damaged"):
        read_take(path)


def test_a_take_that_says_it_is_huge_is_refused_before_memory_is_given(tmp_path, whole):
    source = zipfile.ZipFile(io.BytesIO(whole))
    path = tmp_path / "a.take"
    with zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "times_s.npy":
                content = content.replace(b"(3,), }        ", b"(3000000000,)} ", 1)
            target.writestr(name, content)
    with pytest.raises(SemblanceError, match="damaged"):
        read_take(path)


def test_a_missing_take_and_a_folder(tmp_path):
    for path in (tmp_path / "none.take", tmp_path):
        with pytest.raises(SemblanceError, match="Cannot read"):
            read_take(path)
