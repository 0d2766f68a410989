"""Train ExprGen's recognisers and the f-CNN, and export them with their cards to training/models.

    python -m training.train_recognisers [people] [characters] [similarity] [--size small]

Stages, each on what the one before it left in out/recognisers; one that was stopped goes on, one that is done is only
measured and exported again. Needs the faces of training.class_faces. --size paper is ExprGen's own network, for a GPU.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core.errors import SemblanceError
from training.geometry_features import geometry_features, standardised
from training.recognisers import (
    CHARACTERS,
    MODELS,
    PEOPLE,
    SIMILARITY,
    SIZES,
    Recogniser,
    Similarity,
    export,
    for_characters,
    varied,
)
from training.stage_runs import Plan, best_device, read_checkpoint, run

STAGES: Final = ("people", "characters", "similarity")
PLANS: Final = {
    # ExprGen: batches of 50 as well, but plain SGD, ten times slower from the second stage on.
    "people": Plan(epochs=12, batch=50, rate=2e-3),
    "characters": Plan(epochs=10, batch=50, rate=1.5e-3),
    "similarity": Plan(epochs=100, batch=50, rate=1e-3),
}
_FAR: Final = 0.5
"""Of the pairs of one class, this share with the most different geometry does not match."""


@dataclass(frozen=True)
class Labelled:
    """N faces whose class is known."""

    crops: np.ndarray
    """uint8 [N, 128, 128, 3] BGR."""
    classes: np.ndarray
    """int64 [N]."""
    geometry: np.ndarray
    """float64 [N, 9], standardised among people or among the faces of one's own character; NaN where not known."""
    coefficients: np.ndarray
    """float32 [N, 54]."""
    known: np.ndarray
    """bool [N, 54]."""
    character: np.ndarray
    """int [N], -1 = a person."""

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, rows: np.ndarray) -> Labelled:
        return Labelled(*(getattr(self, name)[rows] for name in Labelled.__dataclass_fields__))


def read_labelled(paths: list[Path]) -> Labelled:
    """The labelled faces of some shards.

    Raises:
        SemblanceError: if there are none.
    """
    rows: dict[str, list[np.ndarray]] = {}
    for path in paths:
        with np.load(path) as data:
            chosen = data["found"] & (data["expression_class"] >= 0)
            if not chosen.any():
                continue
            for name in ("crops", "expression_class", "landmarks", "coefficients", "known", "character"):
                rows.setdefault(name, []).append(data[name][chosen])
    if not sum(map(len, rows.get("crops", []))):
        raise SemblanceError("There are no labelled faces; make them with 'python -m training.class_faces'.")
    columns = {name: np.concatenate(parts) for name, parts in rows.items()}
    return labelled(columns)


def labelled(columns: dict[str, np.ndarray]) -> Labelled:
    """The columns of shards, all rows."""
    geometry = geometry_features(columns["landmarks"]).astype(np.float64)
    for one in np.unique(columns["character"]):
        own = columns["character"] == one
        if np.isfinite(geometry[own]).any():
            geometry[own] = standardised(geometry[own], geometry[own])
    return Labelled(columns["crops"], columns["expression_class"].astype(np.int64), geometry, columns["coefficients"],
                    columns["known"], columns["character"])


def train_classes(network: Recogniser, faces: Labelled, plan: Plan, path: Path, about: dict[str, str]) -> int:
    """Fit a recogniser to the classes, each counting the same; returns the steps still to do."""
    classes = torch.from_numpy(faces.classes).to(next(network.parameters()).device)
    members = [np.flatnonzero(faces.classes == klass) for klass in np.unique(faces.classes)]
    crops = torch.from_numpy(faces.crops)

    def loss_of(random: np.random.Generator) -> Tensor:
        rows = np.array([random.choice(members[i]) for i in random.integers(len(members), size=plan.batch)])
        with torch.no_grad():
            seen = network.inputs(varied(network.pictures(crops[rows].to(classes.device))))
        scores = network.head(network.trunk(seen))
        return functional.cross_entropy(scores, classes[rows], label_smoothing=0.05)

    return run(network, loss_of, plan.steps(len(faces)), plan, path, about)


@dataclass(frozen=True)
class Pairing:
    """People, characters, and which of them may match: the same class as HCNN sees it, and the geometry near."""

    person: Tensor
    """float32 [P, 64]."""
    character: Tensor
    """float32 [C, 64]."""
    nearest: Tensor
    """int [P]: the match of each person, E+."""
    differs: Tensor
    """bool [P, C]: may serve as E-."""


