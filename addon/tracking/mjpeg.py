"""MJPEG over HTTP (multipart/x-mixed-replace), as phones and network cameras send it: each picture as soon as its last
byte is here, the newest if several are.

FFmpeg's reader waits for the next picture where the sender tells no length, hands out old ones to who is slow, and
cannot be ended while it waits.
"""
from __future__ import annotations

import base64
import contextlib
import http.client
import re
import select
import socket
import time
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

import numpy as np

from ..core.errors import SemblanceError
from .opencv import opencv

LARGEST: Final = 16 << 20
"""bytes: no picture is longer; what comes without one in it is let go of."""
_READ: Final = 1 << 16
_CATCH_UP_S: Final = 0.05
"""How long newer pictures are read before one is handed out; a sender quicker than we always has more."""
_MOST_REDIRECTS: Final = 3
_SAFE: Final = "/%~+,;=:@!$&'()*?"
_BEGIN: Final = b"\xff\xd8\xff"
_SCAN, _END, _AGAIN = 0xDA, 0xD9, 0xD8
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What follows a scan: inside it 0xFF stands before zero or a restart's number only."""


class MjpegCapture:
    """What `open_mjpeg` found: `read` it in one thread, `release` it from any."""

    def __init__(self, sock: socket.socket, answer: http.client.HTTPResponse, timeout_s: float) -> None:
        self._socket, self._answer, self._timeout_s = sock, answer, timeout_s
        self._data = bytearray()
        self._released = False

    def read(self) -> tuple[bool, np.ndarray | None]:
        """The newest picture, uint8 [H, W, 3] BGR, once there is one.

        (True, None) for a damaged one; (False, None) at the end, or when none has come for the time-out.
        """
        begin_s, more = time.monotonic(), True
        while more and not self._released and (waited_s := time.monotonic() - begin_s) < self._timeout_s:
            behind = waited_s < _CATCH_UP_S and self._more_waits()
            if not behind and (picture := take_newest(self._data)) is not None:
                return True, _decoded(picture)
            if len(self._data) >= LARGEST:
                self._data.clear()
            more = self._receive()
        last = None if self._released else take_newest(self._data)
        return last is not None, None if last is None else _decoded(last)

    def _receive(self) -> bool:
        """What comes next; False at the end, after silence, or when it was released."""
        try:
            came = self._answer.read1(_READ)
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            return False
        self._data += came
        return bool(came)

    def _more_waits(self) -> bool:
        """True if something newer has come already: what is here is old."""
        try:
            return len(self._data) < LARGEST and bool(select.select([self._socket], [], [], 0)[0])
        except (OSError, ValueError):
            return False  # closed by `release`

    def release(self) -> None:
        """Close the connection; a read that waits ends."""
        self._released = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def open_mjpeg(address: str, timeout_s: float = 10.0) -> MjpegCapture | None:
    """Ask for a stream of pictures.

    Args:
        address: http or https, perhaps with name:password@.
        timeout_s: of silence, after which a read gives up.

    Returns:
        None if what answers is something else, such as a video file.

    Raises:
        SemblanceError: if nothing answers, or it refuses.
    """
    for _ in range(_MOST_REDIRECTS):
        name = re.sub(r"(?<=://)[^/@]*@", "", address)  # a password is not for messages
        try:
            url = urlsplit(address)
            sock, answer = _ask(url, timeout_s)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SemblanceError(
                f"Nothing can be read from '{name}': check the address, the port and that the sender is running."
            ) from error
        if answer.headers.get_content_maintype() == "multipart" and answer.status == http.client.OK:
            return MjpegCapture(sock, answer, timeout_s)
        answer.close()
        sock.close()
        if 300 <= answer.status < 400 and "Location" in answer.headers:
            address = urljoin(address, answer.headers["Location"])
        elif answer.status == http.client.UNAUTHORIZED and not url.username:
            raise SemblanceError(f"'{name}' wants to know who asks: write http://name:password@ before its host.")
        elif answer.status in (http.client.FORBIDDEN, http.client.NOT_FOUND):
            raise SemblanceError(f"'{name}' answers {answer.status} ({answer.reason}): check the path of the address.")
        else:
            return None
    return None


def _ask(url: SplitResult, timeout_s: float) -> tuple[socket.socket, http.client.HTTPResponse]:
    kind = http.client.HTTPSConnection if url.scheme.lower() == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=timeout_s)
    headers = {"User-Agent": "Semblance", "Accept": "*/*"}
    if url.username:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
    try:
        path = quote(url._replace(scheme="", netloc="", fragment="").geturl() or "/", _SAFE)
        connection.request("GET", path, headers=headers)
        sock = connection.sock  # the connection forgets it when the answer has no length
        return sock, connection.getresponse()
    except BaseException:
        connection.close()
        raise


def _decoded(picture: bytes) -> np.ndarray | None:
    cv2 = opencv()
    with contextlib.suppress(cv2.error):
        return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return None


def take_newest(data: bytearray) -> bytes | None:
    """The last whole JPEG in `data`, from which everything up to its end is removed; None if there is none yet."""
    newest, start = None, data.find(_BEGIN)
    while start >= 0:
        end = _end_of_jpeg(data, start)
        if end is None:
            break
        if end > 0:
            newest = bytes(data[start:end])
        start = data.find(_BEGIN, max(end, start + 1))
    keep = start if start >= 0 else max(len(data) - len(_BEGIN) + 1, 0)
    del data[:keep]
    return newest


def _end_of_jpeg(data: bytearray, start: int) -> int | None:
    """Where the JPEG that begins at `start` ends; None if it is not all here, 0 if it is damaged.

    A picture may hold a small one of itself, so its segments are stepped over by their lengths.
    """
    at = start + 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return 0
        marker = data[at + 1]
        if marker == _END:
            return at + 2
        if marker in (0xFF, _AGAIN, 0x00):
            return 0
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
        if marker == _SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                return None
            at = found.start()
            if data[at + 1] == _END:
                return at + 2
    return None
