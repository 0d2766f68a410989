"""Trains Pip's decoder on the pairs of `training.pip_pairs` and exports it: `python -m training.train_decoder`.

A straight linear path plus a small network, mirrored and averaged so that left and right are exact mirror images, and
shifted so that no expression is exactly the character's neutral. Writes models/decoder_pip/model.onnx and card.toml
with the error on held-out pairs beside the mean, the nearest neighbour and ridge regression.
"""
from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
import torch

from addon.core import coefficients
from addon.core.control_set import ControlSet
from addon.core.files import write_bytes
from addon.core.paths import MODELS, ROOT
from addon.core.rig_profile import find_profile

from .pip_pairs import INPUTS, Pairs, make_pairs

VERSION = "1.0.0"
_HIDDEN = 224
# 54 coefficients, gaze (4), head (3): angles brought to the coefficients' size
_INPUT_SCALE = np.concatenate([np.ones(coefficients.COUNT), np.full(4, 2.0), np.full(3, 2.0)]).astype(np.float32)


class DecoderNetwork(torch.nn.Module):
    """Expression [N, 61] → controls [N, K] scaled to -1..1 (not clamped)."""

    def __init__(self, controls: ControlSet) -> None:
        super().__init__()
        count = len(controls)
        self.straight = torch.nn.Linear(INPUTS, count, bias=False)
        self.bent = torch.nn.Sequential(
            torch.nn.Linear(INPUTS, _HIDDEN), torch.nn.SiLU(), torch.nn.Linear(_HIDDEN, _HIDDEN), torch.nn.SiLU(),
            torch.nn.Linear(_HIDDEN, count),
        )
        torch.nn.init.zeros_(self.bent[-1].weight)
        where = {name: i for i, name in enumerate(controls.names)}
        self.register_buffer("scale", torch.tensor(_INPUT_SCALE))
        self.register_buffer("mirror_in", torch.tensor(_mirror_order()))
        self.register_buffer("mirror_sign", torch.tensor(_MIRROR_SIGN))
        self.register_buffer("mirror_out", torch.tensor([where[c.pair] for c in controls.controls]))
        self.register_buffer("out_sign", torch.tensor([c.mirror_sign for c in controls.controls]).float())
        self.register_buffer("neutral", torch.tensor(controls.scaled(controls.neutral)))

    def forward(self, expression: torch.Tensor) -> torch.Tensor:
        x = expression * self.scale
        return self._half(x) + self._mirrored(x) - 2 * self._at_rest() + self.neutral

    def _at_rest(self) -> torch.Tensor:
        rest = torch.zeros(1, INPUTS)
        return (self._half(rest) + self._mirrored(rest)) / 2

    def _half(self, x: torch.Tensor) -> torch.Tensor:
        return (self.straight(x) + self.bent(x)) / 2

    def _mirrored(self, x: torch.Tensor) -> torch.Tensor:
        return self._half(x[:, self.mirror_in] * self.mirror_sign)[:, self.mirror_out] * self.out_sign


def _mirror_order() -> np.ndarray:
    c = coefficients.COUNT
    return np.concatenate([coefficients.MIRROR, [c + 2, c + 3, c, c + 1], [c + 4, c + 5, c + 6]])


# yaw of both eyes, yaw and roll of the head change sign in a mirror
_MIRROR_SIGN = np.concatenate([np.ones(coefficients.COUNT), [-1, 1, -1, 1], [-1, 1, -1]]).astype(np.float32)


