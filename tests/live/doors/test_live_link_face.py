import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import coefficients
from addon.core.live_link import read_live_link
from addon.live.doors import open_door
from addon.live.doors.live_link_face import LiveLinkFaceReader

from .making import Phone, hear, live_link_packet

ORDER = ("EyeBlinkLeft", "JawLeft", "JawRight", "MouthLeft", "MouthRight", "TongueOut", "HeadYaw", "HeadPitch",
         "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "RightEyeYaw", "RightEyePitch")
PLACE = dict(zip(ORDER, (0, 15, 16, 21, 22, 51, 52, 53, 54, 55, 56, 58, 59), strict=True))


def packet_with(**named):
    values = np.zeros(61, np.float32)
    for name, value in named.items():
        values[PLACE[name]] = value
    return live_link_packet(values)


def test_a_packet_of_the_documents_example_is_as_long_as_they_say():
    # 1 + (4 + 36) + (4 + 3) + 16 + 1 + 61 * 4
    assert len(live_link_packet(np.zeros(61))) == 309


@pytest.mark.parametrize(("channel", "coefficient"), [
    ("EyeBlinkLeft", "eyeBlinkLeft"), ("JawLeft", "jawLeft"), ("JawRight", "jawRight"), ("MouthLeft", "mouthLeft"),
    ("MouthRight", "mouthRight"), ("TongueOut", "tongueOut"),
])
def test_channels_land_at_unreals_places(channel, coefficient):
    heard = LiveLinkFaceReader().read(packet_with(**{channel: 0.5}))
    assert {n: float(v) for n, v in zip(coefficients.NAMES, heard.coefficients, strict=True) if v} == {coefficient: 0.5}


def test_angles_turn_as_ours():
    heard = LiveLinkFaceReader().read(packet_with(HeadYaw=0.1, HeadPitch=0.2, HeadRoll=0.3, LeftEyeYaw=0.4,
                                                  LeftEyePitch=0.5, RightEyeYaw=-0.6, RightEyePitch=-0.7))
    assert np.allclose(heard.head, [-0.1, -0.2, 0.3])
    assert np.allclose(heard.gaze, [[-0.4, -0.5], [0.6, 0.7]])


@pytest.mark.parametrize(("frame", "part", "rate", "seconds"), [
    (60, 0.0, (60, 1), 1.0), (30, 0.5, (30, 1), 30.5 / 30), (24_000, 0.25, (24_000, 1001), 24_000.25 * 1001 / 24_000),
    (5, 0.0, (0, 1), None), (5, 0.0, (60, 0), None), (5, float("nan"), (60, 1), None), (5, 0.0, (-60, 1), None),
])
def test_time_is_told_by_frame_number_part_and_rate(frame, part, rate, seconds):
    heard = LiveLinkFaceReader().read(live_link_packet(np.zeros(61), frame=frame, part=part, rate=rate))
    assert heard.time_s == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("count", [None, 0])
def test_a_phone_that_sees_no_face_says_so(count):
    reader = LiveLinkFaceReader()
    reader.read(packet_with(TongueOut=0.5))
    heard = reader.read(live_link_packet(None, count=count))
    assert heard.confidence == 0
    assert heard.coefficients[coefficients.INDEX["tongueOut"]] == 0.5


def test_values_beyond_their_range_are_brought_back():
    with open_door("livelink://:0") as door, Phone(door) as phone:
        phone.send(packet_with(EyeBlinkLeft=1.2, JawLeft=-0.1, HeadYaw=9.0))
        heard = hear(door)
    assert heard.coefficients.min() == 0
    assert heard.coefficients.max() == 1
    assert heard.head[0] == pytest.approx(-np.pi)


@pytest.mark.parametrize(("packet", "says"), [
    (b"", "an empty packet"),
    (live_link_packet(np.zeros(61), version=5), "version 5 instead of version 6"),
    (live_link_packet(np.zeros(60)), "not the 61 values"),
    (live_link_packet(np.zeros(61), count=52), "not the 61 values"),
    (live_link_packet(np.zeros(61)) + b"\0", "not the 61 values"),
    (live_link_packet(np.zeros(61))[:-1], "not the 61 values"),
    (live_link_packet(np.full(61, np.nan)), "not a sane number"),
    (live_link_packet(np.full(61, np.inf)), "not a sane number"),
    (live_link_packet(np.full(61, 1e30)), "not a sane number"),
    (live_link_packet(np.zeros(61), subject=b"x" * 300), "a name does not end"),
    (b"\6\x7f\xff\xff\xff", "a name does not end"),
    (b"\6\xff\xff\xff\xff" + bytes(300), "a name does not end"),
    (live_link_packet(np.zeros(61))[:60], "the frame time is cut off"),
])
def test_a_wrong_packet_is_refused_with_its_reason(packet, says):
    with pytest.raises(ValueError, match=says):
        LiveLinkFaceReader().read(packet)


GOOD = live_link_packet(np.linspace(0, 1, 61), frame=77)


@settings(max_examples=1000)
@given(st.binary(max_size=400) | st.builds(
    lambda cuts, noise: bytes(b ^ n for b, n in zip(GOOD[:cuts], noise.ljust(cuts, b"\0"), strict=False)),
    st.integers(0, len(GOOD)), st.binary(max_size=309),
) | st.builds(
    lambda at, value: GOOD[:at] + struct.pack(">i", value) + GOOD[at + 4:], st.integers(0, 305),
    st.integers(-(1 << 31), (1 << 31) - 1),
))
def test_any_bytes_are_a_frame_or_refused(packet):
    try:
        heard = LiveLinkFaceReader().read(packet)
    except ValueError:
        return
    assert np.isfinite(heard.coefficients).all()
    assert np.isfinite(heard.gaze).all()
    assert np.isfinite(heard.head).all()
    assert heard.time_s is None or np.isfinite(heard.time_s)


def test_a_packet_cannot_make_us_set_much_memory_aside():
    bad = [b"\6" + struct.pack(">i", n) + bytes(65_000) for n in (0x7FFFFFFF, 0x7FFF, 256, -1)]
    tracemalloc.start()
    for packet in bad * 5:
        with pytest.raises(ValueError):
            LiveLinkFaceReader().read(packet)
    assert tracemalloc.get_traced_memory()[1] < 400_000
    tracemalloc.stop()


def test_a_real_performance_sent_as_packets_is_the_one_read_from_its_file(shared):
    path = shared / "data/livelink_take/range_of_motion.csv"
    take = read_live_link(path).raw
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    heard = []
    with open_door("livelink://:0") as door, Phone(door) as phone:
        for row in rows[::10]:
            hours, minutes, seconds, frames = row[0].split(":")
            number = ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 60 + int(float(frames))
            phone.send(live_link_packet([float(v) for v in row[2:]], frame=number, part=float(frames) % 1))
            heard.append(hear(door))
    assert len(heard) > 100
    assert np.array_equal([h.coefficients for h in heard], np.clip(take.coefficients[::10], 0, 1))
    assert np.array_equal([h.gaze for h in heard], take.gaze[::10])
    assert np.array_equal([h.head for h in heard], take.head[::10])
    # These came faster than they were performed, so that after two seconds their clock is not believed.
    clock = np.array([h.time_s for h in heard])
    assert (np.diff(clock) > 0).all()
    assert np.allclose(clock[:7], take.times_s[::10][:7], atol=1e-4)
