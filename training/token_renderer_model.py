"""The other end of the motion tokens: a small diffusion transformer that draws a person of a picture in their motion.

Peebles and Xie, "Scalable diffusion models with transformers" (2023), with the shared modulation of PixArt-alpha. It
says the clean picture (Li and He, "Back to basics: let denoising generative models denoise", 2025): its patches have
more numbers than it is wide, so that noise or velocity (Salimans and Ho 2022) would not pass through it. DDIM (Song et
al. 2021) walks back.

It is given where the person's bones shall be and the reference bent that way (token_renderer_guide), and says what is
to be added to that; noise begins there too (Yue et al., "ResShift", 2023). Words of the four tokens and patches of the
reference, each with the bones that lie there, are asked by cross-attention.
"""
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from addon.core.network import Network

from .motion_token_model import TOKENS, WIDTHS
from .narrow_weights import narrow
from .network_cards import Shape, export_network
from .network_cards import Told as CardText
from .token_renderer_guide import BONES, Guide, bent, bone_map

_WORDS: Final = 4
"""Keys that each token is turned into (X-NeMo has 32 for a face)."""
_FINE: Final = 24
"""Channels of the layers that see every pixel."""
_LEAST_NOISE, _MOST_NOISE = 0.02, 0.998
_FAINT: Final = 0.06
"""What differs so little from the ground is the ground."""
_GRAIN: Final = 0.25
"""How strong the noise is: about as much as pictures differ from guesses."""
GREY: Final = 128
"""Before which figures stand."""
FOLDER: Final = Path(__file__).with_name("models") / "token_renderer"


@dataclass(frozen=True)
class Size:
    """How large a renderer is."""

    pixels: int
    patch: int
    width: int
    depth: int
    heads: int


SIZES: Final = {
    "tiny": Size(16, 4, 32, 2, 2), "small": Size(64, 8, 160, 4, 4), "large": Size(128, 8, 512, 14, 8),
}
"""For tests, for two CPU cores, for a GPU."""


class Told(NamedTuple):
    """What a picture is drawn from."""

    motion: Tensor
    """[N, 192], evenly spread."""
    asked: Tensor
    """What the blocks ask, [N, K, W]."""
    bones: Tensor
    """Where the bones shall be, [N, T, W]."""
    guess: Tensor
    """The reference, bent: [N, 4, P, P]."""

    def repeated(self, times: int) -> Told:
        """All of it so many times, one after the other."""
        return Told(*(each.repeat(times, *(1,) * (each.ndim - 1)) for each in self))


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


class TokenRenderer(nn.Module):
    """Noisy pictures, how noisy, and what they are drawn from → clean pictures.

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
        self.guide = Guide(size.pixels)
        values = 3 * size.patch ** 2
        self.stem, self.reference_stem = nn.Linear(values, width), nn.Linear(values, width)
        self.guess_stem = nn.Linear(4 * size.patch ** 2, width)
        self.places = nn.Parameter(0.5 * torch.randn(count, width))
        self.reference_places = nn.Parameter(0.5 * torch.randn(count, width))
        self.bone_stem, self.reference_bone_stem = nn.Linear(4 * BONES, width), nn.Linear(4 * BONES, width)
        self.words = nn.ModuleList(nn.Linear(each, _WORDS * width) for each in WIDTHS.values())
        self.moment = nn.Sequential(nn.Linear(64, width), nn.SiLU())
        self.moment_out = nn.Linear(width, 9 * width)
        self.motion_moment = nn.Linear(TOKENS, 9 * width)
        self.blocks = nn.ModuleList(_Block(width, size.heads) for _ in range(size.depth))
        self.last, self.head = nn.LayerNorm(width), nn.Linear(width, values)
        self.fine = nn.Sequential(nn.Conv2d(10, _FINE, 3, padding=1), nn.GELU(),
                                  nn.Conv2d(_FINE, _FINE, 3, padding=1), nn.GELU())
        self.fine_out = nn.Conv2d(_FINE, 3, 3, padding=1)
        for layer in (self.moment_out, self.motion_moment, self.head, self.fine_out):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def train(self, mode: bool = True) -> TokenRenderer:
        """The guide has learned before."""
        super().train(mode)
        self.guide.eval()
        return self

    def told(self, motion: Tensor, reference: Tensor, own: Tensor, marks: Tensor | None = None) -> Told:
        """A motion and a reference, as the network wants them.

        Args:
            motion: the driver's tokens [N, 192].
            own: those of the reference.
            marks: where the person shall be [N, 25, 3], if somebody knows better than the guide; NaN where not.
        """
        with torch.no_grad():
            now, then = (self.guide(tokens, reference) for tokens in (own, motion))
            if marks is not None:
                then = torch.where(marks.isnan(), then, marks)
        motion = (motion - self.middle) / self.spread
        parts = motion.split(list(WIDTHS.values()), 1)
        words = [layer(part).unflatten(1, (_WORDS, -1)) for layer, part in zip(self.words, parts, strict=True)]
        seen = self.reference_stem(self._cut(reference)) + self.reference_places
        asked = torch.cat([*words, seen + self.reference_bone_stem(self._bones(now))], 1)
        return Told(motion, asked, self.bone_stem(self._bones(then)), bent(reference, now, then))

    def forward(self, noisy: Tensor, noise: Tensor, told: Told) -> Tensor:
        """See the class; noise [N] is the angle's share, 0 = clean, 1 = noise alone."""
        turns = noise[:, None] * 2 * math.pi * 2 ** torch.linspace(-2, 5, 32, device=noise.device)
        moment = self.moment_out(self.moment(torch.cat([turns.sin(), turns.cos()], 1)))
        moment = (moment + self.motion_moment(told.motion)).unflatten(1, (9, -1))
        tokens = self.stem(self._cut(noisy)) + self.places + told.bones + self.guess_stem(self._cut(told.guess))
        for block in self.blocks:
            tokens = block(tokens, told.asked, moment)
        coarse = told.guess[:, :3] + self._joined(self.head(self.last(tokens)))
        return coarse + self.fine_out(self.fine(torch.cat([coarse, noisy, told.guess], 1)))

    def _bones(self, marks: Tensor) -> Tensor:
        """How near the bones are to each patch's quarters, [N, T, 4 · bones]."""
        cells = 2 * self.size.pixels // self.size.patch
        near = functional.avg_pool2d(bone_map(marks, 2 * cells), 2)
        return functional.pixel_unshuffle(near, 2).flatten(2).transpose(1, 2)

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


