"""Controls follow what their profile says they mean."""
from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.decoder import load_decoder
from addon.characters.meaning_decoder import MeaningDecoder
from addon.core.control_set import SIGNALS, Control, ControlSet, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.rig_profile import RigProfile

from ..core.making import a_track


def control(name: str, meaning: dict[str, float], low=-1.0, high=1.0, neutral=0.0, **more) -> Control:
    return Control(name, ShapeKey(("Face",), name), low, high, neutral, "mouth", name, 1.0, meaning, **more)


def profile(*controls: Control, name: str = "Somebody") -> RigProfile:
    return RigProfile(name, "", None, "", ControlSet(controls), Path())


meanings = st.dictionaries(st.sampled_from(SIGNALS), st.floats(-3, 3), max_size=5)
controls = st.lists(
    st.tuples(meanings, st.floats(-2, 0), st.floats(0.1, 2), st.floats(0, 1)), min_size=1, max_size=6,
)


@settings(max_examples=100)
@given(controls, st.integers(0, 2**31))
def test_each_control_is_its_neutral_and_the_sum_of_its_signals_inside_its_limits(rows, seed):
    made = [
        control(f"c{i}", meaning, low, high, low + share * (high - low))
        for i, (meaning, low, high, share) in enumerate(rows)
    ]
    track = a_track(np.arange(4) / 30, seed)
    decoded = MeaningDecoder(ControlSet(tuple(made))).decode(track)
    np.testing.assert_array_equal(decoded.times_s, track.times_s)
    for t in range(4):
        signals = dict(zip(SIGNALS, [*track.coefficients[t], *track.head[t]], strict=True))
        for value, one in zip(decoded.values[t], made, strict=True):
            moved = sum(amount * signals[s] for s, amount in one.meaning.items())
            assert value == pytest.approx(np.clip(one.neutral + moved, one.minimum, one.maximum), abs=2e-4)


def test_one_frame_is_a_row_of_the_track():
    decoder = MeaningDecoder(ControlSet((control("a", {"jawOpen": 1, "headYaw": 2}), control("b", {"tongueOut": 0.3}))))
    track = a_track(np.arange(6) / 30)
    one = decoder.decode_one(track.row(3))
    assert one.time_s == track.times_s[3] and one.values.dtype == np.float32
    np.testing.assert_allclose(one.values, decoder.decode(track).values[3], atol=1e-6)


def test_a_frame_takes_less_than_a_tenth_of_a_millisecond():
    rows = [control(f"c{i}", {"jawOpen": 0.1, SIGNALS[i % 57]: 1.0}) for i in range(120)]
    decoder, frame = MeaningDecoder(ControlSet(tuple(rows))), a_track(np.arange(2) / 30).row(0)
    best = min(_seconds(lambda: decoder.decode_one(frame)) for _ in range(200))
    assert best < 1e-4


def _seconds(job) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def test_a_rig_without_a_network_uses_its_meaning():
    for name in ("Somebody", "../../etc", "a/b", "", "Pip", "ü 3\0"):
        decoder = load_decoder(profile(control("smile", {"mouthSmileLeft": 1.0}), name=name))
        assert isinstance(decoder, MeaningDecoder) and decoder.stamp == "meaning"


@pytest.mark.parametrize("rows", [
    [control("smile", {})], [control("smile", {"mouthSmileLeft": 1.0}, enabled=False), control("other", {})],
])
def test_nothing_that_means_something_is_one_sentence(rows):
    with pytest.raises(SemblanceError, match="'Somebody' has no decoder .* none of its controls .* has a meaning"):
        load_decoder(profile(*rows))
