"""The text of pose pairs that a user sets: read, written, and what is wrong with it."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.posed_pairs import pairs_text, read_pairs_text, with_pair
from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.core.errors import SemblanceError
from addon.core.rig_profile import find_profile

MORA, GUS = (find_profile(name) for name in ("Mora", "Gus"))
HEAD = 'schema = 1\nsource = "Mora"\ntarget = "Gus"\n'


@settings(max_examples=20)
@given(st.lists(st.text(), unique=True, max_size=6), st.integers(0, 99))
def test_what_is_written_is_read(names, seed):
    pairs = replace(decoded_pairs(MORA, GUS, len(names), seed), names=tuple(names))
    found = read_pairs_text(pairs_text(pairs, MORA, GUS), MORA, GUS, "text")
    assert found.names == pairs.names
    np.testing.assert_allclose(found.source, pairs.source, atol=2e-5)
    np.testing.assert_allclose(found.target, pairs.target, atol=2e-5)


def test_an_empty_text_has_no_pairs():
    assert len(read_pairs_text("", MORA, GUS, "text")) == 0


def test_a_pair_of_the_same_name_is_replaced():
    pose = decoded_pairs(MORA, GUS, 2)
    pairs = read_pairs_text("", MORA, GUS, "text")
    for name, i in (("smile", 0), ("blink", 0), ("smile", 1)):
        pairs = with_pair(pairs, name, pose.source[i], pose.target[i])
    assert pairs.names == ("blink", "smile")
    np.testing.assert_array_equal(pairs.source, pose.source)


@pytest.mark.parametrize(("text", "words"), [
    ("schema = ", "'text' are not valid TOML"),
    ("schema = 2", "schema 2, this Semblance reads 1"),
    (HEAD.replace("Gus", "Pip"), "target is 'Pip', not 'Gus'"),
    (HEAD + "colour = 3", "unknown key 'colour'"),
    (HEAD + "pair = 3", r"must be written as \[\[pair\]\]"),
    (HEAD + "[[pair]]\nname = 'a'", "pair 1 needs exactly"),
    (HEAD + "[[pair]]\nname = 'a'\nsource = 3\ntarget = {}", "'source' of pair 'a' must be a table"),
    (HEAD + "[[pair]]\nname = 'a'\nsource = { jaw = 1 }\ntarget = {}", "of pair 'a': there is no control 'jaw'"),
    (HEAD + "[[pair]]\nname = 'a'\nsource = { jawOpen = 7 }\ntarget = {}", "'jawOpen' needs a number from 0 to 1"),
    (HEAD + "[[pair]]\nname = 'a'\nsource = { jawOpen = true }\ntarget = {}", "found True"),
    (HEAD + "[[pair]]\nname = 'a'\nsource = {}\ntarget = {}\n" * 2, "two pairs are named 'a'"),
])
def test_a_text_that_is_wrong_is_one_sentence(text, words):
    with pytest.raises(SemblanceError, match=words):
        read_pairs_text(text, MORA, GUS, "text")


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.text(max_size=3))
def test_any_text_is_read_or_refused(at, put):
    good = pairs_text(PosePairs(MORA.control_set.maximum[None], GUS.control_set.maximum[None],
                                np.ones(1, np.float32), ("all",)), MORA, GUS)
    at %= len(good)
    try:
        found = read_pairs_text(good[:at] + put + good[at + 1:], MORA, GUS, "text")
    except SemblanceError as caught:
        assert "text" in str(caught)
    else:
        assert np.isfinite(found.source).all() and np.isfinite(found.target).all()
