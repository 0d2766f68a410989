"""Several characters at once, each in its own way."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addon.characters.acting import act
from addon.characters.decoder import load_decoder
from addon.characters.style import Style
from addon.characters.transfer import train, write_transfer
from addon.characters.transfer_pairs import decoded_pairs
from addon.core.frames import stack
from addon.core.rig_profile import RigProfile, find_profile
from addon.live import casting
from addon.live.casting import Cast, CastMember

from .making import an_expression

SMILE = an_expression(1.5, mouthSmileLeft=0.6, jawOpen=0.3, head=0.2)


@pytest.fixture(scope="module")
def ada() -> RigProfile:
    return find_profile("Ada")


@pytest.fixture(scope="module")
def gus() -> RigProfile:
    return find_profile("Gus")


def test_each_plays_its_face_in_its_way(ada: RigProfile, gus: RigProfile) -> None:
    cast = Cast([
        CastMember("a", ada), CastMember("a2", ada, Style(0.5), mirror=True), CastMember("g", gus, face=1),
    ])
    frown = an_expression(1.6, mouthFrownLeft=0.8)
    frames = cast.play({0: SMILE, 1: frown})
    assert cast.problems == [] and list(frames) == ["a", "a2", "g"]
    for name, profile, expression, style, mirror in (("a", ada, SMILE, Style(), False),
                                                     ("a2", ada, SMILE, Style(0.5), True),
                                                     ("g", gus, frown, Style(), False)):
        track = act(stack([expression]), load_decoder(profile), profile.control_set, style, mirror)
        assert np.array_equal(frames[name].values, track.values[0]), name
        assert frames[name].time_s == expression.time_s
    assert np.abs(frames["a"].values - frames["a2"].values).max() > 0.1


def test_whose_face_is_absent_stays_as_it_was(ada: RigProfile, gus: RigProfile) -> None:
    cast = Cast([CastMember("a", ada), CastMember("g", gus, face=1)])
    assert list(cast.play({0: SMILE})) == ["a"]
    first = cast.play({1: replace(SMILE, time_s=2.0)})
    assert first["a"].time_s == 1.5 and first["g"].time_s == 2.0
    assert np.array_equal(cast.play({})["g"].values, first["g"].values)


def test_one_that_cannot_play_is_named_and_the_others_do(ada: RigProfile) -> None:
    broken = replace(ada, name="Nobody", blend=None, control_set=replace(ada.control_set, controls=tuple(
        replace(control, meaning={}) for control in ada.control_set.controls)))
    cast = Cast([CastMember("n", broken), CastMember("a", ada)])
    assert len(cast.problems) == 1 and "'Nobody' has no decoder" in cast.problems[0]
    assert list(cast.play({0: SMILE})) == ["a"]


def test_a_cast_that_changes_keeps_what_it_has_learned(
    ada: RigProfile, gus: RigProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    monkeypatch.setattr(casting, "load_decoder", lambda profile: loaded.append(profile.name) or load_decoder(profile))
    first = Cast([CastMember("a", ada), CastMember("g", gus)])
    shown = first.play({0: SMILE})
    louder = Cast([CastMember("a", ada, Style(1.5)), CastMember("g", gus, face=1)], earlier=first)
    assert loaded == ["Ada", "Gus"]
    after = louder.play({0: SMILE})
    assert np.abs(after["a"].values - shown["a"].values).max() > 0.05
    assert np.array_equal(after["g"].values, shown["g"].values)  # its performer is not seen yet
    controls = tuple(replace(control, gain=0.5) for control in gus.control_set.controls)
    changed = Cast([CastMember("g", replace(gus, control_set=replace(gus.control_set, controls=controls)))], louder)
    assert loaded == ["Ada", "Gus", "Gus"] and list(changed.play({0: SMILE})) == ["g"]


def test_a_character_can_follow_another_by_a_network(ada: RigProfile, gus: RigProfile, tmp_path: Path) -> None:
    pairs = decoded_pairs(ada, gus, count=200)
    transfer = train(ada, gus, pairs)
    write_transfer(transfer, tmp_path / "ada_to_gus.npz")
    link = CastMember("g", gus, leader="a", transfer=tmp_path / "ada_to_gus.npz")
    cast = Cast([link, CastMember("a", ada)])
    assert cast.problems == []
    frames = cast.play({0: SMILE})
    assert np.allclose(frames["g"].values, transfer.transfer_one(frames["a"]).values, atol=1e-6)
    assert frames["g"].time_s == frames["a"].time_s
    lonely = Cast([link, CastMember("a", gus, leader="g")])
    assert len(lonely.problems) == 2 and "is to follow 'a', which is no character with a decoder" in lonely.problems[0]
    assert lonely.play({0: SMILE}) == {}
    (tmp_path / "ada_to_gus.npz").write_bytes(b"broken")
    assert "ada_to_gus.npz' is damaged" in Cast([link, CastMember("a", ada)]).problems[0]
