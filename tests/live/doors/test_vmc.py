import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_packet import OscPacket
from pythonosc.udp_client import SimpleUDPClient

from addon.core import coefficients
from addon.core.frames import head_rotation
from addon.live.doors import VmcOut, open_door
from addon.live.doors.vmc import VmcReader, angles_of, rotation_of

from .making import Phone, an_expression, hear, hear_all, osc_bundle, osc_message

ANGLE = st.floats(-1.5, 1.5)
APPLY = osc_message("/VMC/Ext/Blend/Apply")


def blend(name, value):
    return osc_message("/VMC/Ext/Blend/Val", "sf", name, value)


def bone(name, *rotation):
    return osc_message("/VMC/Ext/Bone/Pos", "sfffffff", name, 0.0, 1.4, 0.0, *rotation)


def read(*contents):
    return VmcReader().read(osc_bundle(*contents, APPLY))


def told(heard):
    return {n: round(float(v), 3) for n, v in zip(coefficients.NAMES, heard.coefficients, strict=True) if v}


def test_what_we_send_is_heard_again_as_it_was():
    with open_door("vmc://:0") as door, VmcOut("127.0.0.1", door.port) as out:
        for seed in range(20):
            sent = an_expression(seed, seed / 30)
            out.send(sent)
            heard = hear(door)
            assert np.allclose(heard.coefficients, sent.coefficients, atol=1e-6)
            assert np.allclose(heard.head, sent.head, atol=1e-5)
            assert np.allclose(heard.gaze, sent.gaze, atol=1e-5)
            assert (heard.confidence, heard.time_s) == (1, pytest.approx(seed / 30, abs=1e-3))
        assert door.warnings == []
    assert out.warnings == []


def test_another_reader_finds_what_the_protocol_asks_for():
    with open_door("osc://:0") as door, VmcOut("127.0.0.1", door.port) as out:
        out.send(an_expression())
        found = [(m.message.address, m.message.params) for m in OscPacket(door._socket.recv(65_535)).messages]
    assert found[0] == ("/VMC/Ext/OK", [1, 3, 0, 1])
    assert found[1] == ("/VMC/Ext/T", [1.5])
    assert [(a, p[0]) for a, p in found[2:5]] == [("/VMC/Ext/Bone/Pos", n) for n in ("Head", "LeftEye", "RightEye")]
    blends = [p[0] for a, p in found if a == "/VMC/Ext/Blend/Val"]
    assert len(blends) == len(set(blends)) == 52
    assert {"BrowInnerUp", "EyeBlinkLeft", "TongueOut"} <= set(blends)
    assert found[-1] == ("/VMC/Ext/Blend/Apply", [])


@given(ANGLE, ANGLE, ANGLE)
def test_angles_and_rotations_are_each_others_inverse(yaw, pitch, roll):
    assert np.allclose(angles_of(rotation_of(yaw, pitch, roll)), [yaw, pitch, roll], atol=1e-6)


@given(ANGLE, ANGLE, ANGLE)
def test_our_rotation_is_the_one_of_frames(yaw, pitch, roll):
    x, y, z, w = rotation_of(yaw, pitch, roll)
    matrix = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])
    assert np.allclose(matrix, head_rotation(np.array([yaw, pitch, roll])), atol=1e-6)


@pytest.mark.parametrize(("axis", "degrees", "head"), [
    # Unity turns left-handed: about y to the avatar's right, about x downwards, about z (to the front) right ear up.
    ("y", 30, (-30, 0, 0)), ("x", 20, (0, -20, 0)), ("z", 10, (0, 0, -10)),
])
def test_unitys_axes(axis, degrees, head):
    half = math.radians(degrees) / 2
    rotation = [math.sin(half) * (axis == a) for a in "xyz"] + [math.cos(half)]
    heard = read(bone("Head", *rotation), bone("LeftEye", *rotation))
    assert np.allclose(np.degrees(heard.head), head, atol=1e-3)
    assert np.allclose(np.degrees(heard.gaze[0]), head[:2], atol=1e-3)


