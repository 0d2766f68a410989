"""What goes over the wire, held to the vendors' documents: expected bytes are written out or built here, by bit rules.

The expected side imports nothing of the product. Where a line names a document, its bytes stand there: "guide" is
Pololu's Maestro user's guide (0J40), "e-manual" the one of ROBOTIS.
"""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.robot.protocols import dynamixel, feetech
from addon.robot.protocols.maestro import Maestro, crc7


def _divide(bits: list[int], polynomial: int, width: int) -> int:
    """The remainder of a bit sequence by a polynomial of `width` bits: the text-book definition of a CRC."""
    remainder = 0
    for bit in bits + [0] * width:
        remainder = (remainder << 1) | bit
        if remainder >> width & 1:
            remainder ^= polynomial
    return remainder


def _crc16(data: bytes) -> bytes:
    bits = [byte >> (7 - i) & 1 for byte in data for i in range(8)]
    return _divide(bits, 0x18005, 16).to_bytes(2, "little")


def _crc7(data: bytes) -> int:
    # The guide counts the lowest bit first, so the remainder comes out mirrored.
    bits = [byte >> i & 1 for byte in data for i in range(8)]
    return int(f"{_divide(bits, 0b10001001, 7):07b}"[::-1], 2)


def _dynamixel(ident: int, body: bytes) -> bytes:
    stuffed = bytearray()
    for byte in body:
        stuffed.append(byte)
        if stuffed.endswith(b"\xff\xff\xfd"):
            stuffed.append(0xFD)
    length = len(stuffed) + 2
    whole = bytes((0xFF, 0xFF, 0xFD, 0x00, ident, length & 0xFF, length >> 8)) + bytes(stuffed)
    return whole + _crc16(whole)


GOAL = dynamixel.register("goal_position")
STS, SCS = feetech.Series("feetech_sts"), feetech.Series("feetech_scs")
COMPACT, POLOLU = Maestro("compact"), Maestro("pololu", 12)

VECTORS = {
    "guide: channel 2 to 1500 us": (COMPACT.set_target(2, 6000), "84 02 70 2E"),
    "guide: the same to device 12": (POLOLU.set_target(0, 6000), "AA 0C 04 00 70 2E"),
    "guide: several targets": (COMPACT.set_targets({3: 0, 4: 6000}), "9F 02 03 00 00 70 2E"),
    "several targets to device 12": (POLOLU.set_targets({3: 0, 4: 6000}), "AA 0C 1F 02 03 00 00 70 2E"),
    "four targets": (
        COMPACT.set_targets({0: 4000, 1: 6000, 2: 7200, 3: 8000}), "9F 04 00 20 1F 70 2E 20 38 40 3E"
    ),
    "guide: speed": (COMPACT.set_speed(5, 140), "87 05 0C 01"),
    "acceleration": (COMPACT.set_acceleration(5, 255), "89 05 7F 01"),
    "position": (POLOLU.get_position(3), "AA 0C 10 03"),
    "errors, compact": (COMPACT.get_errors(), "A1"),
    "errors, Pololu": (POLOLU.get_errors(), "AA 0C 21"),
    "home": (COMPACT.go_home(), "A2"),
    "Pololu's advice after noise": (COMPACT.resynchronise(), "00 00 A1"),
    "check byte of a compact command": (Maestro("compact", crc=True).set_target(2, 6000), "84 02 70 2E 18"),
    "check byte of a Pololu command": (Maestro("pololu", 12, True).set_target(0, 6000), "AA 0C 04 00 70 2E 22"),
    "check byte of several targets": (
        Maestro("pololu", 12, True).set_targets({3: 0, 4: 6000}), "AA 0C 1F 02 03 00 00 70 2E 28"
    ),
    "e-manual: two goals": (
        dynamixel.sync_write(GOAL, {1: 150, 2: 170}),
        "FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87",
    ),
    "three goals": (
        dynamixel.sync_write(GOAL, {1: 1024, 2: 2048, 3: 3072}),
        "FF FF FD 00 FE 16 00 83 74 00 04 00 01 00 04 00 00 02 00 08 00 00 03 00 0C 00 00 24 49",
    ),
    "a goal that must be stuffed": (
        dynamixel.sync_write(GOAL, {1: 0x00FDFFFF}), "FF FF FD 00 FE 0D 00 83 74 00 04 00 01 FF FF FD FD 00 62 86"
    ),
    "torque on": (
        dynamixel.write(1, dynamixel.register("torque_enable"), 1), "FF FF FD 00 01 06 00 03 40 00 01 DB 66"
    ),
    "torque off of three": (
        dynamixel.sync_write(dynamixel.register("torque_enable"), {1: 0, 2: 0, 3: 0}),
        "FF FF FD 00 FE 0D 00 83 40 00 01 00 01 00 02 00 03 00 FE 51",
    ),
    "profile velocity 100 and goal 2048 in one": (
        dynamixel.sync_write(dynamixel.Register(112, 8), {1: 100 | 2048 << 32}),
        "FF FF FD 00 FE 10 00 83 70 00 08 00 01 64 00 00 00 00 08 00 00 22 BA",
    ),
    "e-manual: ping of motor 1": (dynamixel.ping(1), "FF FF FD 00 01 03 00 01 19 4E"),
    "e-manual: ping of all": (dynamixel.ping(), "FF FF FD 00 FE 03 00 01 31 42"),
    "e-manual: read the present position of motor 1": (
        dynamixel.read(1, dynamixel.register("present_position")), "FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"
    ),
    "e-manual: sync read of two present positions": (
        dynamixel.sync_read(dynamixel.register("present_position"), [1, 2]),
        "FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA",
    ),
    "STS goals, low byte first": (
        feetech.sync_write(STS.register("goal_position"), {1: 1024, 2: 2048, 3: 3072}),
        "FF FF FE 0D 83 2A 02 01 00 04 02 00 08 03 00 0C 27",
    ),
    "SCS goals, high byte first": (
        feetech.sync_write(SCS.register("goal_position"), {1: 512, 2: 300}),
        "FF FF FE 0A 83 2A 02 01 02 00 02 01 2C 16",
    ),
    "Feetech torque off": (feetech.write(1, STS.register("torque_enable"), 0), "FF FF 01 04 03 28 00 CF"),
    "Feetech ping of servo 1": (feetech.ping(1), "FF FF 01 02 01 FB"),
    "acceleration, goal, time and speed 1000 of three STS": (
        feetech.packet(0xFE, 0x83, bytes((41, 7)) + b"".join(
            bytes((ident, 50)) + STS.register("goal_position").encode(goal) + STS.register("goal_time").encode(0)
            + STS.register("goal_speed").encode(1000) for ident, goal in ((1, 1024), (2, 2048), (3, 3072)))),
        "FF FF FE 1C 83 29 07 01 32 00 04 00 00 E8 03 02 32 00 08 00 00 E8 03 03 32 00 0C 00 00 E8 03 BD",
    ),
    "goal, time and speed 1500 of two SCS": (
        feetech.packet(0xFE, 0x83, bytes((42, 6)) + b"".join(
            bytes((ident,)) + SCS.register("goal_position").encode(goal) + SCS.register("goal_time").encode(0)
            + SCS.register("goal_speed").encode(1500) for ident, goal in ((1, 512), (2, 300)))),
        "FF FF FE 12 83 2A 06 01 02 00 00 00 05 DC 02 01 2C 00 00 05 DC 48",
    ),
}


