"""From a phone's packets to a character's controls, all parts real."""
import numpy as np
import pytest

from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.characters.style import Style
from addon.core.coefficients import INDEX
from addon.core.frames import stack
from addon.core.rig_profile import find_profile
from addon.expression.encoder import Encoder
from addon.live.casting import Cast, CastMember
from addon.live.doors import open_door
from addon.live.live_performance import LivePerformance
from addon.live.live_settings import LiveSettings

from .making import Phone, hear, live_link_packet, osc_bundle, osc_message

JAW_OPEN, BLINK_LEFT = 17, 0


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


@pytest.fixture
def performance(encoder):
    made = LivePerformance(encoder)
    made.settings = LiveSettings(smoothing=0.0)
    return made


def a_face(**places):
    values = np.zeros(61, np.float32)
    for place, value in places.items():
        values[{"jaw": JAW_OPEN, "blink": BLINK_LEFT}[place]] = value
    return values


def settled(performance, cast, door, phone, packet):
    """The controls after half a second of the same."""
    for i in range(30):
        phone.send(packet(i))
        moment = performance.hear(hear(door))
        frames = cast.play({0: moment.expression})
    return moment, frames


@pytest.mark.parametrize("name", ["Pip", "Gus"])
def test_a_phone_plays_a_character(performance, name):
    profile = find_profile(name)
    cast = Cast([CastMember("a", profile)])
    with open_door("livelink://:0") as door, Phone(door) as phone:
        face = a_face(jaw=0.8, blink=1.0)
        moment, frames = settled(performance, cast, door, phone, lambda i: live_link_packet(face, frame=i))
    assert moment.expression.coefficients[INDEX["jawOpen"]] == pytest.approx(0.8, abs=1e-3)
    alone = act(stack([moment.expression]), load_decoder(profile), profile.control_set, Style())
    assert np.allclose(frames["a"].values, alone.values[0])
    moved = np.abs(profile.control_set.shares(frames["a"].values))
    assert moved.max() > 0.5


def test_a_phone_and_an_osc_patch_play_the_same(encoder):
    profile = find_profile("Pip")
    played = []
    for address, packet in (
        ("livelink://:0", lambda i: live_link_packet(a_face(jaw=0.6, blink=0.5), frame=i)),
        ("osc://:0", lambda i: osc_bundle(osc_message("/face/jawOpen", "f", 0.6),
                                          osc_message("/face/eyeBlinkLeft", "f", 0.5),
                                          osc_message("/face/time", "f", i / 60))),
    ):
        performance = LivePerformance(encoder)
        with open_door(address) as door, Phone(door) as phone:
            _, frames = settled(performance, Cast([CastMember("a", profile)]), door, phone, packet)
        played.append(frames["a"].values)
    assert np.allclose(played[0], played[1], atol=1e-4)


def test_a_phone_that_sees_no_face_lets_the_character_come_to_rest(performance):
    profile = find_profile("Pip")
    cast = Cast([CastMember("a", profile)])
    with open_door("livelink://:0") as door, Phone(door) as phone:
        settled(performance, cast, door, phone, lambda i: live_link_packet(a_face(jaw=1.0), frame=i))
        for i in range(30, 130):
            phone.send(live_link_packet(None, frame=i))
            moment = performance.hear(hear(door))
    assert moment.raw.confidence == 0
    assert moment.expression.coefficients.max() < 0.01
