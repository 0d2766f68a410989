from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.core.coefficients import INDEX
from addon.core.errors import SemblanceError
from addon.core.smoothing import LiveSmoother, OneEuro, Smoothing, smooth

from .making import a_track


def a_signal(values, name="jawOpen", fps=30):
    track = a_track(np.arange(len(values)) / fps)
    coefficients = np.zeros_like(track.coefficients)
    coefficients[:, INDEX[name]] = values
    return replace(track, coefficients=coefficients)


def live(values, name):
    smoother, track = LiveSmoother(Smoothing()), a_signal(values, name)
    return np.array([smoother(track.row(i)).coefficients[INDEX[name]] for i in range(len(track))])


def test_rest_is_steadier_than_a_fiftieth():
    noise = 0.3 + np.random.default_rng(0).normal(0, 0.01, 300)
    for name in INDEX:
        raw = a_signal(noise, name).coefficients[:, INDEX[name]]
        done = smooth(a_signal(noise, name), Smoothing()).coefficients[:, INDEX[name]]
        assert np.abs(np.diff(done, 2)).mean() < 0.02 * np.abs(np.diff(raw, 2)).mean(), name


def test_live_rest_is_steady_and_live_movement_is_hardly_late():
    noise = 0.3 + np.random.default_rng(0).normal(0, 0.01, 300)
    rise = 1 / (1 + np.exp(-(np.arange(300) - 150) / 2))
    for name in ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft"):
        at_rest, rising = (live(values, name) for values in (noise, rise))
        assert np.abs(np.diff(at_rest, 2)).mean() < 0.12 * np.abs(np.diff(noise, 2)).mean(), name
        assert np.interp(0.5, rising, np.arange(300)) - 150 < 1, name


def test_a_blink_keeps_its_peak_and_its_moment():
    blink = np.zeros(60)
    blink[28:33] = [0.5, 1, 1, 0.9, 0.4]  # about 0.17 s, as people blink
    done = smooth(a_signal(blink, "eyeBlinkLeft"), Smoothing()).coefficients[:, INDEX["eyeBlinkLeft"]]
    assert done.max() >= 0.9
    assert 28 <= done.argmax() <= 31


def test_a_whole_take_is_smoothed_without_lag():
    rise = 1 / (1 + np.exp(-(np.arange(120) - 60) / 3))
    done = smooth(a_signal(rise), Smoothing()).coefficients[:, INDEX["jawOpen"]]
    assert abs(np.interp(0.5, done, np.arange(120)) - 60) < 0.5


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0, 5))
def test_values_stay_inside_what_was_seen(values, strength):
    done = smooth(a_signal(np.array(values)), Smoothing(strength)).coefficients[:, INDEX["jawOpen"]]
    assert done.min() >= min(values) - 1e-5 and done.max() <= max(values) + 1e-5


def test_uneven_time_steps_are_honoured():
    # A constant slope sampled unevenly must not become a staircase.
    times = np.cumsum(np.random.default_rng(1).uniform(0.005, 0.08, 200))
    track = replace(a_track(times), coefficients=np.repeat((times / times[-1])[:, None], 54, 1).astype(np.float32))
    done = smooth(track, Smoothing()).coefficients[20:-20, INDEX["jawOpen"]]
    slope = np.diff(done) / np.diff(times[20:-20])
    assert slope.min() > 0.5 / times[-1] and slope.max() < 2 / times[-1]


def test_strength_zero_is_raw_and_live_is_causal():
    track = a_signal(np.random.default_rng(0).random(20))
    assert smooth(track, Smoothing(0)) is track
    a, b = LiveSmoother(Smoothing()), LiveSmoother(Smoothing())
    first = [a(track.row(i)).coefficients for i in range(10)]
    again = [b(track.row(i)).coefficients for i in range(20)][:10]
    assert np.array_equal(first, again)


def test_settings_survive_json():
    settings = replace(Smoothing(0.5), jaw=OneEuro(3.0, 1.0))
    assert Smoothing.from_json(settings.to_json()) == settings
    assert Smoothing.from_json({}) == Smoothing()
    with pytest.raises(SemblanceError):
        Smoothing(-1)
