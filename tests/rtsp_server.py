"""A network camera that speaks RTSP, for tests: Motion JPEG as RTP (RFC 2435) inside its connection, on loopback."""
from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .loopback import serving

_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"
)
_PART = 1200


@contextmanager
def rtsp_camera(jpegs: list[bytes], fps: float) -> Iterator[str]:
    """The address of a camera that sends these pictures once to everybody who asks, and is silent then.

    They are baseline JPEG with 4:2:0 sampling and the usual Huffman tables, as OpenCV writes it.
    """
    with serving(lambda connection, over: _talk(connection, jpegs, fps, over)) as port:
        yield f"rtsp://127.0.0.1:{port}/live"


def _talk(connection: socket.socket, jpegs: list[bytes], fps: float, over: threading.Event) -> None:
    """Answer until it is to play, and play."""
    said = b""
    while b"PLAY " not in said.partition(b"\r\n")[0]:
        said = connection.recv(4096)
        if not said:
            return
        head, body = said.decode().split("\r\n"), ""
        fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        answer = f"RTSP/1.0 200 OK\r\nCSeq: {fields['CSeq']}\r\nSession: 1\r\n"
        if head[0].startswith("DESCRIBE"):
            body = _SDP
            answer += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        if head[0].startswith("SETUP"):
            answer += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        connection.sendall(f"{answer}\r\n{body}".encode())
    number = 0
    for i, jpeg in enumerate(jpegs):
        for packet in _packets(jpeg, round(i * 90_000 / fps), number):
            connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
            number += 1
        if over.wait(1 / fps):
            return
    over.wait(20)


def _packets(jpeg: bytes, time: int, number: int) -> Iterator[bytes]:
    """RTP packets of one picture; `time` in 1/90000 s."""
    tables, size, scan, at = b"", b"", b"", 2
    while not scan:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2:at + 4], "big")
        content = jpeg[at + 4:at + 2 + length]
        if marker == 0xDB:
            for begin in range(0, len(content), 65):
                tables += content[begin + 1:begin + 65]
        elif marker == 0xC0:
            height, width = struct.unpack(">HH", content[1:5])
            size = bytes([width // 8, height // 8])
        at += 2 + length
        if marker == 0xDA:
            scan = jpeg[at:-2]
    for begin in range(0, len(scan), _PART):
        part, last = scan[begin:begin + _PART], begin + _PART >= len(scan)
        head = struct.pack(">BBHII", 0x80, last << 7 | 26, number, time, 7)
        head += struct.pack(">IBB", begin, 1, 255) + size
        if begin == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + part
        number += 1