def denoising_loss(network: TokenRenderer, pictures: Tensor, told: Told, times: int = 2) -> Tensor:
    """The squared error of what is said to be clean at random shares of noise, `times` for each picture, more often
    large ones, where motion is settled; little noise counts more, and so does the figure."""
    told, pictures = told.repeated(times), pictures.repeat(times, 1, 1, 1)
    guess = told.guess[:, :3]
    noise = torch.rand(len(pictures), device=pictures.device) ** 0.7
    clean, dirty = _mixed(noise)
    noisy = guess + clean * (pictures - guess) + dirty * _GRAIN * torch.randn_like(pictures)
    said = network(noisy, noise, told)
    weight = 1 + (pictures.abs().amax(1, keepdim=True) > 0.05)
    return (weight * (said.float() - pictures).square() / (dirty.square() + 0.1)).mean()


@torch.no_grad()
def draw(say: Callable[[Tensor, Tensor], Tensor], guess: Tensor, steps: int = 2, seed: int = 0) -> Tensor:
    """Pictures from guesses [N, 3, P, P] by DDIM without noise of its own; `say` tells from noisy pictures and how
    noisy they are, [N], what is clean."""
    # Everybody starts from the same noise: what differs is of the motion and the person.
    one = torch.randn(1, *guess.shape[1:], generator=torch.Generator().manual_seed(seed))
    noisy = guess + _GRAIN * one
    shares = torch.linspace(_MOST_NOISE, _LEAST_NOISE, steps)[:, None].repeat(1, len(guess))
    picture = noisy
    for i, share in enumerate(shares):
        clean, dirty = _mixed(share)
        picture = say(noisy, share).clamp(-1, 1)
        grain = (noisy - guess - clean * (picture - guess)) / dirty
        if i + 1 < steps:
            clean, dirty = _mixed(shares[i + 1])
            noisy = guess + clean * (picture - guess) + dirty * grain
    return picture * (picture.abs().amax(1, keepdim=True) > _FAINT)


class _Deployed(nn.Module):
    """One step of drawing, 16-bit weights in the plain layers."""

    def __init__(self, network: TokenRenderer) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).cpu().eval()
        narrow(self.network)

    def forward(
        self, noisy: Tensor, noise: Tensor, tokens: Tensor, reference: Tensor, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `export`."""
        told = self.network.told(tokens, as_values(reference), own)
        return self.network(noisy, noise, told), told.guess[:, :3]


def as_values(pictures: Tensor) -> Tensor:
    """uint8 [N, P, P, 3] → float32 [N, 3, P, P], grey = 0."""
    return (pictures.permute(0, 3, 1, 2).float() - GREY) / 127.5


def as_pictures(values: Tensor) -> np.ndarray:
    """The way back."""
    return (values.permute(0, 2, 3, 1) * 127.5 + GREY).round().clamp(0, 255).byte().cpu().numpy()


def export(network: TokenRenderer, folder: Path, about: CardText, quality: dict[str, float]) -> None:
    """Keep it as `folder`/model.onnx with its card."""
    side = network.size.pixels
    values, picture = (-1, 3, side, side), (-1, side, side, 3)
    shapes: Sequence[Shape] = (
        ("input", "noisy", values, f"bent + cos · (clean - bent) + sin · {_GRAIN} · noise, at `noise` right angles"),
        ("input", "noise", (-1,), "0 = clean, 1 = noise alone"),
        ("input", "tokens", (-1, TOKENS), "the driver's, of training/models/motion_tokens"),
        ("input", "reference", picture, "uint8 RGB, cut out as training/token_renderer_data.py does"),
        ("input", "own", (-1, TOKENS), "the tokens of the reference"),
        ("output", "clean", values, "RGB of the reference's person in the driver's motion, -1..1, 0 = grey"),
        ("output", "bent", values, "the reference bent that way"),
    )
    example = (torch.zeros(2, 3, side, side), torch.zeros(2), torch.zeros(2, TOKENS),
               torch.zeros(2, side, side, 3, dtype=torch.uint8), torch.zeros(2, TOKENS))
    export_network(_Deployed(network), example, folder, about, shapes, quality)


def load_renderer(folder: Path = FOLDER) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """The kept renderer: the driver's tokens [N, 192], references uint8 [N, P, P, 3] and their tokens → uint8
    [N, P, P, 3]; references cut out as token_renderer_data does.

    Raises:
        SemblanceError: if it is not there, or not what its card says.
    """
    kept = Network(folder, "Token renderer")

    def drawn(tokens: np.ndarray, references: np.ndarray, own: np.ndarray) -> np.ndarray:
        def say(noisy: Tensor, noise: Tensor, name: str = "clean") -> Tensor:
            return torch.from_numpy(kept.run([name], noisy=noisy.numpy(), noise=noise.numpy(), tokens=tokens,
                                             reference=references, own=own)[0])

        return as_pictures(draw(say, say(as_values(torch.from_numpy(references)), torch.ones(len(tokens)), "bent")))

    return drawn
