"""Train the token renderer: one person's motion tokens and a picture of another become that other in the motion.

    python -m training.token_renderer --data out/bodies                   # 64 px, half an hour of one core
    python -m training.token_renderer --data out/bodies --size large      # 128 px, for a GPU
    python -m training.token_renderer --data out/bodies --true-pose       # told by the true pose, not by tokens
    python -m training.token_renderer --data out/bodies --report          # figures, and the page of people and motions

It goes on where it stopped. What it learned is kept in out/token_renderer.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .stage_runs import Loss, Plan, add_plan_arguments, best_device, chosen_plan, read_checkpoint, run
from .token_renderer_data import (
    Figures,
    as_values,
    by_decoded_tokens,
    by_tokens,
    read_figures,
    recoloured,
    same_person,
)
from .token_renderer_model import SIZES, TokenRenderer, denoising_loss
from .token_renderer_report import report

PLANS = {"small": Plan(5, 16, 1e-3, weight_decay=0.01), "large": Plan(400, 256, 3e-4, weight_decay=0.01)}


def loss_on(network: TokenRenderer, figures: Figures, batch: int, device: torch.device) -> Loss:
    """What a step of training descends: figures drawn at random, each with another picture of its person."""
    other = same_person(figures)
    places = (figures.points + 0.5) / network.size.pixels

    def loss(random: np.random.Generator) -> Tensor:
        rows = random.integers(len(figures), size=batch)
        pictures, reference = recoloured(
            random, *(as_values(figures.pictures[which], device) for which in (rows, other(random, rows))))
        motion, joints = (torch.from_numpy(each[rows]).to(device) for each in (figures.motion, places))
        return denoising_loss(network, pictures, motion, reference, joints)

    return loss


def train(
    figures: Figures, size: str, plan: Plan, path: Path, motion: str, start: Path | None = None
) -> TokenRenderer:
    """The renderer of that size, trained as the plan says or as far as its minutes reach.

    Args:
        motion: what tells it, "pose" or "tokens".
        start: a renderer told by something else, whose weights to begin with: it can draw people already.

    Raises:
        SemblanceError: if a checkpoint is damaged or of something else.
    """
    torch.manual_seed(plan.seed)
    device = best_device()
    network = TokenRenderer(SIZES[size])
    if start is not None:
        network.load_state_dict(read_checkpoint(start)["network"])
    network.middle[:] = torch.from_numpy(figures.motion.mean(0))
    network.spread[:] = torch.from_numpy(figures.motion.std(0)).clamp_min(1e-3)
    network.to(device)
    about = {"what": "token renderer", "size": size, "motion": motion}
    run(network, loss_on(network, figures, plan.batch, device), plan.steps(len(figures)), plan, path, about)
    return network


def main() -> None:
    """Train, or report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    parser.set_defaults(data=Path("out/bodies"), threads=1)
    parser.add_argument("--output", type=Path, default=Path("out/token_renderer"))
    parser.add_argument("--true-pose", action="store_true", help="told by the true pose instead of the motion tokens")
    parser.add_argument("--start", type=Path, help="begin with the weights of this checkpoint")
    parser.add_argument("--report", action="store_true", help="measure it on unseen people in unseen poses")
    args = parser.parse_args()
    plan = chosen_plan(args, PLANS)
    motion = "pose" if args.true_pose else "tokens"
    path = args.output / f"{args.size}_{motion}.pt"
    learned = read_figures(args.data, "train", SIZES[args.size].pixels, args.output)
    if not args.report:
        told = learned if args.true_pose else by_tokens(learned, args.data, "train")
        train(told, args.size, plan, path, motion, args.start)
        return
    network = TokenRenderer(SIZES[args.size])
    network.load_state_dict(read_checkpoint(path)["network"])
    asked = read_figures(args.data, "test", SIZES[args.size].pixels, args.output)
    tokens = (by_decoded_tokens if args.true_pose else by_tokens)(asked, args.data, "test")
    report(network.eval(), learned, {"pose": asked, "tokens": tokens} if args.true_pose else {"tokens": tokens},
           args.output)


if __name__ == "__main__":
    main()
