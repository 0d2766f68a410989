"""How X2CNet reads the pictures that it was not trained on, beside its rivals, by part of the face; writes its card."""
from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.control_set import ControlSet
from addon.core.files import write_bytes
from addon.core.model_card import read_card
from training.recognisers import MODELS
from training.x2c_data import Renders
from training.x2c_metric import CONTROLS, PARTS, x2c_mae, x2c_mae_by_part
from training.x2c_model import VIEWS, MappingNetwork, export, predict
from training.x2c_rivals import TRIVIAL, rival_guesses

MODEL: Final = MODELS / "x2cnet"
"""Beside the programs and not in models/: users do not need a yardstick."""
OURS: Final = "X2CNet"
Measured = dict[str, dict[str, float]]
"""Who → "all" and every part of PARTS → X2C's normalised error."""


def report(network: MappingNetwork, learned: Renders, asked: Renders, controls: ControlSet, table: Path) -> Measured:
    """Measure the network and its rivals on `asked`, print the table and write it."""
    ours = controls.unscaled(predict(network, asked.pictures))
    measured = measure({OURS: ours} | rival_guesses(learned, asked, controls), asked.controls, controls)
    text = as_table(measured)
    print(text)
    write_bytes(table, (text + "\n").encode())
    return measured


def measure(guesses: dict[str, np.ndarray], truth: np.ndarray, controls: ControlSet) -> Measured:
    """The errors of guesses [N, 30], the robot's units."""
    limits = controls.minimum, controls.maximum
    return {name: {"all": x2c_mae(values, truth, *limits), **x2c_mae_by_part(values, truth, *limits)}
            for name, values in guesses.items()}


def best_trivial(measured: Measured) -> str:
    """The best of the rivals that DESIGN's goal compares with."""
    return min((name for name in TRIVIAL if name in measured), key=lambda name: measured[name]["all"])


def as_table(measured: Measured) -> str:
    """A Markdown table, the best first."""
    columns = ("all", *PARTS)
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name, errors in sorted(measured.items(), key=lambda item: item[1]["all"]):
        lines.append(f"| {name} | " + " | ".join(f"{errors[column]:.3f}" for column in columns) + " |")
    return "\n".join(lines)


def export_with_card(
    network: MappingNetwork, measured: Measured, learned: int, asked: int, folder: Path = MODEL
) -> None:
    """Keep the network as ONNX with a card of what was measured."""
    side = VIEWS["small"].side
    export(network, side, folder / "model.onnx")
    lines = [_CARD.format(
        sha256=hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(), version=time.strftime("%Y.%m.%d"),
        side=side, controls=CONTROLS, learned=learned, asked=asked,
    )]
    for name, errors in measured.items():
        lines += [f'\n[quality."{name}"]', *(f'"{part}" = {error:.4f}' for part, error in errors.items())]
    write_bytes(folder / "card.toml", ("\n".join(lines) + "\n").encode())
    read_card(folder)


_CARD: Final = '''# Written by training/x2c_report.py together with the network it measured.
schema = 1
name = "x2cnet"
version = "{version}"
licence = "GPL-3.0-or-later"
sha256 = "{sha256}"
data = """
{learned} pictures of our own character Ada with the controls that made them (semblance pairs --character Ada), and
their mirror images. Nothing of the X2C set. Method: X2C (arXiv 2505.11146), on a face that is straightened first. What
it reads and how it learns was chosen on the last 660 training pairs, never on the test's."""
limits = """
A yardstick that reads Ada's controls off her own renders; of a person's picture it says little. Errors are X2C's
normalised mean absolute error (training/x2c_metric.py) on {asked} pictures of Ada's test set; 0.10 is 5 % of a
range."""

[[input]]
name = "picture"
shape = [-1, {side}, {side}, 3]
meaning = "uint8 RGB, the middle three quarters of a pair's picture"

[[output]]
name = "controls"
shape = [-1, {controls}]
meaning = "-1..1 by the limits of rigs/ada/profile.toml, in its order; not clipped"'''
