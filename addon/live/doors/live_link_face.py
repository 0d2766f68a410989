"""Live Link Face, Epic's iPhone app, in its ARKit mode: one UDP packet per frame, to port 11111 by default.

All numbers are big-endian:

    version       uint8       6
    device id     int32 n, then n bytes of UTF-8
    subject name  int32 n, then n bytes of UTF-8
    frame time    int32 frame number, float32 part of a frame, int32 frames per second: numerator, denominator
    count         uint8       61
    values        61 float32  52 ARKit channels, then yaw, pitch, roll of head, left eye and right eye in radians

A packet that ends after the frame time, or has the count 0, says that no face is seen. What the values mean is in
core.live_link, which has the same of the app's files.

Sources: Unreal Engine's API page of EARFaceBlendShape (the order of the values); the layout as the receivers
github.com/JimWest/PyLiveLinkFace and github.com/nmfisher/blender_livelinkface describe it.
"""
from __future__ import annotations

import struct
from typing import Final

import numpy as np

from ...core.live_link import VALUES, meaning_of
from .door import Heard

PORT: Final = 11111
VERSION: Final = 6
LONGEST_NAME: Final = 256
"""Bytes of a device id or subject name."""
_TIME: Final = struct.Struct(">ifii")
_FARTHEST: Final = 100.0
"""A sane value is nowhere near: channels reach 1 and angles a few radians."""


class LiveLinkFaceReader:
    """Packets → frames; each is complete in itself."""

    pending = False

    def __init__(self) -> None:
        self.ignored = 0
        self._last = np.zeros(VALUES, np.float32)

    def read(self, packet: bytes) -> Heard:
        """The frame of one packet; ValueError in a few words if it is not of the app."""
        if packet[:1] != bytes([VERSION]):
            version = f"version {packet[0]}" if packet else "an empty packet"
            raise ValueError(f"{version} instead of version {VERSION} of Live Link Face's ARKit mode")
        at = _after_name(packet, _after_name(packet, 1))
        time_s, at = _frame_time(packet, at)
        rest = packet[at:]
        if rest in (b"", b"\0"):
            return self._heard(self._last, 0.0, time_s)
        if rest[0] != VALUES or len(rest) != 1 + 4 * VALUES:
            raise ValueError(f"not the {VALUES} values of a face")
        values = np.frombuffer(rest, ">f4", VALUES, 1).astype(np.float32)
        if not (np.abs(values) < _FARTHEST).all():
            raise ValueError("a value is not a sane number")
        self._last = values
        return self._heard(values, 1.0, time_s)

    def finish(self) -> Heard:
        """The last frame again."""
        return self._heard(self._last, 0.0, None)

    def _heard(self, values: np.ndarray, confidence: float, time_s: float | None) -> Heard:
        return Heard(*meaning_of(values), confidence, time_s)


def _after_name(packet: bytes, at: int) -> int:
    """The place behind a string that begins at `at`."""
    length = int.from_bytes(packet[at:at + 4], "big", signed=True)
    end = at + 4 + length
    if not (0 <= length <= LONGEST_NAME and end <= len(packet)):
        raise ValueError("a name does not end")
    return end


def _frame_time(packet: bytes, at: int) -> tuple[float | None, int]:
    """Seconds (None where the rate makes no sense) and the place behind."""
    try:
        number, part, numerator, denominator = _TIME.unpack_from(packet, at)
    except struct.error as error:
        raise ValueError("the frame time is cut off") from error
    if not (0 <= part <= 1 and 0 < denominator <= numerator <= 1000 * denominator):
        return None, at + _TIME.size
    return (number + part) * denominator / numerator, at + _TIME.size
