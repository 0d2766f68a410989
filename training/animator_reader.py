"""From what is seen of a character's own picture (`animator_look.py`) to the controls that made it.

Every face has its own features, so each character has first layers of its own, on the cells of its pictures, and a last
one; the trunk between them is shared. All of it is learned together.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from addon.core.control_set import ControlSet
from training.animator_look import SEEN, CellLayer, Look, Sights, axes_of, both_cells
from training.stage_runs import Plan, run

_WIDTH, _SHARED = 512, 1024
"""Units of the two layers that read one character, and of those that read several."""
_ASIDE: Final = 12
"""One picture in so many is kept from the reader, to tell how far to believe it."""
_BELIEFS: Final = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Seen:
    """N pictures of one character and then their mirror images."""

    cells: Tensor
    """float16 [2N, CELLS], less the usual ones."""
    shares: Tensor
    """[2N, most controls]; 0 beyond the character's own."""

    def __len__(self) -> int:
        """N."""
        return len(self.cells) // 2

    @property
    def aside(self) -> Tensor:
        """bool [N]: not to be learned from, nor its mirror image."""
        return torch.arange(len(self)) % _ASIDE == 0

    def alone(self, most: int) -> Seen:
        """The same for a network that knows only this character, of `most` controls."""
        return Seen(self.cells, self.shares[:, :most])


def shares_of(controls: ControlSet, values: np.ndarray, most: int) -> np.ndarray:
    """Rig units [N, K] → shares float32 [N, most], 0 beyond the character's own."""
    return np.pad(controls.shares(values).astype(np.float32), ((0, 0), (0, most - len(controls))))


def seen_of(look: Look, every: list[Sights], frames: list[Tensor], rigs: Sequence[ControlSet]) -> list[Seen]:
    """What is seen of each character's pictures, whose faces are in `frames` [2N, 2, 3]."""
    most, found = max(map(len, rigs)), []
    for number, (sights, rig) in enumerate(zip(every, rigs, strict=True)):
        shares = [shares_of(rig, values, most) for values in (sights.controls, rig.mirrored(sights.controls))]
        cells = both_cells(look, sights.crops, frames[number], number)
        found.append(Seen(cells, torch.from_numpy(np.concatenate(shares))))
    return found


