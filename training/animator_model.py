"""The animator: one network that turns an expression into the controls of any of our characters.

FreeAvatar's rig decoder (SIGGRAPH Asia 2024, section 3.2): the expression, its embedding and a learned vector of the
character go through plain layers; each character takes as many outputs as it has controls. Not as there, the vector
comes in at the last, narrow layer: what an expression is need be found only once for all who play it. Outputs are
shares, the way from a control's neutral to its ends, so that rigs with other units and rest poses are alike and limits
are kept. An expression of nothing is exactly the character's neutral, and a mirrored one exactly the mirrored pose.

Of a character's own picture much shows that no expression tells. Where there is one, it is looked at as well
(`animator_look.py`, `animator_reader.py`); people have none, and nothing changes for them.
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.characters.decoder import load_decoder
from addon.core import coefficients
from addon.core.control_set import ControlSet
from addon.core.frames import ControlTrack, ExpressionTrack
from addon.core.network import Network
from addon.core.rig_profile import RigProfile
from training.animator_look import LOOK
from training.animator_reader import Reader
from training.expression_experts import embedding_of
from training.pip_pairs import INPUTS

CHARACTERS: Final = ("mora", "pip", "gus", "uno", "ada")
_IDENTITY: Final = 16
_OWN: Final = 96
"""Units that know the character."""
WIDTHS: Final = {"small": 320, "large": 768}
_ANGLE: Final = 2.0
"""Angles in rad times this are about as large as coefficients."""
_C: Final = coefficients.COUNT
_EMBEDDING: Final = 2 * _C
"""The numbers of an embedding that tell something."""
NOBODY: Final = -1
MIRROR: Final = np.concatenate([coefficients.MIRROR, _C + np.array([2, 3, 0, 1, 4, 5, 6])])
"""int [INPUTS]: each input's place in a mirror; yaw of eyes and head and roll change their sign."""
MIRROR_SIGN: Final = np.concatenate([np.ones(_C), [-1, 1, -1, 1, -1, 1, -1]]).astype(np.float32)


