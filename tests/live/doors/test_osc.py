import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from addon.core import coefficients
from addon.core.control_set import Control, ControlSet, CustomProperty
from addon.core.errors import SemblanceError
from addon.core.frames import ControlFrame
from addon.live.doors import OscOut, open_door
from addon.live.doors.osc import OscFaceReader

from .making import Phone, an_expression, hear, hear_all, osc_bundle, osc_message


def told(heard):
    return {n: round(float(v), 3) for n, v in zip(coefficients.NAMES, heard.coefficients, strict=True) if v}


def a_control(name):
    return Control(name, CustomProperty("", name), -2, 2, 0, "mouth", name, 1)


def read(*contents):
    reader = OscFaceReader()
    return reader.read(osc_bundle(*contents)) or reader.finish()


def test_what_we_send_is_heard_again_as_it_was():
    with open_door("osc://:0") as door, OscOut("127.0.0.1", door.port) as out:
        for seed in range(20):
            sent = an_expression(seed, seed / 30)
            out.send(sent)
            heard = hear(door)
            assert np.array_equal(heard.coefficients, sent.coefficients)
            assert np.array_equal(heard.head, sent.head)
            assert np.array_equal(heard.gaze, sent.gaze)
            assert (heard.confidence, heard.time_s) == (1, pytest.approx(seed / 30, abs=1e-3))
        assert door.warnings == []


def test_controls_go_out_in_rig_units_below_the_characters_name():
    controls = ControlSet((a_control("Jaw open"), a_control("brow/L #1")))
    frame = ControlFrame(0.0, np.array([0.25, -1.5], np.float32))
    with open_door("osc://:0") as door, OscOut("127.0.0.1", door.port) as out:
        out.send_controls("Pip the 2nd", frame, controls)
        found = [(m.message.address, m.message.params) for m in OscPacket(door._socket.recv(65_535)).messages]
    assert found == [("/Pip_the_2nd/Jaw_open", [0.25]), ("/Pip_the_2nd/brow_L__1", [-1.5])]


@pytest.mark.parametrize("name", ["jawOpen", "jawopen", "JawOpen"])
def test_names_in_any_case(name):
    assert told(read(osc_message(f"/face/{name}", "f", 0.5))) == {"jawOpen": 0.5}


@pytest.mark.parametrize(("tag", "value", "expected"), [("i", 1, 1), ("d", 0.25, 0.25), ("f", 1.5, 1), ("f", -1, 0)])
def test_numbers_of_any_kind_between_0_and_1(tag, value, expected):
    assert told(read(osc_message("/face/jawOpen", tag, value))).get("jawOpen", 0) == expected


def test_our_two_sides_can_be_told_apart_and_arkits_together():
    assert told(read(osc_message("/face/cheekPuffLeft", "f", 0.5))) == {"cheekPuffLeft": 0.5}
    assert told(read(osc_message("/face/cheekPuff", "f", 0.5))) == {"cheekPuffLeft": 0.5, "cheekPuffRight": 0.5}


@pytest.mark.parametrize(("index", "name"), [(1, "browDownLeft"), (13, "eyeBlinkLeft"), (24, "jawOpen"),
                                             (30, "mouthLeft"), (51, "tongueOut")])
def test_face_caps_numbers(index, name):
    assert told(read(osc_message("/W", "if", index, 0.5))) == {name: 0.5}


def test_face_caps_angles():
    heard = read(osc_message("/HT", "fff", 1.0, 2.0, 3.0), osc_message("/HR", "fff", 10.0, 20.0, 30.0),
                 osc_message("/ELR", "ff", 5.0, -6.0), osc_message("/ERR", "ff", 7.0, 8.0))
    assert np.allclose(np.degrees(heard.head), [20, -10, 30])
    assert np.allclose(np.degrees(heard.gaze), [[-6, -5], [8, -7]])
    assert told(heard)["eyeLookInLeft"] == pytest.approx(math.radians(6) / 0.6, abs=1e-3)


