"""A source read with its body: into a take, and what it lacks said."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.commands.__main__ import main
from addon.core.errors import SemblanceError
from addon.core.frames import BodyTrack
from addon.core.take import read_take
from addon.live.body_reading import check_body, in_words, unseen_parts
from addon.live.performance import record_take
from addon.tracking.sources import open_source

from ..core.making import a_body


@pytest.fixture(scope="module")
def film(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of one person from the hips up, as a folder."""
    import cv2

    folder = tmp_path_factory.mktemp("film")
    with open_source(shared / "data" / "portrait" / "business_person.png") as source:
        image = cv2.resize(next(iter(source)).image, (339, 480), interpolation=cv2.INTER_AREA)
    for i in range(3):
        cv2.imwrite(str(folder / f"{i}.png"), np.roll(image, 2 * i, axis=1))
    return folder


def test_a_take_with_face_and_body(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.take"
    assert main(["track", str(film), "--body", "-o", str(path), "--progress", "none"]) == 0
    said = capsys.readouterr().out
    assert "A body in 100%, its left hand in 100%" in said and "feet in 0% of the frames" in said
    take = read_take(path)
    assert take.body is not None and take.body.found.all() and take.found.all()
    assert {"pose_detector", "pose", "hand_recrop", "hand", "face_mesh"} <= set(take.models)
    assert np.array_equal(take.body.times_s, take.times_s)


def test_nobody_gets_one_sentence(tmp_path: Path) -> None:
    import cv2

    for i in range(2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.zeros((90, 120, 3), np.uint8))
    with pytest.raises(SemblanceError, match=r"No body was found in any of the 2 frames of .* \(without --body\)\."):
        record_take(str(tmp_path), body=True)


def seen(share: float) -> BodyTrack:
    """Ten frames whose feet are seen in a share of them."""
    track = a_body(10)
    track.landmarks[:] = 0
    track.visibility[:] = 1
    track.visibility[round(10 * share):, 27:] = 0.1
    return track


def test_hands_that_are_never_seen_are_told() -> None:
    track = seen(1)
    track.hands[:, 0] = np.nan
    (told,) = unseen_parts(track)
    assert told.startswith("The left hand was never seen")
    assert "its left hand in 0%, its right hand in 100%" in in_words(track)
    track.hands[:] = np.nan
    (told,) = unseen_parts(track)
    assert told.startswith("No hand was seen: out of the picture, behind the back or hidden")


def test_hands_without_a_body_are_something() -> None:
    track = seen(1)
    track.landmarks[:] = np.nan
    check_body(track, "a.mp4")
    (told,) = unseen_parts(track)
    assert told.startswith("Only hands were seen, no body")


def test_half_a_body_is_told() -> None:
    assert list(unseen_parts(seen(0.6))) == []
    (told,) = unseen_parts(seen(0.2))
    assert told.startswith("Half a body: feet in 20% of the frames")
    check_body(seen(1), "a.mp4")
