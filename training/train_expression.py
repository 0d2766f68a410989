"""Train the expression encoder on the shards of make_expression_data and drawn_faces; export it to models/expression.

    python -m training.train_expression [--steps 6000] [--data out/expression] [--threads 2]

Started again it goes on where it stopped, with the shards that are there then. training.evaluate writes the card.
"""
from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core import coefficients
from addon.core.files import replacing
from training.encoder_losses import distillation_loss, loss_of, spread_of
from training.evaluate import correlations, write_expression_card
from training.expression_data import Faces, faces_of, joined, read_shards, to_torch, varied
from training.expression_model import FEATURES, GRADIENTS, INPUTS, Answer, ExpressionNetwork, export
from training.make_expression_data import test_set
from training.render_performers import backdrop
from training.teacher_model import TeacherNetwork, load_teacher

MODEL = Path(__file__).resolve().parents[1] / "models" / "expression"
CHECKPOINT = "encoder.pt"
_SEED = 7
_BATCH = 128
_START_BATCH, _START_RATE = 256, 3e-3
_DAMPING = 0.1
_SHARES = {"tracked": 0.42, "crops": 0.44, "drawn": 0.11}
"""Of a batch; the rest is backdrops without a face, which teach doubt."""


def draw_batch(
    kinds: dict[str, Faces], random: np.random.Generator, size: int = _BATCH
) -> tuple[Faces, np.ndarray]:
    """A varied batch with each kind's share, and which rows show no face at all (bool [N])."""
    share = {kind: _SHARES[kind] for kind in kinds}
    parts = []
    for kind, faces in kinds.items():
        count = round(size * 0.97 * share[kind] / sum(share.values()))
        part = varied(faces[random.integers(len(faces), size=count)], random)
        parts.append(replace(part, person=part.person + 1_000_000 * len(parts)))
    empty = _no_faces(parts[0], size - sum(map(len, parts)), random)
    batch = Faces(*(np.concatenate([getattr(part, name) for part in [*parts, empty]])
                    for name in Faces.__dataclass_fields__))
    return batch, np.arange(len(batch)) >= len(batch) - len(empty)


def _no_faces(like: Faces, count: int, random: np.random.Generator) -> Faces:
    """Rows of which nothing is known."""
    rows = like[random.integers(len(like), size=count)]
    crops = np.stack([backdrop(int(seed), 128) for seed in random.integers(1 << 31, size=count)])
    return replace(rows, crops=crops, landmarks=np.full_like(rows.landmarks, np.nan),
                   known=np.zeros_like(rows.known), head=np.full_like(rows.head, np.nan),
                   expression_class=np.full_like(rows.expression_class, -1))


def answer_each_way(
    network: ExpressionNetwork | TeacherNetwork, of_landmarks: Tensor, there: Tensor, of_crop: Tensor, seen: Tensor
) -> tuple[Answer, np.ndarray]:
    """The answers to `network.features`: to all faces, then to those that have both once without the crop and once
    without the landmarks; and which face each answer is about, int [A]."""
    both = (there & seen)[:, 0].nonzero()[:, 0]
    rows = torch.cat([torch.arange(len(there)), both, both])
    way = torch.cat([torch.zeros(len(there)), torch.ones(len(both)), torch.full((len(both),), 2)])[:, None]
    answer = network.fused(of_landmarks[rows], there[rows] & (way != 2), of_crop[rows], seen[rows] & (way != 1))
    return answer, rows.numpy()


