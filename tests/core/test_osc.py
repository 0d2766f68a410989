import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from addon.core.osc import MOST_MESSAGES, bundle, messages
from tests.live.doors.making import osc_bundle, osc_message


def test_bytes_of_the_osc_documents_examples():
    # opensoundcontrol.org, "OSC 1.0 examples".
    oscillator = b"/oscillator/4/frequency\0,f\0\0" + bytes.fromhex("43dc0000")
    assert messages(oscillator) == [("/oscillator/4/frequency", [440.0])]
    foo = b"/foo\0\0\0\0,iisff\0\0" + bytes.fromhex("000003e8 ffffffff 68656c6c 6f000000 3f9df3b6 40b5b22d")
    (address, arguments), = messages(foo)
    assert address == "/foo"
    assert arguments[:3] == [1000, -1, "hello"]
    assert arguments[3:] == pytest.approx([1.234, 5.678])


def test_a_bundle_is_what_the_documents_say():
    made = bundle([("/a", [0.5]), ("/b", ["x", 3])])
    assert made == osc_bundle(osc_message("/a", "f", 0.5), osc_message("/b", "si", "x", 3))
    assert [m.address for m in OscBundle(made)] == ["/a", "/b"]


NAMES = st.text(st.characters(min_codepoint=48, max_codepoint=122), min_size=1, max_size=20).map(lambda t: "/" + t)
ARGUMENTS = st.lists(st.floats(width=32) | st.integers(-(1 << 30), 1 << 30) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=20), max_size=8)


@settings(max_examples=200)
@given(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=8))
def test_what_is_built_is_read_again(contents):
    assert repr(messages(bundle(contents))) == repr([(address, list(values)) for address, values in contents])


@settings(max_examples=200)
@given(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=8))
def test_python_osc_reads_what_we_build_and_we_what_it_builds(contents):
    built = OscBundleBuilder(IMMEDIATELY)
    for address, arguments in contents:
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(argument)
        built.add_content(message.build())
    theirs = built.build().dgram
    assert bundle(contents) == theirs
    read = [(each.message.address, each.message.params) for each in OscPacket(bundle(contents)).messages]
    assert repr(messages(theirs)) == repr(read)


@pytest.mark.parametrize("argument", [True, False, 1 << 40, 0.1])
def test_arguments_of_any_width_are_read(argument):
    tag = "d" if isinstance(argument, float) else "h" if argument > 1 else None
    message = OscMessageBuilder("/a")
    message.add_arg(argument, tag)
    assert messages(message.build().dgram) == [("/a", [argument])]


def test_bundles_in_bundles_are_read_in_order():
    inner = osc_bundle(osc_message("/b", "f", 2.0), osc_message("/c", "f", 3.0))
    packet = osc_bundle(osc_message("/a", "f", 1.0), inner, osc_message("/d", "f", 4.0))
    assert [address for address, _ in messages(packet)] == ["/a", "/b", "/c", "/d"]


def test_messages_of_other_kinds_are_left_out():
    packet = osc_bundle(b"/blob\0\0\0,b\0\0\0\0\0\4abcd", osc_message("/a", "f", 1.0), b"/time\0\0\0,t\0\0" + bytes(8))
    assert messages(packet) == [("/a", [1.0])]


def test_a_message_without_type_tags_is_read():
    assert messages(b"/VMC/Ext/Blend/Apply\0\0\0\0") == [("/VMC/Ext/Blend/Apply", [])]


@pytest.mark.parametrize("size", [0, -4, -1, 3, 1 << 30, -(1 << 31)])
def test_sizes_that_would_lead_round_in_circles_are_refused(size):
    packet = b"#bundle\0" + bytes(8) + size.to_bytes(4, "big", signed=True) + osc_message("/a", "f", 1.0)
    begin = time.monotonic()
    with pytest.raises(ValueError, match="cut off"):
        messages(packet)
    assert time.monotonic() - begin < 1


def test_bundles_nested_without_end_are_refused():
    packet = osc_message("/a", "f", 1.0)
    for _ in range(2000):
        packet = osc_bundle(packet)
    with pytest.raises(ValueError, match="too deep"):
        messages(packet)


def test_the_largest_packets_are_read_quickly_and_without_much_memory():
    small = osc_message("/a", "f", 1.0)
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than"):
        messages(osc_bundle(*[small] * (MOST_MESSAGES + 1)))
    assert len(messages(osc_bundle(*[small] * MOST_MESSAGES))) == MOST_MESSAGES
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


GOOD = osc_bundle(osc_message("/face/jawOpen", "f", 0.5), osc_message("/VMC/Ext/Blend/Val", "sf", "A", 1.0),
                  osc_bundle(osc_message("/W", "if", 3, 0.5)))


@settings(max_examples=1000)
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda b: b"#bundle\0" + b)
       | st.binary(max_size=100).map(lambda b: b"/face/jawOpen\0\0\0," + b) | st.builds(
    lambda cut, noise: bytes(b ^ n for b, n in zip(GOOD[:cut], noise.ljust(cut, b"\0"), strict=False)),
    st.integers(0, len(GOOD)), st.binary(max_size=len(GOOD)),
))
def test_any_bytes_are_messages_or_refused(packet):
    try:
        found = messages(packet)
    except ValueError:
        return
    assert all(address.startswith("/") for address, _ in found)


def test_words_of_no_language_are_refused():
    with pytest.raises(ValueError, match="cut off"):
        messages(b"/a\0\0,s\0\0\xff\xff\xff\0")
