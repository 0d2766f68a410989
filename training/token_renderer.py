"""Train the token renderer: one person's motion tokens and a picture of another become that other in the motion.

    python -m training.token_renderer                     # 64 px: the guide, then the renderer
    python -m training.token_renderer --size large        # 128 px, for a GPU
    python -m training.token_renderer --report            # figures, a page of people and motions
    python -m training.token_renderer --report --keep     # the same, and writes training/models/token_renderer

It goes on where it stopped. What it learned is kept in out/token_renderer.
"""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .stage_runs import Loss, Plan, add_plan_arguments, best_device, chosen_plan, read_checkpoint, run
from .token_renderer_data import Figures, others, read_figures, recoloured
from .token_renderer_guide import Guide
from .token_renderer_model import SIZES, TokenRenderer, as_values, denoising_loss
from .token_renderer_report import keep, report

GUIDE_PLAN: Final = Plan(13, 96, 2e-3)
PLANS: Final = {"small": Plan(4, 12, 1.5e-3, weight_decay=0.01), "large": Plan(400, 256, 3e-4, weight_decay=0.01)}
_GRAIN: Final = 0.15
"""What is added to tokens while the guide learns: those of pictures that the encoder learned from are too good."""
_TRULY: Final = 0.6
"""So many of the pictures to learn from are told by true marks, the others by the guide's."""


class Lessons:
    """Draws a person in a pose, the tokens of another in that pose, and another picture of the first."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self._of_person, self._of_pose = others(figures.person), others(figures.pose)

    def draw(self, random: np.random.Generator, batch: int) -> tuple[np.ndarray, Tensor, np.ndarray]:
        """Rows of the pictures [B], tokens [B, 192], rows of the references [B]."""
        rows = random.integers(len(self.figures), size=batch)
        tokens = torch.from_numpy(self.figures.tokens[self._of_pose(random, rows)])
        return rows, tokens, self._of_person(random, rows)


def guide_loss_on(guide: Guide, figures: Figures, batch: int, device: torch.device) -> Loss:
    """What a step of the guide descends: the error of marks; a third of the tokens are of the very picture."""
    lessons = Lessons(figures)

    def loss(random: np.random.Generator) -> Tensor:
        rows, tokens, shown = lessons.draw(random, batch)
        own = slice(batch // 3)
        rows[own], tokens[own] = shown[own], torch.from_numpy(figures.tokens[shown[own]])
        reference, = recoloured(random, as_values(torch.from_numpy(figures.pictures[shown]).to(device)))
        found = guide((tokens + _GRAIN * torch.randn_like(tokens)).to(device), reference)
        return functional.smooth_l1_loss(found.float(), torch.from_numpy(figures.marks[rows]).to(device), beta=0.02)

    return loss


def loss_on(network: TokenRenderer, figures: Figures, batch: int, device: torch.device) -> Loss:
    """What a step of the renderer descends."""
    lessons = Lessons(figures)

    def loss(random: np.random.Generator) -> Tensor:
        rows, tokens, shown = lessons.draw(random, batch)
        pictures, reference = recoloured(
            random, *(as_values(torch.from_numpy(figures.pictures[which]).to(device)) for which in (rows, shown)))
        marks = figures.marks[rows].copy()
        marks[random.random(batch) > _TRULY] = np.nan
        own = torch.from_numpy(figures.tokens[shown]).to(device)
        told = network.told(tokens.to(device), reference, own, torch.from_numpy(marks).to(device))
        return denoising_loss(network, pictures, told)

    return loss


def train_guide(figures: Figures, size: str, plan: Plan, path: Path) -> int:
    """Train the guide as the plan says or as far as its minutes reach; returns the steps still to do.

    Raises:
        SemblanceError: if a checkpoint is damaged or of something else.
    """
    torch.manual_seed(plan.seed)
    guide = Guide(SIZES[size].pixels)
    guide.middle[:] = torch.from_numpy(figures.marks.mean(0))
    device = best_device()
    guide.to(device)
    about = {"what": "token renderer's guide", "size": size}
    return run(guide, guide_loss_on(guide, figures, plan.batch, device), plan.steps(len(figures)), plan, path, about)


def train(figures: Figures, size: str, plan: Plan, path: Path, guide: Path) -> TokenRenderer:
    """The renderer of that size, trained as the plan says or as far as its minutes reach, told by the kept guide.

    Raises:
        SemblanceError: if a checkpoint is damaged or of something else.
    """
    torch.manual_seed(plan.seed)
    device = best_device()
    network = TokenRenderer(SIZES[size])
    network.guide.load_state_dict(read_checkpoint(guide)["network"])
    network.guide.requires_grad_(False)
    network.middle[:] = torch.from_numpy(figures.tokens.mean(0))
    network.spread[:] = torch.from_numpy(figures.tokens.std(0)).clamp_min(1e-3)
    network.to(device)
    about = {"what": "token renderer", "size": size}
    run(network, loss_on(network, figures, plan.batch, device), plan.steps(len(figures)), plan, path, about)
    return network


def main() -> None:
    """Train, or report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    parser.set_defaults(data=Path("out/bodies"), threads=1)
    parser.add_argument("--output", type=Path, default=Path("out/token_renderer"))
    parser.add_argument("--report", action="store_true", help="measure it on unseen people in unseen poses")
    parser.add_argument("--page", type=Path, help="where the report's page goes (JPEG)")
    parser.add_argument("--keep", action="store_true", help="keep what was measured in training/models")
    args = parser.parse_args()
    plan = chosen_plan(args, PLANS)
    pixels, path = SIZES[args.size].pixels, args.output / f"{args.size}.pt"
    guide = args.output / f"{args.size}_guide.pt"
    learned = read_figures(args.data, "train", pixels, args.output)
    if args.report:
        kept = read_checkpoint(path)
        network = TokenRenderer(SIZES[args.size])
        network.load_state_dict(kept["network"])
        found = report(network.eval(), learned, read_figures(args.data, "test", pixels, args.output),
                       args.output / "joint_reader.pt", args.page or args.output / "page.jpg")
        if args.keep:
            seconds = kept["seconds"] + read_checkpoint(guide)["seconds"]
            keep(network, learned, kept["step"], seconds / 60, found)
    elif train_guide(learned, args.size, GUIDE_PLAN, guide) == 0:
        train(learned, args.size, plan, path, guide)


if __name__ == "__main__":
    main()
