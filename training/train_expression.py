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
from training.evaluate import correlations, write_expression_card
from training.expression_data import Faces, faces_of, read_shards, to_torch, varied
from training.expression_model import Answer, ExpressionNetwork, export
from training.make_expression_data import test_set
from training.render_performers import backdrop
from training.triplet_loss import mine_triplets, triplet_loss

MODEL = Path(__file__).resolve().parents[1] / "models" / "expression"
CHECKPOINT = "encoder.pt"
_SEED = 7
_BATCH = 128
_SHARES = {"tracked": 0.42, "crops": 0.44, "drawn": 0.11}
"""Of a batch; the rest is backdrops without a face, which teach doubt."""
_DROP_LANDMARKS, _DROP_CROP = 0.25, 0.15
_MARGIN = 0.15
_TRIPLETS = 256
_CLOSED = coefficients.indices(["eyeBlinkLeft", "eyeBlinkRight"])
_LOOKS = np.array([coefficients.indices([f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up")])
                   for side in ("Left", "Right")])


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


def loss_of(answer: Answer, faces: Faces, empty: np.ndarray, spread: Tensor, random: torch.Generator) -> Tensor:
    """Of the answers and of the embedding's order."""
    return answer_loss(answer, faces, empty, spread) + similarity_loss(answer, faces, empty, random)


def answer_loss(answer: Answer, faces: Faces, empty: np.ndarray, spread: Tensor) -> Tensor:
    """Errors of everything that is known; coefficients in units of their spread [54], so that rare ones count."""
    truth, known = torch.from_numpy(faces.coefficients), torch.from_numpy(faces.known)
    error = functional.smooth_l1_loss(answer.coefficients / spread, truth / spread, beta=0.5, reduction="none")
    loss = _mean(error, known)
    seen = known[:, _LOOKS].all(2) & ((truth * known)[:, _CLOSED] < 0.7)
    off = functional.smooth_l1_loss(answer.gaze / 0.2, torch.from_numpy(faces.gaze) / 0.2, beta=0.5, reduction="none")
    loss = loss + 0.4 * _mean(off.mean(2), seen)
    head = torch.from_numpy(faces.head)
    turned = functional.smooth_l1_loss(answer.head / 0.2, head.nan_to_num() / 0.2, beta=0.5, reduction="none")
    loss = loss + 0.2 * _mean(turned, head == head)
    labels = torch.from_numpy(faces.expression_class).long()
    if (labels >= 0).any():
        loss = loss + 0.1 * functional.cross_entropy(answer.classes, labels, ignore_index=-1)
    wrong = ((answer.coefficients - truth).abs() * known).sum(1) / known.sum(1).clamp_min(1)
    right = torch.where(torch.from_numpy(empty), 0.0, torch.exp(-wrong.detach() / 0.1))
    return loss + 0.1 * functional.binary_cross_entropy_with_logits(answer.confidence, right)


def similarity_loss(answer: Answer, faces: Faces, empty: np.ndarray, random: torch.Generator) -> Tensor:
    """Of the triplets, of people and characters alike, that the embedding orders worst."""
    there = torch.from_numpy(~empty)
    embedding, drawn = answer.embedding[there], torch.from_numpy(faces.character >= 0)[there]
    person = torch.from_numpy(faces.person)[there]
    truth, known = torch.from_numpy(faces.coefficients)[there], torch.from_numpy(faces.known)[there]
    rows, weights = mine_triplets(embedding, truth, known, person, drawn, random, _TRIPLETS)
    return 2 * triplet_loss(embedding, rows, weights, _MARGIN)


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum() / known.sum().clamp_min(1)


def answer_with_gaps(network: ExpressionNetwork, faces: Faces, random: np.random.Generator) -> Answer:
    """The network's answer while landmarks or crop are now and then kept from it, never both."""
    of_landmarks, there, of_crop, seen = network.features(*to_torch(faces))
    chance = torch.from_numpy(random.random(len(faces)))[:, None]
    both = there & seen
    no_landmarks, no_crop = both & (chance < _DROP_LANDMARKS), both & (chance > 1 - _DROP_CROP)
    return network.fused(of_landmarks, there & ~no_landmarks, of_crop, seen & ~no_crop)


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

    def __init__(self, path: Path, kinds: dict[str, Faces], steps: int, rate: float) -> None:
        torch.manual_seed(_SEED)
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
        else:
            self.network.landmarks.learn_scale(torch.from_numpy(kinds["tracked"].landmarks[::4]))

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
        answer = answer_with_gaps(self.network, faces, random)
        loss = loss_of(answer, faces, empty, self.spread, torch.Generator().manual_seed(self.step))
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        self.optimiser.step()
        self.step += 1
        return loss.item()


def spread_of(kinds: dict[str, Faces]) -> np.ndarray:
    """How much each coefficient varies where it is known, float32 [54], and a little more."""
    values = [np.where(faces.known, faces.coefficients, np.nan) for faces in kinds.values()]
    return (np.nanstd(np.concatenate(values), axis=0) + 0.05).astype(np.float32)


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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kinds = {kind: read_shards(paths) for kind in _SHARES if (paths := sorted(arguments.data.glob(f"{kind}_*.npz")))}
    print(", ".join(f"{len(faces)} {kind}" for kind, faces in kinds.items()), flush=True)
    tests = {kind: faces_of(test_set(kind, arguments.data)) for kind in ("random", "performance")}
    training = Training(arguments.data / CHECKPOINT, kinds, arguments.steps, arguments.rate)
    train(training, tests)
    arguments.out.mkdir(parents=True, exist_ok=True)
    export(training.network.eval(), arguments.out / "model.onnx")
    write_expression_card(arguments.out, {kind: len(faces) for kind, faces in kinds.items()}, arguments.data)


if __name__ == "__main__":
    main()