class LookToPose(nn.Module):
    """Looks [N, LOOK] and characters int64 [N] → shares [N, most]."""

    owned: Tensor
    partner: Tensor
    sign: Tensor
    up: Tensor
    down: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, rigs: Sequence[ControlSet]) -> None:
        super().__init__()
        most, width = max(map(len, rigs)), _WIDTH if len(rigs) == 1 else _SHARED
        self.trunk = nn.Sequential(nn.Linear(SEEN, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.straight = nn.ModuleList(nn.Linear(SEEN, most) for _ in rigs)
        self.bent = nn.ModuleList(nn.Linear(width, most, bias=False) for _ in rigs)
        for layer in (*self.straight, *self.bent):
            nn.init.zeros_(layer.weight)
        for layer in self.straight:
            nn.init.zeros_(layer.bias)
        names = ("owned", "sign", "up", "down", "lowest", "highest")
        tables = {name: np.zeros((len(rigs), most), np.float32) for name in names}
        partner = np.tile(np.arange(most), (len(rigs), 1))
        for row, rig in enumerate(rigs):
            span, own = rig.maximum - rig.minimum, slice(len(rig))
            tables["owned"][row, own], tables["sign"][row, own], partner[row, own] = 1, rig.mirror_sign, rig.partner
            up, down = 2 * (rig.maximum - rig.neutral) / span, 2 * (rig.neutral - rig.minimum) / span
            tables["highest"][row, own], tables["lowest"][row, own] = up > 0, -(down > 0).astype(np.float32)
            # beyond an end at neutral a share errs like one before it: a flat error there would never be unlearned
            tables["up"][row, own], tables["down"][row, own] = np.where(up > 0, up, down), np.where(down > 0, down, up)
        for name, values in {**tables, "partner": partner}.items():
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, looks: Tensor, character: Tensor) -> Tensor:
        """See the class; not held to -1..1."""
        here, there = (self.half(each, character) for each in looks.chunk(2, 1))
        return (here + there.gather(1, self.partner[character]) * self.sign[character]) / 2 * self.owned[character]

    def half(self, looks: Tensor, character: Tensor) -> Tensor:
        """What [N, SEEN] of a picture say without its mirror image, [N, most]."""
        felt = self.trunk(looks)
        every = torch.stack([self._of_one(looks, felt, number) for number in range(len(self.bent))], 1)
        return every.gather(1, character[:, None, None].expand(-1, 1, every.shape[2]))[:, 0]

    def half_of_one(self, looks: Tensor, number: int) -> Tensor:
        """The same of pictures of one character; nothing that only others have is touched."""
        return self._of_one(looks, self.trunk(looks), number)

    def _of_one(self, looks: Tensor, felt: Tensor, number: int) -> Tensor:
        return self.straight[number](looks) + self.bent[number](felt)

    def held(self, shares: Tensor, character: Tensor) -> Tensor:
        """Shares [N, most] within each control's limits."""
        return torch.minimum(torch.maximum(shares, self.lowest[character]), self.highest[character])

    def scaled(self, shares: Tensor, character: Tensor) -> Tensor:
        """Shares [N, most] in the unit of errors: a control's whole range is 2; neutral stays 0."""
        return shares * torch.where(shares < 0, self.down[character], self.up[character])

    def error(self, found: Tensor, shares: Tensor, character: Tensor) -> Tensor:
        """Mean absolute error in that unit, of the controls that there are."""
        wrong = (self.scaled(found, character) - self.scaled(shares, character)).abs() * self.owned[character]
        return wrong.sum() / self.owned[character].sum()


class Reader(nn.Module):
    """A first layer for each character, and what reads poses off them."""

    def __init__(self, rigs: Sequence[ControlSet]) -> None:
        super().__init__()
        self.layers, self.poses = nn.ModuleList(CellLayer() for _ in rigs), LookToPose(rigs)

    def looks(self, number: int, here: Tensor, there: Tensor) -> Tensor:
        """[N, LOOK] of cells [N, CELLS] of a character's pictures and of their mirror images."""
        return torch.cat([self.layers[number](cells.float()) for cells in (here, there)], 1)


def train_reader(reader: Reader, seen: list[Seen], plan: Plan, path: Path) -> int:
    """Learn to read the pictures that are not kept aside; returns the steps still to do.

    A step sees one character, drawn by how many pictures there are: only its own layers and the trunk have to be moved.
    """
    rows = [torch.cat([kept := (~own.aside).nonzero()[:, 0], kept + len(own)]) for own in seen]
    counts = np.array([len(each) for each in rows])

    def loss(random: np.random.Generator) -> Tensor:
        number = int(random.choice(len(seen), p=counts / counts.sum()))
        some = rows[number][torch.from_numpy(random.integers(counts[number], size=plan.batch))]
        character, own = torch.full((plan.batch,), number), seen[number]
        found = reader.poses.half_of_one(reader.layers[number](own.cells[some].float()), number)
        return reader.poses.error(found, own.shares[some], character)

    return run(reader, loss, plan.steps(int(counts.sum())), plan, path, {"network": "reader"})


def learn_to_read(rigs: Sequence[ControlSet], seen: list[Seen], plan: Plan, path: Path) -> tuple[Reader, int]:
    """A reader of these characters' pictures, by the checkpoint at `path`, and the steps still to do."""
    torch.manual_seed(plan.seed)
    reader = Reader(rigs)
    if not path.exists():
        for layer, own in zip(reader.layers, seen, strict=True):
            layer.begin_with(axes_of(own.cells))  # type: ignore[operator]
    return reader, train_reader(reader, seen, plan, path)


def beliefs(poses: LookToPose, character: int, read: Tensor, looked: Tensor, shares: Tensor) -> Tensor:
    """[most]: how far to go from what the reading says to what the look says of a character, both [N, most], so that
    each control errs least in pictures that the reader never saw and that `shares` [N, most] made."""
    whose = torch.full((len(shares),), character)
    true = poses.scaled(shares, whose)
    errors = [(poses.scaled(poses.held(read + float(belief) * (looked - read), whose), whose) - true).abs().mean(0)
              for belief in _BELIEFS]
    return torch.from_numpy(_BELIEFS).float()[torch.stack(errors).argmin(0)]
