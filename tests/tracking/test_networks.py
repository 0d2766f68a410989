"""The shipped networks are the ones that their cards describe."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from addon.core.errors import MissingWheel
from addon.tracking.networks import DetectorNetwork, MeshNetwork


@pytest.mark.parametrize("network", [DetectorNetwork, MeshNetwork])
def test_inputs_and_outputs_are_those_of_the_card(network: type[DetectorNetwork] | type[MeshNetwork]) -> None:
    made = network()
    outputs = made.run(list(made.card.outputs), picture=np.zeros((1, made.side, made.side, 3), np.uint8))
    assert [output.shape for output in outputs] == list(made.card.outputs.values())
    assert all(output.dtype == np.float32 and np.isfinite(output).all() for output in outputs)


def test_without_onnxruntime_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingWheel, match="Face tracking is off because the Python module 'onnxruntime'"):
        MeshNetwork()
