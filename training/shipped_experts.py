"""Checkpoints of the encoder's experts made from the encoder that is shipped, for whoever has none to go on from.

    python -m training.shipped_experts [--data out/expression]     # then training.train_experts goes on from there

Needs shards of people: the directions in which points were told are not in the shipped file, so the points are told
along those of the faces at hand, and the layers before and after are turned to fit.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from addon.core.errors import SemblanceError
from training.expression_data import read_shards, shards_of
from training.expression_experts import MODES, LandmarkExpert, PointExpert
from training.expression_model import EXPERTS
from training.stage_runs import keep_checkpoint
from training.train_experts import expert_path
from training.train_expression import MODEL

_SHARDS: Final = 12
_DAMPING: Final = 0.0025
"""Of what modes were before, told from what they are now: those that the network hardly sees are not blown up."""
_BATCH: Final = 250


def shipped_weights(expert: str, model: Path = MODEL / "model.onnx") -> dict[str, Tensor]:
    """What the exported encoder keeps of one of expression_model.EXPERTS, as float32 by the names of its module."""
    prefix = f"network.{expert}."
    kept = {each.name.removeprefix(prefix): numpy_helper.to_array(each)
            for each in onnx.load(model).graph.initializer if each.name.startswith(prefix)}
    found = {}
    for name, values in kept.items():
        layer = name.removesuffix(".scale")
        if layer != name and kept.get(f"{layer}.weight", values).dtype == np.int8:
            continue  # of weights in bytes
        scale = kept[name.replace(".weight", ".scale")] if values.dtype == np.int8 else np.float32(1)
        whole = np.issubdtype(values.dtype, np.integer) and values.dtype != np.int8
        found[name] = torch.from_numpy(values.copy() if whole else np.float32(values) * scale)
    return found


def load_shipped(network: nn.Module, expert: str) -> None:
    """Put them into the expert's module.

    Raises:
        SemblanceError: if the shipped encoder is built differently.
    """
    try:
        answer = network.load_state_dict(shipped_weights(expert), strict=False)
        lost = [name for name, _ in network.named_parameters() if name in answer.missing_keys]
        if lost or answer.unexpected_keys:
            raise RuntimeError(f"{lost}, {answer.unexpected_keys}")
    except RuntimeError as error:
        raise SemblanceError(f"'{MODEL}' is not built as training's {expert} are now; train them anew.") from error


@torch.no_grad()
def turn_modes(expert: PointExpert, crops: np.ndarray, points: np.ndarray) -> None:
    """Let the expert tell modes of `points` [N, POINT_COUNT, 2] px of `crops` [N, 128, 128, 3] instead of those that it
    was taught; its answers stay nearly the same."""
    expert.eval().learn_modes(points)
    parts = [expert.both(some)[1] for some in torch.from_numpy(crops).split(_BATCH)]
    said, one = torch.cat(parts).double(), torch.ones(len(crops), 1, dtype=torch.float64)
    meant = expert.modes_of(torch.from_numpy(points.astype(np.float32))).double()
    there = torch.linalg.lstsq(torch.cat([said, one], 1), meant).solution
    told = torch.cat([torch.cat([said, one], 1) @ there, one], 1)
    damping = torch.eye(MODES + 1, dtype=torch.float64) * _DAMPING * len(crops)
    back = torch.linalg.solve(told.T @ told + damping, told.T @ said)
    reading = expert.read[0][0]
    old = reading.weight[:, -MODES:].double()
    reading.bias.add_(old @ back[-1])
    reading.weight[:, -MODES:] = (old @ back[:-1].T).float()
    weight, bias = expert.modes.weight.double(), expert.modes.bias.double()
    expert.modes.bias.copy_(bias @ there[:-1] + there[-1])
    expert.modes.weight.copy_(there[:-1].T @ weight)


def main() -> None:
    """Write the checkpoints that are not there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    data = parser.parse_args().data
    for name in EXPERTS:
        path = expert_path(data, name)
        if path.exists():
            print(f"{path} is there already.")
            continue
        network = PointExpert() if name == "convolutions" else LandmarkExpert()
        load_shipped(network, name)
        if isinstance(network, PointExpert):
            people = read_shards(shards_of(data)["people"][:_SHARDS])
            known = np.isfinite(people.points).all((1, 2))
            turn_modes(network, people.crops[known], people.points[known])
        keep_checkpoint(network, [], 0, path, {"network": name}, 0.0)
        print(path)


if __name__ == "__main__":
    main()
