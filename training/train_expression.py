"""Train the expression encoder on the shards of make_expression_data and export it to models/expression.

    python -m training.train_expression [--data out/expression] [--epochs 60] [--threads 2]

The crops' gradients are computed once, in several variations of the crops; after that an epoch of 30 000 faces takes
a few seconds. The card is written by training.evaluate.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from addon.core import coefficients
from training.evaluate import correlations, write_expression_card
from training.expression_data import LANDMARK_MIRROR, Faces, faces_of, read_shards, varied_crops, varied_landmarks
from training.expression_model import (
    ANSWERS,
    BLINKS,
    GRADIENTS,
    INPUTS,
    ExpressionNetwork,
    OrientedGradients,
    export,
    mirror_of_gradients,
)
from training.make_expression_data import test_set

MODEL = Path(__file__).resolve().parents[1] / "models" / "expression"
_BATCH = 256
_SEED = 7
_GRADIENT_MIRROR = mirror_of_gradients()
_FLIP = torch.tensor([-1.0, 1.0, 1.0])


def varied_gradients(crops: Tensor, versions: int, random: torch.Generator) -> Tensor:
    """float16 [versions, N, GRADIENTS] of crops uint8 [N, 128, 128]: the first as they are, the others varied."""
    kept = torch.empty(versions, len(crops), GRADIENTS, dtype=torch.float16)
    make = OrientedGradients()
    with torch.no_grad():
        for version in range(versions):
            for first in range(0, len(crops), _BATCH):
                part = slice(first, first + _BATCH)
                grey = varied_crops(crops[part], random) if version else crops[part, None].float()
                kept[version, part] = make(grey).half()
    return kept


def loss_of(
    network: ExpressionNetwork, faces: Faces, gradients: Tensor, weight: Tensor, random: torch.Generator
) -> Tensor:
    """Squared error of everything; coefficients weighted [54] so that rarely used channels count as much as others."""
    truth, gaze, head = faces.coefficients, faces.gaze, faces.head
    landmarks = varied_landmarks(faces.landmarks, random)
    if torch.rand(1, generator=random) < 0.5:
        landmarks, gradients = landmarks[:, LANDMARK_MIRROR] * _FLIP, gradients[:, _GRADIENT_MIRROR]
        truth, gaze = truth[:, coefficients.MIRROR], gaze.flip(1) * _FLIP[:2]
        head = head * torch.tensor([-1.0, 1.0, -1.0])
    inputs = network.inputs(landmarks, gradients)
    with torch.autocast("cpu", torch.bfloat16):
        answer = network(inputs)
    errors = ((answer.coefficients.float() - truth) ** 2 * weight).mean()
    return errors + 4 * ((answer.gaze.float() - gaze) ** 2).mean() + 8 * ((answer.head.float() - head) ** 2).mean()


def predict(network: ExpressionNetwork, faces: Faces) -> np.ndarray:
    """Coefficients float32 [N, 54], clipped."""
    network.eval()
    with torch.no_grad():
        parts = [network.see(faces.landmarks[i:i + _BATCH], faces.crops[i:i + _BATCH, None].float()).coefficients
                 for i in range(0, len(faces), _BATCH)]
    return torch.cat(parts).clamp(0, 1).numpy()


def mean_correlation(network: ExpressionNetwork, faces: Faces) -> float:
    """Mean r over the shapes."""
    return float(np.nanmean(correlations(predict(network, faces), faces.coefficients.numpy())))


def train(faces: Faces, tests: dict[str, Faces], epochs: int, versions: int, rate: float) -> ExpressionNetwork:
    """Fit the network; prints the mean correlation on the test sets now and then."""
    torch.manual_seed(_SEED)
    random = torch.Generator().manual_seed(_SEED)
    gradients = varied_gradients(faces.crops, versions, random)
    network = ExpressionNetwork()
    network.learn_scale(faces.landmarks[::4], gradients[0, ::4].float())
    optimiser = torch.optim.AdamW(network.parameters(), rate, weight_decay=0.05)
    batches = len(faces) // _BATCH
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * batches, pct_start=0.15)
    weight = 1 / (faces.coefficients.var(0) + 0.01)
    begun = time.perf_counter()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for rows in torch.randperm(len(faces), generator=random)[:batches * _BATCH].split(_BATCH):
            loss = loss_of(network, faces[rows], gradients[epoch % versions, rows].float(), weight, random)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            plan.step()
            total += loss.item()
        if epoch % 5 == 4 or epoch == epochs - 1:
            marks = [f"{kind} r {mean_correlation(network, test):.3f}" for kind, test in tests.items()]
            print(f"epoch {epoch + 1}/{epochs}: loss {total / batches:.4f}, {', '.join(marks)}, "
                  f"{time.perf_counter() - begun:.0f} s", flush=True)
    return network.eval()


def fit_linear(network: ExpressionNetwork, faces: Faces) -> None:
    """Fit the linear half by ridge regression, the brows from landmarks alone, and let it have its share."""
    random = torch.Generator().manual_seed(_SEED)
    truth = torch.cat([faces.coefficients, faces.gaze.flatten(1), faces.head], 1)
    centre = truth.mean(0)
    gram, towards = torch.zeros(INPUTS, INPUTS), torch.zeros(INPUTS, ANSWERS)
    with torch.no_grad():
        for rows in torch.arange(len(faces)).split(2048):
            part = faces[rows]
            gradients = network.gradients(part.crops[:, None].float())
            scaled = network.scaled(network.inputs(varied_landmarks(part.landmarks, random), gradients))
            gram += scaled.T @ scaled
            towards += scaled.T @ (truth[rows] - centre)
        weights = torch.linalg.solve(gram + 0.03 * len(faces) * torch.eye(INPUTS), towards)
        brows = np.flatnonzero(coefficients.in_group("brows"))
        few = INPUTS - GRADIENTS
        weights[:, brows] = 0
        damped = gram[:few, :few] + 0.01 * len(faces) * torch.eye(few)
        weights[:few, brows] = torch.linalg.solve(damped, towards[:few, brows])
        network.linear.weight.copy_(weights.T)
        network.linear.bias.copy_(centre)
        network.linear_share.fill_(0.25)
        # Frowns fold the skin, which landmarks do not show; raised brows are all in the landmarks.
        network.linear_share[brows] = 0.6
        network.linear_share[[i for i in brows if "Up" in coefficients.NAMES[i]]] = 1.0


def fit_eyes(network: ExpressionNetwork, faces: Faces, epochs: int = 12) -> None:
    """Fit the part that sees each eye alone, and give it most of the say about blinks."""
    torch.manual_seed(_SEED)
    random = torch.Generator().manual_seed(_SEED)
    truth = faces.coefficients[:, BLINKS]
    optimiser = torch.optim.AdamW(network.eyes.parameters(), 3e-3, weight_decay=0.01)
    batches = len(faces) // _BATCH
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=epochs * batches, pct_start=0.15)
    network.eyes.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(faces), generator=random)[:batches * _BATCH].split(_BATCH):
            with torch.no_grad():
                points, rotation = network.pose(varied_landmarks(faces.landmarks[rows], random))
            loss = ((network.eyes(points, rotation.flatten(1)) - truth[rows]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            plan.step()
    network.eyes.eval()
    network.eyes_share.fill_(0.8)


def simple_rivals(faces: Faces, test: Faces) -> dict[str, float]:
    """Mean r of ridge regression and of the nearest neighbour on what the network is given."""
    network = ExpressionNetwork()

    def inputs(some: Faces) -> Tensor:
        parts = []
        for first in range(0, len(some), _BATCH):
            gradients = network.gradients(some.crops[first:first + _BATCH, None].float())
            parts.append(network.inputs(some.landmarks[first:first + _BATCH], gradients))
        return torch.cat(parts)

    with torch.no_grad():
        known, asked = inputs(faces), inputs(test)
        mean, spread = known.mean(0), known.std(0).clamp_min(1e-3)
        known, asked = (known - mean) / spread, (asked - mean) / spread
        centre = faces.coefficients.mean(0)
        strength = 0.1 * len(faces) * torch.eye(known.shape[1])
        ridge = asked @ torch.linalg.solve(known.T @ known + strength, known.T @ (faces.coefficients - centre)) + centre
        distance = (known**2).sum(1) - 2 * asked @ known.T
        nearest = faces.coefficients[distance.argmin(1)]
    truth = test.coefficients.numpy()
    return {name: float(np.nanmean(correlations(guess.clamp(0, 1).numpy(), truth)))
            for name, guess in (("ridge_mean_r", ridge), ("nearest_mean_r", nearest))}


def main() -> None:
    """Train, export, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--versions", type=int, default=2, help="how often each crop is kept: as it is, and varied")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    faces = read_shards(sorted(arguments.data.glob("train_*.npz")))
    tests = {kind: faces_of(test_set(kind, arguments.data)) for kind in ("random", "performance")}
    print(f"{len(faces)} faces", flush=True)
    network = train(faces, tests, arguments.epochs, arguments.versions, arguments.rate)
    fit_linear(network, faces)
    fit_eyes(network, faces)
    for kind, test in tests.items():
        print(f"with its linear and its eyes' part: {kind} r {mean_correlation(network, test):.3f}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), arguments.data / "weights.pt")
    export(network, arguments.out / "model.onnx")
    rivals = {kind: simple_rivals(faces, test) for kind, test in tests.items()}
    write_expression_card(arguments.out, len(faces), arguments.data, rivals)


if __name__ == "__main__":
    main()
