"""Every kind of source, its clock, and one clear sentence for every kind of bad input."""
from __future__ import annotations

import contextlib
import itertools
import os
import re
import struct
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addon.core.errors import MissingWheel, SemblanceError
from addon.tracking import sources
from addon.tracking.sources import is_sound_png, open_source

UNEVEN_S = [0.0, 0.04, 0.08, 0.2, 0.21, 0.5, 0.9, 0.93, 1.0, 1.5]


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Grey by number, with a white bar on top so that one sees which way is up."""
    image = np.full((height, width, 3), 20 * number % 200, np.uint8)
    image[: height // 6] = 255
    return image


def top_is_white(image: np.ndarray) -> bool:
    return bool(image[2].mean() > 200 > image[-3].mean())


def write_video(path: Path, count: int = 10, codec: str = "mp4v", size: tuple[int, int] = (64, 48)) -> Path:
    """25 frames a second, by OpenCV's own writer."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25.0, size)
    assert writer.isOpened()
    for i in range(count):
        writer.write(picture(i, *size))
    writer.release()
    return path


@contextlib.contextmanager
def usual_priority() -> Iterator[None]:
    """As root, SVT-AV1 puts the thread that calls it before all other programs, for good."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def write_with_pyav(path: Path, times_s: list[float], codec: str = "mpeg4", **options: str) -> Path:
    """A video with its own time per frame."""
    av = pytest.importorskip("av")
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    with usual_priority(), av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for i, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(picture(i, 64, 64), format="bgr24")
            frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def rotate_flag(path: Path) -> None:
    """Set a quarter turn clockwise in the mp4's track header (ISO/IEC 14496-12, "tkhd")."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)


def times(address: Any, **options: Any) -> list[float]:
    with open_source(address, **options) as source:
        return [frame.time_s for frame in source]


# Videos


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v")])
def test_video(tmp_path: Path, name: str, codec: str) -> None:
    with open_source(write_video(tmp_path / name, codec=codec)) as source:
        frames = list(source)
    assert (source.info.kind, source.info.name, source.info.width, source.info.height) == ("video", name, 64, 48)
    assert source.info.fps == pytest.approx(25) and source.info.frame_count == 10 and not source.warnings
    assert [frame.index for frame in frames] == list(range(10))
    assert np.allclose([frame.time_s for frame in frames], np.arange(10) / 25, atol=1e-3)
    assert all(abs(int(frame.image[30, 30, 0]) - 20 * i) < 12 for i, frame in enumerate(frames))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9"), ("a.mp4", "mpeg4")]
)
def test_variable_frame_rate_keeps_its_times(tmp_path: Path, name: str, codec: str) -> None:
    assert np.allclose(times(write_with_pyav(tmp_path / name, UNEVEN_S, codec)), UNEVEN_S, atol=1.5e-3)


def test_codec_that_opencv_lacks_is_read_by_pyav(tmp_path: Path) -> None:
    assert np.allclose(times(write_with_pyav(tmp_path / "a.mp4", UNEVEN_S, "libsvtav1")), UNEVEN_S, atol=1.5e-3)


def test_rotation_flag(tmp_path: Path) -> None:
    path = write_video(tmp_path / "phone.mp4")
    with open_source(path) as source:
        assert top_is_white(next(iter(source)).image)
    rotate_flag(path)
    with open_source(path) as source:
        turned = next(iter(source)).image
    assert (source.info.width, source.info.height) == (48, 64)
    assert top_is_white(np.rot90(turned)) and turned[:, -3].mean() > 200  # the bar went from the top to the right
    pytest.importorskip("av")
    with sources._decoded(path) as second:
        assert np.abs(next(iter(second)).image.astype(int) - turned).mean() < 3


def test_part_of_a_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 50)
    with open_source(path, start_s=0.5, end_s=1.0) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(13, 26))
    assert source.info.frame_count is not None and abs(source.info.frame_count - 13) <= 1
    with open_source(path, start_s=5) as source, pytest.raises(SemblanceError, match="between 5 s and its end"):
        list(source)
    with pytest.raises(SemblanceError, match="start at 2 s must come before the end at 1 s"):
        open_source(path, start_s=2, end_s=1)


