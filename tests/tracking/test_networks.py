"""The shipped networks are the ones that their cards describe."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from addon.core.errors import MissingWheel
from addon.tracking.networks import BODY, FACE, PictureNetwork

NAMES = ("face_detector", "face_mesh", "pose_detector", "pose", "palm_detector", "hand_recrop", "hand")


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_outputs_are_those_of_the_card(name: str) -> None:
    network = PictureNetwork(name, BODY)
    outputs = network(np.zeros((network.side, network.side, 3), np.uint8))
    assert {name: output.shape for name, output in outputs.items()} == network.card.outputs
    assert all(output.dtype == np.float32 and np.isfinite(output).all() for output in outputs.values())


def test_without_onnxruntime_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingWheel, match="Face tracking is off because the Python module 'onnxruntime'"):
        PictureNetwork("face_mesh", FACE)
