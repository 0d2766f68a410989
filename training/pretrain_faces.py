"""Stage 1 of the expression teacher: learn faces without labels, by painting what is hidden of them.

    python -m training.pretrain_faces [--data out/expression] [--images FOLDER ...] [--minutes 12] [--size small]

All crops of the shards, of people and characters, and the faces that our tracker finds in folders of pictures. Started
again it goes on; beside the checkpoint lies a picture: input | a quarter of it | painted from that.
"""
from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from addon.core.errors import SemblanceError
from addon.core.files import replacing
from addon.core.frames import Frame
from addon.tracking.tracker import FaceTracker
from training.expression_data import shards_of, varied_crop
from training.face_sets import image_folder, read_face
from training.stage_runs import Plan, add_plan_arguments, best_device, chosen_plan, run
from training.vision_transformer import PATCHES, SIZES, MaskedAutoencoder, face_region, hide_patches, to_patches

PLANS = {"small": Plan(epochs=8, batch=256, rate=1.5e-3), "large": Plan(epochs=200, batch=1024, rate=1.5e-3)}
_SHOWN = 12


def checkpoint_path(data: Path, size: str) -> Path:
    """Where the stage keeps what it learned."""
    return data / f"faces_{size}.pt"


def shard_paths(data: Path) -> list[Path]:
    """All training shards.

    Raises:
        SemblanceError: if there is none.
    """
    paths = sorted(path for kind in shards_of(data).values() for path in kind)
    if not paths:
        raise SemblanceError(f"There are no training shards in '{data}'; make them with training.make_expression_data.")
    return paths


def shard_crops(paths: list[Path]) -> np.ndarray:
    """All crops uint8 [N, 128, 128, 3] of the shards that show a face."""
    parts = []
    for path in paths:
        with np.load(path) as data:
            crops = data["crops"]
            parts.append(crops[crops.any((1, 2, 3))])
    return np.concatenate(parts)


def image_crops(folder: Path, data: Path) -> np.ndarray:
    """The crops uint8 [N, 128, 128, 3] of the faces that our tracker finds in the pictures of `folder`, kept in `data`.

    Raises:
        SemblanceError: if there is no such folder.
    """
    kept = data / f"images_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}.npz"
    if not kept.exists():
        tracker, crops = FaceTracker(), [np.zeros((0, 128, 128, 3), np.uint8)]
        for number, face_file in enumerate(image_folder(folder)):
            try:
                image = read_face(face_file)
            except SemblanceError as error:
                print(error)
                continue
            tracker.reset()
            face = tracker.track(Frame(image, float(number), number))
            if face.found:
                crops.append(face.crop[None])
        with replacing(kept) as partial, partial.open("wb") as file:
            np.savez(file, crops=np.concatenate(crops))
    return shard_crops([kept])


def picture(network: MaskedAutoencoder, crops: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] BGR: a row of crops, what the network sees of them, what it paints."""
    faces = face_region(torch.from_numpy(crops))
    noise = torch.rand(len(faces), PATCHES, generator=torch.Generator().manual_seed(1))
    device = next(network.parameters()).device
    with torch.no_grad():
        hidden, painted = network.painted(to_patches(faces).to(device), hide_patches(noise.to(device)))
    rows = [torch.cat(list(row.cpu()), 1) for row in (faces, hidden, painted)]
    return (torch.cat(rows) * 255).round().byte().numpy()


def pretrain(crops: np.ndarray, size: str, plan: Plan, path: Path) -> int:
    """Learn from crops uint8 [N, 128, 128, 3] until the plan is over; returns the steps still to do."""
    torch.manual_seed(plan.seed)
    device = best_device()
    network = MaskedAutoencoder(SIZES[size]).to(device)

    def loss(random: np.random.Generator) -> Tensor:
        rows, turns = random.integers(len(crops), size=plan.batch), random.choice([1, -1], plan.batch)
        some = [varied_crop(crops[row][:, ::turn], random) for row, turn in zip(rows, turns, strict=True)]
        patches = to_patches(face_region(torch.from_numpy(np.stack(some)).to(device)))
        return network.loss(patches, hide_patches(torch.rand(patches.shape[:2], device=device)))

    about = {"network": "masked autoencoder", "size": size}
    left = run(network, loss, plan.steps(len(crops)), plan, path, about)
    shown = picture(network, crops[np.linspace(0, len(crops) - 1, _SHOWN).astype(int)])
    with replacing(path.with_suffix(".png")) as partial:
        cv2.imwrite(str(partial), shown)
    return left


def main() -> None:
    """Pre-train on everything that is there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, nargs="*", default=[], help="folders of real pictures")
    add_plan_arguments(parser)
    arguments = parser.parse_args()
    crops = np.concatenate([shard_crops(shard_paths(arguments.data)),
                       *(image_crops(folder, arguments.data) for folder in arguments.images)])
    print(f"{len(crops)} crops", flush=True)
    plan, path = chosen_plan(arguments, PLANS), checkpoint_path(arguments.data, arguments.size)
    left = pretrain(crops, arguments.size, plan, path)
    print(f"{path}: {left} steps left" if left else f"{path}: done")


if __name__ == "__main__":
    main()
