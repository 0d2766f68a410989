"""ExprGen's failures, planted: each must be found, told with its frames, and nothing else doubted."""
from __future__ import annotations

import numpy as np

from addon.characters.transfer import train
from addon.characters.transfer_confidence import DOUBTFUL, Judgement, doubts
from addon.characters.transfer_pairs import PosePairs, decoded_pairs
from addon.core.frames import ControlTrack
from addon.core.rig_profile import find_profile

MORA, GUS = (find_profile(name) for name in ("Mora", "Gus"))
PAIRS, ASKED = decoded_pairs(MORA, GUS, 2000), decoded_pairs(MORA, GUS, 400, seed=8)
JAW, BROW = (MORA.control_set.names.index(name) for name in ("jawOpen", "browOuterUpLeft"))


def judged(pairs: PosePairs, values: np.ndarray = ASKED.source) -> Judgement:
    return train(MORA, GUS, pairs).judge(ControlTrack(np.arange(len(values)) / 30, values))


def test_frames_like_the_pairs_are_trusted():
    found = judged(PAIRS)
    assert found.confidence.min() >= 0 and found.confidence.max() <= 1
    assert (found.confidence < DOUBTFUL).mean() < 0.02


def test_a_pose_that_no_pair_has_is_found():
    shut = PAIRS.source[:, JAW] < 0.1
    found = judged(PosePairs(PAIRS.source[shut], PAIRS.target[shut], PAIRS.fit[shut]))
    opened, closed = ASKED.source[:, JAW] > 0.5, ASKED.source[:, JAW] < 0.1
    assert (found.confidence[opened] < DOUBTFUL).all() and set(found.reason[opened]) == {0}
    assert (found.confidence[closed] < DOUBTFUL).mean() < 0.05


def test_poses_whose_pair_goes_together_badly_are_found():
    bad = PAIRS.source[:, JAW] > 0.4
    found = judged(PosePairs(PAIRS.source, PAIRS.target, np.where(bad, 0.1, 1).astype(np.float32)))
    opened, closed = ASKED.source[:, JAW] > 0.7, ASKED.source[:, JAW] < 0.1
    assert np.median(found.confidence[opened]) < DOUBTFUL < np.median(found.confidence[closed])
    assert (found.reason[opened] == 1).mean() > 0.8


def test_a_pose_that_means_two_things_is_found():
    # The same raised brow now goes with one face of Gus, now with quite another.
    controls = GUS.control_set
    raised = PAIRS.source[:, BROW] > 0.4
    other = raised & (np.arange(len(raised)) % 2 == 0)
    target = PAIRS.target.copy()
    target[other] = controls.minimum + controls.maximum - target[other]
    found = judged(PosePairs(PAIRS.source, target, PAIRS.fit))
    asked, calm = ASKED.source[:, BROW] > 0.7, ASKED.source[:, BROW] < 0.1
    assert np.median(found.confidence[asked]) < DOUBTFUL < np.median(found.confidence[calm])
    assert (found.reason[asked] == 2).mean() > 0.8


def test_the_mirror_image_is_trusted_as_much():
    one = judged(PAIRS).confidence
    other = judged(PAIRS, MORA.control_set.mirrored(ASKED.source)).confidence
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_what_is_no_number_is_judged_as_neutral():
    blind = ASKED.source[:1].copy()
    blind[:] = np.nan
    assert judged(PAIRS, blind).confidence[0] > DOUBTFUL


def test_sentences_name_ranges_and_reasons():
    confidence, reason = np.ones(60, np.float32), np.zeros(60, int)
    confidence[[3, 4, 5, 8, 40]] = 0.2      # 5 and 8 are hardly apart
    confidence[20:23], reason[20:23] = 0.1, 2
    told = doubts(Judgement(confidence, reason), np.arange(101, 161), "Mora", "Gus")
    assert told == (
        "Look at frames 104-109, 141: the pairs have no pose of Mora like these.",
        "Look at frames 121-123: poses of Mora like these go with different ones of Gus.",
    )
    assert doubts(Judgement(np.ones(60), reason), np.arange(60), "Mora", "Gus") == ()
    scattered = np.ones(200)
    scattered[::20] = 0
    assert "0, 20, 40, 60 and 6 more stretches" in doubts(
        Judgement(scattered, np.zeros(200, int)), np.arange(200), "Mora", "Gus")[0]
