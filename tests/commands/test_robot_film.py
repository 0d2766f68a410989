"""The film of a performance on a robot head: all in step with the performer's clock."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from addon.commands import robot_film
from addon.commands.robot_film import as_seen, as_sent, film, require_film
from addon.core.errors import SemblanceError
from addon.robot.map_reading import find_map
from addon.robot.sent_log import SentLog
from addon.tracking.sources import open_source

pytest.importorskip("bpy", reason="no Blender in this Python")
CLIP = Path(__file__).parents[2] / "assets" / "demo" / "performer.mp4"
BARS = find_map("maestro_head")


def _log(path, robot, moments_s, u):
    """A log in which actuator 3 is at u[k] from moments_s[k] on."""
    log = SentLog(robot, path)
    for k, moment_s in enumerate(moments_s):
        values = np.zeros(len(robot))
        values[3] = u[k]
        log.frame(k, "LIVE", values, robot.raw(values), moment_s)
    log.close()
    return path


def test_what_was_sent_stays_until_something_else_is(tmp_path):
    log = _log(tmp_path / "log.jsonl", BARS, [0.0, 0.1, 0.3], [0.0, 0.5, -0.5])
    u = as_sent(BARS, log, np.array([0.0, 0.09, 0.1, 0.29, 0.31, 5.0]))
    assert u.shape == (6, len(BARS)) and u[:, 3] == pytest.approx([0, 0, 0.5, 0.5, -0.5, -0.5], abs=0.01)
    assert not np.delete(u, 3, axis=1).any()


def test_the_performer_is_shown_by_the_videos_own_clock():
    with open_source(str(CLIP)) as source:
        frames = [frame.image for _, frame in zip(range(6), source, strict=False)]
    shown = list(as_seen(CLIP, np.array([0.0, 0.02, 0.04, 0.12, 0.19])))
    numbers = [next(i for i, frame in enumerate(frames) if (frame == picture).all()) for picture in shown]
    assert numbers == [0, 0, 1, 3, 4]


def test_what_a_film_needs_is_looked_at_before_anything_moves(tmp_path):
    assert require_film(Path("out.MP4"), CLIP) == CLIP
    with pytest.raises(SemblanceError, match="name the video with --video"):
        require_film(Path("out.mp4"), None)
    with pytest.raises(SemblanceError, match=r"There is no video '.*none.mp4'"):
        require_film(Path("out.mp4"), tmp_path / "none.mp4")
    with pytest.raises(SemblanceError, match="'out.avi' must be an .mp4 file"):
        require_film(Path("out.avi"), CLIP)


def test_a_film_shows_three_side_by_side_and_some_moments_of_it(tmp_path, monkeypatch, short_take):
    import cv2

    monkeypatch.setattr(robot_film, "HEIGHT_PX", 96)
    monkeypatch.setattr("addon.commands.demo.HEIGHT_PX", 96)
    log = _log(tmp_path / "log.jsonl", BARS, [0.0, 0.04, 0.08], [0.0, 0.9, -0.9])
    film(short_take, CLIP, BARS, log, tmp_path / "film.mp4")
    with open_source(str(tmp_path / "film.mp4")) as source:
        frames = [frame.image.astype(int) for frame in source]
    assert len(frames) == 3 and frames[0].shape == (96, 300, 3)
    right = [frame[:, -96:] for frame in frames]
    assert np.abs(right[1] - right[0]).max() > 60 and np.abs(right[2] - right[1]).max() > 60
    sheet = cv2.imread(str(tmp_path / "film.png"))
    assert sheet.shape[0] == 3 * 300 + 2 * 6


@pytest.fixture
def short_take():
    """Three frames of the clip's rate in which the jaw opens."""
    from addon.core import coefficients
    from addon.core.frames import EMBEDDING_SIZE, LANDMARK_COUNT, ExpressionTrack
    from addon.core.take import Take

    values = np.zeros((3, coefficients.COUNT), np.float32)
    values[:, coefficients.INDEX["jawOpen"]] = [0, 0.4, 0.8]
    track = ExpressionTrack(0.04 * np.arange(3), values, np.zeros((3, EMBEDDING_SIZE), np.float32),
                            np.zeros((3, 2, 2), np.float32), np.zeros((3, 3), np.float32), np.ones(3, np.float32))
    return Take(np.ones(3, bool), np.empty((0, LANDMARK_COUNT, 3), np.float32), track, track, {})
