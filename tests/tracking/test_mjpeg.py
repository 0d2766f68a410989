"""MJPEG from the network: whole pictures, the newest, in time; every fault ends in one sentence or a picture less."""
from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core.errors import SemblanceError
from addon.tracking.mjpeg import LARGEST, open_mjpeg, take_newest

from ..mjpeg_server import MjpegServer, filmed, jpeg, part, read_stamp

FRAME = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def shade(value: int) -> bytes:
    return jpeg(np.full((120, 160, 3), value, np.uint8))


def sent(*parts: bytes, then_wait_s: float = 0.0):
    def pictures() -> Iterator[bytes]:
        yield from parts
        time.sleep(then_wait_s)
    return pictures


@pytest.mark.parametrize("length", [True, False])
def test_a_picture_is_there_before_the_next_is_sent_whether_or_not_its_length_is_told(length):
    with MjpegServer(sent(part(shade(10), length), then_wait_s=3)) as server:
        capture = open_mjpeg(server.address, 2)
        begin = time.monotonic()
        read, image = capture.read()
        assert read and image.shape == (120, 160, 3) and time.monotonic() - begin < 1
        capture.release()


def test_who_is_slow_sees_the_newest_picture():
    frames = [np.full((480, 640, 3), 90, np.uint8)]
    with MjpegServer(lambda: filmed(frames, 100)) as server:
        capture, ages = open_mjpeg(server.address), []
        for _ in range(6):
            time.sleep(0.15)
            _, image = capture.read()
            ages.append(time.monotonic() - read_stamp(image, time.monotonic()))
        capture.release()
    assert np.median(ages) < 0.1


def test_a_sender_that_is_quicker_than_anybody_is_seen_too():
    parts = [part(shade(value)) * 50 for value in range(8)]

    def pictures() -> Iterator[bytes]:
        while True:
            yield from parts

    with MjpegServer(pictures) as server:
        capture, begin = open_mjpeg(server.address), time.monotonic()
        assert all(capture.read()[0] for _ in range(5)) and time.monotonic() - begin < 5
        capture.release()


def test_a_damaged_picture_is_left_out_and_the_next_one_seen():
    whole = shade(200)
    broken = part(whole[:len(whole) // 2])
    with MjpegServer(sent(broken, b"\r\nnonsense\xff\xd8\r\n", part(whole), then_wait_s=1)) as server:
        capture = open_mjpeg(server.address, 2)
        read, image = capture.read()
        assert read and abs(int(image.mean()) - 200) < 3
        capture.release()


def test_what_only_looks_like_a_jpeg_is_told_to_be_damaged():
    garbage = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x04cdnonsense\xff\xd9"
    with MjpegServer(sent(part(garbage), then_wait_s=1)) as server:
        capture = open_mjpeg(server.address, 2)
        assert capture.read() == (True, None)
        capture.release()


def test_silence_ends_a_read_and_so_does_a_release_from_another_thread():
    with MjpegServer(sent(then_wait_s=5)) as server:
        capture, begin = open_mjpeg(server.address, 0.3), time.monotonic()
        assert capture.read() == (False, None) and time.monotonic() - begin < 2
        capture.release()
        capture, begin = open_mjpeg(server.address, 20), time.monotonic()
        threading.Timer(0.2, capture.release).start()
        assert capture.read() == (False, None) and time.monotonic() - begin < 2


def test_the_end_of_a_stream_is_an_end():
    with MjpegServer(sent(part(shade(10)))) as server:
        capture = open_mjpeg(server.address)
        time.sleep(0.1)  # the end is known before the first picture is asked for
        assert capture.read()[0] and not capture.read()[0]
        capture.release()


def test_an_endless_flood_without_pictures_takes_no_endless_memory():
    chunk = b"x" * (1 << 20)
    with MjpegServer(lambda: iter([chunk] * 40)) as server:
        capture = open_mjpeg(server.address, 5)
        assert not capture.read()[0]
        assert len(capture._data) <= LARGEST + len(chunk)


def test_nobody_there_and_no_stream_are_told_apart():
    with MjpegServer(sent(b"not pictures"), content="video/mp4") as server:
        assert open_mjpeg(server.address) is None
        address = server.address
    with pytest.raises(SemblanceError, match="check the address"):
        open_mjpeg(address.replace("//", "//me:secret@"), 1)


@pytest.mark.parametrize("address", ["http://", "http://[", "http://localhost:99999/", "http://\x00/", "http://a b/"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SemblanceError, match="check the address"):
        open_mjpeg(address, 1)


def test_passwords_redirects_and_refusals():
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/gone")
            elif self.path.startswith("/login"):
                self.send_response(401)
            else:
                self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(SemblanceError, match="404"):
            open_mjpeg(f"{address}/moved")
        with pytest.raises(SemblanceError, match="name:password"):
            open_mjpeg(f"{address}/login picture")
        assert open_mjpeg(address.replace("//", "//me:%C3%A4@") + "/login") is None
        assert asked == [None, None, None, "Basic bWU6w6Q="]
        server.shutdown()


MARKERS = [b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda\0\3", b"\xff\xe0\0\4"]


@given(st.lists(st.binary(max_size=30) | st.sampled_from(MARKERS)))
@settings(max_examples=300)
def test_any_bytes_are_taken_or_left(pieces):
    data = bytearray()
    for piece in pieces:
        data += piece
        before = len(data)
        newest = take_newest(data)
        assert len(data) <= before and (newest is None or newest.endswith(b"\xff\xd9"))


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=9)), min_size=1, max_size=3), st.integers(1, 500))
@settings(max_examples=30)
def test_whole_pictures_are_found_in_any_pieces_whatever_stands_between(pictures, step):
    stream = b"".join(between.replace(b"\xff", b"") + shade(value) for value, between in pictures)
    data, found = bytearray(), []
    for start in range(0, len(stream), step):
        data += stream[start:start + step]
        if newest := take_newest(data):
            found.append(newest)
    assert found[-1] == shade(pictures[-1][0])


def test_a_picture_inside_a_picture_is_not_mistaken_for_it():
    outer, inner = jpeg(FRAME), shade(5)
    segment = b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner
    assert take_newest(bytearray(outer[:2] + segment + outer[2:])) == outer[:2] + segment + outer[2:]
    assert cv2.imdecode(np.frombuffer(outer, np.uint8), 1).shape == FRAME.shape