def train(pairs: Pairs, controls: ControlSet, epochs: int = 140, seed: int = 3) -> DecoderNetwork:
    """Fit the network to the pairs that are not held out; a good minute on one core."""
    torch.manual_seed(seed)
    network = DecoderNetwork(controls)
    x, y = (torch.tensor(a[~pairs.held_out]) for a in (pairs.inputs, pairs.controls))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-4)
    batch = 256
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=epochs * (len(x) // batch + 1))
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            loss = _loss(network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _loss(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Mean absolute error; at the ends of a range only falling short counts, so that a blink shuts the eye."""
    error = found - true
    top, bottom = true > 0.995, true < -0.995
    error = torch.where(top, torch.relu(0.03 - error), torch.where(bottom, torch.relu(0.03 + error), error.abs()))
    return torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.02)


def quality(network: DecoderNetwork, pairs: Pairs, controls: ControlSet) -> dict[str, float]:
    """Held-out mean absolute errors, every control scaled to -1..1: ours and the trivial rivals'."""
    train_x, train_y = pairs.inputs[~pairs.held_out] * _INPUT_SCALE, pairs.controls[~pairs.held_out]
    x, y = pairs.inputs[pairs.held_out], pairs.controls[pairs.held_out]
    with torch.no_grad():
        ours = network(torch.tensor(x)).clamp(-1, 1).numpy()
    rivals = trivial_rivals(train_x, train_y, x * _INPUT_SCALE)
    found = {"mae": float(np.abs(ours - y).mean())}
    found |= {f"mae_{name}": float(np.abs(np.clip(value, -1, 1) - y).mean()) for name, value in rivals.items()}
    found["mae_ratio"] = found["mae"] / min(value for name, value in found.items() if name.startswith("mae_"))
    for number, name in enumerate(("mixes", "performance", "poses")):
        rows = pairs.source[pairs.held_out] == number
        found[f"mae_on_{name}"] = float(np.abs(ours - y)[rows].mean())
    for group in dict.fromkeys(c.group for c in controls.controls):
        columns = [c.group == group for c in controls.controls]
        found[f"mae_of_{group}"] = float(np.abs(ours - y)[:, columns].mean())
    return found


def trivial_rivals(train_x: np.ndarray, train_y: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the mean, the nearest training pair and ridge regression say for inputs `x`."""
    nearest = np.empty((len(x), train_y.shape[1]), np.float32)
    square = np.square(train_x).sum(axis=1)
    for start in range(0, len(x), 256):
        rows = x[start:start + 256]
        nearest[start:start + 256] = train_y[np.argmin(square - 2 * rows @ train_x.T, axis=1)]
    ones, ones_x = np.ones((len(train_x), 1), np.float32), np.ones((len(x), 1), np.float32)
    a = np.concatenate([train_x, ones], axis=1).astype(np.float64)
    weights = np.linalg.solve(a.T @ a + 1.0 * np.eye(a.shape[1]), a.T @ train_y)
    return {"mean": np.broadcast_to(train_y.mean(axis=0), nearest.shape), "nearest": nearest,
            "ridge": np.concatenate([x, ones_x], axis=1) @ weights}


def export(network: DecoderNetwork, controls: ControlSet, measured: dict[str, float], folder: Path) -> None:
    """Write model.onnx and card.toml."""
    buffer = io.BytesIO()
    torch.onnx.export(
        network, (torch.zeros(2, INPUTS),), buffer, input_names=["expression"], output_names=["controls"],
        dynamic_axes={"expression": {0: "n"}, "controls": {0: "n"}}, opset_version=17, dynamo=False,
    )
    write_bytes(folder / "model.onnx", buffer.getvalue())
    write_bytes(folder / "card.toml", _card(buffer.getvalue(), controls, measured).encode())


def _card(network: bytes, controls: ControlSet, measured: dict[str, float]) -> str:
    listed = lambda values: "[" + ", ".join(f'"{v}"' if isinstance(v, str) else f"{v:g}" for v in values) + "]"  # noqa: E731
    lines = [
        "# Written by training/train_decoder.py; the figures are of this network.",
        "schema = 1", 'name = "decoder_pip"', f'version = "{VERSION}"', 'licence = "GPL-3.0-or-later"',
        'data = "pairs made by training/pip_pairs.py from ICT-FaceKit (MIT) and a recorded Live Link take (MIT)"',
        f'sha256 = "{hashlib.sha256(network).hexdigest()}"', 'character = "Pip"',
        f"controls = {listed(controls.names)}", f"minimum = {listed(controls.minimum)}",
        f"maximum = {listed(controls.maximum)}", f"neutral = {listed(controls.neutral)}", "",
        "[[input]]", 'name = "expression"', f"shape = [-1, {INPUTS}]",
        'meaning = "54 coefficients, gaze (left yaw, pitch, right yaw, pitch) rad, head (yaw, pitch, roll) rad"', "",
        "[[output]]", 'name = "controls"', f"shape = [-1, {len(controls)}]",
        'meaning = "controls in profile order, scaled to -1..1 by their limits; clamp"', "",
        "# mean absolute error on held-out pairs, every control scaled to -1..1", "[quality]",
    ]
    return "\n".join([*lines, *(f"{name} = {value:.5f}" for name, value in measured.items())]) + "\n"


def read_pairs(path: Path) -> Pairs:
    """The pairs that `training.pip_pairs` wrote."""
    with np.load(path) as data:
        return Pairs(**{name: data[name] for name in ("inputs", "controls", "held_out", "source")})


def main() -> None:
    """Make the pairs if need be, train, measure, export."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--pairs", type=Path, help="pairs from training.pip_pairs; made afresh without")
    parser.add_argument("--epochs", type=int, default=140)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pairs = read_pairs(arguments.pairs) if arguments.pairs else make_pairs(arguments.shared)
    controls = find_profile("pip").control_set
    network = train(pairs, controls, arguments.epochs)
    measured = quality(network, pairs, controls)
    for name, value in measured.items():
        print(f"{name:24} {value:.4f}")
    export(network, controls, measured, MODELS / "decoder_pip")


if __name__ == "__main__":
    main()
