"""A stage of training that may be stopped at any time: started again, it goes on as if it had never stopped.

Everything random in a step is drawn from the seed and the step's number, and the learning rate depends on nothing else,
so that a checkpoint needs no state of random generators.
"""
from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from addon.core.errors import SemblanceError
from addon.core.files import replacing
from training.muon import Muon

Loss = Callable[[np.random.Generator], Tensor]
"""What a step descends, on faces drawn from the generator; torch's own generator is seeded too."""
_SAVE_EVERY_S = 60.0
_TELL_EVERY_S = 15.0


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    epochs: float
    """How often each face is seen, on average."""
    batch: int
    rate: float
    weight_decay: float = 0.05
    warm_share: float = 0.05
    """The rate rises for this share of the steps."""
    longest: float = 2.0
    """Gradients are cut to this length."""
    minutes: float = math.inf
    """Stop, with a checkpoint, after so long; the rate goes on where it was when started again."""
    seed: int = 7
    short_floats: bool = False
    """Multiply in bfloat16 also on a processor, where it has instructions for that (AVX512-BF16, AMX): convolutions
    take two thirds of the time."""

    def steps(self, faces: int) -> int:
        """Batches altogether, from so many faces."""
        return max(1, round(self.epochs * faces / self.batch))

    def rate_at(self, share: float) -> float:
        """After this share of the steps: rising at first, then falling as a cosine to 0."""
        if share < self.warm_share:
            return self.rate * share / self.warm_share
        return self.rate * 0.5 * (1 + math.cos(math.pi * (share - self.warm_share) / (1 - self.warm_share)))


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every stage takes; `chosen_plan` reads them."""
    parser.add_argument("--data", type=Path, default=Path("out/expression"))
    parser.add_argument("--size", choices=("small", "large"), default="small",
                        help="small: two CPU cores; large: a GPU")
    parser.add_argument("--epochs", type=float, help="how often each face is seen, altogether")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long, to go on another time")
    parser.add_argument("--threads", type=int, default=2)


def chosen_plan(arguments: argparse.Namespace, plans: dict[str, Plan]) -> Plan:
    """The plan of the size, changed as the arguments say; sets the number of threads."""
    torch.set_num_threads(arguments.threads)
    plan = plans[arguments.size]
    return replace(plan, epochs=arguments.epochs or plan.epochs, minutes=arguments.minutes)


def best_device() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def short_floats(device: torch.device, plan: Plan) -> torch.autocast:
    """Inside, layers multiply in bfloat16: on GPUs, and on processors that can if the plan says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_fast_in_bfloat16(device, plan))


def _fast_in_bfloat16(device: torch.device, plan: Plan) -> bool:
    return device.type == "cuda" or (plan.short_floats and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `run` kept at `path`: network, optimisers, step, about, and the processor's seconds that it took so far.

    Raises:
        SemblanceError: if it is not there or damaged.
    """
    if not path.is_file():
        raise SemblanceError(f"There is no checkpoint '{path}'; run the stage that makes it first.")
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        if not {"network", "optimisers", "step", "about"} <= set(kept):
            raise KeyError("network")
    except Exception as error:  # torch fails on damaged files in many ways of its own
        raise SemblanceError(f"The checkpoint '{path}' is damaged; remove it and run its stage again.") from error
    return kept


def run(
    network: nn.Module, loss_of: Loss, steps: int, plan: Plan, path: Path, about: dict[str, str],
    hidden: Sequence[nn.Parameter] = (),
) -> int:
    """Train `network` for so many steps or until the minutes are over, from the checkpoint at `path` if there is one.

    `about` says what the network is and is kept beside it. The checkpoint is written every minute and at the end.
    AdamW goes down the gradients, but Muon those of the weights `hidden`.

    Returns:
        Steps still to do: 0 when the stage is done.

    Raises:
        SemblanceError: if the checkpoint is damaged or of something else.
    """
    optimisers = _optimisers(network, hidden, plan)
    step, spent = _resumed(network, optimisers, path, about) if path.exists() else (0, 0.0)
    done = step >= steps
    begun = saved = told = time.perf_counter()
    spent -= time.process_time()
    network.train()
    while step < steps and time.perf_counter() - begun < plan.minutes * 60:
        loss = _advance(network, optimisers, loss_of, plan, step, steps)
        step += 1
        now = time.perf_counter()
        if now - told > _TELL_EVERY_S or step == steps:
            print(f"{path.stem}: step {step}/{steps}, loss {loss:.4f}, {now - begun:.0f} s", flush=True)
            told = now
        if now - saved > _SAVE_EVERY_S and step < steps:
            keep_checkpoint(network, optimisers, step, path, about, spent + time.process_time())
            saved = time.perf_counter()
    if not done:
        keep_checkpoint(network, optimisers, step, path, about, spent + time.process_time())
    network.eval()
    return max(0, steps - step)


def _optimisers(network: nn.Module, hidden: Sequence[nn.Parameter], plan: Plan) -> list[torch.optim.Optimizer]:
    chosen = {id(each) for each in hidden}
    others = [each for each in network.parameters() if id(each) not in chosen]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(others, plan.rate, betas=(0.9, 0.95), weight_decay=plan.weight_decay, fused=True)]
    if hidden:
        fast = _fast_in_bfloat16(hidden[0].device, plan)
        found.append(Muon(hidden, plan.rate, plan.weight_decay, torch.bfloat16 if fast else torch.float32))
    return found


def _advance(
    network: nn.Module, optimisers: list[torch.optim.Optimizer], loss_of: Loss, plan: Plan, step: int, steps: int
) -> float:
    for optimiser in optimisers:
        optimiser.param_groups[0]["lr"] = plan.rate_at((step + 1) / steps)
    torch.manual_seed(plan.seed * 1_000_003 + step)
    with short_floats(next(network.parameters()).device, plan):
        loss = loss_of(np.random.default_rng([plan.seed, step]))
    network.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), plan.longest)
    for optimiser in optimisers:
        optimiser.step()
    return loss.item()


def keep_checkpoint(
    network: nn.Module, optimisers: list[torch.optim.Optimizer], step: int, path: Path, about: dict[str, str],
    seconds: float,
) -> None:
    """Write what `read_checkpoint` reads, whole or not at all; with no optimisers, where nothing was learned yet."""
    kept = {"network": network.state_dict(), "optimisers": [each.state_dict() for each in optimisers], "step": step,
            "about": about, "seconds": seconds}
    with replacing(path) as partial:
        torch.save(kept, partial)


def _resumed(
    network: nn.Module, optimisers: list[torch.optim.Optimizer], path: Path, about: dict[str, str]
) -> tuple[int, float]:
    kept = read_checkpoint(path)
    if kept["about"] != about:
        raise SemblanceError(f"The checkpoint '{path}' is of {kept['about']}, not of {about}; remove or rename it.")
    network.load_state_dict(kept["network"])
    if kept["step"]:
        for optimiser, state in zip(optimisers, kept["optimisers"], strict=True):
            optimiser.load_state_dict(state)
    return int(kept["step"]), float(kept.get("seconds", 0.0))
