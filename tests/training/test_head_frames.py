"""Pictures of one head are laid over each other by what its controls say."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import cv2

from training.head_frames import PICTURE_PX, head_frames


def test_a_head_that_moves_with_its_controls_is_followed():
    random = np.random.default_rng(0)
    face = cv2.resize(random.integers(0, 255, (8, 8, 3), np.uint8), (PICTURE_PX, PICTURE_PX),
                      interpolation=cv2.INTER_CUBIC)
    head = random.uniform(-1, 1, (80, 2)).astype(np.float32)
    head[:8] = 0
    shift = head * 4  # px
    pictures = np.stack([cv2.warpAffine(face, np.float64([[1, 0, x], [0, 1, y]]), (PICTURE_PX, PICTURE_PX),
                                        borderMode=cv2.BORDER_REFLECT) for x, y in shift])
    start = np.float64([[0.6, 0, 0], [0, 0.6, 0]])
    frames = head_frames(pictures, head, start)
    np.testing.assert_allclose(frames[:8], np.tile(start, (8, 1, 1)), atol=1e-5)
    wrong = (frames[:, :, 2] - shift * 2 / PICTURE_PX) * PICTURE_PX / 2
    assert np.sqrt((wrong ** 2).mean()) < 0.6