def pair(person: Tensor, character: Tensor, seen: np.ndarray, people: Labelled, characters: Labelled) -> Pairing:
    """Pairs of faces of known geometry, by the class `seen` [P] on the person and nearest geometry (section 4.1)."""
    same = seen[:, None] == characters.classes[None]
    apart = np.linalg.norm(people.geometry[:, None] - characters.geometry[None], axis=2)
    inside = np.where(same, apart, np.nan)
    far = apart > np.nanquantile(inside, 1 - _FAR, axis=1, keepdims=True)
    nearest = np.where(same, apart, np.inf).argmin(1)
    return Pairing(person, character, torch.from_numpy(nearest), torch.from_numpy(~same | far))


def train_similarity(network: Similarity, pairs: Pairing, plan: Plan, path: Path, about: dict[str, str]) -> int:
    """Fit the f-CNN's end by the hinge loss on triplets whose E- is the hardest of the batch."""
    def loss_of(random: np.random.Generator) -> Tensor:
        rows = torch.from_numpy(random.integers(len(pairs.person), size=plan.batch))
        matches = pairs.nearest[rows]
        person, positive = pairs.person[rows], pairs.character[matches]
        every = network(person.repeat_interleave(len(rows), 0), positive.repeat(len(rows), 1)).reshape(len(rows), -1)
        hardest = every.masked_fill(~pairs.differs[rows][:, matches], -torch.inf).amax(1)
        return (functional.relu(1 - every.diagonal()) + functional.relu(1 + hardest)).mean()

    return run(network, loss_of, plan.steps(len(pairs.person)), plan, path, about)


def features_of(network: Recogniser, crops: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Pooled vectors float32 [N, 64] and the likeliest classes [N]."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        parts = [network.features(part.to(device)) for part in torch.from_numpy(crops).split(256)]
        features = torch.cat(parts)
        return features.cpu(), network.head(features).argmax(1).cpu().numpy()


def _kept(stage: str, size: str, data: Path) -> Recogniser:
    network = Recogniser(SIZES[size])
    network.load_state_dict(read_checkpoint(_checkpoint(stage, size, data))["network"])
    return network.to(best_device())


def _checkpoint(stage: str, size: str, data: Path) -> Path:
    return data / f"{stage}_{size}.pt"


def people_faces(data: Path, more: Path) -> Labelled:
    """The training people of training.class_faces, and the labelled ones of make_expression_data."""
    return _read((data, more), "crops_*.npz", "tracked_*.npz")


def character_faces(data: Path, more: Path) -> Labelled:
    """Characters in key poses and as people drive them (training.class_faces), and those of training.drawn_faces."""
    return _read((data, more), "poses_*.npz", "driven_*.npz", "drawn_*.npz")


def _read(folders: tuple[Path, ...], *patterns: str) -> Labelled:
    return read_labelled([path for folder in folders for pattern in patterns for path in sorted(folder.glob(pattern))])


def train_stage(stage: str, size: str, data: Path, more: Path) -> None:
    """Train one stage, or what is left of it, and export the network.

    Raises:
        SystemExit: if the plan's minutes ended before the stage.
    """
    path, about = _checkpoint(stage, size, data), {"stage": stage, "size": size}
    torch.manual_seed(PLANS[stage].seed)
    network: Recogniser | Similarity
    if stage == "people":
        network = Recogniser(SIZES[size]).to(best_device())
        left = train_classes(network, people_faces(data, more), PLANS[stage], path, about)
    elif stage == "characters":
        network = for_characters(_kept("people", size, data)).to(best_device())
        left = train_classes(network, character_faces(data, more), PLANS[stage], path, about)
    else:
        network = Similarity()
        left = train_similarity(network, _pairs(size, data, more), PLANS[stage], path, about)
    if left:
        raise SystemExit(f"{left} steps of '{stage}' are left; run the same command again.")
    name = {"people": PEOPLE, "characters": CHARACTERS, "similarity": SIMILARITY}[stage]
    export(network, MODELS / name / "model.onnx")


def _pairs(size: str, data: Path, more: Path) -> Pairing:
    """All training faces whose geometry is known."""
    people, characters = people_faces(data, more), character_faces(data, more)
    people, characters = (faces[np.isfinite(faces.geometry[:, 0])] for faces in (people, characters))
    person, seen = features_of(_kept("people", size, data), people.crops)
    character, _ = features_of(_kept("characters", size, data), characters.crops)
    return pair(person, character, seen, people, characters)


def main() -> None:
    """Train what is not trained, then measure and write the cards."""
    from training.evaluate_recognisers import write_cards

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}; all without")
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--data", type=Path, default=Path("out/recognisers"))
    parser.add_argument("--more", type=Path, default=Path("out/expression"), help="shards with labelled faces too")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if wrong := set(arguments.stages) - set(STAGES):
        parser.error(f"there is no stage '{min(wrong)}'; use {', '.join(STAGES)}")
    torch.set_num_threads(arguments.threads)
    chosen = arguments.stages or list(STAGES)
    for stage in chosen:
        train_stage(stage, arguments.size, arguments.data, arguments.more)
    write_cards(chosen, arguments.size, arguments.data, arguments.more)


if __name__ == "__main__":
    main()
