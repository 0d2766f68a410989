"""Teach the animator, say what each loss is worth, and write training/models/animator.

    semblance pairs --character Pip --count 30080 && semblance pairs --character Pip --test    (and the other four)
    python -m training.animator                    # two cores; goes on where it stopped
    python -m training.animator --size large       # a GPU: a wider network, more passes
    python -m training.animator --ablations        # also by looks, and without each loss

FreeAvatar's losses (SIGGRAPH Asia 2024, equation 10), each with a switch in `Losses`. By controls: what people's exact
coefficients mean on each character, and the controls of its own pictures (identity-conditional: the character is the
one that is seen). By looks, through a neural renderer that is learned before and frozen then: what the frozen encoder
sees of a pose beside what it saw of the performer (perception), whether a critic takes it for a true picture
(adversarial), what the animator makes of it again (cycle), and the own picture itself. Perception, critic and cycle
need no controls to be known: half of the people teach by their faces alone.

Own pictures are looked at as well (`animator_look.py`, `animator_reader.py`). That is learned from the pictures alone,
so that it need not be learned anew with a new encoder, and leaves what is played from people as it is.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from addon.core.control_set import ControlSet
from addon.core.paths import ROOT
from addon.core.rig_profile import RigProfile, find_profile
from addon.expression.encoder import Encoder
from training.animator_data import Reading, meant, read_own, read_people
from training.animator_look import Look, kept_look
from training.animator_model import CHARACTERS, WIDTHS, Animator, SeeingAnimator
from training.animator_reader import Seen, beliefs, learn_to_read, seen_of, shares_of
from training.animator_sights import read_sights
from training.expression_experts import Answer, PointExpert, answer_of, embedding_of
from training.neural_renderer import Looks, Portraits, as_crops, train_looks
from training.stage_runs import Plan, add_plan_arguments, best_device, chosen_plan, read_checkpoint, run

OUT: Final = ROOT / "out" / "animator"
PAIRS: Final = ROOT / "out" / "pairs"
PLANS: Final = {"small": Plan(epochs=30, batch=256, rate=2e-3), "large": Plan(epochs=200, batch=1024, rate=1e-3)}
"""By controls."""
LOOK_PLANS: Final = {"small": Plan(epochs=4, batch=64, rate=3e-4), "large": Plan(epochs=40, batch=256, rate=3e-4)}
"""By looks, from where the controls have led."""
RENDERER_PLANS: Final = {"small": Plan(epochs=1, batch=32, rate=1e-3, short_floats=True),
                         "large": Plan(epochs=100, batch=128, rate=5e-4)}
READER_PLANS: Final = {"small": Plan(epochs=30, batch=128, rate=1e-3, warm_share=0.02, longest=1.0,
                                     short_floats=True),
                       "large": Plan(epochs=80, batch=256, rate=1e-3, warm_share=0.02, longest=1.0)}
"""By what is seen of own pictures."""
OWN: Final = 30000
"""Pictures of a character at most."""
_SHARDS: Final = 6
"""Shards of people that are labelled, and as many that are not."""
_ALONE: Final = 0.4
"""A network of one character learns for this share of the steps, and sees it twice as often as the joint one does."""
_DOUBT: Final = 0.1
"""Errors of a share below this count less than in proportion."""
_EXACT: Final = 0.4
"""Of the people, how many are seen as they are and not as the encoder reads them."""
_SEEN: Final = 16
"""Faces of a batch whose poses are drawn and looked at."""


@dataclass(frozen=True)
class Losses:
    """How much each counts; 0 = switched off."""

    people: float = 1.0
    """What synthetic people's true coefficients mean on the character."""
    identity: float = 1.0
    """Controls, and where poses are drawn also the looks, of the character's own pictures."""
    perception: float = 1.0
    adversarial: float = 0.003
    cycle: float = 0.3
    wild: bool = True
    """Half of the faces that are looked at are of people of whom nothing is known."""


ABLATIONS: Final = {
    "all losses": Losses(),
    "without people's controls": Losses(people=0),
    "without identity-conditional": Losses(identity=0),
    "without perception": Losses(perception=0),
    "without adversarial": Losses(adversarial=0),
    "without cycle": Losses(cycle=0),
    "without unlabelled people": Losses(wild=False),
    "controls alone, as long": Losses(perception=0, adversarial=0, cycle=0),
}


@dataclass(frozen=True)
class Lessons:
    """What is learned from; C characters, N faces of people, W of unknown ones, M pictures of characters."""

    read: Tensor
    """[N, INPUTS]: people as the encoder reads them."""
    true: Tensor
    """[N, INPUTS]: and as they are."""
    meant: Tensor
    """[N, C, most controls], shares."""
    wild: Tensor
    """[W, INPUTS], as the encoder reads them."""
    own_read: Tensor
    """[M, INPUTS]."""
    own: Portraits


