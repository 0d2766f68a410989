from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.core.paths import RIGS
from addon.core.smoothing import Smoothing
from addon.core.take import write_take
from addon.expression.calibration import Calibration
from addon.expression.encoder import Encoder
from addon.live import performance
from addon.live.performance import record_take, refine
from addon.tracking.region import FaceBox
from addon.tracking.tracker import no_face

from ..expression.making import write_model

CLIP = Path(__file__).resolve().parents[2] / "assets/demo/performer.mp4"


@pytest.fixture(scope="module")
def take():
    return record_take(str(CLIP), end_s=3.0)


def test_a_video_becomes_a_take_that_knows_where_it_came_from(take, tmp_path):
    assert take.found.all() and np.isfinite(take.landmarks).all()
    assert take.times_s[0] < 0.1 and abs(take.times_s[-1] - 3.0) < 0.1
    assert take.source["name"] == CLIP.name
    assert set(take.models) == {"face_detector", "face_mesh", "expression"}
    assert take.calibration["source"] == "auto"
    write_take(take, tmp_path / "a.take")
    again = record_take(str(tmp_path / "a.take"))
    assert np.array_equal(again.smoothed.coefficients, take.smoothed.coefficients)
    assert again.models == take.models


def test_refining_starts_from_the_raw_half_whatever_was_done_before(take):
    other = refine(take, Calibration(gains={"mouth": 0.0}), Smoothing(0))
    assert np.array_equal(other.raw.coefficients, take.raw.coefficients)
    raw = refine(other, Calibration(), Smoothing(0))
    assert np.allclose(raw.smoothed.coefficients, np.clip(take.raw.coefficients, 0, 1))
    back = refine(raw, Calibration.from_json(take.calibration), Smoothing.from_json(take.smoothing))
    assert np.allclose(back.smoothed.coefficients, take.smoothed.coefficients, atol=1e-6)


def test_smoothing_is_on_by_default_and_steadies_the_clip(take):
    calm = np.abs(np.diff(take.smoothed.coefficients, 2, axis=0)).mean()
    shaky = np.abs(np.diff(refine(take, Calibration.from_json(take.calibration), Smoothing(0)).smoothed.coefficients,
                           2, axis=0)).mean()
    assert calm < 0.7 * shaky


def test_progress_counts_every_frame_once():
    seen = []
    record_take(str(CLIP), end_s=0.5, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert abs(seen[-1][1] - len(seen)) <= 1  # an estimate, as video headers are


def test_frames_without_a_face_stay_in_the_take_and_are_bridged(tmp_path):
    reader = cv2.VideoCapture(str(CLIP))
    frames = [reader.read()[1] for _ in range(24)]
    for i in range(8, 14):
        frames[i] = np.zeros_like(frames[i])
    for i, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"f_{i:03d}.png"), frame)
    take = record_take(str(tmp_path))
    assert len(take) == 24
    assert not take.found[8:14].any() and take.found[:8].all()
    gap = np.flatnonzero(~take.found)
    assert np.isnan(take.landmarks[gap]).all() and (take.raw.confidence[gap] == 0).all()
    before, after = gap[0] - 1, gap[-1] + 1
    low = np.minimum(take.raw.head[before], take.raw.head[after]) - 1e-6
    high = np.maximum(take.raw.head[before], take.raw.head[after]) + 1e-6
    assert ((take.raw.head[gap] >= low) & (take.raw.head[gap] <= high)).all()


def test_a_video_without_any_face_says_so(tmp_path):
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"f_{i}.png"), np.full((120, 160, 3), 90, np.uint8))
    with pytest.raises(SemblanceError, match="No face was found in any of the 3 frames .* that it is a drawn one"):
        record_take(str(tmp_path))


def show(folder, pictures):
    """A folder of pictures as a source."""
    folder.mkdir(exist_ok=True)
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"f_{i:03d}.png"), picture)
    return str(folder)


@pytest.fixture(scope="module")
def uno():
    """Uno coming nearer, in uint8 [200, 320, 3]."""
    thumbnail = cv2.imread(str(RIGS / "uno" / "thumbnail.png"))
    pictures = []
    for size in range(150, 168, 2):
        picture = np.full((200, 320, 3), 150, np.uint8)
        picture[20:20 + size, 60:60 + size] = cv2.resize(thumbnail, (size, size), interpolation=cv2.INTER_AREA)
        pictures.append(picture)
    return pictures


@pytest.fixture
def reads_crops(tmp_path, monkeypatch):
    """An encoder that reads faces without landmarks: the mean of the crop is each coefficient."""
    encoder = Encoder(write_model(tmp_path))
    monkeypatch.setattr(performance, "Encoder", lambda **_: encoder)


