"""Numbers on the command line: within bounds, or one sentence."""
from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.commands.arguments import add_face_arguments, face_box, file_ending, number_in, seconds, whole_number
from addon.tracking.region import FaceBox


@given(st.integers(-3, 90))
def test_numbers_within_the_bounds_are_read(number):
    assert whole_number(-3, 90)(str(number)) == number


@pytest.mark.parametrize("text", ["2", "91", "-3", "3.5", "", "three", " 3"])
def test_others_are_told(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a size from 3 to 90 px"):
        whole_number(3, 90, "a size", " px")(text)


def test_decimals_have_a_point_or_a_comma():
    assert seconds("12,5") == seconds("12.5") == 12.5 and number_in(0, 2, "strength")("0,5") == 0.5
    with pytest.raises(argparse.ArgumentTypeError, match="'1,5,2' is not a number of seconds"):
        seconds("1,5,2")


@pytest.mark.parametrize("text", ["film.mp4", "take", "slate.take.blend", ".take/clip"])
def test_a_file_to_write_says_what_it_is(text):
    assert file_ending(".npz", ".take")("a/Slate.TAKE").name == "Slate.TAKE"
    with pytest.raises(argparse.ArgumentTypeError, match=r"does not end in \.npz or \.take"):
        file_ending(".npz", ".take")(text)


@given(st.lists(st.integers(1, 49), min_size=4, max_size=4))
def test_a_box_is_read_back_as_it_was_told(numbers):
    box = FaceBox(*(number / 100 for number in numbers))
    assert box.percent == ",".join(map(str, numbers))
    assert face_box(box.percent) == box


@pytest.mark.parametrize(("text", "said"), [
    ("", "is not four numbers such as"), ("1,2,3", "is not four numbers"), ("1,2,3,4,5", "is not four numbers"),
    ("a,b,c,d", "is not four numbers"), ("60,0,50,50", "must lie inside the picture"), ("0,0,nan,5", "must lie inside"),
    ("0,0,inf,5", "must lie inside"), ("-5,0,50,50", "must lie inside"), ("0,0,0,50", "not be empty"),
])
def test_what_is_no_box_is_told(text, said, capsys):
    parser = argparse.ArgumentParser()
    add_face_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([f"--box={text}"])
    assert said in capsys.readouterr().err
