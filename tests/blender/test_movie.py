from __future__ import annotations

import cv2
import numpy as np
import pytest

from addon.blender.movie import encode
from addon.core.errors import SemblanceError

bpy = pytest.importorskip("bpy")


@pytest.fixture
def pictures(tmp_path):
    """Ten pictures whose grey rises."""
    paths = [tmp_path / f"{i:03}.png" for i in range(10)]
    for i, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((96, 128, 3), 20 + 20 * i, np.uint8))
    return paths


def test_another_decoder_reads_the_film_back(pictures, tmp_path):
    scenes = len(bpy.data.scenes)
    encode(pictures, tmp_path / "film.mp4", 30 / 1.001)
    film = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(29.97, abs=0.001)
    assert int(film.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little") in (b"h264", b"avc1")
    greys = []
    while (read := film.read())[0]:
        assert read[1].shape == (96, 128, 3)
        greys.append(read[1].mean())
    assert np.allclose(greys, [20 + 20 * i for i in range(10)], atol=4)
    assert len(bpy.data.scenes) == scenes


def test_a_film_that_cannot_be_written_leaves_nothing(pictures, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SemblanceError, match="film.mp4"):
        encode(pictures, tmp_path / "file" / "film.mp4", 25)
    assert (tmp_path / "file").read_bytes() == b""
