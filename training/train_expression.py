"""Put the experts together: find whom to believe, export the encoder to models/expression and write its card.

    python -m training.train_experts landmarks && python -m training.train_experts convolutions
    python -m training.train_expression [--data out/expression]

Whom to believe is learned on faces that no expert has seen (`expression_data.kept_aside`); a minute on two cores.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core.coefficients import COUNT
from addon.core.files import replacing
from training.encoder_losses import rightness
from training.evaluate import write_expression_card
from training.expression_data import Faces, concatenated, found_in, joined, read_to_learn, shards_of, to_torch
from training.expression_experts import answer_of
from training.expression_model import BELIEVED, EXPERTS, WAYS, ExpressionNetwork, export
from training.face_batches import no_faces
from training.stage_runs import read_checkpoint
from training.train_experts import expert_path

MODEL: Final = Path(__file__).resolve().parents[1] / "models" / "expression"
_SEED: Final = 7
_BATCH: Final = 128
_MEASURED: Final = COUNT + 4 + 3
"""Coefficients, gaze and head: what the experts' errors can be weighed for."""
_DAMPING: Final = 1e-3
_SWEEPS: Final = 200
_EMPTY_SHARE: Final = 0.05
_DIRECTIONS: Final = 40
"""Of the embedding. On faces kept aside, 30 to 54 order triplets alike; the fewer, the less they tell who it is."""
_COMPARED: Final = 5000
"""Faces that they are found on."""


def with_experts(data: Path) -> ExpressionNetwork:
    """The network with what its experts learned.

    Raises:
        SemblanceError: if an expert's checkpoint is not there or damaged.
    """
    network = ExpressionNetwork()
    for name in EXPERTS:
        getattr(network, name).load_state_dict(read_checkpoint(expert_path(data, name))["network"])
    return network.eval()


@dataclass(frozen=True)
class Opinions:
    """What the experts say of N faces, known in one way."""

    faces: Faces
    empty: np.ndarray
    """bool [N]: shows no face."""
    answers: Tensor
    """[N, experts, ANSWERS]."""


def opinions(network: ExpressionNetwork, faces: Faces, way: str) -> Opinions:
    """Of the faces that can be known that way, as if that were all that is known."""
    faces = known_as(faces, way)
    shown = len(faces)
    if way == "crop":
        backdrops = no_faces(faces, round(shown * _EMPTY_SHARE), np.random.default_rng(_SEED))
        faces = concatenated([faces, backdrops])
    with torch.no_grad():
        answers = [network.opinions(*to_torch(faces[first:first + _BATCH]))[0]
                   for first in range(0, len(faces), _BATCH)]
    return Opinions(faces, np.arange(len(faces)) >= shown, torch.cat(answers))


def known_as(faces: Faces, way: str) -> Faces:
    """The faces that can be known that way, as if that were all that is known."""
    there = np.isfinite(faces.landmarks[:, 0, 0])
    if way == "crop":
        return replace(faces, landmarks=np.full_like(faces.landmarks, np.nan))
    faces = faces[there]
    return faces if way == "both" else replace(faces, crops=np.zeros_like(faces.crops))


def weigh(network: ExpressionNetwork, way: str, said: Opinions) -> None:
    """Set how much each expert counts, so that the weighted sums come nearest to the truth; none less than nothing."""
    faces, answers = said.faces, said.answers
    aims = np.concatenate([faces.coefficients, faces.gaze.reshape(-1, 4), np.nan_to_num(faces.head)], 1)
    known = np.concatenate([faces.known, np.repeat(faces.known.all(1)[:, None], 4, 1), np.isfinite(faces.head)], 1)
    believed = [EXPERTS.index(name) for name in BELIEVED[way]]
    for column in range(_MEASURED):
        rows = torch.from_numpy(known[:, column])
        told, aim = answers[rows][:, believed, column], torch.from_numpy(aims[rows.numpy(), column])
        weights = not_negative(told - told.mean(0), aim - aim.mean())
        network.weights[WAYS.index(way), believed, column] = weights
        network.offset[WAYS.index(way), column] = aim.mean() - told.mean(0) @ weights
    _weigh_doubt(network, way, said)


