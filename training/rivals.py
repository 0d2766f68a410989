"""What else could read expressions from the same faces: networks, ridge and nearest neighbour on landmarks or HOG.

    python -m training.rivals [--faces 12000]      # some minutes on one core; writes models/expression/rivals.toml

Each learns from the tracked faces of make_expression_data and their mirror images and is asked about the same unseen
people as the encoder. HOG are the oriented gradients of expression_model, after Dalal and Triggs (CVPR 2005).
"""
from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from addon.core.files import write_bytes
from training.evaluate import figures
from training.expression_data import COLUMNS, GREY, ROWS, Faces, faces_of, mirrored, read_shards
from training.face_inputs import OrientedGradients, RigidPose
from training.make_expression_data import test_set

FILE: Final = Path(__file__).resolve().parents[1] / "models" / "expression" / "rivals.toml"
_SEED: Final = 7
_BATCH: Final = 256
_COMPONENTS: Final = 400
_EPOCHS: Final = 25
_STRENGTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0)
_KEPT_ASIDE: Final = 10
"""Every so many faces chooses the strength of ridge regression."""

Guess = Callable[[Tensor], Tensor]
"""Inputs [N, D] → coefficients [N, 54]."""


def rival_figures(faces: Faces, tests: dict[str, Faces]) -> dict[str, dict[str, float]]:
    """Rival → "<test>_r", "<test>_mae" and "<test>_dead_min_r" for every test set; all faces must have landmarks."""
    both = [faces, mirrored(faces, np.ones(len(faces), bool))]
    truth = torch.from_numpy(np.concatenate([part.coefficients for part in both]))
    found: dict[str, dict[str, float]] = {}
    for inputs_of, methods in (
        (landmark_inputs, {"landmark network": network}),
        (gradient_inputs, {"HOG + ridge": ridge, "HOG + network": network, "nearest neighbour": nearest}),
    ):
        known, scale = standardised(torch.cat([inputs_of(part) for part in both]))
        asked = {kind: scale(inputs_of(test)) for kind, test in tests.items()}
        for name, method in methods.items():
            guess = method(known, truth)
            found[name] = {
                f"{kind}_{figure.removeprefix('mean_')}": value for kind, test in tests.items()
                for figure, value in figures(guess(asked[kind]).clamp(0, 1).numpy(), test.coefficients).items()
            }
    return found


def landmark_inputs(faces: Faces) -> Tensor:
    """[N, 1443]: all points with the head's pose taken off, and the pose."""
    with torch.no_grad():
        points, rotation = RigidPose()(torch.from_numpy(faces.landmarks))
    return torch.cat([points.flatten(1), rotation.flatten(1)], 1)


def gradient_inputs(faces: Faces) -> Tensor:
    """[N, D]: oriented gradients of the crop."""
    gradients, parts = OrientedGradients(), []
    with torch.no_grad():
        for crops in torch.from_numpy(np.ascontiguousarray(faces.crops[:, ROWS, COLUMNS])).split(_BATCH):
            parts.append(gradients((crops.float() * GREY).sum(-1)[:, None]))
    return torch.cat(parts)


def standardised(inputs: Tensor) -> tuple[Tensor, Guess]:
    """The inputs with mean 0 and spread 1 in every column, and what does the same to others."""
    mean, spread = inputs.mean(0), inputs.std(0).clamp_min(1e-3)

    def scale(others: Tensor) -> Tensor:
        return ((others - mean) / spread).clamp(-6, 6)

    return scale(inputs), scale


def ridge(known: Tensor, truth: Tensor) -> Guess:
    """Linear regression, damped as much as is best for faces that it has not seen."""
    aside = torch.arange(len(known)) % _KEPT_ASIDE == 0
    tried = damped(known[~aside], truth[~aside], _STRENGTHS)
    errors = [((guess(known[aside]) - truth[aside]) ** 2).mean() for guess in tried]
    return damped(known, truth, (_STRENGTHS[int(torch.stack(errors).argmin())],))[0]