@dataclass(frozen=True)
class Eyes:
    """Draws poses and looks at them; all of it frozen."""

    looks: Looks
    encoder: PointExpert

    def see(self, shares: Tensor, character: Tensor) -> tuple[Tensor, Answer]:
        """Pictures [N, 3, 128, 128] of poses, and what the encoder reads of them."""
        pictures = self.looks.renderer(shares, character)
        return pictures, answer_of(self.encoder(as_crops(pictures)))


def lessons(profiles: list[RigProfile], people: Reading, wild: Reading, own: list[Reading]) -> Lessons:
    """Everything as tensors; `own` in the order of the profiles."""
    most, device = max(len(profile.control_set) for profile in profiles), best_device()
    wanted = [shares_of(each.control_set, meant(each, people.truth), most) for each in profiles]
    shares = [shares_of(each.control_set, part.truth, most) for each, part in zip(profiles, own, strict=True)]
    character = np.repeat(np.arange(len(own)), [len(part.inputs) for part in own])
    read, true, told, unknown, own_read, own_shares, whose = (
        torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in (
            people.inputs, people.truth, np.stack(wanted, 1), wild.inputs,
            np.concatenate([part.inputs for part in own]), np.concatenate(shares), character))
    pictures = np.concatenate([part.crops for part in own])
    return Lessons(read, true, told, unknown, own_read, Portraits(pictures, own_shares, whose))