def test_a_face_that_landmarks_do_not_fit_is_read_as_a_drawn_one(tmp_path, uno, reads_crops):
    seen = []
    take = record_take(show(tmp_path / "film", uno), progress=lambda done, total: seen.append(done))
    assert take.found.all() and np.isnan(take.landmarks).all() and take.source["drawn"] is True
    assert take.raw.coefficients.std(0).max() < 0.05 < take.raw.coefficients.min()
    assert take.source["warnings"] == [performance._READ_AS_DRAWN]
    assert set(take.models) == {"face_detector", "expression"}
    assert seen == [*range(1, 10), *range(1, 10)]
    write_take(take, tmp_path / "uno.take")
    assert np.array_equal(record_take(str(tmp_path / "uno.take")).raw.confidence, take.raw.confidence)


def test_a_drawn_face_can_be_asked_for_and_boxed(tmp_path, uno, reads_crops):
    source = show(tmp_path / "film", uno)
    asked = record_take(source, drawn=True)
    assert asked.found.all() and asked.source["drawn"] is True and asked.source["warnings"] == []
    boxed = record_take(source, drawn=True, box=FaceBox(0.2, 0.1, 0.5, 0.8))
    assert boxed.found.all() and boxed.source["box"] == "20,10,50,80"
    assert not np.allclose(boxed.raw.coefficients, asked.raw.coefficients, atol=1e-3)


def test_what_is_said_to_be_a_drawn_face_and_not_found_fills_the_picture(tmp_path, reads_crops):
    pictures = [np.full((100, 160, 3), 200, np.uint8)] * 3
    for picture in pictures:
        picture[:, :30] = picture[:, 130:] = 0
    take = record_take(show(tmp_path / "film", pictures), drawn=True)
    assert take.found.all()
    np.testing.assert_allclose(take.raw.coefficients, 200 / 255, atol=0.01)


def test_a_person_among_frames_without_anyone_is_not_drawn_and_nobody_is_invented(tmp_path, reads_crops):
    reader = cv2.VideoCapture(str(CLIP))
    frames = [reader.read()[1] for _ in range(3)]
    empty = np.full_like(frames[0], 90)
    take = record_take(show(tmp_path / "film", [empty] * 6 + frames + [empty] * 6))
    assert take.found.tolist() == [False] * 6 + [True] * 3 + [False] * 6
    assert take.source["drawn"] is False and take.source["warnings"] == []


@pytest.mark.parametrize("value", [0, 127, 255])
def test_blank_pictures_have_no_face_also_when_they_could_be_read_as_drawn(tmp_path, reads_crops, value):
    for size in ((16, 16), (120, 160)):
        with pytest.raises(SemblanceError, match="No face was found") as caught:
            record_take(show(tmp_path / "film", [np.full((*size, 3), value, np.uint8)] * 2))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("convert", [
    lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2BGRA),
    lambda image: image.astype(np.uint16) * 257,
    lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257,
], ids=["grey", "alpha", "16 bit", "16-bit grey"])
def test_unusual_pictures_of_a_face_are_read_like_usual_ones(tmp_path, convert):
    frame = cv2.VideoCapture(str(CLIP)).read()[1]
    plain, unusual = (record_take(show(tmp_path / name, [each(frame)] * 2)) for name, each in (
        ("plain", lambda image: image), ("unusual", convert)))
    assert unusual.found.all()
    assert np.abs(unusual.landmarks[0, :, :2] - plain.landmarks[0, :, :2]).mean() < 2
    assert np.abs(unusual.raw.coefficients - plain.raw.coefficients).mean() < 0.15


def test_a_live_link_file_is_a_performance_too(shared):
    take = record_take(str(shared / "data/livelink_take/range_of_motion.csv"))
    assert len(take) == 4030 and take.landmarks.shape[0] == 0
    stronger = refine(take, Calibration(gains={"jaw": 2.0}), Smoothing())
    assert stronger.smoothed.coefficients.max() <= 1
    assert replace(stronger, smoothed=take.smoothed).calibration["gains"] == {"jaw": 2.0}


def test_what_goes_wrong_in_another_thread_reaches_the_caller(monkeypatch):
    def broken(tracker, frame):
        if frame.index == 20:
            raise SemblanceError("enough")
        return no_face(frame, 0.0)

    monkeypatch.setattr(performance.FaceTracker, "track", broken)
    seen = []
    with pytest.raises(SemblanceError, match="enough"):
        record_take(str(CLIP), progress=lambda done, _: seen.append(done))
    assert seen == list(range(1, 21))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_full_disk_is_one_sentence(monkeypatch):
    monkeypatch.setattr(performance.tempfile, "TemporaryFile", partial(Path("/dev/full").open, "r+b", buffering=0))
    with pytest.raises(SemblanceError, match="free some space"):
        record_take(str(CLIP), end_s=0.2)