def start_from_gradients(
    network: ExpressionNetwork, kinds: dict[str, Faces], spread: Tensor, epochs: int = 10
) -> None:
    """Fit all but the convolutions, whose features are left out: an epoch takes seconds, for the gradients are kept.

    From here the convolutions learn what the gradients lack, in a tenth of the time that both need from nothing.
    """
    network.landmarks.learn_scale(torch.from_numpy(kinds["tracked"].landmarks[::4]))
    everyone = joined(list(kinds.values()))
    faces, gradients = _gradient_table(network, everyone, np.random.default_rng([_SEED, 0]))
    learning = [p for name, p in network.named_parameters() if "convolutions" not in name]
    optimiser = torch.optim.AdamW(learning, _START_RATE, weight_decay=0.05)
    batches = max(1, len(everyone) // _START_BATCH)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _START_RATE, total_steps=epochs * batches, pct_start=0.15)
    random, begun = np.random.default_rng(_SEED), time.perf_counter()
    for epoch in range(epochs):
        network.train()
        total = 0.0
        for rows in random.permutation(len(faces))[:batches * _START_BATCH].reshape(batches, -1):
            some = faces[rows]
            of_crop = _without_convolutions(network, gradients[torch.from_numpy(rows)])
            of_landmarks, there = network.landmark_features(torch.from_numpy(some.landmarks))
            answer, asked = answer_each_way(network, of_landmarks, there, of_crop, torch.ones_like(there))
            chance = torch.Generator().manual_seed(int(random.integers(1 << 31)))
            loss = loss_of(answer, some[asked], np.zeros(len(asked), bool), spread, chance)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 3.0)
            optimiser.step()
            plan.step()
            total += loss.item()
        print(f"gradients {epoch + 1}/{epochs}: loss {total / batches:.4f}, {time.perf_counter() - begun:.0f} s",
              flush=True)
    with torch.no_grad():
        network.fuse[0][0].weight[:, -FEATURES:] = 0
    fit_linear(network, faces, gradients)


def _without_convolutions(network: ExpressionNetwork, gradients: Tensor) -> Tensor:
    """The crop's features of gradients float16 [N, GRADIENTS], those of the convolutions 0."""
    scaled = network.crop.scale(gradients.float())
    return torch.cat([functional.pad(network.crop.from_gradients(scaled), (0, FEATURES)), scaled], 1)


def fit_linear(network: ExpressionNetwork, faces: Faces, gradients: Tensor) -> None:
    """Fit the linear part to what the layers without convolutions leave, on people whose every coefficient is known."""
    rows = np.flatnonzero((faces.character < 0) & faces.known.all(1))
    size = INPUTS + GRADIENTS + 1
    gram = {way: torch.zeros(size, size) for way in ("both", "crop")}
    aims = {way: torch.zeros(size, coefficients.COUNT) for way in ("both", "crop", "landmarks")}
    counts = dict.fromkeys(gram, 0)
    network.eval()
    with torch.no_grad():
        for way in aims:
            getattr(network.linear, way).zero_()
        for some in np.array_split(rows, len(rows) // 1024 + 1):
            part = faces[some]
            truth = torch.from_numpy(part.coefficients)
            of_landmarks, there = network.landmark_features(torch.from_numpy(part.landmarks))
            of_crop, seen = _without_convolutions(network, gradients[torch.from_numpy(some)]), torch.ones_like(there)
            inputs = [of_landmarks[:, FEATURES:] * there, of_crop[:, 2 * FEATURES:], torch.ones(len(some), 1)]
            inputs = torch.cat(inputs, 1)
            known = there[:, 0]
            for way, kept, given in (("both", known, (there, seen)), ("crop", seen[:, 0], (~seen, seen)),
                                     ("landmarks", known, (there, ~seen))):
                left = truth - network.fused(of_landmarks, given[0], of_crop, given[1]).coefficients
                aims[way] += inputs[kept].T @ left[kept]
            gram["both"] += inputs[known].T @ inputs[known]
            gram["crop"] += inputs.T @ inputs
            counts["both"] += int(known.sum())
            counts["crop"] += len(some)
        of = torch.arange(size)
        for way, used in (("both", of), ("crop", of[INPUTS:]), ("landmarks", torch.cat([of[:INPUTS], of[-1:]]))):
            name = "crop" if way == "crop" else "both"
            damped = gram[name][used][:, used] + _DAMPING * counts[name] * torch.eye(len(used))
            getattr(network.linear, way).copy_(torch.cholesky_solve(aims[way][used], torch.linalg.cholesky(damped)))


def _gradient_table(network: ExpressionNetwork, faces: Faces, random: np.random.Generator) -> tuple[Faces, Tensor]:
    """All faces once more varied, without their crops but with the crops' gradients float16 [N, GRADIENTS]."""
    parts, gradients = [], []
    for first in range(0, len(faces), 256):
        part = varied(faces[first:first + 256], random)
        with torch.no_grad():
            gradients.append(network.crop.gradients_of(network.crop.region(to_torch(part)[1])).half())
        parts.append(replace(part, crops=part.crops[:, :1, :1]))
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Faces.__dataclass_fields__}
    return Faces(**columns), torch.cat(gradients)


