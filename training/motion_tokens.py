"""Teaches the four motion tokens and their decoders, after X-UniMotion (arXiv 2508.09383), and exports them.

    python -m training.body_pictures --data out/bodies            # the people to learn from
    python -m training.motion_tokens [body|hands|face …] [--data out/bodies] [--size large] [--minutes 20]
    python -m training.motion_tokens export                       # and measure, and write the card

Without a part, all three are taught and exported; each goes on where it stopped. "small" is for two cores (about half
an hour of one), "large" for a GPU. `--without` leaves something out, to see what it is worth.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from .motion_token_data import read_bodies
from .motion_token_lessons import LESSONS, WITHOUT, Lesson
from .motion_token_model import FOLDER, TokenDecoders, TokenEncoder, export
from .stage_runs import Plan, add_plan_arguments, best_device, chosen_plan, read_checkpoint, run

PLANS: Final = {
    "body": {"small": Plan(epochs=16, batch=96, rate=2e-3), "large": Plan(epochs=60, batch=512, rate=2e-3)},
    "hands": {"small": Plan(epochs=6, batch=128, rate=2e-3), "large": Plan(epochs=60, batch=512, rate=2e-3)},
    "face": {"small": Plan(epochs=24, batch=128, rate=2e-3), "large": Plan(epochs=60, batch=512, rate=2e-3)},
}
WIDE: Final = {"small": 1, "large": 3}
"""How many times as wide the networks are."""


@dataclass(frozen=True)
class Tokens:
    """What learns together."""

    encoder: TokenEncoder
    decoders: TokenDecoders


def new_tokens(size: str, seed: int = 7) -> Tokens:
    """Untaught ones of a size of WIDE."""
    torch.manual_seed(seed)
    return Tokens(TokenEncoder(WIDE[size]), TokenDecoders(WIDE[size]))


def checkpoint(data: Path, part: str, size: str, without: str = "") -> Path:
    """Where a part's stage keeps what it learned."""
    return data / f"tokens_{part}_{size}{'_without_' + without if without else ''}.pt"


def teach(tokens: Tokens, lesson: Lesson, plan: Plan, path: Path, about: dict[str, str]) -> int:
    """Go through a lesson, on the device where its values are; returns the steps still to do."""
    modules: nn.ModuleList = lesson.modules(tokens.encoder, tokens.decoders)
    modules.to(best_device())

    def loss(random: np.random.Generator) -> Tensor:
        return lesson.loss(tokens.encoder, tokens.decoders, random, plan.batch)

    left = run(modules, loss, plan.steps(lesson.count), plan, path, about)
    modules.cpu()
    return left


def taught(data: Path, size: str, without: str = "") -> tuple[Tokens, float]:
    """What all parts learned, and the processor's minutes it took.

    Raises:
        SemblanceError: if a part was not taught yet.
    """
    tokens, seconds = new_tokens(size), 0.0
    for part, kind in LESSONS.items():
        kept = read_checkpoint(checkpoint(data, part, size, without))
        kind.modules(tokens.encoder, tokens.decoders).load_state_dict(kept["network"])
        seconds += float(kept.get("seconds", 0))
    tokens.encoder.eval()
    tokens.decoders.eval()
    return tokens, seconds / 60


def main() -> None:
    """Teach what is asked for; export when all is taught."""
    parser = argparse.ArgumentParser(prog="training.motion_tokens", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*LESSONS, "export"], metavar="PART",
                        help=f"{', '.join(LESSONS)} or export; all without one")
    add_plan_arguments(parser)
    parser.set_defaults(data=Path("out/bodies"))
    parser.add_argument("--without", choices=WITHOUT, default="", help="leave this out")
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    parts = arguments.parts or [*LESSONS, "export"]
    for part in parts:
        if part == "export":
            continue
        kind, path = LESSONS[part], checkpoint(arguments.data, part, arguments.size, arguments.without)
        lesson = kind(read_bodies(arguments.data, "train", kind.NEEDS), arguments.without)
        plan = chosen_plan(arguments, PLANS[part])
        about = {"part": part, "size": arguments.size, "without": arguments.without}
        left = teach(new_tokens(arguments.size), lesson, plan, path, about)
        print(f"{path}: {left} steps left" if left else f"{path}: done", flush=True)
    if "export" in parts:
        from .bench_tokens import write_cards

        tokens, minutes = taught(arguments.data, arguments.size, arguments.without)
        export(tokens.encoder, tokens.decoders, arguments.output)
        write_cards(arguments.output, arguments.data, arguments.size, minutes)


if __name__ == "__main__":
    main()
