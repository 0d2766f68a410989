"""Both networks: the paper's to the letter, and what ours promises by construction."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addon.characters.transfer_network import (
    MirroredNetwork,
    PublishedNetwork,
    train_mirrored,
    train_published,
)
from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.core.control_set import Control, ControlSet, ShapeKey
from addon.core.rig_profile import find_profile

MORA, GUS, UNO = (find_profile(name) for name in ("Mora", "Gus", "Uno"))


@st.composite
def control_sets(draw: st.DrawFn) -> ControlSet:
    """One to three controls with both sides and one or two in the middle; what is mirrored goes both ways."""
    def side(i: int) -> list[Control]:
        sign, low = draw(st.sampled_from([1, -1])), draw(st.floats(-3, 1))
        span, rest = draw(st.floats(0.1, 4)), draw(st.sampled_from([0, 0.3, 1]))
        neutral = low + (0.5 if sign < 0 else rest) * span
        names, group = (f"{i}.L", f"{i}.R"), draw(st.sampled_from(["mouth", "brows"]))
        return [Control(name, ShapeKey(("Face",), name), low, low + span, neutral, group, other, sign)
                for name, other in (names, names[::-1])]

    def middle(i: int) -> Control:
        sign, span = draw(st.sampled_from([1, -1])), draw(st.floats(0.1, 4))
        return Control(f"m{i}", ShapeKey(("Face",), f"m{i}"), -span, span, 0, "jaw", f"m{i}", sign)

    sides = [control for i in range(draw(st.integers(1, 3))) for control in side(i)]
    return ControlSet((*sides, *(middle(i) for i in range(draw(st.integers(1, 2))))))


def pairs_of(source: ControlSet, target: ControlSet, count: int, seed: int = 0) -> PosePairs:
    rng = np.random.default_rng(seed)
    shares = rng.uniform(-1, 1, (count, len(source)))
    mixed = np.tanh(shares @ rng.normal(0, 1, (len(source), len(target))))
    return PosePairs(source.from_shares(shares), target.from_shares(mixed), np.ones(count, np.float32))


@settings(max_examples=25)
@given(control_sets(), control_sets(), st.integers(1, 40), st.integers(0, 99))
def test_neutral_mirror_and_limits_hold_whatever_the_pairs_are(source, target, count, seed):
    network = train_mirrored(pairs_of(source, target, count, seed), source, target)
    np.testing.assert_array_equal(network(source.neutral), target.neutral)
    rng = np.random.default_rng(seed)
    wild = (source.neutral + rng.normal(0, 3, (30, len(source)))).astype(np.float32)
    found = network(wild)
    assert (found >= target.minimum).all() and (found <= target.maximum).all()
    inside = source.from_shares(rng.uniform(-1, 1, (30, len(source))))
    expected = target.scaled(target.mirrored(network(inside)))
    np.testing.assert_allclose(target.scaled(network(source.mirrored(inside))), expected, atol=2e-3)


@pytest.mark.parametrize(("source", "target"), [(MORA, GUS), (GUS, UNO)])
def test_a_refined_network_is_mirrored_exactly_too(source, target):
    one, other = source.control_set, target.control_set
    network = train_mirrored(decoded_pairs(source, target, 1500), one, other)
    assert len(network.bias) > 0
    asked = decoded_pairs(source, target, 200, seed=9).source
    found = other.scaled(other.mirrored(network(asked)))
    np.testing.assert_allclose(other.scaled(network(one.mirrored(asked))), found, atol=1e-4)
    np.testing.assert_array_equal(network(one.neutral), other.neutral)


def test_left_stays_left():
    one, other = MORA.control_set, GUS.control_set
    network = train_mirrored(decoded_pairs(MORA, GUS, 2000), one, other)
    pose = one.neutral.copy()
    pose[one.names.index("eyeBlinkLeft")] = 1
    moved = other.scaled(network(pose)) - other.scaled(other.neutral)
    sides = {name: abs(moved[i]) for i, name in enumerate(other.names) if "lid" in name}
    left = max(size for name, size in sides.items() if "L" in name)
    right = max(size for name, size in sides.items() if "L" not in name)
    assert left > 0.8 and right < 0.1 * left


def test_ours_finds_what_the_paper_has_not_learned_from_the_same_pairs():
    one, other = GUS.control_set, MORA.control_set
    pairs, asked = decoded_pairs(GUS, MORA, 3000), decoded_pairs(GUS, MORA, 500, seed=9)
    ours = train_mirrored(pairs, one, other)
    theirs = train_published(pairs, one, other, epochs=30)
    errors = [np.abs(other.scaled(each(asked.source)) - other.scaled(asked.target)).mean() for each in (ours, theirs)]
    assert errors[0] < 0.6 * errors[1] < 0.1


def test_what_is_no_number_counts_as_neutral():
    one, other = MORA.control_set, UNO.control_set
    network = train_mirrored(decoded_pairs(MORA, UNO, 700), one, other)
    pose = decoded_pairs(MORA, UNO, 1, seed=3).source[0]
    blind = pose.copy()
    blind[4] = np.nan
    pose[4] = one.neutral[4]
    np.testing.assert_array_equal(network(blind), network(pose))


def test_the_published_network_is_the_papers():
    one, other = MORA.control_set, UNO.control_set
    pairs = decoded_pairs(MORA, UNO, 40)
    network = train_published(pairs, one, other, epochs=2)
    middle = (len(one) + len(other)) // 2
    assert network.weights.shape == (len(one), middle) and network.output.shape == (middle, len(other))
    # one batch of ten by hand, from the same start
    ten = PosePairs(pairs.source[:10], pairs.target[:10], pairs.fit[:10])
    start, after = (train_published(ten, one, other, epochs=epochs) for epochs in (0, 1))
    x, y = one.scaled(ten.source), other.scaled(ten.target)

    def loss(output: np.ndarray) -> float:
        found = np.tanh(x @ start.weights + start.bias) @ output + start.output_bias
        return float(((found - y) ** 2).sum(1).mean())

    slope = np.zeros(3)
    for i in range(3):
        step = np.zeros_like(start.output)
        step[i, i] = 1e-2
        slope[i] = (loss(start.output + step) - loss(start.output - step)) / 2e-2
    np.testing.assert_allclose((after.output - start.output)[range(3), range(3)], -0.005 * slope, rtol=0.02, atol=1e-6)


def test_networks_take_any_number_of_axes():
    one, other = MORA.control_set, UNO.control_set
    for network in (train_mirrored(decoded_pairs(MORA, UNO, 50), one, other),
                    train_published(decoded_pairs(MORA, UNO, 50), one, other, epochs=1)):
        values = decoded_pairs(MORA, UNO, 6, seed=1).source
        many = network(values)
        assert many.dtype == np.float32 and isinstance(network, MirroredNetwork | PublishedNetwork)
        np.testing.assert_allclose(network(values[2]), many[2], atol=1e-5)
        np.testing.assert_allclose(network(values.reshape(2, 3, -1)).reshape(6, -1), many, atol=1e-5)