def damped(known: Tensor, truth: Tensor, strengths: Sequence[float]) -> list[Guess]:
    """Ridge regression with each of the strengths."""
    centre, count = truth.mean(0), len(known)
    few = count < known.shape[1]
    products = known @ known.T if few else known.T @ known
    aims = truth - centre if few else known.T @ (truth - centre)
    found = []
    for strength in strengths:
        weights = torch.linalg.solve(products + strength * count * torch.eye(len(products)), aims)
        found.append(_line(known.T @ weights if few else weights, centre))
    return found


def _line(weights: Tensor, centre: Tensor) -> Guess:
    return lambda asked: asked @ weights + centre


def nearest(known: Tensor, truth: Tensor) -> Guess:
    """The truth of the most similar face."""
    axes = _components(known)
    faces = known @ axes
    squares = (faces**2).sum(1)

    def guess(asked: Tensor) -> Tensor:
        rows = [(squares - 2 * part @ axes @ faces.T).argmin(1) for part in asked.split(_BATCH)]
        return truth[torch.cat(rows)]

    return guess


def network(known: Tensor, truth: Tensor) -> Guess:
    """Two hidden layers on the principal components."""
    torch.manual_seed(_SEED)
    axes = _components(known)
    faces, weight = known @ axes, 1 / (truth.var(0) + 0.01)
    scale = faces.std(0).clamp_min(1e-6).mean()
    layers = nn.Sequential(
        nn.Linear(axes.shape[1], 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(512, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, truth.shape[1]),
    )
    optimiser = torch.optim.AdamW(layers.parameters(), 2e-3, weight_decay=0.05)
    batches = [rows for _ in range(_EPOCHS) for rows in torch.randperm(len(faces)).split(_BATCH) if len(rows) > 1]
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=len(batches))
    for rows in batches:
        loss = ((layers(faces[rows] / scale) - truth[rows]) ** 2 * weight).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
    layers.eval()

    def guess(asked: Tensor) -> Tensor:
        with torch.no_grad():
            return layers(asked @ axes / scale)

    return guess


def _components(known: Tensor) -> Tensor:
    """The directions [D, _COMPONENTS] in which the faces [N, D] differ most."""
    torch.manual_seed(_SEED)
    return torch.svd_lowrank(known, min(_COMPONENTS, *known.shape), niter=3)[2]


def write(found: dict[str, dict[str, float]], faces: int, path: Path = FILE) -> None:
    """Keep the figures beside the encoder's card."""
    lines = ["# Written by training/rivals.py.", f"faces = {faces}"]
    for name, values in found.items():
        lines += ["", f'["{name}"]', *(f"{figure} = {value:.4f}" for figure, value in values.items())]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def told(figure: str, path: Path = FILE) -> str:
    """One figure of every rival in words, the best last; "" where they have not been measured."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        rivals = {name: values for name, values in tomllib.load(file).items() if isinstance(values, dict)}
    table = {name: values[figure] for name, values in rivals.items() if figure in values}
    return ", ".join(f"{name} {value:.3g}" for name, value in sorted(table.items(), key=lambda item: item[1]))


def main() -> None:
    """Train and measure them all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    parser.add_argument("--faces", type=int, default=12_000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    begun = time.perf_counter()
    shards = sorted(arguments.data.glob("tracked_*.npz"))[:-(-arguments.faces // 1000)]
    faces = read_shards(shards)
    tests = {kind: faces_of(test_set(kind, arguments.data)) for kind in ("random", "performance")}
    found = rival_figures(faces, tests)
    write(found, len(faces))
    print(f"{len(faces)} faces, {time.perf_counter() - begun:.0f} s")
    for name, values in found.items():
        print(f"{name:<18} " + "  ".join(f"{figure} {value:.3f}" for figure, value in values.items()))


if __name__ == "__main__":
    main()