def test_head_is_neck_and_head_together():
    half = math.radians(10) / 2
    turn = (0.0, -math.sin(half), 0.0, math.cos(half))
    assert np.degrees(read(bone("Neck", *turn), bone("Head", *turn)).head[0]) == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "EyeBlinkLeft", "EYEBLINKLEFT"])
def test_perfect_sync_in_any_case(name):
    assert told(read(blend(name, 0.5))) == {"eyeBlinkLeft": 0.5}


def test_arkits_single_channels_fill_both_sides():
    assert told(read(blend("BrowInnerUp", 0.5))) == {"browInnerUpLeft": 0.5, "browInnerUpRight": 0.5}


@pytest.mark.parametrize(("name", "expected"), [
    ("Blink_L", {"eyeBlinkLeft": 0.5}), ("blinkRight", {"eyeBlinkRight": 0.5}),
    ("Blink", {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}), ("U", {"jawOpen": 0.075, "mouthPucker": 0.4}),
    ("ou", {"jawOpen": 0.075, "mouthPucker": 0.4}), ("LookLeft", {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}),
])
def test_expressions_of_every_vrm_avatar(name, expected):
    assert told(read(blend(name, 0.5))) == expected


def test_joy_smiles_and_sorrow_does_not():
    joy, sorrow = told(read(blend("Joy", 1.0))), told(read(blend("sad", 1.0)))
    assert joy["mouthSmileLeft"] > 0.8
    assert sorrow["mouthFrownLeft"] > 0.5
    assert "mouthSmileLeft" not in sorrow


def test_expressions_add_up_to_one_at_most_and_go_again():
    reader = VmcReader()
    reader.read(osc_bundle(blend("A", 1.0), blend("O", 1.0), APPLY))
    assert told(reader.face.heard())["jawOpen"] == 1
    assert told(reader.read(osc_bundle(blend("A", 0.0), blend("O", 0.0), APPLY))) == {}


def test_perfect_sync_wins_over_the_coarse_expressions():
    assert told(read(blend("A", 1.0), blend("Blink", 1.0), blend("JawOpen", 0.25))) == {"jawOpen": 0.25}


def test_an_avatar_with_resting_perfect_sync_shapes_still_speaks():
    assert told(read(blend("JawOpen", 0.0), blend("MouthPucker", 0.0), blend("U", 0.5)))["mouthPucker"] == 0.4


def test_values_count_from_apply_on():
    reader = VmcReader()
    assert told(reader.read(osc_bundle(blend("JawOpen", 0.5), APPLY))) == {"jawOpen": 0.5}
    assert reader.read(osc_bundle(blend("JawOpen", 0.75))) is None
    assert told(reader.read(APPLY)) == {"jawOpen": 0.75}


def test_eyes_follow_from_each_other():
    half = math.radians(10) / 2
    out = (0.0, -math.sin(half), 0.0, math.cos(half))
    by_bone = read(bone("LeftEye", *out), bone("RightEye", *out), blend("A", 0.5))
    assert told(by_bone)["eyeLookOutLeft"] == pytest.approx(math.radians(10) / 0.6, abs=1e-3)
    assert np.allclose(coefficients.gaze_of(by_bone.coefficients), by_bone.gaze, atol=1e-6)
    by_shape = read(blend("EyeLookOutLeft", 0.5), blend("EyeLookInRight", 0.5))
    assert np.allclose(by_shape.gaze[:, 0], 0.3)


def test_eye_bones_that_never_move_tell_nothing():
    rest = (0.0, 0.0, 0.0, 1.0)
    heard = read(bone("LeftEye", *rest), bone("RightEye", *rest), blend("EyeLookOutLeft", 0.5))
    assert heard.gaze[0, 0] == pytest.approx(0.3)
    reader, half = VmcReader(), math.radians(10) / 2
    reader.read(osc_bundle(bone("LeftEye", 0.0, -math.sin(half), 0.0, math.cos(half)), APPLY))
    assert reader.read(osc_bundle(bone("LeftEye", *rest), blend("EyeLookOutLeft", 0.5), APPLY)).gaze[0, 0] == 0