def test_values_that_are_no_numbers_are_left_out_and_counted():
    reader = OscFaceReader()
    reader.read(osc_bundle(
        osc_message("/face/jawOpen", "f", 0.5), osc_message("/face/tongueOut", "f", float("nan")),
        osc_message("/face/mouthPucker", "s", "x"), osc_message("/face/mouthPucker"), osc_message("/W", "if", 52, 1.0),
        osc_message("/W", "if", -1, 1.0), osc_message("/HR", "ff", 1.0, 2.0), osc_message("/face/nose", "f", 1.0),
    ))
    assert told(reader.finish()) == {"jawOpen": 0.5}
    assert reader.ignored == 6


def test_messages_of_other_things_do_not_take_the_door():
    with open_door("osc://:0") as door, Phone(door) as mixer, Phone(door) as phone:
        mixer.send(osc_message("/volume", "f", 1.0))
        phone.send(osc_message("/face/jawOpen", "f", 0.5))
        assert told(hear(door)) == {"jawOpen": 0.5}
        assert door.warnings == []


def test_single_messages_make_whole_frames():
    """Sixty messages each on its own: a frame is not given out half."""
    names = coefficients.NAMES
    with open_door("osc://:0") as door:
        client = SimpleUDPClient("127.0.0.1", door.port)
        for i in range(1, 6):
            for name in names:
                client.send_message(f"/face/{name}", i / 10)
            assert np.allclose(hear(door).coefficients, i / 10)
        assert hear_all(door) == []


def test_a_frame_in_three_bundles_is_given_out_once():
    reader = OscFaceReader()
    given_out = []
    for i in range(1, 5):
        for part in range(3):
            names = coefficients.NAMES[part * 18:part * 18 + 18]
            heard = reader.read(osc_bundle(*(osc_message(f"/face/{name}", "f", i / 10) for name in names)))
            given_out += [] if heard is None else [heard.coefficients]
    # The first is known to be over when the second begins; from then on their length is known.
    assert np.allclose([c.mean() for c in given_out], [0.1, 0.2, 0.3, 0.4])
    assert all(np.ptp(c) == 0 for c in given_out)


def test_a_lost_packet_costs_no_later_frame():
    reader = OscFaceReader()
    given_out = []
    for i in range(1, 7):
        for part in range(3):
            if (i, part) != (3, 1):
                names = coefficients.NAMES[part * 18:part * 18 + 18]
                heard = reader.read(osc_bundle(*(osc_message(f"/face/{name}", "f", i / 10) for name in names)))
                given_out += [] if heard is None else [heard.coefficients]
    assert np.allclose(given_out[-1], 0.6)
    assert all(np.ptp(c) == 0 for c in given_out[-2:])


def test_a_bundle_is_given_out_at_once(monkeypatch):
    with open_door("osc://:0") as door, OscOut("127.0.0.1", door.port) as out:
        out.send(an_expression(0))
        hear(door)
        monkeypatch.setattr("addon.live.doors.door.GAP_S", 60.0)  # what would have to be waited for otherwise
        for seed in range(1, 5):
            out.send(an_expression(seed, seed / 60))
            assert hear(door, 10) is not None


def test_nobody_listening_stops_nothing():
    with OscOut("127.0.0.1", 9) as out:
        for seed in range(3):
            out.send(an_expression(seed))


def test_a_host_that_does_not_exist_is_refused_in_words():
    with pytest.raises(SemblanceError, match="'no.such.host.invalid:9000' is no address to send to"):
        OscOut("no.such.host.invalid")


@settings(max_examples=150)
@given(st.lists(st.tuples(
    st.sampled_from(["/face/jawOpen", "/face/headYaw", "/face/time", "/face/confidence", "/W", "/HR", "/ELR", "/face/",
                     "/face", "/"]),
    st.lists(st.sampled_from(["", "x"]) | st.floats(width=32) | st.integers(-2, 60), max_size=4),
), max_size=12))
def test_any_messages_give_a_sane_face(contents):
    packets = [osc_message(address, "".join("s" if isinstance(v, str) else "f" if isinstance(v, float) else "i"
                                            for v in values), *values) for address, values in contents]
    heard = read(*packets) if packets else OscFaceReader().finish()
    assert (heard.coefficients >= 0).all()
    assert (heard.coefficients <= 1).all()
    assert np.isfinite(heard.head).all()
    assert np.isfinite(heard.gaze).all()
    assert 0 <= heard.confidence <= 1
