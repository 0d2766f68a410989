"""From what is seen of a character's own picture (`animator_look.py`) to the controls that made it.

Of each character there are some thousand pictures, and its controls go together in more ways than that. So two small
networks learn first what poses look like, each from half of the pictures: FreeAvatar's neural renderer, which draws
components and not pixels. What they draw of new poses, plus what they missed in pictures of the other half, is as good
as more pictures to learn from. The reader has one trunk for all characters; who is seen comes in as an offset at the
first layer, since every face has its own features, and at the last.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.characters.sampling import Sampler
from addon.core.control_set import ControlSet
from addon.core.key_poses import read_key_poses
from addon.core.rig_profile import RigProfile
from training.animator_look import COMPONENTS
from training.stage_runs import Plan, run

_DRAWN_WIDTH: Final = 320
_WIDTH: Final = 512
_POSES: Final = 6000
"""New poses of each character that are drawn."""
_HALVES: Final = 2
_REAL: Final = 0.25
"""Of a batch, how much are true pictures."""
_ASIDE: Final = 12
"""One picture in so many is kept from the reader, to tell how far to believe it."""
_BELIEFS: Final = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Seen:
    """M pictures and the poses in them."""

    looks: Tensor
    """[M, COMPONENTS]."""
    shares: Tensor
    """[M, most controls]; 0 beyond a character's own."""
    character: Tensor
    """int64 [M]."""
    number: Tensor
    """int64 [M]: a picture and its mirror image have the same."""

    def of(self, rows: Tensor) -> Seen:
        """Those of some rows, bool or int [n]."""
        return Seen(self.looks[rows], self.shares[rows], self.character[rows], self.number[rows])

    @property
    def aside(self) -> Tensor:
        """bool [M]: not to be learned from."""
        return self.number % _ASIDE == 0

    def half(self, half: int) -> Tensor:
        """bool [M]: learned from, and of one half of the pictures."""
        return ~self.aside & (self.number // _ASIDE % _HALVES == half)

    def alone(self, character: int, most: int) -> Seen:
        """Those of one character, as the only one there is."""
        own = self.of(self.character == character)
        return Seen(own.looks, own.shares[:, :most], torch.zeros_like(own.character), own.number)


def shares_of(controls: ControlSet, values: np.ndarray, most: int) -> np.ndarray:
    """Rig units [N, K] → shares float32 [N, most], 0 beyond the character's own."""
    return np.pad(controls.shares(values).astype(np.float32), ((0, 0), (0, most - len(controls))))


def seen_of(parts: list[Tensor], controls: list[np.ndarray], rigs: Sequence[ControlSet]) -> Seen:
    """All pictures and then all their mirror images, of each character's components [2N, COMPONENTS] and controls
    [N, K] in rig units."""
    most, counts = max(map(len, rigs)), torch.tensor([len(values) for values in controls])
    looks = [part.chunk(2)[side] for side in range(2) for part in parts]
    shares = [shares_of(rig, rig.mirrored(values) if side else values, most)
              for side in range(2) for rig, values in zip(rigs, controls, strict=True)]
    character = torch.arange(len(rigs)).repeat_interleave(counts).repeat(2)
    return Seen(torch.cat(looks), torch.from_numpy(np.concatenate(shares)), character,
                torch.arange(int(counts.sum())).repeat(2))


class PoseToLook(nn.Module):
    """Shares [N, most] and characters int64 [N] → looks [N, COMPONENTS]."""

    def __init__(self, characters: int, most: int) -> None:
        super().__init__()
        self.characters, inputs = characters, characters * (2 * most + 1)
        self.straight = nn.Linear(inputs, COMPONENTS, bias=False)
        self.bent = nn.Sequential(nn.Linear(inputs, _DRAWN_WIDTH), nn.SiLU(), nn.Linear(_DRAWN_WIDTH, _DRAWN_WIDTH),
                                  nn.SiLU(), nn.Linear(_DRAWN_WIDTH, COMPONENTS))

    def forward(self, shares: Tensor, character: Tensor) -> Tensor:
        """See the class; a control's two directions may look unlike."""
        pose = torch.cat([shares.relu(), (-shares).relu(), torch.ones_like(shares[:, :1])], 1)
        whose = functional.one_hot(character, self.characters).to(pose.dtype)
        placed = (whose[:, :, None] * pose[:, None]).flatten(1)
        return self.straight(placed) + self.bent(placed)


class LookToPose(nn.Module):
    """Looks [N, LOOK] and characters int64 [N] → shares [N, most]."""

    owned: Tensor
    partner: Tensor
    sign: Tensor
    up: Tensor
    down: Tensor

    def __init__(self, rigs: Sequence[ControlSet]) -> None:
        super().__init__()
        most = max(map(len, rigs))
        self.straight = nn.Linear(COMPONENTS, len(rigs) * most)
        self.first, self.shift = nn.Linear(COMPONENTS, _WIDTH), nn.Embedding(len(rigs), _WIDTH)
        self.second, self.last = nn.Linear(_WIDTH, _WIDTH), nn.Linear(_WIDTH, len(rigs) * most)
        for layer in (self.straight, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        tables = {name: np.zeros((len(rigs), most), np.float32) for name in ("owned", "sign", "up", "down")}
        partner = np.tile(np.arange(most), (len(rigs), 1))
        for row, rig in enumerate(rigs):
            span, own = rig.maximum - rig.minimum, slice(len(rig))
            tables["owned"][row, own], tables["sign"][row, own], partner[row, own] = 1, rig.mirror_sign, rig.partner
            tables["up"][row, own] = 2 * (rig.maximum - rig.neutral) / span
            tables["down"][row, own] = 2 * (rig.neutral - rig.minimum) / span
        for name, values in {**tables, "partner": partner}.items():
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, looks: Tensor, character: Tensor) -> Tensor:
        """See the class; not held to -1..1."""
        here, there = (self.half(each, character) for each in looks.chunk(2, 1))
        return (here + there.gather(1, self.partner[character]) * self.sign[character]) / 2 * self.owned[character]

    def half(self, looks: Tensor, character: Tensor) -> Tensor:
        """What the components [N, COMPONENTS] of a picture say without its mirror image, [N, most]."""
        felt = functional.silu(self.first(looks) + self.shift(character))
        every = self.straight(looks) + self.last(functional.silu(self.second(felt)))
        every = every.reshape(looks.shape[0], *self.owned.shape)
        return every.gather(1, character[:, None, None].expand(-1, 1, every.shape[2]))[:, 0]

    def scaled(self, shares: Tensor, character: Tensor) -> Tensor:
        """Shares [N, most] in the unit of errors: a control's whole range is 2; neutral stays 0."""
        return shares * torch.where(shares < 0, self.down[character], self.up[character])

    def error(self, found: Tensor, shares: Tensor, character: Tensor) -> Tensor:
        """Mean absolute error in that unit, of the controls that there are."""
        wrong = (self.scaled(found, character) - self.scaled(shares, character)).abs() * self.owned[character]
        return wrong.sum() / self.owned[character].sum()


@dataclass(frozen=True)
class ReaderPlans:
    """How long both kinds of networks learn."""

    drawn: Plan
    reader: Plan

    @property
    def twice(self) -> ReaderPlans:
        """Each picture seen twice as often."""
        return ReaderPlans(*(replace(plan, epochs=2 * plan.epochs) for plan in (self.drawn, self.reader)))

    def within(self, minutes: float) -> ReaderPlans:
        """Stopped after so long."""
        return ReaderPlans(*(replace(plan, minutes=minutes) for plan in (self.drawn, self.reader)))


def train_drawn(network: PoseToLook, seen: Seen, plan: Plan, path: Path) -> int:
    """Learn what poses look like; returns the steps still to do."""
    def loss(random: np.random.Generator) -> Tensor:
        rows = torch.from_numpy(random.integers(len(seen.looks), size=plan.batch))
        return (network(seen.shares[rows], seen.character[rows]) - seen.looks[rows]).square().mean()

    return run(network, loss, plan.steps(len(seen.looks)), plan, path, {"network": "pose to look"})


@dataclass(frozen=True)
class Drawn:
    """What one of the halves drew of P new poses, and what it missed in the other half's pictures."""

    looks: Tensor
    """[P, COMPONENTS]."""
    missed: Tensor
    """[n, COMPONENTS], one character after the other."""
    counts: Tensor
    """int64 [characters]: how many are whose."""

    def missed_of(self, character: Tensor, random: np.random.Generator) -> Tensor:
        """Any of them for each of some characters int64 [N]."""
        chance = torch.from_numpy(random.random(len(character)))
        return self.missed[(self.counts.cumsum(0) - self.counts)[character] + (chance * self.counts[character]).long()]


def drawn_by(network: PoseToLook, half: int, poses: Seen, seen: Seen) -> Drawn:
    """See the class."""
    others = seen.of(seen.half(1 - half))
    others = others.of(others.character.argsort())
    with torch.no_grad():
        missed = others.looks - network(others.shares, others.character)
        return Drawn(network(poses.shares, poses.character), missed,
                     others.character.bincount(minlength=network.characters))


def train_reader(network: LookToPose, seen: Seen, poses: Seen, drawn: list[Drawn], plan: Plan, path: Path) -> int:
    """Learn to read true and drawn looks; without `drawn` the true ones alone. Returns the steps still to do."""
    true = seen.of(~seen.aside)
    real = round(plan.batch * _REAL) if drawn else plan.batch

    def loss(random: np.random.Generator) -> Tensor:
        rows = torch.from_numpy(random.integers(len(true.looks), size=real))
        looks, shares, character = true.looks[rows], true.shares[rows], true.character[rows]
        if drawn:
            new = torch.from_numpy(random.integers(len(poses.shares), size=plan.batch - real))
            half, whose = drawn[int(random.integers(len(drawn)))], poses.character[new]
            looks = torch.cat([looks, half.looks[new] + half.missed_of(whose, random)])
            shares, character = torch.cat([shares, poses.shares[new]]), torch.cat([character, whose])
        return network.error(network.half(looks, character), shares, character)

    return run(network, loss, plan.steps(len(true.looks)), plan, path,
               {"network": "look to pose", "drawn": str(bool(drawn))})


def learn_to_read(profiles: Sequence[RigProfile], seen: Seen, plans: ReaderPlans, path: Path, draw: bool = True
                  ) -> tuple[LookToPose, int]:
    """A reader of these characters' pictures, by the checkpoints beside `path`, and the steps still to do."""
    rigs, most, drawn = [profile.control_set for profile in profiles], seen.shares.shape[1], []
    poses = new_poses(profiles, most)
    torch.manual_seed(plans.reader.seed)
    for half in range(_HALVES if draw else 0):
        network = PoseToLook(len(rigs), most)
        own = path.with_stem(f"{path.stem}_draws{half}")
        if left := train_drawn(network, seen.of(seen.half(half)), plans.drawn, own):
            return LookToPose(rigs), left
        drawn.append(drawn_by(network.eval(), half, poses, seen))
    reader = LookToPose(rigs)
    return reader, train_reader(reader, seen, poses, drawn, plans.reader, path)


def new_poses(profiles: Sequence[RigProfile], most: int) -> Seen:
    """Poses as `semblance pairs` draws them, but others; nothing is seen of them yet."""
    values = []
    for profile in profiles:
        sampler = Sampler(profile.control_set, read_key_poses(profile).values,
                          np.zeros((0, len(profile.control_set)), np.float32))
        random = np.random.default_rng([2, len(values)])  # pairs have 0 (training) and 1 (test) in this place
        drawn = np.stack([sampler.draw(random)[1] for _ in range(_POSES)])
        values.append(shares_of(profile.control_set, drawn, most))
    character = torch.arange(len(values)).repeat_interleave(_POSES)
    return Seen(torch.zeros(len(character), 0), torch.from_numpy(np.concatenate(values)), character,
                torch.zeros_like(character))


def beliefs(reader: LookToPose, read: Tensor, looked: Tensor, aside: Seen) -> Tensor:
    """[characters, most]: how far to go from what the reading says to what the look says, both [M, most], so that each
    control errs least in pictures that the reader never saw."""
    true = reader.scaled(aside.shares, aside.character)
    errors = torch.stack([
        (reader.scaled((read + float(belief) * (looked - read)).clamp(-1, 1), aside.character) - true).abs()
        for belief in _BELIEFS])
    best = [errors[:, aside.character == number].mean(1).argmin(0) for number in range(len(reader.owned))]
    return torch.from_numpy(_BELIEFS).float()[torch.stack(best)]