def see(network: ExpressionNetwork, faces: Faces) -> np.ndarray:
    """Coefficients [N, 54], clipped, of faces as they are."""
    network.eval()
    parts = []
    with torch.no_grad():
        for first in range(0, len(faces), 256):
            parts.append(network(*to_torch(faces[first:first + 256])).coefficients)
    return torch.cat(parts).clamp(0, 1).numpy()


def mean_correlation(network: ExpressionNetwork, faces: Faces) -> float:
    """Mean r over the shapes that move."""
    return float(np.nanmean(correlations(see(network, faces), faces.coefficients)))


class Training:
    """A network, its optimiser and how far they are; kept in one file, so that it can go on."""

    def __init__(
        self, path: Path, kinds: dict[str, Faces], steps: int, rate: float, teacher: TeacherNetwork | None = None
    ) -> None:
        torch.manual_seed(_SEED)
        self.teacher = teacher
        self.path, self.kinds, self.steps, self.rate, self.step = path, kinds, steps, rate, 0
        self.network = ExpressionNetwork()
        self.network.crop.convolutions.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=0.03)
        self.spread = torch.from_numpy(spread_of(kinds))
        if path.exists():
            kept: dict[str, Any] = torch.load(path, weights_only=True)
            self.network.load_state_dict(kept["network"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.step = kept["step"]

    def start(self) -> None:
        """Fit what needs no convolutions, unless that is done."""
        if not self.path.exists():
            start_from_gradients(self.network, self.kinds, self.spread)
            self.save()

    def save(self) -> None:
        """Write all of it, whole or not at all."""
        kept = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        with replacing(self.path) as partial:
            torch.save(kept, partial)

    def advance(self) -> float:
        """One step; its loss. The rate rises over a twentieth of the steps and falls as a cosine."""
        torch.manual_seed(_SEED + self.step)  # dropout and the pushes on bones
        random = np.random.default_rng([_SEED, self.step])
        share = self.step / self.steps
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * min(share / 0.05 + 0.02, 0.5 + 0.5 * math.cos(math.pi * min(share, 1.0)))
        faces, empty = draw_batch(self.kinds, random)
        self.network.train()
        answer, asked = answer_each_way(self.network, *self.network.features(*to_torch(faces)))
        faces, empty = faces[asked], empty[asked]
        loss = loss_of(answer, faces, empty, self.spread, torch.Generator().manual_seed(self.step))
        if self.teacher:
            loss = loss + distillation_loss(answer, self.teacher, faces, empty, self.spread)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        self.optimiser.step()
        self.step += 1
        return loss.item()


def train(training: Training, tests: dict[str, Faces]) -> None:
    """To the last step; prints the mean correlation on the test sets now and then."""
    begun, losses = time.perf_counter(), []
    while training.step < training.steps:
        losses.append(training.advance())
        if training.step % 250 == 0 or training.step == training.steps:
            training.save()
            marks = [f"{kind} r {mean_correlation(training.network, test):.3f}" for kind, test in tests.items()]
            print(f"step {training.step}/{training.steps}: loss {np.mean(losses):.4f}, {', '.join(marks)}, "
                  f"{time.perf_counter() - begun:.0f} s", flush=True)
            losses.clear()


def main() -> None:
    """Train, export, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--teacher", type=Path, help="checkpoint of train_similarity to learn from as well")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kinds = {kind: read_shards(paths) for kind in _SHARES if (paths := sorted(arguments.data.glob(f"{kind}_*.npz")))}
    print(", ".join(f"{len(faces)} {kind}" for kind, faces in kinds.items()), flush=True)
    tests = {kind: faces_of(test_set(kind, arguments.data)) for kind in ("random", "performance")}
    teacher = load_teacher(arguments.teacher) if arguments.teacher else None
    training = Training(arguments.data / CHECKPOINT, kinds, arguments.steps, arguments.rate, teacher)
    training.start()
    train(training, tests)
    arguments.out.mkdir(parents=True, exist_ok=True)
    export(training.network.eval(), arguments.out / "model.onnx")
    write_expression_card(arguments.out, {kind: len(faces) for kind, faces in kinds.items()}, arguments.data)


if __name__ == "__main__":
    main()