class Animator(nn.Module):
    """Expressions [N, INPUTS] and characters int64 [N] → shares [N, most controls], 0 beyond a character's own."""

    owned: Tensor
    """[characters, most controls]: 1 where a character has a control, else 0."""
    scale: Tensor
    mirror: Tensor
    mirror_sign: Tensor
    partner: Tensor
    sign: Tensor

    def __init__(self, rigs: Sequence[ControlSet], width: int = WIDTHS["small"]) -> None:
        super().__init__()
        most, seen = max(map(len, rigs)), INPUTS + _EMBEDDING
        self.identity = nn.Embedding(len(rigs), _IDENTITY)
        self.straight = nn.Linear(seen, len(rigs) * most, bias=False)
        self.trunk = nn.Sequential(nn.Linear(seen, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.bent = nn.Linear(width, len(rigs) * most)
        self.meet, self.shift = nn.Linear(width, _OWN), nn.Linear(_IDENTITY, _OWN, bias=False)
        self.own = nn.Linear(_OWN, len(rigs) * most, bias=False)
        for last in (self.bent, self.own):
            nn.init.zeros_(last.weight)
        partner, sign = np.tile(np.arange(most), (len(rigs), 1)), np.ones((len(rigs), most), np.float32)
        for row, rig in enumerate(rigs):
            partner[row, :len(rig)], sign[row, :len(rig)] = rig.partner, rig.mirror_sign
        owned = np.arange(most) < np.array([len(rig) for rig in rigs])[:, None]
        scale = np.concatenate([np.ones(_C), np.full(INPUTS - _C, _ANGLE)]).astype(np.float32)
        for name, values in (("scale", scale), ("mirror", MIRROR), ("mirror_sign", MIRROR_SIGN), ("partner", partner),
                             ("sign", sign), ("owned", owned.astype(np.float32))):
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, expression: Tensor, character: Tensor) -> Tensor:
        """See the class; not held to -1..1."""
        here, rest = (self._half(x, character) for x in (expression, torch.zeros_like(expression)))
        there = self._half(expression[:, self.mirror] * self.mirror_sign, character)
        moved = here - rest + self._across(there - rest, character)
        return moved / 2 * self.owned[character]

    def _half(self, x: Tensor, character: Tensor) -> Tensor:
        """Of the last layers' outputs a character takes its own."""
        said, met = self.common(x)
        every = said + self.own(functional.silu(met + self.shift(self.identity(character))))
        every = every.reshape(-1, *self.owned.shape)
        return every.gather(1, character[:, None, None].expand(-1, 1, every.shape[2]))[:, 0]

    def common(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What is the same whoever plays [N, INPUTS]: what it says on each character, and what its vector is added to.
        """
        seen = torch.cat([x * self.scale, embedding_of(x[:, :_C])[:, :_EMBEDDING]], 1)
        felt = self.trunk(seen)
        return self.straight(seen) + self.bent(felt), self.meet(felt)

    def _across(self, shares: Tensor, character: Tensor) -> Tensor:
        return shares.gather(1, self.partner[character]) * self.sign[character]


class SeeingAnimator(nn.Module):
    """The animator, which also takes looks [N, LOOK] (`Look`) of the characters' own pictures."""

    belief: Tensor
    """[characters, most controls], 0..1: how far the look is followed where it says other than the reading."""

    def __init__(self, animator: Animator, reader: Reader) -> None:
        super().__init__()
        self.animator, self.reader = animator, reader
        self.register_buffer("belief", torch.ones_like(animator.owned))

    def forward(self, expression: Tensor, looks: Tensor, character: Tensor) -> Tensor:
        """Expressions [N, INPUTS] and looks [N, LOOK] of characters int64 [N] → shares [N, most controls]."""
        read, looked = self.animator(expression, character), self.reader.poses(looks, character)
        return read + self.belief[character] * (looked - read)


class _Deployed(nn.Module):
    """Expressions [N, INPUTS] and characters int64 [M] → shares [N, M, most controls]: every character plays them all.

    Each one's rest is known beforehand, both mirrors are one batch, and the trunk is run once for all characters. With
    an expression may go a look [N, LOOK] of the character `seen` int64 [N], which counts on that one; NOBODY has none.
    """

    rest: Tensor
    shifts: Tensor
    lasts: Tensor

    def __init__(self, seeing: SeeingAnimator) -> None:
        super().__init__()
        network = seeing.animator
        self.seeing, every = seeing, torch.arange(len(network.owned))
        with torch.no_grad():
            half = network._half(torch.zeros(len(every), INPUTS), every)
            own = network.own.weight.reshape(*network.owned.shape, -1).transpose(1, 2).contiguous()
            for name, values in (("rest", half + network._across(half, every)), ("lasts", own),
                                 ("shifts", network.shift(network.identity.weight))):
                self.register_buffer(name, values)

    def forward(self, expression: Tensor, character: Tensor, look: Tensor, seen: Tensor) -> Tensor:
        """See the class."""
        read, seeing = self._read(expression, character), self.seeing
        whose = seen.clamp_min(0)
        looked = seeing.reader.poses(look, whose)[:, None]
        own = (seen[:, None] == character)[:, :, None].float()
        return read + own * seeing.belief[whose][:, None] * (looked - read)

    def _read(self, expression: Tensor, character: Tensor) -> Tensor:
        network = self.seeing.animator
        said, met = network.common(torch.cat([expression, expression[:, network.mirror] * network.mirror_sign]))
        felt = functional.silu(met[None] + self.shifts[character][:, None])
        every = felt @ self.lasts[character] + said.reshape(-1, *network.owned.shape).transpose(0, 1)[character]
        here, there = every.chunk(2, 1)
        partner = network.partner[character][:, None].expand(-1, expression.shape[0], -1)
        there = there.gather(2, partner) * network.sign[character][:, None]
        moved = (here + there - self.rest[character][:, None]) / 2 * network.owned[character][:, None]
        return moved.transpose(0, 1)


def export(network: SeeingAnimator, path: Path) -> None:
    """Write the network as ONNX (opset 17)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    example = (torch.zeros(2, INPUTS), torch.zeros(3, dtype=torch.int64), torch.zeros(2, LOOK),
               torch.full((2,), NOBODY))
    names = {"expression": {0: "n"}, "character": {0: "m"}, "look": {0: "n"}, "seen": {0: "n"},
             "shares": {0: "n", 1: "m"}}
    torch.onnx.export(_Deployed(network.cpu().eval()), example, str(path), dynamo=False, opset_version=17,
                      input_names=["expression", "character", "look", "seen"], output_names=["shares"],
                      dynamic_axes=names)


def unseen(count: int) -> dict[str, np.ndarray]:
    """The exported network's inputs for expressions without a look."""
    return {"look": np.zeros((count, LOOK), np.float32), "seen": np.full(count, NOBODY)}


class AnimatorDecoder:
    """The exported animator as the decoder of one character."""

    def __init__(self, model: Path, profile: RigProfile) -> None:
        """Load it from its folder.

        Raises:
            SemblanceError: if it is not there, or not what its card says.
        """
        self._network, self.controls = Network(model, "Animating"), profile.control_set
        self._character = CHARACTERS.index(profile.name.lower())
        self.lips = load_decoder(profile).lips

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in profile order."""
        cast = np.array([self._character], np.int64)
        shares, = self._network.run(["shares"], expression=inputs_of(track), character=cast,
                                     **unseen(len(track)))
        return ControlTrack(track.times_s, self.controls.from_shares(shares[:, 0, :len(self.controls)]))


def inputs_of(track: ExpressionTrack) -> np.ndarray:
    """float32 [T, INPUTS]: coefficients, gaze of both eyes, head."""
    parts = (track.coefficients, track.gaze.reshape(len(track), 4), track.head)
    return np.concatenate(parts, axis=1).astype(np.float32)
