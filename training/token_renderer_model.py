"""The other end of the motion tokens: a small diffusion transformer that draws a person of a picture in their motion.

Peebles and Xie, "Scalable diffusion models with transformers" (2023), with the shared modulation of PixArt-alpha. It
says the clean picture (Li and He, "Back to basics: let denoising generative models denoise", 2025): its patches have
more numbers than it is wide, so that noise or velocity (Salimans and Ho 2022) would not pass through it. DDIM (Song et
al. 2021) walks back.

As in X-UniMotion the tokens are first turned into a guidance map for the person of the reference: where each bone is.
Patches of the reference and words of the four tokens are asked by cross-attention, as the paper's face token is.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.body_motion import JOINTS, PARENTS

from .motion_token_model import TOKENS, WIDTHS

_WORDS: Final = 4
"""Keys that each token is turned into (X-NeMo has 32 for a face)."""
_BONE_SPREAD: Final = 0.03
"""How wide a bone is in the guidance map, share of the picture's side."""
_GUIDED: Final = 5.0
"""What an error of the map's joints weighs."""
_LEAST_NOISE, _MOST_NOISE = 0.02, 0.998


@dataclass(frozen=True)
class Size:
    """How large a renderer is."""

    pixels: int
    patch: int
    width: int
    depth: int
    heads: int


SIZES: Final = {
    "tiny": Size(16, 4, 32, 2, 2), "small": Size(64, 8, 144, 4, 4), "large": Size(128, 8, 512, 14, 8),
}
"""For tests, for two CPU cores, for a GPU."""


