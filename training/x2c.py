"""Train X2CNet's mapping network, a picture of a robot's face → its 30 controls, on Ada's pairs or on X2C itself.

    semblance pairs --character Ada --count 8160 && semblance pairs --character Ada --test
    python -m training.x2c                        # one core; goes on where it stopped; writes training/models/x2cnet
    python -m training.x2c --size paper           # the authors' ResNet-18, for a GPU; stays in out/x2c
    python -m training.x2c --x2c FOLDER           # on X2C (metadata.jsonl, images0 ... images9); stays in out/x2c

The authors' recipe: AdamW, Huber with delta 0.01, a cosine after 2 % of warming up, gradients cut to 1, colour jitter.
Not theirs: targets in -1..1, and for Ada mirror images too (her face is symmetric; a machine's is not). On one core the
convolutions are the expression encoder's, if training.train_experts left them; the first two thirds stay as they are,
and what they say of each picture is kept. The rest learns, by the squared error first: with Huber alone every doubt
becomes the rest pose.
"""
from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core.control_set import ControlSet
from addon.core.pair_set import TEST, TRAINING
from addon.core.paths import ROOT
from addon.core.rig_profile import find_profile
from training.stage_runs import Plan, best_device, read_checkpoint, run
from training.x2c_data import Renders, ada_renders, x2c_renders
from training.x2c_model import VIEWS, MappingNetwork, PaperNetwork, mapping_network

PLANS: Final = {
    "small": {"squared": Plan(epochs=5, batch=128, rate=2e-3, warm_share=0.02, longest=1.0),
              "huber": Plan(epochs=12, batch=128, rate=1e-3, warm_share=0.02, longest=1.0)},
    "paper": {"huber": Plan(epochs=100, batch=128, rate=1e-3, warm_share=0.02, longest=1.0)},
}
LOSSES: Final = {"squared": functional.mse_loss, "huber": partial(functional.huber_loss, delta=0.01)}
PAIRS: Final = {TRAINING: ROOT / "out" / "pairs" / "ada", TEST: ROOT / "out" / "pairs" / "ada_test"}
OUT: Final = ROOT / "out" / "x2c"
START: Final = ROOT / "out" / "expression" / "convolutions.pt"
"""What training.train_experts leaves."""
_JITTER: Final = 0.2
_VERSIONS: Final = 2
"""How many variations of a picture there are where what the first layers say of it is kept."""
_GREY: Final = torch.tensor([0.299, 0.587, 0.114])
"""Share of red, green and blue in brightness (ITU-R BT.601)."""


Batch = tuple[Tensor, Tensor]
"""What the layers get that learn, and the controls [N, 30] in -1..1."""


def train(network: MappingNetwork, draw: Callable[[np.random.Generator, int], Batch], faces: int,
          plans: dict[str, Plan], path: Path, about: dict[str, str]) -> int:
    """Fit the network's top in the stages of `plans`, each from its checkpoint beside `path` if there is one.

    Returns:
        Steps still to do.

    Raises:
        SemblanceError: if a checkpoint is damaged or of something else.
    """
    for stage, plan in plans.items():
        def loss_of(random: np.random.Generator, stage: str = stage, plan: Plan = plan) -> Tensor:
            seen, true = draw(random, plan.batch)
            return LOSSES[stage](network.top(seen), true)

        own = path.with_name(f"{path.stem}_{stage}.pt")
        if left := run(network, loss_of, plan.steps(faces), plan, own, about | {"stage": stage}):
            return left
    return 0


def pictures_drawn(network: MappingNetwork, renders: Renders, controls: ControlSet, mirror: bool
                   ) -> Callable[[np.random.Generator, int], Batch]:
    """Batches of pictures, each varied anew, seen by a bottom that learns as well."""
    own, other = _both(renders, controls)
    device = next(network.parameters()).device

    def draw(random: np.random.Generator, count: int) -> Batch:
        rows = np.sort(random.integers(len(renders), size=count))
        pictures, flip = _varied(renders.pictures[rows], random, mirror)
        true = torch.where(flip[:, None], other[rows], own[rows])
        return network.bottom(jittered(pictures.to(device))), true.to(device)

    return draw


