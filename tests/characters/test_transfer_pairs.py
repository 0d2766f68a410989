"""Where pairs come from, and what is wrong with them."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from addon.characters.decoder import load_decoder
from addon.characters.transfer_pairs import (
    LEAST,
    PosePairs,
    check_poses,
    decoded_pairs,
    distances,
    fit_of,
    key_pose_pairs,
    nearest_of_class,
    random_expressions,
    unmoved,
)
from addon.core import coefficients
from addon.core.control_set import ControlSet
from addon.core.errors import SemblanceError
from addon.core.key_poses import read_key_poses
from addon.core.rig_profile import find_profile

MORA, GUS, PIP = (find_profile(name) for name in ("Mora", "Gus", "Pip"))


def posed(count: int, seed: int = 0) -> PosePairs:
    pairs = decoded_pairs(MORA, GUS, 200, seed)
    moving = np.flatnonzero(np.abs(MORA.control_set.shares(pairs.source)).max(1) > 0.3)[:count]
    return PosePairs(pairs.source[moving], pairs.target[moving], np.ones(count, np.float32),
                     tuple(f"pose {i}" for i in range(count)))


def test_decoded_pairs_are_the_same_expression_on_both():
    pairs = decoded_pairs(MORA, PIP, 300)
    again = decoded_pairs(MORA, PIP, 300)
    np.testing.assert_array_equal(pairs.target, again.target)
    track = random_expressions(np.random.default_rng(261), 300)
    np.testing.assert_allclose(pairs.source, load_decoder(MORA).decode(track).values)
    np.testing.assert_allclose(pairs.target, load_decoder(PIP).decode(track).values)


def test_random_expressions_are_plausible():
    track = random_expressions(np.random.default_rng(0), 3000)
    values = track.coefficients
    assert values.min() == 0 and values.max() <= 1 and 0.05 < (values.max(1) == 0).mean() < 0.15
    assert (values.max(0) > 0.5).all()
    blink = values[:, [coefficients.INDEX["eyeBlinkLeft"], coefficients.INDEX["eyeBlinkRight"]]]
    both = blink[blink.max(1) > 0.3]
    assert (np.abs(both[:, 0] - both[:, 1]) < 0.11).mean() > 0.6     # mostly both lids, sometimes one
    assert (np.abs(both[:, 0] - both[:, 1]) > 0.25).mean() > 0.1


def test_retrieval_is_the_papers_same_class_then_nearest():
    classes, others = np.array(["joy", "anger", "fear"]), np.array(["anger", "joy", "joy"])
    geometry, other_geometry = np.array([[0.0], [5.0], [1.0]]), np.array([[0.1], [3.0], [2.0]])
    chosen, distance = nearest_of_class(classes, geometry, others, other_geometry)
    # joy takes the nearer joy although anger is nearer still; a class that the target lacks takes what is nearest
    assert chosen.tolist() == [2, 0, 0]
    np.testing.assert_allclose(distance, [2, 4.9, 0.9])
    np.testing.assert_allclose(distances(geometry, other_geometry)[1], [4.9, 2, 3])


def test_pairs_that_fit_worse_than_usual_say_so():
    fit = fit_of(np.array([1.0, 2.0, 2.0, 2.0, 8.0]))
    assert fit[:4].min() == 1 and fit[4] == pytest.approx(1 / 16)
    assert np.isfinite(fit_of(np.zeros(3))).all()


def test_key_poses_are_paired_within_their_class():
    pairs = key_pose_pairs(MORA, GUS)
    poses, others = read_key_poses(MORA), read_key_poses(GUS)
    assert len(pairs) == 70
    for i, target in enumerate(pairs.target):
        same = np.flatnonzero((others.values == target).all(1))
        assert poses.classes[i] in {others.classes[j] for j in same}, pairs.names[i]
    assert "laugh with eyes shut / laughing, eyes shut" in pairs.names


def test_a_rig_without_key_poses_is_told_so(tmp_path):
    with pytest.raises(SemblanceError, match="'Gus' has no key poses"):
        key_pose_pairs(MORA, replace(GUS, path=tmp_path / "profile.toml"))


def test_too_few_poses_are_counted():
    one, other = MORA.control_set, GUS.control_set
    check_poses(posed(LEAST), one, other)
    with pytest.raises(SemblanceError, match="There are 4 different pose pairs and 10 are needed; add 6 more"):
        check_poses(posed(4), one, other)
    four = posed(4)
    repeated = PosePairs(*(np.tile(rows, (5, 1)) for rows in (four.source, four.target)), np.ones(20, np.float32))
    with pytest.raises(SemblanceError, match="There are 4 different"):
        check_poses(repeated, one, other)


def test_contradictory_pairs_are_both_named():
    one, other = MORA.control_set, GUS.control_set
    pairs = posed(12)
    source, target = pairs.source.copy(), pairs.target.copy()
    source[7], target[7] = source[3] * 1.01, np.where(target[3] == other.neutral, other.maximum, other.neutral)
    with pytest.raises(SemblanceError, match="'pose 3' and 'pose 7' contradict each other"):
        check_poses(replace(pairs, source=one.clamped(source), target=target), one, other)


def test_a_face_at_rest_that_must_grin_contradicts_the_neutral():
    one, other = MORA.control_set, GUS.control_set
    pairs = posed(12)
    pairs.source[5], pairs.target[5] = one.neutral, other.maximum
    with pytest.raises(SemblanceError, match="'neutral' and 'pose 5' contradict"):
        check_poses(pairs, one, other)


def test_controls_that_no_pair_moves_are_named():
    one, other = MORA.control_set, GUS.control_set
    pairs = posed(12)
    jaw, brows = one.names.index("jawOpen"), [other.names.index(f"brow_squeeze.{side}") for side in "LR"]
    pairs.source[:, jaw], pairs.target[:, brows[1]] = one.neutral[jaw], other.neutral[brows[1]]
    told = " ".join(unmoved(pairs, one, other))
    assert "'jawOpen' of the source" in told and "brow_squeeze" not in told     # its other side moves, so it will
    pairs.target[:, brows[0]] = other.neutral[brows[0]]
    told = " ".join(unmoved(pairs, one, other))
    assert "'brow_squeeze.L', 'brow_squeeze.R'" in told and "stays neutral" in told
    full = ControlSet((replace(one.controls[0], pair=one.names[0]),))
    assert unmoved(PosePairs(full.maximum[None], full.maximum[None], np.ones(1, np.float32)), full, full) == ()