class _Block(nn.Module):
    """Attention to itself, to what is asked, and two layers; each scaled and shifted by the moment's modulation."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(3))
        self.own = nn.Linear(width, 3 * width)
        self.own_out = nn.Linear(width, width)
        self.asks, self.told = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.told_out = nn.Linear(width, width)
        self.body = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.modulation = nn.Parameter(torch.zeros(9, width))

    def forward(self, tokens: Tensor, asked: Tensor, moment: Tensor) -> Tensor:
        """tokens [N, T, W], asked [N, K, W], moment [N, 9, W] → tokens."""
        scale, shift, gate = (moment + self.modulation).unsqueeze(2).unflatten(1, (3, 3)).unbind(1)

        def seen(i: int, values: Tensor) -> Tensor:
            return self.norms[i](values) * (1 + scale[:, i]) + shift[:, i]

        query, key, value = self._split(self.own(seen(0, tokens)), 3)
        tokens = tokens + gate[:, 0] * self.own_out(_attended(query, key, value))
        (query,), (key, value) = self._split(self.asks(seen(1, tokens)), 1), self._split(self.told(asked), 2)
        tokens = tokens + (1 + gate[:, 1]) * self.told_out(_attended(query, key, value))
        return tokens + gate[:, 2] * self.body(seen(2, tokens))

    def _split(self, values: Tensor, parts: int) -> Tensor:
        return values.unflatten(-1, (parts, self.heads, -1)).permute(2, 0, 3, 1, 4)


def _attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class _Guide(nn.Module):
    """Motion [N, 192] and patches of the reference [N, T, V] → joints of the reference's person [N, 22, 2], shares of
    the side."""

    def __init__(self, values: int, count: int) -> None:
        super().__init__()
        self.shape = nn.Sequential(nn.Linear(values, 12), nn.Flatten(), nn.Linear(12 * count, 128), nn.ReLU())
        self.motion = nn.Sequential(nn.Linear(TOKENS, 256), nn.ReLU())
        self.joints = nn.Sequential(nn.Linear(384, 256), nn.ReLU(), nn.Linear(256, 2 * len(JOINTS)))

    def forward(self, motion: Tensor, reference: Tensor) -> Tensor:
        """See the class."""
        both = torch.cat([self.shape(reference), self.motion(motion)], 1)
        return 0.5 + self.joints(both).unflatten(1, (len(JOINTS), 2))


def bone_map(joints: Tensor, side: int) -> Tensor:
    """Joints [N, 22, 2], shares of the side → how near each bone is, [N, 21, side, side]."""
    middles = (torch.arange(side, device=joints.device) + 0.5) / side
    places = torch.stack(torch.meshgrid(middles, middles, indexing="xy"), -1)[None, None]
    start = joints[:, 1:, None, None]
    along = joints[:, list(PARENTS[1:]), None, None] - start
    share = ((places - start) * along).sum(-1) / (along.square().sum(-1) + 1e-6)
    apart = places - start - share.clamp(0, 1)[..., None] * along
    return torch.exp(-apart.square().sum(-1) / (2 * _BONE_SPREAD ** 2))


class TokenRenderer(nn.Module):
    """Noisy pictures, how noisy, motion and reference → clean pictures.

    Pictures are float32 [N, 3, P, P], -1..1; a figure stands before grey (0).
    """

    middle: Tensor
    spread: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        width, count = size.width, (size.pixels // size.patch) ** 2
        self.register_buffer("middle", torch.zeros(TOKENS))
        self.register_buffer("spread", torch.ones(TOKENS))
        values = 3 * size.patch ** 2
        self.stem, self.reference_stem = nn.Linear(values, width), nn.Linear(values, width)
        self.places = nn.Parameter(0.5 * torch.randn(count, width))
        self.reference_places = nn.Parameter(0.5 * torch.randn(count, width))
        self.guide = _Guide(values, count)
        self.guide_stem = nn.Linear(4 * (len(JOINTS) - 1), width)
        self.words = nn.ModuleList(nn.Linear(each, _WORDS * width) for each in WIDTHS.values())
        self.moment = nn.Sequential(nn.Linear(64, width), nn.SiLU())
        self.moment_out = nn.Linear(width, 9 * width)
        self.motion_moment = nn.Linear(TOKENS, 9 * width)
        self.blocks = nn.ModuleList(_Block(width, size.heads) for _ in range(size.depth))
        self.last, self.head = nn.LayerNorm(width), nn.Linear(width, values)
        self.fine = nn.Sequential(nn.Conv2d(6 + len(JOINTS) - 1, 32, 3, padding=1), nn.GELU(),
                                  nn.Conv2d(32, 32, 3, padding=1), nn.GELU())
        self.fine_out = nn.Conv2d(32, 3, 3, padding=1)
        for layer in (self.moment_out, self.motion_moment, self.head, self.fine_out):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def joints(self, motion: Tensor, reference: Tensor) -> Tensor:
        """Where the guidance map has the joints of the reference's person, [N, 22, 2], shares of the side."""
        return self.guide((motion - self.middle) / self.spread, self._cut(reference))

    def _asked(self, motion: Tensor, reference: Tensor) -> Tensor:
        """What the blocks ask [N, K, W]: words of the motion, evenly spread [N, 192], and patches of the reference."""
        parts = motion.split(list(WIDTHS.values()), 1)
        words = [layer(part).unflatten(1, (_WORDS, -1)) for layer, part in zip(self.words, parts, strict=True)]
        return torch.cat([*words, self.reference_stem(self._cut(reference)) + self.reference_places], 1)

    def forward(self, noisy: Tensor, noise: Tensor, motion: Tensor, reference: Tensor) -> Tensor:
        """See the class; noise [N] is the angle's share, 0 = clean, 1 = noise alone."""
        joints = self.joints(motion, reference).detach()    # it learns from true joints, not from what is drawn
        motion = (motion - self.middle) / self.spread
        asked = self._asked(motion, reference)
        turns = noise[:, None] * 2 * math.pi * 2 ** torch.linspace(-2, 5, 32, device=noise.device)
        moment = self.moment_out(self.moment(torch.cat([turns.sin(), turns.cos()], 1)))
        moment = (moment + self.motion_moment(motion)).unflatten(1, (9, -1))
        near = bone_map(joints, self.size.pixels)
        guidance = functional.pixel_unshuffle(functional.avg_pool2d(near, self.size.patch // 2), 2)
        tokens = self.stem(self._cut(noisy)) + self.places + self.guide_stem(guidance.flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens = block(tokens, asked, moment)
        coarse = self._joined(self.head(self.last(tokens)))
        return coarse + self.fine_out(self.fine(torch.cat([coarse, noisy, near], 1)))

    def _cut(self, pictures: Tensor) -> Tensor:
        """[N, 3, P, P] → patches [N, T, V]."""
        return functional.pixel_unshuffle(pictures, self.size.patch).flatten(2).transpose(1, 2)

    def _joined(self, patches: Tensor) -> Tensor:
        side = self.size.pixels // self.size.patch
        return functional.pixel_shuffle(patches.transpose(1, 2).unflatten(2, (side, side)), self.size.patch)


def _mixed(noise: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of picture and noise [N, 1, 1, 1] at a share of the angle."""
    angle = noise.view(-1, 1, 1, 1) * math.pi / 2
    return angle.cos(), angle.sin()


def denoising_loss(
    network: TokenRenderer, pictures: Tensor, motion: Tensor, reference: Tensor, joints: Tensor
) -> Tensor:
    """The squared error of what is said to be clean at a random share of noise, more often a large one, where motion is
    settled; little noise counts more, and so does the figure. Beside it the error of the guidance map's joints."""
    noise = torch.rand(len(pictures), device=pictures.device) ** 0.7
    clean, dirty = _mixed(noise)
    said = network(clean * pictures + dirty * torch.randn_like(pictures), noise, motion, reference)
    weight = 1 + 3 * (pictures.abs().amax(1, keepdim=True) > 0.05)
    guided = functional.smooth_l1_loss(network.joints(motion, reference).float(), joints, beta=0.02)
    return (weight * (said.float() - pictures).square() / (dirty.square() + 0.1)).mean() + _GUIDED * guided


@torch.no_grad()
def draw(
    network: TokenRenderer, motion: Tensor, reference: Tensor, steps: int = 12, seed: int = 0
) -> Tensor:
    """Pictures [N, 3, P, P] of the references' people in the motions, by DDIM without noise of its own."""
    random = torch.Generator().manual_seed(seed)
    # Everybody starts from the same noise: what differs is of the motion and the person.
    one = torch.randn(1, 3, network.size.pixels, network.size.pixels, generator=random)
    noisy = one.to(motion.device).repeat(len(motion), 1, 1, 1)
    shares = torch.linspace(_MOST_NOISE, _LEAST_NOISE, steps, device=motion.device)
    picture = torch.zeros_like(noisy)
    for i, share in enumerate(shares):
        clean, dirty = _mixed(share.repeat(len(motion)))
        picture = network(noisy, share.repeat(len(motion)), motion, reference).clamp(-1, 1)
        grain = (noisy - clean * picture) / dirty
        if i + 1 < steps:
            clean, dirty = _mixed(shares[i + 1].repeat(len(motion)))
            noisy = clean * picture + dirty * grain
    return picture