def not_negative(told: Tensor, aim: Tensor) -> Tensor:
    """The weights [K], none below 0, with which columns [N, K] come nearest to [N]; by coordinate descent."""
    products = told.T @ told / len(told)
    products += _DAMPING * products.diagonal().mean() * torch.eye(len(products)) + 1e-12
    moments, weights = told.T @ aim / len(told), torch.zeros(told.shape[1])
    for _ in range(_SWEEPS):
        for k in range(len(weights)):
            rest = moments[k] - products[k] @ weights + products[k, k] * weights[k]
            weights[k] = (rest / products[k, k]).clamp_min(0)
    return weights


def _weigh_doubt(network: ExpressionNetwork, way: str, said: Opinions) -> None:
    """Classes and doubt: the mean, the doubt stretched until it is right as often as it says."""
    believed = [EXPERTS.index(name) for name in BELIEVED[way]]
    weights, offset = network.weights[WAYS.index(way)], network.offset[WAYS.index(way)]
    weights[:, _MEASURED:] = 0
    weights[believed, _MEASURED:] = 1 / len(believed)
    blended = answer_of((said.answers * weights).sum(1) + offset)
    right = rightness(blended.coefficients, said.faces, said.empty)
    stretch = torch.tensor([1.0, 0.0], requires_grad=True)
    optimiser = torch.optim.LBFGS([stretch], max_iter=100)

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = functional.binary_cross_entropy_with_logits(blended.confidence * stretch[0] + stretch[1], right)
        found.backward()
        return found

    optimiser.step(loss)
    weights[believed, -1] *= stretch[0].item()
    offset[-1] = stretch[1].item()


def find_directions(compared: Tensor) -> Tensor:
    """The directions [EMBEDDING_SIZE, EMBEDDING_SIZE], in columns, in which faces [N, EMBEDDING_SIZE] that are
    `compared` differ most, as they are and in a mirror, each brought to length 1; zeros after the first _DIRECTIONS.

    In the others expressions hardly differ, so that what is said there is mostly whose face it is.
    """
    mirrored = compared.clone()
    mirrored[:, COUNT:2 * COUNT] *= -1
    faces = functional.normalize(torch.cat([compared, mirrored]).double(), dim=1)
    found = torch.linalg.eigh(faces.T @ faces)[1].flip(1).float()
    found[:, _DIRECTIONS:] = 0
    return found


def compare(network: ExpressionNetwork, faces: Faces) -> Tensor:
    """What the network compares faces by, [N, EMBEDDING_SIZE], before it has directions."""
    with torch.no_grad():
        return torch.cat([network(*to_torch(faces[first:first + _BATCH])).embedding
                          for first in range(0, len(faces), _BATCH)])


def faces_by_kind(shards: dict[str, list[Path]]) -> dict[str, int]:
    """How many faces there are in the shards of "tracked", "crops" and "drawn"."""
    counts = {"tracked": 0, "crops": 0, "drawn": 0}
    for path in (path for paths in shards.values() for path in paths):
        counts[path.name.split("_")[0]] += found_in([path])
    return counts


def main() -> None:
    """Weigh, export, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = with_experts(arguments.data)
    shards = shards_of(arguments.data)
    aside = joined([read_to_learn(paths, aside=True) for paths in shards.values()])
    for number, way in enumerate(WAYS):
        weigh(network, way, opinions(network, aside, way))
        believed = zip(EXPERTS, network.weights[number, :, :COUNT].mean(1).tolist(), strict=True)
        print(way, ", ".join(f"{name} {weight:.2f}" for name, weight in believed), flush=True)
    network.directions.copy_(find_directions(compare(network, aside[::-(-len(aside) // _COMPARED)])))
    arguments.out.mkdir(parents=True, exist_ok=True)
    with replacing(arguments.out / "model.onnx") as partial:
        export(network.eval(), partial)
    write_expression_card(arguments.out, faces_by_kind(shards), arguments.data)


if __name__ == "__main__":
    main()
