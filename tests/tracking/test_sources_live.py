"""Streams that fail, and files that stand in for a camera."""
from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.tracking import sources, sources_live
from addon.tracking.sources import open_source
from addon.tracking.sources_live import STALL_S, paced

from .. import loopback
from ..rtsp_server import rtsp_camera
from .test_sources import picture, write_images, write_video, write_with_pyav

_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def part(data: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data + b"\r\n"


def jpeg(number: int) -> bytes:
    return cv2.imencode(".jpg", picture(number))[1].tobytes()


@contextmanager
def serving(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """The address of a camera that says whatever `answer` says to everybody who asks for its pictures."""
    def heard(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        answer(connection, over)

    with loopback.serving(heard) as port:
        yield f"http://127.0.0.1:{port}/video"


def test_a_stream_that_stalls_says_so_within_three_seconds() -> None:
    def stall(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(_HEAD + b"".join(part(jpeg(i)) for i in range(10)))
        over.wait(10)

    with serving(stall) as address, open_source(address) as source:
        seen: list[float] = []
        begin = time.monotonic()
        with pytest.raises(SemblanceError, match="'http://127.0.0.1.*' has sent no picture for [23].* check the"):
            seen.extend(time.monotonic() for _ in source)
        assert seen and STALL_S * 0.7 < time.monotonic() - seen[-1] < 3.2 and time.monotonic() - begin < 5


def test_a_stream_through_ffmpeg_goes_by_our_clock_and_stalls_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MPEG-TS over TCP, as RTSP a stream without pictures of its own: sent at 50 a second, marked as 25."""
    for module in (sources, sources_live):
        monkeypatch.setattr(module, "STALL_S", 0.6)
    data = write_with_pyav(tmp_path / "a.ts", [i / 25 for i in range(100)]).read_bytes()
    server = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        connection, _ = server.accept()
        with connection:
            for i in range(100):
                connection.sendall(data[len(data) * i // 100 : len(data) * (i + 1) // 100])
                time.sleep(0.02)
            closed.wait(10)

    closed = threading.Event()
    threading.Thread(target=send, daemon=True).start()
    try:
        with open_source(f"tcp://127.0.0.1:{server.getsockname()[1]}") as source:
            begin, at = time.monotonic(), []
            with pytest.raises(SemblanceError, match="'tcp://127.0.0.1.*' has sent no picture for 0.6 s"):
                at.extend((frame.time_s, time.monotonic() - begin) for frame in source)
    finally:
        closed.set()
        server.close()
    assert len(at) > 20 and np.ptp(np.diff(np.array(at), axis=1)) < 0.5


def test_a_network_camera_over_rtsp_is_seen_and_its_silence_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sources, sources_live):
        monkeypatch.setattr(module, "STALL_S", 0.8)
    grey = [np.full((96, 128, 3), 20 + 4 * i, np.uint8) for i in range(50)]
    with rtsp_camera([cv2.imencode(".jpg", image)[1].tobytes() for image in grey], 50) as address:
        seen = []
        with (open_source(address.replace("rtsp://", "rtsp://me:secret@")) as source,
              pytest.raises(SemblanceError, match="'rtsp://127.0.0.1.*/live' has sent no picture for (0.[789]|1) s")):
            seen.extend((frame.time_s, float(frame.image.mean())) for frame in source)
    assert (source.info.kind, source.info.width, source.info.height) == ("stream", 128, 96)
    times_s, light = np.array(seen).T
    assert len(seen) > 5 and (np.diff(times_s) > 0).all() and (np.diff(light) > 2).all() and light[-1] > 200


def test_a_stream_that_stalls_can_be_closed_at_once() -> None:
    def stall(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(_HEAD + part(jpeg(1)))
        over.wait(10)

    with serving(stall) as address:
        source = open_source(address)
        frames = iter(source)
        next(frames)
        begin = time.monotonic()
        threading.Timer(0.1, source.close).start()
        assert list(frames) == [] and time.monotonic() - begin < 1


def test_a_stream_that_refuses_says_why() -> None:
    def refuse(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.0 401 Unauthorized\r\nContent-Type: text/html\r\n\r\n")

    with serving(refuse) as address, pytest.raises(SemblanceError, match="wants to know who asks"):
        open_source(address)


def test_a_stream_of_garbage_is_refused_in_one_sentence() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 40_000, np.uint8).tobytes()

    def garbage(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(_HEAD + noise)

    with serving(garbage) as address, pytest.raises(SemblanceError, match="Nothing can be read from 'http"):
        open_source(address)


def test_garbage_between_pictures_is_survived() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 4000, np.uint8).tobytes()

    def garbage(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(_HEAD)
        for i in range(8):
            connection.sendall(part(jpeg(i)))
            if i == 4:
                connection.sendall(part(noise))
            over.wait(0.05)

    with serving(garbage) as address, open_source(address) as source:
        assert len(list(source)) >= 3


# Files as a stand-in for a camera


def test_a_video_plays_at_its_own_speed(tmp_path: Path) -> None:
    with open_source(write_video(tmp_path / "a.mp4", 15), realtime=True) as source:
        seen = [(frame.time_s, time.monotonic()) for frame in source]
    at = np.array(seen) - seen[0]
    assert len(at) == 15
    assert at[-1, 1] > 0.5 and np.median(np.abs(at[:, 1] - at[:, 0])) < 0.1


def test_who_is_slow_misses_pictures_not_time(tmp_path: Path) -> None:
    with open_source(write_video(tmp_path / "a.mp4", 25), realtime=True) as source:
        begin, at = time.monotonic(), []
        for frame in source:
            at.append((frame.time_s, time.monotonic() - begin))
            time.sleep(0.13)
    assert 3 <= len(at) <= 9
    assert np.median(np.diff(np.array(at), axis=1)) < 0.15


def test_who_cannot_keep_up_at_all_still_sees_pictures() -> None:
    def slow() -> Iterator[tuple[np.ndarray, float]]:
        for i in range(60):
            time.sleep(0.003)
            yield picture(0), i / 1000

    assert len(list(paced(slow(), 1 / 1000))) >= 5


def test_a_leap_in_time_does_not_skip_the_rest() -> None:
    """A laptop that slept between the second picture and the third."""
    seen = []
    for _, time_s in paced(((picture(0), i / 50) for i in range(30)), 1 / 50):
        seen.append(time_s)
        if len(seen) == 2:
            time.sleep(0.5)
    assert len(seen) >= 15


@pytest.mark.parametrize("part", [{}, {"start_s": 0.2, "end_s": 0.36}], ids=["whole", "part"])
def test_a_loop_goes_on_in_time(tmp_path: Path, part: dict[str, float]) -> None:
    with open_source(write_video(tmp_path / "a.mp4", 10), loop=True, **part) as source:
        frames = list(itertools.islice(source, 25))
    assert source.info.frame_count is None
    assert np.allclose(np.diff([frame.time_s for frame in frames]), 0.04, atol=2e-3)
    count = 5 if part else 10
    assert np.abs(frames[0].image.astype(int) - frames[count].image).mean() < 3
    assert [frame.index for frame in frames] == list(range(25))


def test_one_image_in_a_loop_and_a_mirror(tmp_path: Path) -> None:
    image = picture(1)
    image[:, :20] = 250
    cv2.imwrite(str(tmp_path / "f_1.png"), image)
    with open_source(tmp_path / "f_1.png", loop=True, mirror=True, realtime=True) as source:
        frames = list(itertools.islice(source, 3))
    assert np.array_equal(frames[2].image, image[:, ::-1])
    assert np.allclose([frame.time_s for frame in frames], np.arange(3) / 30)


def test_a_loop_whose_file_goes_away_says_so(tmp_path: Path) -> None:
    write_images(tmp_path / "shot", [1, 2])
    with open_source(tmp_path / "shot", loop=True) as source:
        frames = iter(source)
        next(frames)
        for each in (tmp_path / "shot").iterdir():
            each.unlink()
        with pytest.raises(SemblanceError, match="has no images in it"):
            list(itertools.islice(frames, 10))
