"""A camera on the network for tests and the benchmark: MJPEG over HTTP (multipart/x-mixed-replace) on loopback.

    python -m tests.mjpeg_server clip.mp4 --fps 30 --size 640x480

prints {"port": n} and serves http://127.0.0.1:n/ until its stdin ends. Every picture carries the time at which it was
sent as a row of black and white squares along its upper edge (`draw_stamp`, `read_stamp`), so that whoever receives it
knows how old it is.
"""
from __future__ import annotations

import argparse
import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import cv2
import numpy as np

MULTIPART = "multipart/x-mixed-replace; boundary=frame"
_BITS = 24
"""Of the time in ms; below them a row with each bit turned over, so that a damaged stamp is noticed."""
_SIDE = 1 / 28
"""Of a square, as a share of the picture's width."""


def draw_stamp(image: np.ndarray, time_s: float) -> None:
    """Draw `time_s` (time.monotonic()) into the upper edge of uint8 [H, W, 3]."""
    side, ms = int(image.shape[1] * _SIDE), int(time_s * 1000) % (1 << _BITS)
    for i in range(_BITS):
        bit = ms >> i & 1
        left = round(i * image.shape[1] * _SIDE)
        image[:side, left:left + side] = 255 * bit
        image[side:2 * side, left:left + side] = 255 * (1 - bit)


def read_stamp(image: np.ndarray, now_s: float) -> float | None:
    """The time that is drawn in the picture, whatever its size; None if it cannot be read."""
    side, ms = image.shape[1] * _SIDE, 0
    for i in range(_BITS):
        middle = round((i + 0.5) * side)
        bit, other = (float(image[round(y * side), middle].mean()) for y in (0.5, 1.5))
        if abs(bit - other) < 80:
            return None
        ms |= (bit > other) << i
    span = (1 << _BITS) / 1000
    return now_s - (now_s - ms / 1000) % span


def video_frames(path: Path, size: tuple[int, int]) -> list[np.ndarray]:
    """All pictures of a video, scaled and cut to fill `size`."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        read, image = capture.read()
        if not read:
            return frames
        scale = max(size[0] / image.shape[1], size[1] / image.shape[0])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = (image.shape[0] - size[1]) // 2, (image.shape[1] - size[0]) // 2
        frames.append(image[top:top + size[1], left:left + size[0]].copy())


def jpeg(image: np.ndarray) -> bytes:
    """One picture as a camera sends it."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def filmed(frames: list[np.ndarray], fps: float, loop: bool = True) -> Iterator[bytes]:
    """Stamped pictures at the times at which a camera has them; late ones are left out, as a camera does."""
    start, index = time.monotonic(), 0
    while loop or index < len(frames):
        due = start + index / fps
        time.sleep(max(due - time.monotonic(), 0))
        image = frames[index % len(frames)].copy()
        draw_stamp(image, time.monotonic())
        yield part(jpeg(image))
        index = max(index + 1, int((time.monotonic() - start) * fps))


def part(picture: bytes, length: bool = True) -> bytes:
    """One part of the answer."""
    told = b"Content-Length: %d\r\n" % len(picture) if length else b""
    return b"--frame\r\nContent-Type: image/jpeg\r\n" + told + b"\r\n" + picture + b"\r\n"


class MjpegServer:
    """Serves each client the bytes that `pictures()` yields, on a free port; use it in a `with` statement."""

    def __init__(self, pictures: Callable[[], Iterator[bytes]], content: str = MULTIPART) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content)
                self.end_headers()
                try:
                    for data in pictures():
                        self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
                """Keep quiet."""

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> MjpegServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)


def main() -> int:
    """Serve a video until stdin ends."""
    parser = argparse.ArgumentParser(description="Serve a video as an MJPEG camera on loopback.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--size", default="640x480")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    frames = video_frames(args.video, (width, height))
    with MjpegServer(lambda: filmed(frames, args.fps)) as server:
        print(json.dumps({"port": server.port}), flush=True)
        sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