def test_times_that_do_not_rise_are_repaired() -> None:
    warnings: list[str] = []
    given_s = [0.0, 0.04, 0.04, 0.03, 1e6, 0.5]
    pictures = ((picture(0), t) for t in given_s)
    repaired = [t for _, t in sources._rising(pictures, "odd.ts", 25.0, 0.0, warnings)]
    assert np.allclose(repaired, [0.0, 0.04, 0.08, 0.12, 0.16, 0.5])
    assert warnings == ["3 frames of 'odd.ts' have no usable time; they follow at 25 a second."]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), min_size=1, max_size=30))
def test_times_always_rise(given_s: list[float]) -> None:
    image = picture(0)
    repaired = [t for _, t in sources._rising(((image, t) for t in given_s), "x", None, 0.0, [])]
    assert len(repaired) == len(given_s) and all(b > a for a, b in itertools.pairwise(repaired))


# Images


def write_images(folder: Path, numbers: list[int], form: str = "frame_{}.png") -> None:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        assert cv2.imwrite(str(folder / form.format(number)), picture(number))


def test_folder_in_natural_order_with_gaps(tmp_path: Path) -> None:
    write_images(tmp_path / "shot", [8, 9, 10, 13])
    (tmp_path / "shot" / "notes.txt").write_text("not an image")
    with open_source(tmp_path / "shot", fps=24) as source:
        frames = list(source)
    assert np.allclose([frame.time_s for frame in frames], np.array([0, 1, 2, 5]) / 24)
    assert [int(frame.image[30, 30, 0]) for frame in frames] == [160, 180, 0, 60]
    assert (source.info.kind, source.info.frame_count, source.info.fps) == ("images", 4, 24)


@pytest.mark.parametrize("pattern", ["frame_%d.png", "frame_%04d.png", "frame_####.png", "frame_*.png", "*"])
def test_patterns(tmp_path: Path, pattern: str) -> None:
    write_images(tmp_path, [1, 2, 3])
    assert np.allclose(times(str(tmp_path / pattern)), np.arange(3) / 30)


def test_images_without_numbers_follow_each_other(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), picture(3))
    assert np.allclose(times(tmp_path), np.arange(3) / 30)


def test_one_image(tmp_path: Path) -> None:
    write_images(tmp_path, [7])
    assert times(tmp_path / "frame_7.png") == [0.0]


def test_a_png_that_promises_too_much_is_left_out_at_once(tmp_path: Path) -> None:
    """OpenCV would set aside what a damaged length says, for up to a minute."""
    cv2.imwrite(str(tmp_path / "a_1.png"), np.full((64, 64, 3), 90, np.uint8))
    sound = (tmp_path / "a_1.png").read_bytes()
    assert is_sound_png(sound) and is_sound_png(b"GIF89a")
    huge = sound[:16] + b"\x7f\xff\xff\xff" * 2 + sound[24:]
    long_chunk = sound[:33] + b"\x7f\xff\xff\xff" + sound[37:]
    for number, damaged in enumerate((huge, long_chunk, sound[:-9]), 2):
        assert not is_sound_png(damaged)
        (tmp_path / f"a_{number}.png").write_bytes(damaged)
    with open_source(tmp_path) as source:
        assert len(list(source)) == 1 and len(source.warnings) == 3


