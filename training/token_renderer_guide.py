"""Where the limbs of a reference's person are in a motion, and the reference bent that way.

As X-UniMotion decodes its tokens to a spatial map first, a network says where the joints of this person are when they
do what a body's token says; with the reference's own token it says where they are in the reference. From both follows,
without any learning, each limb of the reference turned to where it belongs (the layers of Balakrishnan et al.,
"Synthesizing images of humans in unseen poses", 2018). That has seams, and holes where something was hidden: to draw is
left to the renderer.
"""
from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.body_motion import JOINT, JOINTS, PARENTS

from .motion_token_model import SLICES, WIDTHS

ENDS: Final = ("crown", "left_tip", "right_tip")
"""Marks beyond the joints: the head's top, the ends of the middle fingers."""
MARKS: Final = (*JOINTS, *ENDS)
_ABOVE: Final = (*PARENTS[1:], *(JOINT[name] for name in ("head", "left_wrist", "right_wrist")))
BONES: Final = len(_ABOVE)
_BONE_SPREAD: Final = 0.03
"""How wide a bone is in the guidance map, share of the picture's side."""
_LIMBS: Final = (
    ("pelvis", "neck", 0.085), ("neck", "crown", 0.075),
    *((f"{side}_{start}", f"{side}_{end}", wide) for side in ("left", "right") for start, end, wide in (
        ("hip", "knee", 0.045), ("knee", "ankle", 0.035), ("ankle", "foot", 0.03), ("shoulder", "elbow", 0.03),
        ("elbow", "wrist", 0.025), ("wrist", "tip", 0.025))),
)
"""What stays together: from mark to mark, about how far its skin is, share of the side. The first one is the trunk."""
_STARTS, _STOPS = ([MARKS.index(limb[end]) for limb in _LIMBS] for end in (0, 1))
_WIDE: Final = tuple(limb[2] for limb in _LIMBS)
_TRUNK_ACROSS: Final = tuple(JOINT[name] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
_BEHIND: Final = 0.1
"""A limb that is so much nearer, share of the side, hides another e times as much."""


class Guide(nn.Module):
    """Tokens [N, 192] and a picture [N, 3, P, P] of a person → where this person's marks are in the tokens' pose.

    Marks are float32 [N, 25, 3]: across and down in shares of the side from the upper left corner, and away from the
    camera behind the pelvis in the same unit. Of the tokens only the body's is read.
    """

    middle: Tensor

    def __init__(self, pixels: int) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        halvings = min(len(widths) - 1, pixels.bit_length() - 3)
        self.register_buffer("middle", torch.zeros(len(MARKS), 3))
        self.seen = nn.Sequential(*(
            layer for a, b in list(pairwise(widths))[:halvings]
            for layer in (nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU())))
        flat = widths[halvings] * (pixels >> halvings) ** 2
        self.person = nn.Sequential(nn.Flatten(), nn.Linear(flat, 256), nn.ReLU())
        self.then = nn.Sequential(
            nn.Linear(256 + WIDTHS["body"], 384), nn.GELU(), nn.Dropout(0.1), nn.Linear(384, 384), nn.GELU(),
            nn.Dropout(0.1), nn.Linear(384, 3 * len(MARKS)))

    def forward(self, tokens: Tensor, picture: Tensor) -> Tensor:
        """See the class."""
        person = self.person(self.seen(picture))
        then = self.then(torch.cat([person, tokens[:, SLICES["body"]]], 1))
        return self.middle + then.unflatten(1, (len(MARKS), 3))


def _axes(start: Tensor, stop: Tensor) -> tuple[Tensor, Tensor]:
    """Which way lines between marks [N, L, 3] go in the picture [N, L, 2], and how long they are [N, L]."""
    along = (stop - start)[..., :2]
    length = along.norm(dim=-1)
    return along / (length[..., None] + 1e-4), length


def _beside(start: Tensor, way: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """How far along lines [N, L] and across them the pixels' middles are, shares of the side, [N, L, side, side]."""
    steps = (torch.arange(side, device=start.device) + 0.5) / side
    right, down = (steps - start[..., axis, None] for axis in (0, 1))
    x, y = way[..., :1], way[..., 1:]
    return ((down * y)[..., None] + (right * x)[..., None, :], (down * x)[..., None] - (right * y)[..., None, :])


def bone_map(marks: Tensor, side: int) -> Tensor:
    """Marks [N, 25, 3] → how near each bone is, [N, 24, side, side]."""
    start = marks[:, 1:]
    way, length = _axes(start, marks[:, list(_ABOVE)])
    along, across = _beside(start, way, side)
    beyond = along - along.clamp_min(0).minimum(length[..., None, None])
    return torch.exp((beyond.square() + across.square()) / (-2 * _BONE_SPREAD ** 2))


def _limbs(marks: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """How far along limbs each pixel is, 0 to their length, beyond their ends and across them, shares of the side; and
    how much the pixel is theirs, a logarithm: the near and the broad come first; all [N, 14, side, side]."""
    start, stop = marks[:, _STARTS], marks[:, _STOPS]
    way, length = _axes(start, stop)
    along, across = _beside(start, way, side)
    inside = along.clamp_min(0).minimum(length[..., None, None])
    beyond = along - inside
    wide = -2 * torch.tensor(_WIDE, device=marks.device)[:, None, None] ** 2
    deep = (stop - start)[..., 2:, None] / (length[..., None, None] + 1e-2) * inside + start[..., 2:, None]
    return inside, beyond, across, (beyond.square() + across.square()) / wide - deep / _BEHIND


def bent(reference: Tensor, of: Tensor, to: Tensor) -> Tensor:
    """The reference [N, 3, P, P] with each limb carried from marks `of` to marks `to`, and how much a figure is there:
    [N, 4, P, P].

    What lies in a limb keeps its share of the limb's length, and its distance beyond the ends and across; the trunk's
    width goes with shoulders and hips.
    """
    side, count = reference.shape[-1], len(_LIMBS)
    mine = _limbs(of, side)[3].softmax(1) * (reference.abs().amax(1, keepdim=True) > 0.05)
    inside, beyond, across, share = _limbs(to, side)
    way, length = _axes(of[:, _STARTS], of[:, _STOPS])
    _, new_length = _axes(to[:, _STARTS], to[:, _STOPS])
    along = inside * (length / (new_length + 1e-3))[..., None, None] + beyond
    trunk = (_trunk_width(of) / (_trunk_width(to) + 1e-3)).clamp(0.5, 2)
    across = across * functional.pad(trunk[:, None], (0, count - 1), value=1.0)[..., None, None]
    x, y = (way[..., axis, None, None] for axis in (0, 1))
    start = 2 * of[:, _STARTS] - 1
    grid = torch.stack([2 * (x * along - y * across) + start[..., 0, None, None],
                        2 * (y * along + x * across) + start[..., 1, None, None]], -1)
    colours = functional.grid_sample(reference, grid.flatten(1, 2), align_corners=False).unflatten(2, (count, side))
    alpha = functional.grid_sample(mine.flatten(0, 1)[:, None], grid.flatten(0, 1), align_corners=False)
    alpha = alpha[:, 0].unflatten(0, (-1, count))
    weight = (share - share.amax(1, keepdim=True)).exp() * alpha
    there = alpha.sum(1, keepdim=True).clamp_max(1)
    weight = weight * (there / (weight.sum(1, keepdim=True) + 1e-6))
    return torch.cat([torch.einsum("nlyx,nclyx->ncyx", weight, colours), there], 1)


def _trunk_width(marks: Tensor) -> Tensor:
    """How wide shoulders and hips are, [N]."""
    a, b, c, d = (marks[:, joint, :2] for joint in _TRUNK_ACROSS)
    return (a - b).norm(dim=1) + (c - d).norm(dim=1)
