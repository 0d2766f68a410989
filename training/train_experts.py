"""Teach the encoder's experts: the landmarks' in minutes, the convolutions, the encoder's longest stage, in 85.

    python -m training.train_experts landmarks [--data out/expression] [--epochs 48] [--minutes 30]
    python -m training.train_experts convolutions [--teacher out/expression/teacher_small.pt]

Started again it goes on where it stopped; `training.train_expression` puts what they learned into the encoder.
"""
from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from addon.core.coefficients import COUNT
from training.encoder_losses import answer_loss, distillation_loss, points_loss, spread_of
from training.evaluate import figures
from training.expression_data import (
    Faces,
    concatenated,
    faces_of,
    faces_to_learn,
    mirrored,
    read_to_learn,
    shards_of,
    varied_landmarks,
)
from training.expression_experts import LandmarkExpert, PointExpert, answer_of
from training.face_batches import draw_batch
from training.make_expression_data import test_set
from training.stage_runs import Plan, add_plan_arguments, best_device, chosen_plan, run
from training.teacher_model import TeacherNetwork, load_teacher

PLANS: Final = {
    "landmarks": {"small": Plan(epochs=48, batch=256, rate=2e-3), "large": Plan(epochs=48, batch=256, rate=2e-3)},
    "convolutions": {"small": Plan(epochs=15, batch=128, rate=4e-3, weight_decay=0.02, short_floats=True),
                     "large": Plan(epochs=60, batch=512, rate=4e-3, weight_decay=0.02)},
}

_OUTWARD: Final = ("answer.weight", "modes.weight", "correction.weight")
"""Weights that no layer comes after; Muon is for those of hidden layers."""
_POINTS_SHARE: Final = 0.5
"""What the error of the points counts beside that of the answers."""


def expert_path(data: Path, name: str) -> Path:
    """Where an expert's stage keeps what it learned."""
    return data / f"{name}.pt"


def train_landmarks(network: LandmarkExpert, faces: Faces, steps: int, plan: Plan, path: Path) -> int:
    """Learn every answer from faces that have landmarks; returns the steps still to do."""
    spread = spread_of({"all": faces})
    network.inputs.eval().learn_scale(torch.from_numpy(faces.landmarks[::2]))

    def loss(random: np.random.Generator) -> Tensor:
        some = mirrored(faces[random.integers(len(faces), size=plan.batch)], random.random(plan.batch) < 0.5)
        answer = answer_of(network(torch.from_numpy(varied_landmarks(some.landmarks, random))))
        return answer_loss(answer, some, np.zeros(len(some), bool), spread)

    return run(network, loss, steps, plan, path, {"network": "landmarks"})


def train_convolutions(
    network: PointExpert, kinds: dict[str, Faces], steps: int, plan: Plan, path: Path,
    teacher: TeacherNetwork | None = None,
) -> int:
    """Learn every answer and the face's points from the crops, and from `teacher` if there is one; returns the steps
    still to do."""
    spread = spread_of(kinds)
    points = np.concatenate([faces.points[::2] for faces in kinds.values()])
    known = np.isfinite(points).all((1, 2))
    if known.any():
        network.learn_modes(points[known])

    def loss(random: np.random.Generator) -> Tensor:
        faces, empty = draw_batch(kinds, random, plan.batch)
        found, modes = network.both(torch.from_numpy(faces.crops).to(best_device()))
        answer = answer_of(found.float().cpu())
        error = answer_loss(answer, faces, empty, spread) + _POINTS_SHARE * points_loss(network, modes, faces.points)
        if teacher:
            error = error + distillation_loss(answer.coefficients, teacher, faces, empty, spread)
        return error

    hidden = [weight for name, weight in network.named_parameters() if weight.ndim > 1 and name not in _OUTWARD]
    return run(network, loss, steps, plan, path, {"network": "convolutions"}, hidden)


def with_landmarks(paths: list[Path]) -> Faces:
    """The faces to learn from that have landmarks, without their crops."""
    parts = []
    for faces in faces_to_learn(paths):
        known = faces[np.isfinite(faces.landmarks[:, 0, 0])]
        parts.append(replace(known, crops=known.crops[:, :1, :1].copy()))
    return concatenated(parts)


def mean_correlation(network: LandmarkExpert | PointExpert, faces: Faces) -> float:
    """Mean r over the shapes that move."""
    inputs = faces.landmarks if isinstance(network, LandmarkExpert) else faces.crops
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        parts = [network(some.to(device))[:, :COUNT].cpu() for some in torch.from_numpy(inputs).split(256)]
    return figures(torch.cat(parts).clamp(0, 1).numpy(), faces.coefficients)["mean_r"]


def main() -> None:
    """Train one and say how good it is alone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("expert", choices=PLANS)
    add_plan_arguments(parser)
    parser.add_argument("--teacher", type=Path, help="checkpoint of training.train_similarity to learn from as well")
    arguments = parser.parse_args()
    plan, path = chosen_plan(arguments, PLANS[arguments.expert]), expert_path(arguments.data, arguments.expert)
    shards = shards_of(arguments.data)
    torch.manual_seed(plan.seed)
    network: LandmarkExpert | PointExpert
    if arguments.expert == "landmarks":
        network, faces = LandmarkExpert(), with_landmarks(shards["people"])
        left = train_landmarks(network, faces, plan.steps(len(faces)), plan, path)
    else:
        network = PointExpert().to(best_device(), memory_format=torch.channels_last)
        kinds = {kind: read_to_learn(paths) for kind, paths in shards.items()}
        teacher = load_teacher(arguments.teacher) if arguments.teacher else None
        left = train_convolutions(network, kinds, plan.steps(sum(map(len, kinds.values()))), plan, path, teacher)
    for kind in ("random", "performance"):
        print(f"{kind}: mean r {mean_correlation(network, faces_of(test_set(kind, arguments.data))):.3f}", flush=True)
    print(f"{path}: {left} steps left" if left else f"{path}: done")


if __name__ == "__main__":
    main()
