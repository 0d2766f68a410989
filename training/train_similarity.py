"""Stages 2 and 3 of the expression teacher: order its space by exact triplets, and read every answer from it.

    python -m training.train_similarity [--data out/expression] [--minutes 20] [--size small] [--from-scratch]

Starts from what training.pretrain_faces learned. Triplets with a margin both ways, weighted by how certain they are,
the hardest of each batch, across people and characters (FreeAvatar, section 3.1.2), and in the same steps the heads:
54 coefficients where they are known, gaze, head, the seven classes, confidence. Landmarks or crop are now and then kept
from it. Started again it goes on; `training.teacher_model.answers` asks what it learned.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.encoder_losses import answer_loss, similarity_loss, spread_of
from training.evaluate import correlations
from training.expression_data import Faces, faces_of, read_shards, to_torch
from training.face_batches import draw_batch
from training.make_expression_data import test_set
from training.pretrain_faces import checkpoint_path, shard_paths
from training.stage_runs import Plan, add_plan_arguments, best_device, chosen_plan, read_checkpoint, run
from training.teacher_model import TeacherNetwork, answer_each_way, answers
from training.vision_transformer import SIZES

PLANS = {"small": Plan(epochs=5, batch=128, rate=1e-3), "large": Plan(epochs=60, batch=512, rate=5e-4)}
_PRETRAINED = "encoder."


def teacher_path(data: Path, size: str) -> Path:
    """Where the teacher is kept."""
    return data / f"teacher_{size}.pt"


def new_teacher(size: str, kinds: dict[str, Faces], pretrained: Path | None, seed: int) -> TeacherNetwork:
    """A teacher that has seen no labels: its transformer as pre-trained, or random, its landmarks' scale learned.

    Raises:
        SemblanceError: if the checkpoint of the pre-training is not there or damaged.
    """
    torch.manual_seed(seed)
    network = TeacherNetwork(SIZES[size])
    points = [faces.landmarks[np.isfinite(faces.landmarks[:, 0, 0])] for faces in kinds.values()]
    if any(map(len, points)):
        network.landmarks.inputs.learn_scale(torch.from_numpy(np.concatenate(points)[::4]))
    if pretrained is not None:
        learned = read_checkpoint(pretrained)["network"]
        network.crop.encoder.load_state_dict({
            name.removeprefix(_PRETRAINED): values for name, values in learned.items() if name.startswith(_PRETRAINED)
        })
    return network.to(best_device())


@dataclass(frozen=True)
class Lesson:
    """What the teacher is given; the ablations take something away."""

    pretrained: bool = True
    triplets: bool = True
    landmarks: bool = True
    crop: bool = True

    def shown(self, faces: Faces) -> Faces:
        """The faces with what is kept from the network made unknown."""
        if not self.landmarks:
            faces = replace(faces, landmarks=np.full_like(faces.landmarks, np.nan))
        return faces if self.crop else replace(faces, crops=np.zeros_like(faces.crops))


def train_teacher(
    network: TeacherNetwork, kinds: dict[str, Faces], steps: int, plan: Plan, path: Path, about: dict[str, str],
    lesson: Lesson = Lesson(),
) -> int:
    """Learn from faces by kind, as training.train_expression draws them; returns the steps still to do."""
    spread = spread_of(kinds)

    def loss(random: np.random.Generator) -> Tensor:
        faces, empty = draw_batch(kinds, random, plan.batch)
        faces = lesson.shown(faces)
        answer, asked = answer_each_way(network, *network.features(*to_torch(faces)))
        faces, empty = faces[asked], empty[asked]
        error = answer_loss(answer, faces, empty, spread)
        if lesson.triplets:
            choice = torch.Generator().manual_seed(int(random.integers(1 << 31)))
            error = error + similarity_loss(answer, faces, empty, choice)
        return error

    return run(network, loss, steps, plan, path, about)


def read_kinds(data: Path) -> dict[str, Faces]:
    """All training faces in `data` by kind.

    Raises:
        SemblanceError: if there is none.
    """
    paths = shard_paths(data)
    kinds = {path.name.split("_")[0]: None for path in paths}
    return {kind: read_shards([path for path in paths if path.name.startswith(kind + "_")]) for kind in kinds}


def mean_correlation(network: TeacherNetwork, faces: Faces) -> float:
    """Mean r over the shapes that move."""
    values, _ = answers(network, faces.crops, faces.landmarks)
    return float(np.nanmean(correlations(values.clip(0, 1), faces.coefficients)))


def main() -> None:
    """Train the teacher and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    parser.add_argument("--from-scratch", action="store_true", help="without training.pretrain_faces")
    arguments = parser.parse_args()
    plan, path = chosen_plan(arguments, PLANS), teacher_path(arguments.data, arguments.size)
    kinds = read_kinds(arguments.data)
    print(", ".join(f"{len(faces)} {kind}" for kind, faces in kinds.items()), flush=True)
    pretrained = None if arguments.from_scratch else checkpoint_path(arguments.data, arguments.size)
    network = new_teacher(arguments.size, kinds, pretrained, plan.seed)
    steps = plan.steps(sum(map(len, kinds.values())))
    left = train_teacher(network, kinds, steps, plan, path, {"network": "teacher", "size": arguments.size})
    for kind in ("random", "performance"):
        print(f"{kind}: mean r {mean_correlation(network, faces_of(test_set(kind, arguments.data))):.3f}", flush=True)
    print(f"{path}: {left} steps left" if left else f"{path}: done")


if __name__ == "__main__":
    main()