def test_a_sender_without_a_face_has_no_confidence():
    reader = VmcReader()
    assert reader.read(osc_bundle(osc_message("/VMC/Ext/OK", "i", 0), osc_message("/VMC/Ext/T", "f", 1.0), APPLY)
                       ).confidence == 0
    assert reader.read(osc_bundle(blend("JawOpen", 0.5), APPLY)).confidence == 1
    lost = osc_bundle(osc_message("/VMC/Ext/OK", "iiii", 1, 3, 0, 0), blend("JawOpen", 0.5), APPLY)
    assert reader.read(lost).confidence == 0


def test_values_that_are_no_numbers_are_left_out_and_counted():
    reader = VmcReader()
    heard = reader.read(osc_bundle(
        blend("JawOpen", 0.5), blend("MouthPucker", float("nan")), bone("Head", 0.0, 0.0, 0.0, 0.0),
        bone("Head", float("inf"), 0.0, 0.0, 1.0), osc_message("/VMC/Ext/Blend/Val", "ss", "TongueOut", "x"),
        osc_message("/VMC/Ext/Blend/Val", "s", "TongueOut"), osc_message("/VMC/Ext/T", "s", "now"), APPLY,
    ))
    assert told(heard) == {"jawOpen": 0.5}
    assert np.array_equal(heard.head, [0, 0, 0])
    assert reader.ignored == 6


def test_a_frame_in_many_packets_is_one_frame():
    """As senders do that split a body and a face by the network's packet size, or send each message alone."""
    with open_door("vmc://:0") as door, Phone(door) as phone:
        for i in range(5):
            phone.send(osc_bundle(bone("Hips", 0.0, 0.0, 0.0, 1.0), bone("Head", 0.0, 0.0, 0.0, 1.0)),
                       blend("JawOpen", i / 10), blend("MouthPucker", 1 - i / 10), APPLY)
            heard = hear(door)
            assert heard.coefficients[coefficients.INDEX["jawOpen"]] == pytest.approx(i / 10)
            assert heard.coefficients[coefficients.INDEX["mouthPucker"]] == pytest.approx(1 - i / 10)
        assert hear_all(door) == []


def test_a_sender_that_never_applies_is_heard():
    with open_door("vmc://:0") as door:
        client = SimpleUDPClient("127.0.0.1", door.port)
        for i in range(3):
            for name, value in (("JawOpen", i / 10), ("MouthPucker", 0.5)):
                client.send_message("/VMC/Ext/Blend/Val", [name, value])
            assert told(hear(door)) == ({"mouthPucker": 0.5} | ({"jawOpen": i / 10} if i else {}))


@settings(max_examples=150)
@given(st.lists(st.tuples(
    st.sampled_from(["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Bone/Pos", "/VMC/Ext/Blend/Val", "/VMC/Ext/Blend/Apply"]),
    st.lists(st.sampled_from(["Head", "LeftEye", "JawOpen", "A", "Joy", "", "x"]) | st.floats(width=32)
             | st.integers(-2, 9), max_size=9),
), max_size=12))
def test_any_messages_give_a_sane_face(contents):
    packets = [osc_message(address, "".join("s" if isinstance(v, str) else "f" if isinstance(v, float) else "i"
                                            for v in values), *values) for address, values in contents]
    reader = VmcReader()
    for heard in (reader.read(osc_bundle(*packets)), reader.finish()):
        if heard is not None:
            assert (heard.coefficients >= 0).all()
            assert (heard.coefficients <= 1).all()
            assert np.isfinite(heard.head).all()
            assert np.isfinite(heard.gaze).all()
            assert heard.confidence in (0, 1)