@pytest.mark.parametrize("vector", VECTORS)
def test_bytes_are_those_of_the_documents(vector: str) -> None:
    ours, expected = VECTORS[vector]
    assert ours.hex(" ").upper() == expected


@pytest.mark.parametrize(("data", "check"), [
    ("83 01", 0x17),  # guide
    ("AA 01 10 00", 0x6B),  # Pololu's staff in their forum
    ("9F 04 00 20 1F 70 2E 20 38 40 3E", 0x2D),
])
def test_the_oracle_and_ours_know_pololus_check_bytes(data: str, check: int) -> None:
    assert _crc7(bytes.fromhex(data)) == check == crc7(bytes.fromhex(data))


@given(st.binary(min_size=1, max_size=60))
def test_maestro_check_bytes_are_remainders(data: bytes) -> None:
    assert crc7(data) == _crc7(data)


@given(st.integers(0, 252), st.integers(0, 0xFFFF), st.lists(
    st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff\xff\xfd", b"\xff\xff\xfd\xfd", b"\xff"])), max_size=12))
def test_dynamixel_packets_are_stuffed_and_checked_as_specified(ident: int, address: int, parts: list[bytes]) -> None:
    params = address.to_bytes(2, "little") + b"".join(parts)
    assert dynamixel.packet(ident, 0x03, params) == _dynamixel(ident, b"\x03" + params)


@given(st.dictionaries(st.integers(0, 253), st.integers(-0x7FFF, 0x7FFF), min_size=1, max_size=30))
def test_sts_goals_are_sign_and_magnitude(goals: dict[int, int]) -> None:
    body = bytearray((0xFE, 3 * len(goals) + 4, 0x83, 42, 2))
    for ident, goal in goals.items():
        body += bytes((ident, abs(goal) % 256, abs(goal) // 256 + (128 if goal < 0 else 0)))
    expected = b"\xff\xff" + bytes(body) + bytes((255 - sum(body) % 256,))
    assert feetech.sync_write(STS.register("goal_position"), goals) == expected


def test_the_collected_vectors_agree_with_themselves(shared: Path) -> None:
    """The vectors that this file restates; run as they are, because ours are checked against the same documents."""
    ended = subprocess.run(
        [sys.executable, str(shared / "reference" / "wire_vectors.py")], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 0 and "all vectors agree" in ended.stdout, ended.stderr


def test_our_encoders_make_the_collected_vectors(shared: Path) -> None:
    """Each byte string of a vector that one call of ours makes stands in the collection."""
    text = (shared / "reference" / "wire_vectors.py").read_text(encoding="utf-8")
    known = {vector for _, vector in VECTORS.values() if f'h("{vector}")' in text or f'"{vector}"' in text}
    assert len(known) >= 14, sorted(known)
