import socket
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.core import coefficients
from addon.core.errors import SemblanceError
from addon.live.doors import ifacialmocap, is_door, open_door
from addon.live.doors.ifacialmocap import GREETING, IFacialMocapReader

from .making import hear

# As the apps' documents have it (shortened).
OLD = (b"mouthSmile_R-0|eyeLookOut_L-0|eyeLookDown_L-17|eyeLookDown_R-17|eyeLookIn_R-6|eyeLookIn_L-4|cheekPuff-2|"
       b"jawOpen-12|mouthLeft-1|=head#-21.488958,-6.038993,-6.6019735,-0.030653415,-0.10287084,-0.6584072|"
       b"rightEye#6.0297494,2.4403017,0.25649446|leftEye#6.034903,-1.6660284,-0.17520553|")
NEW = (b"eyeLookOutLeft&3|mouthPressRight&14|browInnerUp&19|FM_SAD&0|eyeLookInRight&15|eyeLookDownLeft&36|"
       b"=head#-22.167973,0.45402408,-4.8798294,-0.039975993,-0.048437987,-0.45562273|"
       b"rightEye#12.759762,5.527712,1.2244859|leftEye#12.862795,1.264116,0.28145725|")


def told(heard):
    return {n: round(float(v), 3) for n, v in zip(coefficients.NAMES, heard.coefficients, strict=True) if v}


def test_the_documents_example():
    heard = IFacialMocapReader().read(OLD)
    assert told(heard) == {"eyeLookDownLeft": 0.17, "eyeLookDownRight": 0.17, "eyeLookInRight": 0.06, "jawOpen": 0.12,
                           "eyeLookInLeft": 0.04, "cheekPuffLeft": 0.02, "cheekPuffRight": 0.02, "mouthLeft": 0.01}
    assert np.allclose(np.degrees(heard.head), [-6.038993, 21.488958, -6.6019735], atol=1e-4)


@pytest.mark.parametrize("packet", [OLD, NEW])
def test_eyes_turn_where_the_channels_look(packet):
    heard = IFacialMocapReader().read(packet)
    by_channels = coefficients.gaze_of(heard.coefficients)
    assert (np.sign(heard.gaze[:, 1]) == -1).all()
    assert np.sign(heard.gaze[1, 0]) == np.sign(by_channels[1, 0]) == 1
    assert np.sign(heard.gaze[0, 0]) == np.sign(by_channels[0, 0])


def test_the_newer_way_of_writing():
    found = told(IFacialMocapReader().read(NEW))
    assert found["mouthPressRight"] == 0.14
    assert found["browInnerUpLeft"] == found["browInnerUpRight"] == 0.19


@pytest.mark.parametrize("packet", [b"", b"hello", b"a" * 9000, b"jawOpened-3|", GREETING])
def test_other_packets_are_refused(packet):
    with pytest.raises(ValueError, match="no words of iFacialMocap|longer than a face"):
        IFacialMocapReader().read(packet)


def test_angles_that_are_no_numbers_are_left_out_and_counted():
    reader = IFacialMocapReader()
    heard = reader.read(b"jawOpen-50|=head#x,nan,3.0|leftEye#|")
    assert np.allclose(np.degrees(heard.head), [0, 0, 3], atol=1e-4)
    assert reader.ignored == 3


@settings(max_examples=500)
@given(st.binary(max_size=400) | st.builds(
    lambda cut, noise: bytes(b ^ n for b, n in zip(OLD[:cut], noise.ljust(cut, b"\0"), strict=False)),
    st.integers(0, len(OLD)), st.binary(max_size=40),
) | st.text("abcjawOpen_LR-&|=head#,0123456789.", max_size=80).map(lambda text: ("jawOpen-1|" + text).encode()))
def test_any_bytes_are_a_frame_or_refused(packet):
    try:
        heard = IFacialMocapReader().read(packet)
    except ValueError:
        return
    assert ((heard.coefficients >= 0) & (heard.coefficients <= 1)).all()
    assert np.isfinite(heard.head).all()
    assert np.isfinite(heard.gaze).all()


def test_a_phone_is_greeted_until_it_speaks_and_alone_is_heard(monkeypatch):
    monkeypatch.setattr(ifacialmocap, "PORT", 0)
    monkeypatch.setattr(ifacialmocap, "GREET_S", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        with open_door(f"ifacialmocap://127.0.0.1:{phone.getsockname()[1]}") as door:
            assert door.info.kind == "ifacialmocap"
            assert "address that it shows" in door.hint
            assert hear(door, 0.2) is None
            for _ in range(2):
                greeting, computer = phone.recvfrom(1000)
                assert greeting == GREETING
            phone.sendto(OLD, computer)
            assert told(hear(door))["jawOpen"] == 0.12
            assert door.hint == ""
            door._phone = ("127.0.0.2", 1)
            phone.sendto(OLD, computer)
            assert hear(door, 0.1) is None


def test_its_addresses():
    assert is_door("ifacialmocap://192.168.0.9")
    with pytest.raises(SemblanceError, match="No phone is named: write the one that its app shows"):
        open_door("ifacialmocap://")
    with pytest.raises(SemblanceError, match="'no.such.phone.invalid' in .* is not a known address"):
        open_door("ifacialmocap://no.such.phone.invalid")


def test_a_taken_port_is_told_without_a_way_that_the_app_does_not_know(monkeypatch):
    with open_door("osc://0.0.0.0:0") as other:
        monkeypatch.setattr(ifacialmocap, "PORT", other.port)
        with pytest.raises(SemblanceError, match="close that; this sender knows no other port"):
            open_door("ifacialmocap://127.0.0.1")


def test_a_frame_is_read_fast():
    reader = IFacialMocapReader()
    begin = time.perf_counter()
    for _ in range(100):
        reader.read(OLD)
    assert time.perf_counter() - begin < 0.5
