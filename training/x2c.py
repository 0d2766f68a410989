"""Train X2CNet's mapping network, a picture of a robot's face → its 30 controls, on Ada's pairs or on X2C itself.

    semblance pairs --character Ada --count 8160 && semblance pairs --character Ada --test
    python -m training.x2c                        # one core; goes on where it stopped; writes training/models/x2cnet
    python -m training.x2c --size paper           # the authors' ResNet-18, for a GPU; stays in out/x2c
    python -m training.x2c --x2c FOLDER           # on X2C (metadata.jsonl, images0 ... images9); stays in out/x2c

The authors' recipe: AdamW, Huber with delta 0.01, a cosine after 2 % of warming up, gradients cut to 1, colour jitter.
Not theirs: targets in -1..1, and for Ada mirror images too (her face is symmetric; a machine's is not). The small
network learns to read patches that a first look has straightened; its loss is the error itself, and since the light on
its robot stays, so do the colours. The first look is learned in closed form. What it would say of each picture if it
had learned from all others is where the patches to learn from are: those of new pictures lie no better.
"""
from __future__ import annotations

import argparse
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
from training.stage_runs import Plan, best_device, run
from training.x2c_data import Renders, ada_renders, landmarks_seen, x2c_renders
from training.x2c_look import HEAD, mirrored_places, places_of
from training.x2c_model import VIEWS, MappingNetwork, PaperNetwork, SmallNetwork, mapping_network

PLANS: Final = {
    "small": {"absolute": Plan(epochs=26, batch=128, rate=1e-3, longest=1.0)},
    "paper": {"huber": Plan(epochs=100, batch=128, rate=1e-3, warm_share=0.02, longest=1.0)},
}
LOSSES: Final = {"absolute": functional.l1_loss, "huber": partial(functional.huber_loss, delta=0.01)}
PAIRS: Final = {TRAINING: ROOT / "out" / "pairs" / "ada", TEST: ROOT / "out" / "pairs" / "ada_test"}
LEARNED: Final = 7500
"""Of Ada's pairs. By those after them it was chosen what the small network reads and how it learns."""
OUT: Final = ROOT / "out" / "x2c"
_JITTER: Final = 0.2
_AT_ONCE: Final = 256
"""Pictures that are straightened at a time."""
_COMPONENTS_OF: Final = 2000
"""Faces whose principal components the small network begins with."""
_GREY: Final = torch.tensor([0.299, 0.587, 0.114])
"""Share of red, green and blue in brightness (ITU-R BT.601)."""


Batch = tuple[tuple[Tensor, ...], Tensor]
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
            return LOSSES[stage](network.top(*seen), true)

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


def cells_drawn(network: SmallNetwork, renders: Renders, controls: ControlSet, mirror: bool
                ) -> Callable[[np.random.Generator, int], Batch]:
    """Batches of straightened faces, made beforehand; the network gets its first look and what closed form can say."""
    random = np.random.default_rng(0)
    own, other = _both(renders, controls)
    true, places = own, places_of(own[:, HEAD].numpy(), landmarks_seen(renders, VIEWS["small"]))
    if mirror:
        true, places = torch.cat([own, other]), np.concatenate([places, mirrored_places(places)])
    device, rows = next(network.parameters()).device, np.arange(len(true))
    parts = np.split(rows, rows[_AT_ONCE::_AT_ONCE])
    inputs = torch.cat([network.look.inputs(_seen(renders, part).to(device)) for part in parts])
    wanted = torch.cat([true[:, HEAD], torch.from_numpy(places)], 1).to(device)
    looks = network.look.learn(inputs, wanted)
    cells = torch.cat([network.straighten(_seen(renders, part).to(device), looks[part]).half() for part in parts])
    some = random.choice(len(cells), min(len(cells), _COMPONENTS_OF), replace=False)
    network.top.start_from(cells[some].float(), true.median(0).values.to(device))

    def draw(random: np.random.Generator, count: int) -> Batch:
        rows = torch.from_numpy(random.integers(len(true), size=count))
        return (cells[rows].float(), looks[rows, :len(HEAD)]), true[rows].to(device)

    return draw


def _seen(renders: Renders, rows: np.ndarray) -> Tensor:
    """Pictures by number; those after the last are the mirror images of all."""
    pictures = renders.pictures[rows % len(renders)]
    turned = rows >= len(renders)
    pictures[turned] = pictures[turned][:, :, ::-1]
    return torch.from_numpy(pictures)


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
    """A network of a size of VIEWS that has learned nothing but the colours."""
    torch.manual_seed(seed)
    network = mapping_network(size)
    if isinstance(network, PaperNetwork):
        network.learn_colours(renders.pictures)
    return network.to(best_device(), memory_format=torch.channels_last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", choices=list(VIEWS), default="small", help="small: one core; paper: a GPU")
    parser.add_argument("--x2c", type=Path, metavar="FOLDER", help="the real set, with metadata.jsonl")
    parser.add_argument("--count", type=int, help=f"how many of Ada's pairs to learn from ({LEARNED})")
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
        learned = ada_renders(PAIRS[TRAINING], TRAINING, view, arguments.count or LEARNED)
        asked = ada_renders(PAIRS[TEST], TEST, view)
    plans = {stage: replace(plan, minutes=arguments.minutes) for stage, plan in PLANS[arguments.size].items()}
    seed = next(iter(plans.values())).seed
    network, mirror = new_network(arguments.size, seed, learned), not arguments.x2c
    if isinstance(network, SmallNetwork):
        draw = cells_drawn(network, learned, controls, mirror)
    else:
        draw = pictures_drawn(network, learned, controls, mirror)
    name = f"{'x2c' if arguments.x2c else 'ada'}_{arguments.size}_{len(learned)}"
    about = {"size": arguments.size, "set": str(arguments.x2c or "ada"), "faces": str(len(learned))}
    if left := train(network, draw, len(learned), plans, OUT / f"{name}.pt", about):
        raise SystemExit(f"{left} steps of a stage are left; run the same command again.")
    measured = report(network, learned, asked, controls, OUT / f"{name}.md")
    if name == f"ada_small_{len(learned)}" and arguments.count is None:
        export_with_card(network, measured, len(learned), len(asked))


if __name__ == "__main__":
    main()