def train(network: Animator, given: Lessons, losses: Losses, plan: Plan, path: Path, eyes: Eyes | None = None) -> int:
    """Learn by the losses, those that look only with `eyes`; returns the steps still to do."""
    characters, device = given.meant.shape[1], given.read.device

    def loss(random: np.random.Generator) -> Tensor:
        rows = random.integers(len(given.read), size=plan.batch)
        character = torch.from_numpy(random.integers(characters, size=plan.batch)).to(device)
        exact = torch.from_numpy(random.random(plan.batch) < _EXACT).to(device)[:, None]
        expression = torch.where(exact, given.true[rows], given.read[rows])
        found = network(expression, character)
        total = losses.people * share_error(found, given.meant[rows, character], network.owned[character])
        own = random.integers(len(given.own_read), size=plan.batch // 2)
        told = network(given.own_read[own], given.own.character[own])
        own_error = share_error(told, given.own.shares[own], network.owned[given.own.character[own]])
        total = total + losses.identity * own_error
        if eyes is not None:
            strange = given.wild[random.integers(len(given.wild), size=_SEEN // 2)]
            seen = torch.cat([expression[:_SEEN // 2], strange]) if losses.wild else expression[:_SEEN]
            total = total + look_error(network, seen, character[:_SEEN], losses, eyes)
            if losses.identity:
                drawn = eyes.looks.renderer(told[:_SEEN].clamp(-1, 1), given.own.character[own[:_SEEN]])
                total = total + losses.identity * (drawn - given.own.pictures(own[:_SEEN])).abs().mean()
        return total

    return run(network, loss, plan.steps(len(given.read)), plan, path,
               {"network": "animator", "losses": str(losses), "looks": str(eyes is not None)})


def share_error(found: Tensor, true: Tensor, owned: Tensor) -> Tensor:
    """Mean error of the controls that there are; at a range's end only falling short counts: a blink shuts the eye."""
    error = found - true
    error = torch.where(true > 0.99, (-error).relu(), torch.where(true < -0.99, error.relu(), error))
    wrong = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=_DOUBT, reduction="none")
    return (wrong * owned).sum() / owned.sum()


def look_error(network: Animator, expression: Tensor, character: Tensor, losses: Losses, eyes: Eyes) -> Tensor:
    """What the poses of expressions [N, INPUTS] look like beside the expressions."""
    shares = network(expression, character).clamp(-1, 1)
    pictures, seen = eyes.see(shares, character)
    wanted = embedding_of(expression[:, :seen.coefficients.shape[1]])
    total = losses.perception * (seen.embedding - wanted).square().sum(1).mean()
    if losses.adversarial:
        total = total + losses.adversarial * functional.softplus(-eyes.looks.critic(pictures, character)).mean()
    if losses.cycle:
        read = torch.cat([seen.coefficients.clamp(0, 1), seen.gaze.flatten(1), seen.head], 1)
        again = network(read, character)
        total = total + losses.cycle * share_error(again, shares.detach(), network.owned[character])
    return total


def read_lessons(profiles: list[RigProfile], data: Path, with_wild: bool, most: int = OWN) -> Lessons:
    """Everything read by the shipped encoder, or what is kept of that in out/animator; unknown people if wanted."""
    encoder, shards = Encoder(), sorted(data.glob("tracked_*.npz"))
    people = read_people(encoder, shards[:_SHARDS], OUT)
    wild = read_people(encoder, shards[_SHARDS:2 * _SHARDS], OUT) if with_wild else people
    own = [read_own(encoder, profile, PAIRS, "training", OUT, most) for profile in profiles]
    return lessons(profiles, people, wild, own)


def alone(given: Lessons, character: int, most: int) -> Lessons:
    """The lessons of one character, as the only one there is."""
    rows = (given.own.character == character).nonzero()[:, 0]
    own = Portraits(given.own.crops[rows.cpu().numpy()], given.own.shares[rows, :most],
                    torch.zeros_like(given.own.character[rows]))
    return replace(given, meant=given.meant[:, character:character + 1, :most], own_read=given.own_read[rows], own=own)


def learned_from(start: Path, network: Animator, path: Path) -> Animator:
    """The network as it was left at `start`, unless it goes on from `path`."""
    if not path.exists():
        network.load_state_dict(read_checkpoint(start)["network"])
    return network


def read_looks(profiles: list[RigProfile], most: int = OWN) -> tuple[Look, list[Seen]]:
    """What is seen of the own pictures; where faces are is kept in out/animator, since no new encoder changes it."""
    every = [read_sights(profile, PAIRS, OUT, most) for profile in profiles]
    look, frames = kept_look(every, OUT / "look.pt")
    return look, seen_of(look, every, frames, [profile.control_set for profile in profiles])


def with_eyes(animator: Animator, rigs: list[ControlSet], given: Lessons, seen: list[Seen], plan: Plan, path: Path
              ) -> tuple[SeeingAnimator, int]:
    """The animator with a reader of looks that it believes as far as that helps; and the steps still to do."""
    reader, left = learn_to_read(rigs, seen, plan, path)
    seeing = SeeingAnimator(animator.cpu().eval(), reader.eval())
    for number, own in enumerate(seen):
        rows, character = own.aside.nonzero()[:, 0], torch.full((int(own.aside.sum()),), number)
        with torch.no_grad():
            read = animator(given.own_read[given.own.character == number].cpu()[rows], character)
            looked = reader.poses(reader.looks(number, own.cells[rows], own.cells[rows + len(own)]), character)
            seeing.belief[number] = beliefs(reader.poses, number, read, looked, own.shares[rows])
    return seeing, left


def main() -> None:
    """Every stage that is not done, then the report; the animator that is best by it is exported with its card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    parser.add_argument("--ablations", action="store_true", help="also without each loss")
    arguments = parser.parse_args()
    plan, size = chosen_plan(arguments, PLANS), arguments.size
    profiles, device = [find_profile(name) for name in CHARACTERS], best_device()
    rigs = [profile.control_set for profile in profiles]
    look, seen = read_looks(profiles)
    given = read_lessons(profiles, arguments.data, arguments.ablations)
    made: dict[str, Animator | SeeingAnimator] = {}

    def done(name: str, left: int) -> None:
        if left:
            raise SystemExit(f"{left} steps of '{name}' are left; run the same command again.")

    def path_of(name: str) -> Path:
        return OUT / f"{size}_{name.replace(' ', '_')}.pt"

    joint = Animator(rigs, WIDTHS[size]).to(device)
    done("joint", train(joint, given, Losses(), plan, path_of("joint")))
    reader_plan = replace(READER_PLANS[size], minutes=plan.minutes)
    made["joint"], left = with_eyes(joint, rigs, given, seen, reader_plan, path_of("joint looks"))
    done("joint looks", left)
    for number, rig in enumerate(rigs):
        name, one = f"{CHARACTERS[number]} alone", Animator([rig], WIDTHS[size]).to(device)
        own_plan, own = replace(plan, epochs=plan.epochs * _ALONE), alone(given, number, len(rig))
        done(name, train(one, own, Losses(), own_plan, path_of(name)))
        made[name], left = with_eyes(one, [rig], own, [seen[number].alone(len(rig))], reader_plan,
                                     path_of(f"{name} looks"))
        done(f"{name} looks", left)
    if arguments.ablations:
        eyes = _eyes(given, replace(RENDERER_PLANS[size], minutes=plan.minutes), path_of("renderer"), arguments.data)
        for name, losses in ABLATIONS.items():
            own_path = path_of(name)
            network = learned_from(path_of("joint"), Animator(rigs, WIDTHS[size]).to(device), own_path)
            done(name, train(network, given, losses, replace(LOOK_PLANS[size], minutes=plan.minutes), own_path, eyes))
            made[name] = network
    from training.animator_report import report

    report(made, profiles, given, look, seen, OUT / f"{size}.md")


def _eyes(given: Lessons, plan: Plan, path: Path, data: Path) -> Eyes:
    device, (_, characters, most) = given.read.device, given.meant.shape
    looks, encoder = Looks(characters, most).to(device), PointExpert().to(device)
    if left := train_looks(looks, given.own, plan, path):
        raise SystemExit(f"{left} steps of the renderer are left; run the same command again.")
    encoder.load_state_dict(read_checkpoint(data / "convolutions.pt")["network"])
    return Eyes(looks.eval().requires_grad_(False), encoder.eval().requires_grad_(False))


if __name__ == "__main__":
    main()