def maps_drawn(network: MappingNetwork, renders: Renders, controls: ControlSet, mirror: bool, seed: int
               ) -> Callable[[np.random.Generator, int], Batch]:
    """Batches of what a bottom that stays as it is says of the pictures, in versions made beforehand."""
    own, other = _both(renders, controls)
    device = next(network.parameters()).device
    random, maps, truths = np.random.default_rng(seed), [], []
    network.eval()
    for _ in range(_VERSIONS):
        for first in range(0, len(renders), 64):
            rows = np.arange(first, min(first + 64, len(renders)))
            pictures, flip = _varied(renders.pictures[rows], random, mirror)
            with torch.no_grad():
                maps.append(network.bottom(jittered(pictures.to(device))).half())
            truths.append(torch.where(flip[:, None], other[rows], own[rows]))
    seen, true = torch.cat(maps), torch.cat(truths).to(device)

    def draw(random: np.random.Generator, count: int) -> Batch:
        rows = torch.from_numpy(random.integers(len(seen), size=count))
        return seen[rows].float(), true[rows]

    return draw


def _both(renders: Renders, controls: ControlSet) -> tuple[Tensor, Tensor]:
    """The controls [N, 30] in -1..1, and those of the mirror images."""
    values = (renders.controls, controls.mirrored(renders.controls))
    return tuple(torch.from_numpy(controls.scaled(each)) for each in values)  # type: ignore[return-value]


def _varied(pictures: np.ndarray, random: np.random.Generator, mirror: bool) -> tuple[Tensor, Tensor]:
    """The pictures, half of them as in a mirror if `mirror`, and which, bool [N]."""
    flip = random.random(len(pictures)) < (0.5 if mirror else 0.0)
    varied = np.array(pictures)
    varied[flip] = varied[flip][:, :, ::-1]
    return torch.from_numpy(varied), torch.from_numpy(flip)


def jittered(pictures: Tensor) -> Tensor:
    """Pictures uint8 [N, S, S, 3] RGB → float, each with brightness, contrast and saturation changed by up to 20 %."""
    light, contrast, colour = (
        1 + (torch.rand(len(pictures), 1, 1, 1, device=pictures.device) * 2 - 1) * _JITTER for _ in range(3)
    )
    seen = pictures.float() * light
    seen = seen + (seen - seen.mean((1, 2, 3), keepdim=True)) * (contrast - 1)
    grey = (seen * _GREY.to(seen.device)).sum(3, keepdim=True)
    return (grey + (seen - grey) * colour).clamp(0, 255)


def new_network(size: str, seed: int, renders: Renders) -> MappingNetwork:
    """A network of a size of VIEWS; a small one gets the encoder's convolutions, if training.train_experts left them.

    Raises:
        SemblanceError: if they are damaged or of another shape.
    """
    torch.manual_seed(seed)
    network = mapping_network(size)
    if isinstance(network, PaperNetwork):
        network.learn_colours(renders.pictures)
    elif START.is_file():
        network.start_from(read_checkpoint(START)["network"])
    return network.to(best_device(), memory_format=torch.channels_last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", choices=list(VIEWS), default="small", help="small: one core; paper: a GPU")
    parser.add_argument("--x2c", type=Path, metavar="FOLDER", help="the real set, with metadata.jsonl")
    parser.add_argument("--count", type=int, help="how many of Ada's pairs to learn from (all)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long, to go on another time")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Train what is not trained, then measure it beside its rivals; Ada's small network is exported with its card."""
    from training.x2c_report import export_with_card, report

    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    controls, view = find_profile("ada").control_set, VIEWS[arguments.size]
    if arguments.x2c:
        learned, asked, refused = x2c_renders(arguments.x2c, controls, replace(view, part=1.0), OUT)
        print("\n".join(refused))
    else:
        learned = ada_renders(PAIRS[TRAINING], TRAINING, view, arguments.count)
        asked = ada_renders(PAIRS[TEST], TEST, view)
    plans = {stage: replace(plan, minutes=arguments.minutes) for stage, plan in PLANS[arguments.size].items()}
    seed = next(iter(plans.values())).seed
    network, mirror = new_network(arguments.size, seed, learned), not arguments.x2c
    stays = arguments.size == "small" and START.is_file()
    if stays:
        draw = maps_drawn(network, learned, controls, mirror, seed)
    else:
        draw = pictures_drawn(network, learned, controls, mirror)
    name = f"{'x2c' if arguments.x2c else 'ada'}_{arguments.size}_{len(learned)}"
    about = {"size": arguments.size, "set": str(arguments.x2c or "ada"), "faces": str(len(learned)),
             "start": hashlib.sha256(START.read_bytes()).hexdigest()[:12] if stays else ""}
    if left := train(network, draw, len(learned), plans, OUT / f"{name}.pt", about):
        raise SystemExit(f"{left} steps of a stage are left; run the same command again.")
    measured = report(network, learned, asked, controls, OUT / f"{name}.md")
    if name == f"ada_small_{len(learned)}" and arguments.count is None:
        export_with_card(network, measured, len(learned), len(asked))


if __name__ == "__main__":
    main()