def test_damaged_image_is_left_out_and_told(tmp_path: Path) -> None:
    write_images(tmp_path, [1, 2, 3])
    (tmp_path / "frame_2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with open_source(tmp_path) as source:
        assert np.allclose([frame.time_s for frame in source], [0, 2 / 30])
    assert len(source.warnings) == 1 and "frame_2.png" in source.warnings[0]


def test_image_of_another_size_is_left_out_and_told(tmp_path: Path) -> None:
    write_images(tmp_path, [1, 2, 3])
    cv2.imwrite(str(tmp_path / "frame_2.png"), picture(2, 20000, 20))
    with open_source(tmp_path) as source:
        assert len(list(source)) == 2
    assert len(source.warnings) == 1 and "another size" in source.warnings[0]


# Live


class _Mjpeg(BaseHTTPRequestHandler):
    """What an IP camera sends: JPEG pictures one after the other, 20 a second, 12 in all."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for i in range(12):
            data = cv2.imencode(".jpg", picture(i))[1].tobytes()
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data))
            self.wfile.write(data + b"\r\n")
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mjpeg() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Mjpeg)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/video"
    server.shutdown()
    server.server_close()


def test_mjpeg_stream(mjpeg: str) -> None:
    with open_source(mjpeg) as source:
        frames = list(source)
    assert source.info.kind == "stream" and source.info.frame_count is None
    assert 8 <= len(frames) <= 12
    at = np.array([frame.time_s for frame in frames])
    assert (np.diff(at) > 0).all() and at[-1] - at[0] < 2.0


def test_stream_that_is_not_there_hides_the_password() -> None:
    with pytest.raises(SemblanceError, match="Nothing can be read from 'http://127.0.0.1:9/x'") as caught:
        open_source("http://user:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


# Bad input: one sentence


def refused(address: Any, sentence: str) -> None:
    with pytest.raises(SemblanceError, match=sentence) as caught:
        open_source(address)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.mp4", r"There is no file '.*none\.mp4'")
    refused(tmp_path / "none_%04d.png", r"There is no file '.*none_%04d\.png'")
    refused(tmp_path / "nowhere" / "*.png", "There is no file")


def test_folder_without_images(tmp_path: Path) -> None:
    refused(tmp_path, r"The folder '.*' has no images in it")


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    refused(tmp_path / "a.mp4", r"is empty \(0 bytes\)")


@pytest.mark.parametrize("data", [b"hello " * 100, bytes(range(256)) * 20, b"\0" * 5000])
def test_corrupt_video(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    refused(tmp_path / "a.mp4", r"No picture can be read from '.*a\.mp4'")


def test_video_without_frames(tmp_path: Path) -> None:
    refused(write_video(tmp_path / "a.avi", 0, codec="MJPG"), "No picture can be read")


def test_video_whose_index_was_cut_off(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 30)
    path.write_bytes(path.read_bytes()[:-400])
    refused(path, "No picture can be read")


def test_video_that_breaks_off_is_read_so_far_and_told(tmp_path: Path) -> None:
    path = write_with_pyav(tmp_path / "a.mp4", [i / 25 for i in range(100)], movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with open_source(path) as source:
        at = [frame.time_s for frame in source]
    assert 10 < len(at) < 90 and all(b > a for a, b in itertools.pairwise(at))
    assert len(source.warnings) == 1 and "damaged or cut off" in source.warnings[0]


def test_only_sound(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    for name, codec, sentence in (("a.mp4", "aac", "has only sound"), ("a.wav", "pcm_s16le", "is a sound file")):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream(codec, rate=16000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
            frame.rate = 16000
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        refused(tmp_path / name, sentence)


def test_absurd_sizes(tmp_path: Path) -> None:
    for width, height in ((1, 1), (8, 300), (20000, 20)):
        cv2.imwrite(str(tmp_path / "a.png"), np.zeros((height, width, 3), np.uint8))
        refused(tmp_path / "a.png", f"are {width} × {height} pixels; Semblance reads 16 to 16384")
    refused(write_video(tmp_path / "a.avi", codec="MJPG", size=(8, 8)), "are 8 × 8 pixels")


def test_image_that_claims_to_be_enormous(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), picture(0))
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 60000, 60000)
    (tmp_path / "a.png").write_bytes(data)
    refused(tmp_path / "a.png", "'a.png' has no picture that can be read")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4").chmod(0)
    refused(tmp_path / "a.mp4", "Cannot read '.*': Permission denied")


@pytest.mark.parametrize("fps", [-1.0, np.nan, np.inf])
def test_rate_of_images(tmp_path: Path, fps: float) -> None:
    write_images(tmp_path, [1])
    with pytest.raises(SemblanceError, match="must be a positive number"):
        open_source(tmp_path, fps=fps)


def test_without_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4")
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MissingWheel, match="Reading video is off because the Python module 'cv2'"):
        open_source(path)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("originals")
    made = [write_video(folder / "a.mp4", 20), write_video(folder / "b.avi", 20, codec="MJPG")]
    return [path.read_bytes() for path in made]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_crash(tmp_path: Path, originals: list[bytes], data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(originals)))
    del content[data.draw(st.integers(1, len(content))) :]
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    try:
        at = times(path)
    except SemblanceError as error:
        assert re.search(r"damaged\.mp4", str(error)) and "\n" not in str(error)
    else:
        assert at and all(b > a for a, b in itertools.pairwise(at)) and np.isfinite(at).all()
