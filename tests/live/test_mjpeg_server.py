"""The clock in the test camera's pictures can be trusted, whatever became of the picture on its way."""
from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from ..mjpeg_server import MjpegServer, draw_stamp, filmed, jpeg, read_stamp


@pytest.mark.parametrize("width", [1280, 640, 320, 200])
@pytest.mark.parametrize("time_s", [0.0, 12.345, 16777.215, 87654.321])
def test_the_time_is_read_back_from_a_compressed_and_scaled_picture(width, time_s):
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    draw_stamp(image, time_s)
    sent = cv2.imdecode(np.frombuffer(jpeg(image), np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(sent, (width, width * 3 // 4), interpolation=cv2.INTER_AREA)
    assert read_stamp(small, time_s + 3.0) == pytest.approx(time_s, abs=0.0011)


def test_a_picture_without_a_stamp_has_no_time():
    assert read_stamp(np.full((480, 640, 3), 128, np.uint8), 5.0) is None


def test_a_client_sees_pictures_as_old_as_they_are():
    frames = [np.full((240, 320, 3), 90, np.uint8)]
    with MjpegServer(lambda: filmed(frames, 60)) as server:
        capture = cv2.VideoCapture(server.address, cv2.CAP_FFMPEG)
        ages = []
        for _ in range(20):
            read, image = capture.read()
            assert read
            stamp = read_stamp(image, time.monotonic())
            assert stamp is not None
            ages.append(time.monotonic() - stamp)
        capture.release()
    assert 0 <= np.median(ages) < 0.3
